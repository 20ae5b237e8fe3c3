/*
 * Where an event goes. A patient's own facts go to every sub-account in which the ledger knows the patient,
 * one after another in the order of the configuration: so a contact's lock is never held while another is
 * waited for, and each has its own ledger, limits and outcome. Where one fails the others are done all the
 * same, and only it is tried again. Everything else goes to one.
 */
#include "push.h"

/* The sub-account whose contacts the patient is among: the main one where it is, or where nobody knows; of
 * several others the one where something was done last. */
static const struct crm_location *location_of_patient(struct work *w)
{
	const struct crm_location *found = NULL, *at;
	bool several = false;
	int64_t last = -1;
	for (size_t i = 0; (at = crm_location_at(w->push->crm, i)); i++) {
		const char *contact = ledger_contact(w->push->state, w->a, at->id, w->patient).id;
		if (!contact || (found && strcmp(found->id, at->id) == 0))
			continue;
		if (i == 0)
			return at;
		several |= found != NULL;
		int64_t changed_at = ledger_changed(w->push->state, at->id, contact);
		if (changed_at > last) {
			last = changed_at;
			found = at;
		}
	}
	if (several)
		warning(w,
			"the patient is known in several sub-accounts: %s was taken, where something was done last",
			found->id);
	return found ? found : crm_location_at(w->push->crm, 0);
}

/* The facility of the appointment or bill; NULL where it names none. */
static const char *facility_of(const struct work *w)
{
	static const enum event_kind kinds[] = {KIND_APPOINTMENT, KIND_BILL};
	const char *facility = NULL;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !(facility && *facility); i++)
		facility = jtext_scalar(w->a, jtext_get(record_get(w->r, event_kind_name(kinds[i])), "facility"));
	return facility && *facility ? facility : NULL;
}

/* The sub-account of the contact that is tagged, or of the event's facility; where it names none, the
 * patient's. */
static const struct crm_location *location_of_event(struct work *w)
{
	bool unknown = false;
	const struct crm_location *found = NULL;
	const char *facility = facility_of(w);
	const char *tagged = w->type == EVENT_CONTACT_TAGGED
							 ? jtext_scalar(w->a, jtext_get(record_get(w->r, "contact"), "location_id"))
							 : NULL;
	if (tagged)
		found = crm_location_with(w->push->crm, tagged);
	if (found)
		return found;
	if (!facility && w->patient && !w->push->dry)
		return location_of_patient(w);
	found = crm_location(w->push->crm, facility, &unknown);
	if (unknown)
		warning(
			w, "the event's facility is not in the configuration: the practice's main sub-account was taken");
	return found;
}

/* The next sub-account from *i on in which the ledger knows the patient; NULL: there is none. Several
 * facilities may have one. */
static const struct crm_location *next_known(struct work *w, size_t *i)
{
	const struct crm_location *at;
	while ((at = crm_location_at(w->push->crm, (*i)++))) {
		bool before = false;
		for (size_t k = 0; k + 1 < *i; k++)
			before |= strcmp(crm_location_at(w->push->crm, k)->id, at->id) == 0;
		if (!before && ledger_contact(w->push->state, w->a, at->id, w->patient).id)
			return at;
	}
	return NULL;
}

static void append(struct buf *list, struct buf *more, char between)
{
	if (list->n && more->n)
		buf_putc(list, between);
	buf_add(list, buf_str(more));
	buf_free(more);
}

/* What became of the event in one of its sub-accounts. */
static void write_location(struct work *w, const struct work *one, enum outcome out)
{
	struct buf *b = &w->locations;
	if (b->n)
		buf_putc(b, ',');
	buf_putc(b, '{');
	buf_member(b, "location_id", one->location->id);
	buf_member(b, "contact_id", one->contact);
	buf_member(b, "status", outcome_words[out]);
	buf_member(b, "reason", out == OUT_DONE || out == OUT_FAILED ? NULL : one->reason);
	if (out == OUT_FAILED)
		write_failure(one, b);
	buf_putc(b, '}');
}

/* The event has come to this in one more sub-account: what it has come to in all. A failure that can be tried
 * again is the one that is told, lest it be given up. */
static enum outcome add(struct work *w, struct work *one, enum outcome all, enum outcome out)
{
	if (!w->location) {
		w->location = one->location;
		w->contact = one->contact;
		w->reason = one->reason;
		all = out;
	}
	write_location(w, one, out);
	w->calls += one->calls;
	w->ms += one->ms;
	append(&w->results, &one->results, ',');
	append(&w->warnings, &one->warnings, ',');
	append(&w->shown, &one->shown, '\n');
	buf_free(&one->differences);
	if (out == OUT_FAILED && (!w->error || (one->retry && !w->retry)))
		fail(w, one->code, one->retry,
			arena_printf(w->a, "sub-account %s: %s", one->location->id, one->error));
	if (all == OUT_FAILED || out == OUT_FAILED)
		return OUT_FAILED;
	return out == OUT_DONE ? OUT_DONE : all;
}

enum outcome location_each(struct work *w, enum outcome (*settle)(struct work *))
{
	size_t i = 0;
	bool own = (w->type == EVENT_PATIENT_UPDATED || w->type == EVENT_PATIENT_CREATED) && !w->push->dry;
	const struct crm_location *at = own ? next_known(w, &i) : NULL, *next = at ? next_known(w, &i) : NULL;
	enum outcome all = OUT_UNCHANGED;
	if (!next) {
		w->location = at ? at : location_of_event(w);
		return settle(w);
	}
	for (; at; at = next, next = at ? next_known(w, &i) : NULL) {
		struct work one = {.push = w->push,
			.r = w->r,
			.a = w->a,
			.id = w->id,
			.type = w->type,
			.patient = w->patient,
			.backfill = w->backfill,
			.location = at,
			.is_one_of = true};
		all = add(w, &one, all, settle(&one));
	}
	return all;
}
