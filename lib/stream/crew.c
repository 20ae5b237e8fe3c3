#include "stream/crew.h"
#include "text/arena.h"
#include "text/waits.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	KEPT = 4, /* threads, with nothing to do: as many as a few records want */
	STACK = 512 * 1024,
};

struct crew {
	pthread_mutex_t lock; /* of what follows */
	struct member *idle;
	unsigned idle_n, at_work, most;
};

struct member {
	struct crew *crew;
	struct crew_part *part; /* NULL: it is to end */
	pthread_t thread;
	sem_t woken;
	struct member *next; /* that is idle */
};

/* A part has ended. False: so many are idle that it goes. */
static bool rest(struct member *m)
{
	struct crew *c = m->crew;
	pthread_mutex_lock(&c->lock);
	bool stays = c->idle_n < KEPT;
	c->at_work--;
	if (stays) {
		m->next = c->idle;
		c->idle = m;
		c->idle_n++;
	}
	pthread_mutex_unlock(&c->lock);
	return stays;
}

static void forget(struct member *m)
{
	sem_destroy(&m->woken);
	free(m);
}

static void *work(void *context)
{
	struct member *m = context;
	m->thread = pthread_self();
	for (struct crew_part *part; (part = m->part);) {
		part->run(part->context);
		bool stays = rest(m); /* then it may have the next one already */
		if (!stays)
			pthread_detach(pthread_self());
		sem_post(&part->ended);
		if (!stays) {
			forget(m);
			return NULL;
		}
		waits_for(&m->woken);
	}
	return NULL;
}

struct crew *crew_open(unsigned most)
{
	struct crew *c = allocated(calloc(1, sizeof *c));
	c->most = most;
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

/* One that is idle, or a new one; NULL: so many are at work. */
static struct member *take(struct crew *c)
{
	pthread_mutex_lock(&c->lock);
	bool room = c->at_work < c->most;
	struct member *m = room ? c->idle : NULL;
	if (m) {
		c->idle = m->next;
		c->idle_n--;
	}
	c->at_work += room;
	pthread_mutex_unlock(&c->lock);
	if (room && !m) {
		m = allocated(calloc(1, sizeof *m));
		m->crew = c;
		sem_init(&m->woken, 0, 0);
	}
	return m;
}

/* A new member's thread. */
static bool start(struct member *m)
{
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	pthread_t thread; /* m may be gone by now */
	bool started = pthread_create(&thread, &attributes, work, m) == 0;
	pthread_attr_destroy(&attributes);
	return started;
}

bool crew_begin(struct crew *c, struct crew_part *part)
{
	struct member *m = take(c);
	if (!m)
		return false;
	bool is_new = !m->part;
	sem_init(&part->ended, 0, 0);
	m->part = part;
	if (!is_new)
		sem_post(&m->woken);
	if (!is_new || start(m))
		return true;
	sem_destroy(&part->ended);
	forget(m);
	pthread_mutex_lock(&c->lock);
	c->at_work--;
	pthread_mutex_unlock(&c->lock);
	return false;
}

void crew_wait(struct crew_part *part)
{
	waits_for(&part->ended);
	sem_destroy(&part->ended);
}

void crew_close(struct crew *c)
{
	if (!c)
		return;
	for (struct member *m = c->idle, *next; m; m = next) {
		next = m->next;
		m->part = NULL;
		sem_post(&m->woken);
		pthread_join(m->thread, NULL);
		forget(m);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}
