/*
 * PatientNow: one store for patients, appointments, bills and memberships, spoken to in two dialects. Here
 * are the store and the Pro dialect, whose property names are the ones that the store keeps; essentials.c has
 * the other. The vendor publishes neither bodies nor names for Pro; these are what the profile patientnow-pro
 * reads.
 */
#include "patientnow.h"
#include "answer.h"
#include "route.h"
#include "sandbox.h"
#include "text.h"
#include "value/last_name.h"
#include "value/when.h"
#include "webhooks.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* An empty practice. */
void practice_open(struct practice *p)
{
	*p = (struct practice){.types = json_object_new_array()};
	for (size_t i = 0; i < SHELVES; i++) {
		TAILQ_INIT(&p->shelves[i].entries);
		p->shelves[i].by_id = index_new();
		p->shelves[i].highest = 10000;
	}
}

/* Forgets everything. */
void practice_close(struct practice *p)
{
	for (size_t i = 0; i < SHELVES; i++) {
		struct entry *e;
		while ((e = TAILQ_FIRST(&p->shelves[i].entries))) {
			TAILQ_REMOVE(&p->shelves[i].entries, e, next);
			json_object_put(e->own);
			free(e);
		}
		lh_table_free(p->shelves[i].by_id);
	}
	json_object_put(p->types);
	free(p->token);
	free(p->practice_id);
	free(p->user);
	free(p->password);
	free(p->apikey);
}

/* RFC 3339, or a date, as a moment. A + that was not encoded in a query has become a blank. */
bool moment_read(const char *text, int64_t *ms)
{
	char full[WHEN_TEXT];
	size_t n = strlen(text);
	if (n >= sizeof full - sizeof "T00:00:00Z")
		return false;
	memcpy(full, text, n + 1);
	if (n == WHEN_DATE - 1)
		memcpy(full + n, "T00:00:00Z", sizeof "T00:00:00Z");
	else if (n > WHEN_DATE && strchr(full + WHEN_DATE, ' '))
		*strchr(full + WHEN_DATE, ' ') = '+';
	return when_moment(str_of(full), ms);
}

/* Puts a new entry on its shelf. */
struct entry *shelf_add(struct practice *p, enum shelf_kind kind, struct json_object *own)
{
	struct shelf *shelf = &p->shelves[kind];
	const char *id = member_scalar(own, shelf_names[kind].id), *updated = member_text(own, "updatedAt");
	char made[24];
	if (!id) {
		snprintf(made, sizeof made, "%ld", shelf->highest + 1);
		member_set(own, shelf_names[kind].id, made);
		id = made;
	}
	if (index_get(shelf->by_id, id))
		return NULL;
	struct entry *e = allocated(calloc(1, sizeof *e));
	e->own = own;
	if (!updated || !moment_read(updated, &e->updated))
		e->updated = when_now_ms();
	long number = strtol(id, NULL, 10);
	if (number > shelf->highest && number < 1000000000)
		shelf->highest = number;
	TAILQ_INSERT_TAIL(&shelf->entries, e, next);
	*shelf->walk.query = '\0';
	index_put(shelf->by_id, text_copy(id), e);
	return e;
}

/* The entry with this id, or NULL. */
struct entry *shelf_get(struct practice *p, enum shelf_kind kind, const char *id)
{
	return index_get(p->shelves[kind].by_id, id);
}

/* An entry has changed now. */
static void touch(struct practice *p, enum shelf_kind kind, struct entry *e)
{
	char now[WHEN_TEXT];
	e->updated = when_now_ms();
	when_utc(e->updated, now);
	member_set(e->own, "updatedAt", now);
	*p->shelves[kind].walk.query = '\0';
}

