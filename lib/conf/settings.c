/*
 * The file is read as text (jtext) and not into a tree: each value is a place in the file, so a message can
 * name its line.
 */
#include "conf/settings.h"
#include "conf/mistake.h"
#include "text/distance.h"
#include "text/file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void settings_wrong(const struct settings *s, struct str at, const char *format, ...)
{
	char message[512];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	mistake("%s:%zu: %s", s->file, file_line(s->text, at.p), message);
}

struct settings settings_read(struct arena *arena, const char *file, const char *what)
{
	size_t n = 0;
	char *text = file_read(arena, file, &n);
	if (!text)
		mistake("cannot read %s %s: %s", what, file, strerror(errno));
	file_uncomment(text, n);
	struct settings s = {.file = file, .text = {text, n}, .arena = arena};
	struct jtext_error error;
	if (!jtext_check(s.text, &error))
		settings_wrong(&s, (struct str){text + error.at, 0}, "no JSON: %s", error.what);
	size_t blank = strspn(text, " \t\r\n");
	while (strchr(" \t\r\n", text[n - 1]))
		n--; /* behind the value, which is there */
	s.root = (struct str){text + blank, n - blank};
	return s;
}

const char *settings_found(const struct settings *s, struct str value)
{
	static const char *const types[] = {[JTEXT_NONE] = "nothing",
		[JTEXT_OBJECT] = "an object",
		[JTEXT_ARRAY] = "a list",
		[JTEXT_STRING] = "text",
		[JTEXT_TRUE] = "true",
		[JTEXT_FALSE] = "false",
		[JTEXT_NULL] = "null"};
	if (jtext_type(value) == JTEXT_NUMBER)
		return arena_printf(s->arena, "the number %.*s", (int)(value.n > 24 ? 24 : value.n), value.p);
	return types[jtext_type(value)];
}

/* Whether a text would break a line of a message, or a header that it goes into. */
static bool has_control(const char *text)
{
	while (*text && !iscntrl((unsigned char)*text))
		text++;
	return *text;
}

struct jtext_members settings_members(const struct settings *s, const char *key, struct str value)
{
	const char *place = *key ? ": " : "";
	if (jtext_type(value) != JTEXT_OBJECT)
		settings_wrong(s, value, "%s%sfound %s, expected an object", key, place, settings_found(s, value));
	struct jtext_members members = jtext_members(s->arena, value);
	for (size_t i = 0; i < members.n; i++)
		if (has_control(settings_name(s, &members.at[i])))
			settings_wrong(s, members.at[i].value,
				"%s%sfound a key with a control character, expected one line of text", key, place);
	const char *twice = jtext_twice(s->arena, &members);
	if (twice)
		settings_wrong(s, value, "%s%s%s is given twice", key, place, twice);
	return members;
}

const char *settings_name(const struct settings *s, const struct jtext_member *member)
{
	return jtext_string(s->arena, (struct str){member->name.p - 1, member->name.n + 2});
}

const char *settings_text(const struct settings *s, const char *key, struct str value)
{
	const char *text = jtext_string(s->arena, value);
	if (!text || !*text)
		settings_wrong(
			s, value, "%s: found %s, expected text", key, text ? "empty text" : settings_found(s, value));
	if (has_control(text))
		settings_wrong(s, value, "%s: found text with a control character, expected one line of text", key);
	return text;
}

