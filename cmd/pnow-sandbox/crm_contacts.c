/*
 * Contacts: create, upsert, read, update, delete, find duplicates. What the CRM does without saying so is
 * done here, too: gender of an existing contact, values that do not fit their field, the phone of another
 * contact are dropped, and only the answer, which shows what is stored, tells.
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
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* The contact of the path, if the token may see it; answers where not. */
struct contact *contact_of_path(struct sandbox *s, struct request *r)
{
	struct contact *c = contact_by_id(&s->crm, r->arg[0]);
	if (!c) {
		answer_error(r, 400, "Contact with id %s not found", r->arg[0]);
		return NULL;
	}
	return crm_allowed(r, c->location->id) ? c : NULL;
}

/* Answers with {"contact":…} and one more member, whose name may be NULL. */
static void answer_contact(
	struct request *r, unsigned status, const struct contact *c, const char *name, bool is)
{
	struct json_object *value = json_object_new_object();
	if (name)
		json_object_object_add(value, name, json_object_new_boolean(is));
	json_object_object_add(value, "contact", contact_shown(c));
	answer_json(r, status, value);
}

/* Adds traceId to the answer's object: the CRM has one in its upserts. */
static void answer_upserted(struct sandbox *s, struct request *r, const struct contact *c, bool is_new)
{
	char id[ID_TEXT];
	struct json_object *value = json_object_new_object();
	json_object_object_add(value, "new", json_object_new_boolean(is_new));
	json_object_object_add(value, "contact", contact_shown(c));
	member_set(value, "traceId", id_new(&s->ids, ID_TRACE, id));
	answer_json(r, 200, value);
}

/* Answers 400: the location has a contact with this e-mail or phone. */
static void answer_duplicate(struct request *r, const struct contact *c, const char *property)
{
	struct json_object *value = json_object_new_object(), *meta = json_object_new_object();
	json_object_object_add(value, "statusCode", json_object_new_int(400));
	member_set(value, "message", "This location does not allow duplicated contacts.");
	member_set(meta, "contactId", c->id);
	member_set(meta, "matchingField", property);
	json_object_object_add(value, "meta", meta);
	answer_json(r, 400, value);
}

/* Whether the body's e-mail or phone is another contact's than c (NULL: anyone's); answers 400 if so. */
static bool duplicates(struct request *r, const struct contact *c)
{
	const char *email = member_text(r->json, "email"), *phone = member_text(r->json, "phone");
	struct contact *by_email = contact_by_email(r->location, email);
	struct contact *by_phone = contact_by_phone(r->location, phone);
	if (by_email && by_email != c)
		answer_duplicate(r, by_email, "email");
	else if (by_phone && by_phone != c)
		answer_duplicate(r, by_phone, "phone");
	else
		return false;
	return true;
}

/* A birth date in one of the forms that the contract lists, as YYYY-MM-DD; NULL where it is none of them. */
static struct json_object *birth_date(const char *text)
{
	unsigned a, b, c;
	char first, second, rest, date[40];
	int n = sscanf(text, "%4u%c%2u%c%4u%c", &a, &first, &b, &second, &c, &rest);
	if (n < 5 || (n == 6 && rest != 'T') || first != second || !strchr("-/._", first))
		return NULL;
	bool year_first = a > 31;
	unsigned year = year_first ? a : c, month = year_first ? b : a, day = year_first ? c : b;
	if (year < 1000 || month < 1 || month > 12 || day < 1 || day > 31)
		return NULL;
	snprintf(date, sizeof date, "%04u-%02u-%02u", year, month, day);
	return json_object_new_string(date);
}

/* A name in one piece: its first word is the first name. Only where the body has neither. */
static void write_name(struct contact *c, struct json_object *body)
{
	const char *name = member_text(body, "name");
	if (!name || member(body, "firstName") || member(body, "lastName"))
		return;
	size_t first = strcspn(name, " ");
	struct json_object *value = json_object_new_string_len(name, (int)first);
	contact_set(c, "firstName", value);
	json_object_put(value);
	name += first + strspn(name + first, " ");
	value = *name ? json_object_new_string(name) : NULL;
	contact_set(c, "lastName", value);
	json_object_put(value);
}

/* Replaces the tags. */
static void write_tags(struct contact *c, struct json_object *tags)
{
	json_object_put(c->tags);
	c->tags = json_copy(tags);
}

