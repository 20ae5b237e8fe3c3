/* What is JSON and what is not (RFC 8259, RFC 3629), and that what is read is what was written. */
#include "tap.h"
#include "text/jtext.h"
#include <stdlib.h>

#define TEXT(literal)                                                                                        \
	{                                                                                                        \
		literal, sizeof(literal) - 1                                                                         \
	}

static const struct str accepted[] = {
	/* values, alone and with blanks around them */
	TEXT("{}"),
	TEXT("[]"),
	TEXT("\"\""),
	TEXT("0"),
	TEXT("true"),
	TEXT("false"),
	TEXT("null"),
	TEXT(" \t\r\n{ \t\r\n} \t\r\n"),
	TEXT("[ ]"),
	TEXT("{\"\":0}"),
	TEXT("{\"a\":{\"a\":[{}]}}"),
	TEXT("[1,[2,[3]]]"),
	TEXT("{\"a\" :\t1 , \"b\"\n:\r2}"),
	TEXT("{\"a\":1,\"a\":2}"),
	/* numbers */
	TEXT("-0"),
	TEXT("-1"),
	TEXT("10"),
	TEXT("12345678901234567890"),
	TEXT("0.5"),
	TEXT("12.10"),
	TEXT("1e5"),
	TEXT("1E5"),
	TEXT("1e+5"),
	TEXT("1e-5"),
	TEXT("0e0"),
	TEXT("-0.0e-0"),
	TEXT("1.0E+400"),
	TEXT("0.10"),
	/* strings */
	TEXT("\"a\""),
	TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
	TEXT("\"\\u0000\""),
	TEXT("\"\\uABCD\\uabcd\""),
	TEXT("\"\\ud83d\\ude00\""),
	TEXT("\"\\ud83d\""),
	TEXT("\"\\ude00x\""),
	TEXT("\"\x7f\""),
	TEXT("\"/\""),
	TEXT("\"12345678\""),
	TEXT("\"1234567\\n\""),
	TEXT("\"12345678\\n\""),
	TEXT("\"123456789012345\\\"\""),
	/* UTF-8: the first and the last of each length, around the surrogates, what is no character */
	TEXT("\"\xc2\x80\""),
	TEXT("\"\xdf\xbf\""),
	TEXT("\"\xe0\xa0\x80\""),
	TEXT("\"\xed\x9f\xbf\""),
	TEXT("\"\xee\x80\x80\""),
	TEXT("\"\xef\xbf\xbf\""),
	TEXT("\"\xf0\x90\x80\x80\""),
	TEXT("\"\xf4\x8f\xbf\xbf\""),
	TEXT("\"\xef\xbb\xbf\""),
	TEXT("\"1234567\xc3\xa9\""),
	TEXT("{\"\xc3\xa9\":\"\xf0\x9f\x92\x89\"}"),
};

