/*
 * What bodies and queries the CRM takes: the properties that the published contract (HighLevel's OpenAPI
 * description) gives each request, as tables. The live API refuses what is not in them, and so does this:
 * 422, with a line for each property that should not be there, has the wrong type, or is missing.
 */
#include "crm_contract.h"
#include "answer.h"
#include "text.h"
#include "value/when.h"
#include <stdio.h>

enum type {
	TEXT,
	TEXT_OR_NULL,
	EMAIL,
	PHONE,
	STATUS, /* of an opportunity */
	VISIT,  /* status of an appointment */
	TIME,
	MODEL, /* of a custom field */
	BOOLEAN,
	NUMBER,
	OBJECT,
	OPTIONS, /* list of a custom field's options */
	TEXTS,   /* list of text */
	FIELDS,  /* list of custom fields with their values */
};

struct property {
	const char *name;
	enum type type;
	unsigned in;       /* the contracts that have it: bits of enum contract */
	unsigned required; /* those that cannot do without */
};

#define CREATE (1u << CONTRACT_CONTACT_CREATE)
#define UPDATE (1u << CONTRACT_CONTACT_UPDATE)
#define UPSERT (1u << CONTRACT_CONTACT_UPSERT)

static const struct property contact[] = {
	{"firstName", TEXT_OR_NULL, CREATE | UPDATE | UPSERT, 0},
	{"lastName", TEXT_OR_NULL, CREATE | UPDATE | UPSERT, 0},
	{"name", TEXT_OR_NULL, CREATE | UPDATE | UPSERT, 0},
	{"email", EMAIL, CREATE | UPDATE | UPSERT, 0},
	{"locationId", TEXT, CREATE | UPSERT, CREATE | UPSERT},
	{"gender", TEXT, CREATE | UPSERT, 0},
	{"phone", PHONE, CREATE | UPDATE | UPSERT, 0},
	{"address1", TEXT_OR_NULL, CREATE | UPDATE | UPSERT, 0},
	{"city", TEXT_OR_NULL, CREATE | UPDATE | UPSERT, 0},
	{"state", TEXT_OR_NULL, CREATE | UPDATE | UPSERT, 0},
	{"postalCode", TEXT, CREATE | UPDATE | UPSERT, 0},
	{"website", TEXT_OR_NULL, CREATE | UPDATE | UPSERT, 0},
	{"timezone", TEXT_OR_NULL, CREATE | UPDATE | UPSERT, 0},
	{"dnd", BOOLEAN, CREATE | UPDATE | UPSERT, 0},
	{"dndSettings", OBJECT, CREATE | UPDATE | UPSERT, 0},
	{"inboundDndSettings", OBJECT, CREATE | UPDATE | UPSERT, 0},
	{"tags", TEXTS, CREATE | UPDATE | UPSERT, 0},
	{"customFields", FIELDS, CREATE | UPDATE | UPSERT, 0},
	{"source", TEXT_OR_NULL, CREATE | UPDATE | UPSERT, 0},
	{"dateOfBirth", TEXT_OR_NULL, CREATE | UPDATE | UPSERT, 0},
	{"country", TEXT, CREATE | UPDATE | UPSERT, 0},
	{"companyName", TEXT_OR_NULL, CREATE | UPSERT, 0},
	{"assignedTo", TEXT_OR_NULL, CREATE | UPDATE | UPSERT, 0},
	{"createNewIfDuplicateAllowed", BOOLEAN, UPSERT, 0},
};

static const struct property note[] = {
	{"userId", TEXT, ~0u, 0},
	{"body", TEXT, ~0u, ~0u},
	{"title", TEXT, ~0u, 0},
	{"color", TEXT, ~0u, 0},
	{"pinned", BOOLEAN, ~0u, 0},
};

static const struct property tags[] = {
	{"tags", TEXTS, ~0u, ~0u},
};

static const struct property enrol[] = {
	{"eventStartTime", TEXT, ~0u, 0},
};

static const struct property field[] = {
	{"name", TEXT, ~0u, ~0u},
	{"dataType", TEXT, ~0u, ~0u},
	{"placeholder", TEXT, ~0u, 0},
	{"acceptedFormat", TEXTS, ~0u, 0},
	{"isMultipleFile", BOOLEAN, ~0u, 0},
	{"maxNumberOfFiles", NUMBER, ~0u, 0},
	{"textBoxListOptions", OPTIONS, ~0u, 0},
	{"position", NUMBER, ~0u, 0},
	{"model", MODEL, ~0u, 0},
};

