/*
 * Every request to the CRM goes out here: token, Version header, and what an answer that is no success means.
 * The CRM's own words are passed on only where they repeat nothing that was sent, since what is sent is about
 * people.
 */
#include "crm.h"
#include "secret.h"

#include <ctype.h>
#include <err.h>
#include <stdlib.h>
#include <sysexits.h>

struct crm {
	const struct conf *conf;
	struct http *http;
	struct crm_location main;
	struct crm_location *facilities; /* as conf->facilities */
	struct arena arena;
};

static void fill_location(
	struct crm *c, struct crm_location *l, const char *id, const char *token_file, const char *key, bool dry)
{
	l->id = id;
	l->headers[0] = "Version: 2021-07-28";
	if (!dry)
		l->headers[1] = arena_printf(
			&c->arena, "Authorization: Bearer %s", secret_read(&c->arena, token_file, c->conf->file, key));
}

struct crm *crm_open(const struct conf *conf, const struct options *options)
{
	struct crm *c = calloc(1, sizeof *c);
	if (!c)
		err(EX_SOFTWARE, "out of memory");
	c->conf = conf;
	fill_location(c, &c->main, conf_need(conf, conf->crm.location_id, "crm.location_id"),
		conf->crm.token_file, "crm.token_file", options->dry);
	c->facilities = arena_alloc(&c->arena, (conf->facilities_n + 1) * sizeof *c->facilities);
	for (size_t i = 0; i < conf->facilities_n; i++)
		fill_location(c, &c->facilities[i], conf->facilities[i].location_id, conf->facilities[i].token_file,
			arena_printf(&c->arena, "facilities.%s.token_file", conf->facilities[i].name), options->dry);
	if (!options->dry)
		c->http = http_open(&(struct http_options){
			.timeout = options->seconds, .connections = options->parallel, .verbose = options->verbose});
	return c;
}

void crm_close(struct crm *c)
{
	if (!c)
		return;
	http_close(c->http);
	arena_free(&c->arena);
	free(c);
}

const struct crm_location *crm_location(const struct crm *c, const char *facility, bool *unknown)
{
	const struct conf_facility *f = conf_facility(c->conf, facility);
	*unknown = !f && facility && c->conf->facilities_n > 0;
	return f ? &c->facilities[f - c->conf->facilities] : &c->main;
}

const struct crm_location *crm_location_at(const struct crm *c, size_t i)
{
	if (i == 0)
		return &c->main;
	return i <= c->conf->facilities_n ? &c->facilities[i - 1] : NULL;
}

/* Whether some text inside a JSON value, of three letters or more, stands in the message too. */
static bool repeats(struct arena *a, struct str json, const char *message)
{
	const char *end = json.p + json.n;
	for (const char *p = json.p; p && p < end; p++) {
		if (*p != '"')
			continue;
		const char *start = p;
		for (p++; p < end && *p != '"'; p++)
			if (*p == '\\')
				p++;
		const char *after = p + 1;
		if (after < end && *after == ':')
			continue; /* a name, not a value */
		const char *text = jtext_string(a, (struct str){start, (size_t)(after - start)});
		if (text && strlen(text) >= 3 && strcasestr(message, text))
			return true;
	}
	return false;
}

/* What the CRM says about a request that it did not take: "property x should not exist". "" where it says
   nothing, or something that repeats what was sent or holds an address or number. */
static const char *reason(struct arena *a, const struct crm_request *request, struct str body)
{
	struct str message = jtext_get(body, "message"), at = {0};
	const char *text = "";
	unsigned digits = 0;
	if (jtext_type(message) == JTEXT_STRING)
		text = arena_printf(a, ": %s", jtext_string(a, message));
	while (jtext_next(message, &at)) {
		const char *one = jtext_string(a, at);
		text = arena_printf(a, "%s%s %s", text, *text ? ";" : ":", one ? one : "");
	}
	for (const char *p = text; *p; p++)
		digits += isdigit((unsigned char)*p) != 0;
	return digits > 6 || strchr(text, '@') || repeats(a, request->body, text) ? "" : text;
}

static void explain(struct arena *a, const struct crm_request *request, struct crm_answer *answer)
{
	static const struct {
		long from, to;
		const char *code;
		bool retry;
		const char *hint;
	} statuses[] = {
		{401, 401, "refused", true, ": the CRM does not accept the token"},
		{403, 403, "refused", true, ": the token may not do this"},
		{404, 404, "not_found", false, ""},
		{408, 408, "unavailable", true, ""},
		{429, 429, "limited", true, ": over the CRM's limit"},
		{400, 499, "rejected", false, ""},
		{500, 599, "unavailable", true, ""},
	};
	const char *path = arena_copy(a, (struct str){request->path, strcspn(request->path, "?")});
	answer->code = "bad_answer";
	answer->retry = true;
	answer->error = arena_printf(a, "%s %s: %ld, and no JSON", request->method, path, answer->status);
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		if (answer->status >= statuses[i].from && answer->status <= statuses[i].to) {
			answer->code = statuses[i].code;
			answer->retry = statuses[i].retry;
			answer->error = arena_printf(a, "%s %s: %ld%s%s", request->method, path, answer->status,
				statuses[i].hint, reason(a, request, answer->body));
			return;
		}
	}
}

struct crm_answer crm_call(
	struct crm *c, struct arena *a, const struct crm_location *location, const struct crm_request *request)
{
	struct http_request http = {.method = request->method,
		.url = arena_printf(a, "%s%s", c->conf->crm.base_url, request->path),
		.headers = location->headers,
		.body = request->body,
		.repeatable = request->repeatable};
	struct http_answer got = http_do(c->http, a, &http);
	struct crm_answer answer = {.outcome = got.outcome, .calls = got.calls, .ms = got.ms, .date = got.date};
	struct jtext_error error;
	if (got.outcome != HTTP_ANSWERED) {
		const char *path = arena_copy(a, (struct str){request->path, strcspn(request->path, "?")});
		answer.code = got.outcome == HTTP_LOST ? "lost" : "unavailable";
		answer.retry = true;
		answer.error = arena_printf(a, "%s %s: %s", request->method, path, got.error);
		return answer;
	}
	answer.status = got.status;
	if (got.body.n && jtext_check(got.body, &error))
		answer.body = got.body;
	if (got.status < 200 || got.status > 299 || !answer.body.p)
		explain(a, request, &answer);
	return answer;
}
