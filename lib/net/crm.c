/*
 * Every request to the CRM goes out here: token, Version header, the limits of its location, and what an
 * answer that is no success means.
 * Of the CRM's own words only those are passed on that say nothing of people (quiet.h).
 */
#include "net/crm.h"
#include "conf/secret.h"
#include "net/limit.h"
#include "net/oauth.h"
#include "net/quiet.h"
#include "state/outage.h"
#include "text/say.h"
#include "value/when.h"

#include <stdlib.h>

enum {
	AT_ONCE = 4,              /* requests of an event */
	REQUESTS_MAX = 1000000000 /* in an interval or a day: more is as good as no limit */
};

struct crm {
	const struct conf *conf;
	struct state *state;
	struct http *http;
	struct limits *limits; /* NULL: without a state file */
	struct oauth *oauth;   /* NULL: private tokens only */
	bool verbose;
	struct crm_location main;
	struct crm_location *facilities; /* as conf->facilities */
	struct arena arena;
};

/* A request on its way through the limits; those for a token have none. */
struct passage {
	const struct crm_location *location;
	const struct crm_request *request;
	struct limit_turn turn;
	int64_t until; /* where it was not let through: when it will be, */
	bool stopped;  /* or that the caller may not any more */
};

static bool enter(void *context, const struct http_request *request)
{
	struct passage *p = request->caller;
	(void)context;
	if (!p)
		return true;
	struct limit *limit = p->location->limit;
	if (limit && !limit_enter(limit, p->request->yields, &p->turn, &p->until))
		return false;
	p->stopped = p->request->may && !p->request->may(p->request->context);
	if (p->stopped && limit)
		limit_leave(limit, &p->turn,
			&(struct limit_told){
				.interval_ms = -1, .max = -1, .remaining = -1, .day_max = -1, .day_remaining = -1});
	return !p->stopped;
}

/* A header's number, max at most; -1 where it has none. */
static int64_t told(struct arena *a, const struct http_answer *answer, const char *name, int64_t max)
{
	return http_number(http_header(a, answer->headers, name), max);
}

/* The location's limits hear what the answer says of them. */
static void tell(const struct passage *p, const struct http_answer *answer)
{
	struct arena a = {0};
	bool answered = answer->outcome == HTTP_ANSWERED;
	limit_leave(p->location->limit, &p->turn,
		&(struct limit_told){.sent = answer->outcome != HTTP_UNSENT,
			.status = answered ? answer->status : 0,
			.retry_after = answered ? answer->retry_after : 0,
			.interval_ms = told(&a, answer, "X-RateLimit-Interval-Milliseconds", LIMIT_INTERVAL_MAX_MS),
			.max = told(&a, answer, "X-RateLimit-Max", REQUESTS_MAX),
			.remaining = told(&a, answer, "X-RateLimit-Remaining", REQUESTS_MAX),
			.day_max = told(&a, answer, "X-RateLimit-Limit-Daily", REQUESTS_MAX),
			.day_remaining = told(&a, answer, "X-RateLimit-Daily-Remaining", REQUESTS_MAX)});
	arena_free(&a);
}

static void leave(void *context, const struct http_request *request, const struct http_answer *answer)
{
	struct passage *p = request->caller;
	(void)context;
	if (p && p->location->limit)
		tell(p, answer);
	if (p && p->request->undone && http_failure(answer).without_effect)
		p->request->undone(p->request->context);
}

/* The file of the refresh token that a location's tokens come of. */
static const char *refresh_token_of(const struct crm *c, const struct crm_location *l)
{
	return l->refresh_token_file ? l->refresh_token_file : c->conf->crm.oauth.refresh_token_file;
}

