/*
 * The CRM's memory: locations with their fields, pipelines and workflows, and the contacts and opportunities
 * in them. Contacts are found by id, e-mail and phone through hash tables, so that 100,000 of them cost no
 * more than ten. What is kept is JSON in the API's own words; only what connects one thing to another is C.
 */
#include "crm_store.h"
#include "crm_search.h"
#include "ids.h"
#include "sandbox.h"
#include "text.h"
#include "text/waits.h"
#include <ctype.h>
#include <stdlib.h>

/* Zeroed memory. */
static void *zeroed(size_t n)
{
	void *p = allocated(calloc(1, n));
	return p;
}

/* An empty CRM. */
void store_open(struct crm *crm)
{
	*crm = (struct crm){.expires_in = 86399};
	TAILQ_INIT(&crm->locations);
	TAILQ_INIT(&crm->contacts);
	TAILQ_INIT(&crm->opportunities);
	STAILQ_INIT(&crm->unseen);
	STAILQ_INIT(&crm->accesses);
	crm->contact_by_id = index_new();
	crm->opportunity_by_id = index_new();
	crm->tokens = index_new();
	crm->refresh_tokens = index_new();
}

/* Frees a location. */
static void location_free(struct location *l)
{
	json_object_put(l->fields);
	json_object_put(l->pipelines);
	json_object_put(l->workflows);
	json_object_put(l->calendars);
	json_object_put(l->entries);
	json_object_put(l->scopes);
	lh_table_free(l->field_by_id);
	lh_table_free(l->field_by_name);
	lh_table_free(l->by_email);
	lh_table_free(l->by_phone);
	lh_table_free(l->seen_email);
	lh_table_free(l->seen_phone);
	free(l->id);
	free(l);
}

/* Forgets everything. */
void store_close(struct crm *crm)
{
	struct location *l;
	struct contact *c;
	while ((c = TAILQ_FIRST(&crm->contacts)))
		contact_delete(crm, c);
	while ((l = TAILQ_FIRST(&crm->locations))) {
		TAILQ_REMOVE(&crm->locations, l, next);
		location_free(l);
	}
	lh_table_free(crm->contact_by_id);
	lh_table_free(crm->opportunity_by_id);
	struct access *access;
	while ((access = STAILQ_FIRST(&crm->accesses))) {
		STAILQ_REMOVE_HEAD(&crm->accesses, next);
		free(access);
	}
	lh_table_free(crm->tokens);
	lh_table_free(crm->refresh_tokens);
	free(crm->client_id);
	free(crm->client_secret);
	free(crm->company_id);
}

void token_add(struct crm *crm, const char *token, struct location *l, long life)
{
	struct access *access = zeroed(sizeof *access);
	access->location = l;
	access->expires = life ? waits_now() + life * 1000 : 0;
	STAILQ_INSERT_TAIL(&crm->accesses, access, next);
	index_put(crm->tokens, text_copy(token), access);
}

struct location *token_location(struct crm *crm, const char *token)
{
	struct access *access = index_get(crm->tokens, token);
	return access && (!access->expires || waits_now() < access->expires) ? access->location : NULL;
}

/* A new location without anything in it. */
struct location *location_new(struct crm *crm, const char *id)
{
	struct location *l = zeroed(sizeof *l);
	l->id = text_copy(id);
	l->fields = json_object_new_array();
	l->pipelines = json_object_new_array();
	l->workflows = json_object_new_array();
	l->calendars = json_object_new_array();
	l->entries = json_object_new_array();
	l->field_by_id = index_new();
	l->field_by_name = index_new();
	l->by_email = index_new();
	l->by_phone = index_new();
	l->seen_email = index_new();
	l->seen_phone = index_new();
	TAILQ_INSERT_TAIL(&crm->locations, l, next);
	return l;
}

/* The location with this id, or NULL. */
struct location *location_by_id(struct crm *crm, const char *id)
{
	struct location *l;
	for (l = TAILQ_FIRST(&crm->locations); l; l = TAILQ_NEXT(l, next))
		if (id && strcmp(l->id, id) == 0)
			return l;
	return NULL;
}

