/* A location's limit that hosts share: a model of hosts, each with an account of its own and a clock of its
 * own, the database, and the CRM. Hosts are killed, answers of the database are lost or come late. */
#include "tap.h"
#include "net/allowance.h"
#include "net/share.h"

#include <stdint.h>
#include <stdlib.h>

enum {
	HOSTS = 3,
	SENDERS = 8,
	ROWS = 250,
	ASKED = 64, /* questions that are on their way to the database */
	SENT_MAX = 200000,
	SECOND = 1000000, /* true time is microseconds, in steps of a millisecond */
	STEP = 1000,
	DAY_S = 86400,
	FIRST_DAY = 20000,
};

static const struct limit_told nothing = {true, 200, 0, -1, -1, -1, -1, -1};

/* A thread that makes one request after the other. */
struct sender {
	int64_t at, since; /* when it does something next; when it wanted its request */
	struct allowance_request request;
	struct limit_turn turn;
	int64_t sent; /* 0: it waits */
};

/* A question of a keeper, which the database carries out at a moment, and whose answer comes at another. */
struct question {
	int host; /* -1: none */
	int64_t account, began, at, back;
	bool done, lost; /* carried out; the answer will not come */
	bool answers;
	struct share_asked asked;
	struct share_got got;
};

struct host {
	struct allowance allowance;
	struct sender senders[SENDERS];
	int64_t born, ahead; /* when it was started; milliseconds that its clock is ahead */
	int64_t sent, live_wait;
	int senders_n, yielding;
	int64_t pause_s; /* of a sender between two requests */
};

static struct world {
	struct host hosts[HOSTS];
	struct share_row rows[ROWS];
	size_t rows_n;
	struct question questions[ASKED];
	int64_t now, gone_until; /* the database is */
	int64_t trips;           /* to the database */
	int64_t max, interval_ms, day_max, day, day_used, day_over;
	int64_t sent[SENT_MAX], n;
	int64_t paused;       /* the CRM refuses until then, */
	int64_t refused_late; /* and so many it refused ten seconds after it had said so */
	int64_t paused_at;
	int32_t next_owner;
	int64_t next_account;
	int faults; /* in a hundred questions */
	uint32_t random;
} world;

