/*
 * Opportunities: one for a contact in a pipeline. The ledger remembers the ones that we made or met, because
 * a search lags behind writes.
 */
#include "push.h"
#include "value/money.h"
#include "value/when.h"

enum { INDEX_MS = 60 * 1000 }; /* a search may miss what was written in the last minute */

#define DRY_OPPORTUNITY "{opportunity}" /* so a dry run calls one that only the CRM will know */

/* The contact's opportunity in a pipeline; *id NULL: it has none that can be seen. */
static enum outcome find(struct push_work *w, const char *pipeline, const char **id)
{
	*id = NULL;
	if (!w->push->state)
		return OUT_DONE;
	*id = ledger_opportunity(w->push->state, w->a, w->location->id, w->contact.id, pipeline);
	if (*id)
		return OUT_DONE;
	enum outcome out = push_standing_search(w);
	for (struct str at = {0}; out == OUT_DONE && !*id && jtext_next(w->contact.opportunities, &at);)
		if (push_has_text(w->a, at, "pipelineId", pipeline))
			*id = jtext_string(w->a, jtext_get(at, "id"));
	if (*id)
		ledger_opportunity_set(w->push->state, w->location->id, w->contact.id, pipeline, *id);
	return out;
}

static const char *opportunity_path(struct push_work *w, const char *id)
{
	bool shown = !id || strcmp(id, DRY_OPPORTUNITY) == 0;
	return arena_printf(w->a, "/opportunities/%s", shown ? DRY_OPPORTUNITY : http_encode(w->a, id));
}

/* The name that a new opportunity gets: the contact's. */
static const char *person(struct push_work *w)
{
	const char *name = push_contact_name(w);
	if (name)
		return name;
	name = jtext_string(w->a, jtext_get(w->contact.now, "name"));
	return name && *name ? name : arena_printf(w->a, "Patient %s", w->event->patient);
}

/* Keeps the opportunity that a create has made. */
static enum outcome keep(struct push_work *w, const char *effect, const char *pipeline, const char *id)
{
	if (!id)
		return push_result_fail(w, "bad_answer", true, "the CRM's answer has no opportunity in it");
	if (!ledger_opportunity_set(w->push->state, w->location->id, w->contact.id, pipeline, id))
		return push_result_fail_state(w, "written");
	ledger_undone(w->push->state, w->location->id, effect);
	return OUT_DONE;
}

/* Makes the opportunity. A create whose answer was lost is not repeated before a search would show it: then
 * it was not made. A gap in the ledger makes none doubtful, since whoever creates has searched. */
static enum outcome create(struct push_work *w, const char *pipeline, const char *stage, const char *status)
{
	struct state *state = w->push->state;
	const char *effect = arena_printf(w->a, "opportunity/%s/%s", w->contact.id, pipeline);
	int64_t since = 0;
	enum ledger_effect known =
		state ? ledger_effect(state, w->location->id, effect, w->contact.id, 0, &since) : EFFECT_NEW;
	if (known == EFFECT_FAILED)
		return push_result_fail_state(w, "written");
	if (known != EFFECT_NEW && when_now_ms() - since < INDEX_MS)
		return push_result_fail(w, "lost", true,
			"the answer to making the opportunity was lost; a search shows in a minute whether it is there");
	struct buf body = {0};
	buf_putc(&body, '{');
	buf_member(&body, "pipelineId", pipeline);
	buf_member(&body, "locationId", w->location->id);
	buf_member(&body, "name", person(w));
	buf_member(&body, "pipelineStageId", stage);
	buf_member(&body, "status", status);
	buf_member(&body, "contactId", push_contact_shown(w));
	buf_putc(&body, '}');
	struct crm_answer answer = push_request_once(w, "/opportunities/", buf_str(&body), effect, &since);
	buf_free(&body);
	if (w->push->dry)
		return state ? keep(w, effect, pipeline, DRY_OPPORTUNITY) : OUT_DONE;
	if (!answer.error)
		return keep(
			w, effect, pipeline, jtext_string(w->a, jtext_get(jtext_get(answer.body, "opportunity"), "id")));
	return push_result_fail_with(w, &answer);
}

/* PUT /opportunities/ID; OUT_IGNORED where the CRM does not have it any more. *held: its status then, NULL
 * where the answer does not tell it. */
static enum outcome put(struct push_work *w, const char *id, struct str body, const char **held)
{
	struct crm_answer answer = push_request(w, "PUT", opportunity_path(w, id), body, true);
	if (crm_gone(w->a, &answer)) {
		push_standing_forget(w, id);
		return OUT_IGNORED;
	}
	*held = jtext_string(w->a, jtext_get(jtext_get(answer.body, "opportunity"), "status"));
	return answer.error ? push_result_fail_with(w, &answer) : OUT_DONE;
}

/* Sets the status alone. */
static enum outcome put_status(struct push_work *w, const char *id, const char *status)
{
	const char *held = NULL;
	struct buf body = {0};
	buf_putc(&body, '{');
	buf_member(&body, "status", status);
	buf_putc(&body, '}');
	enum outcome out = put(w, id, buf_str(&body), &held);
	buf_free(&body);
	return out;
}

