/*
 * Calendars and what stands in them: appointments of contacts, and block slots, which have no contact. An
 * appointment is refused where its time is taken, unless the request says that nobody shall look.
 */
#include "answer.h"
#include "crm.h"
#include "crm_contract.h"
#include "crm_store.h"
#include "ids.h"
#include "route.h"
#include "sandbox.h"
#include "text.h"
#include <stdlib.h>

enum { SLOT_MS = 30 * 60 * 1000 }; /* how long what has no end takes */

/* GET /calendars/?locationId= */
void calendars_get(struct sandbox *s, struct request *r)
{
	static const char *const names[] = {"locationId", "groupId", "showDrafted", NULL};
	(void)s;
	if (!contract_query(r, names) || !crm_allowed(r, request_query(r, "locationId")))
		return;
	struct json_object *value = json_object_new_object();
	json_object_object_add(value, "calendars", json_object_get(r->location->calendars));
	answer_json(r, 200, value);
}

/* GET /calendars/{id} */
void calendar_get(struct sandbox *s, struct request *r)
{
	struct json_object *calendar = calendar_with(r->location, "id", r->arg[0]);
	(void)s;
	if (!calendar) {
		answer_error(r, 404, "Calendar with id %s not found", r->arg[0]);
		return;
	}
	struct json_object *value = json_object_new_object();
	json_object_object_add(value, "calendar", json_object_get(calendar));
	answer_json(r, 200, value);
}

static bool is_block(struct json_object *entry)
{
	return !member(entry, "contactId");
}

/* A time of an entry, milliseconds since 1970. */
static int64_t moment(struct json_object *entry, const char *name)
{
	int64_t ms = 0;
	const char *text = member_text(entry, name);
	if (text)
		when_moment(str_of(text), &ms);
	return ms;
}

/* Whether an entry takes any of the time from one moment to another. */
static bool is_within(struct json_object *entry, int64_t from, int64_t to)
{
	return moment(entry, "startTime") < to && moment(entry, "endTime") > from;
}

/* The entry as the API shows it: all that the contract has of it. */
static struct json_object *shown(struct json_object *entry)
{
	static const char *const always[] = {
		"title", "contactId", "groupId", "appointmentStatus", "assignedUserId"};
	struct json_object *value = json_copy(entry);
	for (size_t i = 0; i < COUNT(always); i++)
		if (!member(value, always[i]))
			member_set(value, always[i], "");
	json_object_object_add(value, "users", json_object_new_array());
	return value;
}

/* Answers with the entries of a kind that the query asks for. */
static void answer_entries(struct request *r, bool blocks)
{
	static const char *const names[] = {
		"locationId", "startTime", "endTime", "calendarId", "userId", "groupId", NULL};
	const char *calendar = request_query(r, "calendarId"), *user = request_query(r, "userId");
	int64_t from = request_number(r, "startTime", 0, 0, INT64_MAX);
	int64_t to = request_number(r, "endTime", 0, 0, INT64_MAX);
	if (!contract_query(r, names) || !crm_allowed(r, request_query(r, "locationId")))
		return;
	if (!from || !to || (!calendar && !user && !request_query(r, "groupId"))) {
		answer_error(r, 422,
			"startTime and endTime (milliseconds), and one of calendarId, userId, groupId are required");
		return;
	}
	struct json_object *value = json_object_new_object(), *list = json_object_new_array();
	for (size_t i = 0; i < json_object_array_length(r->location->entries); i++) {
		struct json_object *one = json_object_array_get_idx(r->location->entries, i);
		const char *of = member_text(one, "assignedUserId");
		if (is_block(one) == blocks && is_within(one, from, to) &&
			(!calendar || strcmp(calendar, member_text(one, "calendarId")) == 0) &&
			(!user || (of && strcmp(user, of) == 0)))
			json_object_array_add(list, shown(one));
	}
	json_object_object_add(value, "events", list);
	answer_json(r, 200, value);
}

/* GET /calendars/events?locationId=&calendarId=&startTime=&endTime= */
void entries_get(struct sandbox *s, struct request *r)
{
	(void)s;
	answer_entries(r, false);
}

/* GET /calendars/blocked-slots?locationId=&calendarId=&startTime=&endTime= */
void blocks_get(struct sandbox *s, struct request *r)
{
	(void)s;
	answer_entries(r, true);
}

/* Where the path's entry stands among the location's; answers 404 where it is none. */
static struct json_object *entry_of_path(struct request *r, size_t *i)
{
	for (*i = 0; *i < json_object_array_length(r->location->entries); ++*i) {
		struct json_object *one = json_object_array_get_idx(r->location->entries, *i);
		if (strcmp(member_text(one, "id"), r->arg[0]) == 0)
			return one;
	}
	answer_error(r, 404, "Event with id %s not found", r->arg[0]);
	return NULL;
}

