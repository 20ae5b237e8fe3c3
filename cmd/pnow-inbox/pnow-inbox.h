/* The parts of pnow-inbox. */
#ifndef PNOW_INBOX_H
#define PNOW_INBOX_H

#include "conf/conf.h"
#include "conf/options.h"
#include "conf/webhook.h"
#include "state/inbox.h"
#include "state/state.h"
#include "stream/table.h"

/* What every subcommand has. */
struct inbox {
	const char *file; /* the configuration's name, or NULL */
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
int inbox_trace(struct inbox *in, int argc, char *argv[]);
int inbox_purge_bodies(struct inbox *in, int argc, char *argv[]);
int inbox_forget_patient(struct inbox *in, int argc, char *argv[]);

/* open.c */

/* Reads the configuration and opens the state file; ends the process where that cannot be, so options come
 * first. */
void inbox_open(struct inbox *in);

/* After something was forgotten: the exit status. done: it is removed from the file, too; says where it is
 * not.
 */
int inbox_scrubbed(struct inbox *in, bool done);

/* choice.c: lists in options, "a,b", as JSON. End the process with status 64 where a word is none of them. */
const char *choice_of_types(struct arena *a, const char *text);
const char *choice_of_states(struct arena *a, const char *text);

/* like.c */

enum { LIKE_LEAST = 4 }; /* so much of an id must be given */

/* The id that is so, or the only one that begins so (the arena's). NULL: there is none, and like_tell was
 * called. */
const char *like_one(struct inbox *in, struct arena *a, const char *id);
/* Says that there is no such id, and which are like it. */
void like_tell(struct inbox *in, struct arena *a, const char *id);

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
	char *const *command;
	int pid;           /* 0: not running */
	int in, out;       /* its ends, non-blocking; in -1: closed */
	struct buf unsent; /* for its standard input */
	struct buf unread; /* of its standard output, up to a whole line */
};

/* Starts the command in a process group of its own, so that a key at the terminal does not reach it. False:
   it cannot be started now. */
bool pipeline_start(struct pipeline *p);
/* Writes what it takes of unsent. */
void pipeline_write(struct pipeline *p);
/* Reads what there is; each() is called for each whole line. False at the end of its output. */
bool pipeline_read(struct pipeline *p, void (*each)(struct str line, void *context), void *context);
/* No more input: it finishes what it has. */
void pipeline_finish(struct pipeline *p);
/* Waits for it to end, closes everything; returns the status as of wait(2). */
int pipeline_end(struct pipeline *p);

/* result.c */

/* Reads a line that came out of the pipeline: a result, or an event that passed one without crm-push at its
   end (then it is done, or has failed where it carries an error). Of the line only what may be kept is: an
   event names people. False where it tells of no event; that was said on standard error. */
bool result_read(struct arena *a, struct str line, struct inbox_result *result);
/* The result of an event that the pipeline gave none for; crashed: because the event kills it. */
struct inbox_result result_missing(struct arena *a, const char *id, bool crashed);

#endif
