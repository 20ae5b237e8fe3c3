/*
 * Dates and times, from the forms an EMR writes to RFC 3339. One reader takes them all apart; what differs
 * afterwards is only what is wanted of them. Local times are turned by asking localtime_r for the offsets
 * before and after: unlike mktime it leaves nothing to the system where a change of the clock skips an hour
 * or repeats it, and any number of threads can ask at once.
 */
#include "value/when.h"
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { DAY = 24 * 60 * 60, YEAR_FIRST = 1900, YEAR_LAST = 2200 };

enum offset { OFFSET_NONE, OFFSET_ZULU, OFFSET_GIVEN };

/* A date or time as it was written. */
struct written {
	int year, month, day;
	int hour, minute, second, millisecond;
	enum offset offset;
	int offset_minutes;
	bool strict; /* RFC 3339 to the letter */
};

/* What is left to read. */
struct rest {
	const char *p, *end;
};

/* Takes a byte of these; returns it, or NUL where the next is none of them. */
static char take(struct rest *r, const char *any)
{
	if (r->p == r->end || *r->p == '\0' || !strchr(any, *r->p))
		return '\0';
	return *r->p++;
}

/* Takes a word, in any case. */
static bool take_word(struct rest *r, const char *word)
{
	const char *p = r->p;

	for (; *word; word++, p++)
		if (p == r->end || tolower((unsigned char)*p) != (unsigned char)*word)
			return false;
	r->p = p;
	return true;
}

/* Takes blanks, also the no-break ones that newer systems put before AM and PM. Returns whether it did. */
static bool take_blanks(struct rest *r)
{
	const char *start = r->p;

	while (take(r, " \t") || take_word(r, "\xc2\xa0") || take_word(r, "\xe2\x80\xaf"))
		;
	return r->p > start;
}

/* Takes a number of min to max digits from low to high. */
static bool take_number(struct rest *r, int min, int max, int low, int high, int *number)
{
	int digits = 0;

	for (*number = 0; digits < max && r->p < r->end && isdigit((unsigned char)*r->p); digits++)
		*number = *number * 10 + (*r->p++ - '0');
	return digits >= min && *number >= low && *number <= high;
}