/* Writes the custom fields of a body. */
static void write_fields(struct contact *c, struct json_object *fields)
{
	for (size_t i = 0; i < json_object_array_length(fields); i++) {
		struct json_object *one = json_object_array_get_idx(fields, i);
		contact_set_field(c, member_text(one, "id"), member(one, "field_value"));
	}
}

/* Writes one property of a body. */
static void write_property(struct contact *c, const char *name, struct json_object *value)
{
	static const char *const passed_over[] = {"locationId", "name", "createNewIfDuplicateAllowed"};
	for (size_t i = 0; i < COUNT(passed_over); i++)
		if (strcmp(name, passed_over[i]) == 0)
			return;
	if (strcmp(name, "tags") == 0) {
		write_tags(c, value);
	} else if (strcmp(name, "customFields") == 0) {
		write_fields(c, value);
	} else if (strcmp(name, "dateOfBirth") == 0 && value && *json_object_get_string(value)) {
		struct json_object *date = birth_date(json_object_get_string(value));
		if (date)
			contact_set(c, name, date);
		json_object_put(date);
	} else {
		contact_set(c, name, value);
	}
}

/* Writes a body, but for the property named except (or NULL); tells searches and webhooks. */
static void contact_write(struct sandbox *s, struct contact *c, struct json_object *body, const char *except)
{
	struct json_object *before = json_copy(c->tags);
	for (struct each m = {0}; each_member(body, &m);)
		if (!except || strcmp(m.name, except) != 0)
			write_property(c, m.name, m.value);
	write_name(c, body);
	contact_written(s, c);
	if (!json_object_equal(before, c->tags))
		webhook_contact(s, "ContactTagUpdate", c);
	json_object_put(before);
}

/* A new contact from a body that was checked. */
static struct contact *create(struct sandbox *s, struct request *r)
{
	struct contact *c = contact_new(s, r->location, NULL);
	for (struct each m = {0}; each_member(r->json, &m);)
		write_property(c, m.name, m.value);
	write_name(c, r->json);
	contact_written(s, c);
	webhook_contact(s, "ContactCreate", c);
	return c;
}

/* POST /contacts/ */
void contact_create(struct sandbox *s, struct request *r)
{
	if (!contract_body(r, CONTRACT_CONTACT_CREATE) || !crm_allowed(r, member_text(r->json, "locationId")) ||
		duplicates(r, NULL))
		return;
	answer_contact(r, 201, create(s, r), NULL, false);
}

/* POST /contacts/upsert: the contact with this e-mail, else the one with this phone, else a new one. */
void contact_upsert(struct sandbox *s, struct request *r)
{
	if (!contract_body(r, CONTRACT_CONTACT_UPSERT) || !crm_allowed(r, member_text(r->json, "locationId")))
		return;
	const char *email = member_text(r->json, "email"), *phone = member_text(r->json, "phone");
	if (!(email && *email) && !(phone && *phone)) {
		answer_error(r, 400, "Pass at least one of number, email query parameter");
		return;
	}
	struct contact *by_email = contact_by_email(r->location, email);
	struct contact *by_phone = contact_by_phone(r->location, phone);
	struct contact *c = by_email ? by_email : by_phone;
	if (!c) {
		answer_upserted(s, r, create(s, r), true);
		return;
	}
	json_object_object_del(r->json, "gender"); /* taken on creation only, and dropped without a word here */
	contact_write(s, c, r->json, by_phone && by_phone != c ? "phone" : NULL);
	webhook_contact(s, "ContactUpdate", c);
	answer_upserted(s, r, c, false);
}

/* GET /contacts/{id} */
void contact_get(struct sandbox *s, struct request *r)
{
	struct contact *c = contact_of_path(s, r);
	if (c)
		answer_contact(r, 200, c, NULL, false);
}

/* PUT /contacts/{id} */
void contact_put(struct sandbox *s, struct request *r)
{
	struct contact *c = contract_body(r, CONTRACT_CONTACT_UPDATE) ? contact_of_path(s, r) : NULL;
	if (!c || duplicates(r, c))
		return;
	contact_write(s, c, r->json, NULL);
	webhook_contact(s, "ContactUpdate", c);
	answer_contact(r, 200, c, "succeded", true);
}

/* Answers {"succeded":true}, as the CRM spells it. */
void answer_succeeded(struct request *r)
{
	struct json_object *value = json_object_new_object();
	json_object_object_add(value, "succeded", json_object_new_boolean(1));
	answer_json(r, 200, value);
}

