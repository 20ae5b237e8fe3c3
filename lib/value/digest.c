/*
 * SHA-256 is libmd's, which libbsd needs anyway: nearly every program makes ids, and libcrypto in each of
 * them would be half a megabyte for that.
 */
#include "value/digest.h"

#include <sha2.h>

void digest_sha256_hex(const struct str *parts, size_t n, char hex[static 65])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char hash[SHA256_DIGEST_LENGTH];
	SHA2_CTX context;

	SHA256Init(&context);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			SHA256Update(&context, (const unsigned char *)"", 1);
		if (parts[i].n > 0)
			SHA256Update(&context, (const unsigned char *)parts[i].p, parts[i].n);
	}
	SHA256Final(hash, &context);
	for (size_t i = 0; i < sizeof hash; i++) {
		hex[2 * i] = digits[hash[i] >> 4];
		hex[2 * i + 1] = digits[hash[i] & 15];
	}
	hex[2 * sizeof hash] = '\0';
}

/* The value of a hexadecimal digit, or -1. */
static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

long digest_hex(struct str text, unsigned char *out)
{
	size_t digits = 0;
	for (size_t i = 0; i < text.n; i++) {
		int digit = hex_digit(text.p[i]);
		if (text.p[i] == '-' && digits % 2 == 0)
			continue;
		if (digit < 0)
			return -1;
		out[digits / 2] = (unsigned char)(digits % 2 ? out[digits / 2] | digit : digit << 4);
		digits++;
	}
	return digits % 2 ? -1 : (long)(digits / 2);
}

/* The value of a base64 digit, or -1. */
static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

long digest_base64(struct str text, unsigned char *out)
{
	unsigned bits = 0; /* the last digits, of which `held` bits have not gone out */
	unsigned held = 0;
	long n = 0;

	if (text.n % 4 == 0)
		for (int pad = 0; pad < 2 && text.n > 0 && text.p[text.n - 1] == '='; pad++)
			text.n--;
	if (text.n % 4 == 1)
		return -1;
	for (size_t i = 0; i < text.n; i++) {
		int digit = base64_digit(text.p[i]);
		if (digit < 0)
			return -1;
		bits = (bits << 6 | (unsigned)digit) & 0xffff;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[n++] = (unsigned char)(bits >> held);
		}
	}
	/* One spelling for one value: what the last digit has beyond the last byte is zero. */
	return bits & ((1u << held) - 1) ? -1 : n;
}
