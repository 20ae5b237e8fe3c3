/*
 * pnow-inbox check: what is not as it should be, a line for each finding: what, where, since when, and the
 * command to type next. Where all is well it says nothing, so that cron mails what there is to know, and the
 * status makes a unit of systemd fail. Nothing is asked of PatientNow or the CRM: all is in the state file.
 */
#include "check.h"
#include "state/dump.h"
#include "value/when.h"

#include <err.h>
#include <stdio.h>
#include <strings.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-inbox check [-j] [-b AGE] [-e AGE] [-i TEXT]... [-o DAY-DAY,H-H] [-s AGE] [-w AGE]\n"
	"Says nothing, status 0, where all is well; else a line for each finding, with the command to type next,\n"
	"and status 1.\n"
	"  -b AGE          the last backup (pnow-inbox dump) is older (2d)\n"
	"  -e AGE          no event came in so much of the time when the practice is open (4h)\n"
	"  -i TEXT         warnings with TEXT in them are none; may be given several times\n"
	"  -j              as NDJSON\n"
	"  -o DAY-DAY,H-H  when it is open, in its own time (Mon-Fri,8-18)\n"
	"  -s AGE          warnings of so long (1d)\n"
	"  -w AGE          an event waits longer than that (1h)\n"
	"AGE is a number and s, m, h, d or w; 0: do not look\n";

static const int64_t hour_ms = 3600000;

enum { SCARCE = 10 }; /* a tenth of a day's calls is left */

/* --- Calls --- */

static int64_t midnight(const struct check *c)
{
	return c->now - c->now % (24 * hour_ms);
}

static void check_patientnow(struct check *c)
{
	struct requests r = left_of_patientnow(c->in);
	if (!r.spent && (r.used == 0 || !r.spread))
		return;
	finding_tell(c,
		&(struct finding){.what = "calls run short",
			.since = midnight(c),
			.detail = arena_printf(&c->arena,
				"%lld of PatientNow's %lld are left until midnight (UTC), %lld of them for people; some %lld "
				"lookups are expected, and %s",
				(long long)r.left, (long long)r.limit, (long long)r.for_people, (long long)r.lookups,
				r.spent ? "what needs one waits until then" : "events wait for each other"),
			.command = finding_command(c, "pnow-inbox", " stat")});
}

static void check_location(const char *location, const struct limit_left *left, void *context)
{
	struct check *c = context;
	if (left->day_max <= 0 || left->day_left > left->day_max / SCARCE)
		return;
	finding_tell(c, &(struct finding){.what = "calls run short",
						.since = midnight(c),
						.detail = arena_printf(&c->arena,
							"%lld of the CRM's %lld for location %s are left until midnight (UTC)",
							(long long)left->day_left, (long long)left->day_max, location),
						.command = finding_command(c, "pnow-inbox", " stat")});
}

/* --- No event, no backup --- */

static bool is_open_on(const struct check_hours *h, int day)
{
	return h->first <= h->last ? day >= h->first && day <= h->last : day >= h->first || day <= h->last;
}

/* A full hour of a day, in the practice's time. */
static int64_t hour_of(struct tm day, int hour)
{
	day.tm_hour = hour;
	day.tm_min = day.tm_sec = 0;
	day.tm_isdst = -1;
	return (int64_t)mktime(&day) * 1000;
}

/* How long the practice was open between two moments. */
static int64_t open_between(const struct check_hours *h, int64_t from, int64_t to)
{
	struct tm day;
	int64_t ms = 0;
	localtime_r(&(time_t){from / 1000}, &day);
	for (; hour_of(day, 0) < to; day.tm_mday++) {
		struct tm that = day;
		that.tm_hour = 12;
		mktime(&that); /* which day of the week it is */
		int64_t opens = hour_of(day, h->opens), closes = hour_of(day, h->closes);
		opens = opens > from ? opens : from;
		closes = closes < to ? closes : to;
		if (is_open_on(h, that.tm_wday) && closes > opens)
			ms += closes - opens;
	}
	return ms;
}

static void check_silence(struct check *c, int64_t last)
{
	int64_t silent = last ? open_between(&c->bounds->hours, last, c->now) : 0;
	int64_t days = last ? (c->now - last) / (24 * hour_ms) + 1 : 1;
	if (!c->bounds->silence || (last && silent < c->bounds->silence))
		return;
	const char *open = arena_printf(
		&c->arena, "the practice was open for %lld h of that time", (long long)(silent / hour_ms));
	finding_tell(
		c, &(struct finding){.what = "no event",
			   .since = last,
			   .detail = arena_printf(&c->arena,
				   "%s: does pnow-hook get webhooks? This brings in appointments that were missed",
				   last ? open : "none ever came"),
			   .command = finding_command(c, "pnow-fetch",
				   arena_printf(&c->arena, " -i -l appointment -e appointment -s %lldd", (long long)days))});
}

