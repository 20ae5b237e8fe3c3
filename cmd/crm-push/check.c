/*
 * Whether a record is an event whose actions may be carried out. The filters before this one have checked it,
 * but nobody must have run them.
 */
#include "push.h"

/* The first name that an object, or one inside of it, has twice; NULL: there is none. */
static const char *twice(struct arena *a, struct str value)
{
	struct jtext_members members = jtext_members(a, value);
	const char *found = jtext_twice(a, &members);
	for (size_t i = 0; !found && i < members.n; i++)
		if (jtext_type(members.at[i].value) == JTEXT_OBJECT)
			found = twice(a, members.at[i].value);
	return found;
}

/* That the object of a kind can be read, and has an id, by which the ledger knows what was done for it. */
static enum outcome check_object(struct push_work *w, enum event_kind kind)
{
	const char *name = event_kind_name(kind);
	struct jtext_members members = record_object(w->event->r, name);
	if (w->event->r->failed)
		return OUT_FAILED;
	return members_text(w->a, &members, "id")
			   ? OUT_DONE
			   : push_result_malformed(w, arena_printf(w->a, "the event has no %s.id", name));
}

static enum outcome check_actions(struct push_work *w)
{
	for (struct str at = {0}; jtext_next(w->event->actions, &at);) {
		const char *op = jtext_string(w->a, jtext_get(at, "op")), *name = twice(w->a, at);
		if (name)
			return push_result_malformed(
				w, arena_printf(w->a, "actions: the key \"%s\" is given twice", name));
		if (!op || !push_action_known(op))
			return push_result_malformed(w, "actions: found an op that is none of pnow-event(5)");
	}
	return OUT_DONE;
}

enum outcome push_check(struct push_work *w)
{
	const char *practice = record_text(w->event->r, "practice");
	if (w->event->type == EVENT_UNKNOWN)
		return push_result_fail(w, "bad_type", false, "type: expected a type of pnow-event(5)");
	if (jtext_type(w->event->actions) != JTEXT_ARRAY)
		return push_result_malformed(w, "the event has no actions: it must go through crm-map first");
	if (practice && strcmp(practice, w->push->conf->practice) != 0)
		return push_result_fail(
			w, "wrong_practice", false, "the event is another practice's: see the configuration's practice");
	enum outcome out = check_object(w, w->event->kind);
	if (out == OUT_DONE && w->event->type != EVENT_CONTACT_TAGGED)
		out = check_object(w, KIND_PATIENT);
	return out == OUT_DONE ? check_actions(w) : out;
}
