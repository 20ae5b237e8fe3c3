/* Whatever stands where a configuration should: it is read, or one line says what is wrong, with status 78.
 */
#include "fuzz.h"
#include "conf/conf.h"

#include <sysexits.h>

static const char path[] = "/practice.json";

static void read_conf(void *context)
{
	(void)context;
	struct conf *c = conf_read(path);
	conf_facility(c, "Downtown");
	conf_name(&c->names.fields, "PNOW ID");
	bool whole = c->practice && c->timezone && c->crm.base_url && c->retry_seconds_n > 0;
	fuzz_require(whole, "what every command needs is there");
	conf_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fuzz_end end;
	fuzz_file(path, (struct str){(const char *)bytes, n});
	if (!fuzz_lives(read_conf, NULL, &end))
		fuzz_require(end.status == EX_CONFIG && strstr(end.words, path), "an error names the file");
	return 0;
}
