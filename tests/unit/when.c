/* Dates and times: every form that is read, both changes of the clock, and what is refused. */
#include "tap.h"
#include "value/when.h"
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

/* A text and what it becomes; want NULL: it is no time. */
struct example {
	const char *text;
	const char *want;
};

static const struct example denver[] = {
	/* with an offset: as it is */
	{"2026-11-22T15:00:00Z", "2026-11-22T15:00:00Z"},
	{"2026-11-22t15:00:00z", "2026-11-22T15:00:00Z"},
	{"2026-11-22 15:00:00Z", "2026-11-22T15:00:00Z"},
	{"2026-11-22T15:00:01.123Z", "2026-11-22T15:00:01Z"},
	{"2026-11-22T15:00:01.999999999Z", "2026-11-22T15:00:01Z"},
	{"2026-12-01T15:30:00-07:00", "2026-12-01T15:30:00-07:00"},
	{"2026-12-01T15:30:00-06:00", "2026-12-01T15:30:00-06:00"},
	{"2026-12-01T15:30:00+05:45", "2026-12-01T15:30:00+05:45"},
	{"2026-12-01T15:30:00+14:00", "2026-12-01T15:30:00+14:00"},
	{"2026-12-01T15:30:00+0000", "2026-12-01T15:30:00+00:00"},
	{"2026-12-01T15:30:00-0330", "2026-12-01T15:30:00-03:30"},
	{"2026-12-01 15:30:00.25-07", "2026-12-01T15:30:00-07:00"},
	{"2026-12-01T15:30-07:00", "2026-12-01T15:30:00-07:00"},
	{"12/1/2026 3:30:00 PM -07:00", "2026-12-01T15:30:00-07:00"},
	{"2026-03-08T02:30:00-07:00",
		"2026-03-08T02:30:00-07:00"}, /* skipped in Denver, but not in a zone of its own */
	{"2026-12-31T23:59:60Z", "2026-12-31T23:59:59Z"},
	/* without: the practice's */
	{"2026-12-01 15:30", "2026-12-01T15:30:00-07:00"},
	{"2026-12-01T15:30", "2026-12-01T15:30:00-07:00"},
	{"2026-12-01T15:30:00", "2026-12-01T15:30:00-07:00"},
	{"2026-12-01T15:30:00.000", "2026-12-01T15:30:00-07:00"},
	{"2026-07-01T15:30:00", "2026-07-01T15:30:00-06:00"},
	{" 2026-07-01 15:30 ", "2026-07-01T15:30:00-06:00"},
	{"2026-12-01 03:30 PM", "2026-12-01T15:30:00-07:00"},
	{"2026-12-31T23:59:59", "2026-12-31T23:59:59-07:00"},
	{"12/01/2026 3:30 PM", "2026-12-01T15:30:00-07:00"},
	{"12/1/2026 3:30PM", "2026-12-01T15:30:00-07:00"},
	{"12/1/2026 3:30 pm", "2026-12-01T15:30:00-07:00"},
	{"12/1/2026 3:30:45 AM", "2026-12-01T03:30:45-07:00"},
	{"12/1/2026, 3:30:45\xe2\x80\xaf"
	 "AM",
		"2026-12-01T03:30:45-07:00"},
	{"12/01/2026 15:30", "2026-12-01T15:30:00-07:00"},
	{"12/01/2026 15:30:20.5", "2026-12-01T15:30:20-07:00"},
	{"1-12-2026", "2026-01-12T00:00:00-07:00"},
	{"1-1-2026", "2026-01-01T00:00:00-07:00"},
	{"1/12/2026", "2026-01-12T00:00:00-07:00"},
	{"12-01-2026 15:30", "2026-12-01T15:30:00-07:00"},
	{"12/1/2026 12:00 AM", "2026-12-01T00:00:00-07:00"},
	{"12/1/2026 12:30 PM", "2026-12-01T12:30:00-07:00"},
	{"12/1/2026 11:59 PM", "2026-12-01T23:59:00-07:00"},
	{"12/1/2026 1:05", "2026-12-01T01:05:00-07:00"},
	{"5/13/2026", "2026-05-13T00:00:00-06:00"},
	{"2026-12-01", "2026-12-01T00:00:00-07:00"},
	{"1984-03-02", "1984-03-02T00:00:00-07:00"},
	{"1900-01-01", "1900-01-01T00:00:00-07:00"},
	{"2200-12-31", "2200-12-31T00:00:00-07:00"},
	/* spring: from 02:00 -07:00 to 03:00 -06:00 */
	{"2026-03-08", "2026-03-08T00:00:00-07:00"},
	{"2026-03-08T01:59:59", "2026-03-08T01:59:59-07:00"},
	{"2026-03-08T02:00:00", "2026-03-08T03:00:00-06:00"},
	{"2026-03-08T02:30:00", "2026-03-08T03:30:00-06:00"},
	{"3/8/2026 2:30 AM", "2026-03-08T03:30:00-06:00"},
	{"2026-03-08T02:59:59", "2026-03-08T03:59:59-06:00"},
	{"2026-03-08T03:00:00", "2026-03-08T03:00:00-06:00"},
	{"2026-03-09", "2026-03-09T00:00:00-06:00"},
	{"2027-03-14T02:30:00", "2027-03-14T03:30:00-06:00"},
	/* autumn: from 02:00 -06:00 back to 01:00 -07:00 */
	{"2026-11-01", "2026-11-01T00:00:00-06:00"},
	{"2026-11-01T00:59:59", "2026-11-01T00:59:59-06:00"},
	{"2026-11-01T01:00:00", "2026-11-01T01:00:00-06:00"},
	{"2026-11-01T01:30:00", "2026-11-01T01:30:00-06:00"},
	{"2026-11-01T01:59:59", "2026-11-01T01:59:59-06:00"},
	{"2026-11-01T02:00:00", "2026-11-01T02:00:00-07:00"},
	{"2026-11-02", "2026-11-02T00:00:00-07:00"},
	/* leap days */
	{"2024-02-29", "2024-02-29T00:00:00-07:00"},
	{"2000-02-29T12:00", "2000-02-29T12:00:00-07:00"},
	{"2/29/2028", "2028-02-29T00:00:00-07:00"},
	{"2026-02-29", NULL},
	{"2100-02-29", NULL},
	{"1900-02-29", NULL},
	{"2/29/2026", NULL},
	/* no times */
	{"", NULL},
	{" ", NULL},
	{"today", NULL},
	{"0", NULL},
	{"2026", NULL},
	{"2026-12", NULL},
	{"20261201", NULL},
	{"2026-1-5", NULL},
	{"2026/12/01", NULL},
	{"2026-02-30", NULL},
	{"2026-04-31", NULL},
	{"2026-00-10", NULL},
	{"2026-13-10", NULL},
	{"2026-12-00", NULL},
	{"2026-12-32", NULL},
	{"0000-00-00", NULL},
	{"0001-01-01T00:00:00", NULL},
	{"1899-12-31", NULL},
	{"2201-01-01", NULL},
	{"12026-01-01", NULL},
	{"13/01/2026", NULL},
	{"2/30/2026", NULL},
	{"12/1/26", NULL},
	{"12/1-2026", NULL},
	{"12/1/2026,", NULL},
	{"12/1/2026,3:30", NULL},
	{"12.1.2026", NULL},
	{"2026-12-01T", NULL},
	{"2026-12-01T15", NULL},
	{"2026-12-01T15:", NULL},
	{"2026-12-01T15:3", NULL},
	{"2026-12-01T15:30:", NULL},
	{"2026-12-01T15:30:0", NULL},
	{"2026-12-01T15:30:00.", NULL},
	{"2026-12-01T24:00:00", NULL},
	{"2026-12-01T25:00", NULL},
	{"2026-12-01T15:60", NULL},
	{"2026-12-01T15:30:61", NULL},
	{"2026-12-01T-1:30", NULL},
	{"2026-12-01T15:30:00X", NULL},
	{"2026-12-01T15:30:00ZZ", NULL},
	{"2026-12-01T15:30:00 MST", NULL},
	{"2026-12-01T15:30:00+24:00", NULL},
	{"2026-12-01T15:30:00+07:60", NULL},
	{"2026-12-01T15:30:00+7:00", NULL},
	{"2026-12-01T15:30:00+07:", NULL},
	{"2026-12-01T15:30:00+070", NULL},
	{"2026-12-01T15:30:00+07:000", NULL},
	{"2026-12-01T15:30:00--07:00", NULL},
	{"2026-12-01Z", NULL},
	{"2026-12-01-07:00", NULL},
	{"2026-12-0115:30", NULL},
	{"12/1/2026 13:30 PM", NULL},
	{"12/1/2026 0:30 AM", NULL},
	{"12/1/2026 3 PM", NULL},
	{"12/1/2026 3:30 P", NULL},
	{"12/1/2026 3:30 PM PM", NULL},
	{"2026-12-01 and more", NULL},
	{"2026-12-01,", NULL},
};

