/*
 * The practice's state file: SQLite in WAL mode, synchronous=FULL. This module opens it, brings its schema up
 * to date and runs statements; what the tables mean is with those who own them (ledger.h, cache.h, quota.h,
 * names.h).
 */
#ifndef STATE_H
#define STATE_H

#include "text/arena.h"
#include <stdint.h>

struct state;

/* Opens or creates the file, mode 0600. Ends the process with one line where that cannot be: status 78 where
   its folder is missing, 73 where it cannot be written, 65 where it is no state file or a newer program's. */
struct state *state_open(const char *path);

/* Why a file cannot be opened: a line's text, and the exit status that fits. */
struct state_failure {
	int status;
	bool disk; /* the disk is full, or fails */
	char why[512];
};

/* The same for who goes on without it: NULL, and why. busy_ms: how long a statement waits for a lock of
   another process before it fails. path stays the caller's. */
struct state *state_try(const char *path, int busy_ms, struct state_failure *why);
void state_close(struct state *s);
/* Writes something and takes it away again: whether that can be done now. */
bool state_can_write(struct state *s);
/* What was last said to be wrong with the file and is not over; "": nothing. */
const char *state_trouble(const struct state *s);
/* For a process that stores one thing and ends: what is in the log it leaves to others to move into the file.
 */
void state_leave_log(struct state *s);

enum state_result {
	STATE_ROW,   /* there is a row, in columns */
	STATE_NONE,  /* done; there is no row */
	STATE_FAILED /* disk full, locked for too long …; said on standard error, once (trouble.h) */
};

/* Runs one statement; may be called from any thread. types has a letter for each '?': t text (NULL is NULL),
   i int64_t. columns, where not NULL, gets the first row's texts (the arena's; NULL for NULL). sql must be a
   literal: it is prepared once and kept. */
enum state_result state_run(
	struct state *s, struct arena *a, const char **columns, const char *sql, const char *types, ...);

/* The same, with each row given to each(): its texts (the arena's; up to 16 columns). each() may reset the
   arena, so that any number of rows takes the same memory. */
enum state_result state_each(struct state *s, struct arena *a,
	void (*each)(const char **columns, void *context), void *context, const char *sql, const char *types,
	...);

/* A number that changes whenever another process has written the file; -1 where it cannot be told. */
int64_t state_version(struct state *s);

/* A transaction around several statements of this thread; others wait. state_end(s, false) takes it back. */
bool state_begin(struct state *s);
bool state_end(struct state *s, bool commit);

/* Writes the file anew, so that nothing of what was deleted or overwritten is left in it or in its log:
   SQLite leaves copies behind in pages that it rearranges. Others wait meanwhile, a second or two for 100 MB.
   False where that cannot be, or another process has gone on reading the log. */
bool state_scrub(struct state *s);

/* Whether the file is no longer the one at its path: what is stored in it, nobody will find. */
bool state_has_moved(struct state *s);

#endif
