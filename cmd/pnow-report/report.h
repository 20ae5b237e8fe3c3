/*
 * The parts of pnow-report: read.c turns each line into figures; figures.c, day.c, wait.c, funnel.c, tally.c
 * and cause.c keep them; page.c (with part_….c, chart.c, html.c), text.c and json.c write them. What is kept
 * does not grow with the number of results, but for a bounded number of days, names and causes, which are
 * drawn.
 */
#ifndef PNOW_REPORT_H
#define PNOW_REPORT_H

#include "text/arena.h"
#include "text/buf.h"
#include "value/event.h"

/* What became of an event. */
enum fate {
	FATE_DONE,
	FATE_UNCHANGED,
	FATE_IGNORED,
	FATE_SKIPPED,
	FATE_DROPPED, /* by hand */
	FATE_WAITING,
	FATE_FAILED, /* dead */
	FATES,
	FATE_NONE = FATES
};

struct fate_words {
	const char *key;   /* in JSON, and of the page's colours */
	const char *shown; /* to people */
};
extern const struct fate_words fates[FATES];
/* How many events there are, whatever became of them. */
int64_t fates_sum(const int64_t counts[FATES]);

enum { TYPES = EVENT_TYPES + 1 }; /* the last: another, or none */
/* patient.updated; "other" for the last. */
const char *report_type(size_t type);

/* --- wait.c: how long events waited, in steps of a sixteenth of their power of two --- */

enum { WAIT_STEPS = 16, WAIT_BUCKETS = 44 * WAIT_STEPS };

struct waits {
	uint32_t at[WAIT_BUCKETS];
	uint32_t n;
};

void waits_add(struct waits *w, int64_t ms);
void waits_join(struct waits *to, const struct waits *from);
/* What so many hundredths waited no longer than, in milliseconds, to 3 %; -1: none has waited. */
int64_t waits_rank(const struct waits *w, int hundredths);

/* --- day.c: days, by their number since 1970 --- */

struct day {
	uint32_t events[TYPES][FATES];
	struct waits waits;
	int64_t value;           /* added to the lifetime value, in cents */
	int64_t crm, patientnow; /* requests that were made on this day in UTC */
};

enum { DAYS_MAX = 4096 };

struct days {
	struct day **at; /* DAYS_MAX; NULL: nothing happened on that day */
	int64_t base;    /* the number of at[0] */
};

/* The day with this number, made where it is needed; NULL: it is years away from the others. */
struct day *days_get(struct days *d, int64_t number);
/* NULL: nothing happened then. */
const struct day *days_look(const struct days *d, int64_t number);
void days_free(struct days *d);

/* The day of a moment (milliseconds since 1970), in the zone that holds now. */
int64_t day_of(int64_t ms);
/* As strftime(3) writes it, valid until the seventh next call. */
const char *day_text(int64_t number, const char *format);
/* The month of a day: its first day. */
int64_t day_month(int64_t number);

/* --- tally.c: things that are counted by name --- */

enum { TALLY_MAX = 256 };

struct tally_row {
	char *name;
	uint64_t hash;
	int64_t n, cents;
	char *last; /* the id of the last one */
};

struct tally {
	struct tally_row *at;
	size_t n;
	int64_t others, others_cents; /* behind TALLY_MAX names */
};

/* Counts one more; id may be NULL. */
void tally_add(struct tally *t, const char *name, int64_t cents, const char *id);
/* The greatest amount first; where these are equal, the greatest number. */
void tally_sort(struct tally *t);
void tally_free(struct tally *t);

/* --- practices --- */

struct practice {
	char *name;
	char *configuration; /* NULL: not told */
	char *zone;
	int64_t patientnow_limit, crm_limit; /* of a day; 0: not told */
	int64_t fates[FATES];
	int64_t uncategorized; /* events of types that the sheet lacks */
	struct waits waits;
	int64_t value, crm, patientnow;
};

/* --- cause.c: why events failed or were left out --- */

enum cause_kind {
	CAUSE_FAILED,
	CAUSE_WAITING,
	CAUSE_SKIPPED,
	CAUSE_DROPPED,
	CAUSE_WARNED,
	CAUSE_IGNORED,
	CAUSE_KINDS
};

enum { CAUSES_MAX = 256, CAUSE_IDS = 10 };

struct cause {
	enum cause_kind kind;
	const struct practice *practice;
	char *code; /* of an error, else "" */
	char *text; /* with … for the ids in it */
	uint64_t hash;
	int64_t n;
	char *ids[CAUSE_IDS]; /* the newest */
};

struct causes {
	struct cause *at;
	size_t n;
	int64_t others; /* events of causes behind CAUSES_MAX */
};

void causes_add(struct causes *c, enum cause_kind kind, const struct practice *p, const char *code,
	const char *text, const char *id);
/* What is worst first. */
void causes_sort(struct causes *c);
void causes_free(struct causes *c);
const char *cause_kind_name(enum cause_kind kind);  /* failed */
const char *cause_kind_shown(enum cause_kind kind); /* Failed for good */
/* What to do about it, and the commands to type, one on each line; the arena's. */
const char *cause_advice(const struct cause *c);
const char *cause_command(struct arena *a, const struct cause *c);
/* " -c FILE" where the practice's configuration is known, else "". */
const char *practice_option(struct arena *a, const struct practice *p);

/* --- funnel.c: who came into which stage when --- */

enum { STAGES_MAX = 12, PIPELINES_MAX = 8, TRACKED_MAX = 1 << 16 };

struct funnel_stage {
	char *name;
	int64_t came;    /* patients who came into it */
	int64_t before;  /* who came into the stage before it, */
	int64_t went_on; /* and of them, who later came into this one or one behind it */
	double days;     /* half of those took no longer; -1: there are none */
};

