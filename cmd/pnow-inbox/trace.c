/*
 * pnow-inbox trace: all that is known of a key, in the order in which it happened: what the inbox tells of
 * the events, and what the ledger tells of what they are about. Ids, states and times; never a person or a
 * body.
 */
#include "pnow-inbox.h"
#include "state/forecast.h"
#include "state/ledger.h"
#include "value/event.h"
#include "value/money.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] = "usage: pnow-inbox trace KEY\n"
							"What is known of an event, a patient, an appointment, a bill, a membership or a "
							"CRM contact, by its id.\n";

enum { AT, WHAT, STATUS, TYPE, PATIENT, SUBJECT, EVENT, CONTACT, LOCATION, DETAIL, RESULT, COLUMNS };

static const struct column columns[COLUMNS] = {
	[AT] = {"at", 19, CELL_TIME},
	[WHAT] = {"what", 11, CELL_TEXT},
	[STATUS] = {"status", 9, CELL_TEXT},
	[TYPE] = {"type", 18, CELL_TEXT},
	[PATIENT] = {"patient", 0, CELL_TEXT},
	[SUBJECT] = {"subject", 18, CELL_ID},
	[EVENT] = {"event", 18, CELL_ID},
	[CONTACT] = {"contact", 20, CELL_ID},
	[LOCATION] = {"location", 0, CELL_TEXT},
	[DETAIL] = {"detail", 1, CELL_TEXT},
	[RESULT] = {"result", 0, CELL_JSON},
};

/* In which order they are where they have the same time. */
static const char *const whats[] = {"received", "merged", "effect", "bill", "applied", "attempt", "running",
	"waiting", "contact", "opportunity"};

struct moment {
	int64_t at; /* 0: is so now, and stands last */
	size_t rank, number;
	struct cell cells[COLUMNS];
};

struct trace {
	struct inbox *in;
	struct arena arena;
	struct keys keys;     /* that events are looked for by */
	struct keys subjects; /* of these events */
	struct keys contacts;
	struct moment *at;
	size_t n;
};

static struct cell *moment_add(struct trace *t, int64_t at, const char *what)
{
	size_t rank = 0;
	while (rank < COUNT(whats) && strcmp(whats[rank], what) != 0)
		rank++;
	t->at = allocated(reallocarray(t->at, t->n + 1, sizeof *t->at));
	t->at[t->n] = (struct moment){.at = at, .rank = rank, .number = t->n};
	t->at[t->n].cells[AT].number = at;
	t->at[t->n].cells[WHAT].text = what;
	return t->at[t->n++].cells;
}

/* For how long an event in the pipeline may wait now for what PatientNow is asked; NULL: for nothing. */
static const char *may_wait(struct trace *t, const char *type)
{
	struct requests requests = left_of_patientnow(t->in);
	if (requests.spent || !requests.wait || event_type_of(type) == EVENT_CONTACT_TAGGED)
		return NULL;
	int64_t longest = requests.wait > FORECAST_SHORT ? requests.wait : FORECAST_SHORT;
	return arena_printf(&t->arena, "a lookup waits for up to %lld s now so that PatientNow's requests last%s",
		(long long)longest, requests.spread ? ", and for its turn" : "");
}

static void take_moment(struct trace *t, const struct inbox_moment *m)
{
	struct cell *cells = moment_add(t, m->at, m->what);
	cells[STATUS].text = m->status;
	cells[TYPE].text = m->type;
	cells[PATIENT].text = m->patient;
	cells[SUBJECT].text = m->subject;
	cells[EVENT].text = m->event;
	cells[CONTACT].text = m->contact;
	if (m->result)
		cells[DETAIL].text = detail_all(&t->arena, str_of(m->result));
	else if (strcmp(m->what, "running") == 0)
		cells[DETAIL].text = may_wait(t, m->type);
	cells[RESULT].text = m->result;
	keys_add(&t->subjects, m->subject ? m->subject : arena_printf(&t->arena, "event/%s", m->event));
}

/* An effect's name is its subject and what was done: appointment/88123 and 1/note.add. */
static void split_effect(struct arena *a, const char *effect, struct cell *cells)
{
	const char *slash = strchr(effect, '/');
	slash = slash ? strchr(slash + 1, '/') : NULL;
	if (!slash)
		return;
	cells[SUBJECT].text = arena_copy(a, (struct str){effect, (size_t)(slash - effect)});
	cells[DETAIL].text = slash + 1;
}

