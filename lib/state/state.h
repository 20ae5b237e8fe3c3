/*
 * What is remembered of a practice: in a file of its own (SQLite), or in a database that any number of hosts
 * share (PostgreSQL). This module opens it, brings its schema up to date and runs statements; what the tables
 * mean is with those who own them (ledger.h, cache.h, quota.h, names.h).
 *
 * What is written is there after a kill, at any line. After a power cut everything is there up to some
 * commit, and nothing of those behind it; a commit waits until the disk has it and all before it
 * (synchronous=FULL, synchronous_commit=on). One that is not waited for (…_unflushed) may be among those that
 * are missing: it is for what is found out again, or done again without harm, by who comes after.
 */
#ifndef STATE_H
#define STATE_H

#include "text/arena.h"
#include <stdint.h>

struct state;

/* Opens or creates the file at path, mode 0600, or what postgres.h says of a database: path is conf's state,
   and stays the caller's. Ends the process with one line where that cannot be: status 78 where the file's
   folder is missing, 73 where it cannot be written, 69 where the database cannot be used, 65 where it is no
   state or a newer program's. */
struct state *state_open(const char *path);

enum { STATE_ROOM_LEAST = 16, STATE_ROOM_GOOD = 256 };

/* MiB that are free on a state file's disk, whether the file is there or not; -1 where nobody can say. Below
   STATE_ROOM_LEAST what comes in may soon find no place; from STATE_ROOM_GOOD on nobody need care. */
int64_t state_room(const char *path);

enum { STATE_PROBLEM = 1024 }; /* a line's text, with its '\0' */

/* Why a file cannot be opened: a line's text, and the exit status that fits. */
struct state_failure {
	int status;
	bool disk; /* the disk is full, or fails */
	char why[STATE_PROBLEM];
};

/* state_open for who goes on without it: NULL, and why. busy_ms: how long a statement waits for a lock of
   another process before it fails. path stays the caller's. */
struct state *state_try(const char *path, int busy_ms, struct state_failure *why);
/* For rehearsal.h: an empty state in a file that has no name any more. Statements find the file at path,
   which is only read, as the schema "original", if it is there (state_has_original). */
struct state *state_rehearse(const char *path);
bool state_has_original(const struct state *s);
void state_close(struct state *s);
/* Writes something and takes it away again: whether that can be done now. */
bool state_can_write(struct state *s);
/* What was last said to be wrong with the file and is not over; "": nothing. */
const char *state_trouble(const struct state *s);
/* Whether it is in a database: each answer is waited for, so what one statement can do of many is worth words
   that only PostgreSQL understands. */
bool state_is_far(const struct state *s);
/* For a process that stores one thing and ends: what is in the log it leaves to others to move into the file.
 */
void state_leave_log(struct state *s);

/* For a process that writes much at once: where the file is large it takes more memory (64 MB), so that a
   page which many of the rows of a transaction change is read and written once for all of them. */
void state_write_much(struct state *s);

enum state_result {
	STATE_ROW,   /* there is a row, in columns */
	STATE_NONE,  /* done; there is no row */
	STATE_FAILED /* disk full, locked for too long …; said on standard error, once (trouble.h) */
};

/* Statements. sql must be a literal: it is prepared once and kept. types has a letter for each '?': t text
   (NULL is NULL), i int64_t. All may be called from any thread. The SQL is what SQLite and PostgreSQL both
   understand, and two things that this module puts into its engine's words: list(?2), the rows (their column
   is "value") of a text that is a JSON list of texts; and INDEXED BY, which only SQLite needs. */

/* Runs a statement that gives no rows. False where it failed; in a transaction that may be told by what comes
   after it, at the latest by state_end. */
bool state_do(struct state *s, const char *sql, const char *types, ...);
bool state_do_unflushed(struct state *s, const char *sql, const char *types, ...);
/* state_do with a text, or NULL, for each '?': where the column is of numbers, the text of one. */
bool state_do_texts(struct state *s, const char *sql, const char *const *texts);
/* How many rows the last state_do of this thread's transaction has changed; -1: it has failed after all. */
int64_t state_changed(struct state *s);
/* Runs a statement, and copies the texts of its first row to columns (the arena's; NULL for NULL). */
enum state_result state_run(
	struct state *s, struct arena *a, const char **columns, const char *sql, const char *types, ...);
/* Runs a statement that gives one number; *n stays as it is where there is no row, or it is NULL. */
enum state_result state_int(struct state *s, int64_t *n, const char *sql, const char *types, ...);

/* The rows of a statement, one after the other. Other threads wait until state_done: a query must always come
   to it, and its texts must live until then. */
struct state_rows {
	struct state *state;
	struct statement *statement; /* NULL: there are no more rows */
	bool failed;
};
struct state_rows state_query(struct state *s, const char *sql, const char *types, ...);
/* Goes to the next row, the first at first. False: there is none, or it failed, which state_done tells. */
bool state_next(struct state_rows *rows);
/* A column's text, until the next state_next; NULL for NULL. */
const char *state_text(const struct state_rows *rows, int column);
/* A copy of it, the arena's. */
const char *state_copy(const struct state_rows *rows, struct arena *a, int column);
/* Ends the query, after its last row or before. False where it failed. */
bool state_done(struct state_rows *rows);

/* A column's text as a number; NULL is 0. */
int64_t state_number(const char *text);

/* The version of the file's schema; -1 where it cannot be told. */
int state_schema(struct state *s);

/* A number that changes whenever another process has written the file; -1 where it cannot be told. */
int64_t state_version(struct state *s);

/* A transaction around several statements of this thread; whoever else would change something of the practice
   waits. state_end(s, false) takes it back. */
bool state_begin(struct state *s);
bool state_begin_unflushed(struct state *s);
/* One that only reads: all of it as it is at one moment. Others write meanwhile. */
bool state_begin_reading(struct state *s);
bool state_end(struct state *s, bool commit);

/* Wakes those who wait for events (wakeup.h): when this thread's transaction has ended well, without one now.
   Whatever makes an event due calls it. */
void state_wake(struct state *s);

/* Has work called before this thread's transaction ends well: once, after the works that came before. False
   takes the transaction back, which may have STATE_WORKS of them. Returns the work's context, n bytes that
   are 0 at first and the transaction's. */
void *state_before_end(struct state *s, bool (*work)(struct state *s, void *context), size_t n);
enum { STATE_WORKS = 2 };

/* Whether this thread's transaction has taken its time, and another process waits for it. */
bool state_is_awaited(struct state *s);

/* For work that is done in many small transactions: where others wait, lets them write for three times as
   long as they have waited, before the next one. */
void state_let_others(struct state *s);

/* Gives the space of what was deleted back to the system and empties the log, in small steps, so that others
   write in between. A file that a pnow older than schema 9 has made is written anew once, as by state_scrub.
   False where that cannot be, or another process has gone on reading the log. */
bool state_give_back(struct state *s);

/* Writes the file anew, so that nothing of what was deleted or overwritten is left in it or in its log:
   SQLite leaves copies behind in pages that it rearranges. Others wait meanwhile, a second or two for 100 MB.
   False where that cannot be, or another process has gone on reading the log. */
bool state_scrub(struct state *s);

/* Whether the file is no longer the one at its path: what is stored in it, nobody will find. */
bool state_has_moved(struct state *s);

#endif
