/*
 * What every request to the CRM goes through before it is answered: the token, which belongs to a location;
 * the Version header; the limits, which are the location's, counted in fixed windows and told in every
 * answer. Where no limit was asked for, the headers tell one that nobody reaches, since clients believe them.
 */
#include "crm.h"
#include "answer.h"
#include "crm_store.h"
#include "sandbox.h"
#include "text.h"
#include "text/waits.h"
#include <stdio.h>
#include <time.h>

enum { NO_LIMIT = 1000000000, WINDOW_MS = 10000 };

/* What follows "Bearer " in the Authorization header, or NULL. */
const char *request_bearer(const struct request *r)
{
	const char *value = request_header(r, "Authorization");
	return value && strncasecmp(value, "Bearer ", 7) == 0 ? value + 7 : NULL;
}

/* Starts the location's counts anew when their time has come. */
static void new_windows(struct sandbox *s, struct location *l, long window)
{
	struct location *each;
	long day = (long)(time(NULL) / 86400);
	int64_t now = waits_now();

	if (day != s->crm.day)
		for (each = TAILQ_FIRST(&s->crm.locations); each; each = TAILQ_NEXT(each, next))
			each->day_used = 0;
	s->crm.day = day;
	if (l->window_began == 0 || now - l->window_began >= window) {
		l->window_began = now;
		l->window_used = 0;
	}
}

/* Counts the request, and tells in the answer where the location stands; false where it is over a limit. */
static bool within_limits(struct sandbox *s, struct request *r)
{
	struct location *l = r->location;
	long window = s->limits.crm_burst ? s->limits.crm_window_ms : WINDOW_MS;
	long burst = s->limits.crm_burst ? s->limits.crm_burst : NO_LIMIT;
	long daily = s->limits.crm_daily ? s->limits.crm_daily : NO_LIMIT;

	new_windows(s, l, window);
	bool within = l->window_used < burst && l->day_used < daily;
	if (within) {
		l->window_used++;
		l->day_used++;
	}
	answer_header(r, "X-RateLimit-Limit-Daily", "%ld", daily);
	answer_header(r, "X-RateLimit-Daily-Remaining", "%ld", daily - l->day_used);
	answer_header(r, "X-RateLimit-Interval-Milliseconds", "%ld", window);
	answer_header(r, "X-RateLimit-Max", "%ld", burst);
	answer_header(r, "X-RateLimit-Remaining", "%ld", burst - l->window_used);
	if (!within)
		answer_error(r, 429, "Too Many Requests");
	return within;
}

/* Whether the request is about calendars, which have a version of their own. */
static bool is_calendar(const struct request *r)
{
	return r->segments_n && strcmp(r->segments[0], "calendars") == 0;
}

/* Whether the location's tokens have the scope that the CRM's published description asks for. */
static bool has_scope(struct request *r)
{
	char scope[64];
	struct json_object *scopes = r->location->scopes;
	size_t n = scopes ? json_object_array_length(scopes) : 0, i = 0;
	const char *second = r->segments_n > 1 ? r->segments[1] : "";
	bool fields = r->segments_n > 2 && strcmp(r->segments[2], "customFields") == 0;
	bool entries = is_calendar(r) && (strcmp(second, "events") == 0 || strcmp(second, "blocked-slots") == 0);
	bool reads = strcmp(r->method, "GET") == 0 || strcmp(second, "search") == 0;
	snprintf(scope, sizeof scope, "%.40s%s.%s", r->segments_n ? r->segments[0] : "",
		fields    ? "/customFields"
		: entries ? "/events"
				  : "",
		reads ? "readonly" : "write");
	while (i < n && strcmp(json_object_get_string(json_object_array_get_idx(scopes, i)), scope) != 0)
		i++;
	return !scopes || i < n;
}

/* Whether it is the version that the published contract asks for, or the one that the vendor's own client
 * sends unless told otherwise. */
static bool is_known(const struct request *r, const char *version)
{
	const char *published = is_calendar(r) ? "2021-04-15" : "2021-07-28";
	return strcmp(version, published) == 0 || strcmp(version, "2023-02-21") == 0;
}

/* Token, limits, version, scope. */
bool crm_enter(struct sandbox *s, struct request *r)
{
	const char *token = request_bearer(r), *version = request_header(r, "Version");
	r->location = token_location(&s->crm, token);
	if (!r->location) {
		answer_error(r, 401, token ? "Invalid JWT" : "Authorization header not found");
		return false;
	}
	if (!within_limits(s, r))
		return false;
	if (!version) {
		answer_error(r, 400, "version header was not found.");
		return false;
	}
	if (!is_known(r, version)) {
		answer_error(r, 400, "version header is invalid: the sandbox speaks %s and 2023-02-21",
			is_calendar(r) ? "2021-04-15" : "2021-07-28");
		return false;
	}
	if (!has_scope(r)) {
		answer_error(r, 401, "The token is not authorized for this scope.");
		return false;
	}
	return true;
}

/* Whether the token belongs to the location. */
bool crm_allowed(struct request *r, const char *location_id)
{
	if (location_id && strcmp(r->location->id, location_id) == 0)
		return true;
	if (location_id)
		answer_error(r, 403, "The token does not have access to this location.");
	else
		answer_error(r, 422, "locationId should not be empty");
	return false;
}
