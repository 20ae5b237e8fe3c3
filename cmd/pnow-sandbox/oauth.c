/*
 * OAuth: access tokens for refresh tokens, each of which can be used once, and tokens of a location for the
 * agency's token. What is needed to see that a client keeps the new refresh token before it uses it, and gets
 * another access token in time; scopes are a location's.
 */
#include "oauth.h"
#include "answer.h"
#include "crm.h"
#include "crm_store.h"
#include "ids.h"
#include "sandbox.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>

/* A parameter of the form in the body, decoded, to be freed; NULL where there is none. */
static char *form(const struct request *r, const char *name)
{
	size_t n = strlen(name), at = 0;
	while (at < r->body.n) {
		const char *p = r->body.p + at, *end = memchr(p, '&', r->body.n - at);
		size_t length = end ? (size_t)(end - p) : r->body.n - at;
		if (length > n && memcmp(p, name, n) == 0 && p[n] == '=') {
			char *value = strndup(p + n + 1, length - n - 1);
			for (char *c = value; c && *c; c++)
				*c = *c == '+' ? ' ' : *c;
			if (value)
				MHD_http_unescape(value);
			return value;
		}
		at += length + 1;
	}
	return NULL;
}

/* Whether a form's parameter is this text; anything is, where the seed asks for nothing. */
static bool form_is(const struct request *r, const char *name, const char *text)
{
	char *value = form(r, name);
	bool is = !text || (value && strcmp(value, text) == 0);
	free(value);
	return is;
}

/* Answers 400 as OAuth does. */
static void refuse(struct request *r, const char *error, const char *description)
{
	struct json_object *value = json_object_new_object();
	member_set(value, "error", error);
	member_set(value, "error_description", description);
	answer_json(r, 400, value);
}

/* Answers with a new access token of a location (or the agency); a new refresh token where one was used. */
static void grant(struct sandbox *s, struct request *r, struct location *l, bool refresh)
{
	char access[ID_TEXT], again[ID_TEXT];
	bool agency = l == &s->crm.company;
	struct json_object *value = json_object_new_object();

	id_new(&s->ids, ID_TOKEN, access);
	token_add(&s->crm, access, l, s->crm.expires_in);
	member_set(value, "access_token", access);
	member_set(value, "token_type", "Bearer");
	json_object_object_add(value, "expires_in", json_object_new_int64(s->crm.expires_in));
	if (refresh) {
		id_new(&s->ids, ID_TOKEN, again);
		index_put(s->crm.refresh_tokens, text_copy(again), l);
		member_set(value, "refresh_token", again);
	}
	member_set(value, "userType", agency ? "Company" : "Location");
	if (!agency)
		member_set(value, "locationId", l->id);
	member_set(value, "companyId", s->crm.company_id);
	member_set(value, "userId", "sandboxUser000000000");
	answer_json(r, 200, value);
}

/* POST /oauth/token: grant_type=refresh_token */
static void token(struct sandbox *s, struct request *r)
{
	if (!form_is(r, "client_id", s->crm.client_id) || !form_is(r, "client_secret", s->crm.client_secret)) {
		refuse(r, "invalid_client", "Invalid client: client_id or client_secret is wrong");
		return;
	}
	if (!form_is(r, "grant_type", "refresh_token")) {
		refuse(r, "unsupported_grant_type", "the sandbox knows refresh_token only");
		return;
	}
	char *refresh = form(r, "refresh_token");
	struct location *l = index_get(s->crm.refresh_tokens, refresh);
	if (l) {
		index_drop(s->crm.refresh_tokens, refresh, l);
		grant(s, r, l, true);
	} else {
		refuse(r, "invalid_grant", "Invalid grant: refresh token is invalid or has been used");
	}
	free(refresh);
}

/* POST /oauth/locationToken: companyId and locationId, with the agency's token. */
static void location_token(struct sandbox *s, struct request *r)
{
	if (token_location(&s->crm, request_bearer(r)) != &s->crm.company) {
		answer_error(r, 401, "Invalid JWT");
		return;
	}
	char *id = form(r, "locationId");
	struct location *l = location_by_id(&s->crm, id);
	if (!form_is(r, "companyId", s->crm.company_id) || !l)
		answer_error(r, 400, "Location not found");
	else
		grant(s, r, l, false);
	free(id);
}

/* Answers the two, whose bodies are forms. */
bool oauth_answer(struct sandbox *s, struct request *r)
{
	if (strcmp(r->method, "POST") != 0)
		return false;
	if (strcmp(r->segments[1], "token") == 0)
		token(s, r);
	else if (strcmp(r->segments[1], "locationToken") == 0)
		location_token(s, r);
	else
		return false;
	return true;
}

void own_revoke(struct sandbox *s, struct request *r)
{
	struct access *access;
	const char *what = member_text(r->json, "what");
	bool all = what && strcmp(what, "all") == 0;
	if (!all && (!what || strcmp(what, "access") != 0)) {
		answer_error(r, 400, "what: access or all");
		return;
	}
	for (access = STAILQ_FIRST(&s->crm.accesses); access; access = STAILQ_NEXT(access, next))
		if (access->expires)
			access->location = NULL;
	if (all) {
		lh_table_free(s->crm.refresh_tokens);
		s->crm.refresh_tokens = index_new();
	}
	answer_json(r, 200, json_object_new_object());
}
