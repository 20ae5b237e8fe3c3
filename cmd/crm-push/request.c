/*
 * Requests to the CRM: made, or, in a dry run, shown.
 *
 * Where the state is PostgreSQL, an event's locks may be lost while it is at work (state/locks.c):
 *
 * - What changes something is sent only while they stand, asked when its turn has come. If they do not, the
 *   event fails and is begun anew, and what it has written into the ledger stays, as after a crash.
 * - They may be lost with the request on its way; it ends within -t. So who finds something begun waits until
 *   one that was sent at once must have ended, and LATE_MS for clocks of hosts that differ and for the
 * ledger's own commit.
 */
#include "push.h"
#include "state/postgres.h"
#include "value/when.h"

enum { LATE_MS = 5000 };

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

/* Whether the event has its locks still. */
static bool stands(void *context)
{
	const struct push_work *w = context;
	return locks_stand(w->push->locks, w->event->session);
}

struct crm_answer push_request(
	struct push_work *w, const char *method, const char *path, struct str body, bool repeatable)
{
	if (w->push->dry) {
		if (strcmp(method, "GET") != 0)
			show(w, method, path, body);
		return (struct crm_answer){.outcome = HTTP_ANSWERED, .status = 200, .body = STR("{}")};
	}
	struct crm_request made = {.method = method,
		.path = path,
		.body = body,
		.repeatable = repeatable,
		.yields = w->event->backfill,
		.may = strcmp(method, "GET") != 0 ? stands : NULL,
		.context = w};
	struct crm_answer answer = crm_call(w->push->crm, w->a, w->location, &made);
	if (answer.stopped) {
		answer.code = "locks";
		answer.error = "the event's locks were lost with the connection to the database: it is begun anew";
		answer.retry = true;
		answer.retry_after = 1;
	}
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

enum outcome push_request_await(struct push_work *w, int64_t since)
{
	int64_t left =
		postgres_is(w->push->conf->state) ? since + w->push->seconds * 1000 + LATE_MS - when_now_ms() : 0;
	if (left <= 0)
		return OUT_DONE;
	push_result_fail(w, "begun", true,
		"this was begun lately, perhaps by another host that cannot be heard: looked for when a request must have "
		"ended");
	w->result.retry_after = left / 1000 + 1;
	return OUT_FAILED;
}
