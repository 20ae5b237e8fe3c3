/* Whatever stands where JSON should: the check is the only guard, so all that reads afterwards must hold for
   what it let through, to the last byte. */
#include "fuzz.h"
#include "text/jtext.h"

/* Takes the blanks off both ends of a text that has something between them. */
static void trim(struct str *text)
{
	for (; strchr(" \t\r\n", text->p[0]); text->n--)
		text->p++;
	while (strchr(" \t\r\n", text->p[text->n - 1]))
		text->n--;
}

/* Reads a value that was checked, and all that is in it. */
static void read_value(struct arena *a, struct str value)
{
	struct str element = {0};
	enum jtext_type type = jtext_type(value);
	struct jtext_error error;

	fuzz_require(type != JTEXT_NONE && jtext_check(value, &error), "a value in a value is a value");
	char *text = jtext_scalar(a, value);
	fuzz_require(!jtext_string(a, value) == (type != JTEXT_STRING), "strings, and only they, are strings");
	fuzz_require(type != JTEXT_STRING || text, "a string is a scalar");
	if (type == JTEXT_ARRAY)
		while (jtext_next(value, &element))
			read_value(a, element);
	struct jtext_members members = jtext_members(a, value);
	fuzz_require(type == JTEXT_OBJECT || members.n == 0, "only objects have members");
	jtext_twice(a, &members);
	for (size_t i = 0; i < members.n; i++)
		read_value(a, members.at[i].value);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct jtext_members members;
	struct str text = {(const char *)bytes, n};
	struct arena a = {0};
	struct jtext_error error = {0};
	bool valid = jtext_check(text, &error);

	fuzz_require(valid || (error.what && error.at <= n), "an error says what and where");
	bool object = jtext_check_object(text, &members, &error);
	fuzz_require(valid || !object, "an object is a value");
	if (object) {
		jtext_get(text, "id");
		jtext_member(&members, "id");
	}
	if (valid) {
		struct str value = text;
		trim(&value);
		read_value(&a, value);
	}
	arena_free(&a);
	return 0;
}
