/* Days at the practice. A day's number is that of its date, whatever the zone, so that days of practices in
 * several zones come together. */
#include "report.h"

#include <time.h>

enum { DAY_S = 24 * 60 * 60, TEXTS = 8 };

struct day *days_get(struct days *d, int64_t number)
{
	if (!d->at) {
		d->at = allocated(calloc(DAYS_MAX, sizeof *d->at));
		d->base = number - DAYS_MAX / 2;
	}
	if (number < d->base || number >= d->base + DAYS_MAX)
		return NULL;
	struct day **day = &d->at[number - d->base];
	if (!*day)
		*day = allocated(calloc(1, sizeof **day));
	return *day;
}

const struct day *days_look(const struct days *d, int64_t number)
{
	return d->at && number >= d->base && number < d->base + DAYS_MAX ? d->at[number - d->base] : NULL;
}

void days_free(struct days *d)
{
	for (size_t i = 0; d->at && i < DAYS_MAX; i++)
		free(d->at[i]);
	free(d->at);
}

int64_t day_of(int64_t ms)
{
	struct tm tm;
	time_t t = (time_t)(ms / 1000);
	if (!localtime_r(&t, &tm))
		return ms / 1000 / DAY_S;
	return (ms / 1000 + tm.tm_gmtoff) / DAY_S;
}

static struct tm date_of(int64_t number)
{
	struct tm tm = {0};
	time_t t = (time_t)(number * DAY_S);
	gmtime_r(&t, &tm);
	return tm;
}

const char *day_text(int64_t number, const char *format)
{
	static char texts[TEXTS][48];
	static size_t next;
	char *text = texts[next++ % TEXTS];
	struct tm tm = date_of(number);
	text[strftime(text, sizeof texts[0], format, &tm)] = '\0';
	return text;
}

int64_t day_month(int64_t number)
{
	return number - date_of(number).tm_mday + 1;
}
