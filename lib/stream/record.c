/*
 * A record is a line and what is to change in it. Nothing is rebuilt that was not touched: new keys are put
 * before the closing brace, everything else is copied as it came.
 */
#include "stream/record.h"
#include "stream/group.h"
#include "stream/pool.h"
#include "stream/stream.h"
#include "text/say.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

struct record_change {
	struct record_change *next; /* later ones */
	const char *key;
	struct str json;
};

struct str record_get(const struct record *r, const char *key)
{
	for (const struct record_change *c = r->changes; c; c = c->next)
		if (strcmp(c->key, key) == 0)
			return c->json;
	return jtext_member(&r->members, key);
}

struct jtext_members record_object(struct record *r, const char *key)
{
	struct str object = record_get(r, key);
	struct jtext_members members = jtext_members(r->arena, object);
	const char *twice = jtext_twice(r->arena, &members);
	if (twice)
		record_fail(r, "malformed", false, "%s: the key \"%s\" is given twice", key, twice);
	else if (object.p && jtext_type(object) != JTEXT_OBJECT && jtext_type(object) != JTEXT_NULL)
		record_fail(r, "malformed", false, "%s: expected an object", key);
	else
		return members;
	return (struct jtext_members){0};
}

static char *filled(char *text)
{
	return text && *text ? text : NULL;
}

char *record_text(const struct record *r, const char *key)
{
	return filled(jtext_scalar(r->arena, record_get(r, key)));
}

char *members_text(struct arena *a, const struct jtext_members *members, const char *key)
{
	return filled(jtext_scalar(a, jtext_member(members, key)));
}

void record_set(struct record *r, const char *key, struct str json)
{
	struct record_change **at = &r->changes;
	while (*at && strcmp((*at)->key, key) != 0)
		at = &(*at)->next;
	if (!*at)
		*at = arena_alloc(r->arena, sizeof **at);
	(*at)->key = key;
	(*at)->json = json;
}

void record_drop(struct record *r, const char *key)
{
	if (record_get(r, key).p)
		record_set(r, key, (struct str){0});
}

void record_set_text(struct record *r, const char *key, const char *text)
{
	if (!text)
		return;
	struct buf json = {0};
	buf_json(&json, str_of(text));
	record_set(r, key, buf_take(&json, r->arena));
}

void record_warn(struct record *r, const char *warning)
{
	struct str before = record_get(r, "warnings"), at = {0};
	struct buf json = {0};
	buf_putc(&json, '[');
	while (jtext_next(before, &at)) {
		const char *text = jtext_string(r->arena, at);
		if (text && strcmp(text, warning) == 0) {
			buf_free(&json);
			return;
		}
		buf_add(&json, at);
		buf_putc(&json, ',');
	}
	buf_json(&json, str_of(warning));
	buf_putc(&json, ']');
	record_set(r, "warnings", buf_take(&json, r->arena));
}

/* The object of an error; line and part are of a line that is no record, else 0. */
static void write_error(struct buf *out, const char *stage, const char *code, const char *message, bool retry,
	size_t line, size_t part)
{
	buf_putc(out, '{');
	buf_member(out, "stage", stage);
	buf_member(out, "code", code);
	buf_member(out, "message", message);
	buf_printf(out, ",\"retry\":%s", retry ? "true" : "false");
	if (line)
		buf_printf(out, ",\"line\":%zu", line);
	if (part)
		buf_printf(out, ",\"part\":%zu", part);
	buf_putc(out, '}');
}

void record_fail(struct record *r, const char *code, bool retry, const char *format, ...)
{
	if (r->failed)
		return;
	va_list args;
	va_start(args, format);
	const char *message = arena_vprintf(r->arena, format, args);
	va_end(args);
	struct buf json = {0};
	write_error(&json, r->stage, code, message, retry, 0, 0);
	record_set(r, "error", buf_take(&json, r->arena));
	r->failed = true;
	r->retry = retry;
}

void record_retry_after(struct record *r, int64_t seconds)
{
	if (!seconds)
		return;
	struct str error = record_get(r, "error");
	record_set(r, "error",
		str_of(arena_printf(
			r->arena, "%.*s,\"retry_after\":%lld}", (int)error.n - 1, error.p, (long long)seconds)));
}

