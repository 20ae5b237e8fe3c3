/*
 * One event: its actions in order, then a result that says what became of each. What the ledger knows is not
 * done again.
 */
#include "push.h"
#include "value/money.h"
#include "value/signature.h"
#include "value/when.h"

#include <stdlib.h>

static const struct {
	const char *op;
	enum outcome (*carry_out)(struct work *);
} operations[] = {
	{"contact.upsert", contact_upsert},
	{"ltv.add", ltv_add},
	{"note.add", note_add},
	{"tag.add", tag_add},
	{"tag.remove", tag_remove},
	{"workflow.add", workflow_add},
	{"opportunity.move", opportunity_move},
	{"opportunity.value", opportunity_value},
};

const char *const outcome_words[] = {[OUT_DONE] = "done",
	[OUT_UNCHANGED] = "unchanged",
	[OUT_IGNORED] = "ignored",
	[OUT_SKIPPED] = "skipped",
	[OUT_FAILED] = "failed"};

bool is_operation(const char *op)
{
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		if (strcmp(operations[i].op, op) == 0)
			return true;
	return false;
}

/* When the event occurred, milliseconds since 1970; by our clock where the sender's is ahead of it, lest
   everything that comes later seem older. 0: nobody knows; when a backfilled one was read does not tell. */
static int64_t moment_of(const struct work *w)
{
	const char *occurred = record_text(w->r, "occurred");
	const char *received = w->backfill ? NULL : record_text(w->r, "received");
	int64_t at = INT64_MAX, here = INT64_MAX;
	if (occurred)
		when_moment(str_of(occurred), &at);
	if (received)
		when_moment(str_of(received), &here);
	at = at < here ? at : here;
	return at == INT64_MAX ? 0 : at;
}

/* A text of the event's object: appointment.status. "" where there is none. */
static const char *part(const struct work *w, enum event_kind kind, const char *key)
{
	const char *text = jtext_scalar(w->a, jtext_get(record_get(w->r, event_kind_name(kind)), key));
	return text ? text : "";
}

/* The same for the ledger, which holds nothing of a person: what is no status, time, date or amount is free
 * text, and only a digest of it is kept. */
static const char *kept(const struct work *w, enum event_kind kind, const char *key)
{
	const char *text = part(w, kind, key);
	char time[WHEN_TEXT], hex[65];
	int64_t minor;
	if (!*text || status_shown(text) || when_time(str_of(text), false, time) ||
		when_date(str_of(text), false, time) || money_read(str_of(text), &minor))
		return text;
	signature_sha256_hex((struct str[]){str_of(text)}, 1, hex);
	return arena_copy(w->a, (struct str){hex, 32});
}

/* What the event is about and the state it brings: by these the ledger tells what is new (design.md section
 * 6, point 3). */
static void find_subject(struct work *w, struct str actions)
{
	enum event_kind kind = event_kind_of(w->type);
	const char *id = part(w, kind, "id"), *state = NULL;
	bool dated = record_get(w->r, "occurred").p != NULL;
	int64_t total = 0;
	switch (kind) {
	case KIND_PATIENT:
		state = person_state(w, actions);
		break;
	case KIND_APPOINTMENT:
		state = arena_printf(w->a, "%s %s", kept(w, kind, "status"), kept(w, kind, "start"));
		break;
	case KIND_BILL:
		money_read(str_of(part(w, kind, "total")), &total);
		state = arena_printf(w->a, "%lld", (long long)total);
		break;
	case KIND_MEMBERSHIP:
		state = arena_printf(w->a, "%s %s", kept(w, kind, "sold_date"), kept(w, kind, "amount"));
		break;
	case KIND_CONTACT: /* a tag may be set again, so each event stands alone; a hash names one only with its
						  time */
		id = arena_printf(w->a, "%s/%s/%lld", id, w->id, dated ? 0LL : (long long)moment_of(w));
		state = "tagged";
		break;
	default:
		break;
	}
	w->subject = (struct ledger_subject){.location = w->location->id,
		.subject = arena_printf(w->a, "%s/%s", event_kind_name(kind), id),
		.state = state,
		.event = w->id,
		.moment = moment_of(w),
		.yields = w->backfill,
		.dated = dated};
}

