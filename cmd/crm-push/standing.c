/*
 * Lead or patient: what the ledger has seen, else the contact's opportunities, since any won one makes a
 * patient. The list is searched once for an event, and serves for moving an opportunity too.
 */
#include "push.h"

enum outcome opportunities_search(struct work *w)
{
	if (w->opportunities.p)
		return OUT_DONE;
	if (w->contact_is_new) {
		w->opportunities = STR("[]");
		return OUT_DONE;
	}
	const char *path = arena_printf(w->a, "/opportunities/search?location_id=%s&contact_id=%s&limit=100",
		http_encode(w->a, w->location->id), http_encode(w->a, w->contact));
	struct crm_answer answer = request(w, "GET", path, (struct str){0}, true);
	if (answer.error)
		return fail_with(w, &answer);
	w->opportunities = jtext_get(answer.body, "opportunities");
	if (jtext_type(w->opportunities) != JTEXT_ARRAY)
		return fail(w, "bad_answer", true, "the CRM's answer has no opportunities in it");
	return OUT_DONE;
}

bool has_text(struct work *w, struct str object, const char *key, const char *text)
{
	const char *value = jtext_string(w->a, jtext_get(object, key));
	return value && strcmp(value, text) == 0;
}

enum outcome is_patient(struct work *w)
{
	w->standing = STANDING_PATIENT;
	if (w->push->dry || ledger_contact_is_patient(w->push->state, w->location->id, w->contact))
		return OUT_DONE;
	return fail(w, "state", true, "the state file cannot be written");
}

enum outcome standing(struct work *w)
{
	if (w->standing != STANDING_UNKNOWN)
		return OUT_DONE;
	w->standing = STANDING_LEAD;
	if (w->push->dry)
		return OUT_DONE;
	if (ledger_contact(w->push->state, w->a, w->location->id, w->patient).patient) {
		w->standing = STANDING_PATIENT;
		return OUT_DONE;
	}
	enum outcome out = opportunities_search(w);
	if (out != OUT_DONE) {
		w->standing = STANDING_UNKNOWN;
		return out;
	}
	for (struct str at = {0}; jtext_next(w->opportunities, &at);)
		if (has_text(w, at, "status", "won"))
			w->standing = STANDING_PATIENT;
	return w->standing == STANDING_PATIENT ? is_patient(w) : OUT_DONE;
}
