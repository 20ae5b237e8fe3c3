/* Whatever stands where a phone number should, in the country of its first byte: E.164 comes out or nothing,
   and E.164 stays as it is. */
#include "fuzz.h"
#include "value/phone.h"

static const char *const countries[] = {"US", "MX", "GB", "DE", "IT", "RU", "AU", "HU", "LT", "AF", NULL};

static void require_e164(const char *e164)
{
	size_t n = strlen(e164);

	fuzz_require(n >= 6 && n < PHONE_TEXT, "a length that E.164 has");
	fuzz_require(e164[0] == '+' && e164[1] >= '1' && e164[1] <= '9', "a calling code after the plus");
	fuzz_require(strspn(e164 + 1, "0123456789") == n - 1, "nothing but digits");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char e164[PHONE_TEXT], again[PHONE_TEXT];

	if (!n)
		return 0;
	const char *country = countries[bytes[0] % (COUNT(countries))];
	if (!phone_e164((struct str){(const char *)bytes + 1, n - 1}, country, e164))
		return 0;
	require_e164(e164);
	fuzz_require(phone_e164(str_of(e164), "MX", again) && strcmp(e164, again) == 0, "E.164 stays as it is");
	return 0;
}
