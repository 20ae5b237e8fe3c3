/*
 * What is attached to a contact: notes, tags, enrolments. Tags are a set and may be sent again; a note and an
 * enrolment must not, so each is written into the ledger first (push_request_once). Where an answer was lost,
 * or the ledger has a gap (ledger_gap), the contact's notes tell; an enrolment cannot be read back and is not
 * repeated.
 */
#include "push.h"
#include "value/when.h"

enum { CLOCKS_MS = 5 * 60 * 1000 }; /* how far our clock and the CRM's may be apart */

const char *push_attach_effect(struct push_work *w, const char *what, bool once)
{
	if (!w->subject.subject)
		return arena_printf(w->a, "event/%s/%s", w->event->id, what);
	if (once)
		return arena_printf(w->a, "%s/%s", w->subject.subject, what);
	return arena_printf(w->a, "%s/%lld/%s", w->subject.subject, (long long)w->subject.seq, what);
}

void push_attach_undecided(struct push_work *w, const char *workflow)
{
	push_result_warn(w,
		"nobody knows whether the contact was enrolled in %s: that was not repeated, look whether the contact is in it",
		workflow ? arena_printf(w->a, "the workflow \"%s\"", workflow) : "a workflow");
}

/* Finds that out, and puts down what was found. OUT_IGNORED: the effect may be tried again. */
static enum outcome look(struct push_work *w, const char *effect, int64_t since, push_look_fn *begun)
{
	struct state *state = w->push->state;
	const char *made = NULL;
	enum outcome out = begun(w, since, &made);
	bool kept = true;
	if (out == OUT_DONE)
		kept = ledger_done(state, w->location->id, effect, made);
	if (out == OUT_SKIPPED) {
		kept = ledger_undecided(state, w->location->id, effect);
		push_attach_undecided(w, jtext_string(w->a, jtext_get(w->action, "workflow")));
		out = OUT_DONE;
	}
	return kept ? out : push_result_fail_state(w, "written");
}

enum outcome push_attach_once(struct push_work *w, const char *effect, const char *path, struct str body,
	const char *key, push_look_fn *begun)
{
	struct state *state = w->push->state;
	const char *location = w->location->id;
	int64_t since = 0;
	enum ledger_effect known =
		state ? ledger_effect(state, location, effect, w->contact.id, w->gap.effects, &since) : EFFECT_NEW;
	if (known == EFFECT_FAILED)
		return push_result_fail_state(w, "written");
	if (known == EFFECT_DONE)
		return OUT_UNCHANGED;
	if (known == EFFECT_UNDECIDED) { /* told again: the result that told it may have been lost */
		push_attach_undecided(w, jtext_string(w->a, jtext_get(w->action, "workflow")));
		return OUT_UNCHANGED;
	}
	if (known == EFFECT_BEGUN) {
		enum outcome out = push_request_await(w, since);
		if (out == OUT_DONE)
			out = look(w, effect, since, begun);
		if (out != OUT_IGNORED)
			return out;
	}
	struct crm_answer answer = push_request_once(w, path, body, effect, &since);
	if (!state)
		return OUT_DONE;
	if (!answer.error || (answer.status >= 200 && answer.status < 300))
		return ledger_done(state, location, effect,
				   jtext_scalar(w->a, jtext_get(key ? jtext_get(answer.body, key) : answer.body, "id")))
				   ? OUT_DONE
				   : push_result_fail_state(w, "written");
	if (push_request_undone(&answer) || answer.stopped)
		return push_result_fail_with(w, &answer);
	/* sent, and the answer was lost or says that something broke: look, now */
	enum outcome out = look(w, effect, since, begun);
	if (out == OUT_IGNORED) {
		ledger_undone(state, location, effect);
		return push_result_fail(w, answer.code, true, answer.error);
	}
	return out;
}

/* Whether the contact has an action's note, written since then, and not by another effect: a visit that is
   booked, cancelled and booked again has two notes of one text. */
static enum outcome find_note(struct push_work *w, struct str action, int64_t since, const char **made)
{
	const char *wanted = jtext_string(w->a, jtext_get(action, "body"));
	struct crm_answer answer = push_request(w, "GET", push_request_path(w, "/notes"), (struct str){0}, true);
	if (answer.error)
		return push_result_fail_with(w, &answer);
	for (struct str at = {0}, list = jtext_get(answer.body, "notes"); jtext_next(list, &at);) {
		const char *body = jtext_string(w->a, jtext_get(at, "body"));
		const char *added = jtext_string(w->a, jtext_get(at, "dateAdded"));
		*made = jtext_scalar(w->a, jtext_get(at, "id"));
		int64_t moment = 0;
		if (body && wanted && strcmp(body, wanted) == 0 &&
			(!added || !when_moment(str_of(added), &moment) || moment >= since - CLOCKS_MS) &&
			!(*made && ledger_made(w->push->state, w->location->id, *made)))
			return OUT_DONE;
	}
	return OUT_IGNORED;
}