/* DELETE /contacts/{id} */
void contact_remove(struct sandbox *s, struct request *r)
{
	struct contact *c = contact_of_path(s, r);
	if (!c)
		return;
	webhook_contact(s, "ContactDelete", c);
	contact_delete(&s->crm, c);
	answer_succeeded(r);
}

/* GET /contacts/search/duplicate?locationId=&email=&number= */
void contact_duplicate(struct sandbox *s, struct request *r)
{
	static const char *const names[] = {"locationId", "email", "number", NULL};
	if (!contract_query(r, names) || !crm_allowed(r, request_query(r, "locationId")))
		return;
	const char *email = request_query(r, "email"), *phone = request_query(r, "number");
	if (!email && !phone) {
		answer_error(r, 400, "Pass at least one of number, email query parameter");
		return;
	}
	struct json_object *value = json_object_new_object();
	json_object_object_add(value, "contact", search_contact(s, r->location, email, phone));
	answer_json(r, 200, value);
}

/* The tag that a search asks for: its one filter, field tags, operator contains, value a text or a list of
 * one. NULL: another search, which the sandbox does not know. */
static const char *tag_sought(struct json_object *body)
{
	struct json_object *filters = member(body, "filters");
	if (!json_object_is_type(filters, json_type_array) || json_object_array_length(filters) != 1)
		return NULL;
	struct json_object *filter = json_object_array_get_idx(filters, 0), *value = member(filter, "value");
	if (json_object_is_type(value, json_type_array) && json_object_array_length(value) == 1)
		value = json_object_array_get_idx(value, 0);
	const char *field = member_text(filter, "field"), *operator= member_text(filter, "operator");
	bool known = field && strcmp(field, "tags") == 0 && operator&& strcmp(operator, "contains") == 0;
	return known && json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static bool has_tag(struct json_object *contact, const char *tag)
{
	struct json_object *tags = member(contact, "tags");
	for (size_t i = 0; i < json_object_array_length(tags); i++)
		if (strcasecmp(json_object_get_string(json_object_array_get_idx(tags, i)), tag) == 0)
			return true;
	return false;
}

/* What the next page is to be asked for after: when the contact was made, and its id. */
static void add_cursor(struct json_object *contact)
{
	struct json_object *cursor = json_object_new_array();
	int64_t added = 0;
	when_moment(str_of(member_text(contact, "dateAdded")), &added);
	json_object_array_add(cursor, json_object_new_int64(added));
	json_object_array_add(cursor, json_object_new_string(member_text(contact, "id")));
	json_object_object_add(contact, "searchAfter", cursor);
}

/* POST /contacts/search, by a tag; pages by searchAfter, of pageLimit contacts (20; 500 at most). */
void contact_search(struct sandbox *s, struct request *r)
{
	const char *tag = json_object_is_type(r->json, json_type_object) ? tag_sought(r->json) : NULL;
	if (!tag) {
		answer_error(
			r, 422, "the sandbox searches for one tag: filters [{field: tags, operator: contains, value}]");
		return;
	}
	if (!crm_allowed(r, member_text(r->json, "locationId")))
		return;
	struct json_object *after = member(r->json, "searchAfter"), *limit = member(r->json, "pageLimit"),
					   *value = json_object_new_object(), *list = json_object_new_array();
	bool reached = json_object_array_length(after ? after : list) != 2;
	const char *last = reached ? NULL : json_object_get_string(json_object_array_get_idx(after, 1));
	size_t room = limit ? (size_t)json_object_get_int64(limit) : 20, total = 0;
	struct contact *c;
	for (c = TAILQ_FIRST(&s->crm.contacts); c; c = TAILQ_NEXT(c, next)) {
		struct json_object *seen = c->location == r->location ? search_seen(s, c) : NULL;
		bool found = seen && has_tag(seen, tag);
		total += found;
		if (found && reached && json_object_array_length(list) < room && room <= 500) {
			add_cursor(seen);
			json_object_array_add(list, json_object_get(seen));
		}
		reached |= last && strcmp(c->id, last) == 0;
		json_object_put(seen);
	}
	json_object_object_add(value, "contacts", list);
	json_object_object_add(value, "total", json_object_new_int64((int64_t)total));
	answer_json(r, 200, value);
}
