/* Where a fact stands in a body: pointers, entries of lists, names in one string, several values, texts. */
#include "tap.h"
#include "conf/profile.h"
#include "value/when.h"

static const char body[] =
	"{\"Client_Name\":\"Ana Maria Lopez\",\"last\":\"Lopez, Ana\",\"one\":\"Cher\",\"n\":12.10,\"no\":false,\"null\":null,"
	"\"empty\":\"\",\"services\":[{\"name\":\"Botox\"},{\"name\":\"Peel\"}],\"phone\":{\"area\":\"303\",\"number\":5550142}}";

/* Looked for among the members of the body, too. */
static const char *at(struct arena *a, const char *place)
{
	const struct jtext_members members = jtext_members(a, str_of(body));
	const char *text = place_text(a, place, place_in(str_of(body)));
	is_text(place_text(a, place, (struct place_body){str_of(body), &members}), text, "%s", place);
	return text;
}

static void check_places(struct arena *a)
{
	is_text(at(a, "/clientName"), "Ana Maria Lopez", "a name, folded");
	is_text(at(a, "/services/1/name"), "Peel", "an entry of a list");
	is_text(at(a, "/services/2/name"), NULL, "one that there is not");
	is_text(at(a, "/services/x/name"), NULL, "nor one without a number");
	is_text(at(a, "/services"), NULL, "a list is no text");
	is_text(at(a, "/client_name#first"), "Ana Maria", "the first names in a whole one");
	is_text(at(a, "/client_name#last"), "Lopez", "the last word is the last name");
	is_text(at(a, "/last#first"), "Ana", "behind a comma stands the first name");
	is_text(at(a, "/last#last"), "Lopez", "and before it the last");
	is_text(at(a, "/one#first"), "Cher", "a word alone is a first name");
	is_text(at(a, "/one#last"), NULL, "and no last one");
	is_text(at(a, "/phone/area + /phone/number"), "303 5550142", "two values");
	is_text(at(a, "/phone/country + /phone/number"), "5550142", "of which one is not there");
	is_text(at(a, "/phone/a + /phone/b"), NULL, "or none");
	is_text(at(a, "=12 + 3"), "12 + 3", "a text");
	is_text(at(a, "/n"), "12.10", "a number, as it is written");
	is_text(at(a, "/no"), "false", "true and false");
	is_text(at(a, "/empty"), NULL, "empty text is none");
	ok(place_told("/null", str_of(body)) && !place_told("/nil", str_of(body)), "null is told");
	ok(place_told("/nil + /null", str_of(body)) && place_told("=x", str_of(body)),
		"one of two is, and a text");
}

static void check_grammar(void)
{
	ok(!place_wrong("/a/0", PLACE_VALUE) && place_wrong("/a#first", PLACE_VALUE) &&
			place_wrong("/a + /b", PLACE_VALUE),
		"an object stands at a pointer");
	ok(!place_wrong("/a#last + /b", PLACE_FACT) && !place_wrong("=x", PLACE_FACT) &&
			place_wrong("=", PLACE_FACT),
		"a fact at more");
	ok(place_wrong("/a + b", PLACE_FACT) && place_wrong("/a + ", PLACE_FACT) && place_wrong("a", PLACE_FACT),
		"but not at what is no pointer");
	ok(place_wrong("@X", PLACE_FACT) && !place_wrong("@X", PLACE_EVENT), "an event's name in a header, too");
}

static const char *time_of(struct arena *a, const struct profile *p, const char *text)
{
	const char *time = profile_time(p, a, text);
	char *local = arena_alloc(a, WHEN_TEXT);
	return when_local(str_of(time), p->day_first, local) ? local : time;
}

static void check_times(struct arena *a)
{
	const struct profile plain = {0}, seconds = {.epoch = "seconds"}, ms = {.epoch = "milliseconds"},
						 utc = {.utc = true};
	is_text(time_of(a, &plain, "1796250600"), "1796250600", "a number is no time");
	is_text(time_of(a, &seconds, "1796250600"), "2026-12-02T15:30:00-07:00", "unless it counts seconds");
	is_text(time_of(a, &ms, "1796250600000"), "2026-12-02T15:30:00-07:00", "or milliseconds");
	is_text(profile_time(&seconds, a, "-86400"), "1969-12-31T00:00:00.000Z", "also before 1970");
	is_text(profile_time(&ms, a, "-1"), "1969-12-31T23:59:59.999Z", "and shortly before");
	is_text(profile_time(&seconds, a, "1796250600000"), "1796250600000", "milliseconds are no seconds");
	is_text(
		profile_time(&seconds, a, "-62135596801"), "-62135596801", "what is before the year 1 is no time");
	is_text(profile_time(&ms, a, "253402300799999"), "9999-12-31T23:59:59.999Z", "9999 is the last one");
	is_text(profile_time(&ms, a, "nan"), "nan", "nor is what is no number");
	is_text(time_of(a, &seconds, "2026-12-01 15:30"), "2026-12-01T15:30:00-07:00", "text stays text");
	is_text(time_of(a, &utc, "2026-12-01 15:30"), "2026-12-01T08:30:00-07:00",
		"a time without a zone may be UTC's");
	is_text(time_of(a, &utc, "2026-03-08T02:30:00"), "2026-03-07T19:30:00-07:00",
		"also one that the practice's clock skips");
	is_text(time_of(a, &utc, "2026-12-01T15:30:00-05:00"), "2026-12-01T15:30:00-05:00",
		"one with a zone is as it says");
	is_text(profile_time(&utc, a, "2026-12-01"), "2026-12-01", "and a date has none");
	is_text(profile_time(&utc, a, NULL), NULL, "no time is none");
}

int main(void)
{
	struct arena a = {0};
	when_zone("America/Denver");
	check_places(&a);
	check_grammar();
	check_times(&a);
	arena_free(&a);
	return done();
}
