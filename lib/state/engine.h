/*
 * What an engine does for state.c, and nobody else. All but open, rehearse, close and give_back are
 * called with the state's lock. What state.h says of a function holds for the one of its name.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "state/state.h"
#include "stream/trouble.h"

#include <pthread.h>

enum { STATE_VERSION = 12 }; /* of the schema, whatever the engine */

/* A value for a '?'. */
struct state_value {
	enum { VALUE_TEXT, VALUE_NUMBER, VALUE_UNTYPED } type; /* untyped: a text that is what its column is */
	const char *text;                                      /* NULL: NULL */
	int64_t number;
};

enum { STATE_VALUES = 20 }; /* of a statement, at most */

/* What a transaction is for. */
enum transaction {
	TRANSACTION_NONE,
	TRANSACTION_WRITES,
	TRANSACTION_READS,
};

struct state {
	const struct engine *engine;
	const char *path;     /* or what a URI and a practice make (postgres.h) */
	pthread_mutex_t lock; /* recursive: a transaction holds it */
	enum transaction transaction;
	bool unflushed; /* commits need not wait for the disk now */
	struct trouble trouble;
	int busy_ms;
	int64_t since; /* others may have waited for us */
	bool wakes;    /* when the transaction ends well */
	struct state_work {
		bool (*call)(struct state *s, void *context);
		void *context;
	} works[STATE_WORKS]; /* before the transaction ends */
	size_t works_n;
	bool has_original; /* a rehearsal reads it, too */
	struct sqlite *sqlite;
	struct postgres *postgres;
};

struct engine {
	const char *noun; /* what a person calls where it keeps a state */

	/* Fills s->sqlite or s->postgres. False, and why; close follows then, too. */
	bool (*open)(struct state *s, struct state_failure *why);
	bool (*rehearse)(struct state *s, struct state_failure *why);
	void (*close)(struct state *s);

	/* Starts a statement with its values, which must live until stop. NULL: it failed. */
	struct statement *(*start)(struct state *s, const char *sql, const struct state_value *values, size_t n);
	enum state_result (*step)(struct state *s, struct statement *statement);
	int (*columns)(const struct statement *statement);
	const char *(*text)(const struct statement *statement, int column);
	void (*stop)(struct state *s, struct statement *statement);
	int64_t (*changed)(struct state *s);
	/* What has failed last, in the engine's words, without a value of somebody's. */
	const char *(*problem)(struct state *s);

	/* By s->transaction and s->unflushed. Both say what has failed (state_failed). */
	bool (*begin)(struct state *s);
	/* Sends the wake-up, too, where s->wakes and all went well. */
	bool (*end)(struct state *s, bool commit);
	void (*wake)(struct state *s);

	int (*schema)(struct state *s);
	bool (*is_awaited)(struct state *s);
	bool (*scrub)(struct state *s);
	bool (*give_back)(struct state *s);

	/* What follows is NULL where the engine has nothing to do for it. */

	int64_t (*version)(struct state *s);
	/* How long, in milliseconds, to leave the state to others now. */
	int64_t (*leave_to_others)(struct state *s);
	bool (*has_moved)(struct state *s);
	void (*leave_log)(struct state *s);
	void (*write_much)(struct state *s);
};

extern const struct engine sqlite_engine, postgres_engine;

/* Says what is wrong with the state, once: what follows from it is in the records. Always true. */
bool state_failed(struct state *s);
/* Says why a state cannot be opened; always false. */
bool state_cannot(struct state_failure *why, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The state is a newer program's; false. */
bool state_newer(struct state *s, struct state_failure *why, int found);
/* The n of the last parameter, ?n, of a statement. */
size_t state_parameters(const char *sql);

#endif
