/* The parts of pnow-inbox. */
#ifndef PNOW_INBOX_H
#define PNOW_INBOX_H

#include "conf.h"
#include "inbox.h"
#include "options.h"
#include "state.h"

/* What every subcommand has: the configuration is read, the state file open. */
struct inbox {
	const struct conf *conf;
	struct state *state;
	bool verbose;
};

/* A subcommand with its own arguments (argv[0] is its name); returns the exit status. */
int inbox_run(struct inbox *in, int argc, char *argv[]);
int inbox_add_events(struct inbox *in, int argc, char *argv[]);
int inbox_list(struct inbox *in, int argc, char *argv[]);
int inbox_show(struct inbox *in, int argc, char *argv[]);
int inbox_stat(struct inbox *in, int argc, char *argv[]);
int inbox_trace(struct inbox *in, int argc, char *argv[]);
int inbox_retry(struct inbox *in, int argc, char *argv[]);
int inbox_drop(struct inbox *in, int argc, char *argv[]);
int inbox_purge(struct inbox *in, int argc, char *argv[]);

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

#endif