/* https://, or http:// to this machine, where nobody can listen in. */
static bool safe_url(const char *url)
{
	if (strchr(url, '@'))
		return false; /* http://127.0.0.1:80@example.com is another machine */
	static const char *const local[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
	for (size_t i = 0; i < COUNT(local); i++)
		if (strncmp(url, local[i], strlen(local[i])) == 0 && strchr(":/", url[strlen(local[i])]))
			return true;
	return strncmp(url, "https://", 8) == 0;
}

void settings_store_url(const struct settings *s, const char *key, struct str value, void *place)
{
	settings_text(s, key, value);
	char *text = jtext_string(s->arena, value);
	if (!safe_url(text))
		settings_wrong(s, value,
			"%s: found \"%s\", expected a URL that starts with https:// (http:// only to 127.0.0.1)", key,
			text);
	for (size_t n = strlen(text); n && text[n - 1] == '/'; n--)
		text[n - 1] = '\0';
	*(const char **)place = text;
}

const char **settings_texts(const struct settings *s, const char *key, struct str value, size_t *n)
{
	if (jtext_type(value) != JTEXT_ARRAY)
		settings_wrong(s, value, "%s: found %s, expected a list of texts", key, settings_found(s, value));
	size_t room = 0;
	for (struct str at = {0}; jtext_next(value, &at);)
		room++;
	const char **texts = arena_alloc(s->arena, (room + 1) * sizeof *texts);
	*n = 0;
	for (struct str at = {0}; jtext_next(value, &at);)
		texts[(*n)++] = settings_text(s, key, at);
	return texts;
}

int64_t settings_number(
	const struct settings *s, const char *key, struct str value, int64_t least, int64_t most)
{
	const char *problem = "no number";
	int64_t n = 0;
	if (jtext_type(value) == JTEXT_NUMBER)
		n = strtonum(arena_copy(s->arena, value), least, most, &problem);
	if (problem)
		settings_wrong(s, value, "%s: found %s, expected a whole number from %lld to %lld", key,
			settings_found(s, value), (long long)least, (long long)most);
	return n;
}

void settings_store_text(const struct settings *s, const char *key, struct str value, void *place)
{
	*(const char **)place = settings_text(s, key, value);
}

void settings_store_bool(const struct settings *s, const char *key, struct str value, void *place)
{
	enum jtext_type type = jtext_type(value);
	if (type != JTEXT_TRUE && type != JTEXT_FALSE)
		settings_wrong(s, value, "%s: found %s, expected true or false", key, settings_found(s, value));
	*(bool *)place = type == JTEXT_TRUE;
}

/* An object while it is read against its keys. */
struct filling {
	const struct settings *s;
	const char *at; /* where it is in the file, with a dot behind, or "" */
	const struct settings_key *keys;
	size_t n;
	void *place;
};

/* Ends the process: there is no row for a path. */
__attribute__((noreturn)) static void unknown(const struct filling *f, const char *path, struct str value)
{
	const char *nearest = "";
	for (size_t i = 0; i < f->n; i++) {
		/* also each leading part, such as "crm" of "crm.location_id" */
		const char *known = f->keys[i].path;
		for (size_t n = 1; n <= strlen(known); n++) {
			if (known[n] != '.' && known[n] != '\0')
				continue;
			const char *part = arena_copy(f->s->arena, (struct str){known, n});
			nearest = *nearest ? distance_nearest(path, (const char *const[]){nearest, part}, sizeof part, 2)
							   : part;
		}
	}
	settings_wrong(
		f->s, value, "unknown key %s%s: the nearest known one is %s%s", f->at, path, f->at, nearest);
}

/* One member, by its path in the object that is filled. */
static void fill_at(const struct filling *f, const char *path, struct str value)
{
	struct arena *a = f->s->arena;
	const char *key = arena_printf(a, "%s%s", f->at, path), *inner = arena_printf(a, "%s.", path);
	bool group = false;
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->keys[i].path, path) == 0) {
			f->keys[i].store(f->s, key, value, (char *)f->place + f->keys[i].offset);
			return;
		}
		group |= strncmp(f->keys[i].path, inner, strlen(inner)) == 0;
	}
	if (!group)
		unknown(f, path, value);
	struct jtext_members members = settings_members(f->s, key, value);
	for (size_t i = 0; i < members.n; i++)
		fill_at(f, arena_printf(a, "%s%s", inner, settings_name(f->s, &members.at[i])), members.at[i].value);
}

void settings_fill(const struct settings *s, const char *key, struct str value,
	const struct settings_key *keys, size_t n, void *place)
{
	struct filling f = {s, *key ? arena_printf(s->arena, "%s.", key) : "", keys, n, place};
	struct jtext_members members = settings_members(s, key, value);
	for (size_t i = 0; i < members.n; i++)
		fill_at(&f, settings_name(s, &members.at[i]), members.at[i].value);
}
