/*
 * The sandbox's own pages below /_/: the state in the words of people (names of fields, stages and workflows,
 * not ids), the way back to the seed, and a short help.
 */
#include "answer.h"
#include "crm_search.h"
#include "crm_store.h"
#include "ids.h"
#include "patientnow.h"
#include "route.h"
#include "sandbox.h"
#include "seed.h"
#include "text.h"
#include <stdlib.h>

/* GET /_/ */
void own_help(struct sandbox *s, struct request *r)
{
	(void)s;
	r->answer.status = 200;
	r->answer.type = "text/plain; charset=utf-8";
	buf_puts(&r->answer.body,
		"pnow-sandbox: a stand-in for PatientNow and HighLevel\n"
		"\n"
		"/crm/         HighLevel\n"
		"/patientnow/  PatientNow Pro\n"
		"/envision/    PatientNow Essentials\n"
		"\n"
		"GET    /_/state[?contact=ID|?email=E]  what is stored, by name\n"
		"GET    /_/fields?name=N                one custom field of all contacts, NDJSON\n"
		"POST   /_/reset                        back to the seed\n"
		"POST   /_/revoke                       {\"what\":\"access\"|\"all\"}: tokens of OAuth\n"
		"POST   /_/merge                        {\"from\":ID,\"into\":ID}: two patients of PatientNow are one\n"
		"GET    /_/requests                     all requests, NDJSON; DELETE clears\n"
		"GET    /_/faults                       the faults; POST adds one, DELETE clears\n"
		"POST   /_/webhook                      {\"to\":\"crm\"|\"patientnow\",\"body\":{...}}\n"
		"\n"
		"pnow-sandbox(1) has the rest.\n");
}

/* POST /_/reset: the state is that of the seed again; log and faults stay. */
void own_reset(struct sandbox *s, struct request *r)
{
	search_forget(&s->crm);
	store_close(&s->crm);
	practice_close(&s->practice);
	store_open(&s->crm);
	practice_open(&s->practice);
	s->ids = (struct ids){0};
	seed_load(s);
	answer_json(r, 200, json_object_new_object());
}

/* A contact's custom fields by name. */
static struct json_object *fields_by_name(const struct contact *c)
{
	struct json_object *fields = json_object_new_object();
	for (struct each m = {0}; each_member(c->fields, &m);)
		json_object_object_add(fields, member_text(index_get(c->location->field_by_id, m.name), "name"),
			json_object_get(m.value));
	return fields;
}

/* The texts of a contact's notes, oldest first. */
static struct json_object *note_bodies(const struct contact *c)
{
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < json_object_array_length(c->notes); i++)
		json_object_array_add(list, json_object_get(member(json_object_array_get_idx(c->notes, i), "body")));
	return list;
}

/* An opportunity with the names of its pipeline and stage. */
static struct json_object *opportunity_by_name(const struct opportunity *o)
{
	static const char *const shown[] = {"status", "monetaryValue", "name"};
	struct json_object *one = json_object_new_object();
	struct json_object *pipeline =
		pipeline_with(o->contact->location, "id", member_text(o->own, "pipelineId"));
	struct json_object *stage = stage_with(pipeline, "id", member_text(o->own, "pipelineStageId"));
	member_set(one, "id", o->id);
	member_set(one, "pipeline", member_text(pipeline, "name"));
	member_set(one, "stage", member_text(stage, "name"));
	for (size_t i = 0; i < COUNT(shown); i++) {
		struct json_object *value = member(o->own, shown[i]);
		if (value)
			json_object_object_add(one, shown[i], json_object_get(value));
	}
	return one;
}

