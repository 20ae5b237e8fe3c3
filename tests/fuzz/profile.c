/* Whatever stands where a profile should: it is read, or one line says what is wrong, with status 78; what
   was read finds its way through a body. */
#include "fuzz.h"
#include "conf/profile.h"

#include <sysexits.h>

static const char path[] = "/emr.json";

static void read_profile(void *context)
{
	static const struct str body = {"{\"data\":{\"ID\":1,\"items\":[{\"a\":1}]},\"a\":\"\"}", 42};
	struct arena *a = context;
	struct profile *p = profile_read(path, "/practice.json");
	for (enum event_kind kind = 0; kind < EVENT_KINDS; kind++) {
		const struct profile_fields *fields = &p->kinds[kind].fields;
		fuzz_require(!p->kinds[kind].get || strstr(p->kinds[kind].get, "{id}"),
			"a resource's path has a place for the id");
		for (size_t i = 0; i < fields->n; i++)
			profile_find(&fields->at[i].from, body);
		profile_twice(p, a, kind, body);
	}
	const char *type = profile_type(p, "Ping"), *status = profile_status(p, "booked");
	fuzz_require(!type || strcmp(type, "ping") == 0 || event_type_of(type) != EVENT_UNKNOWN,
		"an event means a type, or ping");
	fuzz_require(!status || status_shown(status), "a status means one that people are shown");
	profile_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fuzz_end end;
	struct arena a = {0};
	fuzz_file(path, (struct str){(const char *)bytes, n});
	if (!fuzz_lives(read_profile, &a, &end)) {
		fuzz_require(end.status == EX_CONFIG && strstr(end.words, path), "an error names the file");
		return 0;
	}
	arena_free(&a);
	return 0;
}
