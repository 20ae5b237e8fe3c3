/*
 * Reading what webhooks are verified with, once and before the first of them comes: what is missing or wrong
 * is told at the start, and not by refusing everybody.
 */
#include "conf/verifier.h"
#include "conf/mistake.h"
#include "conf/secret.h"
#include "text/file.h"
#include "value/signature.h"

#include <errno.h>
#include <openssl/evp.h>

static void read_secret(struct verifier *v, struct conf *conf, const char *place, enum secret_use use)
{
	const char *key = arena_printf(&conf->arena, "%s.secret_file", place);
	v->secret = secret_read(&conf->arena, v->conf->secret_file, use, conf->file, key);
}

/* The secret as it stands in its file. */
static void open_secret(struct verifier *v, struct conf *conf, const char *place)
{
	read_secret(v, conf, place, SECRET_HOOK);
}

/* USER:PASSWORD, as Basic sends it. */
static void open_basic(struct verifier *v, struct conf *conf, const char *place)
{
	open_secret(v, conf, place);
	v->secret = str_of(arena_printf(&conf->arena, "%s:%s", v->conf->user, v->secret.p));
}

/* "whsec_" and base64 stand for the bytes; anything else is itself the secret. */
static void open_standard(struct verifier *v, struct conf *conf, const char *place)
{
	static const char prefix[] = "whsec_";

	read_secret(v, conf, place, SECRET_STANDARD);
	if (strncmp(v->secret.p, prefix, strlen(prefix)) != 0)
		return;
	struct str base64 = {v->secret.p + strlen(prefix), v->secret.n - strlen(prefix)};
	unsigned char *bytes = arena_alloc(&conf->arena, base64.n + 1);
	long n = signature_base64(base64, bytes);
	if (n < 0)
		mistake(
			"%s: %s.secret_file: %s: expected base64 after whsec_", conf->file, place, v->conf->secret_file);
	const char *wrong =
		secret_too_short(&conf->arena, v->conf->secret_file, SECRET_STANDARD, (size_t)n, " after whsec_");
	if (wrong)
		mistake("%s: %s.secret_file: %s", conf->file, place, wrong);
	v->secret = (struct str){(const char *)bytes, (size_t)n};
}

/* Reads a public key, which must be of this type. */
static void open_key(struct verifier *v, struct conf *conf, const char *place, int type, const char *expected)
{
	size_t n = 0;
	char *text = file_read(&conf->arena, v->conf->key_file, &n);

	if (!text)
		mistake("%s: %s.key_file: %s: %s", conf->file, place, v->conf->key_file, strerror(errno));
	v->key = signature_key((struct str){text, n});
	if (!v->key || EVP_PKEY_id(v->key) != type)
		mistake("%s: %s.key_file: %s: expected %s", conf->file, place, v->conf->key_file, expected);
}

static void open_ed25519(struct verifier *v, struct conf *conf, const char *place)
{
	open_key(v, conf, place, EVP_PKEY_ED25519, "an Ed25519 public key, as PEM or its 32 bytes in base64");
}

static void open_rsa(struct verifier *v, struct conf *conf, const char *place)
{
	open_key(v, conf, place, EVP_PKEY_RSA, "an RSA public key, as PEM");
}

static const struct {
	const char *header; /* unless the configuration says otherwise */
	void (*open)(struct verifier *v, struct conf *conf, const char *place);
} schemes[] = {
	[VERIFY_NONE] = {NULL, NULL},
	[VERIFY_TOKEN] = {NULL, open_secret},
	[VERIFY_BASIC] = {"Authorization", open_basic},
	[VERIFY_HMAC_SHA256] = {"X-Signature", open_secret},
	[VERIFY_STANDARD_WEBHOOKS] = {"webhook-signature", open_standard},
	[VERIFY_ED25519] = {"X-GHL-Signature", open_ed25519},
	[VERIFY_RSA_SHA256] = {"X-WH-Signature", open_rsa},
};

void verifier_open(struct verifier *v, struct conf *conf, const struct conf_hook *hook, const char *place)
{
	v->conf = hook;
	v->header = hook->header ? hook->header : schemes[hook->verify].header;
	if (schemes[hook->verify].open)
		schemes[hook->verify].open(v, conf, place);
}
