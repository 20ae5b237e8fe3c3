/*
 * Signatures of webhooks, made with libcrypto. What the sender gave (hex, base64) is decoded first, in time
 * that may depend on it, since the sender knows it already; what is secret is compared with CRYPTO_memcmp,
 * or, where nothing of libcrypto is needed else, by digests with a key that nobody knows: what these have in
 * common tells nothing of the texts.
 */
#include "value/signature.h"
#include "text/arena.h"
#include "value/digest.h"
#include "value/libcrypto.h"

#include <err.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
	SHA256_SIZE = 32,
	ED25519_SIZE = 32,     /* bytes of a public key */
	SIGNATURE_TEXT = 4096, /* more base64 than the signature of any key we take */
};

static char digest_key[32]; /* of this process */

static void make_digest_key(void)
{
	arc4random_buf(digest_key, sizeof digest_key);
}

bool signature_equal(struct str a, struct str b)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	char of_a[65], of_b[65];
	pthread_once(&once, make_digest_key);
	struct str key = {digest_key, sizeof digest_key};
	digest_sha256_hex((struct str[]){key, a}, 2, of_a);
	digest_sha256_hex((struct str[]){key, b}, 2, of_b);
	return a.n == b.n && memcmp(of_a, of_b, sizeof of_a) == 0;
}

const char *signature_missing(void)
{
	return libcrypto_load();
}

/* Loads libcrypto, or ends the process. */
static void need_libcrypto(void)
{
	const char *missing = signature_missing();
	if (missing)
		errx(EX_UNAVAILABLE, "signatures: %s", missing);
}

void signature_hmac_sha256(struct str secret, struct str body, unsigned char mac[static 32])
{
	unsigned n = 0;

	need_libcrypto();
	if (secret.n > INT_MAX)
		errx(EX_SOFTWARE, "HMAC: secret too long");
	if (!crypto.HMAC(crypto.EVP_sha256(), secret.p ? secret.p : "", (int)secret.n,
			(const unsigned char *)(body.p ? body.p : ""), body.n, mac, &n) ||
		n != SHA256_SIZE)
		errx(EX_SOFTWARE, "HMAC-SHA256 is not to be had from libcrypto");
}

bool signature_is(const unsigned char mac[static 32], struct str text)
{
	unsigned char given[3 * SHA256_SIZE];

	if (text.n > sizeof given)
		return false;
	bool decoded = text.n >= 2 * SHA256_SIZE ? digest_hex(text, given) == SHA256_SIZE
											 : digest_base64(text, given) == SHA256_SIZE;
	return decoded && crypto.CRYPTO_memcmp(mac, given, SHA256_SIZE) == 0;
}

/* Answers libcrypto's question for a passphrase: there is none, and nobody is asked at the terminal. */
static int no_passphrase(char *text, int room, int writing, void *context)
{
	(void)text, (void)room, (void)writing, (void)context;
	return -1;
}

/* A key from PEM text, public or private, or NULL. */
static EVP_PKEY *key_from_pem(struct str pem)
{
	EVP_PKEY *key = NULL;

	for (int private = 0; private < 2 && !key; private ++) {
		BIO *bio = allocated(crypto.BIO_new_mem_buf(pem.p, (int)pem.n));
		key = private ? crypto.PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL)
					  : crypto.PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
		crypto.BIO_free(bio);
	}
	return key;
}

/* An Ed25519 public key from its 32 bytes in base64, or NULL. */
static EVP_PKEY *key_from_base64(struct str text)
{
	unsigned char raw[64];

	while (text.n > 0 && strchr(" \t\r\n", text.p[text.n - 1]))
		text.n--;
	if (text.n > sizeof raw || digest_base64(text, raw) != ED25519_SIZE)
		return NULL;
	return crypto.EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, ED25519_SIZE);
}

struct evp_pkey_st *signature_key(struct str pem)
{
	if (!pem.p || pem.n > INT_MAX)
		return NULL;
	need_libcrypto();
	EVP_PKEY *key = key_from_pem(pem);
	if (!key)
		key = key_from_base64(pem);
	crypto.ERR_clear_error();
	if (key && crypto.EVP_PKEY_id(key) != EVP_PKEY_ED25519 && crypto.EVP_PKEY_id(key) != EVP_PKEY_RSA) {
		crypto.EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

void signature_key_free(struct evp_pkey_st *key)
{
	if (key)
		crypto.EVP_PKEY_free(key);
}

bool signature_key_is_rsa(const struct evp_pkey_st *key)
{
	return crypto.EVP_PKEY_id(key) == EVP_PKEY_RSA;
}

/* The digest a key signs with: Ed25519 has its own. */
static const EVP_MD *key_digest(EVP_PKEY *key)
{
	return signature_key_is_rsa(key) ? crypto.EVP_sha256() : NULL;
}

/* A new context, never NULL. */
static EVP_MD_CTX *context_new(void)
{
	EVP_MD_CTX *context = crypto.EVP_MD_CTX_new();

	if (!context)
		out_of_memory();
	return context;
}

bool signature_verify(struct evp_pkey_st *key, struct str body, struct str base64)
{
	unsigned char signature[SIGNATURE_TEXT];

	if (base64.n > sizeof signature)
		return false;
	long n = digest_base64(base64, signature);
	if (n <= 0)
		return false;
	EVP_MD_CTX *context = context_new();
	bool genuine = crypto.EVP_DigestVerifyInit(context, NULL, key_digest(key), NULL, key) == 1 &&
				   crypto.EVP_DigestVerify(context, signature, (size_t)n,
					   (const unsigned char *)(body.p ? body.p : ""), body.n) == 1;
	crypto.EVP_MD_CTX_free(context);
	crypto.ERR_clear_error();
	return genuine;
}

char *signature_sign(struct evp_pkey_st *key, struct str body)
{
	unsigned char signature[SIGNATURE_TEXT / 4 * 3];
	size_t n = sizeof signature;
	char *text = NULL;
	EVP_MD_CTX *context = context_new();

	if (crypto.EVP_DigestSignInit(context, NULL, key_digest(key), NULL, key) == 1 &&
		crypto.EVP_DigestSign(
			context, signature, &n, (const unsigned char *)(body.p ? body.p : ""), body.n) == 1) {
		text = allocated(malloc((n + 2) / 3 * 4 + 1));
		crypto.EVP_EncodeBlock((unsigned char *)text, signature, (int)n);
	}
	crypto.EVP_MD_CTX_free(context);
	crypto.ERR_clear_error();
	return text;
}