/* A new entry from a body, and its webhook. The body gives no id. */
struct entry *shelf_create(struct sandbox *s, enum shelf_kind kind, struct json_object *body)
{
	struct json_object *own = json_object_new_object(), *rest = json_copy(body);
	char id[24];
	snprintf(id, sizeof id, "%ld", s->practice.shelves[kind].highest + 1);
	member_set(own, shelf_names[kind].id, id);
	json_object_object_del(rest, shelf_names[kind].id);
	for (struct each m = {0}; each_member(rest, &m);)
		json_object_object_add(own, m.name, json_object_get(m.value));
	json_object_put(rest);
	struct entry *e = shelf_add(&s->practice, kind, own);
	touch(&s->practice, kind, e);
	webhook_entry(s, kind, shelf_names[kind].created, e);
	return e;
}

/* Writes a body over an entry; null takes a property away. An appointment's webhook tells of a new status
 * only. */
void shelf_update(struct sandbox *s, enum shelf_kind kind, struct entry *e, struct json_object *body)
{
	struct json_object *before = json_copy(e->own);
	for (struct each m = {0}; each_member(body, &m);) {
		if (strcmp(m.name, shelf_names[kind].id) == 0)
			continue;
		if (m.value)
			json_object_object_add(e->own, m.name, json_copy(m.value));
		else
			json_object_object_del(e->own, m.name);
	}
	touch(&s->practice, kind, e);
	bool told =
		shelf_names[kind].changed &&
		(kind != SHELF_APPOINTMENT || !json_object_equal(member(before, "status"), member(e->own, "status")));
	if (told)
		webhook_entry(s, kind, shelf_names[kind].changed, e);
	json_object_put(before);
}

/* What is one patient's is another's. */
static void hand_over(struct practice *p, const char *from, const char *into)
{
	struct entry *e;
	for (enum shelf_kind kind = SHELF_APPOINTMENT; kind < SHELVES; kind++)
		for (e = TAILQ_FIRST(&p->shelves[kind].entries); e; e = TAILQ_NEXT(e, next)) {
			const char *patient = member_scalar(e->own, "patientId");
			if (!patient || strcmp(patient, from) != 0)
				continue;
			member_set(e->own, "patientId", into);
			touch(p, kind, e);
		}
}

/* POST /_/merge: {"from":ID,"into":ID}: the old id answers with the other patient from now on; "quiet":true
 * sends no webhook. */
void own_merge(struct sandbox *s, struct request *r)
{
	struct shelf *shelf = &s->practice.shelves[SHELF_PATIENT];
	const char *from = member_scalar(r->json, "from"), *into = member_scalar(r->json, "into");
	struct entry *old = index_get(shelf->by_id, from), *survivor = index_get(shelf->by_id, into), told = {0};
	struct lh_entry *id;
	if (!old || !survivor || old == survivor) {
		answer_error(r, 400, "POST {\"from\":ID,\"into\":ID} of two patients");
		return;
	}
	lh_foreach(shelf->by_id, id) if (lh_entry_v(id) == old) id->v = survivor;
	hand_over(&s->practice, from, into);
	TAILQ_REMOVE(&shelf->entries, old, next);
	json_object_put(old->own);
	free(old);
	touch(&s->practice, SHELF_PATIENT, survivor);
	told.own = json_copy(survivor->own);
	member_set(told.own, "mergedFrom", from);
	if (!json_object_get_boolean(member(r->json, "quiet")))
		webhook_entry(s, SHELF_PATIENT, "PatientMerged", &told);
	answer_json(r, 200, told.own);
}

/* Whether text is the secret; a practice without one lets nobody in. */
static bool is_secret(const char *text, const char *secret)
{
	return text && secret && strcmp(text, secret) == 0;
}