#undef CREATE
#undef UPDATE
#define CREATE (1u << CONTRACT_OPPORTUNITY_CREATE)
#define UPDATE (1u << CONTRACT_OPPORTUNITY_UPDATE)

static const struct property opportunity[] = {
	{"pipelineId", TEXT, CREATE | UPDATE, CREATE},
	{"locationId", TEXT, CREATE, CREATE},
	{"name", TEXT, CREATE | UPDATE, CREATE},
	{"pipelineStageId", TEXT, CREATE | UPDATE, 0},
	{"status", STATUS, CREATE | UPDATE, CREATE},
	{"contactId", TEXT, CREATE, CREATE},
	{"monetaryValue", NUMBER, CREATE | UPDATE, 0},
	{"assignedTo", TEXT_OR_NULL, CREATE | UPDATE, 0},
	{"customFields", FIELDS, CREATE | UPDATE, 0},
};

static const struct property opportunity_status_only[] = {
	{"status", STATUS, ~0u, ~0u},
	{"lostReasonId", TEXT, ~0u, 0},
};

#undef CREATE
#undef UPDATE
#define CREATE (1u << CONTRACT_APPOINTMENT_CREATE)
#define UPDATE (1u << CONTRACT_APPOINTMENT_UPDATE)

static const struct property appointment[] = {
	{"title", TEXT, CREATE | UPDATE, 0},
	{"meetingLocationType", TEXT, CREATE | UPDATE, 0},
	{"meetingLocationId", TEXT, CREATE | UPDATE, 0},
	{"overrideLocationConfig", BOOLEAN, CREATE | UPDATE, 0},
	{"appointmentStatus", VISIT, CREATE | UPDATE, 0},
	{"assignedUserId", TEXT, CREATE | UPDATE, 0},
	{"description", TEXT, CREATE | UPDATE, 0},
	{"address", TEXT, CREATE | UPDATE, 0},
	{"ignoreDateRange", BOOLEAN, CREATE | UPDATE, 0},
	{"toNotify", BOOLEAN, CREATE | UPDATE, 0},
	{"ignoreFreeSlotValidation", BOOLEAN, CREATE | UPDATE, 0},
	{"rrule", TEXT, CREATE | UPDATE, 0},
	{"calendarId", TEXT, CREATE | UPDATE, CREATE},
	{"locationId", TEXT, CREATE, CREATE},
	{"contactId", TEXT, CREATE, CREATE},
	{"startTime", TIME, CREATE | UPDATE, CREATE},
	{"endTime", TIME, CREATE | UPDATE, 0},
};

static const struct property block[] = {
	{"title", TEXT, ~0u, 0},
	{"calendarId", TEXT, ~0u, ~0u},
	{"locationId", TEXT, ~0u, ~0u},
	{"startTime", TIME, ~0u, 0},
	{"endTime", TIME, ~0u, 0},
};

static const struct {
	const struct property *properties;
	size_t n;
} contracts[] = {
	[CONTRACT_CONTACT_CREATE] = {contact, COUNT(contact)},
	[CONTRACT_CONTACT_UPDATE] = {contact, COUNT(contact)},
	[CONTRACT_CONTACT_UPSERT] = {contact, COUNT(contact)},
	[CONTRACT_NOTE] = {note, COUNT(note)},
	[CONTRACT_TAGS] = {tags, COUNT(tags)},
	[CONTRACT_ENROL] = {enrol, COUNT(enrol)},
	[CONTRACT_FIELD] = {field, COUNT(field)},
	[CONTRACT_OPPORTUNITY_CREATE] = {opportunity, COUNT(opportunity)},
	[CONTRACT_OPPORTUNITY_UPDATE] = {opportunity, COUNT(opportunity)},
	[CONTRACT_OPPORTUNITY_STATUS] = {opportunity_status_only, COUNT(opportunity_status_only)},
	[CONTRACT_APPOINTMENT_CREATE] = {appointment, COUNT(appointment)},
	[CONTRACT_APPOINTMENT_UPDATE] = {appointment, COUNT(appointment)},
	[CONTRACT_BLOCK] = {block, COUNT(block)},
	[CONTRACT_NOTHING] = {NULL, 0},
};

