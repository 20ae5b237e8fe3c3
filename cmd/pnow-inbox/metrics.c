/*
 * pnow-inbox stat -m: numbers for Prometheus. The text is OpenMetrics 1.0 and also the older form that
 * node_exporter reads from files, so there is no counter among them: the two forms name those differently.
 * What only grows is a gauge that only grows.
 *
 * The samples of a metric stand together, those of all practices: so each metric gathers its own.
 */
#include "pnow-inbox.h"
#include "state/dump.h"
#include "state/told.h"
#include "value/when.h"

#include <stdio.h>
#include <stdlib.h>

enum metric {
	RECEIVED,
	EVENTS,
	FAILING,
	ANSWERS,
	WARNINGS,
	OLDEST,
	LAST_EVENT,
	LAST_BACKUP,
	WAITS,
	CALLS,
	CALLS_LEFT,
	CALLS_LIMIT,
	LOOKUPS,
	LOOKUPS_WAIT,
	METRICS
};

static const struct {
	const char *name, *type, *help;
} metrics[METRICS] = {
	[RECEIVED] = {"pnow_events_received", "gauge", "Events that have come in"},
	[EVENTS] = {"pnow_events", "gauge", "Events by what they are now"},
	[FAILING] = {"pnow_events_failing", "gauge",
		"Events that are dead, or wait to be tried again, by what failed"},
	[ANSWERS] = {"pnow_answers_last_day", "gauge",
		"What pipelines have answered within 24 hours, by outcome and cause"},
	[WARNINGS] = {"pnow_warnings_last_day", "gauge", "Warnings of results within 24 hours, by kind"},
	[OLDEST] = {"pnow_oldest_waiting_age_seconds", "gauge",
		"For how long the oldest waiting event has waited; 0: none"},
	[LAST_EVENT] = {"pnow_last_event_timestamp_seconds", "gauge", "When the last event came in"},
	[LAST_BACKUP] = {"pnow_last_backup_timestamp_seconds", "gauge", "When the last dump was made"},
	[WAITS] = {"pnow_event_wait_seconds", "histogram",
		"From when an event was received until it was settled, each time that one was"},
	[CALLS] = {"pnow_calls", "gauge", "Requests that events have taken"},
	[CALLS_LEFT] = {"pnow_calls_left", "gauge",
		"Requests that are left of those of a day (UTC) or an interval"},
	[CALLS_LIMIT] = {"pnow_calls_limit", "gauge", "Requests of a day (UTC) or an interval"},
	[LOOKUPS] = {"pnow_lookups_expected", "gauge",
		"Lookups in PatientNow that the rest of the day (UTC) is expected to bring"},
	[LOOKUPS_WAIT] = {"pnow_lookups_wait_seconds", "gauge",
		"For how long lookups wait for each other, so that the requests last; until midnight (UTC) where none is left"},
};

struct metrics {
	const char *practice; /* the one that is read */
	struct buf samples[METRICS];
};

struct metrics *metrics_new(void)
{
	return allocated(calloc(1, sizeof(struct metrics)));
}

void metrics_end(struct metrics *m)
{
	for (size_t i = 0; i < METRICS; i++) {
		const struct buf *samples = &m->samples[i];
		if (!samples->n)
			continue;
		printf("# HELP %s %s.\n# TYPE %s %s\n", metrics[i].name, metrics[i].help, metrics[i].name,
			metrics[i].type);
		fwrite(samples->p, 1, samples->n, stdout);
		buf_free(&m->samples[i]);
	}
	printf("# EOF\n");
	free(m);
}

/* --- Samples --- */

static void add_label(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s%s=\"", out->p[out->n - 1] == '{' ? "" : ",", name);
	for (char c; (c = str_shown(&value));) {
		if (c == '"' || c == '\\')
			buf_putc(out, '\\');
		buf_putc(out, c);
	}
	buf_putc(out, '"');
}

/* A label beside the practice; value NULL: it is left out. */
struct label {
	const char *name, *value;
};

static void add_part(
	struct metrics *m, enum metric of, const char *part, const struct label labels[static 3], double value)
{
	struct buf *out = &m->samples[of];
	buf_printf(out, "%s%s{", metrics[of].name, part);
	add_label(out, "practice", m->practice);
	for (size_t i = 0; i < 3; i++)
		if (labels[i].value)
			add_label(out, labels[i].name, labels[i].value);
	buf_printf(out, "} %.15g\n", value);
}

static void add(struct metrics *m, enum metric of, const struct label labels[static 3], double value)
{
	add_part(m, of, "", labels, value);
}

static const struct label none[3];

static double seconds(int64_t ms)
{
	return (double)ms / 1000;
}

/* --- Events --- */

static bool add_events(struct metrics *m, struct state *s)
{
	struct inbox_count count;
	int64_t received = 0;
	struct state_rows rows = inbox_count(s);
	for (; inbox_next_count(&rows, &count); received += count.n)
		add(m, EVENTS, (struct label[3]){{"state", count.state}, {"type", count.type ? count.type : ""}},
			(double)count.n);
	add(m, RECEIVED, none, (double)received);
	return state_done(&rows);
}

/* A number that grows, for each text. */
struct tally {
	struct arena arena;
	struct tally_row {
		const char *what, *cause;
		int64_t n;
	} * at;
	size_t n;
};

