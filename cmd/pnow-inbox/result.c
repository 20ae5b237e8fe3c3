/* What a pipeline answers: which event it is about, what has become of it, and what of the line is worth
 * keeping. */
#include "pnow-inbox.h"
#include "state/told.h"

#include <stdlib.h>

/* What is kept of a result; an event that passed as it was is not one. */
static const char *const kept[] = {"id", "type", "practice", "patient_id", "contact_id", "location_id",
	"status", "reason", "uncategorized", "unmoved", "ms", "calls", "patientnow_calls", "patientnow_wait",
	"actions", "locations", "warnings", "error"};
static const char *const kept_of_event[] = {
	"id", "type", "practice", "ignored", "patientnow_calls", "patientnow_wait", "warnings", "error"};

static const char *const statuses[] = {"done", "unchanged", "ignored", "skipped", "failed"};

static bool is_status(const char *text)
{
	for (size_t i = 0; i < COUNT(statuses); i++)
		if (strcmp(statuses[i], text) == 0)
			return true;
	return false;
}

/* The line's members of these names; status where the line has none of its own. */
static struct str reduced(
	struct arena *a, struct str line, const char *const *names, size_t n, const char *status)
{
	const struct jtext_members members = jtext_members(a, line);
	struct buf out = {0};
	buf_putc(&out, '{');
	for (size_t i = 0; i < n; i++) {
		struct str value = jtext_member(&members, names[i]);
		if (!value.p)
			continue;
		buf_printf(&out, "%s\"%s\":", out.n > 1 ? "," : "", names[i]);
		buf_add(&out, value);
	}
	buf_member(&out, "status", status);
	buf_putc(&out, '}');
	struct str text = buf_take(&out, a);
	return text;
}

/* A failure that this program found. */
static struct str failure(struct arena *a, const char *id, const char *code, const char *message, bool retry)
{
	struct buf out = {0};
	buf_putc(&out, '{');
	buf_member(&out, "id", id);
	buf_puts(&out, ",\"status\":\"failed\",\"error\":{\"stage\":\"pnow-inbox\"");
	buf_member(&out, "code", code);
	buf_member(&out, "message", message);
	buf_printf(&out, ",\"retry\":%s}}", retry ? "true" : "false");
	struct str text = buf_take(&out, a);
	return text;
}

const char *result_cause(struct arena *a, const struct inbox_result *result)
{
	static const char *const ours[] = {
		"pnow-enrich", "categorize", "crm-map", "pnow-push", "crm-push", "pnow-inbox"};
	struct str error = jtext_get(result->line, "error");
	const char *stage = jtext_string(a, jtext_get(error, "stage"));
	const char *message = jtext_string(a, jtext_get(error, "message"));
	for (size_t i = 0; stage && message && i < COUNT(ours); i++)
		if (strcmp(ours[i], stage) == 0)
			return arena_printf(a, "%s: %s", result->failure, message);
	return result->failure;
}

struct inbox_result result_missing(struct arena *a, const char *id, bool crashed)
{
	struct str line =
		crashed
			? failure(a, id, "crashed", "the pipeline dies whenever it is given this event", true)
			: failure(a, id, "no_result", "the pipeline has ended and gave no result for this event", true);
	return (struct inbox_result){
		.id = id, .status = "failed", .retry = true, .failure = told_failure(a, line), .line = line};
}

/* At most a day. */
static int64_t seconds_of(struct arena *a, struct str number)
{
	const char *text = jtext_type(number) == JTEXT_NUMBER ? jtext_scalar(a, number) : NULL;
	const char *problem = NULL;
	int64_t seconds = text ? strtonum(text, 0, 86400, &problem) : 0;
	return problem ? 0 : seconds;
}

const char *result_read(struct arena *a, struct str line, struct inbox_result *result)
{
	struct jtext_error problem;
	if (!jtext_check(line, &problem))
		return "the pipeline wrote a line that is no JSON: it was passed over";
	struct str error = jtext_get(line, "error");
	bool failed = jtext_type(error) == JTEXT_OBJECT;
	const char *status = jtext_string(a, jtext_get(line, "status"));
	*result = (struct inbox_result){.id = jtext_scalar(a, jtext_get(line, "id")),
		.status = status                                                   ? status
				  : failed                                                 ? "failed"
				  : jtext_type(jtext_get(line, "ignored")) == JTEXT_STRING ? "ignored"
																		   : "done",
		.retry = jtext_type(jtext_get(error, "retry")) == JTEXT_TRUE,
		.retry_after = seconds_of(a, jtext_get(error, "retry_after")),
		.patient = jtext_scalar(a, jtext_get(line, "patient_id")),
		.contact = jtext_scalar(a, jtext_get(line, "contact_id"))};
	if (!result->id)
		return "the pipeline wrote a line without an id: it was passed over";
	if (!status) {
		result->line = reduced(a, line, kept_of_event, COUNT(kept_of_event), result->status);
	} else if (is_status(status)) {
		result->line = reduced(a, line, kept, COUNT(kept), NULL);
	} else {
		result->status = "failed";
		result->retry = false;
		result->line = failure(a, result->id, "bad_status",
			"the pipeline's result has a status other than done, unchanged, ignored, skipped and failed",
			false);
	}
	if (strcmp(result->status, "failed") == 0)
		result->failure = told_failure(a, result->line);
	return NULL;
}
