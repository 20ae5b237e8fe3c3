/*
 * Lead or patient: what the ledger has seen, else the contact's opportunities, since any won one makes a
 * patient. A patient is one for ever. Of a lead nobody tells us when staff have won an opportunity by hand:
 * one that is moved tells it in its answer (opportunity.c), the others are asked for again after a week.
 * Until then such a contact is called a lead, and nothing that staff did is undone by it.
 */
#include "push.h"
#include "value/when.h"

static const int64_t LEAD_MS = 7 * 24 * 3600 * INT64_C(1000); /* how long a lead is one, unasked */

const char *push_standing_search_path(struct push_work *w)
{
	return arena_printf(w->a, "/opportunities/search?location_id=%s&contact_id=%s&limit=100",
		http_encode(w->a, w->location->id), http_encode(w->a, w->contact.id));
}

enum outcome push_standing_search(struct push_work *w)
{
	if (w->contact.opportunities.p)
		return OUT_DONE;
	if (w->contact.is_new || w->push->dry) {
		w->contact.opportunities = STR("[]");
		return OUT_DONE;
	}
	struct crm_answer answer = push_request(w, "GET", push_standing_search_path(w), (struct str){0}, true);
	if (answer.error)
		return push_result_fail_with(w, &answer);
	w->contact.opportunities = jtext_get(answer.body, "opportunities");
	if (jtext_type(w->contact.opportunities) != JTEXT_ARRAY)
		return push_result_fail(w, "bad_answer", true, "the CRM's answer has no opportunities in it");
	return OUT_DONE;
}

bool push_standing_won(struct push_work *w, struct str opportunities)
{
	for (struct str at = {0}; jtext_next(opportunities, &at);)
		if (push_has_text(w->a, at, "status", "won"))
			return true;
	return false;
}

bool push_standing_known(struct push_work *w)
{
	struct push_contact *c = &w->contact;
	if (c->standing == STANDING_UNKNOWN && w->push->state &&
		ledger_contact(w->push->state, w->a, w->location->id, w->event->patient).patient)
		c->standing = STANDING_PATIENT;
	return c->standing == STANDING_PATIENT;
}

void push_standing_forget(struct push_work *w, const char *opportunity)
{
	ledger_opportunity_forget(w->push->state, w->location->id, opportunity);
	w->contact.opportunities = (struct str){0};
}

enum outcome push_standing_is_patient(struct push_work *w)
{
	w->contact.standing = STANDING_PATIENT;
	if (!w->push->state || ledger_contact_is_patient(w->push->state, w->location->id, w->contact.id))
		return OUT_DONE;
	return push_result_fail_state(w, "written");
}

enum outcome push_standing_find(struct push_work *w)
{
	if (w->contact.standing != STANDING_UNKNOWN)
		return OUT_DONE;
	struct ledger_contact known = {0};
	if (w->push->state)
		known = ledger_contact(w->push->state, w->a, w->location->id, w->event->patient);
	int64_t ago = when_now_ms() - known.asked;
	if (w->push->dry || known.patient || (ago >= 0 && ago < LEAD_MS)) {
		w->contact.standing = known.patient ? STANDING_PATIENT : STANDING_LEAD;
		return OUT_DONE;
	}
	enum outcome out = push_standing_search(w);
	if (out != OUT_DONE)
		return out;
	if (push_standing_won(w, w->contact.opportunities))
		return push_standing_is_patient(w);
	w->contact.standing = STANDING_LEAD;
	ledger_contact_is_lead(w->push->state, w->location->id, w->contact.id);
	return OUT_DONE;
}
