/* Figures as people read them. */
#include "report.h"
#include "value/money.h"

#include <stdio.h>

enum { TEXTS = 32, TEXT = 48 };

/* A text that lasts until the thirty-second next one. */
static char *fresh(void)
{
	static char texts[TEXTS][TEXT];
	static size_t next;
	return texts[next++ % TEXTS];
}

/* Digits in groups of three. */
static void group(char *to, const char *digits)
{
	size_t n = strspn(digits, "0123456789");
	for (size_t i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	strcpy(to, digits + n);
}

const char *shown_number(int64_t n)
{
	char digits[24], *text = fresh();
	snprintf(digits, sizeof digits, "%lld", (long long)(n < 0 ? -n : n));
	text[0] = '-';
	group(text + (n < 0), digits);
	return text;
}

const char *shown_count(int64_t n, const char *thing)
{
	char *text = fresh();
	snprintf(text, TEXT, "%s %s%s", shown_number(n), thing, n == 1 ? "" : "s");
	return text;
}

const char *shown_part(int64_t part, int64_t whole)
{
	char *text = fresh();
	double percent = whole ? 100.0 * (double)part / (double)whole : 0;
	/* no part is shown as all or as nothing unless it is */
	if (part < whole && percent > 99.9)
		percent = 99.9;
	if (part > 0 && percent < 0.1)
		return strcpy(text, "under 0.1 %");
	snprintf(text, TEXT, part == whole || part == 0 ? "%.0f %%" : "%.1f %%", percent);
	return text;
}

const char *shown_wait(int64_t ms)
{
	static const struct {
		double from, unit;
		const char *format;
	} forms[] = {
		{2 * 86400, 86400, "%.0f days"},
		{100 * 60, 3600, "%.1f h"},
		{100, 60, "%.0f min"},
		{10, 1, "%.0f s"},
		{0, 1, "%.1f s"},
	};
	char *text = fresh();
	double seconds = (double)ms / 1000;
	size_t i = 0;
	if (ms < 0)
		return strcpy(text, "–");
	while (seconds < forms[i].from)
		i++;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, TEXT, forms[i].format, seconds / forms[i].unit);
#pragma GCC diagnostic pop
	return text;
}

const char *shown_money(int64_t cents)
{
	char plain[MONEY_TEXT], *text = fresh();
	money_text(cents < 0 ? -cents : cents, plain);
	strcpy(text, cents < 0 ? "-$" : "$");
	group(text + strlen(text), plain);
	return text;
}

const char *shown_dollars(int64_t cents)
{
	char *text = fresh();
	int64_t dollars = ((cents < 0 ? -cents : cents) + 50) / 100;
	snprintf(text, TEXT, "%s$%s", cents < 0 ? "-" : "", shown_number(dollars));
	return text;
}

const char *shown_days(double days)
{
	char *text = fresh();
	snprintf(text, TEXT, "%.1f", days);
	return text;
}

const char *shown_within(double days)
{
	char *text = fresh();
	if (days < 0.1)
		return strcpy(text, "under 0.1 days");
	snprintf(text, TEXT, "%.1f days", days);
	return text;
}

const char *shown_who(const struct report *r)
{
	const struct figures *f = r->figures;
	if (f->practices_n == 1)
		return f->practices[0]->name[0] ? f->practices[0]->name : "The practice";
	return f->practices_n ? arena_printf(r->arena, "%s practices", shown_number((int64_t)f->practices_n))
						  : "No practice";
}

const char *shown_span(const struct report *r)
{
	const struct figures *f = r->figures;
	if (f->first > f->last)
		return "no event so far";
	const char *whole = day_text(f->last, "%-d %B %Y"), *first = "%-d %B %Y";
	if (f->first == f->last)
		return arena_copy(r->arena, str_of(day_text(f->last, "%A, %-d %B %Y")));
	if (day_month(f->first) == day_month(f->last))
		first = "%-d";
	else if (strcmp(day_text(f->first, "%Y"), day_text(f->last, "%Y")) == 0)
		first = "%-d %B";
	return arena_printf(r->arena, "%s to %s", day_text(f->first, first), whole);
}
