/*
 * A strict JSON reader that builds nothing: one pass says whether a text is JSON in UTF-8 and where an
 * object's members stand. The lookups afterwards trust that check and only skip. Strings, most of a record,
 * are passed eight bytes at a time.
 */
#include "text/jtext.h"
#include "text/scan.h"

#include <stdlib.h>

struct reader {
	const char *p;
	const char *end;
	const char *what; /* the error */
};

static const char *fail(struct reader *r, const char *at, const char *what)
{
	r->p = at;
	r->what = what;
	return NULL;
}

static const char *blanks(const char *p, const char *end)
{
	while (p < end && (unsigned char)*p <= ' ' && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
		   : c >= 'a' && c <= 'f' ? c - 'a' + 10
		   : c >= 'A' && c <= 'F' ? c - 'A' + 10
								  : -1;
}

/* The length of the escape whose backslash is at p, 0 where it is none. */
static size_t escape(const char *p, const char *end)
{
	if (end - p < 2)
		return 0;
	if (p[1] != 'u')
		return p[1] && strchr("\"\\/bfnrt", p[1]) ? 2 : 0;
	if (end - p < 6)
		return 0;
	for (int i = 2; i < 6; i++)
		if (hex(p[i]) < 0)
			return 0;
	return 6;
}

/* Behind the string whose opening quote is at p. */
static const char *string(struct reader *r, const char *p)
{
	size_t n;
	for (p = scan_plain(p + 1, r->end); p < r->end; p = scan_plain(p + n, r->end)) {
		if (*p == '"')
			return p + 1;
		if ((unsigned char)*p < 0x20)
			return fail(r, p, "a control character in a string");
		n = *p == '\\' ? escape(p, r->end) : scan_utf8(p, r->end);
		if (!n)
			return fail(r, p, *p == '\\' ? "not an escape" : "invalid UTF-8");
	}
	return fail(r, p, "a string does not end");
}

static const char *digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static const char *number(struct reader *r, const char *p)
{
	const char *start = p;
	if (*p == '-')
		p++;
	const char *whole = p;
	p = digits(p, r->end);
	if (p == whole || (*whole == '0' && p - whole > 1))
		return fail(r, start, "not a value");
	if (p < r->end && *p == '.') {
		const char *fraction = ++p;
		if ((p = digits(p, r->end)) == fraction)
			return fail(r, start, "not a number");
	}
	if (p < r->end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < r->end && (*p == '+' || *p == '-'))
			p++;
		const char *exponent = p;
		if ((p = digits(p, r->end)) == exponent)
			return fail(r, start, "not a number");
	}
	return p;
}

static const char *word(struct reader *r, const char *p, struct str text)
{
	if ((size_t)(r->end - p) < text.n || memcmp(p, text.p, text.n) != 0)
		return fail(r, p, "not a value");
	return p + text.n;
}

static void add_member(struct jtext_members *members, struct str name, struct str value)
{
	if (members->n == members->room) {
		members->room = members->room ? members->room * 2 : 32;
		members->at = allocated(reallocarray(members->at, members->room, sizeof *members->at));
	}
	members->at[members->n++] = (struct jtext_member){name, value};
}

static const char *value(struct reader *r, const char *p, int depth);

/* Behind the object at p; its members go into *members where that is not NULL. */
static const char *object(struct reader *r, const char *p, int depth, struct jtext_members *members)
{
	p = blanks(p + 1, r->end);
	if (p < r->end && *p == '}')
		return p + 1;
	for (;;) {
		if (p == r->end || *p != '"')
			return fail(r, p, "a name in quotes is missing");
		const char *name = p + 1;
		if (!(p = string(r, p)))
			return NULL;
		struct str named = {name, (size_t)(p - 1 - name)};
		p = blanks(p, r->end);
		if (p == r->end || *p != ':')
			return fail(r, p, "a colon is missing");
		const char *start = p = blanks(p + 1, r->end);
		if (!(p = value(r, p, depth)))
			return NULL;
		if (members)
			add_member(members, named, (struct str){start, (size_t)(p - start)});
		p = blanks(p, r->end);
		if (p < r->end && *p == '}')
			return p + 1;
		if (p == r->end || *p != ',')
			return fail(r, p, "an object does not end");
		p = blanks(p + 1, r->end);
	}
}

static const char *array(struct reader *r, const char *p, int depth)
{
	p = blanks(p + 1, r->end);
	if (p < r->end && *p == ']')
		return p + 1;
	for (;;) {
		if (!(p = value(r, p, depth)))
			return NULL;
		p = blanks(p, r->end);
		if (p < r->end && *p == ']')
			return p + 1;
		if (p == r->end || *p != ',')
			return fail(r, p, "an array does not end");
		p = blanks(p + 1, r->end);
	}
}