/* The practice's daily quota, which both dialects share. */
bool practice_quota(struct sandbox *s, struct request *r)
{
	long limit = s->limits.patientnow_daily, day = (long)(time(NULL) / 86400);
	if (limit == 0)
		return true;
	if (s->practice.day != day)
		s->practice.used = 0;
	s->practice.day = day;
	bool within = s->practice.used < limit;
	if (within)
		s->practice.used++;
	answer_header(r, "X-RateLimit-Limit", "%ld", limit);
	answer_header(r, "X-RateLimit-Remaining", "%ld", limit - s->practice.used);
	if (!within) {
		answer_header(r, "Retry-After", "%ld", 86400 - (long)(time(NULL) % 86400));
		answer_error(r, 429, "the daily quota is used up");
	}
	return within;
}

/* Token (with or without "Bearer") and practiceId (query or header). */
bool pro_enter(struct sandbox *s, struct request *r)
{
	const char *token = request_header(r, "Authorization"), *practice = request_query(r, "practiceId");
	if (token && strncasecmp(token, "Bearer ", 7) == 0)
		token += 7;
	if (!practice)
		practice = request_header(r, "practiceId");
	if (!is_secret(token, s->practice.token)) {
		answer_error(r, 401, "the API token is missing or wrong");
		return false;
	}
	if (!is_secret(practice, s->practice.practice_id)) {
		answer_error(r, 401, "practiceId is missing or wrong");
		return false;
	}
	return practice_quota(s, r);
}

/* The shelf that the path names. */
static enum shelf_kind shelf_of_path(const struct request *r)
{
	enum shelf_kind kind = SHELF_PATIENT;
	while (kind < SHELVES && strcmp(shelf_names[kind].pro, r->segments[0]) != 0)
		kind++;
	return kind;
}

static bool same_text(const char *x, const char *y)
{
	return strcasecmp(x, y) == 0;
}

/* The parameters that pick entries by a property, in the two dialects. Names are compared without their
   marks, as databases do. */
static const struct {
	const char *pro, *envision, *property;
	bool (*same)(const char *x, const char *y);
} texts[QUERY_TEXTS] = {
	{"lastName", "LastName", "lastName", last_name_same},
	{"firstName", "FirstName", "firstName", last_name_same},
	{"email", "Email", "email", same_text},
	{"patientId", "CustomerId", "patientId", same_text},
	{"status", "Status", "status", same_text},
};

/* A moment in the query; missing where it is not there. Answers 400 and is false where it is none. */
static bool query_moment(struct request *r, const char *name, int64_t missing, int64_t *ms)
{
	const char *text = request_query(r, name);
	*ms = missing;
	if (!text || !*text || moment_read(text, ms))
		return true;
	answer_error(r, 400, "%s is no RFC 3339 time", name);
	return false;
}

/* Reads the query. */
bool query_read(struct query *q, struct request *r)
{
	bool envision = r->api == API_ENVISION;
	const char *phone = request_query(r, envision ? "Phone" : "phone");
	*q = (struct query){0};
	for (size_t i = 0; i < QUERY_TEXTS; i++)
		q->texts[i] = request_query(r, envision ? texts[i].envision : texts[i].pro);
	if (!query_moment(r, envision ? "UpdatedSince" : "updatedSince", 0, &q->since) ||
		!query_moment(r, envision ? "UpdatedUntil" : "updatedUntil", INT64_MAX, &q->until))
		return false;
	q->phone = phone ? text_digits(phone) : NULL;
	return true;
}

/* The last ten digits of a number, of which there may be fewer. */
static const char *last_ten(const char *digits)
{
	size_t n = strlen(digits);
	return digits + (n > 10 ? n - 10 : 0);
}

/* Whether one of the entry's phones has these digits. */
static bool has_phone(const struct entry *e, const char *digits)
{
	static const char *const phones[] = {"cellPhone", "homePhone", "phone"};
	for (size_t i = 0; i < COUNT(phones); i++) {
		const char *is = member_text(e->own, phones[i]);
		char *own = is ? text_digits(is) : NULL;
		bool same = own && strcmp(last_ten(own), last_ten(digits)) == 0;
		free(own);
		if (same)
			return true;
	}
	return false;
}