/* token_file NULL: by OAuth, where there is that. */
static void fill_location(struct crm *c, struct crm_location *l, const char *id, const char *token_file,
	const char *refresh_token_file, const char *key, bool dry)
{
	l->id = id;
	l->limit = c->limits ? limits_of(c->limits, id) : NULL;
	l->refresh_token_file = refresh_token_file;
	if (!dry && (token_file || !c->conf->crm.oauth.client_id))
		l->token = secret_open(&c->arena, token_file, SECRET_API, c->conf->file, key);
	l->outage = outage_open(c->state, arena_printf(&c->arena, "the CRM's sub-account %s", id),
		token_file ? arena_printf(&c->arena, "token in %s", token_file)
				   : arena_printf(&c->arena, "refresh token in %s, or the client's secret in %s",
						 refresh_token_of(c, l), c->conf->crm.oauth.client_secret_file));
}

struct crm *crm_open(const struct conf *conf, struct state *state, const struct options *options)
{
	struct crm *c = allocated(calloc(1, sizeof *c));
	c->conf = conf;
	c->state = state;
	c->verbose = options->verbose;
	if (conf->state && !options->dry)
		c->limits = limits_open(conf->state);
	fill_location(c, &c->main, conf_need(conf, conf->crm.location_id, "crm.location_id"),
		conf->crm.token_file, conf->crm.oauth.company_id ? NULL : conf->crm.oauth.refresh_token_file,
		"crm.token_file", options->dry);
	c->facilities = arena_alloc(&c->arena, (conf->facilities_n + 1) * sizeof *c->facilities);
	for (size_t i = 0; i < conf->facilities_n; i++)
		fill_location(c, &c->facilities[i], conf->facilities[i].location_id, conf->facilities[i].token_file,
			conf->facilities[i].refresh_token_file,
			arena_printf(&c->arena, "facilities.%s.token_file", conf->facilities[i].name), options->dry);
	if (options->dry)
		return c;
	c->http = http_open(&(struct http_options){.timeout = options->seconds,
		.connections = options->parallel * AT_ONCE,
		.verbose = options->verbose,
		.allow = enter,
		.tried = leave});
	if (conf->crm.oauth.client_id)
		c->oauth = oauth_open(conf, c->http);
	return c;
}

static void say_left(const struct crm_location *l)
{
	struct limit_left s = limit_left(l->limit);
	if (s.told)
		say("location %s: %lld of %lld requests in %lld ms are left, %lld of %lld today (UTC)", l->id,
			(long long)s.left, (long long)s.max, (long long)s.interval_ms, (long long)s.day_left,
			(long long)s.day_max);
}

static void close_location(struct crm_location *l)
{
	secret_close(l->token);
	outage_close(l->outage);
}

void crm_close(struct crm *c)
{
	if (!c)
		return;
	const struct crm_location *at;
	for (size_t i = 0; c->verbose && c->limits && (at = crm_location_next(c, &i));)
		say_left(at);
	close_location(&c->main);
	for (size_t i = 0; i < c->conf->facilities_n; i++)
		close_location(&c->facilities[i]);
	oauth_close(c->oauth);
	http_close(c->http);
	limits_close(c->limits);
	arena_free(&c->arena);
	free(c);
}

const struct crm_location *crm_location(const struct crm *c, const char *facility, bool *unknown)
{
	const struct conf_facility *f = conf_facility(c->conf, facility);
	*unknown = !f && facility && c->conf->facilities_n > 0;
	return f ? &c->facilities[f - c->conf->facilities] : &c->main;
}

const struct crm_location *crm_location_next(const struct crm *c, size_t *i)
{
	if (!conf_location(c->conf, i))
		return NULL;
	return *i > 1 ? &c->facilities[*i - 2] : &c->main;
}

const struct crm_location *crm_location_with(const struct crm *c, const char *id)
{
	const struct crm_location *at;
	for (size_t i = 0; (at = crm_location_next(c, &i));)
		if (strcmp(at->id, id) == 0)
			return at;
	return NULL;
}

/* What the CRM says about a request that it did not take: "property x should not exist", without what it
   says of people. "" where it says nothing. */