/* Behind the value at p, NULL where none stands there. */
static const char *value(struct reader *r, const char *p, int depth)
{
	if (p == r->end)
		return fail(r, p, "a value is missing");
	if (depth == JTEXT_DEPTH)
		return fail(r, p, "nested too deeply");
	switch (*p) {
	case '{':
		return object(r, p, depth + 1, NULL);
	case '[':
		return array(r, p, depth + 1);
	case '"':
		return string(r, p);
	case 't':
		return word(r, p, STR("true"));
	case 'f':
		return word(r, p, STR("false"));
	case 'n':
		return word(r, p, STR("null"));
	default:
		return number(r, p);
	}
}

/* The end of the text must follow. Writes the error, if there is one. */
static bool finish(struct reader *r, struct str text, const char *p, struct jtext_error *error)
{
	if (p && (p = blanks(p, r->end)) != r->end)
		p = fail(r, p, "text follows the value");
	if (!p && error)
		*error = (struct jtext_error){(size_t)(r->p - text.p), r->what};
	return p;
}

/* A reader of a text; of "" where there is none. */
static struct reader reader_of(struct str *text)
{
	if (!text->p)
		*text = STR("");
	return (struct reader){.end = text->p + text->n};
}

bool jtext_check_inside(struct str text, int levels, struct jtext_error *error)
{
	struct reader r = reader_of(&text);
	return finish(&r, text, value(&r, blanks(text.p, r.end), levels), error);
}

bool jtext_check(struct str text, struct jtext_error *error)
{
	return jtext_check_inside(text, 0, error);
}

bool jtext_check_object(struct str text, struct jtext_members *members, struct jtext_error *error)
{
	struct reader r = reader_of(&text);
	const char *p = blanks(text.p, r.end);
	members->n = 0;
	if (p == r.end || *p != '{')
		p = value(&r, p, 0) ? fail(&r, p, "not an object") : NULL;
	else
		p = object(&r, p, 1, members);
	return finish(&r, text, p, error);
}

/* Behind the object or the list at p, in a text that was checked. */
static const char *skip_nested(const char *p, const char *end)
{
	int depth = 0;
	while (p < end)
		switch (*p) {
		case '"':
			p = scan_string(p, end);
			break;
		case '{':
		case '[':
			depth++;
			p++;
			break;
		case '}':
		case ']':
			p++;
			if (--depth == 0)
				return p;
			break;
		default:
			p++;
		}
	return end;
}

/* Behind the value at p, in a text that was checked. */
static const char *skip(const char *p, const char *end)
{
	if (p < end && *p == '"')
		return scan_string(p, end);
	if (p < end && (*p == '{' || *p == '['))
		return skip_nested(p, end);
	while (p < end && *p != ',' && *p != '}' && *p != ']' && (unsigned char)*p > ' ')
		p++;
	return p;
}

/* The next member of an object that was checked; *at is NULL before the first. False after the last. */
static bool next_member(struct str text, const char **at, struct jtext_member *member)
{
	const char *end = text.p + text.n;
	const char *p = blanks(*at ? *at : text.p + 1, end);
	if (p < end && *p == ',')
		p = blanks(p + 1, end);
	if (p >= end || *p != '"')
		return false;
	const char *name = p + 1;
	p = scan_string(p, end);
	member->name = (struct str){name, (size_t)(p - 1 - name)};
	member->value.p = blanks(blanks(p, end) + 1, end);
	*at = skip(member->value.p, end);
	member->value.n = (size_t)(*at - member->value.p);
	return true;
}

bool jtext_next_member(struct str object, const char **at, struct jtext_member *member)
{
	return jtext_type(object) == JTEXT_OBJECT && next_member(object, at, member);
}

struct jtext_members jtext_members(struct arena *a, struct str text)
{
	struct jtext_members members = {0};
	struct jtext_member member;
	if (jtext_type(text) != JTEXT_OBJECT)
		return members;
	for (const char *at = NULL; next_member(text, &at, &member);) {
		if (members.n == members.room) {
			struct jtext_member *before = members.at;
			members.room = members.room ? members.room * 2 : 16;
			members.at = arena_alloc(a, members.room * sizeof *members.at);
			if (members.n)
				memcpy(members.at, before, members.n * sizeof *before);
		}
		members.at[members.n++] = member;
	}
	return members;
}

/* Four hex digits behind \u. */
static unsigned code_unit(const char *p)
{
	return (unsigned)(hex(p[0]) << 12 | hex(p[1]) << 8 | hex(p[2]) << 4 | hex(p[3]));
}

static char *put_utf8(char *out, unsigned c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 63));
		*out++ = (char)(0x80 | (c & 63));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 63));
		*out++ = (char)(0x80 | (c >> 6 & 63));
		*out++ = (char)(0x80 | (c & 63));
	}
	return out;
}

