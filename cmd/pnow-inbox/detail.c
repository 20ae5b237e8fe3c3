/* What a result says, in words for people: why it is as it is, what was carried out, what was not. */
#include "pnow-inbox.h"

#include <stdlib.h>

/* Begins another part of a text. */
static void next(struct buf *text)
{
	buf_puts(text, text->n ? "; " : "");
}

/* Its error, or its reason. */
static void add_reason(struct arena *a, struct buf *text, struct str result)
{
	struct str error = jtext_get(result, "error");
	const char *code = jtext_string(a, jtext_get(error, "code"));
	const char *message = jtext_string(a, jtext_get(error, "message"));
	const char *reason = jtext_string(a, jtext_get(result, "reason"));
	if (code)
		buf_printf(text, "%s: %s", code, message ? message : "");
	else if (reason)
		buf_puts(text, reason);
}

/* What was carried out: contact.upsert, opportunity.move (Non-Surgical: Booked), workflow.add (skipped). */
static void add_operations(struct arena *a, struct buf *text, struct str result)
{
	for (struct str at = {0}, actions = jtext_get(result, "actions"); jtext_next(actions, &at);) {
		const char *op = jtext_string(a, jtext_get(at, "op"));
		const char *status = jtext_string(a, jtext_get(at, "status"));
		const char *pipeline = jtext_string(a, jtext_get(at, "pipeline"));
		const char *stage = jtext_string(a, jtext_get(at, "stage"));
		if (!op)
			continue;
		buf_printf(text, "%s%s", text->n ? ", " : "", op);
		if (pipeline && stage)
			buf_printf(text, " (%s: %s)", pipeline, stage);
		else if (status && strcmp(status, "done") != 0)
			buf_printf(text, " (%s)", status);
	}
}

/* For how long the event waited, and why: a member of its result that says so. */
static void add_wait(
	struct arena *a, struct buf *text, struct str wait, const char *how, const char *for_whom)
{
	int64_t ms = state_number(jtext_scalar(a, jtext_get(wait, "ms")));
	const char *reason = jtext_string(a, jtext_get(wait, "why"));
	if (ms <= 0 || !reason)
		return;
	next(text);
	buf_printf(text, "%s %lld s%s: %s", how, (long long)ms / 1000, for_whom, reason);
}

/* So that PatientNow's calls of the day last, within one attempt (pnow-enrich(1)), and before it. */
static void add_waits(struct arena *a, struct buf *text, struct str result)
{
	add_wait(a, text, jtext_get(result, "patientnow_wait"), "waited", " for PatientNow");
	add_wait(a, text, jtext_get(result, "put_off"), "put off for", "");
}

/* What was left out. */
static void add_left_out(struct arena *a, struct buf *text, struct str result)
{
	const char *unmoved = jtext_string(a, jtext_get(result, "unmoved"));
	if (unmoved) {
		next(text);
		buf_printf(text, "no opportunity moves: %s", unmoved);
	}
	for (struct str at = {0}, warnings = jtext_get(result, "warnings"); jtext_next(warnings, &at);) {
		const char *warning = jtext_string(a, at);
		if (!warning)
			continue;
		next(text);
		buf_puts(text, warning);
	}
}

static const char *end(struct arena *a, struct buf *text)
{
	const char *all = text->n ? arena_copy(a, buf_str(text)) : NULL;
	buf_free(text);
	return all;
}

const char *detail_why(struct arena *a, struct str result)
{
	struct buf text = {0};
	add_reason(a, &text, result);
	add_left_out(a, &text, result);
	return end(a, &text);
}

const char *detail_all(struct arena *a, struct str result)
{
	struct buf text = {0};
	add_reason(a, &text, result);
	if (!text.n)
		add_operations(a, &text, result);
	add_waits(a, &text, result);
	add_left_out(a, &text, result);
	return end(a, &text);
}