static int days_of(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* 2026-12-01 */
static bool take_year_first(struct rest *r, struct written *w)
{
	return take_number(r, 4, 4, YEAR_FIRST, YEAR_LAST, &w->year) && take(r, "-") &&
		   take_number(r, 2, 2, 1, 12, &w->month) && take(r, "-") && take_number(r, 2, 2, 1, 31, &w->day);
}

/* 12/1/2026, 12-01-2026; with day_first 1/12/2026 */
static bool take_year_last(struct rest *r, bool day_first, struct written *w)
{
	int *first = day_first ? &w->day : &w->month, *second = day_first ? &w->month : &w->day;
	char between[2] = {0};

	w->strict = false;
	return take_number(r, 1, 2, 1, 31, first) && (between[0] = take(r, "/-")) &&
		   take_number(r, 1, 2, 1, 31, second) && take(r, between) &&
		   take_number(r, 4, 4, YEAR_FIRST, YEAR_LAST, &w->year) && w->month <= 12;
}

/* Takes a fraction of a second, where there is one. */
static bool take_fraction(struct rest *r, struct written *w)
{
	char point = take(r, ".,");
	if (!point)
		return true;
	if (point == ',')
		w->strict = false;
	int digit, worth = 100;
	if (!take_number(r, 1, 1, 0, 9, &digit))
		return false;
	do {
		w->millisecond += digit * worth;
		worth /= 10;
	} while (take_number(r, 1, 1, 0, 9, &digit));
	return true;
}

/* Takes AM or PM, where it stands, and turns the hour. */
static bool take_half_day(struct rest *r, struct written *w)
{
	struct rest ahead = *r;

	take_blanks(&ahead);
	bool morning = take_word(&ahead, "am");
	if (!morning && !take_word(&ahead, "pm"))
		return true;
	*r = ahead;
	w->strict = false;
	if (w->hour < 1 || w->hour > 12)
		return false;
	w->hour = w->hour % 12 + (morning ? 0 : 12);
	return true;
}

/* Takes Z, +07:00, +0700 or +07, where it stands. */
static bool take_offset(struct rest *r, struct written *w)
{
	int hours, minutes = 0;

	if (take_blanks(r))
		w->strict = false;
	if (take(r, "Zz")) {
		w->offset = OFFSET_ZULU;
		return true;
	}
	char sign = take(r, "+-");
	if (!sign)
		return true;
	if (!take_number(r, 2, 2, 0, 23, &hours))
		return false;
	bool colon = take(r, ":");
	if ((colon || r->p < r->end) && !take_number(r, 2, 2, 0, 59, &minutes))
		return false;
	if (!colon)
		w->strict = false;
	w->offset = OFFSET_GIVEN;
	w->offset_minutes = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
	return true;
}

/* 15:30, 15:30:00.000, 3:30 PM, with or without an offset. A leap second counts as the one before it. */
static bool take_time(struct rest *r, struct written *w)
{
	const char *start = r->p;

	if (!take_number(r, 1, 2, 0, 23, &w->hour) || !take(r, ":"))
		return false;
	if (r->p - start < 3)
		w->strict = false;
	if (!take_number(r, 2, 2, 0, 59, &w->minute))
		return false;
	if (!take(r, ":"))
		w->strict = false;
	else if (!take_number(r, 2, 2, 0, 60, &w->second) || !take_fraction(r, w))
		return false;
	if (w->second == 60)
		w->second = 59;
	return take_half_day(r, w) && take_offset(r, w);
}

/* Takes text apart. False where it is no date or time that exists. */
static bool read_written(struct str text, bool day_first, struct written *w)
{
	if (!text.p)
		return false;
	struct rest r = {text.p, text.p + text.n};
	*w = (struct written){.strict = true};
	if (take_blanks(&r))
		w->strict = false;
	bool year_first = r.end - r.p > 2 && isdigit((unsigned char)r.p[1]) && isdigit((unsigned char)r.p[2]);
	if (!(year_first ? take_year_first(&r, w) : take_year_last(&r, day_first, w)))
		return false;
	if (w->day > days_of(w->year, w->month))
		return false;
	bool comma = !year_first && take(&r, ",");
	bool blank = take_blanks(&r);
	if (r.p == r.end)
		return !comma;
	if ((!blank && (comma || !take(&r, "Tt"))) || !take_time(&r, w))
		return false;
	if (take_blanks(&r))
		w->strict = false;
	return r.p == r.end;
}

/* Seconds since 1970 of a time as if it were UTC. */
static int64_t seconds_of(const struct written *w)
{
	/* years from March, so that a leap day is the last of its year */
	int64_t y = w->month > 2 ? w->year : w->year - 1, m = (w->month + 9) % 12;
	int64_t days = y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + w->day - 1 - 719468;

	return ((days * 24 + w->hour) * 60 + w->minute) * 60 + w->second;
}

/* How far local time was ahead of UTC at a moment, in seconds. */
static int64_t offset_at(int64_t moment)
{
	time_t t = (time_t)moment;
	struct tm tm;

	return localtime_r(&t, &tm) ? tm.tm_gmtoff : 0;
}

/* The moment at which clocks of the practice show a time. A change of the clock is never within a day of
   another, so the offset is that of the day before or of the day after. Of two such moments the first has the
   offset before. Where there is none, the offset before gives the moment after the change at which that much
   time has passed. */
static int64_t local_moment(int64_t shown)
{
	int64_t before = offset_at(shown - DAY), after = offset_at(shown + DAY);

	if (offset_at(shown - before) != before && offset_at(shown - after) == after)
		return shown - after;
	return shown - before;
}

/* A moment, as the clocks of the practice show it. */
static void make_local(struct written *w, int64_t moment)
{
	time_t t = (time_t)moment;
	struct tm tm;

	if (!localtime_r(&t, &tm))
		return;
	w->year = tm.tm_year + 1900;
	w->month = tm.tm_mon + 1;
	w->day = tm.tm_mday;
	w->hour = tm.tm_hour;
	w->minute = tm.tm_min;
	w->second = tm.tm_sec;
	w->offset = OFFSET_GIVEN;
	w->offset_minutes = (int)(tm.tm_gmtoff / 60);
}

/* Writes a number in so many digits, and what follows it. Returns the place behind. */
static char *put(char *to, int digits, int number, char then)
{
	for (int i = digits; i-- > 0; number /= 10)
		to[i] = (char)('0' + number % 10);
	to[digits] = then;
	return to + digits + 1;
}

static void write_date(const struct written *w, char date[static WHEN_DATE])
{
	put(put(put(date, 4, w->year, '-'), 2, w->month, '-'), 2, w->day, '\0');
}

static void write_time(const struct written *w, char time[static WHEN_TEXT])
{
	char *p = put(put(put(time, 4, w->year, '-'), 2, w->month, '-'), 2, w->day, 'T');

	p = put(put(p, 2, w->hour, ':'), 2, w->minute, ':');
	if (w->offset == OFFSET_ZULU) {
		*put(p, 2, w->second, 'Z') = '\0';
		return;
	}
	int minutes = abs(w->offset_minutes);
	p = put(p, 2, w->second, w->offset_minutes < 0 ? '-' : '+');
	put(put(p, 2, minutes / 60, ':'), 2, minutes % 60, '\0');
}

const char *when_zone_variable(const char *name)
{
	return strcmp(name, "UTC") == 0 ? "UTC0" : name;
}

bool when_zone(const char *name)
{
	const char *folder = getenv("TZDIR");
	char path[PATH_MAX], magic[4];
	struct stat st;

	if (strcmp(name, "UTC") == 0) {
		setenv("TZ", when_zone_variable(name), 1);
		tzset();
		return true;
	}
	if (name[0] == '\0' || name[0] == '/' || name[0] == ':' || strstr(name, ".."))
		return false;
	if (snprintf(path, sizeof(path), "%s/%s", folder ? folder : "/usr/share/zoneinfo", name) >= PATH_MAX)
		return false;
	FILE *f = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "r") : NULL;
	if (!f)
		return false;
	bool zone =
		fread(magic, 1, sizeof(magic), f) == sizeof(magic) && memcmp(magic, "TZif", sizeof(magic)) == 0;
	fclose(f);
	if (zone && setenv("TZ", name, 1) == 0)
		tzset();
	return zone;
}