/* Decodes the escape at *p, moves *p behind it. */
static char *put_escape(char *out, const char **p, const char *end)
{
	static const char letters[] = "bfnrt", means[] = "\b\f\n\r\t";
	char c = (*p)[1];
	if (c != 'u') {
		const char *letter = strchr(letters, c);
		*out++ = letter ? means[letter - letters] : c;
		*p += 2;
		return out;
	}
	unsigned code = code_unit(*p + 2);
	*p += 6;
	if (code >= 0xd800 && code < 0xdc00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
		unsigned low = code_unit(*p + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			*p += 6;
			return put_utf8(out, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
		}
	}
	return put_utf8(out, code == 0 || (code >= 0xd800 && code < 0xe000) ? 0xfffd : code);
}

/* The text between a string's quotes, decoded; never longer than it was written, but for U+FFFD (3 bytes for
 * 6). */
static char *decode(struct arena *a, struct str inside)
{
	const char *p = inside.p, *end = p + inside.n;
	if (!memchr(p, '\\', inside.n))
		return arena_copy(a, inside);
	char *text = arena_alloc(a, inside.n + 1), *out = text;
	while (p < end) {
		if (*p == '\\')
			out = put_escape(out, &p, end);
		else
			*out++ = *p++;
	}
	return text;
}

static int by_text(const void *x, const void *y)
{
	return strcmp(*(char *const *)x, *(char *const *)y);
}

/* jtext_twice for objects with more members than a comparison of each with each is good for. */
static const char *twice_among_many(struct arena *a, const struct jtext_members *members)
{
	char **names = arena_alloc(a, members->n * sizeof *names);
	for (size_t i = 0; i < members->n; i++)
		names[i] = decode(a, members->at[i].name);
	qsort(names, members->n, sizeof *names, by_text);
	for (size_t i = 1; i < members->n; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return names[i];
	return NULL;
}

const char *jtext_twice(struct arena *a, const struct jtext_members *members)
{
	if (members->n > 32)
		return twice_among_many(a, members);
	for (size_t i = 0; i < members->n; i++)
		if (memchr(members->at[i].name.p, '\\', members->at[i].name.n))
			return twice_among_many(a, members);
	for (size_t i = 1; i < members->n; i++)
		for (size_t j = 0; j < i; j++)
			if (str_eq(members->at[i].name, members->at[j].name))
				return arena_copy(a, members->at[i].name);
	return NULL;
}

/* Whether a name as written is this one. Their first bytes tell nearly always. */
static bool is_named(struct str written, struct str wanted)
{
	if (wanted.n && written.p[0] != wanted.p[0] && written.p[0] != '\\')
		return false;
	if (str_eq(written, wanted))
		return true;
	if (written.n <= wanted.n || !memchr(written.p, '\\', written.n))
		return false;
	struct arena a = {0};
	bool same = str_eq(str_of(decode(&a, written)), wanted);
	arena_free(&a);
	return same;
}

bool jtext_named(struct str written, const char *name)
{
	return is_named(written, str_of(name));
}

struct str jtext_member(const struct jtext_members *members, const char *name)
{
	struct str wanted = str_of(name);
	for (size_t i = 0; i < members->n; i++)
		if (is_named(members->at[i].name, wanted))
			return members->at[i].value;
	return (struct str){0};
}

struct str jtext_get(struct str text, const char *name)
{
	struct str wanted = str_of(name);
	struct jtext_member member;
	if (jtext_type(text) == JTEXT_OBJECT)
		for (const char *at = NULL; next_member(text, &at, &member);)
			if (is_named(member.name, wanted))
				return member.value;
	return (struct str){0};
}

bool jtext_next(struct str text, struct str *at)
{
	if (jtext_type(text) != JTEXT_ARRAY)
		return false;
	const char *end = text.p + text.n;
	const char *p = blanks(at->p ? at->p + at->n : text.p + 1, end);
	if (p < end && *p == ',')
		p = blanks(p + 1, end);
	if (p >= end || *p == ']')
		return false;
	at->p = p;
	at->n = (size_t)(skip(p, end) - p);
	return true;
}

enum jtext_type jtext_type(struct str text)
{
	if (!text.p || !text.n)
		return JTEXT_NONE;
	switch (text.p[0]) {
	case '{':
		return JTEXT_OBJECT;
	case '[':
		return JTEXT_ARRAY;
	case '"':
		return JTEXT_STRING;
	case 't':
		return JTEXT_TRUE;
	case 'f':
		return JTEXT_FALSE;
	case 'n':
		return JTEXT_NULL;
	default:
		return JTEXT_NUMBER;
	}
}

char *jtext_string(struct arena *a, struct str text)
{
	return jtext_type(text) == JTEXT_STRING ? decode(a, (struct str){text.p + 1, text.n - 2}) : NULL;
}

char *jtext_scalar(struct arena *a, struct str text)
{
	switch (jtext_type(text)) {
	case JTEXT_STRING:
		return jtext_string(a, text);
	case JTEXT_NUMBER:
	case JTEXT_TRUE:
	case JTEXT_FALSE:
		return arena_copy(a, text);
	default:
		return NULL;
	}
}

bool jtext_is_utf8(struct str bytes)
{
	const char *end = bytes.p + bytes.n;
	for (const char *p = scan_plain(bytes.p, end); p < end; p = scan_plain(p, end)) {
		size_t n = scan_utf8(p, end);
		if (!n)
			return false;
		p += n;
	}
	return true;
}
