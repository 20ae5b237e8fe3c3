/*
 * What lib/value/signature.h promises, against published vectors: RFC 4231 (HMAC), RFC 8032 (Ed25519), and
 * an RSA signature that `openssl dgst -sha256 -sign` made.
 */
#include "tap.h"
#include "value/signature.h"

#include "value/libcrypto.h"
#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *name, *secret, *body, *hex;
	size_t repeat; /* the secret is its first byte this many times */
} hmacs[] = {
	{"RFC 4231 test 1", "\x0b", "Hi There",
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", 20},
	{"RFC 4231 test 2", "Jefe", "what do ya want for nothing?",
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", 0},
	{"RFC 4231 test 6", "\xaa", "Test Using Larger Than Block-Size Key - Hash Key First",
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", 131},
};

static const struct {
	const char *name, *key, *body, *signature, *private;
} ed25519s[] = {
	{"RFC 8032 test 1", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "",
		"5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw==",
		"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"},
	{"RFC 8032 test 2", "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=", "\x72",
		"kqAJqfDUyrhyDoILX2QlQKKye1QWUD+Ps3YiI+vbadoIWsHkPhWZbkWPNhPQ8R2MOHsurrQwKu6wDSkWErsMAA==",
		"MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7"},
	{"RFC 8032 test 3", "/FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU=", "\xaf\x82",
		"YpHWV97sJAJIJ+acOr4BowzlSKKEdDpEXjaA19taw6wY/5tTjRbykK5n92CYTcZZSnwV6XFu0o3AJ77O6h7ECg==",
		"MC4CAQAwBQYDK2VwBCIEIMWqjfQ/n4N77bdELzHct7Fm04U1B28JS4XOOi4LRFj3"},
};

static const char rsa_key[] = "-----BEGIN PUBLIC KEY-----\n"
							  "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA3jOSJ3CBMiDEIN0V0Wyb\n"
							  "Q2O79ebeHEd8qnpNkRmc5acsf8cYfob52mY98AMGmoZp2A1hEM7eIZthFPOywUuI\n"
							  "wfNFMqCnOl7+tWYR9GEVyChdmtBrWKN/MWaQy8BsPeQjfG2WUVSab+VIIOt0hbov\n"
							  "QZ67vlmx1P7gLOYnT3CsveVOB29Fn76pgq/H9CcZ3RVX8QdJswi9vKiov97ZaAnG\n"
							  "Axdr0HRl6+qIr8J0kKXm9LWn87z7TyDHgllRYaFfn8f9DIAoIPHfkxSSEqepT65/\n"
							  "cW1uo7R9PYsJ7vPDrdK8lkXc9uwvoxzNZDyDwG5QzBBdVMmr19wgEC0uE6MHujXe\n"
							  "kQIDAQAB\n"
							  "-----END PUBLIC KEY-----\n";
static const char rsa_signature[] =
	"ey91/lCQfxP1DK6VNQpyRojD4qjUoTaeT+Bb7Naj/5uFyKbjGkFYCiv7g9xslNIpYEtysLr3O7Af5nFlMD4CP0+pw/"
	"eSptW4LZ5imuTXvMv3Jx729S1Nmmzi8exYSIdLevMmz52oiEUfyMpucnEESJFfuONIt/3zdOrDhqkiwMzbLud20vhA"
	"Lc9rXX/nSh+32JzMvbaAQcPMguG5Tfcxep5B0pnZJAYknvKUXUpmEuE1MiCxFfqAFWAa/mqBCcAEQ8JyJ1UumKqYJ6"
	"0UJWJu+T3yTfej7rjZip4CK2zHDQ5JMC+HNuJD0dqIFIRztbN7dpft7SFZOYK5u5OwSpifjw==";
static const char rsa_body[] = "{\"type\":\"ContactTagUpdate\"}";

/* A mac as the text that a sender may write it as. */
static char *mac_text(const unsigned char mac[static 32], const char *format, char text[static 65])
{
	for (size_t i = 0; i < 32; i++)
		snprintf(text + 2 * i, 3, format, mac[i]);
	return text;
}

/* HMAC: right, and in each spelling; another secret, another body, and a cut mac are refused. */
static void hmac(void)
{
	for (size_t i = 0; i < COUNT(hmacs); i++) {
		char secret[131];
		size_t n = hmacs[i].repeat ? hmacs[i].repeat : strlen(hmacs[i].secret);
		for (size_t j = 0; j < n; j++)
			secret[j] = hmacs[i].secret[hmacs[i].repeat ? 0 : j];
		unsigned char mac[32];
		char text[65], base64[64];
		signature_hmac_sha256((struct str){secret, n}, str_of(hmacs[i].body), mac);
		ok(strcmp(mac_text(mac, "%02x", text), hmacs[i].hex) == 0, "HMAC-SHA256: %s", hmacs[i].name);
		ok(signature_is(mac, str_of(text)), "%s in hex is the mac", hmacs[i].name);
		ok(signature_is(mac, str_of(mac_text(mac, "%02X", text))), "%s in upper case hex is the mac",
			hmacs[i].name);
		char dashed[97] = "";
		for (size_t j = 0; j < 32; j++)
			snprintf(dashed + 3 * j, 4, "%02X-", mac[j]);
		ok(signature_is(mac, (struct str){dashed, 95}), "%s in hex with dashes is the mac", hmacs[i].name);
		ok(!signature_is(mac, (struct str){dashed + 1, 94}), "%s with a digit less is not", hmacs[i].name);
		crypto.EVP_EncodeBlock((unsigned char *)base64, mac, 32);
		ok(signature_is(mac, str_of(base64)), "%s in base64 is the mac", hmacs[i].name);
		ok(!signature_is(mac, (struct str){text, 62}), "%s cut short is not the mac", hmacs[i].name);
		ok(!signature_is(mac, (struct str){base64, 40}), "%s in base64 cut short is not the mac",
			hmacs[i].name);
		text[63] = text[63] == '0' ? '1' : '0';
		ok(!signature_is(mac, str_of(text)), "%s with another last digit is not the mac", hmacs[i].name);
		signature_hmac_sha256((struct str){secret, n - 1}, str_of(hmacs[i].body), mac);
		ok(!signature_is(mac, str_of(hmacs[i].hex)), "%s with another secret is not the mac", hmacs[i].name);
	}
	unsigned char mac[32] = {0};
	ok(!signature_is(mac, (struct str){NULL, 0}), "no text is no mac");
	ok(!signature_is(mac, STR("")), "empty text is no mac");
	signature_hmac_sha256((struct str){NULL, 0}, (struct str){NULL, 0}, mac);
	ok(signature_is(mac, STR("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")),
		"HMAC-SHA256 of nothing with no secret");
}

/* Ed25519: published signatures hold, altered ones do not, and signing gives the published ones. */
static void ed25519(void)
{
	for (size_t i = 0; i < COUNT(ed25519s); i++) {
		struct str body = str_of(ed25519s[i].body), signature = str_of(ed25519s[i].signature);
		struct evp_pkey_st *key = signature_key(str_of(ed25519s[i].key));
		char pem[256];
		ok(key && signature_verify(key, body, signature), "Ed25519: %s", ed25519s[i].name);
		ok(key && !signature_verify(key, STR("x"), signature), "%s of another body is refused",
			ed25519s[i].name);
		ok(key && !signature_verify(key, body, (struct str){signature.p, 80}), "%s cut short is refused",
			ed25519s[i].name);
		ok(key && !signature_verify(key, body, (struct str){NULL, 0}), "%s missing is refused",
			ed25519s[i].name);
		signature_key_free(key);
		snprintf(pem, sizeof pem, "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n",
			ed25519s[i].private);
		key = signature_key(str_of(pem));
		char *made = key ? signature_sign(key, body) : NULL;
		ok(made && strcmp(made, ed25519s[i].signature) == 0, "%s is what signing makes", ed25519s[i].name);
		free(made);
		signature_key_free(key);
	}
}

/* RSA: a signature of openssl(1) holds; another body, a cut one, garbage of any length do not. */
static void rsa(void)
{
	static char long_text[5000];
	struct evp_pkey_st *key = signature_key(STR(rsa_key));

	ok(key != NULL, "a PEM public key is a key");
	if (!key)
		return;
	ok(signature_verify(key, STR(rsa_body), STR(rsa_signature)), "an RSA-SHA256 signature holds");
	ok(!signature_verify(key, STR("{}"), STR(rsa_signature)), "an RSA signature of another body is refused");
	ok(!signature_verify(key, STR(rsa_body), (struct str){rsa_signature, 340}),
		"an RSA signature cut short is refused");
	memset(long_text, 'A', sizeof long_text);
	ok(!signature_verify(key, STR(rsa_body), (struct str){long_text, sizeof long_text}),
		"an RSA signature that is far too long is refused");
	ok(signature_sign(key, STR("x")) == NULL, "a public key cannot sign");
	signature_key_free(key);
}

/* What is no key. */
static void keys(void)
{
	static const char *const none[] = {"", "garbage", "AAAA",
		"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
		"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGb\n-----END ENCRYPTED PRIVATE KEY-----\n"};
	for (size_t i = 0; i < COUNT(none); i++)
		ok(signature_key(str_of(none[i])) == NULL, "what is no key is none (%zu)", i + 1);
	ok(signature_key((struct str){NULL, 0}) == NULL, "nothing is no key");
	struct evp_pkey_st *key = signature_key(STR("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"));
	ok(key != NULL, "an Ed25519 key in base64 may end with a newline");
	signature_key_free(key);
}

int main(void)
{
	hmac();
	ed25519();
	rsa();
	keys();
	ok(signature_equal(STR("abc"), STR("abc")), "equal texts are equal");
	ok(signature_equal((struct str){NULL, 0}, STR("")), "nothing equals the empty text");
	ok(!signature_equal(STR("abc"), STR("abd")), "texts that differ in the last byte are not equal");
	ok(!signature_equal(STR("abc"), STR("abcd")), "a beginning is not equal");
	return done();
}
