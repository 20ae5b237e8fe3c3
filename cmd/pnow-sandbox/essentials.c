/*
 * PatientNow Essentials: the same store in another dialect. Property names are those of Pro with their first
 * letter in upper case, but for the few in the table; lists are bare arrays, whose totals stand in headers;
 * paths match in any case.
 */
#include "answer.h"
#include "patientnow.h"
#include "route.h"
#include "sandbox.h"
#include "text.h"
#include <ctype.h>
#include <stdlib.h>

static const struct {
	const char *pro, *envision;
} renamed[] = {
	{"patientId", "CustomerId"},
	{"billId", "OrderId"},
	{"billDate", "OrderDate"},
	{"appointmentType", "Service"},
	{"provider", "Employee"},
	{"facility", "Company"},
};

/* A property's name in the other dialect, to be freed. */
static char *rename_to(const char *name, bool envision)
{
	for (size_t i = 0; i < COUNT(renamed); i++)
		if (strcasecmp(name, envision ? renamed[i].pro : renamed[i].envision) == 0)
			return text_copy(envision ? renamed[i].envision : renamed[i].pro);
	char *copy = text_copy(name);
	*copy = (char)(envision ? toupper((unsigned char)*copy) : tolower((unsigned char)*copy));
	return copy;
}

/* A copy of a value with all property names in the other dialect, lists inside it included. */
static struct json_object *translate(struct json_object *value, bool to_envision)
{
	if (json_object_is_type(value, json_type_array)) {
		struct json_object *list = json_object_new_array();
		for (size_t i = 0; i < json_object_array_length(value); i++)
			json_object_array_add(list, translate(json_object_array_get_idx(value, i), to_envision));
		return list;
	}
	if (!json_object_is_type(value, json_type_object))
		return json_copy(value);
	struct json_object *object = json_object_new_object();
	for (struct each m = {0}; each_member(value, &m);) {
		char *other = rename_to(m.name, to_envision);
		json_object_object_add(object, other, translate(m.value, to_envision));
		free(other);
	}
	return object;
}

/* A parameter that the API takes in the query or the body, in any case of its first letter. */
static long paging(const struct request *r, const char *name, long missing, long high)
{
	const char *in_body = member_scalar(r->json, name);
	long n = in_body ? strtol(in_body, NULL, 10) : missing;
	return request_number(r, name, n < 1 ? 1 : n > high ? high : n, 1, high);
}

/* HTTP Basic with the API user, and the gateway's key in the query. */
bool envision_enter(struct sandbox *s, struct request *r)
{
	struct practice *p = &s->practice;
	char *password = NULL, *user = MHD_basic_auth_get_username_password(r->connection, &password);
	const char *apikey = request_query(r, "apikey");
	bool known = user && password && p->user && p->password && strcmp(user, p->user) == 0 &&
				 strcmp(password, p->password) == 0;
	MHD_free(user);
	MHD_free(password);
	if (!apikey || !p->apikey || strcmp(apikey, p->apikey) != 0) {
		answer_error(r, 401, "apikey is missing or wrong");
		return false;
	}
	if (!known) {
		answer_error(r, 401, "the API user or its password is missing or wrong");
		return false;
	}
	return practice_quota(s, r);
}

/* GET status */
void envision_status(struct sandbox *s, struct request *r)
{
	struct json_object *value = json_object_new_object();
	(void)s;
	member_set(value, "Status", "OK");
	answer_json(r, 200, value);
}

/* The shelf that the path names. */
static enum shelf_kind shelf_of_path(const struct request *r)
{
	enum shelf_kind kind = SHELF_PATIENT;
	while (kind < SHELVES - 1 && strcasecmp(shelf_names[kind].envision, r->segments[0]) != 0)
		kind++;
	return kind;
}

/* The page that the request asks for. */
static void paging_read(const struct request *r, long *page, long *rows)
{
	*page = paging(r, "Page", 1, 1000000);
	*rows = paging(r, "Rows", 25, 100);
}

/* Answers with a page of a list, which is taken over; total is how long the list is. */
static void answer_list(struct request *r, struct json_object *list, long rows, long total)
{
	answer_header(r, "DataTotalRows", "%ld", total);
	answer_header(r, "DataTotalPages", "%ld", (total + rows - 1) / rows);
	answer_json(r, 200, translate(list, true));
	json_object_put(list);
}

/* Answers with the page that is asked for of a whole list, which is taken over. */
static void answer_page(struct request *r, struct json_object *all)
{
	long total = (long)json_object_array_length(all), page, rows;
	struct json_object *list = json_object_new_array();
	paging_read(r, &page, &rows);
	for (long i = (page - 1) * rows; i < page * rows && i < total; i++)
		json_object_array_add(list, json_object_get(json_object_array_get_idx(all, (size_t)i)));
	json_object_put(all);
	answer_list(r, list, rows, total);
}

