/* Whatever stands where events with actions should, and whatever the CRM answers: a result is written for
   each event, and it says what became of it. A line that begins with a digit is an answer (STATUS, tab,
   headers with a tab behind each, body), every other one an event. */
#include "fuzz.h"

int crm_push_main(int argc, char **argv);

static const char *const words[] = {"done", "unchanged", "ignored", "skipped", "failed"};

static const struct record_loop *start(void)
{
	const char *conf = fuzz_practice(FUZZ_CRM);
	return fuzz_command(crm_push_main, (const char *[]){"crm-push", "-c", conf, NULL});
}

static void require_result(struct str line)
{
	struct arena a = {0};
	const char *status = jtext_string(&a, jtext_get(line, "status"));
	bool known = !status && jtext_get(line, "error").p;
	for (size_t i = 0; status && i < COUNT(words); i++)
		known |= strcmp(status, words[i]) == 0;
	fuzz_require(known, "a result has a status that the page knows");
	bool failed = status && strcmp(status, "failed") == 0;
	fuzz_require(!failed || jtext_get(line, "error").p, "what failed says why");
	fuzz_require(!jtext_get(line, "patient").p, "a result names no patient");
	arena_free(&a);
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
	struct str results = fuzz_loop(push, buf_str(&events), &out);
	fuzz_require_records(results, records);
	while (results.n)
		require_result(fuzz_line(&results));
	return 0;
}
