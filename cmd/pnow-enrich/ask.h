/* How PatientNow is asked for what an event lacks: as seldom as can be, and so that the day's calls last. */
#ifndef ASK_H
#define ASK_H

#include "gather.h"
#include "net/patientnow.h"

struct ask;

/* Reads the secrets, as patientnow_open does; the arguments live as long as it does. */
struct ask *ask_open(const struct conf *conf, const struct profile *profile, struct state *state,
	const struct options *options);
void ask_close(struct ask *k);

/* What is wanted. */
struct want {
	enum event_kind kind;
	const char *id;
	int64_t happened;   /* what makes it wanted, milliseconds since 1970, as the next */
	int64_t not_before; /* an answer that was asked for earlier will not do */
	bool changed;       /* the event says that it has changed: so it stands in a list of what has changed */
	bool listed;        /* set by ask_list: it has gone through a list, which should tell it */
	bool counted;       /* set by ask_list: in the forecast */
	struct gathering gathering; /* how long it waited for others that share a list, */
	int64_t spread;             /* and for the turn of a call, milliseconds */
};

/* The ways to have it, each to be tried where the one before gave nothing, or not enough. A body is the
   arena's; without one, code is NULL where this way leads to nothing, else the event fails with it. May be
   called from any thread. */
typedef struct patientnow_answer ask_fn(struct ask *k, struct arena *a, struct want *w);

ask_fn ask_kept;  /* what was answered before: no call */
ask_fn ask_list;  /* what has changed lately, all of it: what others wait for comes with it */
ask_fn ask_alone; /* this one */

/* Forgets what is kept of a resource from before that moment: it has changed since. */
void ask_changed(struct ask *k, enum event_kind kind, const char *id, int64_t before);

/* No event comes any more that others could wait for. */
void ask_ended(struct ask *k);

#endif
