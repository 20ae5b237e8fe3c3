/* The parts of pnow-inbox. */
#ifndef PNOW_INBOX_H
#define PNOW_INBOX_H

#include "conf/conf.h"
#include "conf/options.h"
#include "conf/webhook.h"
#include "net/limit.h"
#include "state/inbox.h"
#include "state/state.h"
#include "stream/table.h"

#include <poll.h>

/* What every subcommand has. */
struct inbox {
	const char *file;   /* the configuration's name, or NULL */
	const char *folder; /* of the configurations of several practices; NULL: there is one */
	bool verbose;
	struct conf *conf;   /* set by inbox_open, */
	struct state *state; /* with this */
};

/* A subcommand with its own arguments (argv[0] is its name); reads its options, calls inbox_open, and returns
   the exit status. */
int inbox_run(struct inbox *in, int argc, char *argv[]);
int inbox_add_events(struct inbox *in, int argc, char *argv[]);
int inbox_list(struct inbox *in, int argc, char *argv[]);
int inbox_show(struct inbox *in, int argc, char *argv[]);
int inbox_retry_events(struct inbox *in, int argc, char *argv[]);
int inbox_drop_events(struct inbox *in, int argc, char *argv[]);
int inbox_stat(struct inbox *in, int argc, char *argv[]);
int inbox_check(struct inbox *in, int argc, char *argv[]);
int inbox_results_of(struct inbox *in, int argc, char *argv[]);
int inbox_trace(struct inbox *in, int argc, char *argv[]);
int inbox_purge_bodies(struct inbox *in, int argc, char *argv[]);
int inbox_forget_patient(struct inbox *in, int argc, char *argv[]);
int inbox_dump(struct inbox *in, int argc, char *argv[]);
int inbox_load(struct inbox *in, int argc, char *argv[]);

/* open.c */

/* Reads the configuration and opens the state file; ends the process where that cannot be, so options come
 * first. */
void inbox_open(struct inbox *in);

/* With in->folder: opens one practice after the other and calls show for each; else inbox_open, and once. The
   worst exit status: show's, or that of a practice that cannot be opened, which is told. */
int inbox_each(struct inbox *in, int (*show)(struct inbox *in, void *context), void *context);

/* After something was forgotten: the exit status. done: it is removed from the file, too; says where it is
 * not.
 */
int inbox_scrubbed(struct inbox *in, bool done);

/* choice.c: what options name; lists, "a,b", as JSON. End the process with status 64 where a word is none. */
const char *choice_of_types(struct arena *a, const char *text);
const char *choice_of_states(struct arena *a, const char *text);
/* The moment that an option names in the practice's zone: a time, a date, an age; milliseconds since 1970. */
int64_t choice_of_moment(char letter, const char *text);

/* like.c */

enum { LIKE_LEAST = 4 }; /* so much of an id must be given */

/* The id that is so, or the only one that begins so (the arena's). NULL: there is none, and like_tell was
 * called. */
const char *like_one(struct inbox *in, struct arena *a, const char *id);
/* Says that there is no such id, and which are like it. */
void like_tell(struct inbox *in, struct arena *a, const char *id);

/* detail.c: what a result says in words, the arena's; NULL: nothing. */
/* Why it is not done, and what was left out. */
const char *detail_why(struct arena *a, struct str result);
/* Also what was carried out, and its waits. */
const char *detail_all(struct arena *a, struct str result);

/* metrics.c: what a monitor counts. Nothing of it is about a person. */
struct metrics;

struct metrics *metrics_new(void);
/* Takes a practice's numbers. False where its state file cannot be read. */
bool metrics_of(struct metrics *m, struct inbox *in);
/* Writes those of all, as OpenMetrics and Prometheus read them, and frees them. */
void metrics_end(struct metrics *m);

/* left.c: what is left of the calls */

/* The day's requests to PatientNow (UTC). */
struct requests {
	int64_t limit, reserve, used, left;
	int64_t for_people; /* of those that are left */
	int64_t lookups;    /* that the rest of the day is expected to bring */
	bool spent;         /* none is left but for people: lookups wait until midnight */
	int64_t wait;       /* seconds: until then, or for each other, so that what is left lasts */
	bool spread;        /* and even that will not do */
};

struct requests left_of_patientnow(struct inbox *in);
/* Calls each() for every location of the CRM whose limits are known. */
void left_of_locations(const struct inbox *in,
	void (*each)(const char *location, const struct limit_left *, void *context), void *context);

