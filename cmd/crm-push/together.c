/*
 * What must not happen twice is written down before its request is sent, and that waits for the disk. An
 * event's note and its enrolment are under way at the same time, so that they share a commit: who comes first
 * waits for the other. Where one of the two cannot be written down then, neither is sent. The wait ends,
 * since the other may have to wait for the CRM's limit; then each has a commit of its own. It is as long as a
 * thread may be late on a busy machine.
 */
#include "push.h"

#include "text/waits.h"

#include <errno.h>

enum { WAIT_MS = 100 };

void push_together_open(struct push_together *t, struct state *state)
{
	*t = (struct push_together){.state = state};
	pthread_mutex_init(&t->lock, NULL);
	waits_open(&t->changed);
}

void push_together_close(struct push_together *t)
{
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->changed);
}

void push_together_expect(struct push_together *t)
{
	pthread_mutex_lock(&t->lock);
	t->expected++;
	pthread_mutex_unlock(&t->lock);
}

void push_together_leave(struct push_together *t)
{
	pthread_mutex_lock(&t->lock);
	t->expected--;
	pthread_mutex_unlock(&t->lock);
	pthread_cond_broadcast(&t->changed);
}

/* Writes down what has come; the lock is held. */
static void commit(struct push_together *t)
{
	bool begun = state_begin(t->state), done = begun;
	for (size_t i = 0; done && i < t->n; i++) {
		struct push_effect *e = t->at[i];
		e->is = ledger_effect_begin(t->state, e->location, e->name, e->contact, e->since);
		done = e->is != EFFECT_FAILED;
	}
	if (begun)
		done = state_end(t->state, done) && done;
	for (size_t i = 0; !done && i < t->n; i++)
		t->at[i]->is = EFFECT_FAILED;
	t->over = true;
}

enum ledger_effect push_together_begin(struct push_together *t, struct push_effect *e)
{
	const struct timespec until = waits_after(WAIT_MS);
	pthread_mutex_lock(&t->lock);
	bool late = t->over;
	if (!late)
		t->at[t->n++] = e;
	while (
		!t->over && t->n < t->expected && pthread_cond_timedwait(&t->changed, &t->lock, &until) != ETIMEDOUT)
		continue;
	bool commits = !t->over;
	if (commits)
		commit(t);
	pthread_mutex_unlock(&t->lock);
	if (commits) /* who is woken needs the lock */
		pthread_cond_broadcast(&t->changed);
	return late ? ledger_effect_begin(t->state, e->location, e->name, e->contact, e->since) : e->is;
}
