/* Money: what is an amount, to the cent, and what is none. */
#include "tap.h"
#include "value/money.h"
#include <inttypes.h>
#include <stdlib.h>

static const struct {
	const char *text;
	int64_t minor;
} amounts[] = {
	{"0", 0},
	{"450", 45000},
	{"450.5", 45050},
	{"450.50", 45050},
	{"450.05", 45005},
	{"-12.10", -1210},
	{"-0.01", -1},
	{"-0", 0},
	{".5", 50},
	{"1.500", 150},
	{"1.50000000000000000000", 150},
	{"0.10", 10},
	{"0.29", 29},
	{"1.15", 115},
	{"000012.10", 1210},
	{"$1,234.50", 123450},
	{"-$1,234.50", -123450},
	{"$-1,234.50", -123450},
	{"£12", 1200},
	{"€12.34", 1234},
	{"¥5000", 500000},
	{"1,000", 100000},
	{"12,345,678.90", 1234567890},
	{"999,999,999,999,999.99", 99999999999999999},
	{"  450.00 ", 45000},
	{"(12.10)", -1210},
	{"($1,234.50)", -123450},
	{"$(1,234.50)", -123450},
	{"$ 12.10", 1210},
	{"12.10-", -1210},
	{"$12.10-", -1210},
	{"USD 12.10", 1210},
	{"USD12.10", 1210},
	{"12.10 USD", 1210},
	{"$12.10 CAD", 1210},
	{"USD -12.10", -1210},
	{"-USD 12.10", -1210},
	{"(12.10) EUR", -1210},
	{"(12.10 EUR)", -1210},
	{"1000000000000000", 100000000000000000},
	{"-1000000000000000.00", -100000000000000000},
};

static const char *const no_amounts[] = {"", " ", "-", "$", "$-", ".", "-.", "1.", "1.2.3", "1.234", "1.005",
	"abc", "12abc", "12 34", "12,50", "1,23", "1234,567", ",123", "1,,234", "1,2345", "1,234,56", "1,234,",
	"1.50,0", "1e3", "0x10", "+5", "--5", "-$-5", "-5-", "5--", "(-5)", "((5))", "(5", "5)", "()", "USD",
	"USD USD 5", "ABC 5", "usd 5", "$$5", "5$", "£", "NaN", "inf", "1000000000000000.01", "1000000000000001",
	"99999999999999999999999999999", "9223372036854775808", "１２"};

/* A random amount of up to 10^15, of any magnitude. */
static int64_t random_minor(void)
{
	int64_t n = ((int64_t)random() << 31 | random()) % 100000000000000000;
	for (long cut = random() % 17; cut > 0; cut--)
		n /= 10;
	return random() % 2 ? n : -n;
}

static void amounts_are_read_to_the_cent(void)
{
	for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
		int64_t minor = INT64_MIN;
		bool read = money_read(str_of(amounts[i].text), &minor);
		ok(read && minor == amounts[i].minor, "\"%s\" is %" PRId64, amounts[i].text, amounts[i].minor);
	}
}

static void what_is_no_amount_is_refused(void)
{
	for (size_t i = 0; i < sizeof(no_amounts) / sizeof(no_amounts[0]); i++) {
		int64_t minor = 4711;
		bool read = money_read(str_of(no_amounts[i]), &minor);
		ok(!read && minor == 4711, "\"%s\" is no amount", no_amounts[i]);
	}
	int64_t minor = 4711;
	ok(!money_read((struct str){NULL, 0}, &minor), "no text is no amount");
	ok(!money_read((struct str){"1\0002", 3}, &minor), "a NUL is no part of an amount");
	ok(money_read((struct str){"12.345", 5}, &minor) && minor == 1234, "bytes behind the text are not read");
}

static void any_count_has_a_text(void)
{
	char text[MONEY_TEXT];

	is_text(money_text(0, text), "0.00", "nothing");
	is_text(money_text(5, text), "0.05", "five cents");
	is_text(money_text(-5, text), "-0.05", "five cents owed");
	is_text(money_text(45000, text), "450.00", "no commas up to a thousand");
	is_text(money_text(123456789, text), "1234567.89", "nor above");
	is_text(money_text(INT64_MAX, text), "92233720368547758.07", "the most that can be counted");
	is_text(money_text(INT64_MIN, text), "-92233720368547758.08", "the least");
}

static void text_and_count_agree(void)
{
	int wrong = 0;

	srandom(2);
	for (int i = 0; i < 10000; i++) {
		char text[MONEY_TEXT];
		int64_t minor = random_minor(), back = ~minor;
		if (!money_read(str_of(money_text(minor, text)), &back) || back != minor) {
			printf("# %" PRId64 " became %s became %" PRId64 "\n", minor, text, back);
			wrong++;
		}
	}
	ok(wrong == 0, "10,000 random amounts come back the same");
}

int main(void)
{
	amounts_are_read_to_the_cent();
	what_is_no_amount_is_refused();
	any_count_has_a_text();
	text_and_count_agree();
	return done();
}