static int64_t chance(int64_t n)
{
	world.random = world.random * 1664525 + 1013904223;
	return world.random / 65536 % n;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* The host's clocks: one since it was started, a little fast or slow, and one that shows a wrong time. */
static struct moment moment(const struct host *h)
{
	int64_t age = world.now - h->born, drift = age / 5000 * (h->ahead % 3 - 1);
	return (struct moment){SECOND + age + drift,
		FIRST_DAY * DAY_S * INT64_C(1000) + world.now / 1000 + h->ahead + h->allowance.lease.ahead};
}

static int64_t database_ms(void)
{
	return FIRST_DAY * DAY_S * INT64_C(1000) + world.now / 1000;
}

/* A new host in the place of one that is no more. */
static void start(struct host *h)
{
	h->born = world.now;
	h->ahead = chance(4000) * 1000 - 2000000;
	memset((void *)&h->allowance, 0, sizeof h->allowance);
	for (int i = 0; i < h->senders_n; i++) {
		struct sender *s = &h->senders[i];
		if (s->sent && world.n < SENT_MAX) /* the CRM got it all the same */
			world.sent[world.n++] = s->sent + chance(200) * 1000;
		*s = (struct sender){.at = world.now, .since = world.now};
		s->request = (struct allowance_request){.owner = ++world.next_owner, .yields = i < h->yielding};
	}
	for (int i = 0; i < ASKED; i++)
		if (world.questions[i].host == h - world.hosts)
			world.questions[i].answers = false;
	allowance_share(&h->allowance, ++world.next_account);
}

/* The CRM counts the request at some moment since it was sent, and says where it stands. */
static struct limit_told count(struct host *h, int64_t sent)
{
	struct limit_told told = nothing;
	int64_t day = database_ms() / (DAY_S * INT64_C(1000));
	if (world.paused > world.now) {
		world.refused_late += sent > world.paused_at + (SHARE_TERM_MS + 1000) * INT64_C(1000);
		told.status = 429, told.retry_after = (world.paused - world.now) / SECOND + 1;
		return told;
	}
	if (world.day != day)
		world.day_used = 0;
	world.day = day;
	world.day_over += world.day_used >= world.day_max;
	world.day_used++;
	h->sent++;
	if (world.n < SENT_MAX)
		world.sent[world.n++] = sent + (world.now - sent) / 1000 * chance(1001);
	told.interval_ms = world.interval_ms, told.max = world.max;
	told.day_max = world.day_max, told.day_remaining = world.day_max - world.day_used;
	return told;
}

static void send(struct host *h, struct sender *s)
{
	int64_t wait, until;
	struct moment now = moment(h);
	allowance_wake(&h->allowance, now);
	if (s->sent) {
		struct limit_told told = count(h, s->sent);
		allowance_end(&h->allowance, &s->turn, &told, now);
		s->sent = 0;
		s->at = s->since = world.now + h->pause_s * (SECOND / 2 + chance(1000) * STEP);
		s->request = (struct allowance_request){.owner = s->request.owner, .yields = s->request.yields};
	} else if (allowance_ask(&h->allowance, &s->request, now, &s->turn, &wait, &until)) {
		if (world.now - s->since > h->live_wait)
			h->live_wait = world.now - s->since;
		s->sent = world.now;
		s->at = world.now + 20 * STEP + chance(100) * STEP;
	} else {
		s->at = world.now + (wait ? wait : (until - now.ms) * 1000);
	}
}

/* One of a host's keepers asks, unless another has done so just now. */
static void keep(struct host *h)
{
	struct question *q = NULL;
	struct moment now = moment(h);
	for (struct question *other = world.questions; other < world.questions + ASKED; other++) {
		if (other->host < 0 || (other->done && !other->answers))
			q = other;
		else if (other->host == h - world.hosts && other->answers && now.us - other->began < SECOND)
			return;
	}
	if (!q || !allowance_asks(&h->allowance, now, false, &q->asked))
		return;
	bool gone = world.gone_until > world.now, faulty = gone || chance(100) < world.faults;
	int64_t fault = faulty ? gone ? 0 : 1 + chance(3) : 4;
	q->host = (int)(h - world.hosts);
	q->began = now.us;
	q->answers = true;
	q->done = fault == 0 || fault == 1; /* it never comes there */
	q->lost = fault <= 2;
	q->at = world.now + chance(fault == 2 ? 8000 : 10) * STEP; /* when it was long given up */
	q->back = q->lost ? world.now + SECOND : q->at + chance(fault == 3 ? 8000 : 10) * STEP;
}

/* The database carries it out. */
static void carry_out(struct question *q)
{
	struct share_row mine, *row = world.rows;
	world.trips++;
	q->done = true;
	if (!share_grant(world.rows, world.rows_n, database_ms(), &q->asked, &mine, &q->got)) {
		q->lost = true;
		return;
	}
	while (row < world.rows + world.rows_n && row->account != mine.account)
		row++;
	if (row == world.rows + world.rows_n && world.rows_n == ROWS) { /* the oldest is dropped */
		memmove(world.rows, world.rows + 1, (ROWS - 1) * sizeof *row);
		row--;
	} else if (row == world.rows + world.rows_n) {
		world.rows_n++;
	}
	*row = mine;
}

static void answer(struct question *q)
{
	struct host *h = &world.hosts[q->host];
	q->answers = false;
	allowance_got(&h->allowance, &q->asked, q->lost ? NULL : &q->got, q->began, moment(h));
}

static void step(void)
{
	for (int i = 0; i < ASKED; i++) {
		struct question *q = &world.questions[i];
		if (q->host >= 0 && !q->done && q->at <= world.now)
			carry_out(q);
		if (q->host >= 0 && q->answers && q->back <= world.now)
			answer(q);
	}
	for (struct host *h = world.hosts; h < world.hosts + HOSTS; h++) {
		if (world.now % (20 * STEP) == 0)
			keep(h);
		for (int i = 0; i < h->senders_n; i++)
			if (h->senders[i].at <= world.now)
				send(h, &h->senders[i]);
	}
	world.now += STEP;
}

static void run(int64_t seconds)
{
	for (int64_t end = world.now + seconds * SECOND; world.now < end;)
		step();
}

static void begin(void)
{
	world = (struct world){.max = 100, .interval_ms = 10000, .day_max = 200000, .random = 1, .now = SECOND};
	for (int i = 0; i < ASKED; i++)
		world.questions[i].host = -1;
}

/* Hosts with so many senders each, of which so many yield. */
static void begin_hosts(int n, int senders, int yielding)
{
	begin();
	for (int i = 0; i < HOSTS; i++) {
		world.hosts[i].senders_n = i < n ? senders : 0;
		world.hosts[i].yielding = yielding;
		start(&world.hosts[i]);
	}
}

/* How many requests were one too many in an interval, wherever it begins. */
static int64_t over_the_limit(void)
{
	int64_t over = 0;
	qsort(world.sent, (size_t)world.n, sizeof *world.sent, compare);
	for (int64_t i = 0; i + world.max < world.n; i++)
		over += world.sent[i + world.max] - world.sent[i] < world.interval_ms * 1000;
	return over;
}

/* Of what is permitted in so many seconds, in percent. */
static int64_t used(int64_t n, int64_t seconds)
{
	return 100 * n * world.interval_ms / (world.max * seconds * 1000);
}

static void check_demand(void)
{
	begin_hosts(3, SENDERS, 0);
	run(15);
	int64_t before = world.n, trips = world.trips, first = world.hosts[0].sent;
	run(100);
	int64_t n = world.n - before;
	ok(over_the_limit() == 0, "three busy hosts: no interval has more requests than the limit");
	ok(used(n, 100) >= 95, "and together they use nearly all of it: %lld %%", (long long)used(n, 100));
	ok(llabs(3 * (world.hosts[0].sent - first) - n) < n / 10, "each about a third");
	ok(world.trips - trips < 3 * 100 * 5, "with few trips to the database: %lld for %lld requests",
		(long long)(world.trips - trips), (long long)n);

	begin_hosts(3, SENDERS, 0);
	for (int i = 1; i < HOSTS; i++)
		world.hosts[i].senders_n = 1, world.hosts[i].pause_s = 20;
	run(25);
	before = world.hosts[0].sent;
	run(100);
	n = world.hosts[0].sent - before;
	ok(over_the_limit() == 0 && used(n, 100) >= 90,
		"one busy host beside two quiet ones uses nearly all: %lld %%", (long long)used(n, 100));

	world.hosts[0].senders_n = 0;
	world.hosts[1].senders_n = SENDERS, world.hosts[1].pause_s = 0;
	start(&world.hosts[1]);
	run(SHARE_TERM_MS / 1000 + SHARE_GRACE_MS / 1000 + 12);
	before = world.hosts[1].sent;
	run(50);
	n = world.hosts[1].sent - before;
	ok(over_the_limit() == 0 && used(n, 50) >= 90,
		"a host that is dead has given it back by its lease's end: %lld %%", (long long)used(n, 50));

	begin_hosts(3, SENDERS, SENDERS);
	world.hosts[0].yielding = 0;
	world.hosts[0].senders_n = 2;
	world.hosts[0].pause_s = 5;
	start(&world.hosts[0]);
	run(30);
	world.hosts[0].live_wait = 0;
	run(150);
	ok(over_the_limit() == 0 && world.hosts[0].live_wait <= 3 * SECOND,
		"a live request waits for no backfill of other hosts: %lld ms at most",
		(long long)world.hosts[0].live_wait / 1000);
}

static void check_faults(void)
{
	begin_hosts(3, SENDERS, SENDERS / 2);
	world.faults = 20;
	for (int i = 0; i < 30; i++) {
		run(2 + chance(10));
		start(&world.hosts[chance(HOSTS)]);
		if (chance(3) == 0)
			world.gone_until = world.now + chance(25) * SECOND;
	}
	ok(over_the_limit() == 0,
		"hosts are killed, answers lost, late, the database gone: never over the limit");
	ok(used(world.n, world.now / SECOND) >= 20, "and work goes on: %lld %%",
		(long long)used(world.n, world.now / SECOND));

	begin_hosts(3, SENDERS, 0);
	world.max = 25, world.interval_ms = 1000;
	run(20);
	world.gone_until = world.now + 40 * SECOND;
	int64_t before = world.n;
	run(8);
	ok(used(world.n - before, 8) >= 85, "the database gone: what is leased is used: %lld %%",
		(long long)used(world.n - before, 8));
	run(5);
	before = world.n;
	run(26);
	ok(world.n == before, "and then no request is made");
	run(3);
	before = world.n;
	run(10);
	ok(over_the_limit() == 0 && used(world.n - before, 10) >= 85,
		"when it is back, all goes on: %lld %%, and nothing was over a limit that is lower than assumed",
		(long long)used(world.n - before, 10));
}

static void check_told(void)
{
	begin_hosts(3, SENDERS, 0);
	run(20);
	world.paused_at = world.now;
	world.paused = world.now + 40 * SECOND;
	run(39);
	int64_t before = world.n;
	ok(world.refused_late == 0, "a pause that one is told reaches all within a lease");
	run(20);
	ok(world.n > before, "and ends");

	begin_hosts(3, SENDERS, 0);
	world.day_max = 500;
	for (int day = 0; day < 3; day++) {
		run(100);
		world.now += (DAY_S - 100) * (int64_t)SECOND;
	}
	ok(world.day_over == 0 && world.n >= 1490, "three days of 500 requests: %lld, and none too much",
		(long long)world.n);

	begin_hosts(3, SENDERS, 0);
	world.day_max = 30;
	run(60);
	ok(world.day_over == 0 && world.n >= 28,
		"a day's limit that is far lower than assumed: %lld, and none too much", (long long)world.n);
}

int main(void)
{
	check_demand();
	check_faults();
	check_told();
	return done();
}
