/*
 * Golden files: DIR/NAME.json is what an EMR has sent, DIR/NAME.event.json the event that shall come of it. A
 * practice keeps them beside its profile, and sees what a change of it changes.
 */
#include "pnow-profile.h"
#include "stream/table.h"
#include "text/buf.h"
#include "text/file.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static const char golden[] = ".event.json", body[] = ".json";

/* A text flattened: a path and a value a line. */
struct line {
	const char *path;
	struct str value;
};

struct lines {
	struct line *at;
	size_t n;
};

static void flatten(struct arena *a, struct lines *lines, const char *path, struct str value)
{
	struct jtext_members members = jtext_members(a, value);
	size_t number = 0;
	for (size_t i = 0; i < members.n; i++)
		flatten(a, lines, arena_printf(a, "%s/%.*s", path, (int)members.at[i].name.n, members.at[i].name.p),
			members.at[i].value);
	for (struct str at = {0}; jtext_next(value, &at);)
		flatten(a, lines, arena_printf(a, "%s/%zu", path, number++), at);
	if (members.n || number)
		return;
	lines->at = allocated(reallocarray(lines->at, lines->n + 1, sizeof *lines->at));
	lines->at[lines->n++] = (struct line){path, value};
}

static const struct line *find(const struct lines *lines, const char *path)
{
	for (size_t i = 0; i < lines->n; i++)
		if (strcmp(lines->at[i].path, path) == 0)
			return &lines->at[i];
	return NULL;
}

static void show(char sign, const struct line *line)
{
	if (line)
		printf("%c%s%s%.*s\n", sign, *line->path ? line->path + 1 : "", *line->path ? ": " : "",
			(int)line->value.n, line->value.p);
}

/* Shows where what is differs from what should be, as diff -u does; the number of lines that should be
 * otherwise. */
static unsigned compare(const char *names[2], const struct lines *wanted, const struct lines *got)
{
	unsigned differ = 0;
	for (size_t i = 0; i < wanted->n + got->n; i++) {
		const char *path = i < wanted->n ? wanted->at[i].path : got->at[i - wanted->n].path;
		const struct line *want = find(wanted, path), *is = find(got, path);
		if ((i >= wanted->n && want) || (want && is && str_eq(want->value, is->value)))
			continue;
		if (!differ++)
			printf("--- %s\n+++ what the profile makes of %s\n", names[0], names[1]);
		show('-', want);
		show('+', is);
	}
	return differ;
}

static struct str read_golden(struct arena *a, const char *path)
{
	struct jtext_error error;
	size_t n;
	char *text = file_read(a, path, &n);
	if (!text)
		errx(EX_DATAERR, "cannot read %s: %s", path, strerror(errno));
	if (!jtext_check((struct str){text, n}, &error))
		errx(EX_DATAERR, "%s: no JSON: %s at byte %zu", path, error.what, error.at);
	size_t blank = strspn(text, " \t\r\n");
	while (strchr(" \t\r\n", text[n - 1]))
		n--;
	return (struct str){text + blank, n - blank};
}

/* The event of a body; a list where it holds several. */
static struct str events_of(struct task *t, const struct samples *samples)
{
	struct buf list = {0};
	if (samples->n == 1)
		return event_of(&t->a, t->profile, samples->at);
	for (size_t i = 0; i < samples->n; i++) {
		buf_putc(&list, i ? ',' : '[');
		buf_add(&list, event_of(&t->a, t->profile, &samples->at[i]));
	}
	buf_putc(&list, ']');
	return buf_take(&list, &t->a);
}

/* Whether the event of a body is as its golden file says. */
static bool holds(struct task *t, const char *folder, const char *name)
{
	struct arena *a = &t->a;
	char *path = arena_printf(a, "%s/%s%s", folder, name, body), *paths[] = {path, NULL};
	const char *names[] = {arena_printf(a, "%s/%s%s", folder, name, golden), path};
	struct samples samples = samples_read(a, paths, t->profile);
	struct lines wanted = {0}, got = {0};
	flatten(a, &wanted, "", read_golden(a, names[0]));
	flatten(a, &got, "", events_of(t, &samples));
	free(samples.at);
	bool same = compare(names, &wanted, &got) == 0;
	free(wanted.at);
	free(got.at);
	return same;
}

/* The name of a body in a folder, or NULL. */
static const char *name_in(struct arena *a, const char *file)
{
	size_t n = strlen(file), end = strlen(body);
	bool is = *file != '.' && n > end && strcmp(file + n - end, body) == 0;
	bool is_golden = n > strlen(golden) && strcmp(file + n - strlen(golden), golden) == 0;
	return is && !is_golden ? arena_copy(a, (struct str){file, n - end}) : NULL;
}

struct count {
	unsigned bodies, wrong;
};

static void test_folder(struct task *t, const char *folder, struct count *count)
{
	struct dirent **files;
	int n = scandir(folder, &files, NULL, alphasort);
	if (n < 0)
		errx(EX_DATAERR, "cannot read %s: %s", folder, strerror(errno));
	for (int i = 0; i < n; i++) {
		const char *name = name_in(&t->a, files[i]->d_name);
		bool there = false;
		for (int j = 0; name && j < n; j++)
			there |= strcmp(files[j]->d_name, arena_printf(&t->a, "%s%s", name, golden)) == 0;
		if (!name)
			continue;
		count->bodies++;
		if (!there)
			warnx("%s/%s%s has no %s%s: pnow-profile event %s/%s%s >%s/%s%s makes it, for you to read",
				folder, name, body, name, golden, folder, name, body, folder, name, golden);
		count->wrong += !there || !holds(t, folder, name);
	}
	for (int i = 0; i < n; i++)
		free(files[i]);
	free(files);
}

int test(struct task *t, char **folders)
{
	struct count count = {0};
	for (; *folders; folders++)
		test_folder(t, *folders, &count);
	if (!count.bodies)
		errx(EX_DATAERR, "no body: expected NAME.json, and NAME.event.json beside it");
	table_end();
	warnx("%u of %u bodies make the event that they should", count.bodies - count.wrong, count.bodies);
	return count.wrong > 0;
}

/* The event with a line for each fact. */
static void write_event(struct arena *a, struct str event)
{
	struct jtext_members members = jtext_members(a, event);
	putchar('{');
	for (size_t i = 0; i < members.n; i++) {
		const struct jtext_member *m = &members.at[i];
		struct jtext_members inner = jtext_members(a, m->value);
		printf("%s\"%.*s\":", i ? ",\n " : "", (int)m->name.n, m->name.p);
		if (!inner.n)
			printf("%.*s", (int)m->value.n, m->value.p);
		for (size_t j = 0; j < inner.n; j++)
			printf("%s\"%.*s\":%.*s", j ? ",\n    " : " { ", (int)inner.at[j].name.n, inner.at[j].name.p,
				(int)inner.at[j].value.n, inner.at[j].value.p);
		printf("%s", inner.n ? " }" : "");
	}
	puts("}");
}

int event(struct task *t, char **files)
{
	struct samples samples = samples_read(&t->a, files, t->profile);
	for (size_t i = 0; i < samples.n; i++) {
		fputs(samples.n == 1 ? "" : i ? "," : "[", stdout);
		write_event(&t->a, event_of(&t->a, t->profile, &samples.at[i]));
	}
	if (samples.n > 1)
		puts("]");
	free(samples.at);
	table_end();
	return EX_OK;
}
