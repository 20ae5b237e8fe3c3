/*
 * What an audit has read of the CRM: of a few contacts, so that events that stand together cost one reading,
 * and any number of events takes the same memory.
 */
#include "push.h"
#include "value/when.h"

#include <pthread.h>
#include <stdlib.h>

struct held {
	char *contact; /* LOCATION/ID; NULL: none yet */
	char *part[PARTS];
	int64_t read; /* when its first part was, milliseconds since 1970 */
	unsigned used;
};

struct push_mirror {
	pthread_mutex_t lock;
	unsigned contacts, uses;
	struct held held[];
};

struct push_mirror *push_mirror_open(unsigned contacts)
{
	struct push_mirror *m = allocated(calloc(1, sizeof *m + contacts * sizeof *m->held));
	pthread_mutex_init(&m->lock, NULL);
	m->contacts = contacts;
	return m;
}

static void forget(struct held *h)
{
	free(h->contact);
	for (size_t i = 0; i < PARTS; i++)
		free(h->part[i]);
	*h = (struct held){0};
}

void push_mirror_close(struct push_mirror *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < m->contacts; i++)
		forget(&m->held[i]);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* A contact's place, in which nothing is older than not_before; else the one that was not used for longest.
 */
static struct held *place(struct push_mirror *m, const char *contact, int64_t not_before)
{
	struct held *found = &m->held[0];
	for (unsigned i = 0; i < m->contacts; i++) {
		struct held *h = &m->held[i];
		if (h->contact && strcmp(h->contact, contact) == 0) {
			found = h;
			break;
		}
		if (h->used < found->used)
			found = h;
	}
	if (!found->contact || strcmp(found->contact, contact) != 0 || found->read <= not_before) {
		forget(found);
		found->contact = strdup(contact);
		found->read = when_now_ms();
	}
	found->used = ++m->uses;
	return found;
}

void push_mirror_forget(struct push_work *w)
{
	struct push_mirror *m = w->push->mirror;
	if (!w->contact.id)
		return;
	const char *contact = arena_printf(w->a, "%s/%s", w->location->id, w->contact.id);
	pthread_mutex_lock(&m->lock);
	for (unsigned i = 0; i < m->contacts; i++)
		if (m->held[i].contact && strcmp(m->held[i].contact, contact) == 0)
			forget(&m->held[i]);
	pthread_mutex_unlock(&m->lock);
}

/* Asks the CRM. */
static enum outcome ask(struct push_work *w, enum part part, struct str *body)
{
	const char *path = part == PART_CONTACT ? push_request_path(w, "")
					   : part == PART_NOTES ? push_request_path(w, "/notes")
											: push_standing_search_path(w);
	struct crm_answer answer = push_request(w, "GET", path, (struct str){0}, true);
	if (answer.error)
		return crm_gone(w->a, &answer) ? OUT_IGNORED : push_result_fail_with(w, &answer);
	*body = answer.body;
	return OUT_DONE;
}

enum outcome push_mirror_read(struct push_work *w, enum part part, struct str *body)
{
	struct push_mirror *m = w->push->mirror;
	const char *contact = arena_printf(w->a, "%s/%s", w->location->id, w->contact.id);
	int64_t changed_at = ledger_changed(w->push->state, w->location->id, w->contact.id);
	pthread_mutex_lock(&m->lock);
	const char *kept = place(m, contact, changed_at)->part[part];
	if (kept)
		*body = (struct str){arena_copy(w->a, str_of(kept)), strlen(kept)};
	pthread_mutex_unlock(&m->lock);
	if (kept)
		return OUT_DONE;
	enum outcome out = ask(w, part, body);
	if (out != OUT_DONE)
		return out;
	pthread_mutex_lock(&m->lock);
	struct held *h = place(m, contact, changed_at);
	free(h->part[part]);
	h->part[part] = strndup(body->p, body->n);
	pthread_mutex_unlock(&m->lock);
	return OUT_DONE;
}