/* Whether another entry of the calendar takes the entry's time. */
static bool is_taken(struct request *r, struct json_object *entry)
{
	int64_t from = moment(entry, "startTime"), to = moment(entry, "endTime");
	for (size_t i = 0; i < json_object_array_length(r->location->entries); i++) {
		struct json_object *one = json_object_array_get_idx(r->location->entries, i);
		const char *status = member_text(one, "appointmentStatus");
		if (!json_object_equal(member(one, "id"), member(entry, "id")) &&
			json_object_equal(member(one, "calendarId"), member(entry, "calendarId")) &&
			is_within(one, from, to) && !(status && strcmp(status, "cancelled") == 0))
			return true;
	}
	return false;
}

/* Writes the body, which keeps to the contract, into an entry: a copy, so that one that is refused changes
 * nothing. NULL: answered. */
static struct json_object *written(struct request *r, struct json_object *entry)
{
	char text[WHEN_TEXT];
	struct json_object *one = json_copy(entry);
	for (struct each m = {0}; each_member(r->json, &m);)
		if (!json_object_is_type(m.value, json_type_boolean)) /* those are about the request */
			json_object_object_add(one, m.name, json_copy(m.value));
	when_utc(moment(one, "startTime") + SLOT_MS, text);
	if (!member(one, "endTime"))
		member_set(one, "endTime", text);
	when_now(text);
	member_set(one, "dateUpdated", text);
	const char *wrong = NULL;
	if (!calendar_with(r->location, "id", member_text(one, "calendarId")))
		wrong = "Calendar not found";
	else if (moment(one, "endTime") <= moment(one, "startTime"))
		wrong = "The end time must be after the start time.";
	else if (!is_block(one) && member(r->json, "startTime") &&
			 !json_object_get_boolean(member(r->json, "ignoreFreeSlotValidation")) && is_taken(r, one))
		wrong = "The slot you have selected is no longer available.";
	if (!wrong)
		return one;
	json_object_put(one);
	answer_error(r, 400, "%s", wrong);
	return NULL;
}

/* Adds what the body says. */
static void create(struct sandbox *s, struct request *r, unsigned status)
{
	char id[ID_TEXT], now[WHEN_TEXT];
	struct json_object *none = json_object_new_object(), *one = written(r, none);
	json_object_put(none);
	if (!one)
		return;
	when_now(now);
	member_set(one, "id", id_new(&s->ids, ID_ENTRY, id));
	member_set(one, "dateAdded", now);
	if (!is_block(one) && !member(one, "appointmentStatus"))
		member_set(one, "appointmentStatus", "confirmed");
	json_object_array_add(r->location->entries, one);
	answer_json(r, status, shown(one));
}

/* Changes the path's entry, if it is of the kind. */
static void change(struct request *r, bool block, unsigned status)
{
	size_t i;
	struct json_object *entry = entry_of_path(r, &i), *one;
	if (entry && is_block(entry) != block)
		answer_error(r, 404, "Event with id %s not found", r->arg[0]);
	else if (entry && (one = written(r, entry))) {
		json_object_array_put_idx(r->location->entries, i, one);
		answer_json(r, status, shown(one));
	}
}

/* POST /calendars/events/appointments */
void appointment_create(struct sandbox *s, struct request *r)
{
	if (!contract_body(r, CONTRACT_APPOINTMENT_CREATE) || !crm_allowed(r, member_text(r->json, "locationId")))
		return;
	struct contact *c = contact_by_id(&s->crm, member_text(r->json, "contactId"));
	if (c && c->location == r->location)
		create(s, r, 200);
	else
		answer_error(r, 400, "The contact id is invalid.");
}

/* GET /calendars/events/appointments/{id} */
void appointment_get(struct sandbox *s, struct request *r)
{
	size_t i;
	struct json_object *entry = entry_of_path(r, &i);
	(void)s;
	if (!entry)
		return;
	struct json_object *value = json_object_new_object();
	json_object_object_add(value, "event", shown(entry));
	answer_json(r, 200, value);
}

/* PUT /calendars/events/appointments/{id} */
void appointment_put(struct sandbox *s, struct request *r)
{
	(void)s;
	if (contract_body(r, CONTRACT_APPOINTMENT_UPDATE))
		change(r, false, 200);
}

/* POST /calendars/events/block-slots */
void block_create(struct sandbox *s, struct request *r)
{
	if (contract_body(r, CONTRACT_BLOCK) && crm_allowed(r, member_text(r->json, "locationId")))
		create(s, r, 201);
}

/* PUT /calendars/events/block-slots/{id} */
void block_put(struct sandbox *s, struct request *r)
{
	(void)s;
	if (contract_body(r, CONTRACT_BLOCK) && crm_allowed(r, member_text(r->json, "locationId")))
		change(r, true, 201);
}

/* DELETE /calendars/events/{id} */
void entry_remove(struct sandbox *s, struct request *r)
{
	size_t i;
	(void)s;
	if (!contract_body(r, CONTRACT_NOTHING) || !entry_of_path(r, &i))
		return;
	json_object_array_del_idx(r->location->entries, i, 1);
	struct json_object *value = json_object_new_object();
	json_object_object_add(value, "succeeded", json_object_new_boolean(1));
	answer_json(r, 201, value);
}
