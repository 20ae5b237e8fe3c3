/* The figures as JSON, for a program: amounts are text, waits are milliseconds, names of keys those of the
 * page. */
#include "report.h"
#include "value/money.h"

#include <json-c/json.h>

typedef struct json_object json;

static void add(json *object, const char *name, json *value)
{
	json_object_object_add(object, name, value);
}

static void add_number(json *object, const char *name, int64_t n)
{
	add(object, name, json_object_new_int64(n));
}

static void add_text(json *object, const char *name, const char *text)
{
	if (text)
		add(object, name, json_object_new_string(text));
}

static void add_money(json *object, const char *name, int64_t cents)
{
	char text[MONEY_TEXT];
	add_text(object, name, money_text(cents, text));
}

/* The ranks of waits; nothing where none has waited. */
static void add_waits(json *object, const struct waits *w)
{
	if (!w->n)
		return;
	add_number(object, "wait_p50_ms", waits_rank(w, 50));
	add_number(object, "wait_p99_ms", waits_rank(w, 99));
}

/* How many events there are, and what became of them; what none came to is left out. */
static void add_fates(json *object, const int64_t *counts)
{
	add_number(object, "events", fates_sum(counts));
	for (enum fate fate = 0; fate < FATES; fate++)
		if (counts[fate])
			add_number(object, fates[fate].key, counts[fate]);
}

static json *types_of(const int64_t counts[TYPES][FATES])
{
	json *types = json_object_new_object();
	for (size_t type = 0; type < TYPES; type++) {
		if (!fates_sum(counts[type]))
			continue;
		json *one = json_object_new_object();
		add_fates(one, counts[type]);
		add(types, report_type(type), one);
	}
	return types;
}

static json *practices_of(const struct report *r)
{
	const struct figures *f = r->figures;
	const struct practice **worst = figures_worst(f, r->arena);
	json *list = json_object_new_array();
	for (size_t i = 0; i < f->practices_n; i++) {
		const struct practice *p = worst[i];
		json *one = json_object_new_object();
		add_text(one, "practice", p->name);
		add_text(one, "configuration", p->configuration);
		add_fates(one, p->fates);
		add_waits(one, &p->waits);
		add_money(one, "value", p->value);
		add_number(one, "patientnow_calls", p->patientnow);
		if (p->patientnow_limit)
			add_number(one, "patientnow_limit", p->patientnow_limit);
		add_number(one, "crm_calls", p->crm);
		if (p->crm_limit)
			add_number(one, "crm_limit", p->crm_limit);
		json_object_array_add(list, one);
	}
	return list;
}

static json *day_json(int64_t number, const struct day *day)
{
	static const struct day nothing;
	json *one = json_object_new_object();
	int64_t counts[TYPES][FATES];
	day = day ? day : &nothing;
	for (size_t type = 0; type < TYPES; type++)
		for (enum fate fate = 0; fate < FATES; fate++)
			counts[type][fate] = day->events[type][fate];
	add_text(one, "day", day_text(number, "%Y-%m-%d"));
	add(one, "types", types_of((const int64_t(*)[FATES])counts));
	add_waits(one, &day->waits);
	add_money(one, "value", day->value);
	add_number(one, "patientnow_calls", day->patientnow);
	add_number(one, "crm_calls", day->crm);
	return one;
}

static json *days_json(const struct figures *f)
{
	json *list = json_object_new_array();
	for (int64_t number = f->first; number <= f->last; number++)
		json_object_array_add(list, day_json(number, days_look(&f->days, number)));
	return list;
}

