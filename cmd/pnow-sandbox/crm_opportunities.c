/*
 * Opportunities: search, create, read, update, delete. A stage must be of its pipeline; a stage that is not
 * given is the pipeline's first.
 */
#include "answer.h"
#include "crm.h"
#include "crm_contract.h"
#include "crm_search.h"
#include "crm_store.h"
#include "route.h"
#include "sandbox.h"
#include "text.h"
#include "webhooks.h"
#include <stdlib.h>

/* The opportunity of the path, if the token may see it; answers where not. */
static struct opportunity *opportunity_of_path(struct sandbox *s, struct request *r)
{
	struct opportunity *o = opportunity_by_id(&s->crm, r->arg[0]);
	if (!o) {
		answer_error(r, 400, "Opportunity with id %s not found", r->arg[0]);
		return NULL;
	}
	return crm_allowed(r, o->contact->location->id) ? o : NULL;
}

/* Answers with {"opportunity":…}. */
static void answer_opportunity(struct request *r, unsigned status, const struct opportunity *o)
{
	struct json_object *value = json_object_new_object();
	json_object_object_add(value, "opportunity", opportunity_shown(o));
	answer_json(r, status, value);
}

/* Whether the pipeline and stage of the body (else those of o, which may be NULL) exist and belong together;
   answers 400 where not. *stage is then the stage's id. */
static bool right_stage(struct request *r, const struct opportunity *o, const char **stage)
{
	struct json_object *own = o ? o->own : NULL;
	const char *pipeline_id = member_text(r->json, "pipelineId");
	const char *stage_id = member_text(r->json, "pipelineStageId");
	if (!pipeline_id)
		pipeline_id = member_text(own, "pipelineId");
	if (!stage_id)
		stage_id = member_text(own, "pipelineStageId");
	struct json_object *pipeline = pipeline_with(r->location, "id", pipeline_id);
	if (!pipeline) {
		answer_error(r, 400, "The pipeline id is invalid.");
		return false;
	}
	struct json_object *is = stage_with(pipeline, "id", stage_id);
	if (!is && !member_text(r->json, "pipelineStageId"))
		is = json_object_array_get_idx(member(pipeline, "stages"), 0);
	if (!is) {
		answer_error(r, 400, "The pipeline stage id is invalid.");
		return false;
	}
	*stage = member_text(is, "id");
	return true;
}

/* Writes a body that was checked; tells searches and webhooks what changed. */
static void opportunity_write(
	struct sandbox *s, struct opportunity *o, struct json_object *body, const char *stage)
{
	static const struct {
		const char *property, *since, *event;
	} told[] = {
		{"pipelineStageId", "lastStageChangeAt", "OpportunityStageUpdate"},
		{"status", "lastStatusChangeAt", "OpportunityStatusUpdate"},
		{"monetaryValue", NULL, "OpportunityMonetaryValueUpdate"},
	};
	struct json_object *before = json_copy(o->own);
	char now[WHEN_TEXT];

	when_now(now);
	for (struct each m = {0}; each_member(body, &m);)
		json_object_object_add(o->own, m.name, json_copy(m.value));
	member_set(o->own, "pipelineStageId", stage);
	for (size_t i = 0; i < COUNT(told); i++)
		if (told[i].since &&
			!json_object_equal(member(before, told[i].property), member(o->own, told[i].property)))
			member_set(o->own, told[i].since, now);
	opportunity_written(s, o);
	for (size_t i = 0; i < COUNT(told); i++)
		if (member(before, "createdAt") &&
			!json_object_equal(member(before, told[i].property), member(o->own, told[i].property)))
			webhook_opportunity(s, told[i].event, o);
	json_object_put(before);
}

/* Whether the contact has an opportunity in the pipeline already, where the location allows only one; answers
 * 400. */
static bool second(struct request *r, const struct contact *c)
{
	struct opportunity *o;
	if (!r->location->one_opportunity)
		return false;
	for (o = TAILQ_FIRST(&c->opportunities); o; o = TAILQ_NEXT(o, next_of_contact)) {
		if (json_object_equal(member(o->own, "pipelineId"), member(r->json, "pipelineId"))) {
			answer_error(r, 400, "Can not create duplicate opportunity for the contact.");
			return true;
		}
	}
	return false;
}

/* POST /opportunities/ */
void opportunity_create(struct sandbox *s, struct request *r)
{
	const char *stage;
	char now[WHEN_TEXT];
	if (!contract_body(r, CONTRACT_OPPORTUNITY_CREATE) || !crm_allowed(r, member_text(r->json, "locationId")))
		return;
	struct contact *c = contact_by_id(&s->crm, member_text(r->json, "contactId"));
	if (!c || c->location != r->location) {
		answer_error(r, 400, "The contact id is invalid.");
		return;
	}
	if (!right_stage(r, NULL, &stage) || second(r, c))
		return;
	struct opportunity *o = opportunity_new(s, c, NULL);
	json_object_object_del(r->json, "contactId");
	json_object_object_del(r->json, "locationId");
	opportunity_write(s, o, r->json, stage);
	when_now(now);
	member_set(o->own, "createdAt", now);
	webhook_opportunity(s, "OpportunityCreate", o);
	answer_opportunity(r, 201, o);
}

/* GET /opportunities/{id} */
void opportunity_get(struct sandbox *s, struct request *r)
{
	struct opportunity *o = opportunity_of_path(s, r);
	if (o)
		answer_opportunity(r, 200, o);
}

/* PUT /opportunities/{id} */
void opportunity_put(struct sandbox *s, struct request *r)
{
	const char *stage;
	struct opportunity *o = contract_body(r, CONTRACT_OPPORTUNITY_UPDATE) ? opportunity_of_path(s, r) : NULL;
	if (!o || !right_stage(r, o, &stage))
		return;
	opportunity_write(s, o, r->json, stage);
	answer_opportunity(r, 200, o);
}

