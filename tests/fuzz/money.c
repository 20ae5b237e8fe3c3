/* Whatever stands where an amount should: what is read is written so that it reads the same. */
#include "fuzz.h"
#include "value/money.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	int64_t minor, again = 0;
	char text[MONEY_TEXT];

	if (!money_read((struct str){(const char *)bytes, n}, &minor))
		return 0;
	fuzz_require(minor >= -100000000000000000 && minor <= 100000000000000000, "no more than 10^15");
	money_text(minor, text);
	fuzz_require(money_read(str_of(text), &again) && again == minor, "an amount reads as it was written");
	return 0;
}