static json *funnel_json(const struct funnel *f)
{
	json *one = json_object_new_object(), *stages = json_object_new_array();
	add_text(one, "pipeline", f->pipeline);
	for (size_t i = 1; i <= f->n; i++) {
		const struct funnel_stage *s = &f->stages[i % f->n];
		json *stage = json_object_new_object();
		add_text(stage, "stage", s->name);
		add_number(stage, "patients", s->came);
		if (i > 1 && i < f->n) {
			add_number(stage, "before", s->before);
			add_number(stage, "went_on", s->went_on);
		}
		if (s->days >= 0)
			add(stage, "days", json_object_new_double_s(s->days, shown_days(s->days)));
		json_object_array_add(stages, stage);
	}
	add(one, "stages", stages);
	return one;
}

static json *funnels_json(const struct funnels *f)
{
	json *list = json_object_new_array();
	for (size_t i = 0; i < f->n; i++)
		json_object_array_add(list, funnel_json(&f->at[i]));
	return list;
}

/* Rows of a tally: the name under this key. */
static json *tally_json(const struct tally *t, const char *key, bool money)
{
	json *list = json_object_new_array();
	for (size_t i = 0; i < t->n; i++) {
		json *one = json_object_new_object();
		add_text(one, key, t->at[i].name);
		add_number(one, "n", t->at[i].n);
		if (money)
			add_money(one, "value", t->at[i].cents);
		add_text(one, "last", t->at[i].last);
		json_object_array_add(list, one);
	}
	return list;
}

static json *causes_json(const struct report *r)
{
	const struct causes *c = &r->figures->causes;
	json *list = json_object_new_array();
	for (size_t i = 0; i < c->n; i++) {
		json *one = json_object_new_object(), *ids = json_object_new_array();
		add_text(one, "kind", cause_kind_name(c->at[i].kind));
		add_text(one, "practice", c->at[i].practice->name);
		add_text(one, "code", c->at[i].code[0] ? c->at[i].code : NULL);
		add_text(one, "cause", c->at[i].text);
		add_number(one, "events", c->at[i].n);
		for (size_t id = 0; id < CAUSE_IDS && c->at[i].ids[id]; id++)
			json_object_array_add(ids, json_object_new_string(c->at[i].ids[id]));
		add(one, "ids", ids);
		add_text(one, "advice", cause_advice(&c->at[i]));
		add_text(one, "command", cause_command(r->arena, &c->at[i]));
		json_object_array_add(list, one);
	}
	return list;
}

static void add_audit(const struct figures *f, json *all)
{
	json *audit = json_object_new_object();
	add_number(audit, "events", f->audit.events);
	if (f->audit.failed)
		add_number(audit, "failed", f->audit.failed);
	add(audit, "differences", tally_json(&f->audit.names, "name", false));
	add(all, "audit", audit);
}

void report_json(const struct report *r, struct buf *out)
{
	const struct figures *f = r->figures;
	json *all = json_object_new_object();
	int64_t counts[FATES];
	for (enum fate fate = 0; fate < FATES; fate++)
		counts[fate] = figures_fate(f, fate);
	if (f->first <= f->last) {
		add_text(all, "first", day_text(f->first, "%Y-%m-%d"));
		add_text(all, "last", day_text(f->last, "%Y-%m-%d"));
	}
	add_fates(all, counts);
	add(all, "types", types_of(f->events));
	add_waits(all, &f->waits);
	add_money(all, "value", f->value);
	add_number(all, "bills", f->bills);
	add_number(all, "patientnow_calls", f->patientnow);
	add_number(all, "crm_calls", f->crm);
	add_number(all, "tried_again", f->tried);
	add(all, "practices", practices_of(r));
	add(all, "days", days_json(f));
	add(all, "pipelines", funnels_json(&f->funnels));
	add(all, "services", tally_json(&f->services, "service", true));
	add(all, "causes", causes_json(r));
	add(all, "uncategorized", tally_json(&f->uncategorized, "type", false));
	if (f->audit.made)
		add_audit(f, all);
	add_number(all, "passed_over", f->passed_over);
	buf_puts(out, json_object_to_json_string_ext(all, JSON_C_TO_STRING_NOSLASHESCAPE));
	buf_putc(out, '\n');
	json_object_put(all);
}