/* keys.c: texts, none twice; the texts stay the caller's. Zero-initialise. */
struct keys {
	const char **at;
	size_t n;
};

bool keys_has(const struct keys *k, const char *key);
void keys_add(struct keys *k, const char *key);
/* A JSON list of them, the arena's. */
const char *keys_json(struct arena *a, const struct keys *k);
void keys_free(struct keys *k);

/* pipeline.c: the command that works on events, kept running. */
struct pipeline {
	int pid;           /* 0: not running */
	int in, out;       /* its ends, non-blocking; -1: closed */
	bool told;         /* that no more comes: it finishes what it has */
	struct buf unsent; /* for its standard input */
	struct buf unread; /* of its standard output, up to a whole line */
};

/* Starts a command for a practice, which PNOW_CONFIG and TZ tell it, in a process group of its own, so that a
   key at the terminal does not reach it. False: it cannot be started now; why is told. */
bool pipeline_start(struct pipeline *p, char *const *command, const struct conf *conf);
/* Writes what it takes of unsent. */
void pipeline_write(struct pipeline *p);
/* Reads what there is; each() is called for each whole line. At the end of its output out is closed. */
void pipeline_read(struct pipeline *p, void (*each)(struct str line, void *context), void *context);
/* No more input: it finishes what it has. */
void pipeline_finish(struct pipeline *p);
/* Nothing more is written or read. */
void pipeline_close(struct pipeline *p);
/* Whether it has ended since its output did; then *status is as of wait(2). */
bool pipeline_ended(struct pipeline *p, int *status);
/* Closes everything, and waits for its end. */
void pipeline_free(struct pipeline *p);

/* result.c */

/* Reads a line that came out of the pipeline: a result, or an event that passed one without crm-push at its
   end (then it is done, or has failed where it carries an error). Of the line only what may be kept is: an
   event names people. NULL, or why it tells of no event. */
const char *result_read(struct arena *a, struct str line, struct inbox_result *result);
/* The result of an event that the pipeline gave none for; crashed: because the event kills it. */
struct inbox_result result_missing(struct arena *a, const char *id, bool crashed);
/* Of a failed one: its kind, and what the error says where the stage is one of ours: others may not know that
   a message names nobody. The arena's, or the result's. */
const char *result_cause(struct arena *a, const struct inbox_result *result);

/* run.c: one practice's part of a run */

struct run;

/* What all practices of a run share. */
struct run_all {
	char *const *command;
	const char *types; /* a JSON list */
	size_t parallel;   /* events of a practice in its pipeline */
	bool once, verbose;
	bool many;         /* words name the practice */
	int busy_ms;       /* that another process may keep a state file locked */
	int64_t look_ms;   /* from one slow look to the next */
	bool stopped;      /* nothing more is fed */
	size_t places;     /* for pipelines, that are free */
	size_t waiting;    /* runs that wait for a place, */
	size_t on_the_way; /* and places that are being made free for them */
	size_t settled, dead, in_flight;
	struct wakeups *wakeups; /* of wakeup.h */
};

/* Takes a practice's part; conf becomes its own. */
struct run *run_new(struct run_all *all, struct conf *conf);
/* Opens the state file; feeding does that, too, where it needs it. False: it cannot be now, and why. */
bool run_open(struct run *r, struct state_failure *why);
/* Somebody has sent a wake-up, which may be for this one. */
void run_wake(struct run *r, int watched);
/* Reads and settles what can be now. */
void run_hear(struct run *r);
/* Feeds what can be now. False when there is nothing more to do for it, ever. */
bool run_feed(struct run *r);
/* When it needs a turn without anything having happened, in milliseconds since 1970. */
int64_t run_next(const struct run *r);
/* Since when it has waited for a place; 0: it does not. run_place gives it one of all->places. */
int64_t run_waits(const struct run *r);
void run_place(struct run *r);
/* What poll(2) is to wait for; how many. */
size_t run_polled(const struct run *r, struct pollfd fds[static 2]);
/* It takes no more events, settles those that it has, and is done. */
void run_leave(struct run *r);
/* The clock was set: nothing is put off any more. */
void run_clock(struct run *r);
/* 1 where events have died, 75 where it has given up or, with -1, where an event waits to be tried again, the
   state file's where that could not be opened; else 0. */
int run_status(const struct run *r);
/* Gives everything back. */
void run_free(struct run *r);
/* The number that run_wake compares. */
int run_watched(const struct run *r);

#endif
