/* An event's actions, between what the ledger knows of its subject before and after: what was done is not
 * done again. */
#include "push.h"

enum outcome push_apply(struct push_work *w)
{
	if (!w->push->state)
		return push_action_all(w);
	enum outcome out = push_action_catch_up(w);
	if (out == OUT_FAILED)
		return out;
	switch (ledger_begin(w->push->state, &w->subject)) {
	case LEDGER_KNOWN: /* the result that told what is undecided may have been lost */
		if (ledger_undecided_of(w->push->state, w->location->id, w->subject.subject) > 0)
			push_attach_undecided(w, NULL);
		if (out != OUT_UNCHANGED)
			return out;
		return push_result_reason(w, OUT_UNCHANGED, "applied before");
	case LEDGER_OLDER:
		return push_result_reason(w, OUT_UNCHANGED, "something newer was applied before");
	case LEDGER_FAILED:
		return push_result_fail_state(w, "written");
	case LEDGER_NEWS:
		break;
	}
	out = push_action_all(w);
	if (out == OUT_UNCHANGED && !w->result.reason)
		push_result_reason(w, out, "nothing of it is new");
	bool unsorted = !w->event->backfill && push_result_uncategorized(w); /* its opportunity is to move yet */
	bool whole = (out == OUT_DONE || out == OUT_UNCHANGED) && !w->result.incomplete && !unsorted;
	struct ledger_end end = {.applied = whole && !w->subject.others,
		.contact = w->contact.id,
		.change = w->result.change,
		.changes = w->result.changes};
	if ((end.applied || end.changes) && !ledger_finish(w->push->state, &w->subject, &end) &&
		out != OUT_FAILED)
		return push_result_fail_state(w, "written");
	return out;
}