static const struct example new_york[] = {
	{"2026-12-01 15:30", "2026-12-01T15:30:00-05:00"},
	{"2026-07-01 15:30", "2026-07-01T15:30:00-04:00"},
	{"2026-03-08T01:59:59", "2026-03-08T01:59:59-05:00"},
	{"2026-03-08T02:15:00", "2026-03-08T03:15:00-04:00"},
	{"2026-11-01T01:15:00", "2026-11-01T01:15:00-04:00"},
	{"2026-11-01T02:00:00", "2026-11-01T02:00:00-05:00"},
};

static const struct example phoenix[] = {
	{"2026-12-01 15:30", "2026-12-01T15:30:00-07:00"},
	{"2026-07-01 15:30", "2026-07-01T15:30:00-07:00"},
	{"2026-03-08T02:30:00", "2026-03-08T02:30:00-07:00"},
	{"2026-11-01T01:30:00", "2026-11-01T01:30:00-07:00"},
};

static const struct example berlin[] = {
	{"2026-12-01 15:30", "2026-12-01T15:30:00+01:00"},
	{"2026-07-01 15:30", "2026-07-01T15:30:00+02:00"},
	{"2026-03-29T01:59:59", "2026-03-29T01:59:59+01:00"},
	{"2026-03-29T02:30:00", "2026-03-29T03:30:00+02:00"},
	{"2026-03-29T03:00:00", "2026-03-29T03:00:00+02:00"},
	{"2026-10-25T01:59:59", "2026-10-25T01:59:59+02:00"},
	{"2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00"},
	{"2026-10-25T03:00:00", "2026-10-25T03:00:00+01:00"},
	{"1945-07-01", "1945-07-01T00:00:00+03:00"},
};