static void write_result_of_action(struct work *w, const char *op, enum outcome out, double ms)
{
	struct buf *b = &w->results;
	if (b->n)
		buf_putc(b, ',');
	buf_putc(b, '{');
	buf_member(b, "op", op);
	buf_member(b, "location_id", w->is_one_of ? w->location->id : NULL);
	buf_member(b, "status", outcome_words[out]);
	buf_member(b, "stage", w->stage);
	if (w->http)
		buf_printf(b, ",\"http\":%ld", w->http);
	buf_printf(b, ",\"ms\":%.0f}", ms);
}

static enum outcome carry_out(struct work *w)
{
	const char *op = jtext_string(w->a, jtext_get(w->action, "op"));
	for (size_t i = 0; op && i < sizeof operations / sizeof *operations; i++) {
		if (strcmp(operations[i].op, op) != 0)
			continue;
		if (i > 0 && !w->contact) {
			w->reason = "no contact is known for this patient";
			return OUT_SKIPPED;
		}
		double before = w->ms;
		w->http = 0;
		w->stage = NULL;
		enum outcome out = operations[i].carry_out(w);
		write_result_of_action(w, op, out, w->ms - before);
		return out;
	}
	return OUT_FAILED; /* check() has found every op to be one of these */
}

/* All actions in order; a failure ends it, and so does a contact that cannot be had. */
static enum outcome carry_out_all(struct work *w, struct str actions)
{
	enum outcome all = OUT_UNCHANGED;
	for (struct str at = {0}; jtext_next(actions, &at);) {
		w->action = at;
		enum outcome out = carry_out(w);
		if (out == OUT_FAILED || w->reason)
			return out;
		if (out != OUT_UNCHANGED)
			all = OUT_DONE;
	}
	return all;
}

/* The contact of the patient, or the one that a tagged contact's event is about. */
static void find_contact(struct work *w)
{
	if (w->type == EVENT_CONTACT_TAGGED)
		w->contact = jtext_scalar(w->a, jtext_get(record_get(w->r, "contact"), "id"));
	else if (w->patient && !w->push->dry)
		w->contact = ledger_contact(w->push->state, w->a, w->location->id, w->patient).id;
}

/* Who has written the contact since the last event about the patient or appointment did: another appointment,
 * or another patient with the same contact; subject NULL: nobody. */
static struct ledger_latest written_since(struct work *w)
{
	struct state *state = w->push->state;
	enum event_kind kind = event_kind_of(w->type);
	if (w->push->dry || !w->contact || (kind != KIND_PATIENT && kind != KIND_APPOINTMENT))
		return (struct ledger_latest){0};
	struct ledger_latest last =
		ledger_latest(state, w->a, w->location->id, w->contact, event_kind_name(kind));
	if (last.subject && strcmp(last.subject, w->subject.subject) != 0)
		return last;
	struct ledger_latest visit = ledger_latest(state, w->a, w->location->id, w->contact, CHANGE_PERSON);
	return kind == KIND_PATIENT && visit.at > last.at ? visit : (struct ledger_latest){0};
}

/* The same state is news again where it was written over before the event occurred: an appointment that was
 * asked for late has come in the state that only this event tells of. One that does not say when it occurred
 * does not tell that, and from a list it may come every night. */
static void find_written_over(struct work *w)
{
	struct ledger_latest since = written_since(w);
	w->subject.again = since.subject && w->subject.dated && w->subject.moment > since.moment;
	w->person_is_known &= !since.subject;
}

