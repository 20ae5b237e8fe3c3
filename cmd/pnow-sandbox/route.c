/*
 * From a request to the function that answers it: one table, read from above, so that /contacts/upsert is
 * found before /contacts/{}. A segment {} stands for any text, which the function finds in arg.
 */
#include "route.h"
#include "answer.h"
#include "crm.h"
#include "oauth.h"
#include "patientnow.h"
#include "text.h"
#include <stdlib.h>

static const struct {
	const char *prefix;
	bool (*enter)(struct sandbox *s, struct request *r); /* who may come in */
	int (*compare)(const char *a, const char *b);        /* how segments are compared */
} apis[] = {
	[API_PATIENTNOW] = {"/patientnow", pro_enter, strcmp},
	[API_ENVISION] = {"/envision", envision_enter, strcasecmp},
	[API_CRM] = {"/crm", crm_enter, strcmp},
	[API_OWN] = {"/_", NULL, strcmp},
};

static const struct route {
	enum api api;
	const char *method, *pattern;
	handler_fn *answer;
} routes[] = {
	{API_CRM, "GET", "contacts/search/duplicate", contact_duplicate},
	{API_CRM, "POST", "contacts/search", contact_search},
	{API_CRM, "POST", "contacts/upsert", contact_upsert},
	{API_CRM, "POST", "contacts", contact_create},
	{API_CRM, "GET", "contacts/{}", contact_get},
	{API_CRM, "PUT", "contacts/{}", contact_put},
	{API_CRM, "DELETE", "contacts/{}", contact_remove},
	{API_CRM, "GET", "contacts/{}/notes", notes_get},
	{API_CRM, "POST", "contacts/{}/notes", notes_add},
	{API_CRM, "DELETE", "contacts/{}/notes/{}", note_remove},
	{API_CRM, "POST", "contacts/{}/tags", tags_add},
	{API_CRM, "DELETE", "contacts/{}/tags", tags_remove},
	{API_CRM, "POST", "contacts/{}/workflow/{}", workflow_enrol},
	{API_CRM, "DELETE", "contacts/{}/workflow/{}", workflow_leave},
	{API_CRM, "GET", "locations/{}", location_get},
	{API_CRM, "GET", "locations/{}/customFields", fields_get},
	{API_CRM, "POST", "locations/{}/customFields", fields_create},
	{API_CRM, "GET", "opportunities/search", opportunity_search},
	{API_CRM, "GET", "opportunities/pipelines", pipelines_get},
	{API_CRM, "POST", "opportunities", opportunity_create},
	{API_CRM, "GET", "opportunities/{}", opportunity_get},
	{API_CRM, "PUT", "opportunities/{}", opportunity_put},
	{API_CRM, "DELETE", "opportunities/{}", opportunity_remove},
	{API_CRM, "PUT", "opportunities/{}/status", opportunity_status},
	{API_CRM, "GET", "workflows", workflows_get},
	{API_CRM, "GET", "calendars", calendars_get},
	{API_CRM, "GET", "calendars/events", entries_get},
	{API_CRM, "GET", "calendars/blocked-slots", blocks_get},
	{API_CRM, "GET", "calendars/{}", calendar_get},
	{API_CRM, "POST", "calendars/events/appointments", appointment_create},
	{API_CRM, "GET", "calendars/events/appointments/{}", appointment_get},
	{API_CRM, "PUT", "calendars/events/appointments/{}", appointment_put},
	{API_CRM, "POST", "calendars/events/block-slots", block_create},
	{API_CRM, "PUT", "calendars/events/block-slots/{}", block_put},
	{API_CRM, "DELETE", "calendars/events/{}", entry_remove},

	{API_PATIENTNOW, "GET", "patients", pro_list},
	{API_PATIENTNOW, "GET", "appointments", pro_list},
	{API_PATIENTNOW, "GET", "billing", pro_list},
	{API_PATIENTNOW, "GET", "memberships", pro_list},
	{API_PATIENTNOW, "GET", "appointmentTypes", pro_types},
	{API_PATIENTNOW, "GET", "patients/{}", pro_get},
	{API_PATIENTNOW, "GET", "appointments/{}", pro_get},
	{API_PATIENTNOW, "GET", "billing/{}", pro_get},
	{API_PATIENTNOW, "GET", "memberships/{}", pro_get},
	{API_PATIENTNOW, "POST", "patients", pro_create},
	{API_PATIENTNOW, "POST", "appointments", pro_create},
	{API_PATIENTNOW, "POST", "billing", pro_create},
	{API_PATIENTNOW, "POST", "memberships", pro_create},
	{API_PATIENTNOW, "PUT", "patients/{}", pro_update},
	{API_PATIENTNOW, "PUT", "appointments/{}", pro_update},

	{API_ENVISION, "GET", "status", envision_status},
	{API_ENVISION, "GET", "customers", envision_list},
	{API_ENVISION, "GET", "appointments", envision_list},
	{API_ENVISION, "GET", "orders", envision_list},
	{API_ENVISION, "GET", "memberships", envision_list},
	{API_ENVISION, "GET", "companies", envision_names},
	{API_ENVISION, "GET", "employees", envision_names},
	{API_ENVISION, "GET", "services", envision_services},
	{API_ENVISION, "GET", "customers/{}", envision_get},
	{API_ENVISION, "GET", "appointments/{}", envision_get},
	{API_ENVISION, "GET", "orders/{}", envision_get},
	{API_ENVISION, "GET", "memberships/{}", envision_get},
	{API_ENVISION, "POST", "customers", envision_create},
	{API_ENVISION, "POST", "appointments", envision_create},
	{API_ENVISION, "POST", "orders", envision_create},
	{API_ENVISION, "POST", "memberships", envision_create},
	{API_ENVISION, "PUT", "customers/{}", envision_update},
	{API_ENVISION, "PUT", "appointments/{}", envision_update},
	{API_ENVISION, "POST", "customers/{}/Appointments", envision_of_customer},
	{API_ENVISION, "POST", "customers/{}/Purchases", envision_of_customer},

	{API_OWN, "GET", "", own_help},
	{API_OWN, "GET", "state", own_state},
	{API_OWN, "GET", "fields", own_fields},
	{API_OWN, "POST", "reset", own_reset},
	{API_OWN, "POST", "revoke", own_revoke},
	{API_OWN, "POST", "merge", own_merge},
	{API_OWN, "GET", "requests", own_requests},
	{API_OWN, "DELETE", "requests", own_requests_clear},
	{API_OWN, "GET", "faults", own_faults},
	{API_OWN, "POST", "faults", own_faults_add},
	{API_OWN, "DELETE", "faults", own_faults_clear},
};

