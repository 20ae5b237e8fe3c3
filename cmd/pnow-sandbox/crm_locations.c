/*
 * What a location has that contacts refer to: custom fields, pipelines with their stages, workflows. Only
 * custom fields can be made through the API; the rest comes from the seed, as in the CRM it comes from its
 * pages.
 */
#include "answer.h"
#include "crm.h"
#include "crm_contract.h"
#include "crm_store.h"
#include "route.h"
#include "text.h"

/* GET /locations/{id}: what is asked to see whether a token works, and what the location allows. */
void location_get(struct sandbox *s, struct request *r)
{
	(void)s;
	if (!crm_allowed(r, r->arg[0]))
		return;
	struct json_object *value = json_object_new_object(), *location = json_object_new_object(),
					   *settings = json_object_new_object();
	member_set(location, "id", r->location->id);
	member_set(location, "name", "Sandbox");
	json_object_object_add(
		settings, "allowDuplicateContact", json_object_new_boolean(r->location->several_contacts));
	json_object_object_add(
		settings, "allowDuplicateOpportunity", json_object_new_boolean(!r->location->one_opportunity));
	json_object_object_add(location, "settings", settings);
	json_object_object_add(value, "location", location);
	answer_json(r, 200, value);
}

/* GET /locations/{id}/customFields?model=contact|opportunity|all */
void fields_get(struct sandbox *s, struct request *r)
{
	(void)s;
	if (!crm_allowed(r, r->arg[0]))
		return;
	const char *model = request_query(r, "model");
	struct json_object *value = json_object_new_object(), *list = json_object_new_array();
	for (size_t i = 0; i < json_object_array_length(r->location->fields); i++) {
		struct json_object *field = json_object_array_get_idx(r->location->fields, i);
		if (!model || strcmp(model, "all") == 0 || strcmp(model, member_text(field, "model")) == 0)
			json_object_array_add(list, json_object_get(field));
	}
	json_object_object_add(value, "customFields", list);
	answer_json(r, 200, value);
}

/* The labels of options as picklistOptions shows them; NULL where there are none. */
static struct json_object *option_labels(struct json_object *options)
{
	struct json_object *labels = options ? json_object_new_array() : NULL;
	for (size_t i = 0; options && i < json_object_array_length(options); i++)
		json_object_array_add(
			labels, json_object_get(member(json_object_array_get_idx(options, i), "label")));
	return labels;
}

/* POST /locations/{id}/customFields */
void fields_create(struct sandbox *s, struct request *r)
{
	if (!crm_allowed(r, r->arg[0]) || !contract_body(r, CONTRACT_FIELD))
		return;
	const char *name = member_text(r->json, "name"), *model = member_text(r->json, "model");
	if (index_get(r->location->field_by_name, name)) {
		answer_error(r, 400, "A custom field named %s already exists", name);
		return;
	}
	struct json_object *field = field_add(s, r->location, NULL, name, member_text(r->json, "dataType"),
		model ? model : "contact", option_labels(member(r->json, "textBoxListOptions")));
	struct json_object *value = json_object_new_object();
	json_object_object_add(value, "customField", json_object_get(field));
	answer_json(r, 201, value);
}

/* Answers with a list of the location that the query names. */
static void answer_list(struct request *r, const char *name, struct json_object *list)
{
	static const char *const names[] = {"locationId", NULL};
	if (!contract_query(r, names) || !crm_allowed(r, request_query(r, "locationId")))
		return;
	struct json_object *value = json_object_new_object();
	json_object_object_add(value, name, json_object_get(list));
	answer_json(r, 200, value);
}

/* GET /opportunities/pipelines?locationId= */
void pipelines_get(struct sandbox *s, struct request *r)
{
	(void)s;
	answer_list(r, "pipelines", r->location->pipelines);
}

/* GET /workflows/?locationId= */
void workflows_get(struct sandbox *s, struct request *r)
{
	(void)s;
	answer_list(r, "workflows", r->location->workflows);
}
