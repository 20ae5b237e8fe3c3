/* What lib/value/digest.h promises, against published vectors: FIPS 180-4 (SHA-256), RFC 4648 (base64). */
#include "tap.h"
#include "value/digest.h"

static const struct {
	const char *text, *bytes;
	long n;
} base64s[] = {
	{"", "", 0},
	{"Zg==", "f", 1},
	{"Zg", "f", 1},
	{"Zm8=", "fo", 2},
	{"Zm9v", "foo", 3},
	{"Zm9vYg==", "foob", 4},
	{"Zm9vYmE", "fooba", 5},
	{"Zm9vYmFy", "foobar", 6},
	{"+/+/", "\xfb\xff\xbf", 3},
	{"Z", "", -1},
	{"Zg=", "", -1},
	{"Zh==", "", -1}, /* bits beyond the last byte */
	{"Zg==Zg==", "", -1},
	{"Z===", "", -1},
	{"====", "", -1},
	{"Zm 9v", "", -1},
	{"Zm9\n", "", -1},
	{"-_-_", "", -1},
};

static const struct {
	const char *text, *bytes;
	long n;
} hexes[] = {
	{"", "", 0},
	{"00fF7e", "\x00\xff\x7e", 3},
	{"00-fF-7e", "\x00\xff\x7e", 3},
	{"0-0", "", -1},
	{"00f", "", -1},
	{"0g", "", -1},
};

int main(void)
{
	static const struct str abc[] = {{"abc", 3}}, parts[] = {{"a", 1}, {NULL, 0}, {"b", 1}},
							joined[] = {{"a\0\0b", 4}};
	char hex[65], other[65];

	digest_sha256_hex(abc, 1, hex);
	ok(strcmp(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0,
		"SHA-256: FIPS 180-4 \"abc\"");
	digest_sha256_hex(parts, 3, hex);
	digest_sha256_hex(joined, 1, other);
	ok(strcmp(hex, other) == 0, "SHA-256 of parts: a zero byte stands between them");
	digest_sha256_hex(NULL, 0, hex);
	ok(strcmp(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") == 0,
		"SHA-256 of nothing");
	for (size_t i = 0; i < COUNT(base64s); i++) {
		unsigned char out[16];
		long n = digest_base64(str_of(base64s[i].text), out);
		ok(n == base64s[i].n && (n <= 0 || memcmp(out, base64s[i].bytes, (size_t)n) == 0),
			"base64 (%zu): %ld bytes", i + 1, base64s[i].n);
	}
	for (size_t i = 0; i < COUNT(hexes); i++) {
		unsigned char out[16];
		long n = digest_hex(str_of(hexes[i].text), out);
		ok(n == hexes[i].n && (n <= 0 || memcmp(out, hexes[i].bytes, (size_t)n) == 0), "hex (%zu): %ld bytes",
			i + 1, hexes[i].n);
	}
	return done();
}