static const char *reason(struct arena *a, const struct crm_request *request, struct str body)
{
	struct str message = jtext_get(body, "message"), at = {0};
	const char *text = "";
	if (jtext_type(message) == JTEXT_STRING)
		text = arena_printf(a, ": %s", quiet_words(a, request->body, jtext_string(a, message)));
	while (jtext_next(message, &at)) {
		const char *one = jtext_string(a, at);
		text = arena_printf(
			a, "%s%s %s", text, *text ? ";" : ":", one ? quiet_words(a, request->body, one) : "");
	}
	return text;
}

/* What to do about a status. */
static const char *hint(long status)
{
	switch (status) {
	case 401:
		return ": the CRM does not accept the token";
	case 403:
		return ": the token may not do this";
	case 429:
		return ": over the CRM's limit";
	default:
		return "";
	}
}

/* Seconds until the limit lets requests through again, where it is to blame that this one was not taken: then
   that was no try. 0: it is not. */
static int64_t pause_of(const struct passage *passage, const struct http_answer *got)
{
	bool refused = got->outcome == HTTP_ANSWERED && got->status == 429;
	bool held_back = got->outcome != HTTP_ANSWERED && !got->calls;
	if (passage->until && (refused || held_back))
		return when_seconds_until(passage->until);
	return http_pause(got);
}

/* Fills in what an answer that is no success means. */
static void explain(struct arena *a, const struct crm_request *request, const struct passage *passage,
	const struct http_answer *got, struct crm_answer *answer)
{
	struct http_failure means = http_failure(got);
	const char *what =
		arena_printf(a, "%s %.*s", request->method, (int)strcspn(request->path, "?"), request->path);
	char until[WHEN_TEXT];
	answer->code = means.code;
	answer->retry = means.retry;
	answer->retry_after = pause_of(passage, got);
	if (got->outcome != HTTP_ANSWERED && passage->until && !got->calls) {
		when_utc(passage->until, until);
		answer->code = "limited";
		answer->error = arena_printf(a, "%s: the CRM's limit is used up: again from %s on", what, until);
	} else if (got->outcome != HTTP_ANSWERED) {
		answer->error = arena_printf(a, "%s: %s", what, got->error);
	} else if (got->status >= 400 && got->status <= 599) {
		answer->error = arena_printf(
			a, "%s: %ld%s%s", what, got->status, hint(got->status), reason(a, request, answer->body));
	} else {
		answer->error = arena_printf(a, "%s: %ld, and no JSON", what, got->status);
	}
}

/* One request as http.h makes it, and what it tells. */
static struct crm_answer make(struct crm *c, struct arena *a, const struct crm_location *location,
	const struct crm_request *request, const char *token)
{
	bool calendar = strncmp(request->path, CRM_CALENDARS, sizeof CRM_CALENDARS - 1) == 0;
	const char *headers[] = {calendar ? "Version: 2021-04-15" : "Version: 2021-07-28",
		arena_printf(a, "Authorization: Bearer %s", token), NULL};
	struct passage passage = {.location = location, .request = request};
	struct http_request http = {.method = request->method,
		.url = arena_printf(a, "%s%s", c->conf->crm.base_url, request->path),
		.headers = headers,
		.body = request->body,
		.repeatable = request->repeatable,
		.caller = &passage};
	struct http_answer got = http_do(c->http, a, &http);
	struct crm_answer answer = {
		.outcome = got.outcome, .calls = got.calls, .ms = got.ms, .headers = got.headers};
	struct jtext_error error;
	if (passage.stopped)
		return (struct crm_answer){.outcome = HTTP_LOST, .calls = got.calls, .ms = got.ms, .stopped = true};
	if (got.outcome == HTTP_ANSWERED) {
		answer.status = got.status;
		if (got.body.n && jtext_check(got.body, &error))
			answer.body = got.body;
	}
	if (answer.status < 200 || answer.status > 299 || !answer.body.p)
		explain(a, request, &passage, &got, &answer);
	return answer;
}

/* The token to be used now; refused: the one that was not accepted just now, or NULL. */
static struct oauth_token token_of(
	struct crm *c, struct arena *a, const struct crm_location *location, const char *refused)
{
	if (location->token)
		return (struct oauth_token){.access = secret_now(location->token, a, refused).p};
	return oauth_token(
		c->oauth, a, &(struct oauth_owner){location->id, location->refresh_token_file}, refused);
}

