/*
 * What hangs on a contact: notes, tags, and the workflows that it is enrolled in. Workflows do nothing here;
 * that a contact was enrolled is remembered, each time.
 */
#include "answer.h"
#include "crm.h"
#include "crm_contract.h"
#include "crm_search.h"
#include "crm_store.h"
#include "ids.h"
#include "route.h"
#include "sandbox.h"
#include "text.h"
#include "webhooks.h"
#include <stdlib.h>

/* GET /contacts/{id}/notes: newest first. */
void notes_get(struct sandbox *s, struct request *r)
{
	struct contact *c = contact_of_path(s, r);
	if (!c)
		return;
	struct json_object *value = json_object_new_object(), *list = json_object_new_array();
	for (size_t i = json_object_array_length(c->notes); i-- > 0;)
		json_object_array_add(list, json_object_get(json_object_array_get_idx(c->notes, i)));
	json_object_object_add(value, "notes", list);
	answer_json(r, 200, value);
}

/* POST /contacts/{id}/notes */
void notes_add(struct sandbox *s, struct request *r)
{
	char id[ID_TEXT], now[WHEN_TEXT];
	struct contact *c = contract_body(r, CONTRACT_NOTE) ? contact_of_path(s, r) : NULL;
	if (!c)
		return;
	struct json_object *note = json_object_new_object(), *value = json_object_new_object();
	when_now(now);
	member_set(note, "id", id_new(&s->ids, ID_NOTE, id));
	for (struct each m = {0}; each_member(r->json, &m);)
		json_object_object_add(note, m.name, json_copy(m.value));
	member_set(note, "dateAdded", now);
	member_set(note, "contactId", c->id);
	json_object_array_add(c->notes, note);
	json_object_object_add(value, "note", json_object_get(note));
	answer_json(r, 201, value);
}

/* DELETE /contacts/{id}/notes/{noteId} */
void note_remove(struct sandbox *s, struct request *r)
{
	struct contact *c = contact_of_path(s, r);
	if (!c)
		return;
	for (size_t i = json_object_array_length(c->notes); i-- > 0;) {
		if (strcmp(member_text(json_object_array_get_idx(c->notes, i), "id"), r->arg[1]) == 0) {
			json_object_array_del_idx(c->notes, i, 1);
			answer_succeeded(r);
			return;
		}
	}
	answer_error(r, 404, "Note with id %s not found", r->arg[1]);
}

/* Where a tag stands among the contact's, whatever its case; -1 if it is not there. */
static long tag_at(const struct contact *c, const char *tag)
{
	size_t n = json_object_array_length(c->tags);
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(json_object_get_string(json_object_array_get_idx(c->tags, i)), tag) == 0)
			return (long)i;
	return -1;
}

/* Adds a tag; whether that was a change. */
static bool tag_add(struct contact *c, const char *tag)
{
	if (tag_at(c, tag) >= 0)
		return false;
	json_object_array_add(c->tags, json_object_new_string(tag));
	return true;
}

/* Removes a tag; whether that was a change. */
static bool tag_remove(struct contact *c, const char *tag)
{
	long at = tag_at(c, tag);
	if (at < 0)
		return false;
	json_object_array_del_idx(c->tags, (size_t)at, 1);
	return true;
}

/* Does one of the two with each tag of the body. */
static void change_tags(
	struct sandbox *s, struct request *r, unsigned status, bool (*change)(struct contact *, const char *))
{
	struct contact *c = contract_body(r, CONTRACT_TAGS) ? contact_of_path(s, r) : NULL;
	if (!c)
		return;
	struct json_object *tags = member(r->json, "tags"), *value = json_object_new_object();
	bool changed = false;
	for (size_t i = 0; i < json_object_array_length(tags); i++)
		changed |= change(c, json_object_get_string(json_object_array_get_idx(tags, i)));
	if (changed) {
		contact_written(s, c);
		webhook_contact(s, "ContactTagUpdate", c);
	}
	json_object_object_add(value, "tags", json_object_get(c->tags));
	answer_json(r, status, value);
}

/* POST /contacts/{id}/tags */
void tags_add(struct sandbox *s, struct request *r)
{
	change_tags(s, r, 201, tag_add);
}

/* DELETE /contacts/{id}/tags */
void tags_remove(struct sandbox *s, struct request *r)
{
	change_tags(s, r, 200, tag_remove);
}

/* The workflow of the path, if the body and the contact are right; answers where not. */
static struct json_object *workflow_of_path(struct sandbox *s, struct request *r, struct contact **c)
{
	*c = contract_body(r, CONTRACT_ENROL) ? contact_of_path(s, r) : NULL;
	if (!*c)
		return NULL;
	struct json_object *workflow = workflow_with(r->location, "id", r->arg[1]);
	if (!workflow)
		answer_error(r, 404, "Workflow with id %s not found", r->arg[1]);
	return workflow;
}

/* POST /contacts/{id}/workflow/{workflowId} */
void workflow_enrol(struct sandbox *s, struct request *r)
{
	struct contact *c;
	struct json_object *workflow = workflow_of_path(s, r, &c);
	if (!workflow)
		return;
	if (strcmp(member_text(workflow, "status"), "published") != 0) {
		answer_error(r, 400, "Workflow with id %s is not published", r->arg[1]);
		return;
	}
	json_object_array_add(c->workflows, json_object_get(member(workflow, "name")));
	answer_succeeded(r);
}

/* DELETE /contacts/{id}/workflow/{workflowId}: ends the last enrolment. */
void workflow_leave(struct sandbox *s, struct request *r)
{
	struct contact *c;
	struct json_object *workflow = workflow_of_path(s, r, &c);
	if (!workflow)
		return;
	for (size_t i = json_object_array_length(c->workflows); i-- > 0;) {
		if (json_object_equal(json_object_array_get_idx(c->workflows, i), member(workflow, "name"))) {
			json_object_array_del_idx(c->workflows, i, 1);
			break;
		}
	}
	answer_succeeded(r);
}
