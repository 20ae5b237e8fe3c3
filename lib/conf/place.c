/*
 * A pointer's names are matched folded (no case, no '_') against the body's, because the vendors spell the
 * same property in several ways and publish none of them. Nothing is kept of a place but its text: it is
 * short, and read where it stands.
 */
#include "conf/place.h"
#include "text/buf.h"

#include <ctype.h>

static const char joint[] = " + ", first[] = "#first", last[] = "#last";

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : (unsigned char)c;
}

/* The next letter of a text, folded: lower case, without '_' and, where blanks is set, without what words are
 * set apart with; -1 at the end. */
static int folded(struct str text, size_t *i, bool blanks)
{
	static const char between[] = " -.:/";
	while (*i < text.n && (text.p[*i] == '_' ||
							  (blanks && text.p[*i] < '0' && memchr(between, text.p[*i], strlen(between)))))
		++*i;
	return *i < text.n ? lower(text.p[(*i)++]) : -1;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether the first letters are others, which tells nearly always. */
static bool begin_otherwise(struct str x, struct str y)
{
	return x.n && y.n && (*x.p ^ *y.p) & ~0x20 && is_letter(*x.p) && is_letter(*y.p);
}

bool place_same(struct str x, struct str y, bool blanks)
{
	size_t i = 0, j = 0;
	if (begin_otherwise(x, y))
		return false;
	for (;;) {
		while (i < x.n && j < y.n && x.p[i] == y.p[j])
			i++, j++;
		int a = folded(x, &i, blanks), b = folded(y, &j, blanks);
		if (a != b)
			return false;
		if (a < 0)
			return true;
	}
}

static bool ends_with(struct str text, const char *end)
{
	size_t n = strlen(end);
	return text.n > n && memcmp(text.p + text.n - n, end, n) == 0;
}

/* The next of a place's values, with what picks a part of it. */
static bool next_part(const char **at, struct str *part)
{
	if (!**at)
		return false;
	const char *end = strstr(*at, joint);
	part->p = *at;
	part->n = end ? (size_t)(end - *at) : strlen(*at);
	*at += part->n + (end ? strlen(joint) : 0);
	return true;
}

/* A part without what picks of its value. */
static struct str pointer_of(struct str part)
{
	if (ends_with(part, first))
		part.n -= strlen(first);
	else if (ends_with(part, last))
		part.n -= strlen(last);
	return part;
}

bool place_pointer(const char **at, struct str *pointer)
{
	if (**at != '/' || !next_part(at, pointer))
		return false;
	*pointer = pointer_of(*pointer);
	return true;
}

const char *place_wrong(const char *place, enum place_use use)
{
	struct str part;
	if (use == PLACE_VALUE)
		return *place == '/' && !strstr(place, joint) && pointer_of(str_of(place)).n == strlen(place)
				   ? NULL
				   : "a JSON pointer, which starts with '/'";
	if (*place == '@' || *place == '=')
		return place[1] && (use == PLACE_EVENT || *place == '=') ? NULL : "a JSON pointer, or =TEXT";
	for (const char *at = place; next_part(&at, &part);)
		if (*part.p != '/' || (!*at && ends_with(str_of(place), joint)))
			return "JSON pointers, which start with '/', with \" + \" between two that are joined";
	return *place ? NULL : "a JSON pointer";
}

/* An entry of a list, by its number from 0. */
static struct str entry(struct str list, struct str number)
{
	struct str at = {0};
	size_t n = 0;
	for (size_t i = 0; i < number.n; i++) {
		if (!isdigit((unsigned char)number.p[i]) || n > 1000000)
			return (struct str){0};
		n = n * 10 + (size_t)(number.p[i] - '0');
	}
	do {
		if (!jtext_next(list, &at))
			return (struct str){0};
	} while (n--);
	return at;
}

static struct str property(struct place_body object, struct str name)
{
	struct jtext_member member;
	const struct jtext_members *members = object.members;
	for (size_t i = 0; members && i < members->n; i++)
		if (place_same(members->at[i].name, name, false))
			return members->at[i].value;
	for (const char *at = NULL; !members && jtext_next_member(object.text, &at, &member);)
		if (place_same(member.name, name, false))
			return member.value;
	return (struct str){0};
}

static struct str value_in(struct str pointer, struct place_body body)
{
	const char *end = pointer.p + pointer.n;
	for (const char *at = pointer.p; at < end && *at == '/' && body.text.p;) {
		struct str name = {++at, 0};
		while (at + name.n < end && at[name.n] != '/')
			name.n++;
		bool list = jtext_type(body.text) == JTEXT_ARRAY;
		body = place_in(list ? entry(body.text, name) : property(body, name));
		at += name.n;
	}
	return body.text;
}

struct str place_value(struct str pointer, struct str body)
{
	return value_in(pointer, place_in(body));
}

/* A person's first or last name in a whole one: the last word is the last name, or what stands before a
 * comma. */
static const char *name_part(struct arena *a, const char *whole, bool of_last)
{
	const char *comma = strchr(whole, ','), *space = strrchr(whole, ' ');
	if (comma)
		return of_last ? arena_copy(a, (struct str){whole, (size_t)(comma - whole)})
					   : comma + 1 + strspn(comma + 1, " ");
	if (of_last)
		return space ? space + 1 : "";
	return space ? arena_copy(a, (struct str){whole, (size_t)(space - whole)}) : whole;
}

static const char *part_text(struct arena *a, struct str part, struct place_body body)
{
	const char *text = jtext_scalar(a, value_in(pointer_of(part), body));
	bool of_last = ends_with(part, last);
	return text && (of_last || ends_with(part, first)) ? name_part(a, text, of_last) : text;
}

const char *place_text(struct arena *a, const char *place, struct place_body body)
{
	const char *joined = NULL;
	struct str part;
	if (*place == '=')
		return place + 1;
	if (*place == '@')
		return NULL;
	while (next_part(&place, &part)) {
		const char *text = part_text(a, part, body);
		if (text && *text)
			joined = joined ? arena_printf(a, "%s %s", joined, text) : text;
	}
	return joined;
}

bool place_told(const char *place, struct str body)
{
	struct str pointer;
	if (*place == '=')
		return true;
	while (place_pointer(&place, &pointer))
		if (place_value(pointer, body).p)
			return true;
	return false;
}