/* A practice that is new need not have one yet: its first event is as good as one. */
static void check_backup(struct check *c, int64_t first)
{
	int64_t last;
	c->read &= dump_last(c->in->state, &last);
	int64_t since = last ? last : first;
	if (!c->read || !c->bounds->backup || !since || c->now - since <= c->bounds->backup)
		return;
	finding_tell(c, &(struct finding){.what = "no backup",
						.since = since,
						.detail = last ? "the last one was made then"
									   : "none was ever made, and the first event came then",
						.command = finding_command(c, "pnow-inbox",
							arena_printf(&c->arena, " dump -o %s.dump", c->in->conf->practice))});
}

static void check_disk(struct check *c)
{
	int64_t room = state_room(c->in->conf->state);
	if (room < 0 || room >= STATE_ROOM_LEAST)
		return;
	finding_tell(c, &(struct finding){.what = "disk",
						.detail = arena_printf(&c->arena,
							"%lld MiB are free beside the state file: make room, or what comes in finds no "
							"place and its sender is told to come again; this forgets old bodies",
							(long long)room),
						.command = finding_command(c, "pnow-inbox", " purge -o 30d")});
}

/* --- A practice --- */

static int check_practice(struct inbox *in, void *context)
{
	struct check c = {.in = in, .bounds = context, .now = when_now_ms(), .read = true};
	int64_t first, last;
	check_events(&c);
	check_patientnow(&c);
	left_of_locations(in, check_location, &c);
	check_disk(&c);
	c.read = inbox_span(in->state, &first, &last) && c.read;
	if (c.read) {
		check_silence(&c, last);
		check_backup(&c, first);
	}
	if (!c.read)
		warnx("not all of the %s %s can be read now", conf_state_noun(in->conf->state), in->conf->state);
	arena_free(&c.arena);
	return !c.read ? EX_TEMPFAIL : c.found ? 1 : EX_OK;
}

/* --- Options --- */

/* An age; ends the process with status 64 where it is none. */
static int64_t age(int letter, const char *text)
{
	int64_t ms = 0;
	if (strcmp(text, "0") != 0 && !when_age(text, &ms))
		errx(EX_USAGE, "-%c %s: expected a number and s, m, h, d or w, such as 4h, or 0", letter, text);
	return ms;
}

/* The day of the week of this name; -1: there is none. */
static int weekday(const char *name)
{
	static const char *const names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	for (size_t i = 0; i < COUNT(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return (int)i;
	return -1;
}

/* When a practice is open; ends the process with status 64 where text does not say. */
static struct check_hours hours(const char *text)
{
	struct check_hours h = {0};
	char first[4], last[4];
	int n = 0;
	sscanf(text, "%3[A-Za-z]-%3[A-Za-z],%2d-%2d%n", first, last, &h.opens, &h.closes, &n);
	bool whole = n > 0 && !text[n];
	h.first = whole ? weekday(first) : -1;
	h.last = whole ? weekday(last) : -1;
	if (h.first < 0 || h.last < 0 || h.opens < 0 || h.closes <= h.opens || h.closes > 24)
		errx(EX_USAGE, "-o %s: expected days and hours, such as Mon-Fri,8-18", text);
	return h;
}

static void read_bounds(struct check_bounds *b, int argc, char *argv[])
{
	optind = 1;
	for (int letter; (letter = options_next(argc, argv, "b:e:hi:jo:s:w:")) != -1;) {
		switch (letter) {
		case 'b':
			b->backup = age(letter, optarg);
			break;
		case 'e':
			b->silence = age(letter, optarg);
			break;
		case 'h':
			usage_help(usage);
		case 'i':
			if (b->quiet_n == CHECK_QUIET_MAX)
				errx(EX_USAGE, "-i: expected %d at most", CHECK_QUIET_MAX);
			b->quiet[b->quiet_n++] = optarg;
			break;
		case 'j':
			b->json = true;
			break;
		case 'o':
			b->hours = hours(optarg);
			break;
		case 's':
			b->lately = age(letter, optarg);
			break;
		case 'w':
			b->wait = age(letter, optarg);
			break;
		default:
			usage_error(usage);
		}
	}
	if (optind < argc)
		usage_error(usage);
}

int inbox_check(struct inbox *in, int argc, char *argv[])
{
	struct check_bounds bounds = {.wait = hour_ms,
		.silence = 4 * hour_ms,
		.backup = 48 * hour_ms,
		.lately = 24 * hour_ms,
		.hours = {.first = 1, .last = 5, .opens = 8, .closes = 18}};
	read_bounds(&bounds, argc, argv);
	int status = inbox_each(in, check_practice, &bounds);
	table_end();
	return status;
}