/* Adds a complaint to the list. */
static void complain(struct json_object *list, const char *before, const char *name, const char *after)
{
	char text[256];
	snprintf(text, sizeof text, "%s%s %s", before, name, after);
	json_object_array_add(list, json_object_new_string(text));
}

/* Whether a value is one of the words. */
static bool is_word(struct json_object *value, const char *const *words)
{
	if (!json_object_is_type(value, json_type_string))
		return false;
	for (; *words; words++)
		if (strcmp(*words, json_object_get_string(value)) == 0)
			return true;
	return false;
}

/* Whether a value is text that can be an e-mail address; null and "" take the address away. */
static bool is_email(struct json_object *value)
{
	if (!value)
		return true;
	if (!json_object_is_type(value, json_type_string))
		return false;
	const char *text = json_object_get_string(value), *at = strchr(text, '@');
	return !*text || (at && at != text && strchr(at, '.') && at[1] != '.' && !strpbrk(text, " \t\r\n,;<>"));
}

/* Whether a value is text that can be a phone number; null and "" take the number away. */
static bool is_phone(struct json_object *value)
{
	const char *text = value ? json_object_get_string(value) : "";
	return !value ||
		   (json_object_is_type(value, json_type_string) && (!*text || strpbrk(text, "0123456789")));
}

/* Whether a value is text that says a moment. */
static bool is_time(struct json_object *value)
{
	int64_t ms;
	return json_object_is_type(value, json_type_string) &&
		   when_moment(str_of(json_object_get_string(value)), &ms);
}

