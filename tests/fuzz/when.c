/* Whatever stands where a time should: what is read is RFC 3339, names a moment, and reads the same again. */
#include "fuzz.h"
#include "value/when.h"

/* The practice's zone, once. */
static void set_zone(void)
{
	static bool set;

	if (!set && !when_zone("America/Denver"))
		when_zone("UTC");
	set = true;
}

static void try_time(struct str text, bool day_first)
{
	char time[WHEN_TEXT], again[WHEN_TEXT], date[WHEN_DATE];
	int64_t ms;
	bool read = when_time(text, day_first, time);

	fuzz_require(when_date(text, day_first, date) == read, "what has a time has a date");
	if (!read)
		return;
	fuzz_require(strlen(date) == WHEN_DATE - 1, "a date of ten characters");
	fuzz_require(when_moment(str_of(time), &ms), "a time names a moment");
	fuzz_require(
		when_time(str_of(time), !day_first, again) && strcmp(time, again) == 0, "RFC 3339 stays as it is");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str text = {(const char *)bytes, n};
	char time[WHEN_TEXT];
	int64_t ms;

	set_zone();
	try_time(text, false);
	try_time(text, true);
	if (when_moment(text, &ms))
		fuzz_require(when_time(text, false, time), "what names a moment is a time");
	return 0;
}
