/*
 * A line's figures. A line is a result (pnow-event(5)) alone, or with what pnow-inbox results knows of its
 * event; what it says about the practice; or what an audit has found (crm-push -C). Only ids, words of ours,
 * names of things and numbers are taken from it.
 */
#include "report.h"
#include "text/jtext.h"
#include "value/money.h"
#include "value/when.h"

enum { COUNT_MAX = 1000000000 };

/* A line that is being read. */
struct reading {
	struct figures *f;
	struct arena *a;
	struct jtext_members members;
	struct practice *practice;
	const char *id, *status;
	bool failed;    /* it has an error */
	enum fate fate; /* FATE_NONE: the event has another line, which tells it */
	size_t type;
	int64_t received, at; /* 0: not told */
};

/* Words of the EMR's and the CRM's come to a terminal, or a mail: all are taken through these two. */
static const char *string(const struct reading *r, struct str value)
{
	return str_plain(jtext_string(r->a, value));
}

static const char *scalar(const struct reading *r, struct str value)
{
	return str_plain(jtext_scalar(r->a, value));
}

static const char *text(const struct reading *r, const char *name)
{
	return scalar(r, jtext_member(&r->members, name));
}

/* A count; 0 where it is none, or more than anybody has. */
static int64_t number(struct str value)
{
	int64_t n = jtext_type(value) == JTEXT_NUMBER ? str_number(value.p) : 0;
	return n > 0 && n <= COUNT_MAX ? n : 0;
}

/* A time's moment; 0: it tells none. */
static int64_t moment(const struct reading *r, const char *name)
{
	int64_t ms = 0;
	const char *time = text(r, name);
	return time && when_moment(str_of(time), &ms) ? ms : 0;
}

/* --- What is told of a practice --- */

static void set_text(char **to, const char *text)
{
	if (!text)
		return;
	free(*to);
	*to = allocated(strdup(text));
}

static void read_pipelines(const struct reading *r)
{
	for (struct str at = {0}, list = jtext_member(&r->members, "pipelines"); jtext_next(list, &at);) {
		const char *name = string(r, jtext_get(at, "name"));
		struct funnel *funnel =
			name ? funnels_tell(&r->f->funnels, name, string(r, jtext_get(at, "lost"))) : NULL;
		for (struct str stage = {0}, stages = jtext_get(at, "stages"); funnel && jtext_next(stages, &stage);)
			if (jtext_type(stage) == JTEXT_STRING)
				funnel_stage_tell(funnel, string(r, stage));
	}
}

static void read_span(const struct reading *r)
{
	struct figures *f = r->f;
	int64_t since = moment(r, "since"), until = moment(r, "until");
	if (since)
		f->first = day_of(since) < f->first ? day_of(since) : f->first;
	if (until && day_of(until - 1) > f->last)
		f->last = day_of(until - 1);
}

static void read_practice(const struct reading *r)
{
	struct practice *p = r->practice;
	set_text(&p->configuration, text(r, "configuration"));
	set_text(&p->zone, text(r, "timezone"));
	if (p->zone)
		when_zone(p->zone);
	p->patientnow_limit = number(jtext_member(&r->members, "patientnow_limit"));
	p->crm_limit = 0;
	for (struct str at = {0}, list = jtext_member(&r->members, "crm_limits"); jtext_next(list, &at);)
		p->crm_limit += number(jtext_get(at, "day_max"));
	read_span(r);
	read_pipelines(r);
}

/* --- What an audit has found --- */

static void read_difference(const struct reading *r)
{
	struct figures *f = r->f;
	f->audit.made = true;
	f->audit.events++;
	for (struct str at = {0}, list = jtext_member(&r->members, "differences"); jtext_next(list, &at);) {
		const char *name = string(r, jtext_get(at, "name"));
		const char *is = string(r, jtext_get(at, "is"));
		if (name)
			tally_add(&f->audit.names, is ? arena_printf(r->a, "%s %s", name, is) : name, 0, r->id);
	}
}

/* --- What became of an event --- */

