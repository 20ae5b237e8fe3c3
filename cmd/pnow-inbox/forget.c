/*
 * pnow-inbox forget: a person is found by the patient's id, wherever it stands: in the inbox's columns, in
 * bodies of events and of PatientNow's answers, in results; by what these events and answers are about, since
 * the next event of the same appointment may name nobody; and by the ids of the contacts that the ledger has
 * for the patient, which are the CRM's own and stand for nothing else.
 */
#include "pnow-inbox.h"
#include "conf/profile.h"
#include "conf/webhook.h"
#include "state/cache.h"
#include "state/ledger.h"

#include <err.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-inbox forget [-f] PATIENT\n"
	"Removes what is kept of a person, by the patient's id in PatientNow: ids, states, times and sums stay.\n"
	"  -f  drop the person's events that are waiting or dead; else they are a reason to remove nothing\n";

struct forget {
	struct inbox *in;
	struct profile *profile;
	const char *patient;
	bool drop; /* what waits or is dead */
	int64_t dropped;
	struct arena arena;   /* of the keys */
	struct arena passing; /* of a body */
	struct keys ids;      /* the patient's, if it was merged those of all that are one now */
	struct keys events, subjects;
	struct keys contacts; /* as they stand in JSON, with quotes */
};

/* Takes an event that is the person's. */
static void take_event(struct forget *f, const struct inbox_body *event)
{
	if (!keys_has(&f->events, event->id))
		keys_add(&f->events, arena_copy(&f->arena, str_of(event->id)));
	if (event->subject && !keys_has(&f->subjects, event->subject))
		keys_add(&f->subjects, arena_copy(&f->arena, str_of(event->subject)));
}

/* Whether an event's line names the patient, or one of the contacts stands in it. */
static bool tells_of(struct forget *f, struct str line)
{
	const char *patient = webhook_patient(&f->passing, f->profile, line);
	bool tells = patient && keys_has(&f->ids, patient);
	for (size_t i = 0; !tells && i < f->contacts.n; i++)
		tells = memmem(line.p, line.n, f->contacts.at[i], strlen(f->contacts.at[i]));
	return tells;
}

static bool take_ids(struct forget *f)
{
	struct state_rows rows = ledger_ids(f->in->state, f->patient);
	while (state_next(&rows))
		keys_add(&f->ids, state_copy(&rows, &f->arena, 0));
	return state_done(&rows);
}

/* The contacts' ids, as JSON. */
static bool take_contacts(struct forget *f, const char *patient)
{
	struct state_rows rows = ledger_contacts(f->in->state, patient);
	while (state_next(&rows)) {
		struct buf json = {0};
		buf_json(&json, str_of(state_text(&rows, 0)));
		keys_add(&f->contacts, buf_take(&json, &f->arena).p);
	}
	return state_done(&rows);
}

/* The events whose bodies tell of the person. */
static bool take_told(struct forget *f)
{
	struct inbox_body body;
	struct state_rows rows = inbox_bodies(f->in->state);
	for (; inbox_next_body(&rows, &body); arena_reset(&f->passing))
		if (tells_of(f, body.line))
			take_event(f, &body);
	return state_done(&rows);
}

/* What PatientNow's answers about the person are about. */
static bool take_answers(struct forget *f)
{
	struct state_rows rows = cache_bodies(f->in->state);
	for (; state_next(&rows); arena_reset(&f->passing)) {
		const char *subject = state_text(&rows, 0);
		enum event_kind kind = KIND_PATIENT;
		while (kind < EVENT_KINDS && strncmp(subject, event_kind_name(kind), strcspn(subject, "/")) != 0)
			kind++;
		const char *patient =
			profile_text(profile_field(profile_fields(f->profile, KIND_PATIENT, kind), "id"), &f->passing,
				str_of(state_text(&rows, 1)));
		if (patient && keys_has(&f->ids, patient) && !keys_has(&f->subjects, subject))
			keys_add(&f->subjects, arena_copy(&f->arena, str_of(subject)));
	}
	return state_done(&rows);
}

/* The events that are kept as the person's, or are about what is. */
static bool take_events(struct forget *f, const char *patient)
{
	struct inbox_body event;
	struct state_rows rows = inbox_of_patient(f->in->state, patient, keys_json(&f->arena, &f->subjects));
	while (inbox_next_body(&rows, &event))
		take_event(f, &event);
	return state_done(&rows);
}