/* A new contact without any property; id NULL: one is made. */
struct contact *contact_new(struct sandbox *s, struct location *l, const char *id)
{
	char made[ID_TEXT];
	struct contact *c = zeroed(sizeof *c);
	c->location = l;
	c->id = text_copy(id ? id : id_new(&s->ids, ID_CONTACT, made));
	c->own = json_object_new_object();
	c->fields = json_object_new_object();
	c->tags = json_object_new_array_ext(1);
	c->more_emails = json_object_new_array_ext(1);
	c->notes = json_object_new_array_ext(1);
	c->workflows = json_object_new_array_ext(1);
	TAILQ_INIT(&c->opportunities);
	when_now(c->added);
	memcpy(c->updated, c->added, sizeof c->updated);
	TAILQ_INSERT_TAIL(&s->crm.contacts, c, next);
	index_put(s->crm.contact_by_id, text_copy(c->id), c);
	return c;
}

/* The tables that lead from an e-mail or a phone to a contact, and what of it is compared. */
static const struct {
	const char *property;
	char *(*key)(const char *text);
	size_t table, seen; /* where in struct location */
} keys[] = {
	{"email", text_lower, offsetof(struct location, by_email), offsetof(struct location, seen_email)},
	{"phone", text_digits, offsetof(struct location, by_phone), offsetof(struct location, seen_phone)},
};

/* A table of a location by its place. */
static struct lh_table *table_at(struct location *l, size_t place)
{
	return *(struct lh_table **)(void *)((char *)l + place);
}

/* Takes a value out of an index. */
static void unindex(size_t key, struct lh_table *table, const char *text, const struct contact *c)
{
	char *k = text ? keys[key].key(text) : NULL;
	index_drop(table, k, c);
	free(k);
}

/* Puts a value into an index, unless it leads to a contact already: the first one is found. */
static void reindex(size_t key, struct lh_table *table, const char *text, const struct contact *c)
{
	char *k = text ? keys[key].key(text) : NULL;
	if (k && !index_get(table, k))
		index_put(table, k, c);
	else
		free(k);
}

/* Moves what searches see of a contact to another state of it (NULL: none); takes the reference over. */
void contact_see(struct contact *c, struct json_object *shown)
{
	for (size_t i = 0; i < COUNT(keys); i++) {
		struct lh_table *seen = table_at(c->location, keys[i].seen);
		unindex(i, seen, member_text(c->seen, keys[i].property), c);
		reindex(i, seen, member_text(shown, keys[i].property), c);
	}
	json_object_put(c->seen);
	c->seen = shown;
}

/* Forgets a contact and its opportunities. */
void contact_delete(struct crm *crm, struct contact *c)
{
	struct opportunity *o;
	while ((o = TAILQ_FIRST(&c->opportunities)))
		opportunity_delete(crm, o);
	contact_see(c, NULL);
	for (size_t i = 0; i < COUNT(keys); i++)
		unindex(i, table_at(c->location, keys[i].table), contact_text(c, keys[i].property), c);
	for (size_t i = 0; i < json_object_array_length(c->more_emails); i++)
		unindex(0, c->location->by_email,
			json_object_get_string(json_object_array_get_idx(c->more_emails, i)), c);
	TAILQ_REMOVE(&crm->contacts, c, next);
	index_drop(crm->contact_by_id, c->id, c);
	json_object_put(c->own);
	json_object_put(c->fields);
	json_object_put(c->tags);
	json_object_put(c->more_emails);
	json_object_put(c->notes);
	json_object_put(c->workflows);
	free(c->id);
	free(c);
}

/* The contact with this id, or NULL. */
struct contact *contact_by_id(struct crm *crm, const char *id)
{
	return index_get(crm->contact_by_id, id);
}

/* The contact in a table under what a text comes down to. */
static struct contact *contact_under(size_t key, struct lh_table *table, const char *text)
{
	char *k = text ? keys[key].key(text) : NULL;
	struct contact *c = index_get(table, k);
	free(k);
	return c;
}

/* The contact with this e-mail, first or further. */
struct contact *contact_by_email(struct location *l, const char *email)
{
	return contact_under(0, l->by_email, email);
}

/* The contact with this phone. */
struct contact *contact_by_phone(struct location *l, const char *phone)
{
	return contact_under(1, l->by_phone, phone);
}

/* The contact that searches find: e-mail first. */
struct contact *contact_seen(struct location *l, const char *email, const char *phone)
{
	struct contact *c = contact_under(0, l->seen_email, email);
	return c ? c : contact_under(1, l->seen_phone, phone);
}

/* The text of a property. */
const char *contact_text(const struct contact *c, const char *name)
{
	return member_text(c->own, name);
}

