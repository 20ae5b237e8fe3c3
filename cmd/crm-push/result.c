/* What an event comes to, put down while it is at work, then written in the record's place. */
#include "push.h"

static const char *const words[] = {[OUT_DONE] = "done",
	[OUT_UNCHANGED] = "unchanged",
	[OUT_IGNORED] = "ignored",
	[OUT_SKIPPED] = "skipped",
	[OUT_FAILED] = "failed"};

enum outcome push_result_fail(struct push_work *w, const char *code, bool retry, const char *message)
{
	w->result.code = code;
	w->result.retry = retry;
	w->result.retry_after = 0;
	w->result.error = message;
	return OUT_FAILED;
}

enum outcome push_result_malformed(struct push_work *w, const char *message)
{
	return push_result_fail(w, "malformed", false, message);
}

enum outcome push_result_fail_with(struct push_work *w, const struct crm_answer *answer)
{
	push_result_fail(w, answer->code, answer->retry, answer->error);
	w->result.retry_after = answer->retry_after;
	return OUT_FAILED;
}

enum outcome push_result_fail_state(struct push_work *w, const char *used)
{
	return push_result_fail(w, "state", true, arena_printf(w->a, "the state cannot be %s", used));
}

enum outcome push_result_reason(struct push_work *w, enum outcome out, const char *reason)
{
	w->result.reason = reason;
	return out;
}

static void warn_with(struct push_work *w, const char *format, va_list args)
{
	const char *text = arena_vprintf(w->a, format, args);
	if (w->is_one_of)
		text = arena_printf(w->a, "sub-account %s: %s", w->location->id, text);
	if (w->result.warnings.n)
		buf_putc(&w->result.warnings, ',');
	buf_json(&w->result.warnings, str_of(text));
}

void push_result_warn(struct push_work *w, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	warn_with(w, format, args);
	va_end(args);
}

enum outcome push_result_left_out(struct push_work *w, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	warn_with(w, format, args);
	va_end(args);
	w->result.incomplete = true;
	return OUT_SKIPPED;
}

void push_result_changed(struct push_work *w, const char *what)
{
	struct push_result *r = &w->result;
	for (size_t i = 0; i < r->changes; i++)
		if (strcmp(r->change[i], what) == 0)
			return;
	if (r->changes < COUNT(r->change))
		r->change[r->changes++] = what;
}

static void append(struct buf *list, const struct buf *more, char between)
{
	if (list->n && more->n)
		buf_putc(list, between);
	buf_add(list, buf_str(more));
}

void push_result_action(struct push_work *w, const char *op, enum outcome out, double ms)
{
	struct buf *b = &w->result.actions;
	if (b->n)
		buf_putc(b, ',');
	buf_putc(b, '{');
	buf_member(b, "op", op);
	buf_member(b, "location_id", w->is_one_of ? w->location->id : NULL);
	buf_member(b, "status", words[out]);
	append(b, &w->result.told, ',');
	if (w->result.http)
		buf_printf(b, ",\"http\":%ld", w->result.http);
	buf_printf(b, ",\"ms\":%.0f}", ms);
}

void push_result_head(const struct push_work *w, struct buf *out)
{
	const struct push_event *e = w->event;
	buf_member(out, "id", e->id);
	buf_member(out, "type", e->type == EVENT_UNKNOWN ? NULL : event_type_name(e->type));
	buf_member(out, "practice", w->push->conf->practice);
	buf_member(out, "patient_id", e->patient);
	buf_member(out, "contact_id", push_contact_shown(w));
	buf_member(out, "location_id", w->location ? w->location->id : NULL);
}

/* ,"error":{…} of the event's failure here. */
static void write_failure(const struct push_work *w, struct buf *out)
{
	buf_puts(out, ",\"error\":{");
	buf_member(out, "stage", w->event->r->stage);
	buf_member(out, "code", w->result.code);
	buf_member(out, "message", w->result.error);
	buf_printf(out, ",\"retry\":%s", w->result.retry ? "true" : "false");
	if (w->result.retry_after)
		buf_printf(out, ",\"retry_after\":%lld", (long long)w->result.retry_after);
	buf_putc(out, '}');
}

/* What became of the event in one of its sub-accounts. */
static void write_location(const struct push_work *one, enum outcome out, struct buf *list)
{
	if (list->n)
		buf_putc(list, ',');
	buf_putc(list, '{');
	buf_member(list, "location_id", one->location->id);
	buf_member(list, "contact_id", push_contact_shown(one));
	buf_member(list, "status", words[out]);
	buf_member(list, "reason", out == OUT_DONE || out == OUT_FAILED ? NULL : one->result.reason);
	if (out == OUT_FAILED)
		write_failure(one, list);
	buf_putc(list, '}');
}

/* Takes over what one has come to; the words of a failure begin with before. A failure that can be tried
 * again is the one that is told, lest it be given up; it was no try only where none of them was. */
static void take_over(struct push_work *w, struct push_work *one, enum outcome out, const char *before)
{
	struct push_result *r = &w->result, *of = &one->result;
	r->calls += of->calls;
	r->ms += of->ms;
	append(&r->actions, &of->actions, ',');
	append(&r->warnings, &of->warnings, ',');
	append(&r->shown, &of->shown, '\n');
	r->differs |= of->differs;
	int64_t after = r->error && of->retry_after > r->retry_after ? r->retry_after : of->retry_after;
	if (out == OUT_FAILED && (!r->error || (of->retry && !r->retry)))
		push_result_fail(w, of->code, of->retry, arena_printf(w->a, "%s%s", before, of->error));
	if (out == OUT_FAILED)
		r->retry_after = after;
	push_result_free(of);
}

