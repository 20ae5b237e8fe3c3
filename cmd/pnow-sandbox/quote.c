/*
 * The fault that repeats what was sent, as APIs do in their messages: whatever a client passes on of an API's
 * words, nobody may find a patient's name, e-mail or phone in it.
 */
#include "answer.h"
#include "crm_store.h"
#include "faults.h"
#include "patientnow.h"
#include "sandbox.h"
#include "text.h"

/* The first text that a member of this name has, at any depth; NULL where there is none. */
static const char *text_of(struct json_object *value, const char *name)
{
	const char *text = member_scalar(value, name);
	for (struct each m = {0}; !text && each_member(value, &m);)
		text = text_of(m.value, name);
	if (json_object_is_type(value, json_type_array))
		for (size_t i = 0; !text && i < json_object_array_length(value); i++)
			text = text_of(json_object_array_get_idx(value, i), name);
	return text;
}

/* Of whom the path speaks: a contact's or a patient's properties; NULL where of nobody. */
static struct json_object *person(struct sandbox *s, const struct request *r)
{
	if (r->segments_n < 2)
		return NULL;
	const char *id = r->segments[1];
	struct contact *c = r->api == API_CRM ? contact_by_id(&s->crm, id) : NULL;
	struct entry *e = r->api != API_CRM ? shelf_get(&s->practice, SHELF_PATIENT, id) : NULL;
	return c ? c->own : e ? e->own : NULL;
}

bool quote_answer(struct sandbox *s, struct request *r)
{
	const char *text = text_of(r->json, r->quoted);
	if (!text)
		text = request_query(r, r->quoted);
	if (!text)
		text = text_of(person(s, r), r->quoted);
	if (text)
		answer_error(r, 422, "property %s must not be %s", r->quoted, text);
	return text != NULL;
}
