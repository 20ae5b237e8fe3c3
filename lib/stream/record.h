/*
 * The record loop that every filter shares: read a line, parse it, call one function from record to record,
 * write it. Errors are records: what cannot be done to a record is written into it, and it is passed on.
 */
#ifndef RECORD_H
#define RECORD_H

#include "text/arena.h"
#include "text/buf.h"
#include "text/jtext.h"

enum {
	RECORD_MAX = 1 << 20,     /* bytes in a line, without its newline */
	RECORDS_AT_ONCE = 256,    /* in hand, in a parallel loop; fewer where they are long */
	RECORDS_BEGUN = 160,      /* of them; each has a thread, and what it holds while it waits */
	RECORDS_TOGETHER = 16384, /* in a transaction; fewer where they are long */
};

/* One line of the stream. Valid until the record's function returns; what it makes belongs in the arena. */
struct record {
	struct str line;               /* as read, without the newline */
	size_t number;                 /* of the line, from 1 */
	struct arena *arena;           /* freed by the loop when the record has been written */
	struct jtext_members members;  /* of the line */
	const char *stage;             /* the command's name */
	const char *bare;              /* of the loop */
	struct record_change *changes; /* what record_set and record_fail asked for */
	struct str whole;              /* what record_replace asked for */
	bool replaced;                 /* whether it did */
	bool failed;                   /* the record carries an error */
	bool retry;                    /* and is worth trying again */
};

/* The value of a key of the record, as JSON text; p NULL where there is none. */
struct str record_get(const struct record *r, const char *key);

/* The members of the object at a key (empty if there is none). Something else there, or a name given twice,
   fails the record. */
struct jtext_members record_object(struct record *r, const char *key);

/* The text at a key: jtext_scalar, NULL where there is none or it is empty. */
char *record_text(const struct record *r, const char *key);

/* The text at a key of a member list; NULL where there is none or it is empty. */
char *members_text(struct arena *a, const struct jtext_members *members, const char *key);

/* The record goes out with this JSON value at key, in place of the one it had. json must live as long as the
 * arena. */
void record_set(struct record *r, const char *key, struct str json);

/* The record goes out with this text at key, as a JSON string; as it is where text is NULL. */
void record_set_text(struct record *r, const char *key, const char *text);

/* The record goes out without the key. */
void record_drop(struct record *r, const char *key);

/* Another text warning for people in the record's "warnings", beside those that are there; none twice. It
   names no person and no value. */
void record_warn(struct record *r, const char *warning);

/* The record goes out with an error of this stage; code is one word, the message names ids and never a
   person. The first error stands. */
void record_fail(struct record *r, const char *code, bool retry, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The error of the record's failure says in how many seconds to try again: that is no attempt that counts. 0:
   it is one. */
void record_retry_after(struct record *r, int64_t seconds);

/* Another object, or several lines, goes out in the record's place (json without the last newline). n 0:
 * nothing does. */
void record_replace(struct record *r, struct str json);

/* Whether the record is too long by now to go out as it is: it will be an error of the stage. */
bool record_is_long(const struct record *r);

/* Writes a line that is no record, whole, inside an error; number is the line's, from 1. */
void record_malformed(
	struct buf *out, const char *stage, const char *message, struct str line, size_t number);

/* Writes a piece of a line that is too long as error records; *part counts them. */
void record_too_long(struct str piece, const char *stage, size_t number, size_t *part, struct buf *out);

/* What a filter does to a record. Records that already carry an error do not come here unless .errors is set.
 */
typedef void record_fn(struct record *r, void *context);

struct record_loop {
	const char *stage; /* the command's name, in errors */
	record_fn *each;
	void *context;
	const char *bare; /* a line that begins no object is text, and becomes an object with it at this key;
						 NULL: an error */
	bool silent;      /* nothing of the records goes out: the command writes something else */
	bool errors;      /* each() is called for records that carry an error, too */
	bool verbose;     /* at the end, how many records there were, on standard error */
	/* For one of two processes that the caller has on both ends of a pipe. */
	bool feeds;  /* what goes out is read by the other: where that has gone, 128 and SIGPIPE is returned */
	bool drains; /* what comes in is written by the other, which ends it at SIGTERM and SIGINT; we do not */

	/* Where not NULL, records share a transaction that this ends: when there is nothing more to read for now,
	   and after RECORDS_TOGETHER. False where nothing has become of any of them: each() is called again
	   for each then, and ends by itself what it begins, until this is called again. */
	bool (*commit)(void *context);
	/* Whether somebody has waited long enough for what the transaction holds: it is ended then. Not NULL with
	   commit. */
	bool (*is_awaited)(void *context);

	/* Where parallel is over 0, that many records are at work at once, in threads of their own; those that
	   wait (record_waits) are not counted. A record goes out as soon as it is done. */
	unsigned parallel;
	bool in_order; /* lines go out in the order they came in */
	/* Records with the same key are never worked on at once and keep their order; NULL: no key. The text may
	   be the arena's. Called in the reading thread. */
	const char *(*key)(const struct record *r, void *context);
	/* Whether a record, if nothing with its key is in hand, is soon done without waiting for anything, so
	   that it needs no thread: each() is called in the reading thread. NULL: none is. */
	bool (*passes)(const struct record *r, void *context);
	/* The input has ended: no record comes any more that those in hand could wait for. Called once, in the
	   reading thread, while the others are at work; NULL: nobody wants to know. */
	void (*ended)(void *context);
};

/* What each() calls where it has to wait for something, a turn, a lock, an answer: others get its place among
   those at work meanwhile, and record_goes_on waits until there is one again. Who waits without them for what
   another may hold through record_goes_on (a lock, say), may wait for ever. They may stand one inside of
   another. In any other thread they do nothing. */
void record_waits(void);
void record_goes_on(void);

/* Runs the loop from standard input to standard output until end of file, SIGTERM or SIGINT. Returns the exit
   status: 0, or 1 if a record carries an error, 75 if .errors is set and a record that failed here can be
   tried again, 74 if the input could not be read to its end. Ends the process with status 73 where standard
   output cannot be written (quietly where the reader has gone, unless .feeds is set). */
int record_loop(const struct record_loop *loop);

#endif
