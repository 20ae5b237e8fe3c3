/* The threads that carry out requests that are whole: as many as are needed at once, WORKERS_MAX at most;
 * what comes beyond that waits. The thread that talks to the senders never does. */
#include "hook.h"

#include <err.h>
#include <errno.h>
#include <sysexits.h>

/* A worker: takes what has waited longest, until the end. Holds the lock but for the work. */
static void *work(void *context)
{
	struct workers *w = context;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct errand *e = STAILQ_FIRST(&w->queue);
		if (!e && w->closing)
			break;
		if (!e) {
			w->idle++;
			pthread_cond_wait(&w->more, &w->lock);
			w->idle--;
			continue;
		}
		STAILQ_REMOVE_HEAD(&w->queue, next);
		w->waiting--;
		pthread_mutex_unlock(&w->lock);
		e->run(e->context);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

void workers_open(struct workers *w)
{
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	STAILQ_INIT(&w->queue);
}

void workers_add(struct workers *w, struct errand *e)
{
	pthread_mutex_lock(&w->lock);
	STAILQ_INSERT_TAIL(&w->queue, e, next);
	w->waiting++;
	if (w->waiting > w->idle && w->n < WORKERS_MAX) {
		errno = pthread_create(&w->threads[w->n], NULL, work, w);
		if (errno && w->n == 0)
			err(EX_OSERR, "cannot start a thread");
		w->n += errno == 0;
	}
	pthread_mutex_unlock(&w->lock);
	pthread_cond_signal(&w->more); /* who is woken finds the lock free */
}

void workers_close(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n; i++)
		pthread_join(w->threads[i], NULL);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
}
