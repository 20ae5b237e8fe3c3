/*
 * Puts right what an audit has found (-R): fields, tags, where the opportunity stands, its status and value.
 * Each of these is a state, which may be written any number of times; so a kill at any line does no harm, and
 * neither does another run. A note, an enrolment and an addition are none, and nothing here makes one.
 */
#include "push.h"

/* The contact's properties and custom fields. */
static enum outcome write_fields(struct push_work *w, const struct push_mend *m)
{
	struct buf body = {0};
	if (!m->set.n && !m->fields.n)
		return OUT_DONE;
	buf_putc(&body, '{');
	buf_add(&body, buf_str(&m->set));
	if (m->fields.n)
		buf_printf(&body, "%s\"customFields\":[%.*s]", m->set.n ? "," : "", (int)m->fields.n, m->fields.p);
	buf_putc(&body, '}');
	struct str sent = push_text(w->a, &body);
	struct crm_answer answer = push_request_update(w, sent);
	if (answer.error)
		return push_result_fail_with(w, &answer);
	push_contact_answered(w, sent, jtext_get(answer.body, "contact"));
	if (!w->contact.fields_are_old)
		return OUT_DONE;
	return push_result_fail(w, "dropped", true,
		"the CRM did not take a custom field: its id may be an old one, and is looked up next time");
}

static enum outcome write_tags(struct push_work *w, const struct push_mend *m)
{
	if (!m->tags.n)
		return OUT_DONE;
	const char *body = arena_printf(w->a, "{\"tags\":[%.*s]}", (int)m->tags.n, m->tags.p);
	struct crm_answer answer = push_request(w, "POST", push_request_path(w, "/tags"), str_of(body), true);
	return answer.error ? push_result_fail_with(w, &answer) : OUT_DONE;
}

static enum outcome carry_out(struct push_work *w, struct str action, enum outcome (*one)(struct push_work *))
{
	w->action = action;
	return action.p ? one(w) : OUT_DONE;
}

enum outcome push_mend(struct push_work *w, const struct push_mend *m)
{
	size_t warnings = w->result.warnings.n;
	enum outcome out = write_fields(w, m);
	if (out != OUT_FAILED)
		out = write_tags(w, m);
	if (out != OUT_FAILED)
		out = carry_out(w, m->move, push_opportunity_move);
	if (out != OUT_FAILED)
		out = carry_out(w, m->value, push_opportunity_value);
	push_mirror_forget(w);
	return out != OUT_FAILED && w->result.warnings.n > warnings ? OUT_SKIPPED : out;
}