/* Makes the request; once more with another token where there is one and the first is refused. */
static struct crm_answer make_with_token(
	struct crm *c, struct arena *a, const struct crm_location *location, const struct crm_request *request)
{
	struct crm_answer answer = {.outcome = HTTP_UNSENT, .retry = true};
	const char *refused = NULL;
	for (int i = 0; i < 2; i++) {
		struct oauth_token token = token_of(c, a, location, refused);
		struct crm_answer now = {
			.outcome = HTTP_UNSENT, .retry = true, .error = token.error, .code = token.code};
		if (token.access && refused && strcmp(token.access, refused) == 0)
			break;
		if (token.access)
			now = make(c, a, location, request, token.access);
		now.calls += answer.calls + token.calls;
		now.ms += answer.ms + token.ms;
		answer = now;
		refused = token.access;
		if (answer.status != 401)
			break;
	}
	return answer;
}

/* Of the token; where the CRM gave none, it is refused, too. */
static enum outage_verdict verdict(const struct crm_answer *answer)
{
	bool none = !answer->status && answer->code && strcmp(answer->code, "refused") == 0;
	return none ? OUTAGE_REFUSED : outage_verdict(answer->status);
}

/* Whose token may be refused. */
struct bearer {
	struct crm *crm;
	const struct crm_location *location;
	unsigned calls; /* that it took to ask */
};

static enum outage_verdict ask(void *context)
{
	struct bearer *b = context;
	struct arena a = {0};
	struct crm_request request = {.method = "GET",
		.path = arena_printf(&a, CRM_FIELDS, http_encode(&a, b->location->id)),
		.repeatable = true};
	struct crm_answer answer = make_with_token(b->crm, &a, b->location, &request);
	enum outage_verdict told = verdict(&answer);
	b->calls += answer.calls;
	arena_free(&a);
	return told;
}

/* What the location's token is, or comes of. */
static const char *secret_of(struct crm *c, struct arena *a, const struct crm_location *location)
{
	if (location->token)
		return secret_now(location->token, a, NULL).p;
	struct str refresh = {0}, client = {0};
	secret_try(a, refresh_token_of(c, location), SECRET_API, &refresh);
	secret_try(a, c->conf->crm.oauth.client_secret_file, SECRET_API, &client);
	return arena_printf(a, "%s %s", refresh.p ? refresh.p : "", client.p ? client.p : "");
}

/* A request that is not made. */
static struct crm_answer put_off(struct arena *a, const struct crm_request *request, int64_t seconds)
{
	return (struct crm_answer){.outcome = HTTP_UNSENT,
		.code = "refused",
		.error = arena_printf(a, "%s %.*s: not sent: the CRM does not accept the token", request->method,
			(int)strcspn(request->path, "?"), request->path),
		.retry = true,
		.retry_after = seconds};
}

struct crm_answer crm_call(
	struct crm *c, struct arena *a, const struct crm_location *location, const struct crm_request *request)
{
	struct bearer bearer = {c, location, 0};
	struct outage_try try = {.ask = ask, .context = &bearer};
	bool stood = outage_stands(location->outage);
	if (stood)
		try.secret = secret_of(c, a, location);
	int64_t wait = stood ? outage_wait(location->outage, &try) : 0;
	struct crm_answer answer = wait ? put_off(a, request, wait) : make_with_token(c, a, location, request);
	if (!wait && verdict(&answer) == OUTAGE_REFUSED) {
		try.secret = secret_of(c, a, location);
		answer.retry_after = outage_refused(location->outage, &try);
	} else if (!wait && stood && verdict(&answer) == OUTAGE_TAKEN) {
		outage_over(location->outage);
	}
	answer.calls += bearer.calls;
	return answer;
}

bool crm_gone(struct arena *a, const struct crm_answer *answer)
{
	const char *message = jtext_string(a, jtext_get(answer->body, "message"));
	return answer->status == 404 || (answer->status == 400 && message && strcasestr(message, "not found"));
}
