/*
 * The practice's inbox as the place where events go. With a listener many requests come at once, and a commit
 * costs a flush of the disk; so they put their events into a queue, and one of them stores all that it finds
 * there in one transaction, for the others:
 *
 * - Whoever finds nobody at the file takes it, and stores what is in the queue, its own event with it. While
 *   that is on its way to the disk the next ones gather; then the first of them takes the file. Where there
 * is none, nobody has it, and it costs no thread.
 * - state, open_at, used and trouble are for who has the file (busy), the queue is under the lock.
 * - The file is opened when it is needed, and closed when it has not been for a while.
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
#include <semaphore.h>
#include <stdlib.h>

enum {
	BUSY_MS = 5000,  /* that another process may keep the file locked; a sender waits no longer */
	AGAIN_MS = 1000, /* from one attempt to open the file to the next */
	IDLE_MS = 60000, /* after which the file is closed */
};

/* An event whose request waits for it. */
struct deposit {
	struct inbox_event event;
	struct arena *arena; /* the request's: it waits, so whoever stores the event may use it */
	const char *kept;    /* the id that the inbox has it under */
	enum delivery outcome;
	sem_t settled; /* the outcome is there, or it has the file */
	bool has_file;
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
	bool busy;             /* somebody has the file */
	struct deposit *queue; /* in the order they came */
	struct deposit **end;
};

struct store *store_new(struct conf *conf, bool listening)
{
	struct store *s = allocated(calloc(1, sizeof *s));

	*s = (struct store){
		.conf = conf, .listening = listening, .lock = PTHREAD_MUTEX_INITIALIZER, .end = &s->queue};
	conf_need(conf, conf->state, "state");
	return s;
}

/* Opens the state file unless it is open, at most once a second; false where it cannot be. */
static bool is_open(struct store *s)
{
	struct state_failure failure = {0};
	int64_t now = when_now_ms();

	if (s->state)
		return true;
	if (now < s->open_at && s->open_at - now <= AGAIN_MS) /* the clock may have been set back */
		return false;
	s->state = state_try(s->conf->state, BUSY_MS, &failure);
	if (!s->state)
		trouble_is(&s->trouble, "%s", failure.why);
	s->open_at = when_now_ms() + AGAIN_MS;
	if (s->state && !s->listening)
		state_leave_log(s->state);
	return s->state != NULL;
}

/* Stores a list of events in one transaction; true when they are on the disk. */
static bool commit(struct store *s, struct deposit *list)
{
	if (!is_open(s) || !state_begin(s->state))
		return false;
	bool added = true;
	for (struct deposit *d = list; added && d; d = d->next)
		added = inbox_add(s->state, d->arena, &d->event, &d->kept) != INBOX_FAILED;
	if (!state_end(s->state, added))
		return false;
	if (state_has_moved(s->state)) {
		trouble_is(&s->trouble, "state file %s: somebody has moved or removed it", s->conf->state);
		state_close(s->state);
		s->state = NULL;
		s->open_at = when_now_ms() + AGAIN_MS;
		return false;
	}
	trouble_over(&s->trouble, "state file %s: works again", s->conf->state);
	return true;
}

/* Takes what is in the queue. */
static struct deposit *gather(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	struct deposit *list = s->queue;
	s->queue = NULL;
	s->end = &s->queue;
	pthread_mutex_unlock(&s->lock);
	return list;
}

/* Tells the requests of a list what became of their events; mine is the caller's own. A deposit is gone as
   soon as its request knows. */
static void settle(struct deposit *list, struct deposit *mine, enum delivery outcome)
{
	while (list) {
		struct deposit *told = list;
		list = list->next;
		told->outcome = outcome;
		if (told != mine)
			sem_post(&told->settled);
	}
}

/* Stores what is in the queue. What gathers while the file cannot be written is turned away with the rest: it
   would only wait for the same. */
static void store_all(struct store *s, struct deposit *mine)
{
	struct deposit *list = gather(s);
	bool stored = commit(s, list);
	s->used = when_now_ms();
	settle(list, mine, stored ? DELIVERED : COME_AGAIN);
	if (!stored)
		settle(gather(s), NULL, COME_AGAIN);
}

/* Takes the file if nobody has it. */
static bool take_file(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	bool taken = !s->busy;
	s->busy = true;
	pthread_mutex_unlock(&s->lock);
	return taken;
}

/* Leaves the file to the first who waits. */
static void leave_file(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	struct deposit *next = s->queue;
	s->busy = next != NULL;
	if (next)
		next->has_file = true;
	pthread_mutex_unlock(&s->lock);
	if (next)
		sem_post(&next->settled);
}

static void close_file(struct store *s)
{
	state_close(s->state);
	s->state = NULL;
}

void store_try(struct store *s)
{
	is_open(s);
	close_file(s);
	s->open_at = 0;
}

void store_rest(struct store *s)
{
	if (!take_file(s))
		return;
	if (s->state && when_now_ms() - s->used > IDLE_MS)
		close_file(s);
	leave_file(s);
}

void store_free(struct store *s)
{
	if (!s)
		return;
	close_file(s);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Puts an event into the queue, and waits until it is stored, or stores what is there. */
static void hand_over(struct store *s, struct deposit *d)
{
	sem_init(&d->settled, 0, 0);
	pthread_mutex_lock(&s->lock);
	*s->end = d;
	s->end = &d->next;
	bool waits = s->busy;
	d->has_file = !waits;
	s->busy = true;
	pthread_mutex_unlock(&s->lock);
	while (waits && sem_wait(&d->settled) < 0 && errno == EINTR)
		;
	if (d->has_file) {
		store_all(s, d);
		leave_file(s);
	}
	sem_destroy(&d->settled);
}

enum delivery store_deliver(struct hook *h, struct request *r, struct webhook *event, struct str line)
{
	struct store *s = r->practice->store;
	struct deposit d = {.arena = r->arena,
		.event = {.id = event->id,
			.delivery_id = event->delivery_id,
			.type = event->type,
			.patient = event->patient,
			.subject = event->subject,
			.line = {line.p, line.n - 1},
			.received = when_now_ms()}};

	(void)h;
	hand_over(s, &d);
	if (d.outcome == DELIVERED)
		event->id = d.kept;
	return d.outcome;
}
