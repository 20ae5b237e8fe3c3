/*
 * History never overwrites the present. A backfilled event leaves a contact as it is where something newer of
 * its kind was written into it last; only its money counts. The ledger knows who wrote last, and when that
 * occurred; beside "bill" it has "backfill/bill" for the last that was backfilled.
 */
#include "push.h"
#include "value/category.h"

static const char *backfilled(struct push_work *w, const char *kind)
{
	return arena_printf(w->a, "backfill/%s", kind);
}

/* Whether the event is older than what was written into the contact last. */
static bool is_older(struct push_work *w)
{
	if (!w->contact.id)
		return false;
	/* a patient's row does not say of when it is; a visit that came live has brought the person's facts */
	bool person = w->event->kind == KIND_PATIENT;
	const char *what = event_kind_name(person ? KIND_APPOINTMENT : w->event->kind);
	struct ledger_latest last = push_latest(w, what), ours = push_latest(w, backfilled(w, what));
	bool is_ours =
		last.subject && ours.subject && strcmp(last.subject, ours.subject) == 0 && last.seq == ours.seq;
	bool live = last.subject && !is_ours;
	return person || w->subject.moment == 0 ? live : w->subject.moment < last.moment;
}

/* What an older event needs of the contact. OUT_IGNORED: the CRM does not have it any more. */
static enum outcome keep(struct push_work *w)
{
	if (w->event->type != EVENT_BILL_COMPLETED)
		return OUT_UNCHANGED;
	enum outcome out = push_contact_read(w); /* the lifetime value is added to */
	if (out == OUT_FAILED && (w->result.http == 400 || w->result.http == 404)) {
		w->result.error = NULL;
		return OUT_IGNORED;
	}
	return out == OUT_DONE ? OUT_UNCHANGED : out;
}

enum outcome push_history_upsert(struct push_work *w)
{
	const char *stage = record_text(w->event->r, "stage");
	enum outcome out = is_older(w) ? keep(w) : OUT_IGNORED;
	if (out == OUT_IGNORED) {
		out = push_contact_upsert(w);
		if (out == OUT_DONE)
			push_result_changed(w, backfilled(w, event_kind_name(w->event->kind)));
	}
	if (out == OUT_FAILED || !w->contact.id || !stage || !category_stage_wins(stage))
		return out;
	/* no opportunity moves that would say so */
	return push_standing_is_patient(w) == OUT_DONE ? out : OUT_FAILED;
}
