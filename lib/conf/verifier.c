/*
 * Reading what webhooks are verified with, before the first of them comes: what is missing or wrong is told
 * at the start, and not by refusing everybody.
 */
#include "conf/verifier.h"
#include "conf/mistake.h"
#include "text/file.h"
#include "value/digest.h"
#include "value/signature.h"

#include <errno.h>

static void open_secrets(struct verifier *v, struct conf *conf, const char *place, enum secret_use use)
{
	const struct conf_hook *hook = v->conf;
	const char *key = arena_printf(&conf->arena, "%s.secret_file", place);
	v->secrets = arena_alloc(&conf->arena, hook->secret_files_n * sizeof *v->secrets);
	for (size_t i = 0; i < hook->secret_files_n; i++, v->secrets_n++)
		v->secrets[i] = secret_open(&conf->arena, hook->secret_files[i], use, conf->file, key);
}

static void open_secret(struct verifier *v, struct conf *conf, const char *place)
{
	open_secrets(v, conf, place, SECRET_HOOK);
}

struct str verifier_key(const struct verifier *v, struct arena *a, struct str secret)
{
	const char *form = v->signature.key;
	if (!form)
		return secret;
	unsigned char *bytes = arena_alloc(a, secret.n + 1);
	long n = strcmp(form, "hex") == 0 ? digest_hex(secret, bytes) : digest_base64(secret, bytes);
	return n > 0 ? (struct str){(const char *)bytes, (size_t)n} : (struct str){0};
}

/* A secret that may stand for a key in another form. */
static void open_hmac(struct verifier *v, struct conf *conf, const char *place)
{
	struct arena *a = &conf->arena;
	open_secret(v, conf, place);
	for (size_t i = 0; i < v->secrets_n; i++)
		if (!verifier_key(v, a, secret_now(v->secrets[i], a, NULL)).p)
			mistake("%s: %s.secret_file: %s: expected %s, as the profile says", conf->file, place,
				v->conf->secret_files[i], v->signature.key);
}

static void open_standard(struct verifier *v, struct conf *conf, const char *place)
{
	open_secrets(v, conf, place, SECRET_STANDARD);
}

/* Reads a public key. */
static void open_key(struct verifier *v, struct conf *conf, const char *place, bool rsa, const char *expected)
{
	size_t n = 0;
	char *text = file_read(&conf->arena, v->conf->key_file, &n);

	if (!text)
		mistake("%s: %s.key_file: %s: %s", conf->file, place, v->conf->key_file, strerror(errno));
	v->key = signature_key((struct str){text, n});
	if (!v->key || signature_key_is_rsa(v->key) != rsa)
		mistake("%s: %s.key_file: %s: expected %s", conf->file, place, v->conf->key_file, expected);
}

static void open_ed25519(struct verifier *v, struct conf *conf, const char *place)
{
	open_key(v, conf, place, false, "an Ed25519 public key, as PEM or its 32 bytes in base64");
}

static void open_rsa(struct verifier *v, struct conf *conf, const char *place)
{
	open_key(v, conf, place, true, "an RSA public key, as PEM");
}

static const struct {
	const char *header; /* unless configuration or profile say otherwise */
	void (*open)(struct verifier *v, struct conf *conf, const char *place);
	bool is_signature;
} schemes[] = {
	[VERIFY_NONE] = {NULL, NULL, false},
	[VERIFY_TOKEN] = {NULL, open_secret, false},
	[VERIFY_BASIC] = {"Authorization", open_secret, false},
	[VERIFY_HMAC_SHA256] = {NULL, open_hmac, true},
	[VERIFY_STANDARD_WEBHOOKS] = {"webhook-signature", open_standard, true},
	[VERIFY_ED25519] = {"X-GHL-Signature", open_ed25519, true},
	[VERIFY_RSA_SHA256] = {"X-WH-Signature", open_rsa, true},
};

/* Where the secret or signature stands: the configuration's word, else the profile's, else as usual. */
static const char *header_of(const struct verifier *v, const struct conf *conf, const char *place)
{
	const struct conf_hook *hook = v->conf;
	const char *header = hook->header ? hook->header : v->signature.header;
	if (hook->verify == VERIFY_HMAC_SHA256 && !header)
		mistake("%s: %s: expected header", conf->file, place);
	if (hook->verify == VERIFY_TOKEN && !header && !hook->query)
		mistake("%s: %s: expected header, or query", conf->file, place);
	if (hook->header || (header && hook->verify != VERIFY_BASIC))
		return header;
	return schemes[hook->verify].header;
}

void verifier_open(struct verifier *v, struct conf *conf, const struct profile *profile,
	const struct conf_hook *hook, const char *place)
{
	v->conf = hook;
	if (profile)
		v->signature = profile->signature;
	if (hook->prefix)
		v->signature.prefix = hook->prefix;
	v->header = header_of(v, conf, place);
	const char *missing = schemes[hook->verify].is_signature ? signature_missing() : NULL;
	if (missing)
		mistake("%s: %s.verify: %s", conf->file, place, missing);
	if (schemes[hook->verify].open)
		schemes[hook->verify].open(v, conf, place);
}

void verifier_close(struct verifier *v)
{
	for (size_t i = 0; i < v->secrets_n; i++)
		secret_close(v->secrets[i]);
	signature_key_free(v->key);
}
