/*
 * What a sub-account permits: that no contact and no opportunity is there twice, and each scope that the
 * other programs need and the lists do not show. Scopes for writing are tried by changing what is not there:
 * where the token has the scope, the CRM says that; where not, it says so first (401; the scopes are those of
 * the CRM's published description).
 */
#include "setup.h"
#include "net/http.h"

#include <stdio.h>

static const struct {
	const char *setting, *title, *harm;
} duplicates[] = {
	{"allowDuplicateContact", "Allow Duplicate Contact", "a patient would be there twice"},
	{"allowDuplicateOpportunity", "Allow Duplicate Opportunity", "a patient's visits would be counted twice"},
};

static const struct {
	const char *scope, *method, *path;
	bool calendar; /* only where there is one */
} tries[] = {
	{"contacts.readonly", "GET", "/contacts/pnowAsksForNobody00", false},
	{"contacts.write", "PUT", "/contacts/pnowAsksForNobody00", false},
	{"opportunities.write", "PUT", "/opportunities/pnowAsksForNothing0", false},
	{"calendars/events.readonly", "GET", CRM_CALENDARS "events/appointments/pnowAsksForNothing0", true},
	{"calendars/events.write", "PUT", CRM_CALENDARS "events/appointments/pnowAsksForNothing0", true},
};

/* Whether the practice needs a scope. */
static bool needs(const struct setup *s, size_t i)
{
	return !tries[i].calendar || conf_has_calendar(s->conf);
}

/* The sub-account itself. */
static struct crm_request account_request(struct setup *s, const struct crm_location *location)
{
	return (struct crm_request){.method = "GET",
		.path = arena_printf(&s->arena, "/locations/%s", http_encode(&s->arena, location->id)),
		.repeatable = true};
}

static struct crm_request try_request(size_t i)
{
	bool writes = strcmp(tries[i].method, "GET") != 0;
	return (struct crm_request){.method = tries[i].method,
		.path = tries[i].path,
		.body = writes ? STR("{}") : (struct str){0},
		.repeatable = true};
}

static void check_duplicates(struct setup *s, struct str settings)
{
	for (size_t i = 0; i < COUNT(duplicates); i++) {
		const char *title = duplicates[i].title;
		struct str value = jtext_get(settings, duplicates[i].setting);
		if (str_is(value, "true"))
			tell(s, WRONG, "setting", title, arena_printf(&s->arena, "is on: %s", duplicates[i].harm),
				"Switch it off in the CRM (Settings > Business Profile > General of this sub-account).");
		else if (str_is(value, "false"))
			tell(s, OK, "setting", title, "is off", NULL);
		else
			tell(s, WARNING, "setting", title, "not told by the CRM",
				"See that it is off (Settings > Business Profile > General of this sub-account).");
	}
}

static void check_settings(struct setup *s, struct crm *crm, const struct crm_location *location)
{
	struct crm_request request = account_request(s, location);
	struct crm_answer answer = crm_call(crm, &s->arena, location, &request);
	if (!answer.error)
		check_duplicates(s, jtext_get(jtext_get(answer.body, "location"), "settings"));
	else
		tell(s, WARNING, "setting", NULL, answer.error,
			"Give the private integration the scope locations.readonly (nothing else needs it), or see yourself "
			"that Allow Duplicate Contact and Allow Duplicate Opportunity are off (Settings > Business Profile).");
}

static void check_scope(struct setup *s, struct crm *crm, const struct crm_location *location, size_t i)
{
	struct crm_request request = try_request(i);
	struct crm_answer answer = crm_call(crm, &s->arena, location, &request);
	if (is_refused(&answer))
		tell_refused(s, "scope", tries[i].scope, &answer);
	else if (answer.status >= 400 && answer.status < 500 && answer.status != 429)
		tell(s, OK, "scope", tries[i].scope, "the token has it", NULL);
	else
		tell(s, UNKNOWN, "scope", tries[i].scope, answer.error ? answer.error : "an answer that says nothing",
			"Try again later.");
}

void check_permits(struct setup *s, struct crm *crm, const struct crm_location *location)
{
	check_settings(s, crm, location);
	for (size_t i = 0; i < COUNT(tries); i++)
		if (needs(s, i))
			check_scope(s, crm, location, i);
}

static void show(const struct crm_request *request)
{
	printf("{\"api\":\"crm\",\"method\":\"%s\",\"path\":\"%s\"%s}\n", request->method, request->path,
		request->body.p ? ",\"body\":{}" : "");
}

void show_permits(struct setup *s, const struct crm_location *location)
{
	struct crm_request request = account_request(s, location);
	show(&request);
	for (size_t i = 0; i < COUNT(tries); i++) {
		request = try_request(i);
		if (needs(s, i))
			show(&request);
	}
}