/* Whether a query picks an entry. */
static bool query_picks(const struct query *q, const struct entry *e)
{
	for (size_t i = 0; i < QUERY_TEXTS; i++) {
		if (!q->texts[i] || !*q->texts[i])
			continue;
		const char *is = member_scalar(e->own, texts[i].property);
		if (!is || !texts[i].same(q->texts[i], is))
			return false;
	}
	return e->updated >= q->since && e->updated < q->until && (!q->phone || has_phone(e, q->phone));
}

/* What a query asks for, as text; false where that is too long to be kept. */
static bool query_text(const struct query *q, char *text, size_t room)
{
	size_t n = (size_t)snprintf(
		text, room, "%lld %lld %s", (long long)q->since, (long long)q->until, q->phone ? q->phone : "");
	for (size_t i = 0; i < QUERY_TEXTS && n < room; i++)
		n += (size_t)snprintf(text + n, room - n, "\n%s", q->texts[i] ? q->texts[i] : "");
	return n < room;
}

/* Brings the shelf's walk to a page: where it is there already, nothing is gone through again. */
static void walk_to(struct shelf *shelf, const struct query *q, long page, long rows)
{
	struct walk *w = &shelf->walk;
	char text[sizeof w->query];
	bool kept = query_text(q, text, sizeof text);
	if (kept && strcmp(text, w->query) == 0 && w->page == page && w->rows == rows)
		return;
	*w = (struct walk){.page = page, .rows = rows};
	if (kept)
		strlcpy(w->query, text, sizeof w->query);
	struct entry *e;
	for (e = TAILQ_FIRST(&shelf->entries); e; e = TAILQ_NEXT(e, next)) {
		if (!query_picks(q, e))
			continue;
		if (w->total == (page - 1) * rows)
			w->at = e;
		w->total++;
	}
}

/* A page of what the query picks. */
struct json_object *shelf_page(
	struct practice *p, enum shelf_kind kind, const struct query *q, long page, long rows, long *total)
{
	struct json_object *list = json_object_new_array();
	struct walk *w = &p->shelves[kind].walk;
	walk_to(&p->shelves[kind], q, page, rows);
	for (long n = 0; w->at && n < rows; w->at = TAILQ_NEXT(w->at, next)) {
		if (!query_picks(q, w->at))
			continue;
		json_object_array_add(list, json_object_get(w->at->own));
		n++;
	}
	while (w->at && !query_picks(q, w->at))
		w->at = TAILQ_NEXT(w->at, next);
	w->page++;
	*total = w->total;
	return list;
}

/* For ?by=cursor, =link and =header: where the next page begins, told in the three ways that APIs have, by
   marks that a query must encode; by=circle never ends. */
static void tell_next(struct request *r, struct json_object *value, const char *by, long page, bool more)
{
	if (!more && strcmp(by, "circle") == 0) {
		more = true;
		page = 1;
	}
	char cursor[32] = "", link[128] = "";
	if (more) {
		snprintf(cursor, sizeof cursor, "at/%ld+=", page + 1);
		snprintf(
			link, sizeof link, "https://api.invalid/%s?cursor=at%%2F%ld%%2B%%3D", r->segments[0], page + 1);
	}
	if (strcmp(by, "header") == 0)
		answer_header(r, "Link", "<https://api.invalid/%s>; rel=\"first\"%s%s%s", r->segments[0],
			more ? ", <" : "", link, more ? ">; rel=\"next\"" : "");
	else
		json_object_object_add(
			value, "next", more ? json_object_new_string(strcmp(by, "link") == 0 ? link : cursor) : NULL);
}

/* The page of a request: its number, or, with by, the one that the cursor says; 0: it is none that we told.
 */
