/*
 * Records by their ids: each is a record of the loop that all filters have, which asks for several at once,
 * keeps their order and makes a record with an error of what cannot be had. Ids from the command line become
 * its input.
 */
#include "pnow-fetch.h"
#include "stream/record.h"
#include "value/when.h"

#include <err.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

struct asking {
	const struct fetch *fetch;
	atomic_bool exhausted; /* the quota was used up */
};

/* The id that a line means: of the object of this kind that an event has, or of a record as PatientNow gives
   it, else the line's own, which of an event is not what is meant. */
static const char *id_of(const struct fetch *f, const struct record *r)
{
	struct arena *a = r->arena;
	const char *id = jtext_scalar(a, jtext_get(record_get(r, event_kind_name(f->kind)), "id"));
	if (!id && !record_get(r, "payload").p)
		id = profile_text(profile_field(&f->profile->kinds[f->kind].fields, "id"), a, r->line);
	if (!id && !record_get(r, "payload").p)
		id = record_text(r, "id");
	return id && *id ? id : NULL;
}

/* With -n: the request. */
static void show(const struct fetch *f, struct record *r, const char *id)
{
	struct buf out = {0};
	buf_putc(&out, '{');
	buf_member(&out, "id", id);
	buf_member(&out, "method", "GET");
	buf_member(
		&out, "path", arena_printf(r->arena, "/%s", patientnow_path(f->profile, r->arena, f->kind, id)));
	buf_putc(&out, '}');
	record_replace(r, buf_take(&out, r->arena));
}

/* Puts what was fetched in the place of the id. */
static void give(const struct fetch *f, struct record *r, const char *id, struct str body, int64_t asked)
{
	struct inbox_event event;
	const char *problem = NULL;
	if (f->event) {
		if (event_make(f, r->arena, body, asked, &event, &problem))
			record_replace(r, event.line);
		else
			record_fail(r, "bad_answer", false, "%s %s: %s", event_kind_name(f->kind), id, problem);
		return;
	}
	struct buf line = {0};
	buf_dense(&line, body);
	if (line.n > RECORD_MAX)
		record_fail(r, "too_long", false, "%s %s is over 1 MiB", event_kind_name(f->kind), id);
	else
		record_replace(r, (struct str){arena_copy(r->arena, buf_str(&line)), line.n});
	buf_free(&line);
}

static void fetch_one(struct record *r, void *context)
{
	struct asking *asking = context;
	const struct fetch *f = asking->fetch;
	const char *id = id_of(f, r);
	if (!id) {
		record_fail(r, "malformed", false, "found no id of the %s", event_kind_name(f->kind));
		return;
	}
	if (!f->api) {
		show(f, r, id);
		return;
	}
	int64_t asked = when_now_ms();
	struct patientnow_answer answer = patientnow_get(f->api, r->arena, f->kind, id, asked);
	if (answer.body.p) {
		give(f, r, id, answer.body, asked);
		return;
	}
	if (fetch_status(&answer) == EX_TEMPFAIL)
		asking->exhausted = true;
	record_fail(r, answer.code, answer.retry, "%s", answer.message);
}

void fetch_give_ids(char *ids[])
{
	FILE *file = tmpfile();
	for (; file && *ids; ids++) {
		struct buf line = {0};
		buf_puts(&line, "{\"id\":");
		buf_json(&line, str_of(*ids));
		buf_puts(&line, "}\n");
		fwrite(line.p, 1, line.n, file);
		buf_free(&line);
	}
	if (!file || fflush(file) != 0 || fseek(file, 0, SEEK_SET) != 0 || dup2(fileno(file), STDIN_FILENO) < 0)
		err(EX_OSERR, "cannot make a temporary file");
	fclose(file);
}

int fetch_ids(struct fetch *f)
{
	struct asking asking = {.fetch = f};
	int status = record_loop(&(struct record_loop){.stage = getprogname(),
		.each = fetch_one,
		.context = &asking,
		.bare = "id",
		.verbose = f->options.verbose,
		.parallel = f->api ? f->options.parallel : 0,
		.in_order = true});
	return asking.exhausted ? EX_TEMPFAIL : status;
}
