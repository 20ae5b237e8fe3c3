/*
 * History never overwrites the present. A backfilled event leaves a contact as it is where something newer of
 * its kind was written into it last; only its money counts. The ledger knows who wrote last, and when that
 * occurred; beside "bill" it has "backfill/bill" for the last that was backfilled.
 */
#include "push.h"
#include "value/category.h"

static const char *backfilled(struct work *w, const char *kind)
{
	return arena_printf(w->a, "backfill/%s", kind);
}

void history_look(struct work *w)
{
	enum event_kind kind = event_kind_of(w->type);
	if (!w->backfill || !w->contact)
		return;
	/* a patient's row does not say of when it is; a visit that came live has brought the person's facts */
	bool person = kind == KIND_PATIENT;
	const char *what = event_kind_name(person ? KIND_APPOINTMENT : kind);
	struct state *state = w->push->state;
	struct ledger_latest last = ledger_latest(state, w->a, w->location->id, w->contact, what);
	struct ledger_latest ours = ledger_latest(state, w->a, w->location->id, w->contact, backfilled(w, what));
	bool same =
		last.subject && ours.subject && strcmp(last.subject, ours.subject) == 0 && last.seq == ours.seq;
	bool live = last.subject && !same;
	w->older = person || w->subject.moment == 0 ? live : w->subject.moment < last.moment;
}

/* What an older event needs of the contact. OUT_IGNORED: the CRM does not have it any more. */
static enum outcome keep(struct work *w)
{
	if (w->type != EVENT_BILL_COMPLETED)
		return OUT_UNCHANGED;
	enum outcome out = contact_read(w); /* the lifetime value is added to */
	if (out == OUT_FAILED && (w->http == 400 || w->http == 404)) {
		w->error = NULL;
		return OUT_IGNORED;
	}
	return out == OUT_DONE ? OUT_UNCHANGED : out;
}

enum outcome history_upsert(struct work *w)
{
	const char *stage = record_text(w->r, "stage");
	enum outcome out = w->older ? keep(w) : OUT_IGNORED;
	if (out == OUT_IGNORED) {
		out = contact_write(w);
		if (out == OUT_DONE)
			changed(w, backfilled(w, event_kind_name(event_kind_of(w->type))));
	}
	if (out == OUT_FAILED || !w->contact || !stage || !category_stage_wins(stage))
		return out;
	return is_patient(w) == OUT_DONE ? out : OUT_FAILED; /* no opportunity moves that would say so */
}