/* A text that is refused, and where. */
static const struct {
	struct str text;
	size_t at;
} refused[] = {
	/* nothing, too much, half */
	{TEXT(""), 0},
	{TEXT(" "), 1},
	{TEXT("{} {}"), 3},
	{TEXT("1 2"), 2},
	{TEXT("{"), 1},
	{TEXT("["), 1},
	{TEXT("}"), 0},
	{TEXT("{\"a\""), 4},
	{TEXT("{\"a\":"), 5},
	{TEXT("{\"a\":1"), 6},
	{TEXT("[1"), 2},
	{TEXT("[1,"), 3},
	{TEXT("\""), 1},
	{TEXT("\"a"), 2},
	{TEXT("{}\0"), 2},
	{TEXT("\0"), 0},
	{TEXT("{}x"), 2},
	/* commas, colons, quotes */
	{TEXT("[1,]"), 3},
	{TEXT("[,1]"), 1},
	{TEXT("[1 2]"), 3},
	{TEXT("{\"a\":1,}"), 7},
	{TEXT("{,}"), 1},
	{TEXT("{\"a\" 1}"), 5},
	{TEXT("{\"a\":}"), 5},
	{TEXT("{a:1}"), 1},
	{TEXT("{'a':1}"), 1},
	{TEXT("{1:1}"), 1},
	{TEXT("['a']"), 1},
	{TEXT("{\"a\":1 \"b\":2}"), 7},
	{TEXT("[1}"), 2},
	{TEXT("{]"), 1},
	{TEXT("{\"a\":1]"), 6},
	{TEXT("// a\n{}"), 0},
	{TEXT("{}/**/"), 2},
	{TEXT("\xef\xbb\xbf{}"), 0},
	{TEXT("{}\xa0"), 2},
	{TEXT("[1\v]"), 2},
	{TEXT("[1\f]"), 2},
	/* words and numbers */
	{TEXT("True"), 0},
	{TEXT("nul"), 0},
	{TEXT("nullx"), 4},
	{TEXT("tru"), 0},
	{TEXT("NaN"), 0},
	{TEXT("Infinity"), 0},
	{TEXT("-"), 0},
	{TEXT("+1"), 0},
	{TEXT("01"), 0},
	{TEXT("-01"), 0},
	{TEXT("00"), 0},
	{TEXT("1."), 0},
	{TEXT(".5"), 0},
	{TEXT("1.e5"), 0},
	{TEXT("1e"), 0},
	{TEXT("1e+"), 0},
	{TEXT("0x10"), 1},
	{TEXT("1_000"), 1},
	{TEXT("1,000"), 1},
	{TEXT("-a"), 0},
	{TEXT("1e5.5"), 3},
	/* strings */
	{TEXT("\"\\a\""), 1},
	{TEXT("\"\\'\""), 1},
	{TEXT("\"\\\""), 3},
	{TEXT("\"\\u12\""), 1},
	{TEXT("\"\\u12G4\""), 1},
	{TEXT("\"\\U0041\""), 1},
	{TEXT("\"\\x41\""), 1},
	{TEXT("\"\\\0\""), 1},
	{TEXT("\"a\nb\""), 2},
	{TEXT("\"a\tb\""), 2},
	{TEXT("\"\0\""), 1},
	{TEXT("\"\x1f\""), 1},
	{TEXT("\"1234567\n\""), 8},
	{TEXT("\"12345678\n\""), 9},
	{TEXT("\"1234567890123\x01xx\""), 14},
	/* UTF-8: a lonely continuation, too long a form, a surrogate, over U+10FFFF, cut short */
	{TEXT("\"\x80\""), 1},
	{TEXT("\"\xbf\""), 1},
	{TEXT("\"\xc0\x80\""), 1},
	{TEXT("\"\xc1\xbf\""), 1},
	{TEXT("\"\xe0\x9f\xbf\""), 1},
	{TEXT("\"\xf0\x8f\xbf\xbf\""), 1},
	{TEXT("\"\xed\xa0\x80\""), 1},
	{TEXT("\"\xed\xbf\xbf\""), 1},
	{TEXT("\"\xf4\x90\x80\x80\""), 1},
	{TEXT("\"\xf5\x80\x80\x80\""), 1},
	{TEXT("\"\xff\""), 1},
	{TEXT("\"\xfe\""), 1},
	{TEXT("\"\xc3\""), 1},
	{TEXT("\"\xe2\x82\""), 1},
	{TEXT("\"\xf0\x9f\x92\""), 1},
	{TEXT("\"\xf0\x9f\x92"), 1},
	{TEXT("\"1234567\xff\""), 8},
	{TEXT("{\"\xff\":1}"), 2},
	{TEXT("\"\xc3(\""), 1},
};

/* Runs over a copy of exactly the text's size, so that a sanitizer sees a byte read too many. */
static bool check(struct str text, struct jtext_error *error)
{
	char *copy = malloc(text.n ? text.n : 1);
	memcpy(copy, text.p, text.n);
	bool valid = jtext_check((struct str){copy, text.n}, error);
	free(copy);
	return valid;
}

static void check_tables(void)
{
	struct jtext_error error = {0};
	struct jtext_members members = {0};
	ok(!jtext_check((struct str){NULL, 0}, &error), "no text is no JSON");
	ok(!jtext_check_object((struct str){NULL, 0}, &members, &error), "nor an object");
	for (size_t i = 0; i < COUNT(accepted); i++)
		ok(check(accepted[i], &error), "accepted %zu: %.*s", i, (int)accepted[i].n, accepted[i].p);
	for (size_t i = 0; i < COUNT(refused); i++) {
		error = (struct jtext_error){0};
		bool valid = check(refused[i].text, &error);
		if (!ok(!valid && error.at == refused[i].at && error.what, "refused %zu, at byte %zu", i,
				refused[i].at))
			printf("# %s, at byte %zu: %s\n", valid ? "accepted" : "refused", error.at, error.what);
	}
}

