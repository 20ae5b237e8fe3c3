/*
 * The practice's inbox as the place where events go. With a listener many requests come at once, and a commit
 * costs a flush of the disk; so they put their events into a queue and wait, and one thread for each practice
 * stores all that it finds there in one transaction. While that is on its way to the disk the next ones
 * gather. From inetd and as CGI there is one event, and it has a commit of its own.
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

#include <err.h>
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
	BUSY_MS = 5000,  /* that another process may keep the file locked; a sender waits no longer */
	AGAIN_MS = 1000, /* from one attempt to open the file to the next */
};

/* An event whose request waits for it. */
struct deposit {
	struct inbox_event event;
	struct arena *arena; /* the request's: it waits, so whoever stores the event may use it */
	const char *kept;    /* the id that the inbox has it under */
	enum delivery outcome;
	sem_t settled; /* the outcome is there */
	struct deposit *next;
};

struct store {
	const struct conf *conf;
	struct state *state; /* NULL: cannot be opened now */
	int64_t open_at;     /* not before */
	struct trouble trouble;
	pthread_mutex_t lock;
	pthread_cond_t gathered; /* something is in the queue, or closing */
	struct deposit *queue;   /* in the order they came */
	struct deposit **end;
	pthread_t writer;
	bool listening; /* there is a writer */
	bool closing;
};

struct store *store_new(struct conf *conf)
{
	struct store *s = calloc(1, sizeof *s);

	if (!s)
		out_of_memory();
	*s = (struct store){.conf = conf,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.gathered = PTHREAD_COND_INITIALIZER,
		.end = &s->queue};
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

/* Waits until there is something in the queue; false when nothing more will come. */
static bool await(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	while (!s->queue && !s->closing)
		pthread_cond_wait(&s->gathered, &s->lock);
	bool some = s->queue != NULL;
	pthread_mutex_unlock(&s->lock);
	return some;
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

/* Tells the requests of a list what became of their events. A deposit is gone as soon as its request knows.
 */
static void settle(struct deposit *list, enum delivery outcome)
{
	for (struct deposit *next; list; list = next) {
		next = list->next;
		list->outcome = outcome;
		sem_post(&list->settled);
	}
}

/* The writer. What gathers while the file cannot be written is turned away with the rest: it would only wait
   for the same. */
static void *write_events(void *context)
{
	struct store *s = context;

	is_open(s);
	while (await(s)) {
		struct deposit *list = gather(s);
		bool stored = commit(s, list);
		settle(list, stored ? DELIVERED : COME_AGAIN);
		if (!stored)
			settle(gather(s), COME_AGAIN);
	}
	return NULL;
}

void store_listen(struct store *s)
{
	s->listening = true;
	errno = pthread_create(&s->writer, NULL, write_events, s);
	if (errno)
		err(EX_OSERR, "cannot start a thread");
}

void store_free(struct store *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_signal(&s->gathered);
	pthread_mutex_unlock(&s->lock);
	if (s->listening)
		pthread_join(s->writer, NULL);
	state_close(s->state);
	free(s);
}

/* Gives an event to the writer and waits. */
static void hand_over(struct store *s, struct deposit *d)
{
	sem_init(&d->settled, 0, 0);
	pthread_mutex_lock(&s->lock);
	bool first = !s->queue;
	*s->end = d;
	s->end = &d->next;
	pthread_mutex_unlock(&s->lock);
	if (first)
		pthread_cond_signal(&s->gathered);
	while (sem_wait(&d->settled) < 0 && errno == EINTR)
		;
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
	if (s->listening)
		hand_over(s, &d);
	else
		d.outcome = commit(s, &d) ? DELIVERED : COME_AGAIN;
	if (d.outcome == DELIVERED)
		event->id = d.kept;
	return d.outcome;
}
