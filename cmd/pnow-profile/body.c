/* Reading what a sender has sent: a body, or a whole request, and the names in it. */
#include "pnow-profile.h"
#include "text/buf.h"
#include "text/file.h"
#include "text/form.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

enum { DEPTH = 32 }; /* names below so many others are left out */

static void add_leaf(struct sample *s, const char *path, struct str value)
{
	if ((s->n & (s->n - 1)) == 0) { /* there is room for a power of two */
		struct leaf *more = arena_alloc(s->a, (s->n ? 2 * s->n : 1) * sizeof *more);
		if (s->n)
			memcpy(more, s->leaves, s->n * sizeof *more);
		s->leaves = more;
	}
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

/* Takes a form for the body; false where the text is none. */
static bool take_form(struct sample *s, struct str text)
{
	const char *wrong;
	while (text.n && strchr("\r\n", text.p[text.n - 1]))
		text.n--;
	s->body = form_json(s->a, text, &wrong);
	s->form = s->body.p;
	return s->form;
}

/* What a file holds: a body, and the headers of a request that it is in. */
static void read_file(struct sample *s, struct arena *a, const char *file)
{
	struct jtext_error error;
	bool input = strcmp(file, "-") == 0;
	size_t n;
	char *text = input ? read_input(a, &n) : file_read(a, file, &n);
	*s = (struct sample){.file = input ? "standard input" : file, .a = a};
	if (!text)
		errx(EX_DATAERR, "cannot read %s: %s", s->file, strerror(errno));
	if (!jtext_check((struct str){text, n}, &error)) {
		if (take_form(s, (struct str){text, n}))
			return;
		errx(EX_DATAERR, "%s: no JSON: %s at byte %zu", s->file, error.what, error.at);
	}
	size_t blank = strspn(text, " \t\r\n");
	while (strchr(" \t\r\n", text[n - 1]))
		n--;
	s->body = (struct str){text + blank, n - blank};
	s->headers = jtext_get(s->body, "headers");
	struct str inner = jtext_get(s->body, "body");
	bool request = jtext_type(s->headers) == JTEXT_OBJECT && jtext_get(s->body, "method").p && inner.p;
	if (!request) {
		s->headers = (struct str){0};
		return;
	}
	s->query = jtext_string(a, jtext_get(s->body, "query"));
	s->body = inner;
	if (str_is(inner, "\"\""))
		s->body.p = NULL;
	else if (jtext_type(inner) == JTEXT_STRING && !take_form(s, str_of(jtext_string(a, inner))))
		s->body = inner;
}

/* A field of a form that holds JSON may be the whole body. */
static void mark_inner(struct sample *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const char *path = s->leaves[i].path, *inner = *path == '/' ? strchr(path + 1, '/') : NULL;
		s->leaves[i].outer = inner ? (size_t)(inner - path) : 0;
	}
}

/* The profile that says no more than where a list of events seems to be in a body; its list has n 0 where
 * there is none. */
static struct profile guessed_list(struct arena *a, struct str body)
{
	struct profile p = {0};
	struct jtext_members members = jtext_members(a, body);
	const char *at = jtext_type(body) == JTEXT_ARRAY ? "/" : NULL;
	for (size_t i = 0; i < members.n && !at; i++) {
		struct str first = {0};
		struct sample entry = {.a = a};
		unsigned rank;
		if (jtext_next(members.at[i].value, &first))
			add_leaves(&entry, "", first, 0);
		for (size_t j = 0; j < entry.n && !at; j++) {
			const char *part = guess_event(&entry.leaves[j], &rank);
			if (part && strcmp(part, "name") == 0)
				at = arena_printf(a, "/%.*s", (int)members.at[i].name.n, members.at[i].name.p);
		}
	}
	p.event_list.at = arena_alloc(a, sizeof *p.event_list.at);
	p.event_list.at[0] = at;
	p.event_list.n = at != NULL;
	return p;
}

/* The samples of a file: one, or one for each of its events. */
static void add_samples(struct samples *all, struct arena *a, const char *file, const struct profile *profile)
{
	struct sample whole;
	size_t n;
	read_file(&whole, a, file);
	struct profile guessed = {0};
	if (!whole.body.p || webhook_challenge(a, profile, whole.body, NULL)) {
		all->probed = true;
		all->query = whole.query ? whole.query : all->query;
		return;
	}
	if (whole.form && profile && !profile->form)
		errx(EX_DATAERR, "%s: a form: write \"form\": true into the profile", whole.file);
	if (!profile)
		guessed = guessed_list(a, whole.body);
	const struct str *bodies = webhook_bodies(a, profile ? profile : &guessed, whole.body, &n);
	if (!n || jtext_type(bodies[0]) != JTEXT_OBJECT)
		errx(EX_DATAERR,
			"%s: expected the body of a webhook, a JSON object, or a request as pnow-hook -r records it",
			whole.file);
	all->at = allocated(reallocarray(all->at, all->n + n, sizeof *all->at));
	for (size_t i = 0; i < n; i++) {
		struct sample *s = &all->at[all->n++];
		*s = whole;
		s->body = bodies[i];
		s->list = guessed.event_list.n ? guessed.event_list.at[0] : NULL;
		if (n > 1)
			s->file = arena_printf(a, "%s, event %zu", whole.file, i + 1);
		add_headers(s);
		add_leaves(s, "", s->body, 0);
		if (s->form)
			mark_inner(s);
	}
}

struct samples samples_read(struct arena *a, char **files, const struct profile *profile)
{
	static char *input[] = {"-", NULL};
	struct samples all = {0};
	for (char **file = *files ? files : input; *file; file++)
		add_samples(&all, a, *file, profile);
	if (!all.n && profile)
		errx(EX_DATAERR,
			"no body is there: expected a webhook's, beside what only asks whether the hook is there");
	for (size_t i = 0; i < all.n; i++)
		all.at[i].request = (struct webhook_request){header, &all.at[i]};
	return all;
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
