/*
 * Searches that lag behind writes, as the CRM's index does. Without a lag a search reads the state itself.
 * With one, every write leaves a picture of what it wrote, due when the lag has passed; a search first moves
 * the pictures that are due to where it looks, and so sees the state of that moment, however often it has
 * changed since. Deletions are seen at once.
 */
#include "crm_search.h"
#include "crm_store.h"
#include "sandbox.h"
#include "text.h"
#include "text/waits.h"
#include <stdlib.h>

/* Leaves a picture of a write; takes shown over. */
static void leave(struct sandbox *s, const char *contact, const char *opportunity, struct json_object *shown)
{
	struct unseen *u = allocated(calloc(1, sizeof *u));
	u->due = waits_now() + s->limits.search_lag_ms;
	u->contact = contact ? text_copy(contact) : NULL;
	u->opportunity = opportunity ? text_copy(opportunity) : NULL;
	u->shown = json_copy(shown);
	json_object_put(shown);
	STAILQ_INSERT_TAIL(&s->crm.unseen, u, next);
}

/* A contact was written. */
void contact_written(struct sandbox *s, struct contact *c)
{
	when_now(c->updated);
	if (s->limits.search_lag_ms > 0)
		leave(s, c->id, NULL, contact_shown(c));
}

/* An opportunity was written. */
void opportunity_written(struct sandbox *s, struct opportunity *o)
{
	char now[WHEN_TEXT];
	when_now(now);
	member_set(o->own, "updatedAt", now);
	if (s->limits.search_lag_ms > 0)
		leave(s, NULL, o->id, opportunity_shown(o));
}

/* Frees the first picture; its shown is the caller's. */
static void drop_first(struct crm *crm)
{
	struct unseen *u = STAILQ_FIRST(&crm->unseen);
	STAILQ_REMOVE_HEAD(&crm->unseen, next);
	free(u->contact);
	free(u->opportunity);
	free(u);
}

/* Makes the pictures that are due what searches see; what has gone since stays gone. */
static void catch_up(struct sandbox *s)
{
	struct unseen *u;
	int64_t now = waits_now();
	while ((u = STAILQ_FIRST(&s->crm.unseen)) && u->due <= now) {
		struct contact *c = contact_by_id(&s->crm, u->contact);
		struct opportunity *o = opportunity_by_id(&s->crm, u->opportunity);
		struct json_object *shown = u->shown;
		if (c) {
			contact_see(c, shown);
		} else if (o) {
			json_object_put(o->seen);
			o->seen = shown;
		} else {
			json_object_put(shown);
		}
		drop_first(&s->crm);
	}
}

/* The contact with this e-mail, else this phone. */
struct json_object *search_contact(
	struct sandbox *s, struct location *l, const char *email, const char *phone)
{
	struct contact *c;
	if (s->limits.search_lag_ms > 0) {
		catch_up(s);
		c = contact_seen(l, email, phone);
		return c ? json_object_get(c->seen) : NULL;
	}
	c = contact_by_email(l, email);
	if (!c)
		c = contact_by_phone(l, phone);
	return c ? contact_shown(c) : NULL;
}

/* A contact, whoever it is. */
struct json_object *search_seen(struct sandbox *s, const struct contact *c)
{
	struct json_object *seen = NULL, *shown = s->limits.search_lag_ms > 0 ? NULL : contact_shown(c);
	if (!shown)
		catch_up(s);
	if (shown || c->seen)
		seen = json_copy(shown ? shown : c->seen);
	json_object_put(shown);
	return seen;
}

/* An opportunity's own properties. */
struct json_object *search_own(struct sandbox *s, const struct opportunity *o)
{
	if (s->limits.search_lag_ms == 0)
		return o->own;
	catch_up(s);
	return o->seen;
}

/* An opportunity with its contact. */
struct json_object *search_opportunity(struct sandbox *s, const struct opportunity *o)
{
	return s->limits.search_lag_ms == 0 ? opportunity_shown(o) : json_object_get(o->seen);
}

/* Forgets all pictures. */
void search_forget(struct crm *crm)
{
	struct unseen *u;
	while ((u = STAILQ_FIRST(&crm->unseen))) {
		json_object_put(u->shown);
		drop_first(crm);
	}
}
