/*
 * What pipelines have answered of late, counted by the hour as it comes: to ask for it costs the same however
 * many events there were. Part of the state file; nothing of it is about a person.
 */
#ifndef TOLD_H
#define TOLD_H

#include "state/state.h"
#include "text/str.h"

#include <stdint.h>

/* The kind of a result's failure: crm-push: unavailable. The arena's, as are those below. */
const char *told_failure(struct arena *a, struct str result);
/* Why a result is what it is, in few words of which there are not many: its failure, or its reason; "": it
   does not say. */
const char *told_cause(struct arena *a, struct str result);
/* A warning without what names one event of many: words with a digit. */
const char *told_kind(struct arena *a, const char *warning);

struct told {
	const char *what;  /* of answers: done, failed …; else "warning" */
	const char *cause; /* of a warning: its kind */
	int64_t n;
};

/* Answers of one moment; zero-initialise. */
struct told_tally {
	struct arena arena;
	struct told *at;
	size_t n;
};

void told_add(struct told_tally *tally, const char *outcome, struct str result);
/* Counts them, in the transaction in which they are written down; the tally is empty then. */
bool told_count(struct state *s, int64_t at, struct told_tally *tally);
/* Counts all of the last day anew: they came by another way (dump.h), or say less now. */
bool told_count_all(struct state *s);

/* What was told since the hour began that is 24 hours ago; the most frequent first. */
struct state_rows told_answers(struct state *s);
struct state_rows told_warnings(struct state *s);
bool told_next(struct state_rows *rows, struct told *told);

#endif