/* GET customers and the like. */
void envision_list(struct sandbox *s, struct request *r)
{
	struct query q;
	long page, rows, total;
	if (!query_read(&q, r))
		return;
	paging_read(r, &page, &rows);
	struct json_object *list = shelf_page(&s->practice, shelf_of_path(r), &q, page, rows, &total);
	free(q.phone);
	answer_list(r, list, rows, total);
}

/* The entry of the path; answers 404 where there is none. */
static struct entry *entry_of_path(struct sandbox *s, struct request *r, enum shelf_kind kind)
{
	struct entry *e = shelf_get(&s->practice, kind, r->arg[0]);
	if (!e)
		answer_error(r, 404, "no %s %s", shelf_names[kind].envision, r->arg[0]);
	return e;
}

/* GET customers/{id} and the like. */
void envision_get(struct sandbox *s, struct request *r)
{
	struct entry *e = entry_of_path(s, r, shelf_of_path(r));
	if (e)
		answer_json(r, 200, translate(e->own, true));
}

/* POST customers and the like. */
void envision_create(struct sandbox *s, struct request *r)
{
	enum shelf_kind kind = shelf_of_path(r);
	struct json_object *body = translate(r->json, false);
	if (entry_body(s, r, kind, body))
		answer_json(r, 201, translate(shelf_create(s, kind, body)->own, true));
	json_object_put(body);
}

/* PUT customers/{id} and the like. */
void envision_update(struct sandbox *s, struct request *r)
{
	enum shelf_kind kind = shelf_of_path(r);
	struct json_object *body = translate(r->json, false);
	struct entry *e = entry_body(s, r, kind, body) ? entry_of_path(s, r, kind) : NULL;
	if (e) {
		shelf_update(s, kind, e, body);
		answer_json(r, 200, translate(e->own, true));
	}
	json_object_put(body);
}

/* POST customers/{id}/Appointments and …/Purchases: they read, whatever the verb says. */
void envision_of_customer(struct sandbox *s, struct request *r)
{
	enum shelf_kind kind = strcasecmp(r->segments[2], "Appointments") == 0 ? SHELF_APPOINTMENT : SHELF_BILL;
	struct json_object *all = json_object_new_array();
	struct entry *e;
	if (!entry_of_path(s, r, SHELF_PATIENT)) {
		json_object_put(all);
		return;
	}
	for (e = TAILQ_FIRST(&s->practice.shelves[kind].entries); e; e = TAILQ_NEXT(e, next)) {
		const char *patient = member_scalar(e->own, "patientId");
		if (patient && strcmp(patient, r->arg[0]) == 0)
			json_object_array_add(all, json_object_get(e->own));
	}
	answer_page(r, all);
}

/* Adds the values of a property that a shelf's entries have to a list of {ID, "Name"}, each once. */
static void gather(struct shelf *shelf, const char *property, const char *id, struct json_object *all)
{
	struct entry *e;
	for (e = TAILQ_FIRST(&shelf->entries); e; e = TAILQ_NEXT(e, next)) {
		const char *name = member_text(e->own, property);
		size_t n = json_object_array_length(all), i = 0;
		while (name && i < n && strcmp(member_text(json_object_array_get_idx(all, i), "Name"), name) != 0)
			i++;
		if (!name || i < n)
			continue;
		struct json_object *one = json_object_new_object();
		json_object_object_add(one, id, json_object_new_int64((int64_t)n + 1));
		member_set(one, "Name", name);
		json_object_array_add(all, one);
	}
}

/* GET services: the practice's appointment types. */
void envision_services(struct sandbox *s, struct request *r)
{
	struct json_object *all = json_object_new_array(), *names = type_names(&s->practice);
	for (size_t i = 0; i < json_object_array_length(names); i++) {
		struct json_object *one = json_object_new_object();
		json_object_object_add(one, "ServiceId", json_object_new_int64((int64_t)i + 1));
		json_object_object_add(one, "Name", json_object_get(json_object_array_get_idx(names, i)));
		json_object_array_add(all, one);
	}
	json_object_put(names);
	answer_page(r, all);
}

/* GET companies, employees: the ones that appointments and orders name. */
void envision_names(struct sandbox *s, struct request *r)
{
	static const struct {
		const char *resource, *property, *id;
	} lists[] = {
		{"companies", "facility", "CompanyId"},
		{"employees", "provider", "EmployeeId"},
	};
	struct json_object *all = json_object_new_array();
	for (size_t i = 0; i < COUNT(lists); i++) {
		if (strcasecmp(lists[i].resource, r->segments[0]) != 0)
			continue;
		gather(&s->practice.shelves[SHELF_APPOINTMENT], lists[i].property, lists[i].id, all);
		gather(&s->practice.shelves[SHELF_BILL], lists[i].property, lists[i].id, all);
	}
	answer_page(r, all);
}