/* Takes an e-mail out of the contact's further ones. */
static void forget_further(struct contact *c, const char *email)
{
	size_t n = json_object_array_length(c->more_emails);
	for (size_t i = 0; i < n; i++) {
		const char *further = json_object_get_string(json_object_array_get_idx(c->more_emails, i));
		if (strcasecmp(further, email) == 0) {
			json_object_array_del_idx(c->more_emails, i, 1);
			return;
		}
	}
}

/* Sets a property. A further e-mail that becomes the first is no further one any more, and the first is lost.
 */
void contact_set(struct contact *c, const char *name, struct json_object *value)
{
	const char *text = json_object_get_string(value);
	bool empty = !value || !*text;

	for (size_t i = 0; i < COUNT(keys); i++) {
		if (strcmp(keys[i].property, name) != 0)
			continue;
		struct lh_table *table = table_at(c->location, keys[i].table);
		unindex(i, table, contact_text(c, name), c);
		if (!empty && i == 0)
			forget_further(c, text);
		if (!empty)
			reindex(i, table, text, c);
	}
	if (empty)
		json_object_object_del(c->own, name);
	else
		json_object_object_add(c->own, name, json_copy(value));
}

/* Adds a further e-mail: there is no call for it, only the seed. */
void contact_add_email(struct contact *c, const char *email)
{
	json_object_array_add(c->more_emails, json_object_new_string(email));
	reindex(0, c->location->by_email, email, c);
}

/* Whether a value starts with a date: 2026-12-01. */
static bool is_date(const char *text)
{
	static const char shape[] = "dddd-dd-dd";
	size_t i;
	for (i = 0; shape[i]; i++)
		if (shape[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != shape[i])
			return false;
	int month = atoi(text + 5), day = atoi(text + 8);
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 && strchr("T ", text[i]);
}

/* Whether a value is a number. */
static bool is_number(const char *text)
{
	char *end;
	if (!isdigit((unsigned char)*text) && !strchr("-+.", *text))
		return false;
	strtod(text, &end);
	return end != text && !*end;
}

/* Whether a value is one of the field's options; anything is, where it has none. */
static bool is_option(struct json_object *field, struct json_object *value)
{
	struct json_object *options = member(field, "picklistOptions");
	size_t n = options ? json_object_array_length(options) : 0;
	for (size_t i = 0; i < n; i++)
		if (json_object_equal(json_object_array_get_idx(options, i), value))
			return true;
	return n == 0;
}

/* Whether a value fits a field; the CRM says nothing of those that do not, and forgets them. */
static bool fits(struct json_object *field, struct json_object *value)
{
	const char *type = member_text(field, "dataType"), *text = json_object_get_string(value);
	if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++)
			if (!is_option(field, json_object_array_get_idx(value, i)))
				return false;
		return strcmp(type, "MULTIPLE_OPTIONS") == 0 || strcmp(type, "CHECKBOX") == 0;
	}
	if (strcmp(type, "DATE") == 0)
		return is_date(text);
	if (strcmp(type, "NUMERICAL") == 0 || strcmp(type, "MONETORY") == 0)
		return is_number(text);
	if (strcmp(type, "SINGLE_OPTIONS") == 0 || strcmp(type, "RADIO") == 0)
		return is_option(field, value);
	return true;
}

/* Sets a custom field; an empty value takes it away. */
void contact_set_field(struct contact *c, const char *field_id, struct json_object *value)
{
	struct json_object *field = index_get(c->location->field_by_id, field_id);
	if (!field || !value)
		return;
	if (json_object_is_type(value, json_type_string) && json_object_get_string_len(value) == 0)
		json_object_object_del(c->fields, field_id);
	else if (fits(field, value))
		json_object_object_add(c->fields, field_id, json_copy(value));
}

/* First and last name as one. */
static struct json_object *full_name(const struct contact *c)
{
	const char *first = contact_text(c, "firstName"), *last = contact_text(c, "lastName");
	struct buf name = {0};
	if (!first && !last)
		return NULL;
	buf_puts(&name, first ? first : "");
	if (first && last)
		buf_putc(&name, ' ');
	buf_puts(&name, last ? last : "");
	struct json_object *value = json_object_new_string_len(name.p, (int)name.n);
	buf_free(&name);
	return value;
}

/* The custom fields as the API shows them. */
static struct json_object *fields_shown(const struct contact *c)
{
	struct json_object *list = json_object_new_array();
	for (struct each m = {0}; each_member(c->fields, &m);) {
		struct json_object *one = json_object_new_object();
		member_set(one, "id", m.name);
		json_object_object_add(one, "value", json_object_get(m.value));
		json_object_array_add(list, one);
	}
	return list;
}

