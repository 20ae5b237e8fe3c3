/*
 * Whether a webhook really comes from its sender: a table of the schemes, each of which judges request after
 * request by the secrets or the key that lib/conf/verifier.h has read. Whatever is secret is compared in
 * constant time (lib/value/signature.h). A missing header is always a refusal, and so is whatever a scheme
 * cannot make sense of: a check that can be skipped is an open door.
 */
#include "hook.h"
#include "text/form.h"
#include "text/jtext.h"
#include "value/digest.h"
#include "value/signature.h"
#include "value/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

/* How a scheme judges by one of its secrets: verifier_refuses of that scheme. */
typedef const char *refuses_fn(
	const struct verifier *v, const struct request *r, struct str body, struct str secret);

/* A header's value as the scheme reads it; p NULL where there is none. */
static struct str header(const struct verifier *v, const struct request *r)
{
	return str_of(r->header(r->transport, v->header));
}

/* Cuts the configured prefix off; false where the text does not begin with it. */
static bool without_prefix(const struct verifier *v, struct str *text)
{
	const char *prefix = v->signature.prefix ? v->signature.prefix : "";
	size_t n = strlen(prefix);

	if (text->n < n || strncmp(text->p, prefix, n) != 0)
		return false;
	*text = (struct str){text->p + n, text->n - n};
	return true;
}

/* Whoever can reach us is believed. */
static const char *refuses_none(
	const struct verifier *v, const struct request *r, struct str body, struct str secret)
{
	(void)v, (void)r, (void)body, (void)secret;
	return NULL;
}

/* The secret itself, in a header or in the query. */
static const char *refuses_token(
	const struct verifier *v, const struct request *r, struct str body, struct str secret)
{
	(void)body;
	struct str token = v->header ? header(v, r) : (struct str){NULL, 0};
	if (token.p && !without_prefix(v, &token))
		return "the header with the token lacks the configured prefix";
	if (!token.p && v->conf->query)
		token = form_parameter(r->arena, r->query, v->conf->query);
	if (!token.p)
		return "no token where the configuration expects it";
	return signature_equal(token, secret) ? NULL : "another token";
}

/* RFC 7617. */
static const char *refuses_basic(
	const struct verifier *v, const struct request *r, struct str body, struct str secret)
{
	(void)body;
	static const char scheme[] = "Basic ";
	struct str given = header(v, r);
	if (!given.p)
		return "no Authorization header";
	if (strncasecmp(given.p, scheme, strlen(scheme)) != 0)
		return "the Authorization is not Basic";
	given = str_of(given.p + strlen(scheme));
	unsigned char *bytes = arena_alloc(r->arena, given.n + 1);
	long n = digest_base64(given, bytes);
	if (n < 0)
		return "the Authorization is no base64";
	struct str right = str_of(arena_printf(r->arena, "%s:%s", v->conf->user, secret.p));
	return signature_equal((struct str){(char *)bytes, (size_t)n}, right) ? NULL : "another user or password";
}

/* HMAC-SHA256 of the body, or of SALT:BODY, in hex or base64, in a header. */
static const char *refuses_hmac(
	const struct verifier *v, const struct request *r, struct str body, struct str secret)
{
	unsigned char mac[32];
	struct str given = header(v, r);

	if (!given.p)
		return "no header with a signature";
	if (!without_prefix(v, &given))
		return "the signature lacks the configured prefix";
	if (v->signature.salt_header) {
		const char *salt = r->header(r->transport, v->signature.salt_header);
		if (!salt)
			return "no header with the salt";
		char *salted = arena_alloc(r->arena, strlen(salt) + 1 + body.n + 1);
		size_t n = (size_t)sprintf(salted, "%s:", salt);
		memcpy(salted + n, body.p, body.n);
		body = (struct str){salted, n + body.n};
	}
	secret = verifier_key(v, r->arena, secret);
	if (!secret.p)
		return "the secret is no key in the form that the profile says";
	signature_hmac_sha256(secret, body, mac);
	return signature_is(mac, given) ? NULL : "the signature is not of this body and secret";
}

/* Whether a moment (milliseconds since 1970) is no further from now than the configuration allows. */
static bool is_recent(const struct verifier *v, int64_t ms)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	int64_t off = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - ms;
	return off <= v->conf->max_age * 1000 && off >= -v->conf->max_age * 1000;
}

/* A whole number of milliseconds or seconds since 1970 as text; false where it is none, or is out of all
 * reason. */