static enum fate fate_of(const char *word)
{
	if (word && (strcmp(word, "running") == 0))
		return FATE_WAITING;
	if (word && strcmp(word, "dead") == 0)
		return FATE_FAILED;
	enum fate fate = 0;
	while (fate < FATES && (!word || strcmp(fates[fate].key, word) != 0))
		fate++;
	return fate;
}

static void count_event(const struct reading *r, struct day *day)
{
	r->f->events[r->type][r->fate]++;
	r->practice->fates[r->fate]++;
	if (day)
		day->events[r->type][r->fate]++;
	else
		r->f->undated++;
}

/* Settled by hand, an event has waited for a person. */
static void count_wait(const struct reading *r, struct day *day)
{
	if (!r->received || !r->at || r->at < r->received || r->fate == FATE_WAITING || r->fate == FATE_DROPPED)
		return;
	waits_add(&r->f->waits, r->at - r->received);
	waits_add(&r->practice->waits, r->at - r->received);
	if (day)
		waits_add(&day->waits, r->at - r->received);
}

/* A service's row. Returns its part of the amount. */
static int64_t count_item(const struct reading *r, struct str item)
{
	int64_t cents = 0;
	const char *name = string(r, jtext_get(item, "name"));
	const char *amount = scalar(r, jtext_get(item, "amount"));
	if (!name || !amount || !money_read(str_of(amount), &cents))
		return 0;
	tally_add(&r->f->services, name, cents, NULL);
	return cents;
}

static void count_value(const struct reading *r, struct str action, struct day *day)
{
	int64_t cents, rest;
	const char *amount = scalar(r, jtext_get(action, "amount"));
	struct str items = jtext_get(action, "items");
	if (!amount || !money_read(str_of(amount), &cents))
		return;
	rest = cents;
	for (struct str at = {0}; jtext_next(items, &at);)
		rest -= count_item(r, at);
	if (rest)
		tally_add(&r->f->services, items.p ? "Not of an item" : "Corrections", rest, NULL);
	r->f->bills++;
	r->f->value += cents;
	r->practice->value += cents;
	if (day)
		day->value += cents;
}

/* Whose opportunity it is: the patient's, as far as they are known. */
static uint64_t patient_of(const struct reading *r)
{
	const char *who = text(r, "patient_id");
	who = who ? who : text(r, "contact_id");
	return str_hash(who ? who : r->id ? r->id : "") ^ str_hash(r->practice->name) * 31;
}

static void count_actions(const struct reading *r, struct day *day)
{
	for (struct str at = {0}, list = jtext_member(&r->members, "actions"); jtext_next(list, &at);) {
		struct str op = jtext_get(at, "op");
		if (str_is(op, "\"ltv.add\"")) {
			count_value(r, at, day);
		} else if (str_is(op, "\"opportunity.move\"")) {
			const char *pipeline = string(r, jtext_get(at, "pipeline"));
			const char *stage = string(r, jtext_get(at, "stage"));
			if (pipeline && stage)
				funnels_add(&r->f->funnels, pipeline, stage, patient_of(r), r->received);
		}
	}
}

/* Requests, by the day in UTC on which they were made: that is the day whose limit they count for. */
static void count_calls(const struct reading *r)
{
	int64_t crm = number(jtext_member(&r->members, "calls"));
	int64_t patientnow = number(jtext_member(&r->members, "patientnow_calls"));
	int64_t when = r->at ? r->at : r->received;
	struct day *day = when ? days_get(&r->f->days, when / 86400000) : NULL;
	r->f->crm += crm;
	r->f->patientnow += patientnow;
	r->practice->crm += crm;
	r->practice->patientnow += patientnow;
	if (!day)
		return;
	day->crm += crm;
	day->patientnow += patientnow;
}