/* Whether a path is below a prefix. */
static bool is_below(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);
	return strncmp(path, prefix, n) == 0 && (path[n] == '/' || path[n] == '?' || path[n] == '\0');
}

/* Finds the API, and cuts what follows its prefix at the slashes; empty segments are none. */
void route_split(struct request *r, const char *url)
{
	r->api = API_PATIENTNOW;
	while (r->api < API_NONE && !is_below(url, apis[r->api].prefix))
		r->api++;
	const char *prefix = r->api < API_NONE ? apis[r->api].prefix : "";
	r->path = text_copy(url + strlen(prefix));
	r->below = is_below(r->uri, prefix) ? r->uri + strlen(prefix) : r->uri;

	char *rest = r->path, *segment;
	while ((segment = strsep(&rest, "/"))) {
		if (*segment && r->segments_n == SEGMENTS)
			r->api = API_NONE;
		else if (*segment)
			r->segments[r->segments_n++] = segment;
	}
}

/* Whether the request's path has the pattern; what stands for {} goes into arg. */
static bool matches(struct request *r, const struct route *route)
{
	size_t args = 0, i;
	const char *p = route->pattern;
	char segment[32];

	for (i = 0; *p; i++) {
		size_t n = strcspn(p, "/");
		memcpy(segment, p, n);
		segment[n] = '\0';
		if (i == r->segments_n)
			return false;
		if (strcmp(segment, "{}") == 0)
			r->arg[args++] = r->segments[i];
		else if (apis[r->api].compare(segment, r->segments[i]) != 0)
			return false;
		p += n + (p[n] == '/');
	}
	return i == r->segments_n;
}

/* Answers a request. OAuth's calls come without a token of a location, so they are looked for first. */
void route_answer(struct sandbox *s, struct request *r)
{
	if (r->api == API_CRM && r->segments_n == 2 && strcmp(r->segments[0], "oauth") == 0 && oauth_answer(s, r))
		return;
	for (size_t i = 0; i < COUNT(routes); i++) {
		const struct route *route = &routes[i];
		r->arg[0] = r->arg[1] = r->arg[2] = NULL;
		if (route->api != r->api || strcmp(route->method, r->method) != 0 || !matches(r, route))
			continue;
		if (!apis[r->api].enter || apis[r->api].enter(s, r))
			route->answer(s, r);
		return;
	}
	answer_error(r, 404, "Cannot %s %.200s", r->method, r->uri);
}