void record_replace(struct record *r, struct str json)
{
	r->whole = json;
	r->replaced = true;
}

static const struct record_change *change_of(const struct record *r, struct str name)
{
	for (const struct record_change *c = r->changes; c; c = c->next)
		if (jtext_named(name, c->key))
			return c;
	return NULL;
}

static void write_changes(struct buf *out, const struct record *r)
{
	for (const struct record_change *c = r->changes; c; c = c->next) {
		if (!c->json.p)
			continue;
		if (out->p[out->n - 1] != '{')
			buf_putc(out, ',');
		buf_json(out, str_of(c->key));
		buf_putc(out, ':');
		buf_add(out, c->json);
	}
	buf_puts(out, "}\n");
}

/* The record with its changes: each untouched member as it stands in the line, then the changes. */
static void write_members(struct buf *out, const struct record *r)
{
	buf_putc(out, '{');
	for (size_t i = 0; i < r->members.n; i++) {
		const struct jtext_member *m = &r->members.at[i];
		if (change_of(r, m->name))
			continue;
		if (out->p[out->n - 1] != '{')
			buf_putc(out, ',');
		const char *quote = m->name.p - 1;
		buf_add(out, (struct str){quote, (size_t)(m->value.p + m->value.n - quote)});
	}
	write_changes(out, r);
}

static bool replaces(const struct record *r)
{
	for (size_t i = 0; i < r->members.n; i++)
		if (change_of(r, r->members.at[i].name))
			return true;
	return false;
}

static void write_record(struct buf *out, const struct record *r)
{
	if (r->replaced) {
		buf_add(out, r->whole);
		if (r->whole.n)
			buf_putc(out, '\n');
	} else if (!r->changes) {
		buf_add(out, r->line);
		buf_putc(out, '\n');
	} else if (!r->members.n || replaces(r)) {
		write_members(out, r);
	} else {
		const struct jtext_member *last = &r->members.at[r->members.n - 1];
		buf_add(out, (struct str){r->line.p, (size_t)(last->value.p + last->value.n - r->line.p)});
		write_changes(out, r);
	}
}

/* Pieces of a line that cannot be a record, in base64: each a record of its own that fits in a line. */
static void write_pieces(struct buf *out, const char *stage, const char *code, const char *message,
	struct str raw, size_t line, size_t *part)
{
	enum { PIECE = 600 * 1024 };
	do {
		struct str piece = {raw.p, raw.n < PIECE ? raw.n : PIECE};
		buf_puts(out, "{\"error\":");
		write_error(out, stage, code, message, false, line, ++*part);
		buf_puts(out, ",\"encoding\":\"base64\",\"raw\":\"");
		buf_base64(out, piece);
		buf_puts(out, "\"}\n");
		raw.p += piece.n;
		raw.n -= piece.n;
	} while (raw.n);
}

void record_malformed(struct buf *out, const char *stage, const char *message, struct str line, size_t number)
{
	size_t start = out->n, part = 0;
	if (jtext_is_utf8(line)) {
		buf_puts(out, "{\"error\":");
		write_error(out, stage, "malformed", message, false, number, 0);
		buf_puts(out, ",\"raw\":");
		buf_json(out, line);
		buf_puts(out, "}\n");
		if (out->n - start <= RECORD_MAX)
			return;
		out->n = start;
	}
	write_pieces(out, stage, "malformed", message, line, number, &part);
}

/* A line that is bare text becomes an object. */
static void wrap_bare(struct record *r)
{
	struct str text = r->line;
	while (memchr(" \t\r", text.p[0], 3))
		text = (struct str){text.p + 1, text.n - 1};
	while (memchr(" \t\r", text.p[text.n - 1], 3))
		text.n--;
	if (text.p[0] == '{')
		return;
	struct buf line = {0};
	buf_printf(&line, "{\"%s\":", r->bare);
	buf_json(&line, text);
	buf_putc(&line, '}');
	r->line = buf_take(&line, r->arena);
}

