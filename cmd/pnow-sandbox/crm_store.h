/* Contacts and opportunities of all locations, and what a location has that they refer to. */
#ifndef SANDBOX_CRM_STORE_H
#define SANDBOX_CRM_STORE_H

#include "value/when.h"
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct sandbox;

struct contact {
	TAILQ_ENTRY(contact) next;
	struct location *location;
	char *id;
	struct json_object *own;         /* firstName, email … : the properties that the contract names */
	struct json_object *fields;      /* custom field id: value */
	struct json_object *tags;        /* array */
	struct json_object *more_emails; /* array */
	struct json_object *notes;       /* array, oldest first */
	struct json_object *workflows;   /* array of names, in order of enrolment */
	TAILQ_HEAD(opportunity_list, opportunity) opportunities;
	struct json_object *seen; /* what searches see, while they lag; see crm_search.c */
	char added[WHEN_TEXT], updated[WHEN_TEXT];
};

struct opportunity {
	TAILQ_ENTRY(opportunity) next, next_of_contact;
	struct contact *contact;
	const char *id; /* own's */
	struct json_object *own;
	struct json_object *seen;
};

struct location {
	TAILQ_ENTRY(location) next;
	char *id;
	bool one_opportunity;       /* a second opportunity of a contact in a pipeline is refused */
	bool several_contacts;      /* its setting says that duplicates are allowed */
	struct json_object *scopes; /* of its tokens, an array; NULL: all */
	struct json_object *fields, *pipelines, *workflows, *calendars; /* arrays, as the API shows them */
	struct json_object *entries;                                    /* of its calendars: crm_calendars.c */
	struct lh_table *field_by_id, *field_by_name;                   /* to what fields owns */
	struct lh_table *by_email, *by_phone;                           /* contacts */
	struct lh_table *seen_email, *seen_phone;                       /* contacts, as searches see them */
	int64_t window_began;
	long window_used, day_used;
};

/* A change that searches do not see yet. */
struct unseen {
	STAILQ_ENTRY(unseen) next;
	int64_t due;
	char *contact, *opportunity; /* the id of one of them */
	struct json_object *shown;
};

/* What an access token is good for. */
struct access {
	STAILQ_ENTRY(access) next;
	struct location *location; /* NULL: revoked */
	int64_t expires;           /* of waits_now(); 0: never, since it is no OAuth's */
};

struct crm {
	TAILQ_HEAD(location_list, location) locations;
	TAILQ_HEAD(contact_list, contact) contacts;
	struct opportunity_list opportunities;
	STAILQ_HEAD(unseen_queue, unseen) unseen;
	struct lh_table *contact_by_id, *opportunity_by_id;
	struct lh_table *tokens; /* access token: its struct access */
	STAILQ_HEAD(access_list, access) accesses;
	struct lh_table *refresh_tokens; /* refresh token, while unused: its struct access */
	char *client_id, *client_secret, *company_id;
	struct location company; /* stands for the agency in tokens; holds nothing */
	long expires_in;
	long day;
};

void store_open(struct crm *crm);
void store_close(struct crm *crm);
struct location *location_new(struct crm *crm, const char *id);
struct location *location_by_id(struct crm *crm, const char *id);
/* Adds an access token that is good for life seconds, 0: for ever. */
void token_add(struct crm *crm, const char *token, struct location *l, long life);
/* Its location; NULL where the token is none, has expired or was revoked. */
struct location *token_location(struct crm *crm, const char *token);

struct contact *contact_new(struct sandbox *s, struct location *l, const char *id);
void contact_delete(struct crm *crm, struct contact *c);
struct contact *contact_by_id(struct crm *crm, const char *id);
struct contact *contact_by_email(struct location *l, const char *email);
struct contact *contact_by_phone(struct location *l, const char *phone);
/* What searches find (e-mail first), and what they see of a contact from now on; shown is taken over. */
struct contact *contact_seen(struct location *l, const char *email, const char *phone);
void contact_see(struct contact *c, struct json_object *shown);
void contact_add_email(struct contact *c, const char *email);
/* Sets one of the contact's own properties, and keeps the indexes right; NULL or "" takes it away. */
void contact_set(struct contact *c, const char *name, struct json_object *value);
/* The property's text, or NULL. */
const char *contact_text(const struct contact *c, const char *name);
/* Sets a custom field, if the CRM would: an unknown id, and a value that does not fit the field, are dropped.
 */
void contact_set_field(struct contact *c, const char *field_id, struct json_object *value);
/* The contact as the API shows it; a new object. */
struct json_object *contact_shown(const struct contact *c);

struct opportunity *opportunity_new(struct sandbox *s, struct contact *c, const char *id);
void opportunity_delete(struct crm *crm, struct opportunity *o);
struct opportunity *opportunity_by_id(struct crm *crm, const char *id);
struct json_object *opportunity_shown(const struct opportunity *o);

/* The pipeline with this member (id, name) of this text; the same for a stage of it. NULL where there is
 * none. */
struct json_object *pipeline_with(const struct location *l, const char *member, const char *text);
struct json_object *stage_with(struct json_object *pipeline, const char *member, const char *text);
struct json_object *workflow_with(const struct location *l, const char *member, const char *text);
struct json_object *calendar_with(const struct location *l, const char *member, const char *text);

struct json_object *field_add(struct sandbox *s, struct location *l, const char *id, const char *name,
	const char *type, const char *model, struct json_object *options);
void pipeline_add(
	struct sandbox *s, struct location *l, const char *id, const char *name, struct json_object *stages);
void calendar_add(struct sandbox *s, struct location *l, const char *id, const char *name, bool active);
void workflow_add(
	struct sandbox *s, struct location *l, const char *id, const char *name, const char *status);

#endif
