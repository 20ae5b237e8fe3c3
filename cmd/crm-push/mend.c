/*
 * Puts right what an audit has found (-R): fields, tags, where the opportunity stands, its status and value.
 * Each of these is a state, which may be written any number of times; so a kill at any line does no harm, and
 * neither does another run. A note, an enrolment and an addition are none, and nothing here makes one.
 */
#include "push.h"

/* The contact's properties, without the ones in without[], and custom fields. */
static struct str fields_of(struct push_work *w, const struct push_mend *m, const char *const *without)
{
	struct buf body = {0};
	const char *set = arena_printf(w->a, "{%.*s}", (int)m->set.n, m->set.n ? m->set.p : "");
	struct jtext_members members = jtext_members(w->a, str_of(set));
	buf_putc(&body, '{');
	for (size_t i = 0; i < members.n; i++) {
		const char *name = arena_copy(w->a, members.at[i].name);
		if (!push_contact_left_out(without, name))
			buf_member(&body, name, jtext_string(w->a, members.at[i].value));
	}
	if (m->fields.n)
		buf_printf(&body, "%s\"customFields\":[%.*s]", body.n > 1 ? "," : "", (int)m->fields.n, m->fields.p);
	buf_putc(&body, '}');
	return push_text(w->a, &body);
}

/* Writes them, without an e-mail or phone that the CRM refuses. */
static enum outcome write_fields(struct push_work *w, const struct push_mend *m)
{
	if (!m->set.n && !m->fields.n)
		return OUT_DONE;
	struct str sent = fields_of(w, m, NULL);
	struct crm_answer answer = push_request_update(w, sent);
	const char *const *without = push_contact_unfit(w, &answer, sent);
	if (without) {
		push_result_warn(w, "the CRM does not take the %s: not set", push_contact_words(without));
		sent = fields_of(w, m, without);
		if (str_is(sent, "{}"))
			return OUT_DONE;
		answer = push_request_update(w, sent);
	}
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

/* The value of the contact's opportunities in some pipelines. */
static enum outcome write_values(struct push_work *w, const struct push_mend *m)
{
	if (!m->values.n)
		return OUT_DONE;
	w->action = str_of(arena_printf(w->a, "{\"pipelines\":[%.*s]}", (int)m->values.n, m->values.p));
	return push_opportunity_value(w);
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
		out = write_values(w, m);
	if (out != OUT_FAILED)
		out = carry_out(w, m->calendar, push_calendar_set);
	push_mirror_forget(w);
	return out != OUT_FAILED && w->result.warnings.n > warnings ? OUT_SKIPPED : out;
}
