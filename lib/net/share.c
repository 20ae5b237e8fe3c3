/*
 * How the hosts' shares never add up to more than the whole, and a request needs no round trip:
 *
 * - What is shared are slots (allowance.c): a request holds one until an interval after its answer. While
 *   each host has no more requests in any interval than slots, and all slots are no more than the limit, all
 *   hosts together are within it, in an interval of any phase. A slot changes hands only while it is cold:
 *   an account lowers what it keeps to no less than its busy slots, in its own file first, then in its row;
 *   and it uses more only when its row says so. So whoever is killed in between, a row has never less than
 *   its account uses.
 * - Who asks holds the practice's lock, reads all rows and writes its own. It gets what it should have, as
 *   far as others have given that up, and learns what it should give up itself.
 * - What it should have: first who has requests that do not yield gets an equal part, up to what it needs;
 *   then who has others; then each who has any gets some in advance. Who needs nothing has nothing.
 * - A row is good until a moment by the database's clock. The account stops at SHARE_TERM_MS after it began
 *   to ask, by its own; then what it has sent arrives (SHARE_GRACE_MS) and becomes cold (an interval). Only
 *   how fast clocks go is trusted, not what they show. Whoever dies or is cut off has given back by then.
 * - An account asks in turns, and a turn that comes late, after the next, changes nothing.
 * - Requests of the day are taken out of what is left in small parts. They do not run out; an account that
 *   goes idle puts them back.
 * - What the CRM told, and a pause, count from whoever told it last, and reach an account when it asks.
 */
#include "net/share.h"

#include <stdlib.h>

enum {
	DAY_MS = 86400000,
	ROWS_MAX = 256,
	OLD_MS = 2 * DAY_MS, /* a row is of no interest any more: no pause is longer than a day */
	IN_ADVANCE = 16,     /* this part of the limit, or a quarter of what is needed */
};

static int64_t least(int64_t x, int64_t y)
{
	return x < y ? x : y;
}

static int64_t most(int64_t x, int64_t y)
{
	return x > y ? x : y;
}

/* What an account wants, and is to have. */
struct portion {
	int64_t account;
	int64_t wants[3]; /* live, in all, and with some in advance */
	int64_t has;
};

static struct portion portion_of(const struct share_row *row, int64_t max)
{
	int64_t advance = row->need ? most(max / IN_ADVANCE, row->need / 4) : 0;
	return (struct portion){
		row->account, {least(row->live, max), least(row->need, max), least(row->need + advance, max)}, 0};
}

/* Equal parts to all who want more at this stage; who wants less leaves the rest to the others. Returns what
   is left then. */
static int64_t serve(struct portion *portions, size_t n, int stage, int64_t left)
{
	for (int64_t hungry = 1; hungry && left > 0;) {
		hungry = 0;
		for (size_t i = 0; i < n; i++)
			hungry += portions[i].wants[stage] > portions[i].has;
		int64_t part = hungry ? most(left / hungry, 1) : 0;
		for (size_t i = 0; i < n; i++) {
			int64_t more = most(least(least(portions[i].wants[stage] - portions[i].has, part), left), 0);
			portions[i].has += more;
			left -= more;
		}
	}
	return left;
}

static int by_account(const void *a, const void *b)
{
	const struct portion *x = a, *y = b;
	return (x->account > y->account) - (x->account < y->account);
}

/* How many slots the account of mine should have, of so many. */
static int64_t target_of(
	const struct share_row *rows, size_t n, int64_t now, const struct share_row *mine, int64_t max)
{
	struct portion portions[ROWS_MAX + 1];
	size_t served = 0;
	portions[served++] = portion_of(mine, max);
	for (size_t i = 0; i < n && i < ROWS_MAX; i++)
		if (rows[i].account != mine->account && rows[i].until > now)
			portions[served++] = portion_of(&rows[i], max);
	qsort(portions, served, sizeof *portions, by_account); /* what each gets does not depend on who asks */
	for (int stage = 0; stage < 3; stage++)
		max = serve(portions, served, stage, max);
	for (size_t i = 0; i < served; i++)
		if (portions[i].account == mine->account)
			return portions[i].has;
	return 0;
}