static enum outcome note_is_there(struct push_work *w, int64_t since, const char **made)
{
	return find_note(w, w->action, since, made);
}

/* The event's action that adds its note; p NULL: it has none. */
static struct str note_of(const struct push_work *w)
{
	struct str at = {0};
	while (jtext_next(w->event->actions, &at))
		if (push_has_text(w->a, at, "op", "note.add"))
			return at;
	return (struct str){0};
}

/* Whether an event that occurred in the gap was carried out there, its note tells; but one that was in hand
   when the gap ended may have come to anything before that, so what cannot be looked for is not repeated. An
   event of which nobody knows when it occurred is more likely to be a new one: it is carried out unless its
   note is there. */
enum outcome push_attach_gap(struct push_work *w)
{
	struct push_gap *gap = &w->gap;
	const char *made;
	bool told;
	int64_t earliest = push_subject_earliest(w, &told);
	gap->looked = true;
	gap->since = w->push->dry ? 0 : ledger_gap(w->push->state, earliest);
	if (!gap->since)
		return OUT_DONE;
	struct str note = w->contact.id ? note_of(w) : (struct str){0};
	enum outcome noted = note.p ? find_note(w, note, gap->since, &made) : OUT_IGNORED;
	gap->noted = noted == OUT_DONE;
	if (told || gap->noted || !note.p)
		gap->effects = gap->since;
	return noted == OUT_FAILED ? OUT_FAILED : OUT_DONE;
}

enum outcome push_attach_note(struct push_work *w)
{
	struct buf body = {0};
	const char *text = jtext_string(w->a, jtext_get(w->action, "body"));
	if (!text)
		return push_result_malformed(w, "note.add needs a body");
	buf_putc(&body, '{');
	buf_member(&body, "body", text);
	buf_putc(&body, '}');
	enum outcome out = push_attach_once(w, push_attach_effect(w, "note.add", false),
		push_request_path(w, "/notes"), buf_str(&body), "note", note_is_there);
	buf_free(&body);
	return out;
}

/* An enrolment cannot be read back; a second one would text the patient twice. */
static enum outcome nobody_knows(struct push_work *w, int64_t since, const char **made)
{
	(void)w;
	(void)since;
	(void)made;
	return OUT_SKIPPED;
}

static enum outcome enrol(struct push_work *w, const char *name)
{
	enum outcome out = OUT_DONE;
	const char *id = push_name_id(w, NAME_WORKFLOW, name, NULL, &out);
	if (!id)
		return out;
	const char *effect = push_attach_effect(
		w, arena_printf(w->a, "workflow.add/%s", name), w->event->type == EVENT_BILL_COMPLETED);
	const char *path =
		push_request_path(w, arena_printf(w->a, "/workflow/%s", w->push->dry ? id : http_encode(w->a, id)));
	w->result.http = 0;
	return push_attach_once(w, effect, path, STR("{}"), "enrolment", nobody_knows);
}

/* A workflow that the CRM refuses (unpublished, say) does not keep the rest of the event from being done. */
enum outcome push_attach_workflow(struct push_work *w)
{
	const char *name = jtext_string(w->a, jtext_get(w->action, "workflow"));
	if (!name)
		return push_result_malformed(w, "workflow.add needs a workflow");
	enum outcome out = enrol(w, name);
	if (out == OUT_FAILED && push_request_refused(w) &&
		names_doubt(w->push->names, w->location, NAME_WORKFLOW))
		out = enrol(w, name);
	if (out != OUT_FAILED || !push_request_refused(w))
		return out;
	return push_result_left_out(
		w, "the CRM refused the enrolment in the workflow \"%s\": left out; is it published?", name);
}

static enum outcome change_tags(struct push_work *w, const char *method)
{
	struct str tags = jtext_get(w->action, "tags");
	if (jtext_type(tags) != JTEXT_ARRAY)
		return push_result_malformed(w, "a tag action needs tags");
	struct buf body = {0};
	buf_puts(&body, "{\"tags\":");
	buf_add(&body, tags);
	buf_putc(&body, '}');
	struct crm_answer answer = push_request(w, method, push_request_path(w, "/tags"), buf_str(&body), true);
	buf_free(&body);
	return answer.error ? push_result_fail_with(w, &answer) : OUT_DONE;
}

enum outcome push_attach_tag(struct push_work *w)
{
	enum outcome out = change_tags(w, "POST");
	for (struct str at = {0}; out == OUT_DONE && jtext_next(jtext_get(w->action, "tags"), &at);)
		push_result_changed(w, arena_printf(w->a, "tag.add/%s", jtext_string(w->a, at)));
	return out;
}

enum outcome push_attach_untag(struct push_work *w)
{
	return change_tags(w, "DELETE");
}