static void tally_add(struct tally *t, const char *what, const char *cause)
{
	size_t i = 0;
	while (i < t->n && (strcmp(t->at[i].what, what) != 0 || strcmp(t->at[i].cause, cause) != 0))
		i++;
	if (i == t->n) {
		t->at = allocated(reallocarray(t->at, t->n + 1, sizeof *t->at));
		t->at[t->n++] =
			(struct tally_row){arena_copy(&t->arena, str_of(what)), arena_copy(&t->arena, str_of(cause)), 0};
	}
	t->at[i].n++;
}

/* Writes the numbers, and frees them. */
static void tally_end(struct tally *t, struct metrics *m)
{
	for (size_t i = 0; i < t->n; i++)
		add(m, FAILING, (struct label[3]){{"state", t->at[i].what}, {"cause", t->at[i].cause}},
			(double)t->at[i].n);
	free(t->at);
	arena_free(&t->arena);
}

static bool add_failing(struct metrics *m, struct state *s)
{
	struct tally tally = {0};
	struct arena a = {0};
	struct inbox_unsettled event;
	struct state_rows rows = inbox_unsettled(s);
	for (; inbox_next_unsettled(&rows, &event); arena_reset(&a))
		if (event.result && jtext_get(str_of(event.result), "error").p)
			tally_add(&tally, event.state, told_cause(&a, str_of(event.result)));
	arena_free(&a);
	tally_end(&tally, m);
	return state_done(&rows);
}

static bool add_answers(struct metrics *m, struct state *s)
{
	struct told told;
	struct state_rows rows = told_answers(s);
	while (told_next(&rows, &told))
		add(m, ANSWERS, (struct label[3]){{"outcome", told.what}, {"cause", told.cause}}, (double)told.n);
	return state_done(&rows);
}

static bool add_warnings(struct metrics *m, struct state *s)
{
	struct told told;
	struct state_rows rows = told_warnings(s);
	while (told_next(&rows, &told))
		add(m, WARNINGS, (struct label[3]){{"kind", told.cause}}, (double)told.n);
	return state_done(&rows);
}

static bool add_times(struct metrics *m, struct state *s)
{
	int64_t first, last, dumped, oldest = inbox_oldest(s), now = when_now_ms();
	bool read = inbox_span(s, &first, &last);
	read &= dump_last(s, &dumped);
	add(m, OLDEST, none, oldest && now > oldest ? seconds(now - oldest) : 0);
	if (last)
		add(m, LAST_EVENT, none, seconds(last));
	if (dumped)
		add(m, LAST_BACKUP, none, seconds(dumped));
	return read;
}

static bool add_waits(struct metrics *m, struct state *s)
{
	struct inbox_waits waits;
	int64_t n = 0, ms = 0;
	char le[32];
	struct state_rows rows = inbox_waits(s);
	while (inbox_next_waits(&rows, &waits)) {
		n += waits.n;
		ms += waits.ms;
		snprintf(le, sizeof le, "%.1f", seconds(waits.le));
		add_part(
			m, WAITS, "_bucket", (struct label[3]){{"le", waits.le == INT64_MAX ? "+Inf" : le}}, (double)n);
	}
	add_part(m, WAITS, "_sum", none, seconds(ms));
	add_part(m, WAITS, "_count", none, (double)n);
	return state_done(&rows);
}

/* --- Calls --- */

static bool add_calls(struct metrics *m, struct state *s)
{
	struct inbox_calls calls;
	struct state_rows rows = inbox_calls(s);
	while (inbox_next_calls(&rows, &calls)) {
		add(m, CALLS, (struct label[3]){{"api", "crm"}, {"type", calls.type}}, (double)calls.crm);
		add(m, CALLS, (struct label[3]){{"api", "patientnow"}, {"type", calls.type}},
			(double)calls.patientnow);
	}
	return state_done(&rows);
}

static void add_location(const char *location, const struct limit_left *l, void *context)
{
	struct metrics *m = context;
	const struct label day[3] = {{"api", "crm"}, {"location", location}, {"span", "day"}},
					   interval[3] = {{"api", "crm"}, {"location", location}, {"span", "interval"}};
	add(m, CALLS_LEFT, day, (double)l->day_left);
	add(m, CALLS_LEFT, interval, (double)l->left);
	add(m, CALLS_LIMIT, day, (double)l->day_max);
	add(m, CALLS_LIMIT, interval, (double)l->max);
}

static void add_left(struct metrics *m, struct inbox *in)
{
	const struct label day[3] = {{"api", "patientnow"}, {"span", "day"}};
	struct requests r = left_of_patientnow(in);
	add(m, CALLS_LEFT, day, (double)r.left);
	add(m, CALLS_LIMIT, day, (double)r.limit);
	add(m, LOOKUPS, none, (double)r.lookups);
	add(m, LOOKUPS_WAIT, none, (double)r.wait);
	left_of_locations(in, add_location, m);
}

bool metrics_of(struct metrics *m, struct inbox *in)
{
	struct state *s = in->state;
	m->practice = in->conf->practice;
	bool read = add_events(m, s);
	read &= add_failing(m, s);
	read &= add_answers(m, s);
	read &= add_warnings(m, s);
	read &= add_times(m, s);
	read &= add_waits(m, s);
	read &= add_calls(m, s);
	add_left(m, in);
	return read;
}
