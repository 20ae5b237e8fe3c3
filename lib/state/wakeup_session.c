/*
 * One connection to a database, for all practices in it, which does little but LISTEN. What is sent while it
 * is lost is lost: so when it is there again everybody counts as woken. It is made anew when somebody hears,
 * and where that takes long (a host that does not answer) the less often.
 *
 * Every LOOK_MS it asks which practices have something due, or running, since its run may have died: the net
 * for what no NOTIFY tells. That is one question for all of them, a few steps in an index for each.
 */
#include "state/wakeup_session.h"
#include "state/engine.h"
#include "state/postgres.h"
#include "stream/trouble.h"
#include "value/when.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum {
	AGAIN_MS = 1000, /* between attempts to connect, */
	AGAIN_TIMES = 4, /* and so many times as long as one takes, */
	AGAIN_MAX_MS = 60000,
	LOOK_MS = 10000,
	QUIET_MS = 10000, /* it is lost for so long: told, since nobody else may be at work who would */
};

struct wakeup_session {
	char *state;        /* a practice's, in this database */
	size_t database;    /* how much of that names the database */
	PGconn *connection; /* NULL: none now */
	int64_t connect_at; /* not before */
	int64_t look_at;
	int64_t lost; /* when it was; 0: it is there */
	struct trouble trouble;
};

static void disconnect(struct wakeup_session *s)
{
	postgres_disconnect(s->connection);
	s->connection = NULL;
}

/* A new connection that listens. NULL, and why: a server that only reads, such as a standby, has no NOTIFY.
 */
static PGconn *listen_to(const char *state, struct state_failure *why)
{
	PGconn *pg = postgres_connect(state, why);
	if (!pg)
		return NULL;
	PGresult *result = pq.exec(pg, "LISTEN pnow");
	bool listens = pq.resultStatus(result) == PGRES_COMMAND_OK;
	pq.clear(result);
	if (listens)
		return pg;
	const char *text = pq.errorMessage(pg);
	state_cannot(why, EX_UNAVAILABLE, "cannot listen in the state database %s: %.*s", state,
		(int)strcspn(text, "\n"), text);
	postgres_disconnect(pg);
	return NULL;
}

/* The clock may be set, or set back, at any time. */
static bool connect_again(struct wakeup_session *s)
{
	struct state_failure why = {0};
	int64_t began = when_now_ms();
	if (began < s->connect_at && s->connect_at - began <= AGAIN_MAX_MS)
		return false;
	s->connection = listen_to(s->state, &why);
	s->lost = s->connection ? 0 : s->lost ? s->lost : began;
	if (s->connection)
		trouble_over(
			&s->trouble, "state database %.*s: wake-ups are heard again", (int)s->database, s->state);
	else if (began - s->lost >= QUIET_MS)
		trouble_is(&s->trouble, "%s: no wake-up is heard meanwhile", why.why);
	int64_t now = when_now_ms(), wait = AGAIN_MS + AGAIN_TIMES * (now - began);
	wait = wait < AGAIN_MS || wait > AGAIN_MAX_MS ? AGAIN_MAX_MS : wait;
	s->connect_at = s->connection ? 0 : now + wait;
	s->look_at = now + LOOK_MS; /* who has a new connection looks for itself */
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

/* Asks who has something to do. */
static void look(
	struct wakeup_session *s, void (*woken)(const char *practice, void *context), void *context, int64_t now)
{
	static const char sql[] =
		"WITH RECURSIVE p AS (SELECT min(practice) AS practice FROM pnow_rows.inbox UNION ALL"
		"  SELECT (SELECT min(i.practice) FROM pnow_rows.inbox AS i WHERE i.practice>p.practice) FROM p"
		"    WHERE p.practice IS NOT NULL)"
		"SELECT practice FROM p WHERE EXISTS(SELECT 1 FROM pnow_rows.inbox AS i"
		"    WHERE i.practice=p.practice AND i.state='waiting' AND i.due<=$1)"
		"  OR EXISTS(SELECT 1 FROM pnow_rows.inbox AS i WHERE i.practice=p.practice AND i.state='running')";
	char text[24];
	const char *const values[] = {text};
	snprintf(text, sizeof text, "%lld", (long long)now);
	PGresult *found = pq.execParams(s->connection, sql, 1, NULL, values, NULL, NULL, 0);
	for (int i = 0; i < pq.ntuples(found); i++)
		woken(pq.getvalue(found, i, 0), context);
	pq.clear(found);
	s->look_at = now + LOOK_MS;
}

int wakeup_session_fd(const struct wakeup_session *s)
{
	return s->connection ? pq.socket(s->connection) : -1;
}

void wakeup_session_hear(
	struct wakeup_session *s, void (*woken)(const char *practice, void *context), void *context)
{
	if (s->connection && !pq.consumeInput(s->connection))
		disconnect(s);
	int64_t now = when_now_ms();
	if (!s->connection && connect_again(s))
		woken(NULL, context);
	if (s->connection &&
		(now >= s->look_at || s->look_at - now > LOOK_MS)) /* the clock may have been set back */
		look(s, woken, context, now);
	for (PGnotify *n; s->connection && (n = pq.notifies(s->connection)); pq.freemem(n))
		woken(n->extra, context);
}
