/*
 * The seed: a JSON file, comments allowed, that says what both APIs hold at the start. It is checked as a
 * configuration is: an unknown key, a wrong type, a value that the CRM would drop, an e-mail given twice end
 * the program with status 65 and one line that names the file and the place. Loading it a second time, for
 * /_/reset, cannot fail.
 */
#include "seed.h"
#include "crm_contract.h"
#include "crm_store.h"
#include "ids.h"
#include "patientnow.h"
#include "sandbox.h"
#include "text.h"
#include "text/arena.h"
#include "text/file.h"
#include "text/jtext.h"
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

/* Where in the seed we are: crm.locations[0].contacts[2] */
struct place {
	const char *file;
	char path[256];
};

/* Ends the program: what is wrong at this place. */
static _Noreturn void wrong(const struct place *at, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static _Noreturn void wrong(const struct place *at, const char *format, ...)
{
	char what[256];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	errx(EX_DATAERR, "%s: %s: %s", at->file, *at->path ? at->path : "seed", what);
}

/* A place inside a place. */
static struct place inside(const struct place *at, const char *key, size_t i)
{
	struct place in = {.file = at->file};
	if (i == SIZE_MAX)
		snprintf(in.path, sizeof in.path, "%.200s%s%s", at->path, *at->path ? "." : "", key);
	else
		snprintf(in.path, sizeof in.path, "%.200s%s%s[%zu]", at->path, *at->path ? "." : "", key, i);
	return in;
}

/* Demands an object that has only these keys, NULL-terminated. */
static void keys_of(const struct place *at, struct json_object *object, const char *const *keys)
{
	if (!json_object_is_type(object, json_type_object))
		wrong(at, "an object is expected");
	for (struct each m = {0}; each_member(object, &m);) {
		const char *const *key = keys;
		while (*key && strcmp(*key, m.name) != 0)
			key++;
		if (!*key)
			wrong(at, "unknown key %s", m.name);
	}
}

/* A member that is text, or NULL where it is not there. */
static const char *text_at(const struct place *at, struct json_object *object, const char *key)
{
	struct json_object *value = member(object, key);
	if (value && !json_object_is_type(value, json_type_string))
		wrong(at, "%s: text is expected", key);
	return json_object_get_string(value);
}

/* A member that is text and must be there. */
static const char *text_needed(const struct place *at, struct json_object *object, const char *key)
{
	const char *text = text_at(at, object, key);
	if (!text || !*text)
		wrong(at, "%s is missing", key);
	return text;
}

/* A copy of a member's text, NULL where it is not there. */
static char *text_kept(const struct place *at, struct json_object *object, const char *key)
{
	const char *text = text_at(at, object, key);
	return text ? text_copy(text) : NULL;
}

/* A member that is a list, or NULL where it is not there. */
static struct json_object *list_at(const struct place *at, struct json_object *object, const char *key)
{
	struct json_object *value = member(object, key);
	if (value && !json_object_is_type(value, json_type_array))
		wrong(at, "%s: a list is expected", key);
	return value;
}

/* How many there are in a list, which may be NULL. */
static size_t count(struct json_object *list)
{
	return list ? json_object_array_length(list) : 0;
}

/* Text out of a list of text. */
static const char *text_in(const struct place *at, struct json_object *list, const char *key, size_t i)
{
	struct json_object *value = json_object_array_get_idx(list, i);
	struct place in = inside(at, key, i);
	if (!json_object_is_type(value, json_type_string))
		wrong(&in, "text is expected");
	return json_object_get_string(value);
}

/* A custom field: its name, or an object. */
static void load_field(
	struct sandbox *s, struct location *l, const struct place *at, struct json_object *field)
{
	static const char *const keys[] = {"id", "name", "dataType", "model", "picklistOptions", NULL};
	if (json_object_is_type(field, json_type_string)) {
		field_add(s, l, NULL, json_object_get_string(field), "TEXT", "contact", NULL);
		return;
	}
	keys_of(at, field, keys);
	const char *name = text_needed(at, field, "name"), *id = text_at(at, field, "id");
	const char *type = text_at(at, field, "dataType"), *model = text_at(at, field, "model");
	struct json_object *options = list_at(at, field, "picklistOptions");
	if (index_get(l->field_by_name, name))
		wrong(at, "field %s is there already", name);
	for (size_t i = 0; i < count(options); i++)
		text_in(at, options, "picklistOptions", i);
	field_add(s, l, id, name, type ? type : "TEXT", model ? model : "contact", json_copy(options));
}

/* A pipeline: name and stages, each a name or an object. */
static void load_pipeline(
	struct sandbox *s, struct location *l, const struct place *at, struct json_object *pipeline)
{
	static const char *const keys[] = {"id", "name", "stages", NULL};
	static const char *const stage_keys[] = {"id", "name", NULL};
	keys_of(at, pipeline, keys);
	struct json_object *stages = list_at(at, pipeline, "stages");
	if (count(stages) == 0)
		wrong(at, "stages are missing");
	for (size_t i = 0; i < count(stages); i++) {
		struct json_object *stage = json_object_array_get_idx(stages, i);
		struct place in = inside(at, "stages", i);
		if (json_object_is_type(stage, json_type_string))
			continue;
		keys_of(&in, stage, stage_keys);
		text_needed(&in, stage, "name");
	}
	pipeline_add(s, l, text_at(at, pipeline, "id"), text_needed(at, pipeline, "name"), stages);
}

/* A workflow: its name, or an object. */
static void load_workflow(
	struct sandbox *s, struct location *l, const struct place *at, struct json_object *workflow)
{
	static const char *const keys[] = {"id", "name", "status", NULL};
	if (json_object_is_type(workflow, json_type_string)) {
		workflow_add(s, l, NULL, json_object_get_string(workflow), "published");
		return;
	}
	keys_of(at, workflow, keys);
	const char *status = text_at(at, workflow, "status");
	workflow_add(
		s, l, text_at(at, workflow, "id"), text_needed(at, workflow, "name"), status ? status : "published");
}

/* A calendar: its name, or an object. */
static void load_calendar(
	struct sandbox *s, struct location *l, const struct place *at, struct json_object *calendar)
{
	static const char *const keys[] = {"id", "name", "isActive", NULL};
	struct json_object *active = NULL;
	if (json_object_is_type(calendar, json_type_string)) {
		calendar_add(s, l, NULL, json_object_get_string(calendar), true);
		return;
	}
	keys_of(at, calendar, keys);
	active = member(calendar, "isActive");
	calendar_add(s, l, text_at(at, calendar, "id"), text_needed(at, calendar, "name"),
		!active || json_object_get_boolean(active));
}

/* An opportunity of a contact. */
static void load_opportunity(
	struct sandbox *s, struct contact *c, const struct place *at, struct json_object *given)
{
	static const char *const keys[] = {
		"id", "name", "pipeline", "stage", "status", "monetaryValue", "source", "assignedTo", NULL};
	static const char *const kept[] = {"name", "source", "assignedTo"};
	char now[WHEN_TEXT];

	keys_of(at, given, keys);
	const char *pipeline_name = text_needed(at, given, "pipeline"), *stage_name = text_at(at, given, "stage");
	const char *status = text_at(at, given, "status");
	struct json_object *pipeline = pipeline_with(c->location, "name", pipeline_name);
	struct json_object *stage = stage_name ? stage_with(pipeline, "name", stage_name)
										   : json_object_array_get_idx(member(pipeline, "stages"), 0);
	struct json_object *value = member(given, "monetaryValue");
	if (!pipeline)
		wrong(at, "no pipeline %s", pipeline_name);
	if (!stage)
		wrong(at, "no stage %s in pipeline %s", stage_name, pipeline_name);
	if (value && !json_object_is_type(value, json_type_int) && !json_object_is_type(value, json_type_double))
		wrong(at, "monetaryValue: a number is expected");

	struct opportunity *o = opportunity_new(s, c, text_at(at, given, "id"));
	for (size_t i = 0; i < COUNT(kept); i++)
		member_set(o->own, kept[i], text_at(at, given, kept[i]));
	if (value)
		json_object_object_add(o->own, "monetaryValue", json_copy(value));
	when_now(now);
	member_set(o->own, "pipelineId", member_text(pipeline, "id"));
	member_set(o->own, "pipelineStageId", member_text(stage, "id"));
	member_set(o->own, "status", status ? status : "open");
	member_set(o->own, "createdAt", now);
	member_set(o->own, "updatedAt", now);
}

/* The custom fields of a contact, by name. */
static void load_values(struct contact *c, const struct place *at, struct json_object *fields)
{
	if (!json_object_is_type(fields, json_type_object))
		wrong(at, "fields: an object is expected");
	for (struct each m = {0}; each_member(fields, &m);) {
		struct json_object *field = index_get(c->location->field_by_name, m.name);
		if (!field)
			wrong(at, "fields: no custom field %s", m.name);
		const char *id = member_text(field, "id");
		contact_set_field(c, id, m.value);
		if (!member(c->fields, id))
			wrong(at, "fields: %s is no value of a field of type %s", m.name, member_text(field, "dataType"));
	}
}

/* What a contact has besides its own properties. */
static void load_attached(
	struct sandbox *s, struct contact *c, const struct place *at, struct json_object *given)
{
	struct json_object *emails = list_at(at, given, "additionalEmails"), *tags = list_at(at, given, "tags");
	struct json_object *notes = list_at(at, given, "notes"), *workflows = list_at(at, given, "workflows");
	struct json_object *opportunities = list_at(at, given, "opportunities"),
					   *fields = member(given, "fields");
	char id[ID_TEXT];

	for (size_t i = 0; i < count(emails); i++)
		contact_add_email(c, text_in(at, emails, "additionalEmails", i));
	for (size_t i = 0; i < count(tags); i++)
		json_object_array_add(c->tags, json_object_new_string(text_in(at, tags, "tags", i)));
	for (size_t i = 0; i < count(notes); i++) {
		struct json_object *note = json_object_new_object();
		member_set(note, "id", id_new(&s->ids, ID_NOTE, id));
		member_set(note, "body", text_in(at, notes, "notes", i));
		member_set(note, "dateAdded", c->added);
		member_set(note, "contactId", c->id);
		json_object_array_add(c->notes, note);
	}
	for (size_t i = 0; i < count(workflows); i++)
		json_object_array_add(c->workflows, json_object_new_string(text_in(at, workflows, "workflows", i)));
	if (fields)
		load_values(c, at, fields);
	for (size_t i = 0; i < count(opportunities); i++) {
		struct place in = inside(at, "opportunities", i);
		load_opportunity(s, c, &in, json_object_array_get_idx(opportunities, i));
	}
}

/* What the seed holds, searches see at once, whatever the lag. */
static void show_to_searches(struct sandbox *s, struct contact *c)
{
	struct opportunity *o;
	if (s->limits.search_lag_ms == 0)
		return;
	struct json_object *shown = contact_shown(c);
	contact_see(c, json_copy(shown));
	json_object_put(shown);
	for (o = TAILQ_FIRST(&c->opportunities); o; o = TAILQ_NEXT(o, next_of_contact)) {
		shown = opportunity_shown(o);
		o->seen = json_copy(shown);
		json_object_put(shown);
	}
}

/* A contact: the properties that the contract allows, and what hangs on it. */
static void load_contact(
	struct sandbox *s, struct location *l, const struct place *at, struct json_object *given)
{
	static const char *const attached[] = {
		"id", "additionalEmails", "fields", "tags", "notes", "workflows", "opportunities"};
	if (!json_object_is_type(given, json_type_object))
		wrong(at, "an object is expected");
	const char *email = text_at(at, given, "email"), *phone = text_at(at, given, "phone"),
			   *id = text_at(at, given, "id");
	if (contact_by_email(l, email))
		wrong(at, "email: another contact has it");
	if (contact_by_phone(l, phone))
		wrong(at, "phone: another contact has it");
	if (id && contact_by_id(&s->crm, id))
		wrong(at, "id: another contact has it");

	struct contact *c = contact_new(s, l, id);
	for (struct each m = {0}; each_member(given, &m);) {
		size_t i = 0;
		while (i < COUNT(attached) && strcmp(attached[i], m.name) != 0)
			i++;
		if (i < COUNT(attached))
			continue;
		const char *complaint = contract_wrong(CONTRACT_CONTACT_CREATE, m.name, m.value);
		if (complaint)
			wrong(at, "%s %s", m.name, complaint);
		contact_set(c, m.name, m.value);
	}
	load_attached(s, c, at, given);
	show_to_searches(s, c);
}

/* Loads each of a list with a function of this kind. */
typedef void load_fn(struct sandbox *s, struct location *l, const struct place *at, struct json_object *one);

/* A location. */
static void load_location(struct sandbox *s, const struct place *at, struct json_object *given)
{
	static const char *const keys[] = {"id", "token", "refresh_token", "allowDuplicateContact",
		"allowDuplicateOpportunity", "scopes", "customFields", "pipelines", "workflows", "calendars",
		"contacts", NULL};
	static const struct {
		const char *key;
		load_fn *load;
	} lists[] = {
		{"customFields", load_field},
		{"pipelines", load_pipeline},
		{"workflows", load_workflow},
		{"calendars", load_calendar},
		{"contacts", load_contact},
	};
	keys_of(at, given, keys);
	const char *id = text_needed(at, given, "id");
	const char *token = text_needed(at, given, "token"), *refresh = text_at(at, given, "refresh_token");
	if (location_by_id(&s->crm, id))
		wrong(at, "id: another location has it");
	if (index_get(s->crm.tokens, token))
		wrong(at, "token: another location has it");
	struct location *l = location_new(&s->crm, id);
	token_add(&s->crm, token, l, 0);
	if (refresh)
		index_put(s->crm.refresh_tokens, text_copy(refresh), l);
	l->one_opportunity = !json_object_get_boolean(member(given, "allowDuplicateOpportunity"));
	l->several_contacts = json_object_get_boolean(member(given, "allowDuplicateContact"));
	l->scopes = json_object_get(list_at(at, given, "scopes"));
	for (size_t i = 0; i < count(l->scopes); i++)
		text_in(at, l->scopes, "scopes", i);
	for (size_t k = 0; k < COUNT(lists); k++) {
		struct json_object *list = list_at(at, given, lists[k].key);
		for (size_t i = 0; i < count(list); i++) {
			struct place in = inside(at, lists[k].key, i);
			lists[k].load(s, l, &in, json_object_array_get_idx(list, i));
		}
	}
}

/* The agency's OAuth. */
static void load_oauth(struct sandbox *s, const struct place *at, struct json_object *given)
{
	static const char *const keys[] = {
		"client_id", "client_secret", "company_id", "token", "refresh_token", "expires_in", NULL};
	keys_of(at, given, keys);
	const char *token = text_at(at, given, "token"), *refresh = text_at(at, given, "refresh_token");
	s->crm.client_id = text_kept(at, given, "client_id");
	s->crm.client_secret = text_kept(at, given, "client_secret");
	s->crm.company_id = text_kept(at, given, "company_id");
	struct json_object *life = member(given, "expires_in");
	if (life && (!json_object_is_type(life, json_type_int) || json_object_get_int64(life) < 1))
		wrong(at, "expires_in: seconds are expected");
	if (life)
		s->crm.expires_in = (long)json_object_get_int64(life);
	if (token)
		token_add(&s->crm, token, &s->crm.company, 0);
	if (refresh)
		index_put(s->crm.refresh_tokens, text_copy(refresh), &s->crm.company);
}

/* The CRM. */
static void load_crm(struct sandbox *s, const struct place *at, struct json_object *given)
{
	static const char *const keys[] = {"oauth", "locations", NULL};
	keys_of(at, given, keys);
	struct json_object *locations = list_at(at, given, "locations"), *oauth = member(given, "oauth");
	struct place in = inside(at, "oauth", SIZE_MAX);
	if (oauth)
		load_oauth(s, &in, oauth);
	for (size_t i = 0; i < count(locations); i++) {
		in = inside(at, "locations", i);
		load_location(s, &in, json_object_array_get_idx(locations, i));
	}
}

/* PatientNow. */
static void load_patientnow(struct sandbox *s, const struct place *at, struct json_object *given)
{
	static const char *const keys[] = {"token", "practice_id", "user", "password", "apikey",
		"appointmentTypes", "patients", "appointments", "billing", "memberships", NULL};
	struct practice *p = &s->practice;
	keys_of(at, given, keys);
	p->token = text_kept(at, given, "token");
	p->practice_id = text_kept(at, given, "practice_id");
	p->user = text_kept(at, given, "user");
	p->password = text_kept(at, given, "password");
	p->apikey = text_kept(at, given, "apikey");
	struct json_object *types = list_at(at, given, "appointmentTypes");
	for (size_t i = 0; i < count(types); i++)
		json_object_array_add(p->types, json_object_new_string(text_in(at, types, "appointmentTypes", i)));
	for (enum shelf_kind kind = 0; kind < SHELVES; kind++) {
		struct json_object *list = list_at(at, given, shelf_names[kind].pro);
		for (size_t i = 0; i < count(list); i++) {
			struct json_object *one = json_object_array_get_idx(list, i);
			struct place in = inside(at, shelf_names[kind].pro, i);
			if (!json_object_is_type(one, json_type_object))
				wrong(&in, "an object is expected");
			if (!shelf_add(p, kind, json_object_get(one)))
				wrong(&in, "%s %s is there already", shelf_names[kind].id,
					member_scalar(one, shelf_names[kind].id));
		}
	}
}

/* Reads the file. */
void seed_read(struct sandbox *s)
{
	struct arena arena = {0};
	size_t n;
	if (!s->seed_file)
		return;
	char *text = file_read(&arena, s->seed_file, &n);
	if (!text)
		err(EX_NOINPUT, "%s", s->seed_file);
	if (memchr(text, '\0', n))
		errx(EX_DATAERR, "%s: a NUL byte", s->seed_file);
	file_uncomment(text, n);
	s->seed = text_copy(text);
	arena_free(&arena);
}

/* The seed as JSON; where it is none, the process ends with status 65. */
static struct json_object *parse(const struct sandbox *s)
{
	struct str text = str_of(s->seed);
	struct jtext_error error;
	if (!jtext_check(text, &error))
		errx(EX_DATAERR, "%s:%zu: no JSON: %s", s->seed_file, file_line(text, text.p + error.at), error.what);
	return json_parsed(text);
}

/* Fills the state. */
void seed_load(struct sandbox *s)
{
	static const char *const keys[] = {"patientnow", "crm", NULL};
	struct place at = {.file = s->seed_file}, in;
	if (!s->seed)
		return;
	struct json_object *seed = parse(s);
	keys_of(&at, seed, keys);
	in = inside(&at, "patientnow", SIZE_MAX);
	if (member(seed, "patientnow"))
		load_patientnow(s, &in, member(seed, "patientnow"));
	in = inside(&at, "crm", SIZE_MAX);
	if (member(seed, "crm"))
		load_crm(s, &in, member(seed, "crm"));
	json_object_put(seed);
}