static long page_of(struct request *r, const char *by)
{
	const char *cursor = request_query(r, "cursor");
	long page = 1;
	char end;
	if (!by)
		return request_number(r, "page", 1, 1, 1000000);
	return !cursor || (sscanf(cursor, "at/%6ld+%c", &page, &end) == 2 && end == '=' && page > 0) ? page : 0;
}

/* GET /patients and the like: a page of what the query picks. */
void pro_list(struct sandbox *s, struct request *r)
{
	enum shelf_kind kind = shelf_of_path(r);
	struct query q;
	if (!query_read(&q, r))
		return;
	const char *by = request_query(r, "by");
	long page = page_of(r, by), rows = request_number(r, "rows", 100, 1, 100), total = 0;
	if (!page) {
		free(q.phone);
		answer_error(r, 400, "no such cursor");
		return;
	}
	struct json_object *value = json_object_new_object(),
					   *list = shelf_page(&s->practice, kind, &q, page, rows, &total);
	free(q.phone);
	json_object_object_add(value, shelf_names[kind].pro, list);
	if (by) {
		tell_next(r, value, by, page, page * rows < total);
	} else {
		json_object_object_add(value, "page", json_object_new_int64(page));
		json_object_object_add(value, "rows", json_object_new_int64(rows));
		json_object_object_add(value, "total", json_object_new_int64(total));
	}
	answer_json(r, 200, value);
}

/* Adds a name to a list of names, unless it is there. */
static void add_name(struct json_object *names, const char *name)
{
	size_t n = json_object_array_length(names), i = 0;
	while (name && i < n && strcmp(json_object_get_string(json_object_array_get_idx(names, i)), name) != 0)
		i++;
	if (name && i == n)
		json_object_array_add(names, json_object_new_string(name));
}

struct json_object *type_names(struct practice *p)
{
	struct json_object *names = json_copy(p->types);
	struct entry *e;
	for (e = TAILQ_FIRST(&p->shelves[SHELF_APPOINTMENT].entries); e; e = TAILQ_NEXT(e, next))
		add_name(names, member_text(e->own, "appointmentType"));
	return names;
}

/* GET /appointmentTypes: all on one page. */
void pro_types(struct sandbox *s, struct request *r)
{
	struct json_object *value = json_object_new_object(), *list = json_object_new_array(),
					   *names = type_names(&s->practice);
	for (size_t i = 0; i < json_object_array_length(names); i++) {
		struct json_object *one = json_object_new_object();
		json_object_object_add(one, "appointmentTypeId", json_object_new_int64((int64_t)i + 1));
		json_object_object_add(one, "name", json_object_get(json_object_array_get_idx(names, i)));
		json_object_array_add(list, one);
	}
	json_object_put(names);
	json_object_object_add(value, "total", json_object_new_int64((int64_t)json_object_array_length(list)));
	json_object_object_add(value, "appointmentTypes", list);
	answer_json(r, 200, value);
}

/* The entry of the path; answers 404 where there is none. */
static struct entry *entry_of_path(struct sandbox *s, struct request *r)
{
	enum shelf_kind kind = shelf_of_path(r);
	struct entry *e = shelf_get(&s->practice, kind, r->arg[0]);
	if (!e)
		answer_error(r, 404, "no %s %s", shelf_names[kind].pro, r->arg[0]);
	return e;
}

/* GET /patients/{id} and the like. */
void pro_get(struct sandbox *s, struct request *r)
{
	struct entry *e = entry_of_path(s, r);
	if (e)
		answer_json(r, 200, json_object_get(e->own));
}

static bool is_gender(const char *text)
{
	static const char *const words[] = {"M", "F", "O", "Male", "Female", "Other"};
	for (size_t i = 0; i < COUNT(words); i++)
		if (strcasecmp(words[i], text) == 0)
			return true;
	return false;
}

static bool is_email(const char *text)
{
	const char *at = strchr(text, '@');
	return at && at > text && strchr(at, '.');
}

static bool is_phone(const char *text)
{
	return strspn(text, "+0123456789 ()-./") == strlen(text) && strcspn(text, "0123456789") < strlen(text);
}