/* Bytes that are UTF-8, and bytes that are not. */
static void check_utf8(void)
{
	static const struct str broken[] = {
		TEXT("\xff"),
		TEXT("\x80"),
		TEXT("\xc3"),
		TEXT("\xc3("),
		TEXT("\xe2\x82"),
		TEXT("\xed\xa0\x80"),
		TEXT("Jos\xe9"),
		TEXT("\xc3\xa9\n\"1234567\xff"),
	};
	for (size_t i = 0; i < COUNT(accepted); i++)
		ok(jtext_is_utf8(accepted[i]), "UTF-8: %zu: %.*s", i, (int)accepted[i].n, accepted[i].p);
	for (size_t i = 0; i < COUNT(broken); i++)
		ok(!jtext_is_utf8(broken[i]), "no UTF-8: %zu", i);
	ok(jtext_is_utf8(STR("no JSON: \1\t\"\\ \xc3\xa9")), "UTF-8 need not be JSON");
}

/* Every cut of a text with all that JSON has is no JSON, and reads no byte behind it. */
static void check_cuts(void)
{
	static const char text[] =
		"{\"a\":[1.5e-3,{\"\\u00e9\\n\":\"\xc3\xa9\xf0\x9f\x92\x89\"},true,null],\"b\":\"x\"}";
	size_t valid = 0;
	for (size_t n = 0; n < sizeof text - 1; n++)
		valid += check((struct str){text, n}, NULL);
	ok(valid == 0, "no cut of a text is JSON");
	ok(check((struct str){text, sizeof text - 1}, NULL), "but the whole is");
}

static bool nested(char open, char close, size_t depth)
{
	char *text = malloc(2 * depth + 1);
	memset(text, open, depth);
	memset(text + depth, close, depth);
	bool valid = jtext_check((struct str){text, 2 * depth}, NULL);
	free(text);
	return valid;
}

static void check_depth(void)
{
	struct jtext_error error = {0};
	char open[1000];
	memset(open, '[', sizeof open);
	ok(nested('[', ']', JTEXT_DEPTH), "nesting of %d is read", JTEXT_DEPTH);
	ok(!nested('[', ']', JTEXT_DEPTH + 1), "deeper nesting is refused");
	ok(!nested('[', ']', 1000000), "however deep, without a stack for it");
	jtext_check((struct str){open, sizeof open}, &error);
	is_text(error.what, "nested too deeply", "and called so");
	ok(error.at == JTEXT_DEPTH, "where it gets too deep");
}

static void check_decoding(void)
{
	static const struct {
		struct str json;
		const char *text;
	} strings[] = {
		{TEXT("\"\""), ""},
		{TEXT("\"plain\""), "plain"},
		{TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "\"\\/\b\f\n\r\t"},
		{TEXT("\"Jos\\u00e9\""), "Jos\xc3\xa9"},
		{TEXT("\"Jos\xc3\xa9\""), "Jos\xc3\xa9"},
		{TEXT("\"\\u20AC\\u20ac\""), "\xe2\x82\xac\xe2\x82\xac"},
		{TEXT("\"\\ud83d\\ude00!\""), "\xf0\x9f\x98\x80!"},
		{TEXT("\"\\uD83D\\uDE00\""), "\xf0\x9f\x98\x80"},
		{TEXT("\"\\udbff\\udfff\""), "\xf4\x8f\xbf\xbf"},
		{TEXT("\"\\ud83d\""), "\xef\xbf\xbd"},
		{TEXT("\"\\ud83dx\""), "\xef\xbf\xbdx"},
		{TEXT("\"\\ud83d\\n\""), "\xef\xbf\xbd\n"},
		{TEXT("\"\\ud83d\\u0041\""), "\xef\xbf\xbd"
									 "A"},
		{TEXT("\"\\ude00\\ud83d\""), "\xef\xbf\xbd\xef\xbf\xbd"},
		{TEXT("\"\\ud83d\\ud83d\\ude00\""), "\xef\xbf\xbd\xf0\x9f\x98\x80"},
		{TEXT("\"a\\u0000b\""), "a\xef\xbf\xbd"
								"b"},
		{TEXT("1"), NULL},
		{TEXT("null"), NULL},
	};
	struct arena a = {0};
	for (size_t i = 0; i < COUNT(strings); i++)
		is_text(jtext_string(&a, strings[i].json), strings[i].text, "decoded: %s", strings[i].json.p);
	is_text(
		jtext_scalar(&a, STR("12345678901234567890")), "12345678901234567890", "a long number is its text");
	is_text(jtext_scalar(&a, STR("12.10")), "12.10", "so is a decimal one");
	is_text(jtext_scalar(&a, STR("true")), "true", "true is text where a scalar will do");
	is_text(jtext_scalar(&a, STR("null")), NULL, "null is none");
	is_text(jtext_scalar(&a, STR("{}")), NULL, "nor is an object");
	is_text(jtext_scalar(&a, STR("[1]")), NULL, "nor a list");
	is_text(jtext_scalar(&a, (struct str){0}), NULL, "nor nothing");
	arena_free(&a);
}

