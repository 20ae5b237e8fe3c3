/* Requests to the CRM: made, or, in a dry run, shown. */
#include "push.h"

static void show(struct push_work *w, const char *method, const char *path, struct str body)
{
	struct buf *out = &w->result.shown;
	if (out->n)
		buf_putc(out, '\n');
	buf_putc(out, '{');
	buf_member(out, "id", w->event->id);
	buf_member(out, "method", method);
	buf_member(out, "path", path);
	if (body.p) {
		buf_puts(out, ",\"body\":");
		buf_add(out, body);
	}
	buf_putc(out, '}');
}

struct crm_answer push_request(
	struct push_work *w, const char *method, const char *path, struct str body, bool repeatable)
{
	if (w->push->dry) {
		if (strcmp(method, "GET") != 0)
			show(w, method, path, body);
		return (struct crm_answer){.outcome = HTTP_ANSWERED, .status = 200, .body = STR("{}")};
	}
	struct crm_request made = {
		.method = method, .path = path, .body = body, .repeatable = repeatable, .yields = w->event->backfill};
	struct crm_answer answer = crm_call(w->push->crm, w->a, w->location, &made);
	w->result.calls += answer.calls;
	w->result.ms += answer.ms;
	w->result.http = answer.status;
	return answer;
}

struct crm_answer push_request_update(struct push_work *w, struct str body)
{
	return push_request(w, "PUT", push_request_path(w, ""), body, true);
}

const char *push_request_path(struct push_work *w, const char *behind)
{
	const char *shown = push_contact_shown(w);
	bool braces = w->push->dry && *shown == '{';
	return arena_printf(w->a, "/contacts/%s%s", braces ? shown : http_encode(w->a, shown), behind);
}

bool push_request_refused(const struct push_work *w)
{
	return w->result.http == 400 || w->result.http == 404 || w->result.http == 422;
}

bool push_request_undone(const struct crm_answer *answer)
{
	return answer->outcome == HTTP_UNSENT || (answer->status >= 400 && answer->status < 500);
}
