/* One event: what it comes to in each of its sub-accounts, and the result that says so. */
#include "push.h"
#include "state/rehearsal.h"

#include <stdlib.h>

/* In a dry run: what the ledger has of a patient, and of the patient's contact, in each sub-account. */
static bool learn_patient(struct push_work *w, const char *patient)
{
	struct state *s = w->push->state;
	const struct crm_location *at;
	bool done = rehearsal_merged(s, patient);
	patient = ledger_survivor(s, w->a, patient);
	for (size_t i = 0; done && (at = crm_location_next(w->push->crm, &i));) {
		done = rehearsal_patient(s, at->id, patient);
		const char *contact = ledger_contact(s, w->a, at->id, patient).id;
		done = done && (!contact || rehearsal_contact(s, at->id, contact));
	}
	return done;
}

/* Of all whom the event is about, and of the contact that is tagged. */
static bool learn_people(struct push_work *w)
{
	const struct crm_location *at;
	const struct record *r = w->event->r;
	struct str from = jtext_get(record_get(r, event_kind_name(KIND_PATIENT)), "merged_from"), old = {0};
	const char *tagged = jtext_scalar(w->a, jtext_get(record_get(r, "contact"), "id"));
	bool done = !w->event->patient || learn_patient(w, w->event->patient);
	while (done && jtext_next(from, &old))
		done = !jtext_scalar(w->a, old) || learn_patient(w, jtext_scalar(w->a, old));
	for (size_t i = 0; tagged && done && (at = crm_location_next(w->push->crm, &i));)
		done = rehearsal_contact(w->push->state, at->id, tagged);
	return done;
}

/* And of what the event is about. */
static bool learn_subject(struct push_work *w)
{
	return rehearsal_subject(w->push->state, w->location->id, w->subject.subject, w->event->id);
}

/* What an event comes to in its sub-account. */
static enum outcome settle_there(struct push_work *w)
{
	push_subject_find(w);
	if (w->push->dry && w->push->state && !learn_subject(w))
		return push_result_fail_state(w, "read");
	if (push_contact_find(w) == OUT_FAILED)
		return OUT_FAILED;
	push_subject_compare(w);
	enum outcome out = w->push->mirror ? push_audit(w) : push_apply(w);
	push_contact_unlock(w);
	return out;
}

static bool is_known(struct push_work *w)
{
	const struct crm_location *at;
	for (size_t i = 0; (at = crm_location_next(w->push->crm, &i));)
		if (ledger_contact(w->push->state, w->a, at->id, w->event->patient).id)
			return true;
	return false;
}

/* PatientNow may tell of a patient before pnow-push, which is making it of a contact, has written down whose
   that is: who is not known waits until that is done, lest it become a second contact. */
static void await_creation(struct push_work *w)
{
	struct locks *locks = w->push->locks;
	const char *practice = w->push->conf->practice;
	if (!lock_is_held(locks, LOCK_CREATION, practice) || is_known(w))
		return;
	lock_take(locks, LOCK_CREATION, practice);
	lock_free(locks, LOCK_CREATION, practice);
}

/* What an event of a patient comes to, who may have another id by now. */
static enum outcome settle_of_patient(struct push_work *w)
{
	struct locks *locks = w->push->locks;
	struct push_event *now = arena_alloc(w->a, sizeof *now);
	if (locks)
		await_creation(w);
	if (!w->push->mirror && push_merge_learn(w) == OUT_FAILED)
		return OUT_FAILED;
	*now = *w->event;
	now->patient = push_merge_lock(w, now->patient);
	w->event = now;
	enum outcome merged = w->push->mirror ? OUT_UNCHANGED : push_merge_contacts(w), out = merged;
	if (merged != OUT_FAILED)
		out = push_location_each(w, settle_there);
	if (locks)
		lock_free(locks, LOCK_PATIENT, now->patient);
	return merged == OUT_DONE && out == OUT_UNCHANGED ? OUT_DONE : out;
}

/* What an event comes to. An event that carries an error has failed already. */
static enum outcome settle(struct push_work *w)
{
	const struct push_event *e = w->event;
	const char *ignored = record_text(e->r, "ignored");
	if (ignored)
		return push_result_reason(w, OUT_IGNORED, ignored);
	if (e->type == EVENT_CONTACT_TAGGED && jtext_type(e->actions) != JTEXT_ARRAY)
		return push_result_reason(
			w, OUT_IGNORED, "a tagged contact, and pnow-push has written no actions for it");
	if (push_check(w) == OUT_FAILED)
		return OUT_FAILED;
	if (w->push->dry && w->push->state && !learn_people(w))
		return push_result_fail_state(w, "read");
	enum outcome out = e->patient ? settle_of_patient(w) : push_location_each(w, settle_there);
	const char *skipped = out == OUT_DONE ? record_text(e->r, "skipped") : NULL;
	return skipped ? push_result_reason(w, OUT_SKIPPED, skipped) : out;
}

static struct push_event read_event(const struct push *push, struct record *r)
{
	struct push_event e = {.r = r,
		.session = push->locks ? locks_session(push->locks) : 0,
		.id = record_text(r, "id"),
		.type = event_type_of(record_text(r, "type")),
		.patient = jtext_scalar(r->arena, jtext_get(record_get(r, "patient"), "id")),
		.actions = record_get(r, "actions"),
		.backfill = jtext_type(record_get(r, "backfill")) == JTEXT_TRUE};
	if (e.type != EVENT_UNKNOWN)
		e.kind = event_kind_of(e.type);
	return e;
}

void push_record(struct record *r, void *context)
{
	struct push *push = context;
	if (push->dry && record_get(r, "method").p)
		return; /* a request that pnow-push -n shows */
	const struct push_event event = read_event(push, r);
	struct push_work w = {.push = push, .a = r->arena, .event = &event};
	struct str error = record_get(r, "error");
	const char *before = record_text(r, "crm_calls");
	enum outcome out = OUT_FAILED;
	w.result.calls = (unsigned)str_number(before);
	if (jtext_type(error) == JTEXT_OBJECT)
		w.result.retry = jtext_type(jtext_get(error, "retry")) == JTEXT_TRUE;
	else if (!event.id)
		out = push_result_malformed(&w, "the event has no id");
	else
		out = settle(&w);
	calls_event(&push->calls, event.type);
	calls_add(&push->calls, event.type, w.result.calls);
	r->retry = out == OUT_FAILED && w.result.retry;
	r->failed = out == OUT_FAILED || w.result.differs;
	bool shown = push->mirror || (push->dry && w.result.shown.n);
	if (out == OUT_FAILED || !shown)
		push_result_write(&w, out);
	else
		record_replace(r, push_text(w.a, &w.result.shown));
	push_result_free(&w.result);
}
