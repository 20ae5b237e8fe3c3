/* The cache of PatientNow's answers: a table of bodies by kind, id and where they come from. What a power cut
   takes of it costs a call. */
#include "state/cache.h"
#include "text/waits.h"
#include "value/when.h"

#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

enum {
	EXPIRE_SECONDS = 10,
	EXPIRE_AT_ONCE = 256, /* in one transaction */
	AHEAD_MS =
		60000, /* that another host's clock may be ahead of ours; what is later, a wrong one has left */
	USELESS_MAX_MS = 60 * 60000,
};

struct cache_expiry {
	struct state *state;
	int64_t keep_ms;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t end;
	bool ended;
};

const char *cache_get(struct state *s, struct arena *a, const char *kind, const char *id,
	enum cache_source source, int64_t not_before)
{
	const char *body = NULL;
	state_run(s, a, &body,
		"SELECT body FROM answer WHERE kind=? AND id=? AND from_list=? AND fetched BETWEEN ? AND ?", "ttiii",
		kind, id, (int64_t)source, not_before, when_now_ms() + AHEAD_MS);
	return body;
}

void cache_put(struct state *s, const char *kind, const char *id, enum cache_source source, int64_t fetched,
	const char *body)
{
	state_do_unflushed(s, "INSERT INTO answer(kind,id,from_list,fetched,body) VALUES(?,?,?,?,?)", "ttiit",
		kind, id, (int64_t)source, fetched, body);
}

void cache_drop(struct state *s, const char *kind, const char *id, int64_t before)
{
	state_do_unflushed(s, "DELETE FROM cache WHERE kind=? AND id=? AND fetched<?", "tti", kind, id, before);
}

bool cache_list_is_useless(struct state *s, const char *kind)
{
	int64_t until = 0, now = when_now_ms();
	return state_int(s, &until, "SELECT until FROM useless_list WHERE kind=?", "t", kind) == STATE_ROW &&
		   until >= now && until <= now + USELESS_MAX_MS + AHEAD_MS;
}

void cache_list_useless(struct state *s, const char *kind, int64_t until)
{
	state_do_unflushed(s,
		"INSERT INTO useless_list(kind,until) VALUES(?,?)"
		"  ON CONFLICT(kind) DO UPDATE SET until=excluded.until",
		"ti", kind, until);
}

bool cache_expire(struct state *s, int64_t before)
{
	bool done = true;
	for (int64_t n = EXPIRE_AT_ONCE; done && n == EXPIRE_AT_ONCE; state_let_others(s)) {
		if (!state_begin_unflushed(s))
			return false;
		done = state_do(s, "DELETE FROM cache WHERE body IN (SELECT body FROM cache WHERE fetched<? LIMIT ?)",
			"ii", before, (int64_t)EXPIRE_AT_ONCE);
		n = state_changed(s);
		done = state_end(s, done) && done;
	}
	return done;
}

static void *expire(void *context)
{
	struct cache_expiry *e = context;
	struct timespec next;
	pthread_mutex_lock(&e->lock);
	do {
		cache_expire(e->state, when_now_ms() - e->keep_ms);
		next = waits_after((int64_t)EXPIRE_SECONDS * 1000);
		while (!e->ended && pthread_cond_timedwait(&e->end, &e->lock, &next) == 0)
			continue;
	} while (!e->ended);
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

struct cache_expiry *cache_expiry_begin(struct state *s, int64_t keep_ms)
{
	sigset_t all, before;
	struct cache_expiry *e = allocated(calloc(1, sizeof *e));
	*e = (struct cache_expiry){.state = s, .keep_ms = keep_ms};
	pthread_mutex_init(&e->lock, NULL);
	waits_open(&e->end);
	sigfillset(&all); /* signals are for the threads that know what to do */
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int problem = pthread_create(&e->thread, NULL, expire, e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (problem)
		errc(EX_OSERR, problem, "cannot start a thread");
	return e;
}

void cache_expiry_end(struct cache_expiry *e)
{
	if (!e)
		return;
	pthread_mutex_lock(&e->lock);
	e->ended = true;
	pthread_cond_signal(&e->end);
	pthread_mutex_unlock(&e->lock);
	pthread_join(e->thread, NULL);
	pthread_cond_destroy(&e->end);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

struct state_rows cache_bodies(struct state *s)
{
	return state_query(s, "SELECT kind||'/'||id, body FROM answer", "");
}

bool cache_forget(struct state *s, const char *subjects, int64_t *n)
{
	if (!state_begin(s))
		return false;
	bool done = state_do(s, "DELETE FROM cache WHERE kind||'/'||id IN list(?)", "t", subjects);
	*n = state_changed(s);
	return state_end(s, done) && done;
}
