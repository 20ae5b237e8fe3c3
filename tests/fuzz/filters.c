/* Whatever stands where records should, through the filters that need nothing but the record: a line goes out
   for each that came in, it is JSON, and what a filter does not know it passes on to the byte. */
#include "fuzz.h"

int categorize_main(int argc, char **argv);
int crm_map_main(int argc, char **argv);
int crm_push_main(int argc, char **argv);
int pnow_enrich_main(int argc, char **argv);

static const struct record_loop *enrich, *categorize, *map, *push;

/* What the filters write of their own. */
static const char *const ours[] = {"category", "pipeline", "stage", "actions", "ignored", "backfill",
	"warnings", "error", "id", "type", "practice", "source", "received", "occurred", "payload", "patient",
	"appointment", "bill", "membership", "contact", "patientnow_calls"};

static void start(void)
{
	const char *conf = fuzz_practice(FUZZ_CRM);
	enrich = fuzz_command(pnow_enrich_main, (const char *[]){"pnow-enrich", "-n", "-c", conf, NULL});
	categorize = fuzz_command(categorize_main, (const char *[]){"categorize", "-c", conf, NULL});
	map = fuzz_command(crm_map_main, (const char *[]){"crm-map", "-c", conf, NULL});
	push = fuzz_command(crm_push_main, (const char *[]){"crm-push", "-n", "-c", conf, NULL});
}

static bool is_ours(struct str name)
{
	for (size_t i = 0; i < COUNT(ours); i++)
		if (jtext_named(name, ours[i]))
			return true;
	return false;
}

/* Requires that a line that is no record is whole inside of what went out for it. */
static void require_raw(struct arena *a, struct str line, struct str raw, struct str encoding)
{
	const char *text = jtext_string(a, raw);
	fuzz_require(text, "a line that is no record is in what goes out");
	if (!encoding.p && !memchr(line.p, '\0', line.n))
		fuzz_require(str_is(line, text), "a line that is no record is passed on whole");
}

/* Requires that each unknown member of a record went out as it came in, and in its order. */
static void require_members(struct str line, struct str out)
{
	struct arena a = {0};
	struct jtext_error error;
	struct str raw = jtext_get(out, "raw");
	bool whole = jtext_check(line, &error) && jtext_type(line) == JTEXT_OBJECT;
	struct jtext_members before = {0}, after = jtext_members(&a, out);
	if (whole)
		before = jtext_members(&a, line);
	if (!whole || jtext_twice(&a, &before)) {
		require_raw(&a, line, raw, jtext_get(out, "encoding"));
		before.n = 0;
	}
	for (size_t i = 0, j = 0; i < before.n; i++) {
		if (is_ours(before.at[i].name))
			continue;
		while (j < after.n && !str_eq(after.at[j].name, before.at[i].name))
			j++;
		fuzz_require(j < after.n, "an unknown member goes out, in its place");
		fuzz_require(str_eq(after.at[j].value, before.at[i].value), "an unknown member goes out to the byte");
	}
	arena_free(&a);
}

/* Runs a filter that writes a line for each line. */
static struct str pass(const struct record_loop *filter, struct str lines, struct buf *out)
{
	struct str written = fuzz_loop(filter, lines, out), left = written;
	fuzz_require_records(written, fuzz_count(lines));
	while (lines.n) {
		struct str line = fuzz_line(&lines);
		if (!fuzz_blank(line))
			require_members(line, fuzz_line(&left));
	}
	return written;
}

/* A dry run writes requests instead of the records that need some. */
static struct str show(const struct record_loop *filter, struct str lines, struct buf *out)
{
	static struct jtext_members members;
	struct jtext_error error;
	struct str written = fuzz_loop(filter, lines, out);
	for (struct str left = written; left.n;)
		fuzz_require(jtext_check_object(fuzz_line(&left), &members, &error), "a dry run shows JSON objects");
	return written;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct buf enriched, categorized, mapped, shown;
	struct str lines = {(const char *)bytes, n};
	if (!push)
		start();
	struct str events = show(enrich, lines, &enriched);
	pass(categorize, lines, &categorized);
	pass(map, lines, &mapped);
	show(push, pass(map, pass(categorize, events, &categorized), &mapped), &shown);
	fuzz_forget();
	return 0;
}