static const struct example sydney[] = {
	{"2026-07-01 15:30", "2026-07-01T15:30:00+10:00"},
	{"2026-12-01 15:30", "2026-12-01T15:30:00+11:00"},
	{"2026-10-04T01:59:59", "2026-10-04T01:59:59+10:00"},
	{"2026-10-04T02:30:00", "2026-10-04T03:30:00+11:00"},
	{"2026-04-05T01:59:59", "2026-04-05T01:59:59+11:00"},
	{"2026-04-05T02:30:00", "2026-04-05T02:30:00+11:00"},
	{"2026-04-05T03:00:00", "2026-04-05T03:00:00+10:00"},
};

/* Half an hour is skipped, and comes twice. */
static const struct example lord_howe[] = {
	{"2026-10-04T02:10:00", "2026-10-04T02:40:00+11:00"},
	{"2026-04-05T01:40:00", "2026-04-05T01:40:00+11:00"},
	{"2026-04-05T02:00:00", "2026-04-05T02:00:00+10:30"},
};

/* The clock changes at midnight: the day's first minute is at one, or comes twice. */
static const struct example havana[] = {
	{"2026-03-08", "2026-03-08T01:00:00-04:00"},
	{"2026-11-01", "2026-11-01T00:00:00-04:00"},
};

/* A whole day was skipped. */
static const struct example apia[] = {
	{"2011-12-29T23:59", "2011-12-29T23:59:00-10:00"},
	{"2011-12-30T12:00", "2011-12-31T12:00:00+14:00"},
	{"2011-12-31T00:00", "2011-12-31T00:00:00+14:00"},
};

static const struct example utc[] = {
	{"2026-12-01 15:30", "2026-12-01T15:30:00+00:00"},
	{"2026-03-08T02:30:00", "2026-03-08T02:30:00+00:00"},
	{"2026-12-01T15:30:00-07:00", "2026-12-01T15:30:00-07:00"},
};