static bool read_moment(const char *text, int64_t scale, int64_t *ms)
{
	const char *problem = NULL;

	*ms = strtonum(text, 0, INT64_MAX / 1000000, &problem) * scale;
	return problem == NULL && *text >= '0' && *text <= '9';
}

/* A header that stands beside the signature's in Standard Webhooks: webhook-id beside webhook-signature,
 * svix-id beside svix-signature. */
static const char *beside(const struct verifier *v, const struct request *r, const char *what)
{
	static const char last[] = "signature";
	size_t n = strlen(v->header), before = n > strlen(last) ? n - strlen(last) : 0;
	bool ends = before && strcasecmp(v->header + before, last) == 0;

	return r->header(r->transport, ends ? arena_printf(r->arena, "%.*s%s", (int)before, v->header, what)
										: arena_printf(r->arena, "webhook-%s", what));
}

/* Standard Webhooks 1.0: HMAC-SHA256 of "id.timestamp.body"; the header lists signatures, of which one must
 * hold. */
static const char *refuses_standard(
	const struct verifier *v, const struct request *r, struct str body, struct str secret)
{
	const char *id = beside(v, r, "id"), *timestamp = beside(v, r, "timestamp");
	struct str given = header(v, r);
	struct buf text = {0};
	unsigned char mac[32];
	bool genuine = false;
	int64_t ms;

	if (!id || !timestamp || !given.p)
		return arena_printf(r->arena, "no header %s, or none for id or timestamp beside it", v->header);
	buf_printf(&text, "%s.%s.", id, timestamp);
	buf_add(&text, body);
	signature_hmac_sha256(secret, buf_str(&text), mac);
	buf_free(&text);
	for (const char *p = given.p; *p; p += strcspn(p, " "), p += strspn(p, " "))
		if (strncmp(p, "v1,", 3) == 0)
			genuine |= signature_is(mac, (struct str){p + 3, strcspn(p + 3, " ")});
	if (!genuine)
		return "no signature in the list is of this body and secret";
	if (!read_moment(timestamp, 1000, &ms))
		return "the timestamp is no number of seconds";
	return is_recent(v, ms) ? NULL : "the timestamp is stale";
}

/* A signature of the body with a key pair, in base64, in a header. */
static const char *refuses_key(
	const struct verifier *v, const struct request *r, struct str body, struct str secret)
{
	(void)secret;
	struct str given = header(v, r);
	if (!given.p)
		return "no header with a signature";
	return signature_verify(v->key, body, given) ? NULL : "the signature is not of this body and key";
}

static refuses_fn *const schemes[] = {
	[VERIFY_NONE] = refuses_none,
	[VERIFY_TOKEN] = refuses_token,
	[VERIFY_BASIC] = refuses_basic,
	[VERIFY_HMAC_SHA256] = refuses_hmac,
	[VERIFY_STANDARD_WEBHOOKS] = refuses_standard,
	[VERIFY_ED25519] = refuses_key,
	[VERIFY_RSA_SHA256] = refuses_key,
};

const char *verifier_refuses(const struct verifier *v, const struct request *r, struct str body)
{
	refuses_fn *refuses = schemes[v->conf->verify];
	const char *why = v->secrets_n ? "" : refuses(v, r, body, (struct str){0});
	for (size_t i = 0; why && i < v->secrets_n; i++)
		why = refuses(v, r, body, secret_now(v->secrets[i], r->arena, NULL));
	return why;
}

const char *verifier_stale(const struct verifier *v, const struct request *r, struct str body)
{
	int64_t ms;

	if (!v->key)
		return NULL;
	struct str value = jtext_get(body, "timestamp");
	if (jtext_type(value) == JTEXT_NONE || jtext_type(value) == JTEXT_NULL)
		return NULL;
	const char *text = jtext_scalar(r->arena, value);
	bool read = false;
	if (jtext_type(value) == JTEXT_STRING)
		read = when_moment(str_of(text), &ms);
	else if (jtext_type(value) == JTEXT_NUMBER)
		read = read_moment(text, 1, &ms);
	if (!read)
		return "the body's timestamp is neither RFC 3339 text nor milliseconds since 1970";
	return is_recent(v, ms) ? NULL : "the timestamp is stale";
}

const char *verifier_delivery_id(const struct verifier *v, const struct request *r)
{
	const char *id = v->conf->verify == VERIFY_STANDARD_WEBHOOKS ? beside(v, r, "id") : NULL;
	return id && *id ? id : NULL;
}

const char *verifier_challenge(const struct verifier *v)
{
	return v->conf->verify == VERIFY_BASIC ? "Basic realm=\"pnow-hook\"" : NULL;
}
