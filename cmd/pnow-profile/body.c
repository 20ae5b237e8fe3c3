/* Reading what a sender has sent: a body, or a whole request, and the names in it. */
#include "pnow-profile.h"
#include "text/buf.h"
#include "text/file.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

enum { DEPTH = 32 }; /* names below so many others are left out */

static void add_leaf(struct sample *s, const char *path, struct str value)
{
	s->leaves = allocated(reallocarray(s->leaves, s->n + 1, sizeof *s->leaves));
	s->leaves[s->n++] = (struct leaf){.path = path, .value = value, .text = jtext_scalar(s->a, value)};
}

static void add_leaves(struct sample *s, const char *path, struct str value, int depth)
{
	struct jtext_members members = jtext_members(s->a, value);
	struct str entry = {0};
	if (depth == DEPTH)
		return;
	for (size_t i = 0; i < members.n; i++)
		add_leaves(s, arena_printf(s->a, "%s/%.*s", path, (int)members.at[i].name.n, members.at[i].name.p),
			members.at[i].value, depth + 1);
	bool list = jtext_next(value, &entry);
	if (list)
		add_leaves(s, arena_printf(s->a, "%s/0", path), entry, depth + 1);
	if (!members.n && !list && *path)
		add_leaf(s, path, value);
}

/* webhook_request.header of a recorded request. */
static const char *header(const void *transport, const char *name)
{
	const struct sample *s = transport;
	for (size_t i = 0; i < s->n; i++)
		if (*s->leaves[i].path == '@' && strcasecmp(s->leaves[i].path + 1, name) == 0)
			return s->leaves[i].text;
	return NULL;
}

static void add_headers(struct sample *s)
{
	struct jtext_members members = jtext_members(s->a, s->headers);
	for (size_t i = 0; i < members.n; i++) {
		struct str name = members.at[i].name;
		add_leaf(s, arena_printf(s->a, "@%.*s", (int)name.n, name.p), members.at[i].value);
	}
}

static char *read_input(struct arena *a, size_t *n)
{
	struct buf text = {0};
	ssize_t got;
	do {
		buf_reserve(&text, 65536);
		got = read(STDIN_FILENO, text.p + text.n, text.room - text.n);
		text.n += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	*n = text.n;
	return got < 0 ? NULL : arena_copy(a, buf_take(&text, a));
}

static void read_sample(struct sample *s, struct arena *a, const char *file)
{
	struct jtext_error error;
	bool input = strcmp(file, "-") == 0;
	size_t n;
	char *text = input ? read_input(a, &n) : file_read(a, file, &n);
	*s = (struct sample){.file = input ? "standard input" : file, .a = a};
	if (!text)
		errx(EX_DATAERR, "cannot read %s: %s", s->file, strerror(errno));
	if (!jtext_check((struct str){text, n}, &error))
		errx(EX_DATAERR, "%s: no JSON: %s at byte %zu", s->file, error.what, error.at);
	size_t blank = strspn(text, " \t\r\n");
	while (strchr(" \t\r\n", text[n - 1]))
		n--;
	s->body = (struct str){text + blank, n - blank};
	s->headers = jtext_get(s->body, "headers");
	struct str inner = jtext_get(s->body, "body");
	bool request = jtext_type(s->headers) == JTEXT_OBJECT && jtext_get(s->body, "method").p && inner.p;
	if (request)
		s->body = inner;
	else
		s->headers = (struct str){0};
	if (jtext_type(s->body) != JTEXT_OBJECT)
		errx(EX_DATAERR,
			"%s: expected the body of a webhook, a JSON object, or a request as pnow-hook -r records it",
			s->file);
	add_headers(s);
	add_leaves(s, "", s->body, 0);
	s->request = (struct webhook_request){header, s};
}

struct sample *samples_read(struct arena *a, char **files, size_t *n)
{
	static char *input[] = {"-", NULL};
	if (!*files)
		files = input;
	for (*n = 0; files[*n];)
		++*n;
	struct sample *samples = arena_alloc(a, *n * sizeof *samples);
	for (size_t i = 0; i < *n; i++)
		read_sample(&samples[i], a, files[i]);
	return samples;
}

const struct webhook_request *sample_request(const struct sample *s)
{
	return s->headers.p ? &s->request : NULL;
}

struct leaf *sample_leaf(const struct sample *s, struct str pointer, struct str object)
{
	struct str value = place_value(pointer, object);
	for (size_t i = 0; value.p && i < s->n; i++)
		if (s->leaves[i].value.p == value.p)
			return &s->leaves[i];
	return NULL;
}
