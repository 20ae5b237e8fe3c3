/* The parts of pnow-fetch. */
#ifndef PNOW_FETCH_H
#define PNOW_FETCH_H

#include "conf/conf.h"
#include "conf/options.h"
#include "conf/profile.h"
#include "net/crm.h"
#include "net/patientnow.h"
#include "state/inbox.h"
#include "state/state.h"
#include "value/event.h"

struct fetch {
	struct options options;
	const char *list;  /* -l: the resource's name, or NULL */
	const char *event; /* -e, or NULL: records */
	const char *since, *until;
	bool bookmark, inbox; /* -b, -i */

	const struct conf *conf;
	const struct profile *profile;
	struct state *state;    /* NULL with -n, */
	struct patientnow *api; /* and so is this; */
	struct crm *crm;        /* this is for -l tagged alone */
	enum event_kind kind;   /* what is fetched */
	enum event_type type;   /* of the events; EVENT_UNKNOWN: the one that fits the record */
};

/* ids.c: makes a file with these ids (NULL-terminated) standard input; ends the process where that cannot be.
 */
void fetch_give_ids(char *ids[]);
/* The records of the ids on standard input; the exit status. */
int fetch_ids(struct fetch *f);

/* list.c: a list in pages, and the appointment types; the exit status. */
int fetch_list(struct fetch *f);
int fetch_types(struct fetch *f);

/* tagged.c: the contacts of the CRM whose tag asks for a patient, as events; the exit status. */
int fetch_tagged(struct fetch *f);

/* SIGTERM and SIGINT let the page in hand be finished; fetch_stopped: one has come. */
void fetch_arrange_signals(void);
bool fetch_stopped(void);
/* Writes to standard output, all of it. Ends the process where that cannot be: quietly where the reader has
   gone. */
void fetch_write(struct str bytes);
/* Puts an event into the inbox, and counts it in new if that did not have it; false where the state file
   cannot be written. */
bool fetch_store(const struct fetch *f, struct arena *a, struct inbox_event *event, size_t *new);

/* The exit status of a request that failed. */
int fetch_status(const struct patientnow_answer *failure);

/* When the record changed last, RFC 3339 (the arena's); NULL where the profile does not tell. */
const char *record_changed(const struct fetch *f, struct arena *a, struct str body);

/* event.c: the event of a record (checked JSON) that was asked for then (milliseconds since 1970): its line
   and id, the arena's. False where it makes none; *problem says why, without a value. */
bool event_make(const struct fetch *f, struct arena *a, struct str body, int64_t asked,
	struct inbox_event *event, const char **problem);

#endif