/* Whether a value is a list of text. */
static bool is_texts(struct json_object *value)
{
	if (!json_object_is_type(value, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(value); i++)
		if (!json_object_is_type(json_object_array_get_idx(value, i), json_type_string))
			return false;
	return true;
}

/* Whether a value is a list of {"label":…,"prefillValue":…}. */
static bool is_options(struct json_object *value)
{
	if (!json_object_is_type(value, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		struct json_object *option = json_object_array_get_idx(value, i);
		if (!member_text(option, "label"))
			return false;
		for (struct each m = {0}; each_member(option, &m);)
			if ((strcmp(m.name, "label") != 0 && strcmp(m.name, "prefillValue") != 0) ||
				!json_object_is_type(m.value, json_type_string))
				return false;
	}
	return true;
}

/* Checks one custom field with its value: text, a list of text or an object, as the contract has it. */
static void check_field(struct json_object *list, const char *before, struct json_object *field_value)
{
	if (!json_object_is_type(field_value, json_type_object)) {
		complain(list, before, "field", "must be an object");
		return;
	}
	for (struct each m = {0}; each_member(field_value, &m);) {
		if (strcmp(m.name, "id") == 0 || strcmp(m.name, "key") == 0) {
			if (!json_object_is_type(m.value, json_type_string))
				complain(list, before, m.name, "must be a string");
		} else if (strcmp(m.name, "field_value") == 0) {
			if (!json_object_is_type(m.value, json_type_string) &&
				!json_object_is_type(m.value, json_type_object) && !is_texts(m.value))
				complain(list, before, m.name, "must be a string");
		} else {
			complain(list, before, m.name, "should not exist");
		}
	}
	if (!member(field_value, "id"))
		complain(list, before, "id", "must be a string");
}

/* Checks the custom fields. */
static void check_fields(struct json_object *list, const char *name, struct json_object *value)
{
	char before[64];
	if (!json_object_is_type(value, json_type_array)) {
		complain(list, "", name, "must be an array");
		return;
	}
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		snprintf(before, sizeof before, "%s.%zu.", name, i);
		check_field(list, before, json_object_array_get_idx(value, i));
	}
}

/* What is wrong with a value of this type; NULL if nothing is. */
static const char *wrong(enum type type, struct json_object *value)
{
	static const char *const statuses[] = {"open", "won", "lost", "abandoned", NULL};
	static const char *const visits[] = {
		"new", "confirmed", "cancelled", "showed", "noshow", "invalid", NULL};
	static const char *const models[] = {"contact", "opportunity", NULL};
	enum json_type is = json_object_get_type(value);

	switch (type) {
	case TEXT:
		return is == json_type_string ? NULL : "must be a string";
	case TEXT_OR_NULL:
		return is == json_type_string || is == json_type_null ? NULL : "must be a string";
	case EMAIL:
		return is_email(value) ? NULL : "must be an email";
	case PHONE:
		return is_phone(value) ? NULL : "must be a valid phone number";
	case STATUS:
		return is_word(value, statuses) ? NULL
										: "must be one of the following values: open, won, lost, abandoned";
	case VISIT:
		return is_word(value, visits) ? NULL
									  : "must be one of the following values: new, confirmed, cancelled, "
										"showed, noshow, invalid";
	case TIME:
		return is_time(value) ? NULL : "must be a valid ISO 8601 date string";
	case MODEL:
		return is_word(value, models) ? NULL : "must be one of the following values: contact, opportunity";
	case BOOLEAN:
		return is == json_type_boolean ? NULL : "must be a boolean value";
	case NUMBER:
		return is == json_type_int || is == json_type_double
				   ? NULL
				   : "must be a number conforming to the specified constraints";
	case OBJECT:
		return is == json_type_object ? NULL : "must be an object";
	case OPTIONS:
		return is_options(value) ? NULL : "must be an array of options, each with a label";
	case TEXTS:
		return is_texts(value) ? NULL : "each value in it must be a string";
	case FIELDS:
		break;
	}
	return NULL;
}

/* The property of a contract with this name, or NULL. */
static const struct property *property_named(enum contract contract, const char *name)
{
	for (size_t i = 0; i < contracts[contract].n; i++) {
		const struct property *p = &contracts[contract].properties[i];
		if ((p->in & 1u << contract) && strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

/* What is wrong with one property. */
const char *contract_wrong(enum contract contract, const char *name, struct json_object *value)
{
	const struct property *p = property_named(contract, name);
	return p ? wrong(p->type, value) : "should not exist";
}

/* All complaints about a body. */
static struct json_object *complaints(enum contract contract, struct json_object *body)
{
	struct json_object *list = json_object_new_array();
	for (struct each m = {0}; each_member(body, &m);) {
		const struct property *p = property_named(contract, m.name);
		const char *what = p ? wrong(p->type, m.value) : NULL;
		if (!p)
			complain(list, "property ", m.name, "should not exist");
		else if (p->type == FIELDS)
			check_fields(list, m.name, m.value);
		else if (what)
			complain(list, "", m.name, what);
	}
	for (size_t i = 0; i < contracts[contract].n; i++) {
		const struct property *p = &contracts[contract].properties[i];
		struct json_object *given = member(body, p->name);
		if ((p->required & 1u << contract) &&
			(!given || (p->type == TEXT && !*json_object_get_string(given))))
			complain(list, "", p->name, "should not be empty");
	}
	return list;
}

/* Answers 422 with the complaints, if there are any; true if there are none. */
static bool answer_complaints(struct request *r, struct json_object *list)
{
	if (json_object_array_length(list) == 0) {
		json_object_put(list);
		return true;
	}
	struct json_object *value = json_object_new_object();
	json_object_object_add(value, "statusCode", json_object_new_int(422));
	json_object_object_add(value, "message", list);
	member_set(value, "error", "Unprocessable Entity");
	answer_json(r, 422, value);
	return false;
}

/* Whether the body keeps to the contract. */
bool contract_body(struct request *r, enum contract contract)
{
	if (r->not_json || !json_object_is_type(r->json, json_type_object)) {
		answer_error(r, 400, r->body.n ? "the body is no JSON object" : "a JSON body is required");
		return false;
	}
	return answer_complaints(r, complaints(contract, r->json));
}

struct query_check {
	const char *const *names;
	struct json_object *list;
};

/* Complains of a parameter that is not among the names. */
static enum MHD_Result check_parameter(
	void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	const struct query_check *check = cls;
	(void)kind;
	(void)value;
	for (const char *const *n = check->names; *n; n++)
		if (strcmp(*n, name) == 0)
			return MHD_YES;
	complain(check->list, "property ", name, "should not exist");
	return MHD_YES;
}

/* Whether the query has only these parameters, and the first of them. */
bool contract_query(struct request *r, const char *const *names)
{
	struct query_check check = {names, json_object_new_array()};
	const char *first = request_query(r, names[0]);
	MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, check_parameter, &check);
	if (!first || !*first)
		complain(check.list, "", names[0], "should not be empty");
	return answer_complaints(r, check.list);
}