static void count_causes(const struct reading *r)
{
	static const enum cause_kind kinds[FATES] = {[FATE_SKIPPED] = CAUSE_SKIPPED,
		[FATE_IGNORED] = CAUSE_IGNORED,
		[FATE_FAILED] = CAUSE_FAILED,
		[FATE_WAITING] = CAUSE_WAITING,
		[FATE_DROPPED] = CAUSE_DROPPED};
	struct causes *c = &r->f->causes;
	struct str error = jtext_member(&r->members, "error");
	const char *code = string(r, jtext_get(error, "code"));
	const char *message = string(r, jtext_get(error, "message"));
	const char *reason = text(r, "reason");
	if (r->fate == FATE_DONE)
		for (struct str at = {0}, list = jtext_member(&r->members, "warnings"); jtext_next(list, &at);)
			if (jtext_type(at) == JTEXT_STRING)
				causes_add(c, CAUSE_WARNED, r->practice, "", string(r, at), r->id);
	if (r->fate == FATE_DONE || r->fate == FATE_UNCHANGED || (r->fate == FATE_WAITING && !code))
		return;
	causes_add(c, kinds[r->fate], r->practice, code ? code : "",
		message  ? message
		: reason ? reason
				 : "nothing tells why",
		r->id);
}

/* The event's day. */
static struct day *day_at(const struct reading *r)
{
	struct figures *f = r->f;
	int64_t number = r->received ? day_of(r->received) : 0;
	struct day *day = r->received ? days_get(&f->days, number) : NULL;
	if (day && number < f->first)
		f->first = number;
	if (day && number > f->last)
		f->last = number;
	return day;
}

static void read_result(struct reading *r)
{
	struct day *day = day_at(r);
	const char *type = text(r, "uncategorized");
	count_calls(r);
	count_actions(r, day);
	if (r->fate == FATE_NONE) {
		r->f->tried++;
		return;
	}
	count_event(r, day);
	count_wait(r, day);
	count_causes(r);
	if (!type)
		return;
	tally_add(&r->f->uncategorized, type, 0, r->id);
	r->practice->uncategorized++;
}

/* Whether a line is an object, whose members are then known. */
static bool open_line(struct reading *r, struct figures *f, struct arena *a, struct str line)
{
	struct jtext_error error;
	if (!jtext_check(line, &error) || jtext_type(line) != JTEXT_OBJECT)
		return false;
	*r = (struct reading){.f = f, .a = a, .members = jtext_members(a, line)};
	r->id = text(r, "id");
	r->status = text(r, "status");
	r->failed = jtext_type(jtext_member(&r->members, "error")) == JTEXT_OBJECT;
	return true;
}

/* An event that agrees has no line, or one that says nothing here. */
bool report_read_audit(struct figures *f, struct arena *a, struct str line)
{
	struct reading r;
	if (!open_line(&r, f, a, line) || (!r.status && !r.failed))
		return false;
	if (r.status && strcmp(r.status, "differs") == 0)
		read_difference(&r);
	else if (r.failed || strcmp(r.status, "failed") == 0)
		f->audit.failed++;
	return true;
}

bool report_read(struct figures *f, struct arena *a, struct str line)
{
	struct reading r;
	if (!open_line(&r, f, a, line))
		return false;
	const char *name = text(&r, "practice"), *state = text(&r, "state"), *status = r.status;
	if (status && strcmp(status, "differs") == 0) {
		read_difference(&r);
		return true;
	}
	bool told = name && !r.id && text(&r, "timezone");
	if (!status && !state && !r.failed && !told)
		return false;
	r.received = moment(&r, "received");
	r.at = moment(&r, "at");
	/* of a result alone, its status; with the inbox's words, the last line of an event has its state */
	r.fate = state ? fate_of(state) : r.received && r.at ? FATE_NONE : fate_of(status ? status : "failed");
	if (!told && r.fate == FATE_NONE && !(r.received && r.at))
		return false;
	r.practice = figures_practice(f, name ? name : "");
	if (told) {
		read_practice(&r);
		return true;
	}
	enum event_type type = event_type_of(text(&r, "type"));
	r.type = type == EVENT_UNKNOWN ? TYPES - 1 : (size_t)type;
	read_result(&r);
	return true;
}