static void take_entry(struct trace *t, const struct ledger_entry *e)
{
	struct cell *cells = moment_add(t, e->at, e->what);
	bool bill = strcmp(e->what, "bill") == 0, applied = strcmp(e->what, "applied") == 0;
	char money[MONEY_TEXT];
	cells[STATUS].text = e->status;
	cells[PATIENT].text = e->patient;
	cells[SUBJECT].text = e->subject;
	cells[EVENT].text = e->event;
	cells[CONTACT].text = e->contact;
	cells[LOCATION].text = e->location;
	cells[DETAIL].text = e->detail && *e->detail ? e->detail : NULL;
	if (strcmp(e->what, "effect") == 0)
		split_effect(&t->arena, e->subject, cells);
	if (bill || (applied && strncmp(e->subject, "bill/", 5) == 0))
		cells[DETAIL].text = arena_copy(&t->arena, str_of(money_text(str_number(e->detail), money)));
}

/* Adds the ids that a query gives. */
static bool take_ids(struct trace *t, struct keys *keys, struct state_rows rows)
{
	while (state_next(&rows))
		keys_add(keys, state_copy(&rows, &t->arena, 0));
	return state_done(&rows);
}

static bool take_moments(struct trace *t)
{
	struct inbox_moment moment;
	struct state_rows rows = inbox_history(t->in->state, keys_json(&t->arena, &t->keys));
	while (inbox_next_moment(&rows, &t->arena, &moment))
		take_moment(t, &moment);
	return state_done(&rows);
}

static bool take_entries(struct trace *t)
{
	struct ledger_entry entry;
	struct state_rows rows = ledger_history(t->in->state, keys_json(&t->arena, &t->subjects),
		keys_json(&t->arena, &t->contacts), keys_json(&t->arena, &t->keys));
	while (ledger_next_entry(&rows, &t->arena, &entry))
		take_entry(t, &entry);
	return state_done(&rows);
}

/* Everything about a key; false where the file cannot be read. A contact's events are those of its patients,
   and those whose results name it; a patient's are those of all its ids. */
static bool gather(struct trace *t, const char *key)
{
	struct state *s = t->in->state;
	keys_add(&t->keys, key);
	keys_add(&t->contacts, key);
	bool read = take_ids(t, &t->keys, ledger_ids(s, key));
	for (size_t i = 0; read && i < t->keys.n; i++)
		read = take_ids(t, &t->contacts, ledger_contacts(s, t->keys.at[i]));
	read = read && take_ids(t, &t->keys, ledger_patients(s, key));
	for (size_t i = 0; read && i < t->keys.n; i++)
		read = take_ids(t, &t->keys, ledger_ids(s, t->keys.at[i]));
	return read && take_moments(t) && take_entries(t);
}

static int compare(const void *left, const void *right)
{
	const struct moment *a = left, *b = right;
	if (a->at != b->at)
		return !a->at || (b->at && a->at > b->at) ? 1 : -1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static void write_all(struct trace *t)
{
	struct table table = table_of(columns, COLUMNS);
	if (t->n)
		qsort(t->at, t->n, sizeof *t->at, compare);
	for (size_t i = 0; i < t->n; i++)
		table_row(&table, t->at[i].cells);
	table_end();
}

int inbox_trace(struct inbox *in, int argc, char *argv[])
{
	struct trace t = {.in = in};
	optind = 1;
	for (int letter; (letter = options_next(argc, argv, "h")) != -1;) {
		if (letter == 'h')
			usage_help(usage);
		usage_error(usage);
	}
	if (optind + 1 != argc)
		usage_error(usage);
	inbox_open(in);
	const char *key = argv[optind];
	bool read = gather(&t, key);
	if (read && !t.n && (key = like_one(in, &t.arena, key)))
		read = gather(&t, key);
	else if (read && !t.n)
		warnx("nor is anything known of a patient, appointment, bill, membership or contact with this id; a "
			  "patient's is in the field PNOW ID of the contact's page in the CRM");
	write_all(&t);
	int status = !read ? EX_TEMPFAIL : t.n ? EX_OK : 1;
	free(t.at);
	keys_free(&t.keys);
	keys_free(&t.subjects);
	keys_free(&t.contacts);
	arena_free(&t.arena);
	return status;
}