/* A contact with all that hangs on it. */
static struct json_object *contact_by_name(const struct contact *c)
{
	static const char *const first[] = {"firstName", "lastName", "email", "phone", "gender", "dateOfBirth",
		"source", "address1", "city", "state", "postalCode"};
	struct json_object *one = json_object_new_object(), *list = json_object_new_array();
	struct opportunity *o;
	member_set(one, "id", c->id);
	member_set(one, "locationId", c->location->id);
	for (size_t i = 0; i < COUNT(first); i++)
		member_set(one, first[i], contact_text(c, first[i]));
	for (struct each m = {0}; each_member(c->own, &m);)
		if (!member(one, m.name))
			json_object_object_add(one, m.name, json_object_get(m.value));
	if (json_object_array_length(c->more_emails) > 0)
		json_object_object_add(one, "additionalEmails", json_object_get(c->more_emails));
	json_object_object_add(one, "tags", json_object_get(c->tags));
	json_object_object_add(one, "fields", fields_by_name(c));
	json_object_object_add(one, "notes", note_bodies(c));
	json_object_object_add(one, "workflows", json_object_get(c->workflows));
	for (o = TAILQ_FIRST(&c->opportunities); o; o = TAILQ_NEXT(o, next_of_contact))
		json_object_array_add(list, opportunity_by_name(o));
	json_object_object_add(one, "opportunities", list);
	return one;
}

/* The entries of all calendars, with the names of those. */
static struct json_object *entries_by_name(struct crm *crm)
{
	struct json_object *list = json_object_new_array();
	for (struct location *l = TAILQ_FIRST(&crm->locations); l; l = TAILQ_NEXT(l, next)) {
		for (size_t i = 0; i < json_object_array_length(l->entries); i++) {
			struct json_object *one = json_copy(json_object_array_get_idx(l->entries, i));
			member_set(
				one, "calendar", member_text(calendar_with(l, "id", member_text(one, "calendarId")), "name"));
			json_object_array_add(list, one);
		}
	}
	return list;
}

/* Whether the query, if it names a contact, names this one. */
static bool asked_for(const struct request *r, const struct contact *c)
{
	const char *id = request_query(r, "contact"), *email = request_query(r, "email");
	const char *is = contact_text(c, "email");
	return (!id || strcmp(id, c->id) == 0) && (!email || (is && strcasecmp(email, is) == 0));
}

/* GET /_/state */
void own_state(struct sandbox *s, struct request *r)
{
	struct json_object *value = json_object_new_object(), *contacts = json_object_new_array();
	struct contact *c;
	for (c = TAILQ_FIRST(&s->crm.contacts); c; c = TAILQ_NEXT(c, next))
		if (asked_for(r, c))
			json_object_array_add(contacts, contact_by_name(c));
	json_object_object_add(value, "contacts", contacts);
	json_object_object_add(value, "calendar", entries_by_name(&s->crm));
	for (size_t i = 0; i < SHELVES; i++) {
		struct json_object *list = json_object_new_array();
		struct entry *e;
		for (e = TAILQ_FIRST(&s->practice.shelves[i].entries); e; e = TAILQ_NEXT(e, next))
			json_object_array_add(list, json_object_get(e->own));
		json_object_object_add(value, shelf_names[i].pro, list);
	}
	answer_json(r, 200, value);
}

/* GET /_/fields?name=N: of 100,000 contacts the state would be too much to read. */
void own_fields(struct sandbox *s, struct request *r)
{
	const char *name = request_query(r, "name");
	struct buf *out = &r->answer.body;
	struct contact *c;
	r->answer.status = 200;
	r->answer.type = "application/x-ndjson";
	for (c = TAILQ_FIRST(&s->crm.contacts); c; c = TAILQ_NEXT(c, next)) {
		struct json_object *fields = fields_by_name(c), *value = name ? member(fields, name) : NULL;
		if (value) {
			buf_puts(out, "{");
			buf_member(out, "contact", c->id);
			buf_member(out, "email", contact_text(c, "email"));
			buf_puts(out, ",\"value\":");
			buf_puts(out, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
			buf_puts(out, "}\n");
		}
		json_object_put(fields);
	}
}