/* What is known of the location from all rows. */
struct known {
	const struct share_row *told, *said, *own; /* who was told last, a pause, too; NULL: nobody */
	int64_t slots, used;                       /* of others */
	int64_t day_granted, askers;
};

static struct known look(const struct share_row *rows, size_t n, int64_t now, int64_t account)
{
	struct known k = {0};
	for (size_t i = 0; i < n; i++) {
		const struct share_row *r = &rows[i];
		if (r->told && (!k.told || r->told > k.told->told))
			k.told = r;
		if (r->said && (!k.said || r->said > k.said->said))
			k.said = r;
		if (r->account == account) {
			k.own = r;
			continue;
		}
		if (r->day == now / DAY_MS)
			k.day_granted += r->day_granted;
		if (r->until <= now)
			continue;
		k.slots += r->slots;
		k.used += r->need ? least(r->need, r->slots) : r->slots;
		k.askers += r->need > 0;
	}
	return k;
}

/* Takes over what was told last, and adds what the account has been told since. */
static void note(struct share_row *mine, const struct known *k, const struct share_asked *asked, int64_t now)
{
	if (k->told) {
		mine->told = k->told->told;
		mine->interval = k->told->interval;
		mine->max = k->told->max;
		mine->day_max = k->told->day_max;
		mine->day_others = k->told->day == mine->day ? k->told->day_others : 0;
	}
	if (asked->told)
		mine->told = most(now, mine->told + 1);
	if (asked->told && asked->interval && asked->max) {
		mine->interval = asked->interval;
		mine->max = asked->max;
	}
	if (asked->told && asked->day_max && asked->day_remaining >= 0 && asked->day == mine->day) {
		int64_t ours = k->day_granted + asked->day_taken + asked->day_left;
		mine->day_max = asked->day_max;
		mine->day_others = most(asked->day_max - asked->day_remaining - ours, 0);
	}
	if (k->said) {
		mine->said = k->said->said;
		mine->pause = k->said->pause;
		mine->ask = k->said->ask;
	}
	if (asked->said) {
		mine->said = most(now, mine->said + 1);
		mine->pause = now + asked->pause;
		mine->ask = now + asked->ask;
	}
}

static int64_t max_of(const struct share_row *row)
{
	return row->max ? row->max : SHARE_ASSUMED_MAX;
}

/* Requests of the day that nobody has in hand. */
static int64_t day_left(const struct share_row *row, const struct known *k, int64_t taken_out)
{
	return (row->day_max ? row->day_max : SHARE_ASSUMED_DAY) - row->day_others - k->day_granted - taken_out;
}

bool share_grant(const struct share_row *rows, size_t n, int64_t now, const struct share_asked *asked,
	struct share_row *mine, struct share_got *got)
{
	struct known k = look(rows, n, now, asked->account);
	if (k.own && k.own->turn >= asked->turn)
		return false;
	*mine = (struct share_row){.account = asked->account,
		.turn = asked->turn,
		.until = now + asked->lasts,
		.live = asked->live,
		.need = asked->need,
		.day = now / DAY_MS};
	note(mine, &k, asked, now);

	bool keeps = k.own && k.own->until > now;
	int64_t target = target_of(rows, n, now, mine, max_of(mine));
	mine->slots = most(least(target, max_of(mine) - k.slots), keeps ? asked->slots : 0);

	int64_t in_hand = 0, taken_out = k.own && k.own->day == mine->day ? k.own->day_granted : 0;
	if (asked->day == mine->day) {
		in_hand = asked->day_left;
		taken_out = in_hand + asked->day_taken;
	}
	int64_t left = most(day_left(mine, &k, taken_out), 0), parts = 2 * (k.askers + 1);
	int64_t more = least(most(asked->day_want - in_hand, 0), (left + parts - 1) / parts);
	mine->day_granted = taken_out + more;

