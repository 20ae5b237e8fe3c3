/*
 * Unicode's full case folding and its compatibility decomposition (libunistring) make of a name a row of
 * letters, each followed by its marks. Letters must be equal one by one. So must their marks, except where
 * one side has none and the script is one in which people leave them out: é may be written e, but й is not и,
 * nor is कि क.
 */
#include "value/last_name.h"
#include "text/arena.h"
#include "text/str.h"

#include <errno.h>
#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

enum { STROKE = 0x335 }; /* a mark: combining short stroke overlay */

/* Latin letters that Unicode does not take apart, and how they are written without their mark. */
static const struct {
	ucs4_t letter, base, next; /* next: a second letter, or a mark; 0: none */
} apart[] = {
	{0x00e6, 'a', 'e'},    /* æ */
	{0x00f0, 'd', STROKE}, /* ð */
	{0x00f8, 'o', STROKE}, /* ø */
	{0x00fe, 't', 'h'},    /* þ */
	{0x0111, 'd', STROKE}, /* đ */
	{0x0127, 'h', STROKE}, /* ħ */
	{0x0131, 'i', STROKE}, /* ı */
	{0x0142, 'l', STROKE}, /* ł */
	{0x0153, 'o', 'e'},    /* œ */
	{0x0167, 't', STROKE}, /* ŧ */
};

/* A letter with its marks, in folded text. */
struct letter {
	ucs4_t base; /* 0: the end */
	const uint32_t *marks;
	size_t n;
};

static bool is_letter(ucs4_t c)
{
	bool apostrophe = c >= 0x2b9 && c <= 0x2ff; /* the ʼ and ʻ that count as letters elsewhere */
	return !apostrophe && uc_is_general_category_withtable(c, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N);
}

static bool is_mark(ucs4_t c)
{
	return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_M);
}

/* The next letter at *at, which moves behind it. A mark without a letter (an accent for an apostrophe:
   O´Brien) is passed over with whatever it stands on. */
static struct letter next_letter(const uint32_t **at, const uint32_t *end)
{
	while (*at < end && !is_letter(**at))
		++*at;
	if (*at == end)
		return (struct letter){0};
	struct letter l = {.base = *(*at)++, .marks = *at};
	while (*at < end && is_mark(**at))
		++*at;
	l.n = (size_t)(*at - l.marks);
	return l;
}

/* Whether people leave the marks of such a letter out. */
static bool may_be_bare(ucs4_t base)
{
	const uc_script_t *script = uc_script(base);
	return script && (strcmp(script->name, "Latin") == 0 || strcmp(script->name, "Greek") == 0);
}

static bool same_letter(const struct letter *x, const struct letter *y)
{
	if (x->base != y->base)
		return false;
	if ((!x->n || !y->n) && may_be_bare(x->base))
		return true;
	return x->n == y->n && (!x->n || memcmp(x->marks, y->marks, x->n * sizeof *x->marks) == 0);
}

/* The text with each letter of the table taken apart, and without what is never seen; to be freed, NULL
   without memory. */
static uint32_t *taken_apart(const uint32_t *text, size_t n, size_t *length)
{
	uint32_t *out = calloc(2 * n + 1, sizeof *out);
	*length = 0;
	for (size_t i = 0; out && i < n; i++) {
		size_t k = 0;
		while (k < COUNT(apart) && apart[k].letter != text[i])
			k++;
		bool whole = k == COUNT(apart);
		if (!whole || !uc_is_property_default_ignorable_code_point(text[i]))
			out[(*length)++] = whole ? text[i] : apart[k].base;
		if (!whole && apart[k].next)
			out[(*length)++] = apart[k].next;
	}
	return out;
}

/* The name folded; to be freed, NULL where it is no UTF-8. */
static uint32_t *folded(const char *name, size_t *n)
{
	size_t points = 0, length = 0;
	errno = 0;
	uint32_t *text = u8_to_u32((const uint8_t *)name, strlen(name), NULL, &points);
	uint32_t *plain = text ? u32_casefold(text, points, NULL, UNINORM_NFKD, NULL, &length) : NULL;
	uint32_t *letters = plain ? taken_apart(plain, length, n) : NULL;
	free(text);
	free(plain);
	if (!letters && errno == ENOMEM)
		out_of_memory();
	return letters;
}

/* Whether two folded names are the same; *letters: they have any. */
static bool same_letters(
	const uint32_t *x, const uint32_t *x_end, const uint32_t *y, const uint32_t *y_end, bool *letters)
{
	struct letter a = next_letter(&x, x_end), b = next_letter(&y, y_end);
	*letters = a.base || b.base;
	while (a.base && b.base && same_letter(&a, &b)) {
		a = next_letter(&x, x_end);
		b = next_letter(&y, y_end);
	}
	return !a.base && !b.base;
}

bool last_name_same(const char *x, const char *y)
{
	size_t x_n = 0, y_n = 0;
	uint32_t *a = folded(x, &x_n), *b = folded(y, &y_n);
	bool letters = false;
	bool same = a && b && same_letters(a, a + x_n, b, b + y_n, &letters);
	free(a);
	free(b);
	return letters ? same : *x && strcmp(x, y) == 0;
}
