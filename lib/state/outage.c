/*
 * How many processes ask one question:
 *
 * - A request that is refused may have itself to blame (a scope that the token lacks). So who meets a refusal
 *   asks something that the secret is good for, and only where that is refused, too, is there an outage.
 * - An outage is a row: of which secret, since when, and when it is asked next. Who finds that it is time
 * moves that moment on before it asks; so one asks, and who is killed over it leaves the next question to
 * others.
 * - The threads of a process wait for the answer. Other processes do not, and are put off.
 * - The row is of one secret: with another, everybody goes on at once.
 */
#include "state/outage.h"
#include "state/quota.h"
#include "stream/record.h"
#include "text/say.h"
#include "value/digest.h"
#include "value/when.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
	ASK_FIRST_MS = 60 * 1000,   /* asked so long after it began, then twice as late each time, up to */
	ASK_MAX_MS = 5 * 60 * 1000, /* apart */
	GOOD_MS = 60 * 1000,        /* a secret that was asked about and is good is not asked about for so long */
	DIGITS = 8,                 /* of a digest: they tell one secret from another, and nothing else of it */
};

struct outage {
	struct state *state;
	const char *api, *secret;
	bool people;
	atomic_bool looked, stands; /* whether the state file was read; what it said last */
	pthread_mutex_t lock;       /* of what follows */
	char digest[DIGITS + 1];    /* of the secret that is refused */
	int64_t since, next;        /* milliseconds since 1970 */
	int64_t good;               /* when a secret was last found to be, and which: */
	char good_digest[DIGITS + 1];
	bool asked; /* by this process */
	bool told;  /* by this process, that it has begun, which could not be written down */
};

enum outage_verdict outage_verdict(long status)
{
	if (status == 401)
		return OUTAGE_REFUSED;
	return status && status != 429 && status < 500 ? OUTAGE_TAKEN : OUTAGE_UNTOLD;
}

struct outage *outage_open(struct state *state, const char *api, const char *secret)
{
	if (!state)
		return NULL;
	struct outage *o = allocated(calloc(1, sizeof *o));
	o->state = state;
	o->api = api;
	o->secret = secret;
	o->people = quota_is_for_people();
	pthread_mutex_init(&o->lock, NULL);
	return o;
}

void outage_close(struct outage *o)
{
	if (!o)
		return;
	pthread_mutex_destroy(&o->lock);
	free(o);
}

/* Reads what is known to all; the lock is held. */
static void look(struct outage *o)
{
	struct arena a = {0};
	const char *columns[3] = {0};
	enum state_result found =
		state_run(o->state, &a, columns, "SELECT digest, since, next FROM outage WHERE api=?", "t", o->api);
	if (found == STATE_ROW) {
		strlcpy(o->digest, columns[0], sizeof o->digest);
		o->since = state_number(columns[1]);
		o->next = state_number(columns[2]);
	}
	if (found != STATE_FAILED)
		o->stands = found == STATE_ROW;
	o->looked = true;
	arena_free(&a);
}

bool outage_stands(struct outage *o)
{
	if (!o)
		return false;
	if (!o->looked) {
		pthread_mutex_lock(&o->lock);
		look(o);
		pthread_mutex_unlock(&o->lock);
	}
	return o->stands;
}

static void digest_of(const char *secret, char digest[static DIGITS + 1])
{
	char hex[65];
	digest_sha256_hex((struct str[]){str_of(secret)}, 1, hex);
	strlcpy(digest, hex, DIGITS + 1);
}

static bool is_digest_of(const char *digest, const char *secret)
{
	char other[DIGITS + 1];
	digest_of(secret, other);
	return strcmp(digest, other) == 0;
}

/* When it is asked again, the next time being now. */
static int64_t ask_after(const struct outage *o, int64_t now)
{
	int64_t ms = now - o->since;
	return now + (ms < ASK_FIRST_MS ? ASK_FIRST_MS : ms > ASK_MAX_MS ? ASK_MAX_MS : ms);
}

/* Whether it is for this process to ask now: then nobody else does. */
static bool take_turn(struct outage *o, int64_t now)
{
	bool due = o->next <= now || o->next > now + ASK_MAX_MS || (o->people && !o->asked);
	if (!due || !state_begin(o->state))
		return false;
	int64_t next = ask_after(o, now);
	bool done =
		state_do(o->state, "UPDATE outage SET next=? WHERE api=? AND next=?", "iti", next, o->api, o->next);
	bool ours = state_changed(o->state) == 1;
	if (!state_end(o->state, done) || !done || !ours)
		return false;
	o->next = next;
	return o->asked = true;
}

