/* Fields are cut at '&' and then '=', and only then decoded. What is no escape ("%zz") stays what it is. */
#include "text/form.h"
#include "text/buf.h"
#include "text/jtext.h"

#include <ctype.h>

static int digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* plus: what a '+' becomes. */
static struct str decoded(struct arena *a, struct str text, char plus)
{
	char *out = arena_copy(a, text);
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++) {
		bool escape = text.p[i] == '%' && i + 2 < text.n && isxdigit((unsigned char)text.p[i + 1]) &&
					  isxdigit((unsigned char)text.p[i + 2]);
		char c = text.p[i] == '+' ? plus : text.p[i];
		if (escape) {
			c = (char)(digit(text.p[i + 1]) * 16 + digit(text.p[i + 2]));
			i += 2;
		}
		out[n++] = c;
	}
	out[n] = '\0';
	return (struct str){out, n};
}

/* The next field, as it is written; value's p is NULL where there is no '='. False behind the last. */
static bool next_field(struct str *rest, struct str *name, struct str *value)
{
	if (!rest->n)
		return false;
	const char *end = memchr(rest->p, '&', rest->n);
	struct str field = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
	const char *equals = memchr(field.p, '=', field.n);
	size_t used = field.n + (end != NULL);
	*name = (struct str){field.p, equals ? (size_t)(equals - field.p) : field.n};
	*value = equals ? (struct str){equals + 1, field.n - name->n - 1} : (struct str){0};
	*rest = (struct str){rest->p + used, rest->n - used};
	return true;
}

static struct str find(struct arena *a, const char *query, const char *wanted, char plus)
{
	struct str rest = str_of(query), name, value;
	while (next_field(&rest, &name, &value))
		if (value.p && str_is(decoded(a, name, plus), wanted))
			return decoded(a, value, plus);
	return (struct str){0};
}

struct str form_parameter(struct arena *a, const char *query, const char *name)
{
	return find(a, query, name, '+');
}

struct str form_field(struct arena *a, const char *query, const char *name)
{
	return find(a, query, name, ' ');
}

/* Whether a text is a JSON object or list. */
static bool is_json(struct str text)
{
	struct jtext_error error;
	return text.n > 1 && (*text.p == '{' || *text.p == '[') && jtext_check(text, &error);
}

struct str form_json(struct arena *a, struct str form, const char **wrong)
{
	struct buf out = {0};
	struct str rest = form, name, value;
	buf_putc(&out, '{');
	*wrong = form.n ? NULL : "it is empty";
	while (!*wrong && next_field(&rest, &name, &value)) {
		if (!value.p)
			*wrong = "a field has no '='";
		name = decoded(a, name, ' ');
		value = decoded(a, value, ' ');
		if (!jtext_is_utf8(name) || !jtext_is_utf8(value))
			*wrong = "a field is no UTF-8";
		buf_puts(&out, out.n > 1 ? "," : "");
		buf_json(&out, name);
		buf_putc(&out, ':');
		if (is_json(value))
			buf_add(&out, value);
		else
			buf_json(&out, value);
	}
	buf_putc(&out, '}');
	struct str json = buf_take(&out, a);
	if (*wrong)
		return (struct str){0};
	return json;
}
