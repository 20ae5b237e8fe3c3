/* Whatever stands where a signature, a key, or base64 should. */
#include "fuzz.h"
#include "value/digest.h"
#include "value/signature.h"

/* Base64 that is read and written again reads the same. */
static void try_base64(struct str text)
{
	static unsigned char out[4096], again[4096];
	if (text.n >= sizeof out)
		return;
	long n = digest_base64(text, out);
	if (n < 0)
		return;
	struct buf written = {0};
	buf_base64(&written, (struct str){(const char *)out, (size_t)n});
	fuzz_require((size_t)n <= text.n, "there are no more bytes than signs");
	fuzz_require(digest_base64(buf_str(&written), again) == n && memcmp(out, again, (size_t)n) == 0,
		"base64 reads as it was written");
	buf_free(&written);
}

/* The first line is a signature, the rest a body: only what the secret makes is one. */
static void try_hmac(struct str text, struct str body)
{
	unsigned char mac[32], bytes[64];
	signature_hmac_sha256(STR("6f1c2b9d8e7a4f50b3c1d2e4f5a69788"), body, mac);
	if (!signature_is(mac, text))
		return;
	bool hex = text.n == 64, base64 = text.n <= 44 && digest_base64(text, bytes) == 32;
	fuzz_require(hex || (base64 && memcmp(bytes, mac, 32) == 0), "only the body's own signature is one");
}

static void try_key(struct str pem)
{
	struct evp_pkey_st *key = signature_key(pem);
	if (!key)
		return;
	fuzz_require(!signature_verify(key, STR("body"), STR("AAAA")), "four signs sign nothing");
	signature_key_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str body = {(const char *)bytes, n}, text = fuzz_line(&body);
	try_base64(text);
	try_hmac(text, body);
	fuzz_require(signature_equal(text, body) == str_eq(text, body), "equal is equal");
	if (n && bytes[0] == '-')
		try_key((struct str){(const char *)bytes, n});
	else
		try_key(text);
	return 0;
}
