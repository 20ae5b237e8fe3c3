/*
 * An event's actions, and what became of each. What changes the contact is done in its order. What is made
 * once the contact stands (note, enrolments, opportunity) does not depend on each other, and is done at the
 * same time: in strands, each with a thread, an arena and a result of its own, so that all below reads as if
 * there were one.
 */
#include "push.h"

enum {
	AT_ONCE = 8, /* actions */
};

/* What is newer than a backfilled event stays. */
static enum outcome upsert(struct push_work *w)
{
	w->upsert = w->action;
	return w->event->backfill ? push_history_upsert(w) : push_contact_upsert(w);
}

enum strand_kind { ALONE, NOTE, WORKFLOW, CALENDAR, OPPORTUNITY, STRAND_KINDS };

static const struct operation {
	const char *op;
	enum outcome (*carry_out)(struct push_work *);
	enum strand_kind strand;
} operations[] = {
	{"contact.upsert", upsert, ALONE},
	{"dnd.set", push_dnd_set, ALONE},
	{"ltv.add", push_ltv_add, ALONE},
	{"note.add", push_attach_note, NOTE},
	{"tag.add", push_attach_tag, ALONE},
	{"tag.remove", push_attach_untag, ALONE},
	{"workflow.add", push_attach_workflow, WORKFLOW},
	{"opportunity.move", push_opportunity_move, OPPORTUNITY},
	{"opportunity.value", push_opportunity_value, OPPORTUNITY},
	{"calendar.set", push_calendar_set, CALENDAR},
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

/* push_check() has found every op to be one of these. */
static const struct operation *operation_of(struct push_work *w, struct str action)
{
	return find(jtext_string(w->a, jtext_get(action, "op")));
}

/* Whether something that occurred later has written what this would. */
static bool is_overtaken(struct push_work *w, const struct operation *o)
{
	const char *what = NULL, *pipeline = jtext_string(w->a, jtext_get(w->action, "pipeline"));
	if (o->carry_out == upsert)
		what = event_kind_name(w->event->kind);
	if (o->carry_out == push_opportunity_move && pipeline)
		what = arena_printf(w->a, "opportunity.move/%s", pipeline);
	return what && push_is_overtaken(w, what);
}

/* A block slot has no contact: it is there for patients who have none in the CRM, too. */
static bool is_block(struct push_work *w, struct str action)
{
	return push_has_text(w->a, action, "op", "calendar.set") && push_has_text(w->a, action, "as", "block");
}

static enum outcome carry_out(struct push_work *w)
{
	const struct operation *o = operation_of(w, w->action);
	if (!w->contact.id && o->carry_out != upsert && !is_block(w, w->action))
		return push_result_reason(w, OUT_SKIPPED, "no contact is known for this patient");
	double before = w->result.ms;
	w->result.http = 0;
	w->result.told.n = 0;
	enum outcome out = is_overtaken(w, o) ? OUT_UNCHANGED : o->carry_out(w);
	push_result_action(w, o->op, out, w->result.ms - before);
	return out;
}

/* What an event has come to when one more of its actions has come to out. */
static enum outcome sum(enum outcome all, enum outcome out)
{
	if (all == OUT_FAILED || out == OUT_FAILED)
		return OUT_FAILED;
	return out == OUT_UNCHANGED ? all : OUT_DONE;
}

/* --- Strands --- */

/* An action that others are carried out beside. */
struct step {
	enum strand_kind strand;
	struct push_work w;
	enum outcome out;
	bool begun;
};

struct strand {
	enum strand_kind kind;
	struct step *steps; /* of all strands */
	size_t n;
	struct push_contact contact;    /* as these actions know it */
	struct push_together *together; /* they may begin something with those of other strands, or NULL */
	struct arena arena;
	struct crew_part part;
	bool started;
};

/* The actions of a strand, one after the other; a failure ends it. */
static void run(void *context)
{
	struct strand *s = context;
	enum outcome out = OUT_DONE;
	for (struct step *step = s->steps; step < s->steps + s->n && out != OUT_FAILED; step++) {
		if (step->strand != s->kind)
			continue;
		step->w.a = &s->arena;
		step->w.contact = s->contact;
		step->w.together = s->together;
		step->begun = true;
		out = step->out = carry_out(&step->w);
		s->contact = step->w.contact;
		s->together = step->w.together;
	}
	if (s->together)
		push_together_leave(s->together);
}

/* A strand that has something to do, and may have something to begin. */
static void expect(struct strand *s, struct push_together *together)
{
	if (s->together || (s->kind != NOTE && s->kind != WORKFLOW))
		return;
	s->together = together;
	push_together_expect(together);
}

/* Begins a strand, unless there are so many that it must be done here. */
static void start(struct push *push, struct strand *s)
{
	s->part = (struct crew_part){.run = run, .context = s};
	s->started = crew_begin(push->crew, &s->part);
	if (s->started)
		return;
	if (s->together)
		push_together_leave(s->together);
	s->together = NULL;
}

/* Waits for a strand to end; what it has made is the event's. */
static void join(struct push_work *w, struct strand *s)
{
	if (s->started) {
		record_waits();
		crew_wait(&s->part);
		record_goes_on();
	}
	arena_join(w->a, &s->arena);
}

/* Carries out actions of several strands. */
static enum outcome run_strands(struct push_work *w, struct step *steps, size_t n)
{
	struct strand strands[STRAND_KINDS];
	struct push_together together;
	enum outcome all = OUT_UNCHANGED;
	push_together_open(&together, w->push->state);
	for (enum strand_kind kind = NOTE; kind < STRAND_KINDS; kind++)
		strands[kind] = (struct strand){.kind = kind, .steps = steps, .n = n, .contact = w->contact};
	for (size_t i = 0; i < n; i++)
		expect(&strands[steps[i].strand], &together);
	for (size_t i = n; i-- > 0;) /* last is what needs no begin: it would wait for theirs */
		if (steps[i].strand != steps[0].strand && !strands[steps[i].strand].started)
			start(w->push, &strands[steps[i].strand]);
	for (enum strand_kind kind = NOTE; kind < STRAND_KINDS; kind++)
		if (!strands[kind].started)
			run(&strands[kind]);
	for (enum strand_kind kind = NOTE; kind < STRAND_KINDS; kind++)
		join(w, &strands[kind]);
	push_together_close(&together);
	w->contact = strands[OPPORTUNITY].contact;
	for (size_t i = 0; i < n; i++) {
		if (!steps[i].begun)
			continue;
		push_result_join(w, &steps[i].w, steps[i].out);
		all = sum(all, steps[i].out);
	}
	return all;
}

/* The actions from *at on that can be carried out beside each other; *at is the last of them then. *n 0: this
 * one is to be carried out alone. */
static struct step *find_steps(struct push_work *w, struct str *at, size_t *n)
{
	bool several = false;
	struct str last = *at, next = last;
	struct step *steps = NULL;
	*n = 0;
	if (w->push->in_turn || !w->contact.id || operation_of(w, next)->strand == ALONE)
		return NULL;
	steps = arena_alloc(w->a, AT_ONCE * sizeof *steps);
	for (size_t i = 0; i < AT_ONCE; i++) {
		enum strand_kind strand = operation_of(w, next)->strand;
		if (strand == ALONE)
			break;
		steps[i] = (struct step){.strand = strand, .w = *w};
		steps[i].w.action = last = next;
		steps[i].w.result = (struct push_result){0};
		several |= strand != steps[0].strand;
		*n = i + 1;
		if (!jtext_next(w->event->actions, &next))
			break;
	}
	if (several)
		*at = last;
	else
		*n = 0;
	return steps;
}

/* Of an event that has come to skipped for want of a contact, what needs none. */
static enum outcome carry_out_rest(struct push_work *w, struct str after)
{
	if (w->push->state && !w->gap.looked && push_attach_gap(w) == OUT_FAILED)
		return OUT_FAILED;
	while (jtext_next(w->event->actions, &after)) {
		w->action = after;
		if (is_block(w, after) && carry_out(w) == OUT_FAILED)
			return OUT_FAILED;
	}
	return OUT_SKIPPED;
}

enum outcome push_action_all(struct push_work *w)
{
	enum outcome all = OUT_UNCHANGED;
	for (struct str at = {0}; jtext_next(w->event->actions, &at);) {
		size_t n;
		w->action = at;
		if (w->contact.id && !w->gap.looked && operation_of(w, at)->carry_out != upsert &&
			push_attach_gap(w) == OUT_FAILED)
			return OUT_FAILED;
		struct step *steps = find_steps(w, &at, &n);
		enum outcome out = n ? run_strands(w, steps, n) : carry_out(w);
		if (w->result.reason)
			return carry_out_rest(w, at);
		if ((all = sum(all, out)) == OUT_FAILED)
			break;
	}
	return all;
}

const char *push_action_unsorted(struct push_work *w)
{
	return arena_printf(w->a, "unsorted/%s", w->subject.subject);
}

/* Whether the action would move an opportunity, but for the sheet's lack of the type when the event came, and
 * nothing newer has moved that since. */
static bool lacks_move(struct push_work *w)
{
	const char *pipeline = jtext_string(w->a, jtext_get(w->action, "pipeline"));
	if (!w->contact.id || !w->subject.subject || !pipeline)
		return false;
	struct ledger_latest unsorted = push_latest(w, push_action_unsorted(w));
	struct ledger_latest moved = push_latest(w, arena_printf(w->a, "opportunity.move/%s", pipeline));
	return push_is_own(w, unsorted) && !push_is_own(w, moved) && moved.moment <= w->subject.moment;
}

enum outcome push_action_catch_up(struct push_work *w)
{
	enum outcome all = OUT_UNCHANGED;
	for (struct str at = {0}; all != OUT_FAILED && jtext_next(w->event->actions, &at);) {
		w->action = at;
		bool calendar = push_has_text(w->a, at, "op", "calendar.set");
		if (!calendar && !push_has_text(w->a, at, "op", "opportunity.move"))
			continue;
		if (ledger_look(w->push->state, &w->subject) == LEDGER_KNOWN &&
			(calendar ? w->subject.newer || push_calendar_lacks(w) : lacks_move(w)))
			all = sum(all, carry_out(w));
	}
	return all;
}
