/*
 * pnow-inbox add: events from standard input into the inbox. How other programs put events in. A line that
 * was taken is answered with its id; one that was not is an error record, as everywhere.
 */
#include "pnow-inbox.h"
#include "conf/profile.h"
#include "stream/record.h"
#include "value/digest.h"
#include "value/when.h"

#include <stdlib.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-inbox add\n"
	"Puts events, or bare bodies of PatientNow's webhooks, into the inbox: NDJSON on standard input.\n"
	"Writes {\"id\":…,\"state\":…} for each: waiting, or known where it is there already.\n";

/* In a large file each event changes some pages of which no other near it is: the more events share a
   transaction, the fewer pages are written. But nobody else writes while one ends, so they grow only as long
   as the disk is quick. */
enum { FEW = 1024, LONG_MS = 1000 };

struct adding {
	struct inbox *in;
	const struct profile *profile;
	bool begun; /* a transaction that events share */
	int64_t n;  /* so many do, */
	int64_t at_most;
	int64_t ended_ms; /* so long the last one took to end */
	bool lost;        /* an event could not be stored in it */
	bool alone;       /* such a transaction could not be ended: each has one of its own */
};

/* The id that a line without one gets: a hash of practice, source and the line. */
static const char *hash_of(const struct record *r, const struct conf *conf)
{
	char *hex = arena_alloc(r->arena, 65);
	const char *source = record_text(r, "source");
	digest_sha256_hex(
		(struct str[]){str_of(conf->practice), str_of(source ? source : "add"), r->line}, 3, hex);
	return hex;
}

/* Ends the transaction that is open, if one is; false where nothing of it is stored. */
static bool end_transaction(struct adding *adding)
{
	bool done = !adding->lost;
	if (adding->begun) {
		int64_t began = when_now_ms();
		done = state_end(adding->in->state, done) && done;
		adding->ended_ms = when_now_ms() - began;
		state_let_others(adding->in->state);
	}
	adding->begun = adding->lost = false;
	adding->n = 0;
	return done;
}

/* record_loop.commit */
static bool commit(void *context)
{
	struct adding *adding = context;
	adding->alone = !adding->alone && !end_transaction(adding);
	if (!adding->alone && adding->ended_ms < LONG_MS && adding->at_most < RECORDS_TOGETHER)
		adding->at_most *= 2;
	else if ((adding->alone || adding->ended_ms >= LONG_MS) && adding->at_most > FEW)
		adding->at_most /= 2;
	return !adding->alone;
}

/* record_loop.is_awaited */
static bool is_awaited(void *context)
{
	const struct adding *adding = context;
	return adding->begun && (adding->n >= adding->at_most || state_is_awaited(adding->in->state));
}

/* The event of a line: as it stands, or made around it where it is the bare body of a webhook. */
static struct inbox_event event_of(const struct record *r, const struct adding *adding)
{
	const struct conf *conf = adding->in->conf;
	const char *id = record_text(r, "id"), *received = record_text(r, "received");
	bool whole = record_get(r, "type").p || record_get(r, "payload").p;
	struct inbox_event event = {.id = id ? id : hash_of(r, conf), .delivery_id = id, .line = r->line};
	if (!received || !when_moment(str_of(received), &event.received))
		event.received = when_now_ms();
	if (!whole && profile_text(&adding->profile->event_name, r->arena, r->line)) {
		struct webhook w = webhook_read(r->arena, conf, adding->profile, SENDER_PATIENTNOW, r->line, NULL);
		struct buf line = {0};
		webhook_write(&line, conf, &w, "add", r->line);
		event.id = w.id;
		event.delivery_id = w.delivery_id;
		event.type = w.type;
		event.patient = w.patient;
		event.subject = w.subject;
		event.line = buf_take(&line, r->arena);
	} else {
		inbox_describe(r->arena, adding->profile, &event);
	}
	return event;
}

/* Stores an event in the transaction that is open, or that it begins. */
static enum inbox_added store(
	struct adding *adding, struct arena *a, const struct inbox_event *event, const char **kept)
{
	struct state *s = adding->in->state;
	adding->begun = adding->begun || state_begin(s);
	enum inbox_added added = adding->begun ? inbox_add(s, a, event, kept) : INBOX_FAILED;
	adding->lost |= added == INBOX_FAILED;
	adding->n++;
	if (adding->alone && !end_transaction(adding))
		added = INBOX_FAILED;
	return added;
}

static void add_event(struct record *r, void *context)
{
	struct adding *adding = context;
	const char *practice = record_text(r, "practice"), *kept = NULL;
	struct inbox_event event = event_of(r, adding);
	if (practice && strcmp(practice, adding->in->conf->practice) != 0) {
		record_fail(
			r, "wrong_practice", false, "the event is another practice's: see the configuration's practice");
		return;
	}
	enum inbox_added added = store(adding, r->arena, &event, &kept);
	if (added == INBOX_FAILED) {
		record_fail(r, "state", true, "the state cannot be written");
		return;
	}
	struct buf out = {0};
	buf_putc(&out, '{');
	buf_member(&out, "id", kept);
	buf_member(&out, "state", added == INBOX_STORED ? "waiting" : "known");
	buf_putc(&out, '}');
	record_replace(r, buf_take(&out, r->arena));
}

int inbox_add_events(struct inbox *in, int argc, char *argv[])
{
	optind = 1;
	for (int letter; (letter = options_next(argc, argv, "h")) != -1;) {
		if (letter == 'h')
			usage_help(usage);
		usage_error(usage);
	}
	if (optind < argc)
		usage_error(usage);
	inbox_open(in);
	state_write_much(in->state);
	struct profile *profile = profile_read(in->conf->patientnow.profile, in->conf->file);
	struct adding adding = {.in = in, .profile = profile, .at_most = FEW};
	int status = record_loop(&(struct record_loop){.stage = "pnow-inbox",
		.each = add_event,
		.commit = commit,
		.is_awaited = is_awaited,
		.context = &adding,
		.verbose = in->verbose});
	profile_free(profile);
	return status;
}
