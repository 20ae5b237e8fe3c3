/* Whatever stands where a phone number should: E.164 comes out or nothing, and E.164 stays as it is. */
#include "fuzz.h"
#include "phone.h"

const char *const fuzz_corpus[] = {"(303) 555-0142", "+1 303 555 0142 x123", "011 52 1 55 1234 5678",
	"044 55 1234 5678", "+44 (0)20 7946 0958", "tel:+1-303-555-0142;ext=5",
	"303\xc2\xa0"
	"555\xe2\x80\x91"
	"0142",
	"8 10 49 30 901820", "39 312 345 6789", "0491 570 156", "+883 5100 1234 5678", NULL};

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

	for (size_t i = 0; i < sizeof(countries) / sizeof(countries[0]); i++) {
		if (!phone_e164((struct str){(const char *)bytes, n}, countries[i], e164))
			continue;
		require_e164(e164);
		fuzz_require(
			phone_e164(str_of(e164), "MX", again) && strcmp(e164, again) == 0, "E.164 stays as it is");
	}
	return 0;
}
