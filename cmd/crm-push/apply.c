/* An event's actions, between what the ledger knows of its subject before and after: what was done is not
 * done again. */
#include "push.h"

/* Tells again of what is undecided. */
static enum outcome tell_undecided(struct push_work *w)
{
	int64_t n = ledger_undecided_of(w->push->state, w->location->id, w->subject.subject);
	if (n < 0)
		return push_result_fail_state(w, "read");
	if (n > 0)
		push_attach_undecided(w, NULL);
	return OUT_DONE;
}

/* Writes down that the event was applied, or only what it has changed. */
static bool finish(struct push_work *w, bool applied)
{
	struct ledger_end end = {.applied = applied,
		.contact = w->contact.id,
		.change = w->result.change,
		.changes = w->result.changes};
	return (!end.applied && !end.changes) || ledger_finish(w->push->state, &w->subject, &end);
}

enum outcome push_apply(struct push_work *w)
{
	if (!w->push->state)
		return push_action_all(w);
	enum outcome out = push_action_catch_up(w);
	if (out == OUT_FAILED)
		return out;
	switch (ledger_begin(w->push->state, &w->subject)) {
	case LEDGER_KNOWN: /* the result that told what is undecided may have been lost */
		if (tell_undecided(w) == OUT_FAILED)
			return OUT_FAILED;
		if (out == OUT_UNCHANGED)
			return push_result_reason(w, out, "applied before");
		return finish(w, false) ? out : push_result_fail_state(w, "written");
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
	if (!w->event->backfill && w->contact.id && push_result_uncategorized(w))
		push_result_changed(w, push_action_unsorted(w));
	bool whole = (out == OUT_DONE || out == OUT_UNCHANGED) && !w->result.incomplete;
	return finish(w, whole && !w->subject.others) || out == OUT_FAILED ? out
																	   : push_result_fail_state(w, "written");
}
