/*
 * How a process has keys where the state is PostgreSQL:
 *
 * - A key is a session advisory lock. All that a process has, for all of its practices, are on one connection
 *   to the database: the server frees them when that ends, however it ends.
 * - Connections have numbers. A key is had under the number of the one that took it, and with that connection
 *   it is gone. The next one has none of them: nobody goes on as if nothing had been.
 * - The connection is asked by one thread at a time, and the server never waits for a key: who does not get
 * it asks again (locks.c).
 * - To look whether another has a key is to have it for a moment, shared, so that two who look do not take
 * each other for its owner. Who takes it in this moment does not get it, and asks again.
 * - A connection that was lost is made anew when there is something to be asked, at most once in AGAIN_MS.
 */
#include "state/lock_session.h"
#include "state/postgres.h"
#include "value/when.h"

#include <pthread.h>
#include <stdio.h>
#include <sysexits.h>

enum { AGAIN_MS = 200 };

#define ENDING "57P" /* what the server's codes begin with that end a connection */

struct lock_session {
	struct lock_session *next;
	char *state;          /* a practice's, in this database */
	size_t database;      /* how much of that names the database */
	pthread_mutex_t lock; /* of what follows */
	PGconn *connection;   /* NULL: none now */
	int64_t number;
	int64_t connect_at; /* not before */
	struct state_failure why;
};

struct lock_session *lock_session_of(const char *state)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct lock_session *all;
	size_t database = strcspn(state, "#");
	pthread_mutex_lock(&lock);
	struct lock_session *s = all;
	while (s && (s->database != database || strncmp(s->state, state, database) != 0))
		s = s->next;
	if (!s) {
		s = allocated(calloc(1, sizeof *s));
		*s = (struct lock_session){.next = all, .state = allocated(strdup(state)), .database = database};
		pthread_mutex_init(&s->lock, NULL);
		all = s;
	}
	pthread_mutex_unlock(&lock);
	return s;
}

/* Whether there is a connection, made anew where there is none. */
static bool is_connected(struct lock_session *s)
{
	int64_t now = when_now_ms();
	if (s->connection)
		return true;
	if (now < s->connect_at && s->connect_at - now <= AGAIN_MS) /* the clock may have been set back */
		return false;
	s->connection = postgres_connect(s->state, &s->why);
	s->connect_at = when_now_ms() + AGAIN_MS;
	s->number += s->connection != NULL;
	return s->connection;
}

/* All keys are free. */
static void disconnect(struct lock_session *s)
{
	postgres_disconnect(s->connection);
	s->connection = NULL;
}

/* Asks the server about a key: 1 or 0, its answer; -1: it cannot be asked now, s->why says why. What it
   refuses to say leaves the connection, and the keys, as they are. */
static int ask(struct lock_session *s, const char *sql, int64_t key)
{
	char text[24];
	const char *const values[] = {text};
	snprintf(text, sizeof text, "%lld", (long long)key);
	if (!is_connected(s))
		return -1;
	PGresult *result = pq.execParams(s->connection, sql, 1, NULL, values, NULL, NULL, 0);
	int answer = pq.resultStatus(result) == PGRES_TUPLES_OK ? *pq.getvalue(result, 0, 0) == 't' : -1;
	const char *code = pq.resultErrorField(result, PG_DIAG_SQLSTATE);
	bool stays =
		code && strncmp(code, ENDING, strlen(ENDING)) != 0 && pq.status(s->connection) == CONNECTION_OK;
	pq.clear(result);
	if (answer >= 0)
		return answer;
	s->why = (struct state_failure){.status = EX_TEMPFAIL};
	snprintf(s->why.why, sizeof s->why.why, "cannot lock in %.*s: %s", (int)s->database, s->state,
		pq.errorMessage(s->connection));
	s->why.why[strcspn(s->why.why, "\n")] = '\0';
	if (!stays)
		disconnect(s);
	return -1;
}

int64_t lock_session_try(struct lock_session *s, int64_t key, struct state_failure *why)
{
	static const char sql[] = "SELECT pg_try_advisory_lock($1)";
	pthread_mutex_lock(&s->lock);
	int answer = ask(s, sql, key);
	if (answer < 0 && !s->connection) /* it was lost since it was used last, and what it had with it */
		answer = ask(s, sql, key);
	int64_t number = answer == 1 ? s->number : 0;
	*why = answer < 0 ? s->why : (struct state_failure){0};
	pthread_mutex_unlock(&s->lock);
	return number;
}

void lock_session_free(struct lock_session *s, int64_t key, int64_t number)
{
	pthread_mutex_lock(&s->lock);
	if (s->connection && s->number == number && ask(s, "SELECT pg_advisory_unlock($1)", key) != 1 &&
		s->connection)
		disconnect(s); /* lest it be had for ever */
	pthread_mutex_unlock(&s->lock);
}

bool lock_session_is_held(struct lock_session *s, int64_t key)
{
	static const char sql[] = "SELECT CASE WHEN pg_try_advisory_lock_shared($1)"
							  "  THEN NOT pg_advisory_unlock_shared($1) ELSE true END";
	pthread_mutex_lock(&s->lock);
	bool held = ask(s, sql, key) != 0;
	pthread_mutex_unlock(&s->lock);
	return held;
}

int64_t lock_session_number(struct lock_session *s)
{
	static const char sql[] = "SELECT $1::bigint=0";
	pthread_mutex_lock(&s->lock);
	bool stands = ask(s, sql, 0) == 1 || ask(s, sql, 0) == 1;
	int64_t number = stands ? s->number : 0;
	pthread_mutex_unlock(&s->lock);
	return number;
}
