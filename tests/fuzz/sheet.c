/* Whatever stands where a sheet should: it is read, or one line says what is wrong, with status 78. */
#include "fuzz.h"
#include "conf/sheet.h"

#include <sysexits.h>

static const char path[] = "/categories.csv";

static void read_sheet(void *context)
{
	struct sheet *s = sheet_read(path);
	(void)context;
	fuzz_require(sheet_find(s, "Botox") == sheet_find(s, " b OTOX "), "case and blanks do not matter");
	sheet_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fuzz_end end;
	fuzz_file(path, (struct str){(const char *)bytes, n});
	if (!fuzz_lives(read_sheet, NULL, &end))
		fuzz_require(end.status == EX_CONFIG && strstr(end.words, path), "an error names the file");
	return 0;
}
