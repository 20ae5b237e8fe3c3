/*
 * One connection to a database, for all practices in it, which does nothing but LISTEN. What is sent while it
 * is lost is lost: so when it is there again everybody counts as woken. It is made anew when somebody hears,
 * and where that takes long (a host that does not answer) the less often.
 */
#include "state/wakeup_session.h"
#include "state/postgres.h"
#include "value/when.h"

enum {
	AGAIN_MS = 1000, /* between attempts to connect, */
	AGAIN_TIMES = 4, /* and so many times as long as one takes */
};

struct wakeup_session {
	char *state;        /* a practice's, in this database */
	size_t database;    /* how much of that names the database */
	PGconn *connection; /* NULL: none now */
	int64_t connect_at; /* not before */
};

static void disconnect(struct wakeup_session *s)
{
	PQfinish(s->connection);
	s->connection = NULL;
}

static bool connect_again(struct wakeup_session *s)
{
	struct state_failure why; /* it is told by who opens the state */
	int64_t began = when_now_ms();
	if (began < s->connect_at)
		return false;
	s->connection = postgres_connect(s->state, &why);
	PGresult *result = s->connection ? PQexec(s->connection, "LISTEN pnow") : NULL;
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		disconnect(s);
	PQclear(result);
	int64_t now = when_now_ms(), took = now > began ? now - began : 0;
	s->connect_at = s->connection ? 0 : now + AGAIN_MS + AGAIN_TIMES * took;
	return s->connection;
}

struct wakeup_session *wakeup_session_open(const char *state)
{
	struct wakeup_session *s = allocated(calloc(1, sizeof *s));
	*s = (struct wakeup_session){.state = allocated(strdup(state)), .database = strcspn(state, "#")};
	connect_again(s);
	return s;
}

void wakeup_session_close(struct wakeup_session *s)
{
	disconnect(s);
	free(s->state);
	free(s);
}

bool wakeup_session_is_of(const struct wakeup_session *s, const char *state)
{
	return strcspn(state, "#") == s->database && strncmp(s->state, state, s->database) == 0;
}

int wakeup_session_fd(const struct wakeup_session *s)
{
	return PQsocket(s->connection);
}

void wakeup_session_hear(
	struct wakeup_session *s, void (*woken)(const char *practice, void *context), void *context)
{
	if (s->connection && !PQconsumeInput(s->connection))
		disconnect(s);
	if (!s->connection && connect_again(s))
		woken(NULL, context);
	for (PGnotify *n; s->connection && (n = PQnotifies(s->connection)); PQfreemem(n))
		woken(n->extra, context);
}
