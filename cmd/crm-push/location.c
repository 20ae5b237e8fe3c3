/*
 * Where an event goes. A patient's own facts go to every sub-account in which the ledger knows the patient,
 * one after another in the order of the configuration: so a contact's lock is never held while another is
 * waited for, and each has its own ledger, limits and outcome. Where one fails the others are done all the
 * same, and only it is tried again. Everything else goes to one.
 */
#include "push.h"

/* The next sub-account from *i on in which the ledger knows the patient; NULL: there is none. */
static const struct crm_location *next_known(struct push_work *w, size_t *i)
{
	const struct crm_location *at;
	while ((at = crm_location_next(w->push->crm, i)))
		if (ledger_contact(w->push->state, w->a, at->id, w->event->patient).id)
			return at;
	return NULL;
}

/* The sub-account whose contacts the patient is among: the main one where it is, or where nobody knows; of
 * several others the one where something was done last. */
static const struct crm_location *location_of_patient(struct push_work *w)
{
	size_t i = 0;
	const struct crm_location *main = crm_location_next(w->push->crm, &i), *found = NULL, *at;
	bool several = false;
	int64_t last = -1;
	if (ledger_contact(w->push->state, w->a, main->id, w->event->patient).id)
		return main;
	while ((at = next_known(w, &i))) {
		several |= found != NULL;
		const char *contact = ledger_contact(w->push->state, w->a, at->id, w->event->patient).id;
		int64_t changed_at = ledger_changed(w->push->state, at->id, contact);
		if (changed_at > last) {
			last = changed_at;
			found = at;
		}
	}
	if (several)
		push_result_warn(w,
			"the patient is known in several sub-accounts: %s was taken, where something was done last",
			found->id);
	return found ? found : main;
}

/* The facility of the appointment or bill; NULL where it names none. */
static const char *facility_of(const struct push_work *w)
{
	static const enum event_kind kinds[] = {KIND_APPOINTMENT, KIND_BILL};
	const char *facility = NULL;
	for (size_t i = 0; i < COUNT(kinds) && !(facility && *facility); i++)
		facility =
			jtext_scalar(w->a, jtext_get(record_get(w->event->r, event_kind_name(kinds[i])), "facility"));
	return facility && *facility ? facility : NULL;
}

/* The sub-account of the contact that is tagged, or of the event's facility; where it names none, the
 * patient's. */
static const struct crm_location *location_of_event(struct push_work *w)
{
	bool unknown = false;
	const struct crm_location *found = NULL;
	const char *facility = facility_of(w);
	const char *tagged =
		w->event->type == EVENT_CONTACT_TAGGED
			? jtext_scalar(w->a, jtext_get(record_get(w->event->r, "contact"), "location_id"))
			: NULL;
	if (tagged)
		found = crm_location_with(w->push->crm, tagged);
	if (found)
		return found;
	if (!facility && w->event->patient && w->push->state)
		return location_of_patient(w);
	found = crm_location(w->push->crm, facility, &unknown);
	if (unknown)
		push_result_warn(
			w, "the event's facility is not in the configuration: the practice's main sub-account was taken");
	return found;
}

enum outcome push_location_each(struct push_work *w, enum outcome (*settle)(struct push_work *))
{
	size_t i = 0;
	bool own = (w->event->type == EVENT_PATIENT_UPDATED || w->event->type == EVENT_PATIENT_CREATED) &&
			   w->push->state;
	const struct crm_location *at = own ? next_known(w, &i) : NULL, *next = at ? next_known(w, &i) : NULL;
	enum outcome all = OUT_UNCHANGED;
	if (!next) {
		w->location = at ? at : location_of_event(w);
		return settle(w);
	}
	for (; at; at = next, next = at ? next_known(w, &i) : NULL) {
		struct push_work one = {
			.push = w->push, .a = w->a, .event = w->event, .location = at, .is_one_of = true};
		all = push_result_add(w, &one, all, settle(&one));
	}
	return all;
}