/* Notes that an outage is over, and says so where nobody else has; the lock is held. */
static void end(struct outage *o)
{
	bool begun = state_begin(o->state);
	bool done = begun && state_do(o->state, "DELETE FROM outage WHERE api=?", "t", o->api);
	bool ours = done && state_changed(o->state) == 1;
	if (begun && state_end(o->state, done) && ours)
		say("%s accepts the %s again, after %lld minutes: what waits goes on within %d minutes", o->api,
			o->secret, (long long)(when_now_ms() - o->since) / 60000, ASK_MAX_MS / 60000);
	o->stands = false;
}

/* Whether a request must still wait; asks where it is this process's turn. The lock is held. */
static bool must_wait(struct outage *o, const struct outage_try *t)
{
	look(o);
	if (!o->stands || !is_digest_of(o->digest, t->secret))
		return false;
	if (!take_turn(o, when_now_ms()))
		return true;
	if (!t->ask)
		return false;
	if (t->ask(t->context) != OUTAGE_TAKEN)
		return true;
	end(o);
	return false;
}

int64_t outage_wait(struct outage *o, const struct outage_try *t)
{
	record_waits();
	pthread_mutex_lock(&o->lock);
	int64_t wait = must_wait(o, t) ? when_seconds_until(o->next) : 0;
	pthread_mutex_unlock(&o->lock);
	record_goes_on();
	return wait;
}

/* Notes that an outage has begun, or that it is of another secret now, and says so where nobody else has. */
static void begin(struct outage *o, const char *secret)
{
	bool begun = state_begin(o->state);
	look(o);
	bool ours = is_digest_of(o->digest, secret), known = o->stands && ours;
	if (!known) {
		o->since = when_now_ms();
		o->next = ask_after(o, o->since);
		o->stands = true;
		digest_of(secret, o->digest);
	}
	bool done = begun && !known &&
				state_do(o->state,
					"INSERT INTO outage(api,digest,since,next) VALUES(?,?,?,?) ON CONFLICT(api)"
					"  DO UPDATE SET digest=excluded.digest, since=excluded.since, next=excluded.next",
					"ttii", o->api, o->digest, o->since, o->next);
	done = begun && state_end(o->state, done) && done;
	if (known || (!done && o->told && ours))
		return;
	o->told = !done;
	say("%s does not accept the %s: what needs it waits, and nothing is lost; put the right one there, "
		"nothing need be started again",
		o->api, o->secret);
}

/* Whether a secret is refused whatever it is used for; the lock is held. */
static bool is_outage(struct outage *o, const struct outage_try *t)
{
	int64_t now = when_now_ms();
	look(o);
	if (o->stands && is_digest_of(o->digest, t->secret))
		return true;
	if (t->ask && now >= o->good && now - o->good < GOOD_MS && is_digest_of(o->good_digest, t->secret))
		return false;
	enum outage_verdict verdict = t->ask ? t->ask(t->context) : OUTAGE_REFUSED;
	if (verdict == OUTAGE_TAKEN) {
		o->good = now;
		digest_of(t->secret, o->good_digest);
	} else if (verdict == OUTAGE_REFUSED) {
		begin(o, t->secret);
	}
	return verdict == OUTAGE_REFUSED;
}

int64_t outage_refused(struct outage *o, const struct outage_try *t)
{
	if (!o)
		return 0;
	record_waits();
	pthread_mutex_lock(&o->lock);
	int64_t wait = is_outage(o, t) ? when_seconds_until(o->next) : 0;
	pthread_mutex_unlock(&o->lock);
	record_goes_on();
	return wait;
}

void outage_over(struct outage *o)
{
	pthread_mutex_lock(&o->lock);
	if (o->stands)
		end(o);
	pthread_mutex_unlock(&o->lock);
}

struct state_rows outages(struct state *s)
{
	return state_query(s, "SELECT api, since FROM outage ORDER BY since", "");
}

bool outages_next(struct state_rows *rows, struct outage_known *known)
{
	if (!state_next(rows))
		return false;
	*known = (struct outage_known){state_text(rows, 0), state_number(state_text(rows, 1))};
	return true;
}
