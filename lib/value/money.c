/*
 * Decimal text to minor units and back. An amount is read digit by digit into an integer, because the sums
 * that people check to the cent cannot be made in floating point. What is not plainly an amount is refused
 * rather than guessed: a decimal comma, a third decimal that is not zero, commas in the wrong place.
 */
#include "value/money.h"
#include <inttypes.h>
#include <stdio.h>

enum { MINOR_PER_MAJOR = 100 };
static const int64_t major_max = 1000000000000000; /* 10^15 */

static const char *const currency_signs[] = {"$", "£", "€", "¥"};
static const char *const currency_codes[] = {"USD", "CAD", "AUD", "NZD", "EUR", "GBP", "CHF", "MXN", "JPY"};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct str skip(struct str text, size_t n)
{
	return (struct str){text.p + n, text.n - n};
}

/* The text without blanks at its ends. */
static struct str trim(struct str text)
{
	while (text.n > 0 && (text.p[0] == ' ' || text.p[0] == '\t'))
		text = skip(text, 1);
	while (text.n > 0 && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\t'))
		text.n--;
	return text;
}

/* Takes away what makes an amount negative: a minus in front or behind, or parentheses around it. */
static void take_minus(struct str *text, bool *negative)
{
	bool front = text->n > 0 && text->p[0] == '-', back = text->n > 0 && text->p[text->n - 1] == '-';
	bool around = text->n > 1 && text->p[0] == '(' && text->p[text->n - 1] == ')';

	if (*negative || !(front || back || around))
		return;
	*negative = true;
	if (front || around)
		*text = skip(*text, 1);
	if (!front)
		text->n--;
	*text = trim(*text);
}

/* Takes one of these off the front, or with behind also off the end. */
static void take_one(struct str *text, const char *const *any, size_t count, bool behind)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(any[i]);
		if (text->n < n)
			continue;
		if (memcmp(text->p, any[i], n) == 0)
			*text = trim(skip(*text, n));
		else if (behind && memcmp(text->p + text->n - n, any[i], n) == 0)
			*text = trim((struct str){text->p, text->n - n});
		else
			continue;
		return;
	}
}

/* Takes the digits before the decimal point, in groups of three where there are commas. False where they are
   grouped otherwise or make too much; no digit at all is 0. */
static bool take_major(struct str *text, int64_t *major)
{
	size_t in_group = 0, groups = 0;

	for (*major = 0; text->n > 0; *text = skip(*text, 1)) {
		char c = text->p[0];
		if (is_digit(c)) {
			*major = *major * 10 + (c - '0');
			in_group++;
			if (*major > major_max)
				return false;
		} else if (c == ',') {
			if (groups++ == 0 ? in_group < 1 || in_group > 3 : in_group != 3)
				return false;
			in_group = 0;
		} else {
			break;
		}
	}
	return groups == 0 || in_group == 3;
}

/* Reads what follows the decimal point: digits, of which only the first two may be other than zero. */
static bool read_decimals(struct str text, int64_t *minor)
{
	static const int64_t worth[] = {10, 1};

	*minor = 0;
	for (size_t i = 0; i < text.n; i++) {
		if (!is_digit(text.p[i]) || (i >= 2 && text.p[i] != '0'))
			return false;
		if (i < 2)
			*minor += worth[i] * (text.p[i] - '0');
	}
	return text.n > 0;
}

bool money_read(struct str text, int64_t *minor)
{
	int64_t major, decimals = 0;
	bool negative = false;

	text = trim(text);
	take_minus(&text, &negative);
	take_one(&text, currency_codes, COUNT(currency_codes), true);
	take_minus(&text, &negative);
	take_one(&text, currency_signs, COUNT(currency_signs), false);
	take_minus(&text, &negative);
	if (text.n == 0 || !take_major(&text, &major))
		return false;
	if (text.n > 0 && (text.p[0] != '.' || !read_decimals(skip(text, 1), &decimals)))
		return false;
	if (major == major_max && decimals > 0)
		return false;
	int64_t amount = major * MINOR_PER_MAJOR + decimals;
	*minor = negative ? -amount : amount;
	return true;
}

const char *money_text(int64_t minor, char text[static MONEY_TEXT])
{
	uint64_t amount = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;

	snprintf(text, MONEY_TEXT, "%s%" PRIu64 ".%02" PRIu64, minor < 0 ? "-" : "", amount / MINOR_PER_MAJOR,
		amount % MINOR_PER_MAJOR);
	return text;
}
