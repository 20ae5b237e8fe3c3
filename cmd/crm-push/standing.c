/*
 * Lead or patient: what the ledger has seen, else the contact's opportunities, since any won one makes a
 * patient. A patient is one for ever. Of a lead nobody tells us when staff have won an opportunity by hand:
 * one that is moved tells it in its answer (opportunity.c), the others are asked for again after a week.
 * Until then such a contact is called a lead, and nothing that staff did is undone by it.
 */
#include "push.h"
#include "value/when.h"

static const int64_t LEAD_MS = 7 * 24 * 3600 * INT64_C(1000); /* how long a lead is one, unasked */

const char *opportunities_path(struct work *w)
{
	return arena_printf(w->a, "/opportunities/search?location_id=%s&contact_id=%s&limit=100",
		http_encode(w->a, w->location->id), http_encode(w->a, w->contact));
}

enum outcome opportunities_search(struct work *w)
{
	if (w->opportunities.p)
		return OUT_DONE;
	if (w->contact_is_new) {
		w->opportunities = STR("[]");
		return OUT_DONE;
	}
	struct crm_answer answer = request(w, "GET", opportunities_path(w), (struct str){0}, true);
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
	struct ledger_contact known = ledger_contact(w->push->state, w->a, w->location->id, w->patient);
	int64_t ago = when_now_ms() - known.asked;
	if (known.patient)
		w->standing = STANDING_PATIENT;
	if (known.patient || (ago >= 0 && ago < LEAD_MS))
		return OUT_DONE;
	enum outcome out = opportunities_search(w);
	if (out != OUT_DONE) {
		w->standing = STANDING_UNKNOWN;
		return out;
	}
	for (struct str at = {0}; jtext_next(w->opportunities, &at);)
		if (has_text(w, at, "status", "won"))
			w->standing = STANDING_PATIENT;
	if (w->standing == STANDING_PATIENT)
		return is_patient(w);
	ledger_contact_is_lead(w->push->state, w->location->id, w->contact);
	return OUT_DONE;
}