/* Staff have won an opportunity: its contact is a patient, and says so. */
static enum outcome won_by_hand(struct push_work *w)
{
	enum outcome out = push_standing_is_patient(w);
	return out == OUT_DONE && w->upsert.p ? push_contact_standing(w) : out;
}

/* Moves an opportunity. A lead's keeps its status on the way, lest one that staff have won be opened again;
 * the answer tells. */
static enum outcome move(
	struct push_work *w, const char *id, const char *pipeline, const char *stage, const char *status)
{
	const char *held = NULL;
	struct buf body = {0};
	buf_putc(&body, '{');
	buf_member(&body, "pipelineId", pipeline);
	buf_member(&body, "pipelineStageId", stage);
	bool open = status && strcmp(status, "open") == 0;
	if (!open)
		buf_member(&body, "status", status);
	buf_putc(&body, '}');
	enum outcome out = put(w, id, buf_str(&body), &held);
	buf_free(&body);
	if (out != OUT_DONE || !open || !held || strcmp(held, "open") == 0)
		return out;
	return strcmp(held, "won") == 0 ? won_by_hand(w) : put_status(w, id, status);
}

/* The event has changed an opportunity: for the audit, which has to know whether it was a lead's then. */
static void changed_opportunity(struct push_work *w, const char *change)
{
	push_result_changed(w, change);
	if (w->contact.standing != STANDING_PATIENT)
		push_result_changed(w, arena_printf(w->a, CHANGE_OF_LEAD "%s", change));
}

/* Moves the opportunity to the action's stage, or makes it there. */
static enum outcome place(struct push_work *w)
{
	enum outcome out = OUT_DONE;
	const char *id = NULL;
	const char *pipeline_name = jtext_string(w->a, jtext_get(w->action, "pipeline"));
	const char *stage_name = jtext_string(w->a, jtext_get(w->action, "stage"));
	if (!pipeline_name || !stage_name)
		return push_result_malformed(w, "opportunity.move needs a pipeline and a stage");
	const char *pipeline, *stage = push_name_stage(w, pipeline_name, stage_name, &pipeline, &out);
	if (!stage || (out = push_standing_find(w)) != OUT_DONE)
		return out;
	const char *status = jtext_string(
		w->a, jtext_get(w->action, w->contact.standing == STANDING_PATIENT ? "patient" : "lead"));
	if ((out = find(w, pipeline, &id)) != OUT_DONE)
		return out;
	out = id ? move(w, id, pipeline, stage, status) : OUT_IGNORED;
	if (out == OUT_IGNORED && id && (out = find(w, pipeline, &id)) == OUT_DONE)
		out = id ? move(w, id, pipeline, stage, status) : OUT_IGNORED;
	if (out == OUT_IGNORED)
		out = create(w, pipeline, stage, status);
	if (out == OUT_DONE) {
		buf_member(&w->result.told, "pipeline", pipeline_name);
		buf_member(&w->result.told, "stage", stage_name);
		changed_opportunity(w, arena_printf(w->a, "opportunity.move/%s", pipeline_name));
	}
	return out == OUT_DONE && status && strcmp(status, "won") == 0 ? push_standing_is_patient(w) : out;
}

enum outcome push_opportunity_move(struct push_work *w)
{
	enum outcome out = place(w);
	if (out != OUT_FAILED || !push_request_refused(w) ||
		!names_doubt(w->push->names, w->location, NAME_PIPELINE))
		return out;
	return place(w);
}

/* Sets the value of the contact's opportunity in one pipeline, where it has one. */
static enum outcome set_value(struct push_work *w, const char *pipeline_name)
{
	enum outcome out = OUT_DONE;
	const char *id = NULL;
	char money[MONEY_TEXT];
	const char *held = NULL;
	struct buf body = {0};
	const char *pipeline = push_name_id(w, NAME_PIPELINE, pipeline_name, NULL, &out);
	if (!pipeline || (out = find(w, pipeline, &id)) != OUT_DONE)
		return out;
	if (!id && !w->push->dry)
		return OUT_IGNORED;
	if (!w->push->dry && (out = push_ltv_read(w)) != OUT_DONE)
		return out;
	bool patient = push_standing_known(w); /* a bill of nothing makes none */
	buf_putc(&body, '{');
	if (w->push->dry)
		buf_member(&body, "monetaryValue", "{Patient Lifetime Value}");
	else
		buf_printf(&body, "\"monetaryValue\":%s", money_text(w->contact.value, money));
	if (patient && w->push->conf->move_opportunities && !w->contact.keeps_status)
		buf_member(&body, "status", "won");
	buf_putc(&body, '}');
	out = put(w, id, buf_str(&body), &held);
	buf_free(&body);
	if (out == OUT_DONE)
		changed_opportunity(w, arena_printf(w->a, "opportunity.value/%s", pipeline_name));
	return out;
}

enum outcome push_opportunity_value(struct push_work *w)
{
	enum outcome all = OUT_IGNORED;
	for (struct str at = {0}, list = jtext_get(w->action, "pipelines"); jtext_next(list, &at);) {
		const char *name = jtext_string(w->a, at);
		enum outcome out = name ? set_value(w, name) : OUT_IGNORED;
		if (out == OUT_FAILED)
			return out;
		if (out == OUT_DONE || all == OUT_IGNORED)
			all = out;
	}
	return all;
}