static const struct {
	const char *name;
	const struct example *examples;
	size_t n;
} zones[] = {
	{"America/Denver", denver, COUNT(denver)},
	{"America/New_York", new_york, COUNT(new_york)},
	{"America/Phoenix", phoenix, COUNT(phoenix)},
	{"Europe/Berlin", berlin, COUNT(berlin)},
	{"Australia/Sydney", sydney, COUNT(sydney)},
	{"Australia/Lord_Howe", lord_howe, COUNT(lord_howe)},
	{"America/Havana", havana, COUNT(havana)},
	{"Pacific/Apia", apia, COUNT(apia)},
	{"UTC", utc, COUNT(utc)},
};

static const struct example day_first[] = {
	{"01/12/2026", "2026-12-01T00:00:00+01:00"},
	{"1/12/2026 3:30 PM", "2026-12-01T15:30:00+01:00"},
	{"31-12-2026 15:30", "2026-12-31T15:30:00+01:00"},
	{"29/2/2028", "2028-02-29T00:00:00+01:00"},
	{"2026-12-01", "2026-12-01T00:00:00+01:00"},
	{"12/13/2026", NULL},
	{"30/02/2026", NULL},
};

static const struct example dates[] = {
	{"2026-12-01", "2026-12-01"},
	{"1984-03-02T00:00:00", "1984-03-02"},
	{"1984-03-02T00:00:00Z", "1984-03-02"},
	{"2026-12-01T23:30:00-07:00", "2026-12-01"},
	{"2026-12-01T00:30:00+14:00", "2026-12-01"},
	{"2026-03-08T02:30:00", "2026-03-08"},
	{"3/2/1984", "1984-03-02"},
	{"03/02/1984 12:00:00 AM", "1984-03-02"},
	{"3-2-1984", "1984-03-02"},
	{"1984-02-30", NULL},
	{"1984-03-02T25:00:00", NULL},
	{"1984-03-02x", NULL},
	{"", NULL},
};

static const struct {
	const char *text;
	int64_t ms;
} moments[] = {
	{"1970-01-01T00:00:00Z", 0},
	{"1970-01-01T00:00:00.001Z", 1},
	{"1969-12-31T23:59:59.9Z", -100},
	{"1970-01-01T01:00:00+01:00", 0},
	{"1969-12-31T17:00:00-07:00", 0},
	{"2000-02-29T00:00:00Z", 951782400000},
	{"2000-03-01T00:00:00Z", 951868800000},
	{"2026-11-22T15:00:01.1239Z", 1795359601123},
	{"2026-11-22T08:00:01-07:00", 1795359601000},
	{"2038-01-19T03:14:08Z", 2147483648000},
	{"1900-01-01T00:00:00Z", -2208988800000},
	{"2200-12-31T23:59:59Z", 7289654399000},
};

static const char *const no_moments[] = {"", "2026-11-22", "2026-11-22T15:00:00", "2026-11-22T15:00Z",
	"2026-11-22T15:00:00+0700", "2026-11-22T15:00:00+07", "2026-11-22T15:00:00 Z", " 2026-11-22T15:00:00Z",
	"2026-11-22T15:00:00Z ", "11/22/2026 15:00:00Z", "2026-02-30T15:00:00Z", "2026-11-22T5:00:00Z",
	"2026-11-22T15:00:00,5Z", "2026-11-22T03:00:00 PMZ"};

static const char *const no_zones[] = {"", "Denver", "America/Nowhere", "America", "America/",
	"/etc/localtime", "../zoneinfo/UTC", "America/../UTC", ":America/Denver", "zone.tab",
	"MST7MDT,M3.2.0,M11.1.0"};

static void check_times(const struct example *examples, size_t n, bool by_day, const char *zone)
{
	for (size_t i = 0; i < n; i++) {
		char time[WHEN_TEXT] = "untouched";
		bool read = when_time(str_of(examples[i].text), by_day, time);
		is_text(read ? time : NULL, examples[i].want, "%s: \"%s\" is %s", zone, examples[i].text,
			examples[i].want ? examples[i].want : "no time");
	}
}