/* PUT /opportunities/{id}/status */
void opportunity_status(struct sandbox *s, struct request *r)
{
	struct opportunity *o = contract_body(r, CONTRACT_OPPORTUNITY_STATUS) ? opportunity_of_path(s, r) : NULL;
	if (!o)
		return;
	opportunity_write(s, o, r->json, member_text(o->own, "pipelineStageId"));
	answer_succeeded(r);
}

/* DELETE /opportunities/{id} */
void opportunity_remove(struct sandbox *s, struct request *r)
{
	struct opportunity *o = opportunity_of_path(s, r);
	if (!o)
		return;
	webhook_opportunity(s, "OpportunityDelete", o);
	opportunity_delete(&s->crm, o);
	answer_succeeded(r);
}

/* The parameters of a search that pick opportunities, and what of them they are compared with. */
static const struct {
	const char *parameter, *property;
} picks[] = {
	{"id", "id"},
	{"contact_id", "contactId"},
	{"pipeline_id", "pipelineId"},
	{"pipeline_stage_id", "pipelineStageId"},
	{"status", "status"},
	{"assigned_to", "assignedTo"},
};

/* One page of what a search picks: opportunities are offered to it, and it keeps those between first and
 * last. */
struct page {
	const char *want[COUNT(picks)]; /* NULL: any */
	const char *q;
	struct json_object *list;
	long number, first, last, total;
};

/* The page that a request asks for. */
static struct page page_asked(const struct request *r)
{
	long limit = request_number(r, "limit", 20, 1, 100), number = request_number(r, "page", 1, 1, 1000000);
	struct page page = {.list = json_object_new_array(),
		.number = number,
		.first = (number - 1) * limit + 1,
		.last = number * limit};
	for (size_t i = 0; i < COUNT(picks); i++) {
		const char *want = request_query(r, picks[i].parameter);
		bool any = !want || !*want || (strcmp(picks[i].property, "status") == 0 && strcmp(want, "all") == 0);
		page.want[i] = any ? NULL : want;
	}
	page.q = request_query(r, "q");
	if (page.q && !*page.q)
		page.q = NULL;
	return page;
}

/* Whether a page wants an opportunity with these properties. */
static bool wanted(const struct page *page, struct json_object *own)
{
	for (size_t i = 0; i < COUNT(picks); i++) {
		const char *is = page->want[i] ? member_text(own, picks[i].property) : NULL;
		if (page->want[i] && (!is || strcmp(page->want[i], is) != 0))
			return false;
	}
	return true;
}

/* Whether q is part of its name, or of its contact's name, e-mail or phone. */
static bool mentions(struct json_object *shown, const char *q)
{
	struct json_object *contact = member(shown, "contact");
	const char *texts[] = {member_text(shown, "name"), member_text(contact, "name"),
		member_text(contact, "email"), member_text(contact, "phone")};
	for (size_t i = 0; i < COUNT(texts); i++)
		if (texts[i] && strcasestr(texts[i], q))
			return true;
	return false;
}

/* Offers an opportunity to the page. */
static void offer(struct sandbox *s, struct page *page, const struct opportunity *o)
{
	struct json_object *own = search_own(s, o), *shown;
	if (!own || !wanted(page, own))
		return;
	bool on_page = page->total + 1 >= page->first && page->total < page->last;
	if (!on_page && !page->q) {
		page->total++;
		return;
	}
	shown = search_opportunity(s, o);
	if (!page->q || mentions(shown, page->q)) {
		page->total++;
		if (on_page)
			json_object_array_add(page->list, json_object_get(shown));
	}
	json_object_put(shown);
}

/* A page's number, or null. */
static struct json_object *page_number(long n, bool is)
{
	return is ? json_object_new_int64(n) : NULL;
}

/* GET /opportunities/search: names in snake case, unlike all others. */
void opportunity_search(struct sandbox *s, struct request *r)
{
	static const char *const names[] = {"location_id", "q", "pipeline_id", "pipeline_stage_id", "contact_id",
		"status", "assigned_to", "campaignId", "id", "order", "endDate", "startAfter", "startAfterId", "date",
		"country", "page", "limit", "getTasks", "getNotes", "getCalendarEvents", NULL};
	if (!contract_query(r, names) || !crm_allowed(r, request_query(r, "location_id")))
		return;
	const char *contact_id = request_query(r, "contact_id");
	struct page page = page_asked(r);
	struct opportunity *o;

	if (contact_id && *contact_id) {
		struct contact *c = contact_by_id(&s->crm, contact_id);
		if (c && c->location == r->location)
			for (o = TAILQ_FIRST(&c->opportunities); o; o = TAILQ_NEXT(o, next_of_contact))
				offer(s, &page, o);
	} else {
		for (o = TAILQ_FIRST(&s->crm.opportunities); o; o = TAILQ_NEXT(o, next))
			if (o->contact->location == r->location)
				offer(s, &page, o);
	}
	struct json_object *value = json_object_new_object(), *meta = json_object_new_object();
	json_object_object_add(value, "opportunities", page.list);
	json_object_object_add(meta, "total", json_object_new_int64(page.total));
	json_object_object_add(meta, "currentPage", json_object_new_int64(page.number));
	json_object_object_add(meta, "nextPage", page_number(page.number + 1, page.total > page.last));
	json_object_object_add(meta, "prevPage", page_number(page.number - 1, page.number > 1));
	json_object_object_add(value, "meta", meta);
	answer_json(r, 200, value);
}