struct funnel {
	char *pipeline;
	struct funnel_stage stages[STAGES_MAX]; /* the first is the lost one's */
	size_t n;
};

struct funnels {
	struct funnel at[PIPELINES_MAX];
	size_t n;
	struct track *tracks; /* patients, by their hash */
	size_t room, used;
	unsigned sampled; /* only one patient of 2^sampled is followed: there are too many */
};

/* Tells a pipeline's stages in their order. lost: the stage of those who do not come, or NULL. */
struct funnel *funnels_tell(struct funnels *f, const char *pipeline, const char *lost);
void funnel_stage_tell(struct funnel *f, const char *stage);
/* A patient came into a stage. */
void funnels_add(struct funnels *f, const char *pipeline, const char *stage, uint64_t patient, int64_t ms);
/* Counts, once all have come. */
void funnels_count(struct funnels *f);
void funnels_free(struct funnels *f);

/* --- figures.c --- */

struct figures {
	struct practice **practices;
	size_t practices_n;
	int64_t first,
		last; /* day: those that were asked for, and those of the events; INT32_MAX, INT32_MIN: none */
	int64_t events[TYPES][FATES];
	int64_t undated; /* events without a time */
	struct days days;
	struct waits waits;
	struct funnels funnels;
	int64_t value, bills; /* added, of so many */
	struct tally services;
	struct tally uncategorized;
	struct causes causes;
	int64_t crm, patientnow;
	int64_t tried; /* answers that were tried again */
	struct {
		bool made;
		int64_t at;     /* 0: not known */
		int64_t events; /* that differ */
		int64_t failed; /* events that could not be compared */
		struct tally names;
	} audit;
	int64_t passed_over; /* lines that are no results */
};

struct practice *figures_practice(struct figures *f, const char *name);
/* Whatever is only known once all has come. */
void figures_end(struct figures *f);
void figures_free(struct figures *f);
int64_t figures_fate(const struct figures *f, enum fate fate);
int64_t figures_all(const struct figures *f);
/* Requests of a day that there are, of all practices; 0: not known. */
int64_t figures_patientnow_limit(const struct figures *f);
/* The practices, the worst first. The array is the arena's. */
const struct practice **figures_worst(const struct figures *f, struct arena *a);

/* --- read.c --- */

/* A line's figures; false where it is no result. */
bool report_read(struct figures *f, struct arena *a, struct str line);
/* What a line of an audit's has found; false where it is no result. */
bool report_read_audit(struct figures *f, struct arena *a, struct str line);

/* --- bin.c: the days as they are drawn: one by one, by the week or by the month, whatever there is room for
   --- */

enum bin_step { BIN_DAY, BIN_WEEK, BIN_MONTH };

struct bin {
	int64_t first, last; /* day */
	int64_t fates[FATES];
	struct waits waits;
	int64_t value, crm, patientnow;
};

struct bins {
	struct bin *at; /* the arena's */
	size_t n;
	enum bin_step step;
};

struct bins bins_of(const struct figures *f, struct arena *a);
/* By the month. */
struct bins bins_by_month(const struct figures *f, struct arena *a);
/* "day", "week", "month". */
const char *bins_per(const struct bins *bins);
/* "Mon 16 Nov 2026", "16 Nov to 22 Nov 2026", "November 2026"; the arena's. */
const char *bin_name(struct arena *a, const struct bins *bins, size_t i);
/* What an axis has room for: "Mon 16", "16 Nov", "Nov 2026"; the arena's. */
const char *bin_label(struct arena *a, const struct bins *bins, size_t i);

/* --- chart.c --- */

enum { TICKS_MAX = 8 };

struct chart {
	const char *summary; /* what a screen reader says in its place */
	const struct bins *bins;
	double top; /* of the axis */
	struct {
		double at;
		const char *text;
	} ticks[TICKS_MAX];
	size_t ticks_n;
	double mark; /* a line across; 0: none */
	const char *mark_text;
	/* Writes the shapes of a bin, with chart_bar; context is the chart's. */
	void (*draw)(struct buf *out, const struct chart *c, size_t bin);
	const char *(*tip)(const struct chart *c, size_t bin); /* what of it is said beside its name */
	struct arena *arena;
};

/* Sets top and ticks for counts up to most. */
void chart_scale(struct chart *c, double most);
void chart_write(struct buf *out, const struct chart *c);
/* A bar from one value to another (of the axis), so wide (1: its whole bin), in a colour of style.h. */
void chart_bar(struct buf *out, const struct chart *c, size_t bin, double from, double to, double width,
	const char *colour);

/* --- the writers --- */

struct report {
	const struct figures *figures;
	struct arena *arena;
	bool compare; /* -C: a table of practices in front */
};

void report_page(const struct report *r, struct buf *out);
void report_text(const struct report *r, struct buf *out);
void report_json(const struct report *r, struct buf *out);

/* For people: "1,204", "98.8 %", "2.3 s", "$1,204.50"; valid until the thirty-second next call of one of
   these. */
const char *shown_number(int64_t n);
const char *shown_count(int64_t n, const char *thing); /* "1 bill", "2 bills" */
const char *shown_part(int64_t part, int64_t whole);
const char *shown_wait(int64_t ms);
const char *shown_money(int64_t cents);
const char *shown_dollars(int64_t cents); /* "$1,205" */
const char *shown_days(double days);      /* "6.7" */
const char *shown_within(double days);    /* "6.7 days", "under 0.1 days" */
/* "glow-denver", "3 practices"; "16 to 22 November 2026". The arena's. */
const char *shown_who(const struct report *r);
const char *shown_span(const struct report *r);

#endif
