/*
 * The practice's inbox as the place where events go. With a listener many requests come at once, and a commit
 * costs a flush of the disk; so their events go into a queue, and a worker stores all that it finds there in
 * one transaction, and has them answered:
 *
 * - Where nobody has the file, who brings an event sends a worker, which has the file until the queue is
 *   empty: a practice to which nothing comes costs no thread.
 * - While a transaction is on its way to the disk the next events gather.
 * - state, open_at, used and trouble are for who has the file (busy), the queue is under the lock.
 * - Who asks whether events can be stored (/healthz) hears what the last event met, or has the file for a
 *   moment and tries it.
 * - The file is opened when it is needed, and closed when it has not been for a while.
 * - From inetd and as CGI there is one event, and it has a commit of its own.
 *
 * An event is taken when that transaction has ended, and not before. Whatever goes wrong is nothing that the
 * sender could mend: it is told to come again.
 */
#include "hook.h"
#include "state/inbox.h"
#include "state/state.h"
#include "stream/trouble.h"
#include "text/jtext.h"
#include "value/when.h"

#include <errno.h>
#include <stdlib.h>

enum {
	TRY_MS = 100,    /* while it is only looked at, and everybody waits */
	BUSY_MS = 5000,  /* that another process may keep the file locked; a sender waits no longer */
	AGAIN_MS = 1000, /* from one attempt to open the file, or to try it for a monitor, to the next */
	IDLE_MS = 60000, /* after which the file is closed */
};

/* An event whose request waits for it. The request's arena is the worker's meanwhile. */
struct deposit {
	struct inbox_adding adding;
	struct request *request;
	struct deposit *next;
};

struct store {
	const struct conf *conf;
	struct state *state; /* NULL: closed, or cannot be opened now */
	int64_t open_at;     /* not before */
	int64_t used;        /* when it was, last */
	struct trouble trouble;
	bool listening; /* there are many requests */
	pthread_mutex_t lock;
	pthread_cond_t left;   /* nobody has the file any more */
	bool busy;             /* somebody has it */
	struct deposit *queue; /* in the order they came */
	struct deposit **end;
	const char *why; /* nothing can be stored; NULL: it can, as far as is known */
	int64_t tried;   /* when that was found */
	struct workers *workers;
	struct errand errand;
};

static void store_all(void *context);

struct store *store_new(struct conf *conf, bool listening)
{
	struct store *s = allocated(calloc(1, sizeof *s));

	*s = (struct store){.conf = conf,
		.listening = listening,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.left = PTHREAD_COND_INITIALIZER,
		.end = &s->queue,
		.errand = {.run = store_all, .context = s}};
	conf_need(conf, conf->state, "state");
	return s;
}

/* Opens the state file unless it is open, at most once a second; false where it cannot be. busy_ms: how long
   another process may keep it locked. */
static bool is_open(struct store *s, int busy_ms)
{
	struct state_failure failure = {0};
	int64_t now = when_now_ms();

	if (s->state)
		return true;
	if (now < s->open_at && s->open_at - now <= AGAIN_MS) /* the clock may have been set back */
		return false;
	s->state = state_try(s->conf->state, busy_ms, &failure);
	if (!s->state)
		trouble_is(&s->trouble, "%s", failure.why);
	s->open_at = when_now_ms() + AGAIN_MS;
	if (s->state && !s->listening)
		state_leave_log(s->state);
	return s->state != NULL;
}

/* Whether what is in the file nobody will find; then it is closed. */
static bool is_lost(struct store *s)
{
	if (!state_has_moved(s->state))
		return false;
	trouble_is(&s->trouble, "state file %s: somebody has moved or removed it", s->conf->state);
	state_close(s->state);
	s->state = NULL;
	s->open_at = when_now_ms() + AGAIN_MS;
	return true;
}

/* Why nothing was stored just now. */
static const char *reason(const struct store *s)
{
	const char *said = s->state ? state_trouble(s->state) : s->trouble.said;
	if (conf_is_database(s->conf->state))
		return "the state database cannot be used";
	if (strstr(said, ": database or disk is full") || strstr(said, ": disk I/O error"))
		return "the disk is full, or fails";
	return s->state ? "the state file cannot be written" : "the state file cannot be opened";
}

/* Stores a list of events in one transaction; true when they are on the disk. */
static bool commit(struct store *s, struct deposit *list)
{
	size_t n = 0;
	for (struct deposit *d = list; d; d = d->next)
		n++;
	struct inbox_adding **all = arena_alloc(list->request->arena, n * sizeof *all);
	for (struct deposit *d = list; d; d = d->next)
		*all++ = &d->adding;
	if (!is_open(s, BUSY_MS) || !state_begin(s->state))
		return false;
	bool added = inbox_add_all(s->state, all - n, n);
	if (!state_end(s->state, added))
		return false;
	if (is_lost(s))
		return false;
	trouble_over(&s->trouble, "%s %s: works again", conf_state_noun(s->conf->state), s->conf->state);
	return true;
}