	*got = (struct share_got){.now = now,
		.slots = mine->slots,
		.target = target,
		.used = k.used,
		.told = mine->told,
		.interval = mine->interval,
		.max = mine->max,
		.day_max = mine->day_max,
		.said = mine->said,
		.pause = most(mine->pause - now, 0),
		.ask = most(mine->ask - now, 0),
		.day = mine->day,
		.day_more = more,
		.day_left = left - more};
	return true;
}

/* --- In the database --- */

/* The rows of a location, and the time; false where they cannot be read. */
static bool read_rows(
	struct state *s, const char *location, struct share_row rows[static ROWS_MAX], size_t *n, int64_t *now)
{
	struct state_rows at = state_query(s,
		"SELECT CAST(floor(extract(epoch FROM clock_timestamp())*1000) AS bigint), account, turn, until, slots,"
		"  live, need, day, day_granted, told, interval_ms, max, day_max, day_others, said, pause, ask"
		"  FROM (SELECT 1) AS one LEFT JOIN crm_share ON location=? ORDER BY until DESC LIMIT 256",
		"t", location);
	for (*n = 0; state_next(&at);) {
		int64_t c[17];
		for (int i = 0; i < (int)COUNT(c); i++)
			c[i] = state_number(state_text(&at, i));
		*now = c[0];
		if (state_text(&at, 1))
			rows[(*n)++] = (struct share_row){c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10],
				c[11], c[12], c[13], c[14], c[15], c[16]};
	}
	return state_done(&at);
}

static bool write_row(struct state *s, const char *location, const struct share_row *r)
{
	return state_do(s,
		"INSERT INTO crm_share(location,account,turn,until,slots,live,need,day,day_granted,told,interval_ms,"
		"  max,day_max,day_others,said,pause,ask) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
		"  ON CONFLICT(location,account) DO UPDATE SET turn=excluded.turn, until=excluded.until,"
		"    slots=excluded.slots, live=excluded.live, need=excluded.need, day=excluded.day,"
		"    day_granted=excluded.day_granted, told=excluded.told, interval_ms=excluded.interval_ms,"
		"    max=excluded.max, day_max=excluded.day_max, day_others=excluded.day_others, said=excluded.said,"
		"    pause=excluded.pause, ask=excluded.ask",
		"tiiiiiiiiiiiiiiii", location, r->account, r->turn, r->until, r->slots, r->live, r->need, r->day,
		r->day_granted, r->told, r->interval, r->max, r->day_max, r->day_others, r->said, r->pause, r->ask);
}

bool share_lease(
	struct state *s, const char *location, const struct share_asked *asked, struct share_got *got)
{
	struct share_row rows[ROWS_MAX], mine;
	size_t n;
	int64_t now = 0;
	if (!state_begin(s))
		return false;
	bool done = read_rows(s, location, rows, &n, &now) && share_grant(rows, n, now, asked, &mine, got) &&
				write_row(s, location, &mine);
	if (done && n && rows[n - 1].until < now - OLD_MS)
		done =
			state_do(s, "DELETE FROM crm_share WHERE location=? AND until<?", "ti", location, now - OLD_MS);
	return state_end(s, done) && done;
}

bool share_look(struct state *s, const char *location, struct share_got *got)
{
	static const struct share_row nobody;
	struct share_row rows[ROWS_MAX];
	size_t n;
	int64_t now = 0;
	if (!read_rows(s, location, rows, &n, &now))
		return false;
	struct known k = look(rows, n, now, 0);
	const struct share_row *told = k.told ? k.told : &nobody;
	struct share_row mine = {.day = now / DAY_MS};
	note(&mine, &k, &(struct share_asked){0}, now);
	*got = (struct share_got){.now = now,
		.used = k.used,
		.told = told->told,
		.interval = told->interval,
		.max = told->max,
		.day_max = told->day_max,
		.pause = most(mine.pause - now, 0),
		.day_left = most(day_left(&mine, &k, 0), 0)};
	return true;
}
