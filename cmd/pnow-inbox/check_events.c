/*
 * What pnow-inbox check finds of events: those that are dead, those that wait, by what was said of them last,
 * and what the results of late warn of, each kind of it once.
 */
#include "check.h"
#include "state/outage.h"
#include "state/told.h"

#include <stdlib.h>

/* Events of which one thing is to be said. */
struct group {
	const char *what, *cause; /* the cause is the key */
	int64_t events, since;
	const char *id;     /* of one of them */
	const char *detail; /* of one of them */
};

struct groups {
	struct check *check;
	struct group *at;
	size_t n;
	int64_t worked; /* when a pipeline did something in the CRM last; 0: never */
};

/* The group of this cause; a new one has no events. */
static struct group *group_of(struct groups *g, const char *what, const char *cause)
{
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->at[i].what, what) == 0 && strcmp(g->at[i].cause, cause) == 0)
			return &g->at[i];
	g->at = allocated(reallocarray(g->at, g->n + 1, sizeof *g->at));
	g->at[g->n] = (struct group){.what = what, .cause = arena_copy(&g->check->arena, str_of(cause))};
	return &g->at[g->n++];
}

/* Counts an event; the group shows the oldest. */
static void count(
	struct groups *g, const char *what, const char *cause, const char *id, int64_t since, const char *detail)
{
	struct group *group = group_of(g, what, cause);
	if (!group->events++ || since <= group->since) {
		group->since = since;
		group->id = arena_copy(&g->check->arena, str_of(id));
		group->detail = arena_copy(&g->check->arena, str_of(detail));
	}
}

/* --- Events that are not settled well --- */

/* What a result says went wrong. */
struct wrong {
	const char *failure; /* its kind; NULL: nothing did */
	const char *detail;  /* with its message */
	bool refused;        /* a token, by PatientNow or the CRM */
};

static struct wrong read_wrong(struct arena *a, const char *result)
{
	struct inbox_result r = {.line = str_of(result ? result : "{}")};
	struct str error = jtext_get(r.line, "error");
	if (!error.p)
		return (struct wrong){0};
	r.failure = told_failure(a, r.line);
	return (struct wrong){.failure = r.failure,
		.detail = result_cause(a, &r),
		.refused = str_is(jtext_get(error, "code"), "\"refused\"")};
}

static void judge(struct groups *g, const struct inbox_unsettled *e)
{
	struct arena a = {0};
	const struct check_bounds *b = g->check->bounds;
	struct wrong wrong = read_wrong(&a, e->result);
	bool dead = strcmp(e->state, "dead") == 0, running = strcmp(e->state, "running") == 0;
	bool late = b->wait && g->check->now - e->since > b->wait && !e->follows;
	if (wrong.refused && e->tried >= g->worked)
		count(g, "token refused", wrong.failure, e->id, e->since, wrong.detail);
	else if (dead)
		count(g, "dead", wrong.failure ? wrong.failure : "", e->id, e->since,
			wrong.failure ? wrong.detail : "their results do not say why");
	else if (late && running)
		count(g, "waiting", "running", e->id, e->since, "in a pipeline, which has not answered");
	else if (late && wrong.failure)
		count(g, "waiting", wrong.failure, e->id, e->since, wrong.detail);
	else if (late)
		count(g, "waiting", "due", e->id, e->since, "no pipeline takes it: is a pnow-inbox run at work?");
	arena_free(&a);
}

static bool has_group(const struct groups *g, const char *what)
{
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->at[i].what, what) == 0)
			return true;
	return false;
}

/* Who refuses a token that no event has met: pnow-fetch has. */
static void take_outages(struct groups *g)
{
	struct outage_known known;
	struct arena *a = &g->check->arena;
	bool told = has_group(g, "token refused");
	struct state_rows rows = outages(g->check->in->state);
	while (outages_next(&rows, &known) && !told) {
		struct group *group = group_of(g, "token refused", known.api);
		group->since = known.since;
		group->detail = arena_printf(a, "%s does not accept it: what needs it waits", known.api);
	}
	g->check->read &= state_done(&rows);
}

/* --- What results of late say --- */

static bool is_quiet(const struct check_bounds *b, const char *warning)
{
	for (size_t i = 0; i < b->quiet_n; i++)
		if (strstr(warning, b->quiet[i]))
			return true;
	return false;
}

static void take_warnings(struct groups *g, const struct inbox_late *l)
{
	struct arena a = {0};
	const char *type = jtext_string(&a, jtext_get(str_of(l->result), "uncategorized"));
	if (type && !is_quiet(g->check->bounds, type))
		count(g, "type missing", type, l->id, l->at,
			arena_printf(&a, "\"%s\" is not in the sheet of appointment types: no opportunity moves", type));
	for (struct str at = {0}, all = jtext_get(str_of(l->result), "warnings"); jtext_next(all, &at);) {
		const char *warning = jtext_string(&a, at);
		if (!warning || is_quiet(g->check->bounds, warning))
			continue;
		count(g, "warning", told_kind(&a, warning), l->id, l->at, warning);
	}
	arena_free(&a);
}

/* The results of late, the newest first; of each event the last one: what an earlier one warned of was
 * mended. */
static void take_late(struct groups *g)
{
	struct inbox_late late;
	int64_t since = g->check->now - g->check->bounds->lately;
	struct state_rows rows = inbox_late(g->check->in->state);
	while (inbox_next_late(&rows, &late) && late.at >= since)
		if (late.last)
			take_warnings(g, &late);
	g->check->read &= state_done(&rows);
}

/* --- Both --- */

/* What becomes of an event whose id is the sender's: any text. */
static const char *trace_of(struct check *c, const char *id)
{
	struct buf rest = {0};
	buf_puts(&rest, *id == '-' ? " trace -- " : " trace ");
	buf_shell(&rest, id);
	return finding_command(c, "pnow-inbox", buf_take(&rest, &c->arena).p);
}

/* The command that fits a group. */
static const char *command_of(struct groups *g, const struct group *group)
{
	struct check *c = g->check;
	if (strcmp(group->what, "token refused") == 0)
		return finding_command(c, "crm-setup", "");
	if (strcmp(group->what, "type missing") == 0)
		return arena_printf(&c->arena, "%s | %s", finding_command(c, "pnow-fetch", " appointment-types"),
			finding_command(c, "categorize", " -s"));
	if (strcmp(group->what, "dead") == 0 && group->events > 1)
		return finding_command(c, "pnow-inbox", " list -s dead");
	if (strcmp(group->cause, "due") == 0)
		return finding_command(c, "pnow-inbox", " run -1 -- pnow-sync");
	return trace_of(c, group->id);
}

void check_events(struct check *c)
{
	struct groups g = {.check = c, .worked = inbox_worked(c->in->state)};
	struct inbox_unsettled event;
	take_late(&g);
	size_t late = g.n;
	struct state_rows rows = inbox_unsettled(c->in->state);
	while (inbox_next_unsettled(&rows, &event))
		judge(&g, &event);
	c->read &= state_done(&rows);
	take_outages(&g);
	for (size_t i = 0; i < g.n; i++) { /* warnings are last */
		const struct group *group = &g.at[(late + i) % g.n];
		finding_tell(c, &(struct finding){.what = group->what,
							.since = group->since,
							.events = group->events,
							.detail = group->detail,
							.command = command_of(&g, group)});
	}
	free(g.at);
}
