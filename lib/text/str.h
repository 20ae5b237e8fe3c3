/* A piece of text that somebody else owns: bytes from outside, with their length. p is NULL where there is
 * none. */
#ifndef STR_H
#define STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* How many elements an array has. */
#define COUNT(array) (sizeof(array) / sizeof *(array))

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

static inline struct str str_of(const char *text)
{
	return (struct str){text, text ? strlen(text) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *text)
{
	return a.p && strlen(text) == a.n && memcmp(a.p, text, a.n) == 0;
}

/* The byte to show of a text, and steps over what it stands for: '?' for a character that a terminal might
 * take as a command (C0, C1 in UTF-8); NUL at the end. */
static inline char str_shown(const char **at)
{
	unsigned char c = (unsigned char)**at;
	if (!c)
		return '\0';
	(*at)++;
	if (c < 0x20 || c == 0x7f)
		return '?';
	if (c != 0xc2 || (unsigned char)**at < 0x80 || (unsigned char)**at >= 0xa0)
		return (char)c;
	(*at)++;
	return '?';
}

/* A text with what is to be shown of it in its place. Returns it, as it does NULL. */
static inline char *str_plain(char *text)
{
	char *to = text;
	for (const char *at = text; to && (*to = str_shown(&at));)
		to++;
	return text;
}

/* Whether a line has nothing but blanks in it: nothing that could be lost. */
static inline bool str_blank(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r')
			return false;
	return true;
}

/* A number that is likely to differ where texts do (FNV-1a). */
static inline uint64_t str_hash(const char *text)
{
	uint64_t hash = 14695981039346656037u;
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211u;
	return hash;
}

/* The number that a text of ours begins with (an option of the state, a status that we wrote); 0 where there
 * is no text. What comes from outside is read by what says how it is wrong. */
static inline long long str_number(const char *text)
{
	return text ? strtoll(text, NULL, 10) : 0;
}

#endif