/* Everything that is the person's; false where the file cannot be read. */
static bool gather(struct forget *f)
{
	size_t before;
	bool read = take_ids(f);
	for (size_t i = 0; read && i < f->ids.n; i++) {
		keys_add(&f->subjects, arena_printf(&f->arena, "patient/%s", f->ids.at[i]));
		read = take_contacts(f, f->ids.at[i]);
	}
	read = read && take_told(f) && take_answers(f);
	do {
		before = f->subjects.n;
		for (size_t i = 0; read && i < f->ids.n; i++)
			read = take_events(f, f->ids.at[i]);
	} while (f->subjects.n > before);
	return read;
}

/* How many of the events are in a state; -1 where the file cannot be read. */
static int64_t count_in(struct forget *f, const char *state)
{
	int64_t n = 0;
	for (size_t i = 0; i < f->events.n; i++) {
		struct inbox_found event;
		if (inbox_event(f->in->state, &f->passing, f->events.at[i], &event) == STATE_FAILED)
			return -1;
		n += event.state && strcmp(event.state, state) == 0;
		arena_reset(&f->passing);
	}
	return n;
}

/* Drops what waits or is dead. False where a run has taken one meanwhile. */
static bool drop_open(struct forget *f)
{
	for (size_t i = 0; i < f->events.n; i++) {
		switch (inbox_drop(f->in->state, f->events.at[i])) {
		case INBOX_CHANGED:
			f->dropped++;
			break;
		case INBOX_IS_RUNNING:
			return false;
		case INBOX_UNWRITTEN:
			errx(EX_TEMPFAIL, "the state cannot be written now; nothing is removed yet");
		default:
			break;
		}
	}
	return true;
}

/* Whether nothing of the person is under way any more; says what is. */
static bool is_settled(struct forget *f)
{
	int64_t running = count_in(f, "running"), waiting = count_in(f, "waiting"), dead = count_in(f, "dead");
	if (running < 0 || waiting < 0 || dead < 0)
		errx(EX_TEMPFAIL, "the state cannot be read now; nothing was removed");
	if (!f->drop && waiting + dead > 0)
		warnx("patient %s: %lld events are waiting and %lld are dead; nothing was removed: let them be "
			  "settled, or "
			  "drop them with -f",
			f->patient, (long long)waiting, (long long)dead);
	else if (running > 0 || (f->drop && !drop_open(f)))
		warnx(
			"patient %s: an event is in a pipeline just now; nothing was removed: wait until it has settled",
			f->patient);
	else
		return true;
	return false;
}

/* Removes it, and shows how much that was. */
static void forget(struct forget *f)
{
	static const struct column columns[] = {{"state", 9, CELL_TEXT}, {"bodies", 7, CELL_NUMBER},
		{"attempts", 8, CELL_NUMBER}, {"answers", 7, CELL_NUMBER}, {"dropped", 1, CELL_NUMBER}};
	struct table table = table_of(columns, COUNT(columns));
	struct inbox_forgotten n;
	int64_t answers = 0;
	struct state *s = f->in->state;
	bool done = inbox_forget(s, keys_json(&f->arena, &f->events), &n) &&
				cache_forget(s, keys_json(&f->arena, &f->subjects), &answers);
	for (size_t i = 0; done && i < f->ids.n; i++)
		done = ledger_digest_forget(s, f->ids.at[i]);
	if (!done)
		errx(EX_TEMPFAIL, "the state cannot be written now; not everything is removed: try again");
	if (!f->events.n && !f->contacts.n && !answers)
		warnx("nothing is known of a patient %s; expected an id of PatientNow's", f->patient);
	table_row(&table, (struct cell[]){{.text = "forgotten"}, {.number = n.bodies}, {.number = n.attempts},
						  {.number = answers}, {.number = f->dropped}});
	table_end();
}

int inbox_forget_patient(struct inbox *in, int argc, char *argv[])
{
	struct forget f = {.in = in};
	int status = 1;
	optind = 1;
	for (int letter; (letter = options_next(argc, argv, "fh")) != -1;) {
		if (letter == 'h')
			usage_help(usage);
		if (letter != 'f')
			usage_error(usage);
		f.drop = true;
	}
	if (optind + 1 != argc || !*argv[optind])
		usage_error(usage);
	inbox_open(in);
	f.patient = argv[optind];
	f.profile = profile_read(in->conf->patientnow.profile, in->conf->file);
	if (!gather(&f))
		errx(EX_TEMPFAIL, "the state cannot be read now; nothing was removed");
	if (is_settled(&f)) {
		forget(&f);
		status = inbox_scrubbed(in, state_scrub(in->state));
	}
	keys_free(&f.ids);
	keys_free(&f.events);
	keys_free(&f.subjects);
	keys_free(&f.contacts);
	arena_free(&f.arena);
	arena_free(&f.passing);
	profile_free(f.profile);
	return status;
}