bool record_read(struct record *r, struct buf *out)
{
	struct jtext_error error;
	char message[160];
	if (str_blank(r->line))
		return false;
	if (r->bare)
		wrap_bare(r);
	if (!jtext_check_object(r->line, &r->members, &error)) {
		snprintf(message, sizeof message, "line %zu, byte %zu: %s", r->number, error.at + 1, error.what);
	} else {
		const char *twice = jtext_twice(r->arena, &r->members);
		if (!twice)
			return true;
		snprintf(message, sizeof message, "line %zu: the key \"%.60s\" is given twice", r->number, twice);
	}
	record_malformed(out, r->stage, message, r->line, r->number);
	r->failed = true;
	return false;
}

bool record_is_long(const struct record *r)
{
	struct buf out = {0};
	size_t n = r->line.n;
	for (const struct record_change *c = r->changes; c; c = c->next)
		n += strlen(c->key) + c->json.n + strlen(",\"\":");
	if (n <= RECORD_MAX)
		return false;
	write_record(&out, r); /* some of it may have gone */
	n = out.n;
	buf_free(&out);
	return n > RECORD_MAX + 1; /* with its newline */
}

void record_work(struct record *r, const struct record_loop *loop, struct buf *out)
{
	size_t start = out->n, part = 0;
	bool carries = jtext_type(jtext_member(&r->members, "error")) == JTEXT_OBJECT;
	if (!carries || loop->errors)
		loop->each(r, loop->context);
	r->failed |= carries;
	write_record(out, r);
	if (out->n - start - 1 <= RECORD_MAX || r->replaced)
		return;
	out->n = start;
	r->failed = true;
	write_pieces(out, r->stage, "too_long", "the record is over 1 MiB with what was added to it", r->line,
		r->number, &part);
}

void record_too_long(struct str piece, const char *stage, size_t number, size_t *part, struct buf *out)
{
	char message[80];
	snprintf(message, sizeof message, "line %zu is over 1 MiB", number);
	write_pieces(out, stage, "too_long", message, piece, number, part);
}

void record_count(struct record_tally *tally, const struct record *r)
{
	tally->records++;
	tally->failed += r->failed;
	tally->retry += r->failed && r->retry;
}

/* One record after another, in this thread. */
static void run_serial(const struct record_loop *loop, struct stream *stream, struct record_tally *tally)
{
	struct arena arena = {0};
	struct jtext_members members = {0};
	struct buf out = {0};
	struct str line;
	enum stream_line kind;
	size_t number = 1, part = 0;
	while ((kind = stream_read(stream, &line)) != STREAM_END) {
		struct record r = {.line = line,
			.number = number,
			.arena = &arena,
			.members = members,
			.stage = loop->stage,
			.bare = loop->bare};
		out.n = 0;
		if (kind == STREAM_LINE) {
			if (record_read(&r, &out))
				record_work(&r, loop, &out);
		} else {
			record_too_long(line, loop->stage, number, &part, &out);
			r.failed = true;
		}
		members = r.members;
		if (kind != STREAM_PART) {
			number++;
			part = 0;
		}
		record_count(tally, &r);
		if (!loop->silent)
			stream_write(stream, buf_str(&out));
		arena_reset(&arena);
	}
	free(members.at);
	buf_free(&out);
	arena_free(&arena);
}

int record_loop(const struct record_loop *loop)
{
	struct record_tally tally = {0};
	struct stream *stream = stream_open(RECORD_MAX);
	if (loop->drains)
		stream_drains();
	if (loop->parallel)
		pool_run(loop, stream, &tally);
	else if (loop->commit)
		group_run(loop, stream, &tally);
	else
		run_serial(loop, stream, &tally);
	int broken = stream_status(stream), failed = stream_end(stream);
	if (failed && !(loop->feeds && failed == EPIPE))
		stream_die(failed);
	if (loop->verbose)
		say("%zu records, %zu with an error", tally.records, tally.failed);
	if (failed)
		return 128 + SIGPIPE;
	if (broken)
		return broken;
	return tally.retry && loop->errors ? EX_TEMPFAIL : tally.failed > 0;
}