/* YYYY-MM-DD, of a day that has been. */
static bool is_birth_date(const char *text)
{
	int64_t ms;
	return strlen(text) == WHEN_DATE - 1 && moment_read(text, &ms) && ms <= when_now_ms();
}

/* What is wrong with a property of a patient, or NULL: only what the store knows, each in the one form. */
static const char *patient_wrong(const char *name, struct json_object *value)
{
	static const struct {
		const char *name;
		bool (*is)(const char *text);
		const char *wanted;
	} known[] = {
		{"patientId", NULL, NULL},
		{"firstName", NULL, NULL},
		{"lastName", NULL, NULL},
		{"email", is_email, "an e-mail address"},
		{"cellPhone", is_phone, "a phone number"},
		{"homePhone", is_phone, "a phone number"},
		{"phone", is_phone, "a phone number"},
		{"gender", is_gender, "M, F, O, Male, Female or Other"},
		{"dateOfBirth", is_birth_date, "YYYY-MM-DD, not in the future"},
		{"address1", NULL, NULL},
		{"city", NULL, NULL},
		{"state", NULL, NULL},
		{"zip", NULL, NULL},
		{"referralSource", NULL, NULL},
		{"unsubscribed", NULL, NULL},
	};
	size_t i = 0;
	while (i < COUNT(known) && strcmp(known[i].name, name) != 0)
		i++;
	if (i == COUNT(known))
		return "is no property of a patient";
	bool flag = strcmp(name, "unsubscribed") == 0;
	if (value && !json_object_is_type(value, flag ? json_type_boolean : json_type_string))
		return flag ? "must be true or false" : "must be text";
	const char *text = value && !flag ? json_object_get_string(value) : "";
	return *text && known[i].is && !known[i].is(text) ? known[i].wanted : NULL;
}

/* Whether a body can be a patient; answers 400 where not. A PUT may leave out what a patient must have. */
static bool patient_body(struct request *r, struct json_object *body)
{
	const char *last_name = member_text(body, "lastName");
	for (struct each m = {0}; each_member(body, &m);) {
		const char *wrong = patient_wrong(m.name, m.value);
		if (wrong) {
			answer_error(r, 400, "%s: %s", m.name, wrong);
			return false;
		}
	}
	if (!r->arg[0] && !(last_name && *last_name)) {
		answer_error(r, 400, "lastName is required");
		return false;
	}
	return true;
}

/* Whether the body is an object, and of a kind that belongs to a patient names one who exists; answers 400
 * where not. */
bool entry_body(struct sandbox *s, struct request *r, enum shelf_kind kind, struct json_object *body)
{
	const char *patient = member_scalar(body, "patientId");
	if (r->not_json || !json_object_is_type(body, json_type_object))
		answer_error(r, 400, "a JSON object is required");
	else if (kind == SHELF_PATIENT)
		return patient_body(r, body);
	else if (kind != SHELF_PATIENT && patient && !shelf_get(&s->practice, SHELF_PATIENT, patient))
		answer_error(r, 400, "patientId: no patient %s", patient);
	else
		return true;
	return false;
}

/* POST /patients and the like. */
void pro_create(struct sandbox *s, struct request *r)
{
	enum shelf_kind kind = shelf_of_path(r);
	if (entry_body(s, r, kind, r->json))
		answer_json(r, 201, json_object_get(shelf_create(s, kind, r->json)->own));
}

/* PUT /patients/{id} and the like. */
void pro_update(struct sandbox *s, struct request *r)
{
	enum shelf_kind kind = shelf_of_path(r);
	struct entry *e = entry_body(s, r, kind, r->json) ? entry_of_path(s, r) : NULL;
	if (!e)
		return;
	shelf_update(s, kind, e, r->json);
	answer_json(r, 200, json_object_get(e->own));
}
