/* Whatever stands where a tagged contact should, and whatever both sides answer when a patient is made of it:
   an event goes out for each that came in, as JSON. A line that begins with a digit is an answer (STATUS,
   tab, headers with a tab behind each, body), every other one an event. */
#include "fuzz.h"

int pnow_push_main(int argc, char **argv);

static const struct record_loop *start(void)
{
	const char *conf = fuzz_practice(FUZZ_CRM);
	return fuzz_command(pnow_push_main, (const char *[]){"pnow-push", "-c", conf, NULL});
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct record_loop *push;
	static struct buf events, answers, out;
	if (!push)
		push = start();
	size_t records = fuzz_split((struct str){(const char *)bytes, n}, &events, &answers);
	fuzz_forget();
	fuzz_answers(buf_str(&answers));
	fuzz_require_records(fuzz_loop(push, buf_str(&events), &out), records);
	return 0;
}
