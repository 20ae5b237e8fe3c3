/* Whatever stands where an export should: every event is a whole JSON line, or one line says what is wrong
   with the file, with status 65. The first byte chooses what the file holds. */
#include "fuzz.h"

#include <limits.h>
#include <sysexits.h>
#include <unistd.h>

int pnow_csv_main(int argc, char **argv);

static char conf[PATH_MAX + 64];

static void run(void *context)
{
	char *argv[] = {"pnow-csv", "-c", conf, "-e", context, NULL};
	optind = 0; /* glibc begins anew */
	fuzz_require(pnow_csv_main(5, argv) <= 1, "an export that is read ends with 0 or 1");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static char types[][12] = {"patient", "appointment", "bill", "membership"};
	static struct jtext_members members;
	static struct buf out;
	struct fuzz_end end;
	struct jtext_error error;
	if (!*conf)
		snprintf(conf, sizeof conf, "%s", fuzz_practice(FUZZ_CRM));
	if (!n)
		return 0;
	fuzz_stream((struct str){(const char *)bytes + 1, n - 1}, &out);
	bool lives = fuzz_lives(run, types[bytes[0] % 4], &end);
	fuzz_require(lives || end.status == EX_DATAERR, "an export that is none ends with 65");
	for (struct str left = buf_str(&out); left.n;)
		fuzz_require(jtext_check_object(fuzz_line(&left), &members, &error), "events are JSON objects");
	return 0;
}