/* Takes what is in the queue; the lock is held. */
static struct deposit *take(struct store *s)
{
	struct deposit *list = s->queue;
	s->queue = NULL;
	s->end = &s->queue;
	return list;
}

/* Takes what is in the queue. NULL: it was empty, and the file is left. */
static struct deposit *gather(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	struct deposit *list = take(s);
	if (!list) {
		s->busy = false;
		pthread_cond_signal(&s->left);
	}
	pthread_mutex_unlock(&s->lock);
	return list;
}

/* Notes what an attempt has met. */
static void note(struct store *s, const char *why)
{
	pthread_mutex_lock(&s->lock);
	s->why = why;
	s->tried = when_now_ms();
	pthread_mutex_unlock(&s->lock);
}

/* Has the requests of a list answered, and those that came meanwhile where it could not be stored: they would
   only wait for the same. A deposit is gone as soon as its request is. */
static void settle(struct store *s, struct deposit *list, enum delivery outcome)
{
	pthread_mutex_lock(&s->lock);
	struct deposit *more = outcome == DELIVERED ? NULL : take(s);
	pthread_mutex_unlock(&s->lock);
	while (list) {
		struct deposit *told = list;
		list = list->next;
		if (outcome == DELIVERED)
			told->request->event.id = told->adding.id;
		told->request->delivered(told->request, outcome);
	}
	if (more)
		settle(s, more, outcome);
}

/* errand.run: stores what comes, until nothing does. */
static void store_all(void *context)
{
	struct store *s = context;

	for (struct deposit *list; (list = gather(s));) {
		bool stored = commit(s, list);
		s->used = when_now_ms();
		note(s, stored ? NULL : reason(s));
		settle(s, list, stored ? DELIVERED : COME_AGAIN);
	}
}

static void close_file(struct store *s)
{
	state_close(s->state);
	s->state = NULL;
}

void store_try(struct store *s)
{
	is_open(s, TRY_MS);
	close_file(s);
	s->open_at = 0;
}

/* Who has the file leaves it, to a worker where there is something in the queue. */
static void leave(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	bool queue = s->queue != NULL;
	s->busy = queue;
	pthread_cond_signal(&s->left);
	pthread_mutex_unlock(&s->lock);
	if (queue)
		workers_add(s->workers, &s->errand);
}

void store_rest(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	bool taken = !s->busy && s->state && when_now_ms() - s->used > IDLE_MS;
	s->busy |= taken;
	pthread_mutex_unlock(&s->lock);
	if (!taken)
		return;
	close_file(s);
	leave(s);
}

/* Writes something, as an event would be. */
static void try_file(struct store *s)
{
	bool was_open = s->state;
	bool can = is_open(s, BUSY_MS) && state_can_write(s->state) && !is_lost(s);
	note(s, can ? NULL : reason(s));
	if (can && !was_open) {
		close_file(s);
		s->open_at = 0;
	}
}

const char *store_trouble(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	int64_t since = when_now_ms() - s->tried;
	bool taken = !s->busy && (since > AGAIN_MS || since < 0);
	s->busy |= taken;
	pthread_mutex_unlock(&s->lock);
	if (taken) {
		try_file(s);
		leave(s);
	}
	pthread_mutex_lock(&s->lock);
	const char *why = s->why;
	pthread_mutex_unlock(&s->lock);
	return why;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	while (s->busy)
		pthread_cond_wait(&s->left, &s->lock);
	pthread_mutex_unlock(&s->lock);
	close_file(s);
	pthread_cond_destroy(&s->left);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Puts an event into the queue, and sends a worker where nobody has the file. */
static void hand_over(struct store *s, struct workers *workers, struct deposit *d)
{
	pthread_mutex_lock(&s->lock);
	*s->end = d;
	s->end = &d->next;
	bool free = !s->busy;
	s->busy = true;
	s->workers = workers;
	pthread_mutex_unlock(&s->lock);
	if (free)
		workers_add(workers, &s->errand);
}

enum delivery store_deliver(struct hook *h, struct request *r, struct str line)
{
	struct store *s = r->practice->store;
	struct deposit *d = arena_alloc(r->arena, sizeof *d);

	*d = (struct deposit){.request = r,
		.adding.arena = r->arena,
		.adding.event = {.id = r->event.id,
			.delivery_id = r->event.delivery_id,
			.type = r->event.type,
			.patient = r->event.patient,
			.subject = r->event.subject,
			.line = {line.p, line.n - 1},
			.received = when_now_ms()}};
	if (h->workers) {
		hand_over(s, h->workers, d);
		return PENDING;
	}
	if (!commit(s, d))
		return COME_AGAIN;
	r->event.id = d->adding.id;
	return DELIVERED;
}