/* The actions, between what the ledger knows of the subject before and after. */
static enum outcome apply(struct work *w, struct str actions)
{
	if (w->push->dry || !w->subject.subject)
		return carry_out_all(w, actions);
	switch (ledger_begin(w->push->state, &w->subject)) {
	case LEDGER_KNOWN: /* the result that told what is undecided may have been lost */
		if (ledger_undecided_of(w->push->state, w->location->id, w->subject.subject) > 0)
			warn_undecided(w);
		w->reason = "applied before";
		return OUT_UNCHANGED;
	case LEDGER_OLDER:
		w->reason = "something newer was applied before";
		return OUT_UNCHANGED;
	case LEDGER_FAILED:
		return fail(w, "state", true, "the state file cannot be written");
	case LEDGER_NEWS:
		break;
	}
	history_look(w);
	enum outcome out = carry_out_all(w, actions);
	bool whole = (out == OUT_DONE || out == OUT_UNCHANGED) && !w->incomplete;
	struct ledger_end end = {.applied = whole && !w->subject.others,
		.contact = w->contact,
		.change = w->change,
		.changes = w->changes};
	if ((end.applied || end.changes) && !ledger_finish(w->push->state, &w->subject, &end) &&
		out != OUT_FAILED)
		return fail(w, "state", true, "the state file cannot be written");
	return out;
}

/* What an audit says of an event that differs in this sub-account; nothing of one that does not. */
static void write_differences(struct work *w)
{
	struct buf *out = &w->shown;
	if (!w->differences.n)
		return;
	buf_putc(out, '{');
	buf_member(out, "id", w->id);
	buf_member(out, "type", w->type == EVENT_UNKNOWN ? NULL : event_type_name(w->type));
	buf_member(out, "practice", w->push->conf->practice);
	buf_member(out, "patient_id", w->patient);
	buf_member(out, "contact_id", w->contact);
	buf_member(out, "location_id", w->location->id);
	buf_printf(
		out, ",\"status\":\"differs\",\"applied\":%s,\"differences\":[", w->applied ? "true" : "false");
	buf_add(out, buf_str(&w->differences));
	buf_puts(out, "]}");
}

/* What an event comes to in its sub-account. */
static enum outcome settle_there(struct work *w)
{
	struct str actions = record_get(w->r, "actions");
	find_subject(w, actions);
	find_contact(w);
	find_written_over(w);
	enum outcome out = w->push->mirror ? audit(w, actions) : apply(w, actions);
	if (w->locked)
		lock_free(w->push->locks, LOCK_CONTACT, w->contact);
	w->locked = false;
	if (w->push->mirror && out != OUT_FAILED)
		write_differences(w);
	return out;
}

/* What an event comes to. An event that carries an error has failed already. */
static enum outcome settle(struct work *w)
{
	struct str actions = record_get(w->r, "actions");
	w->reason = record_text(w->r, "ignored");
	if (w->reason)
		return OUT_IGNORED;
	if (w->type == EVENT_CONTACT_TAGGED && jtext_type(actions) != JTEXT_ARRAY) {
		w->reason = "a tagged contact, and pnow-push has written no actions for it";
		return OUT_IGNORED;
	}
	if (check(w, actions) == OUT_FAILED)
		return OUT_FAILED;
	bool locks = !w->push->dry && w->patient;
	if (locks)
		lock_take(w->push->locks, LOCK_PATIENT, w->patient);
	enum outcome out = location_each(w, settle_there);
	if (locks)
		lock_free(w->push->locks, LOCK_PATIENT, w->patient);
	return out;
}

/* The warnings that earlier filters gave, then ours. */
static void write_warnings(struct work *w, struct buf *out)
{
	buf_puts(out, ",\"warnings\":[");
	size_t start = out->n;
	for (struct str at = {0}, before = record_get(w->r, "warnings"); jtext_next(before, &at);) {
		if (out->n > start)
			buf_putc(out, ',');
		buf_add(out, at);
	}
	if (out->n > start && w->warnings.n)
		buf_putc(out, ',');
	buf_add(out, buf_str(&w->warnings));
	buf_putc(out, ']');
}

void write_failure(const struct work *w, struct buf *out)
{
	buf_puts(out, ",\"error\":{");
	buf_member(out, "stage", w->r->stage);
	buf_member(out, "code", w->code);
	buf_member(out, "message", w->error);
	buf_printf(out, ",\"retry\":%s}", w->retry ? "true" : "false");
}