void when_now(char text[static WHEN_TEXT])
{
	when_utc(when_now_ms(), text);
}

void when_utc(int64_t ms, char text[static WHEN_TEXT])
{
	int fraction = (int)((ms % 1000 + 1000) % 1000);
	time_t t = (time_t)((ms - fraction) / 1000);
	struct tm tm;

	gmtime_r(&t, &tm);
	char *p = put(put(put(text, 4, tm.tm_year + 1900, '-'), 2, tm.tm_mon + 1, '-'), 2, tm.tm_mday, 'T');
	p = put(put(put(p, 2, tm.tm_hour, ':'), 2, tm.tm_min, ':'), 2, tm.tm_sec, '.');
	*put(p, 3, fraction, 'Z') = '\0';
}

int64_t when_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t when_seconds_until(int64_t ms)
{
	int64_t left = ms - when_now_ms();
	return left > 0 ? (left - 1) / 1000 + 1 : 1;
}

bool when_time(struct str text, bool day_first, char time[static WHEN_TEXT])
{
	struct written w;

	if (!read_written(text, day_first, &w))
		return false;
	if (w.offset == OFFSET_NONE)
		make_local(&w, local_moment(seconds_of(&w)));
	write_time(&w, time);
	return true;
}

bool when_local(struct str text, bool day_first, char time[static WHEN_TEXT])
{
	struct written w;

	if (!read_written(text, day_first, &w))
		return false;
	if (w.offset == OFFSET_NONE)
		make_local(&w, local_moment(seconds_of(&w)));
	else if (w.offset_minutes == 0)
		make_local(&w, seconds_of(&w));
	write_time(&w, time);
	return true;
}

bool when_zulu(struct str text, bool day_first, char time[static WHEN_TEXT])
{
	struct written w;

	if (!memchr(text.p, ':', text.n) || !read_written(text, day_first, &w) || w.offset != OFFSET_NONE)
		return false;
	w.offset = OFFSET_ZULU;
	write_time(&w, time);
	return true;
}

bool when_date(struct str text, bool day_first, char date[static WHEN_DATE])
{
	struct written w;

	if (!read_written(text, day_first, &w))
		return false;
	write_date(&w, date);
	return true;
}

const char *when_wrong(struct str text, bool day_first)
{
	struct rest r = {text.p, text.p + text.n};
	struct written turned;
	int number;

	if (!text.p)
		return "there is none";
	take_blanks(&r);
	if (take_number(&r, 1, 2, 1, 31, &number) && take(&r, "/-.") && take_number(&r, 1, 2, 1, 31, &number) &&
		take(&r, "/-.") && take_number(&r, 2, 2, 0, 99, &number) &&
		(r.p == r.end || !isdigit((unsigned char)*r.p)))
		return "the year has two digits";
	if (read_written(text, !day_first, &turned))
		return day_first ? "the month stands before the day" : "the day stands before the month";
	return "there is no such date";
}

bool when_age(const char *text, int64_t *ms)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 7 || strlen(text) != digits + 1)
		return false;
	for (size_t i = 0; i < COUNT(units); i++) {
		if (text[digits] == units[i].letter) {
			*ms = strtoll(text, NULL, 10) * units[i].seconds * 1000;
			return true;
		}
	}
	return false;
}

bool when_moment(struct str rfc3339, int64_t *ms)
{
	struct written w;

	if (!read_written(rfc3339, false, &w) || !w.strict || w.offset == OFFSET_NONE)
		return false;
	*ms = (seconds_of(&w) - w.offset_minutes * 60) * 1000 + w.millisecond;
	return true;
}