enum outcome push_result_add(struct push_work *w, struct push_work *one, enum outcome all, enum outcome out)
{
	if (!w->location) {
		w->location = one->location;
		w->contact.id = one->contact.id;
		all = push_result_reason(w, out, one->result.reason);
	}
	write_location(one, out, &w->result.locations);
	take_over(w, one, out, arena_printf(w->a, "sub-account %s: ", one->location->id));
	if (all == OUT_FAILED || out == OUT_FAILED)
		return OUT_FAILED;
	return out == OUT_DONE ? OUT_DONE : all;
}

void push_result_join(struct push_work *w, struct push_work *one, enum outcome out)
{
	w->result.incomplete |= one->result.incomplete;
	for (size_t i = 0; i < one->result.changes; i++)
		push_result_changed(w, one->result.change[i]);
	take_over(w, one, out, "");
}

/* The error, or the one that the record came with. */
static void write_error(const struct push_work *w, struct buf *out)
{
	const struct record *r = w->event->r;
	struct str raw = record_get(r, "raw");
	if (w->result.error) {
		write_failure(w, out);
		return;
	}
	buf_puts(out, ",\"error\":");
	buf_add(out, record_get(r, "error"));
	if (!w->event->id && raw.p) { /* a line that was no event: it has nothing but itself to be found by */
		buf_puts(out, ",\"raw\":");
		buf_add(out, raw);
	}
}

/* ,"name":[…], with the elements that the record has in such a list already (array; p NULL: none) first. */
static void write_list(struct buf *out, const char *name, struct str array, const struct buf *list)
{
	buf_printf(out, ",\"%s\":[", name);
	size_t start = out->n;
	for (struct str at = {0}; jtext_next(array, &at);) {
		if (out->n > start)
			buf_putc(out, ',');
		buf_add(out, at);
	}
	if (out->n > start && list->n)
		buf_putc(out, ',');
	buf_add(out, buf_str(list));
	buf_putc(out, ']');
}

/* What pnow-enrich has told of the event: numbers and its own words, whatever else stands there. */
static void write_patientnow(struct push_work *w, struct buf *out)
{
	struct str calls = record_get(w->event->r, "patientnow_calls");
	struct str wait = record_get(w->event->r, "patientnow_wait"), ms = jtext_get(wait, "ms");
	const char *why = jtext_string(w->a, jtext_get(wait, "why"));
	if (jtext_type(calls) == JTEXT_NUMBER)
		buf_printf(out, ",\"patientnow_calls\":%.*s", (int)calls.n, calls.p);
	if (jtext_type(ms) == JTEXT_NUMBER && why &&
		(strcmp(why, "gathering") == 0 || strcmp(why, "spread") == 0))
		buf_printf(out, ",\"patientnow_wait\":{\"ms\":%.*s,\"why\":\"%s\"}", (int)ms.n, ms.p, why);
}

/* What failed before was not looked up. */
const char *push_result_uncategorized(struct push_work *w)
{
	const struct record *r = w->event->r;
	bool visit = w->event->type != EVENT_UNKNOWN && w->event->kind == KIND_APPOINTMENT;
	return visit && !record_get(r, "category").p && !record_get(r, "error").p
			   ? jtext_string(w->a, jtext_get(record_get(r, "appointment"), "type"))
			   : NULL;
}

/* Why no opportunity moves for an appointment; NULL: one does, or this is none, or it is history. */
static const char *unmoved(struct push_work *w)
{
	const struct record *r = w->event->r;
	const char *type = push_result_uncategorized(w), *category = record_text(r, "category");
	if (w->event->type == EVENT_UNKNOWN || w->event->kind != KIND_APPOINTMENT || w->event->backfill)
		return NULL;
	if (type)
		return arena_printf(w->a, "the type \"%s\" is not in the sheet", type);
	if (!record_get(r, "pipeline").p)
		return category ? arena_printf(w->a, "none does for %s", category) : "its type is not told";
	return w->push->conf->move_opportunities ? NULL : "move_opportunities is false";
}

/* The result names ids, never a patient. */
void push_result_write(struct push_work *w, enum outcome out)
{
	const struct push_result *r = &w->result;
	struct buf b = {0};
	if (w->push->mirror && r->shown.n) { /* what differs elsewhere */
		buf_add(&b, buf_str(&r->shown));
		buf_putc(&b, '\n');
	}
	buf_putc(&b, '{');
	push_result_head(w, &b);
	buf_member(&b, "status", words[out]);
	if (out == OUT_IGNORED || out == OUT_SKIPPED || out == OUT_UNCHANGED)
		buf_member(&b, "reason", r->reason);
	buf_member(&b, "uncategorized", push_result_uncategorized(w));
	if (out == OUT_DONE)
		buf_member(&b, "unmoved", unmoved(w));
	buf_printf(&b, ",\"ms\":%.0f,\"calls\":%u", r->ms, r->calls);
	write_patientnow(w, &b);
	write_list(&b, "actions", (struct str){0}, &r->actions);
	if (r->locations.n)
		write_list(&b, "locations", (struct str){0}, &r->locations);
	write_list(&b, "warnings", record_get(w->event->r, "warnings"), &r->warnings);
	if (out == OUT_FAILED)
		write_error(w, &b);
	buf_putc(&b, '}');
	record_replace(w->event->r, push_text(w->a, &b));
}

void push_result_free(struct push_result *result)
{
	buf_free(&result->actions);
	buf_free(&result->locations);
	buf_free(&result->warnings);
	buf_free(&result->shown);
	buf_free(&result->told);
}
