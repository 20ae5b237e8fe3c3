/* An event's actions, in their order: what carries out each, and what became of it. */
#include "push.h"

/* What is newer than a backfilled event stays. */
static enum outcome upsert(struct push_work *w)
{
	w->upsert = w->action;
	return w->event->backfill ? push_history_upsert(w) : push_contact_upsert(w);
}

static const struct operation {
	const char *op;
	enum outcome (*carry_out)(struct push_work *);
} operations[] = {
	{"contact.upsert", upsert},
	{"ltv.add", push_ltv_add},
	{"note.add", push_attach_note},
	{"tag.add", push_attach_tag},
	{"tag.remove", push_attach_untag},
	{"workflow.add", push_attach_workflow},
	{"opportunity.move", push_opportunity_move},
	{"opportunity.value", push_opportunity_value},
};

static const struct operation *find(const char *op)
{
	for (size_t i = 0; op && i < COUNT(operations); i++)
		if (strcmp(operations[i].op, op) == 0)
			return &operations[i];
	return NULL;
}

bool push_action_known(const char *op)
{
	return find(op) != NULL;
}

static enum outcome carry_out(struct push_work *w)
{
	const struct operation *o = find(jtext_string(w->a, jtext_get(w->action, "op")));
	if (!o)
		return OUT_FAILED; /* push_check() has found every op to be one of these */
	if (!w->contact.id && o->carry_out != upsert)
		return push_result_reason(w, OUT_SKIPPED, "no contact is known for this patient");
	double before = w->result.ms;
	w->result.http = 0;
	w->result.stage = NULL;
	enum outcome out = o->carry_out(w);
	push_result_action(w, o->op, out, w->result.ms - before);
	return out;
}

enum outcome push_action_all(struct push_work *w)
{
	enum outcome all = OUT_UNCHANGED;
	for (struct str at = {0}; jtext_next(w->event->actions, &at);) {
		w->action = at;
		enum outcome out = carry_out(w);
		if (out == OUT_FAILED || w->result.reason)
			return out;
		if (out != OUT_UNCHANGED)
			all = OUT_DONE;
	}
	return all;
}