/* The contact as the API shows it. */
struct json_object *contact_shown(const struct contact *c)
{
	struct json_object *shown = json_object_new_object(), *name = full_name(c);
	size_t further = json_object_array_length(c->more_emails);

	member_set(shown, "id", c->id);
	member_set(shown, "locationId", c->location->id);
	if (name)
		json_object_object_add(shown, "name", name);
	for (struct each m = {0}; each_member(c->own, &m);)
		json_object_object_add(shown, m.name, json_object_get(m.value));
	if (further > 0) {
		struct json_object *list = json_object_new_array();
		for (size_t i = 0; i < further; i++) {
			struct json_object *one = json_object_new_object();
			json_object_object_add(
				one, "email", json_object_get(json_object_array_get_idx(c->more_emails, i)));
			json_object_array_add(list, one);
		}
		json_object_object_add(shown, "additionalEmails", list);
	}
	member_set(shown, "type", "lead");
	json_object_object_add(shown, "tags", json_object_get(c->tags));
	json_object_object_add(shown, "customFields", fields_shown(c));
	member_set(shown, "dateAdded", c->added);
	member_set(shown, "dateUpdated", c->updated);
	return shown;
}

/* A new opportunity with the members that tie it to its contact. */
struct opportunity *opportunity_new(struct sandbox *s, struct contact *c, const char *id)
{
	char made[ID_TEXT];
	struct opportunity *o = zeroed(sizeof *o);
	o->contact = c;
	o->own = json_object_new_object();
	member_set(o->own, "id", id ? id : id_new(&s->ids, ID_OPPORTUNITY, made));
	o->id = member_text(o->own, "id");
	member_set(o->own, "contactId", c->id);
	member_set(o->own, "locationId", c->location->id);
	TAILQ_INSERT_TAIL(&s->crm.opportunities, o, next);
	TAILQ_INSERT_TAIL(&c->opportunities, o, next_of_contact);
	index_put(s->crm.opportunity_by_id, text_copy(o->id), o);
	return o;
}

/* Forgets an opportunity. */
void opportunity_delete(struct crm *crm, struct opportunity *o)
{
	TAILQ_REMOVE(&crm->opportunities, o, next);
	TAILQ_REMOVE(&o->contact->opportunities, o, next_of_contact);
	index_drop(crm->opportunity_by_id, o->id, o);
	json_object_put(o->own);
	json_object_put(o->seen);
	free(o);
}

/* The opportunity with this id, or NULL. */
struct opportunity *opportunity_by_id(struct crm *crm, const char *id)
{
	return index_get(crm->opportunity_by_id, id);
}

/* The opportunity as the API shows it, with a little of its contact. */
struct json_object *opportunity_shown(const struct opportunity *o)
{
	static const char *const shown_of_contact[] = {"email", "phone", "companyName"};
	struct json_object *shown = json_object_new_object(), *contact = json_object_new_object();
	struct json_object *name = full_name(o->contact);

	for (struct each m = {0}; each_member(o->own, &m);)
		json_object_object_add(shown, m.name, json_object_get(m.value));
	member_set(contact, "id", o->contact->id);
	if (name)
		json_object_object_add(contact, "name", name);
	for (size_t i = 0; i < COUNT(shown_of_contact); i++)
		member_set(contact, shown_of_contact[i], contact_text(o->contact, shown_of_contact[i]));
	json_object_object_add(contact, "tags", json_object_get(o->contact->tags));
	json_object_object_add(shown, "contact", contact);
	return shown;
}

/* The object in an array that has this text at this member. */
static struct json_object *one_with(struct json_object *array, const char *name, const char *text)
{
	size_t n = array ? json_object_array_length(array) : 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *one = json_object_array_get_idx(array, i);
		const char *is = member_text(one, name);
		if (is && text && strcmp(is, text) == 0)
			return one;
	}
	return NULL;
}

/* A pipeline of a location. */
struct json_object *pipeline_with(const struct location *l, const char *name, const char *text)
{
	return one_with(l->pipelines, name, text);
}

/* A stage of a pipeline. */
struct json_object *stage_with(struct json_object *pipeline, const char *name, const char *text)
{
	return one_with(member(pipeline, "stages"), name, text);
}

/* A workflow of a location. */
struct json_object *workflow_with(const struct location *l, const char *name, const char *text)
{
	return one_with(l->workflows, name, text);
}

