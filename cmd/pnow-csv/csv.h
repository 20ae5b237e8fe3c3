/* The parts of pnow-csv. */
#ifndef CSV_EVENTS_H
#define CSV_EVENTS_H

#include "conf/conf.h"
#include "conf/profile.h"
#include "stream/stream.h"
#include "text/rows.h"
#include "value/event.h"

/* What a fact is about: the file's own kind, the patient (where that is another), an item of a bill. */
enum about { ABOUT_OWN, ABOUT_PATIENT, ABOUT_ITEM };

enum { COLUMNS_EACH = 16, FACTS_MAX = 32 };

/* A fact, and the columns that may hold it, in the order in which they are tried. */
struct fact_columns {
	enum about about;
	const char *name;
	size_t columns[COLUMNS_EACH];
	size_t n;
};

/* -m FACT=COLUMN. */
struct given {
	const char *fact; /* bill.total */
	const char *column;
};

/* -x COLUMN=VALUE, COLUMN!=VALUE: rows that are left out. */
struct left_out {
	const char *column, *value;
	bool unless; /* those that do not have the value */
	size_t at;   /* the column's place in the file in hand */
};

struct draft;

struct csv {
	const struct conf *conf;
	const struct profile *profile;
	enum event_kind kind;
	enum event_type type; /* EVENT_UNKNOWN: the one that fits the record */
	struct given *given;
	size_t given_n;
	struct left_out *left_out;
	size_t left_out_n;
	bool verbose;

	struct stream *stream;
	bool interrupted;                     /* the input ended before its end */
	const char *file;                     /* its name, for messages */
	struct rows *lines;                   /* of it */
	struct fact_columns facts[FACTS_MAX]; /* of the file in hand */
	size_t facts_n;
	struct draft *draft; /* the event that is being put together */
	struct buf out;
	size_t rows, events, failed, left;
};

/* columns.c */
/* The fact of a name such as bill.total, patient.email or item.amount (our kind's may be alone: total) for a
   file of this kind; false where there is none. */
bool fact_named(enum event_kind kind, const char *name, enum about *about, const char **fact);
/* Finds the columns of all facts in the header, and tells of facts that have none. Ends the process with
   status 65 where one that is needed has none. */
void find_columns(struct csv *c, const struct row *header);
/* Whether a row is one of those that -x leaves out. */
bool row_left_out(const struct csv *c, const struct row *row);
/* The fact's value in a row, without the blanks around it; NULL where it has none. */
const char *value_in_row(const struct csv *c, size_t fact, const struct row *row);

/* draft.c */
void draft_open(struct csv *c);
void draft_free(struct csv *c);
/* A row of the file: an event, or a part of a bill. */
void draft_add(struct csv *c, const struct row *row);
/* A bad row has gone by: a bill beside it may lack an item. */
void draft_doubt(struct csv *c, size_t line);
/* The event in hand is whole: it is written. */
void draft_finish(struct csv *c);
/* Writes a row that makes no event as an error record. */
void write_bad(struct csv *c, size_t line, struct str raw, const char *why);

#endif
