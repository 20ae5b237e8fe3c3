/* Locks by contact id: a list of the ids that are held; there are never more than workers. */
#include "push.h"

#include <err.h>
#include <pthread.h>
#include <stdlib.h>
#include <sysexits.h>

struct held {
	struct held *next;
	char *contact;
};

struct contact_locks {
	pthread_mutex_t lock;
	pthread_cond_t freed;
	struct held *held;
};

struct contact_locks *locks_open(void)
{
	struct contact_locks *l = calloc(1, sizeof *l);
	if (!l)
		err(EX_SOFTWARE, "out of memory");
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->freed, NULL);
	return l;
}

void locks_close(struct contact_locks *l)
{
	pthread_cond_destroy(&l->freed);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static struct held **find(struct contact_locks *l, const char *contact)
{
	struct held **at = &l->held;
	while (*at && strcmp((*at)->contact, contact) != 0)
		at = &(*at)->next;
	return at;
}

void lock_contact(struct contact_locks *l, const char *contact)
{
	struct held *mine = malloc(sizeof *mine);
	if (!mine || !(mine->contact = strdup(contact)))
		err(EX_SOFTWARE, "out of memory");
	pthread_mutex_lock(&l->lock);
	while (*find(l, contact))
		pthread_cond_wait(&l->freed, &l->lock);
	mine->next = l->held;
	l->held = mine;
	pthread_mutex_unlock(&l->lock);
}

void unlock_contact(struct contact_locks *l, const char *contact)
{
	pthread_mutex_lock(&l->lock);
	struct held **at = find(l, contact), *mine = *at;
	*at = mine->next;
	pthread_cond_broadcast(&l->freed);
	pthread_mutex_unlock(&l->lock);
	free(mine->contact);
	free(mine);
}
