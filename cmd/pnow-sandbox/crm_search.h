/* Searches that lag behind writes. */
#ifndef SANDBOX_CRM_SEARCH_H
#define SANDBOX_CRM_SEARCH_H

#include <json-c/json.h>

struct contact;
struct crm;
struct location;
struct opportunity;
struct sandbox;

/* To be called after every change. */
void contact_written(struct sandbox *s, struct contact *c);
void opportunity_written(struct sandbox *s, struct opportunity *o);
/* The contact found, as it was when searches saw it last; a new reference, or NULL. */
struct json_object *search_contact(
	struct sandbox *s, struct location *l, const char *email, const char *phone);
/* A contact as searches see it, a copy; NULL: they do not yet. */
struct json_object *search_seen(struct sandbox *s, const struct contact *c);
/* The opportunity as searches see it: its own properties (NULL: they do not see it), not a new reference;
   and, where they do, the whole, a new one. */
struct json_object *search_own(struct sandbox *s, const struct opportunity *o);
struct json_object *search_opportunity(struct sandbox *s, const struct opportunity *o);
void search_forget(struct crm *crm);

#endif