/* A calendar of a location. */
struct json_object *calendar_with(const struct location *l, const char *name, const char *text)
{
	return one_with(l->calendars, name, text);
}

/* contact.pnow_id for PNOW ID: the key that the CRM makes of a field's name. */
static struct json_object *field_key(const char *model, const char *name)
{
	struct buf key = {0};
	buf_printf(&key, "%s.", model);
	for (const char *p = name; *p; p++)
		buf_putc(&key, isalnum((unsigned char)*p) ? (char)tolower((unsigned char)*p) : '_');
	struct json_object *value = json_object_new_string_len(key.p, (int)key.n);
	buf_free(&key);
	return value;
}

/* Adds a custom field; takes the options over. */
struct json_object *field_add(struct sandbox *s, struct location *l, const char *id, const char *name,
	const char *type, const char *model, struct json_object *options)
{
	char made[ID_TEXT];
	struct json_object *field = json_object_new_object();
	member_set(field, "id", id ? id : id_new(&s->ids, ID_FIELD, made));
	member_set(field, "name", name);
	member_set(field, "model", model);
	json_object_object_add(field, "fieldKey", field_key(model, name));
	member_set(field, "placeholder", "");
	member_set(field, "dataType", type);
	json_object_object_add(
		field, "position", json_object_new_int((int)(json_object_array_length(l->fields) + 1) * 50));
	if (options)
		json_object_object_add(field, "picklistOptions", options);
	member_set(field, "locationId", l->id);
	json_object_array_add(l->fields, field);
	index_put(l->field_by_id, text_copy(member_text(field, "id")), field);
	index_put(l->field_by_name, text_copy(name), field);
	return field;
}

/* Adds a pipeline; stages is an array of names, or of objects with name and id. */
void pipeline_add(
	struct sandbox *s, struct location *l, const char *id, const char *name, struct json_object *stages)
{
	char made[ID_TEXT];
	struct json_object *pipeline = json_object_new_object(), *list = json_object_new_array();
	member_set(pipeline, "id", id ? id : id_new(&s->ids, ID_PIPELINE, made));
	member_set(pipeline, "name", name);
	for (size_t i = 0; i < json_object_array_length(stages); i++) {
		struct json_object *given = json_object_array_get_idx(stages, i), *stage = json_object_new_object();
		const char *given_id = member_text(given, "id"), *given_name = member_text(given, "name");
		member_set(stage, "id", given_id ? given_id : id_new(&s->ids, ID_STAGE, made));
		member_set(stage, "name", given_name ? given_name : json_object_get_string(given));
		json_object_object_add(stage, "position", json_object_new_int((int)i));
		json_object_array_add(list, stage);
	}
	json_object_object_add(pipeline, "stages", list);
	json_object_object_add(pipeline, "showInFunnel", json_object_new_boolean(1));
	json_object_object_add(pipeline, "showInPieChart", json_object_new_boolean(1));
	member_set(pipeline, "locationId", l->id);
	json_object_array_add(l->pipelines, pipeline);
}

/* Adds a workflow. */
void workflow_add(struct sandbox *s, struct location *l, const char *id, const char *name, const char *status)
{
	char made[ID_TEXT], now[WHEN_TEXT];
	struct json_object *workflow = json_object_new_object();
	when_now(now);
	member_set(workflow, "id", id ? id : id_new(&s->ids, ID_WORKFLOW, made));
	member_set(workflow, "name", name);
	member_set(workflow, "status", status);
	json_object_object_add(workflow, "version", json_object_new_int(1));
	member_set(workflow, "createdAt", now);
	member_set(workflow, "updatedAt", now);
	member_set(workflow, "locationId", l->id);
	json_object_array_add(l->workflows, workflow);
}

/* Adds a calendar. */
void calendar_add(struct sandbox *s, struct location *l, const char *id, const char *name, bool active)
{
	char made[ID_TEXT];
	struct json_object *calendar = json_object_new_object();
	member_set(calendar, "id", id ? id : id_new(&s->ids, ID_CALENDAR, made));
	member_set(calendar, "name", name);
	member_set(calendar, "locationId", l->id);
	member_set(calendar, "calendarType", "event");
	json_object_object_add(calendar, "isActive", json_object_new_boolean(active));
	json_object_object_add(calendar, "slotDuration", json_object_new_int(30));
	json_object_array_add(l->calendars, calendar);
}