static void times_are_the_practices(void)
{
	for (size_t i = 0; i < COUNT(zones); i++) {
		ok(when_zone(zones[i].name), "%s is a zone", zones[i].name);
		check_times(zones[i].examples, zones[i].n, false, zones[i].name);
	}
	when_zone("Europe/Berlin");
	check_times(day_first, COUNT(day_first), true, "day first");
}

static void dates_are_as_they_stand(void)
{
	for (size_t i = 0; i < COUNT(dates); i++) {
		char date[WHEN_DATE] = "untouched";
		bool read = when_date(str_of(dates[i].text), false, date);
		is_text(read ? date : NULL, dates[i].want, "date: \"%s\" is %s", dates[i].text,
			dates[i].want ? dates[i].want : "none");
	}
	char date[WHEN_DATE];
	ok(when_date(STR("02/03/1984"), true, date) && strcmp(date, "1984-03-02") == 0, "date: day first");
	ok(!when_date((struct str){NULL, 0}, false, date), "date: no text is none");
	ok(when_date((struct str){"2026-12-01T99", 10}, false, date), "date: bytes behind the text are not read");
	ok(!when_date((struct str){"2026-12-01\0", 11}, false, date), "date: a NUL is garbage");
}

static void moments_count_from_1970(void)
{
	for (size_t i = 0; i < COUNT(moments); i++) {
		int64_t ms = INT64_MIN;
		bool read = when_moment(str_of(moments[i].text), &ms);
		ok(read && ms == moments[i].ms, "%s is %" PRId64 " ms", moments[i].text, moments[i].ms);
	}
	for (size_t i = 0; i < COUNT(no_moments); i++) {
		int64_t ms = 4711;
		ok(!when_moment(str_of(no_moments[i]), &ms) && ms == 4711, "\"%s\" is no moment", no_moments[i]);
	}
	char now[WHEN_TEXT];
	int64_t ms = 0;
	when_now(now);
	ok(when_moment(str_of(now), &ms) && ms > 1700000000000 && strlen(now) == 24, "now (%s) is a moment", now);
}

/* Every quarter of an hour of a year, UTC, to local text and back; each must name the same moment, but for
   the second of a doubled time, which reads as the first. */
static void local_times_name_the_moment(const char *zone, int doubled)
{
	int wrong = 0, earlier = 0;

	when_zone(zone);
	for (int64_t t = 1767225600; t < 1798761600; t += 900) {
		char shown[32], time[WHEN_TEXT];
		int64_t ms = 0;
		time_t seconds = (time_t)t;
		struct tm tm;
		strftime(shown, sizeof(shown), "%Y-%m-%dT%H:%M:%S", localtime_r(&seconds, &tm));
		if (!when_time(str_of(shown), false, time) || !when_moment(str_of(time), &ms))
			wrong++;
		else if (ms == (t - 3600) * 1000)
			earlier++;
		else if (ms != t * 1000)
			wrong++;
	}
	ok(wrong == 0 && earlier == doubled,
		"%s: each quarter of an hour of 2026 comes back (%d wrong, %d doubled)", zone, wrong, earlier);
}

static void what_is_no_zone_is_refused(void)
{
	char time[WHEN_TEXT];

	when_zone("America/Denver");
	for (size_t i = 0; i < COUNT(no_zones); i++)
		ok(!when_zone(no_zones[i]), "\"%s\" is no zone", no_zones[i]);
	ok(when_time(STR("2026-12-01 15:30"), false, time) && strcmp(time, "2026-12-01T15:30:00-07:00") == 0,
		"a zone that is refused changes nothing");
	setenv("TZDIR", "/nowhere", 1);
	ok(!when_zone("America/Denver"), "zones are looked for in $TZDIR");
	ok(when_zone("UTC"), "UTC needs no file");
	unsetenv("TZDIR");
}

int main(void)
{
	times_are_the_practices();
	dates_are_as_they_stand();
	moments_count_from_1970();
	local_times_name_the_moment("America/Denver", 4);
	local_times_name_the_moment("America/Phoenix", 0);
	local_times_name_the_moment("Europe/Berlin", 4);
	local_times_name_the_moment("Australia/Sydney", 4);
	what_is_no_zone_is_refused();
	return done();
}