static void write_error(struct work *w, struct buf *out)
{
	struct str given = record_get(w->r, "error"), raw = record_get(w->r, "raw");
	if (w->error) {
		write_failure(w, out);
		return;
	}
	buf_puts(out, ",\"error\":");
	buf_add(out, given);
	if (!w->id && raw.p) { /* a line that was no event: it has nothing but itself to be found by */
		buf_puts(out, ",\"raw\":");
		buf_add(out, raw);
	}
}

/* The result names ids, never a patient. */
static void write_result(struct work *w, enum outcome out)
{
	struct buf result = {0};
	if (w->push->mirror && w->shown.n) { /* what differs elsewhere */
		buf_add(&result, buf_str(&w->shown));
		buf_putc(&result, '\n');
	}
	buf_putc(&result, '{');
	buf_member(&result, "id", w->id);
	buf_member(&result, "type", w->type == EVENT_UNKNOWN ? NULL : event_type_name(w->type));
	buf_member(&result, "practice", w->push->conf->practice);
	buf_member(&result, "patient_id", w->patient);
	buf_member(&result, "contact_id", w->contact);
	buf_member(&result, "location_id", w->location ? w->location->id : NULL);
	buf_member(&result, "status", outcome_words[out]);
	if (out == OUT_IGNORED || out == OUT_SKIPPED || out == OUT_UNCHANGED)
		buf_member(&result, "reason", w->reason);
	buf_printf(&result, ",\"ms\":%.0f,\"calls\":%u", w->ms, w->calls);
	struct str patientnow = record_get(w->r, "patientnow_calls");
	if (jtext_type(patientnow) == JTEXT_NUMBER) {
		buf_puts(&result, ",\"patientnow_calls\":");
		buf_add(&result, patientnow);
	}
	buf_puts(&result, ",\"actions\":[");
	buf_add(&result, buf_str(&w->results));
	buf_putc(&result, ']');
	if (w->locations.n) {
		buf_puts(&result, ",\"locations\":[");
		buf_add(&result, buf_str(&w->locations));
		buf_putc(&result, ']');
	}
	write_warnings(w, &result);
	if (out == OUT_FAILED)
		write_error(w, &result);
	buf_putc(&result, '}');
	record_replace(w->r, (struct str){arena_copy(w->a, buf_str(&result)), result.n});
	buf_free(&result);
}

void push_event(struct record *r, void *context)
{
	struct work w = {.push = context, .r = r, .a = r->arena, .id = record_text(r, "id")};
	struct str error = record_get(r, "error");
	enum outcome out = OUT_FAILED;
	if (w.push->dry && record_get(r, "method").p)
		return; /* a request that pnow-push -n shows */
	const char *before = record_text(r, "crm_calls");
	w.calls = before ? (unsigned)strtoul(before, NULL, 10) : 0;
	w.type = event_type_of(record_text(r, "type"));
	w.backfill = jtext_type(record_get(r, "backfill")) == JTEXT_TRUE;
	w.patient = jtext_scalar(w.a, jtext_get(record_get(r, "patient"), "id"));
	if (jtext_type(error) == JTEXT_OBJECT)
		w.retry = jtext_type(jtext_get(error, "retry")) == JTEXT_TRUE;
	else if (!w.id)
		out = fail(&w, "malformed", false, "the event has no id");
	else
		out = settle(&w);
	calls_event(&w.push->calls, w.type);
	calls_add(&w.push->calls, w.type, w.calls);
	r->retry = out == OUT_FAILED && w.retry;
	r->failed = out == OUT_FAILED || (w.push->mirror && w.shown.n);
	if (out == OUT_FAILED || !(w.push->mirror || w.push->dry))
		write_result(&w, out);
	else
		record_replace(r, (struct str){arena_copy(w.a, buf_str(&w.shown)), w.shown.n});
	buf_free(&w.shown);
	buf_free(&w.results);
	buf_free(&w.warnings);
	buf_free(&w.differences);
	buf_free(&w.locations);
}