static const char *got(struct arena *a, struct str text)
{
	return text.p ? arena_copy(a, text) : NULL;
}

static void check_members(void)
{
	static const char text[] = " { \"a\" : 1.50 ,\"b\":{\"a\":[ 2 , {\"x\":\"]}\"} ]}, "
							   "\"c\\u0064\":\"\\\"}\" ,\"\":null,\"list\":[1 ,\"a,]\",[],{} ]} ";
	struct arena a = {0};
	struct jtext_members members = {0};
	struct jtext_error error;
	struct str at = {0}, list;
	ok(jtext_check_object(STR(" [] "), &members, &error) == false && error.at == 1, "a list is no object");
	ok(jtext_check_object((struct str){text, sizeof text - 1}, &members, &error) && members.n == 5,
		"all members");
	is_text(got(&a, jtext_member(&members, "a")), "1.50", "a value is its text, without the blanks around");
	is_text(got(&a, jtext_member(&members, "b")), "{\"a\":[ 2 , {\"x\":\"]}\"} ]}", "with those inside");
	is_text(got(&a, jtext_member(&members, "cd")), "\"\\\"}\"", "a name is found however it is written");
	is_text(got(&a, jtext_member(&members, "")), "null", "a name may be empty");
	is_text(got(&a, jtext_member(&members, "x")), NULL, "an inner name is not an outer one");
	list = jtext_member(&members, "list");
	is_text((jtext_next(list, &at), got(&a, at)), "1", "a list's first");
	is_text((jtext_next(list, &at), got(&a, at)), "\"a,]\"", "its second");
	is_text((jtext_next(list, &at), got(&a, at)), "[]", "its third");
	is_text((jtext_next(list, &at), got(&a, at)), "{}", "its last");
	ok(!jtext_next(list, &at), "and then no more");
	is_text(got(&a, jtext_get(jtext_member(&members, "b"), "a")), "[ 2 , {\"x\":\"]}\"} ]",
		"a member of a member");
	ok(!jtext_get(STR("[1]"), "a").p && !jtext_get((struct str){0}, "a").p,
		"what is no object has no members");
	at = (struct str){0};
	ok(!jtext_next(STR("[ ]"), &at) && !jtext_next(STR("{}"), &at),
		"an empty list and an object have no elements");
	free(members.at);
	arena_free(&a);
}

static const char *twice(struct arena *a, struct str object)
{
	struct jtext_members members = jtext_members(a, object);
	return jtext_twice(a, &members);
}

static void check_twice(void)
{
	struct arena a = {0};
	char many[4096] = "{\"n00\":0";
	is_text(twice(&a, STR("{\"a\":1,\"b\":2,\"A\":3}")), NULL, "names differ by case");
	is_text(twice(&a, STR("{\"a\":1,\"b\":2,\"a\":3}")), "a", "a name given twice");
	is_text(twice(&a, STR("{\"id\":1,\"i\\u0064\":2}")), "id", "also written in another way");
	is_text(twice(&a, STR("{\"a\":{\"a\":1}}")), NULL, "an inner name is another one");
	is_text(twice(&a, STR("[\"a\",\"a\"]")), NULL, "a list has none");
	for (int i = 1; i < 100; i++)
		snprintf(many + strlen(many), 24, ",\"n%02d\":0", i);
	strcat(many, "}");
	is_text(twice(&a, str_of(many)), NULL, "a hundred names");
	memcpy(strstr(many, "n99"), "n07", 3);
	is_text(twice(&a, str_of(many)), "n07", "a hundred, one twice");
	arena_free(&a);
}

int main(void)
{
	check_tables();
	check_utf8();
	check_cuts();
	check_depth();
	check_decoding();
	check_members();
	check_twice();
	return done();
}
