/* Whatever stands where webhooks should, and whatever PatientNow answers: an event goes out for each that
   came in, as JSON. A line that begins with a digit is an answer (STATUS, tab, headers with a tab behind
   each, body), every other one an event. */
#include "fuzz.h"

int pnow_enrich_main(int argc, char **argv);

static const struct record_loop *start(void)
{
	const char *conf = fuzz_practice(FUZZ_CRM);
	return fuzz_command(pnow_enrich_main, (const char *[]){"pnow-enrich", "-c", conf, NULL});
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct record_loop *enrich;
	static struct buf events, answers, out;
	if (!enrich)
		enrich = start();
	size_t records = fuzz_split((struct str){(const char *)bytes, n}, &events, &answers);
	fuzz_forget();
	fuzz_answers(buf_str(&answers));
	fuzz_require_records(fuzz_loop(enrich, buf_str(&events), &out), records);
	return 0;
}
