/*
 * Requests to the CRM: made, or, in a dry run, shown.
 *
 * What must not happen twice is written into the ledger when the request's turn at the CRM's limit has come:
 * who is killed before has begun nothing, however long requests wait. A turn whose effect cannot be written
 * down is given back. What the CRM has refused, or could not be sent, is taken back before it is tried again.
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

/* A request that is about to be made. */
struct attempt {
	struct push_work *w;
	const struct push_begin *begin; /* NULL: nothing is written down */
	bool unkept;                    /* since the ledger cannot be written */
};

/* Whether the event has its locks still. */
static bool stands(const struct push_work *w)
{
	return locks_stand(w->push->locks, w->event->session);
}

/* Whether what changes something may be sent. */
static bool may(void *context)
{
	struct attempt *t = context;
	bool stood = stands(t->w);
	if (!stood || !t->begin)
		return stood;
	enum ledger_effect is = t->begin->begin(t->begin->context);
	t->unkept = is == EFFECT_FAILED;
	return is == EFFECT_NEW && stands(t->w);
}

static void undone(void *context)
{
	const struct attempt *t = context;
	t->begin->undone(t->begin->context);
}

/* Why it was not sent. */
static void explain(const struct attempt *t, struct crm_answer *answer)
{
	answer->retry = true;
	if (t->unkept) {
		push_result_fail_state(t->w, "written");
		answer->code = t->w->result.code;
		answer->error = t->w->result.error;
		return;
	}
	answer->code = "locks";
	answer->error = "the event's locks were lost with the connection to the database: it is begun anew";
	answer->retry_after = 1;
}

struct crm_answer push_request_begun(struct push_work *w, const char *method, const char *path,
	struct str body, bool repeatable, const struct push_begin *begin)
{
	bool changes = strcmp(method, "GET") != 0;
	if (w->push->dry) {
		if (begin)
			begin->begin(begin->context);
		if (changes)
			show(w, method, path, body);
		return (struct crm_answer){.outcome = HTTP_ANSWERED, .status = 200, .body = STR("{}")};
	}
	struct attempt attempt = {.w = w, .begin = begin};
	struct crm_request made = {.method = method,
		.path = path,
		.body = body,
		.repeatable = repeatable,
		.yields = w->event->backfill,
		.may = changes ? may : NULL,
		.undone = begin && begin->undone ? undone : NULL,
		.context = &attempt};
	struct crm_answer answer = crm_call(w->push->crm, w->a, w->location, &made);
	if (answer.stopped)
		explain(&attempt, &answer);
	w->result.calls += answer.calls;
	w->result.ms += answer.ms;
	w->result.http = answer.status;
	return answer;
}

struct crm_answer push_request(
	struct push_work *w, const char *method, const char *path, struct str body, bool repeatable)
{
	return push_request_begun(w, method, path, body, repeatable, NULL);
}

struct beginning {
	struct push_work *w;
	struct push_effect effect;
};

/* The first one of its strand is written down with those of others. */
static enum ledger_effect begin_effect(void *context)
{
	struct beginning *b = context;
	struct push_effect *e = &b->effect;
	struct push_together *together = b->w->together;
	b->w->together = NULL;
	if (together)
		return push_together_begin(together, e);
	return ledger_effect_begin(b->w->push->state, e->location, e->name, e->contact, e->since);
}

static void undo_effect(void *context)
{
	const struct beginning *b = context;
	if (ledger_undone(b->w->push->state, b->effect.location, b->effect.name))
		*b->effect.since = 0;
}

struct crm_answer push_request_once(
	struct push_work *w, const char *path, struct str body, const char *effect, int64_t *since)
{
	struct beginning b = {
		w, {.location = w->location->id, .name = effect, .contact = w->contact.id, .since = since}};
	struct push_begin begin = {begin_effect, undo_effect, &b};
	return push_request_begun(w, "POST", path, body, false, w->push->state ? &begin : NULL);
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
	return answer->outcome == HTTP_UNSENT ||
		   (answer->status >= 400 && answer->status < 500 && answer->status != 408);
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
