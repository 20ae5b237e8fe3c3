/* The account of a location's limits: what answers teach it, the day, pauses, who goes first, and processes
 * that are killed at any moment. The arithmetic through simulated hours, then the file by real processes. */
#include "tap.h"
#include "net/allowance.h"
#include "net/limit.h"
#include "value/when.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX = 20, INTERVAL_MS = 100, PROCESSES = 4, KILLS = 60, SENT_MAX = 100000 };

static const struct limit_told nothing = {true, 200, 0, -1, -1, -1, -1, -1};

/* What the library sees of the time: hours pass when a test says so. */
static _Atomic int64_t seconds_ahead;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	long status = syscall(SYS_clock_gettime, clock, now);
	now->tv_sec += seconds_ahead;
	return (int)status;
}

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void nap_us(long us)
{
	nanosleep(&(struct timespec){0, us * 1000}, NULL);
}

/* One request, with this answer; whether it was made. */
static bool request(struct limit *l, struct limit_told told, int64_t *until)
{
	struct limit_turn turn;
	if (!limit_enter(l, false, &turn, until))
		return false;
	limit_leave(l, &turn, &told);
	return true;
}

static void check_learning(struct limits *all)
{
	struct limit *l = limits_of(all, "learning");
	struct limit_told told = nothing;
	struct limit_turn turn;
	int64_t until;
	struct limit_left s = limit_left(l);
	ok(!s.told && s.max == 100 && s.interval_ms == 10000 && s.day_max == 200000,
		"limits are assumed at first");
	told.interval_ms = 60000, told.max = 5, told.remaining = 4;
	request(l, told, &until);
	s = limit_left(l);
	ok(s.told && s.max == 5 && s.interval_ms == 60000 && s.left == 4, "an answer tells them");
	limit_enter(l, false, &turn, &until);
	limit_leave(
		l, &turn, &(struct limit_told){.sent = false, .interval_ms = -1, .remaining = -1, .day_max = -1});
	ok(limit_left(l).left == 4, "what was never sent is not counted");
	told.remaining = 1;
	request(l, told, &until);
	ok(limit_left(l).left == 1, "what others have used is counted");
	told.max = 1000000, told.remaining = 999999;
	request(l, told, &until);
	int made = 0;
	while (made < 10000 && request(l, told, &until))
		made++;
	ok(made == 10000, "a limit that nobody reaches holds up nobody");
	ok(limits_of(all, "learning") == l && limits_of(all, "another") != l, "each location has its own");
	ok(!limit_left(limits_of(all, "another")).told, "and learns for itself");
}

static void check_day(struct limits *all)
{
	struct limit *l = limits_of(all, "day");
	struct limit_told told = nothing;
	int64_t until = 0, made = 0;
	for (told.day_max = 5, told.day_remaining = 4; made < 10 && request(l, told, &until); made++)
		told.day_remaining--;
	ok(made == 5, "the day's requests are made, and no more");
	ok(until > when_now_ms() && until % 86400000 == 0 && until - when_now_ms() <= 86400000,
		"it says that there are more after midnight");
	l = limits_of(all, "somebody else's day");
	told.day_remaining = 0, told.status = 429;
	request(l, told, &until);
	ok(!request(l, told, &until) && until - when_now_ms() <= 3600000,
		"refused though we had some left: asked again in an hour, since its day may be another");
	l = limits_of(all, "pause");
	told = nothing, told.status = 429, told.retry_after = 3600;
	request(l, told, &until);
	ok(!request(l, told, &until) && llabs(until - when_now_ms() - 3600000) < 60000,
		"a long pause is the caller's matter, and it is said until when");
}

/* Whether the CRM is asked at that second of a pause, and what it answers. */
static bool asked_at(struct limit *l, int64_t second, struct limit_told told)
{
	int64_t until;
	seconds_ahead = second;
	return request(l, told, &until);
}

static void check_pause(struct limits *all)
{
	static const int64_t hour = 3600, day = 86400;
	struct limit *l = limits_of(all, "a day's pause");
	struct limit_turn turn;
	struct limit_told told = nothing, paused = nothing, lost = nothing;
	int64_t until = 0, asked = 0;
	paused.status = 429, paused.retry_after = day;
	lost.status = 0;
	asked_at(l, 0, paused);
	for (int64_t second = 60; second < day - 120; second += 60)
		asked += asked_at(l, second, lost);
	ok(asked == 23, "in a pause of a day one request an hour asks whether it is over: %lld",
		(long long)asked);
	ok(asked_at(l, day + 1, told) && asked_at(l, day + 1, told), "and when it is over none needs to ask");

	l = limits_of(all, "a pause that ends early");
	asked_at(l, 0, paused);
	ok(!asked_at(l, hour - 60, told), "before the hour nobody asks");
	seconds_ahead = hour + 1;
	ok(limit_enter(l, false, &turn, &until) && !limit_enter(l, false, &(struct limit_turn){0}, &until) &&
			until > when_now_ms() + 3500000,
		"then one does, and nobody else");
	limit_leave(l, &turn, &told);
	ok(asked_at(l, hour + 1, told) && asked_at(l, hour + 1, told), "what it is answered ends the pause");

	l = limits_of(all, "a pause that is renewed");
	asked_at(l, 0, paused);
	asked_at(l, hour + 1, paused);
	ok(!asked_at(l, 2 * hour - 60, told), "or begins it anew");
	l = limits_of(all, "a pause that is made short");
	asked_at(l, 0, paused);
	paused.retry_after = 120;
	asked_at(l, hour + 1, paused);
	ok(!asked_at(l, hour + 50, told) && asked_at(l, hour + 130, told), "or makes it shorter");

	l = limits_of(all, "a pause with no way out");
	paused.retry_after = day;
	asked_at(l, 0, paused);
	lost.sent = false;
	asked_at(l, hour + 1, lost);
	ok(asked_at(l, hour + 2, told), "what was never sent has not asked");
	seconds_ahead = 0;
}

/* --- Simulated hours: what a day's work looks like to the CRM, without a process --- */

enum { SENDERS = 8, SECOND_US = 1000000, WINDOW_S = 10, WINDOW_MAX = 100, DAY_S = 86400, FIRST_DAY = 20000 };

/* A thread that makes one request after the other. */
struct sender {
	int64_t at; /* when it does something next */
	int64_t since;
	struct allowance_request request;
	struct limit_turn turn;
	int64_t sent; /* 0: it waits */
};

struct world {
	struct allowance allowance;
	struct sender senders[SENDERS];
	struct moment now;
	int64_t day_max, day_used, day;
	int64_t sent[SENT_MAX], n;
	int64_t day_over, live_wait; /* requests over the day's limit; the longest that a live one waited */
	int32_t next_owner;
	uint32_t random;
};

static struct world world;

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* A number from 0 to n - 1. */
static int64_t chance(uint32_t n)
{
	world.random = world.random * 1664525 + 1013904223;
	return world.random / 65536 % n;
}

static bool owner_is_dead(const void *context, int32_t owner)
{
	(void)context;
	for (int i = 0; i < SENDERS; i++)
		if (world.senders[i].request.owner == owner)
			return false;
	return true;
}

/* A new process begins where another was killed, whose request the CRM may count in the next two seconds. */
static void replace(struct sender *s)
{
	if (s->sent && world.n < SENT_MAX)
		world.sent[world.n++] = world.now.us + chance(2000) * 1000;
	s->request = (struct allowance_request){.owner = ++world.next_owner, .yields = s->request.yields};
	s->sent = 0;
	s->since = s->at;
}

/* The CRM counts the request at some moment since it was sent, and says where it stands. */
static struct limit_told count(int64_t sent_at)
{
	struct limit_told told = nothing;
	if (world.day != world.now.ms / 86400000)
		world.day_used = 0;
	world.day = world.now.ms / 86400000;
	world.day_over += world.day_used >= world.day_max;
	world.day_used++;
	if (world.n < SENT_MAX)
		world.sent[world.n++] = sent_at + (world.now.us - sent_at) / 1000 * chance(1001);
	told.interval_ms = WINDOW_S * 1000, told.max = WINDOW_MAX;
	told.day_max = world.day_max, told.day_remaining = world.day_max - world.day_used;
	return told;
}

/* What a sender does at its moment: asks, or has its answer after 20 to 500 ms. */
static void step(struct sender *s, int64_t live_pause_s)
{
	int64_t wait, until;
	allowance_wake(&world.allowance, world.now);
	if (s->sent) {
		struct limit_told told = count(s->sent);
		allowance_end(&world.allowance, &s->turn, &told, world.now);
		s->sent = 0;
		s->at = s->since = world.now.us + (s->request.yields ? 0 : live_pause_s * SECOND_US);
		s->request = (struct allowance_request){.owner = s->request.owner, .yields = s->request.yields};
	} else if (allowance_ask(&world.allowance, &s->request, world.now, &s->turn, &wait, &until)) {
		s->sent = world.now.us;
		if (!s->request.yields && world.now.us - s->since > world.live_wait && world.n > WINDOW_MAX)
			world.live_wait = world.now.us - s->since;
		s->at = world.now.us + 20000 + chance(480) * 1000;
	} else {
		s->at = wait ? world.now.us + wait : world.now.us + (until - world.now.ms) * 1000;
	}
}

/* So many seconds of eight senders, of which so many yield; one is killed each kill_s (0: none). */
static void simulate(int64_t seconds, int yielding, int64_t live_pause_s, int64_t kill_s, int64_t day_max)
{
	world = (struct world){.day_max = day_max, .random = 1, .now = {SECOND_US, 0}};
	for (int i = 0; i < SENDERS; i++) {
		world.senders[i].request.yields = i < yielding;
		replace(&world.senders[i]);
	}
	for (int64_t killed = 0; world.now.us < seconds * SECOND_US;) {
		struct sender *next = &world.senders[0];
		for (int i = 1; i < SENDERS; i++)
			if (world.senders[i].at < next->at)
				next = &world.senders[i];
		world.now.us = next->at > world.now.us ? next->at : world.now.us;
		world.now.ms = FIRST_DAY * DAY_S * INT64_C(1000) + world.now.us / 1000;
		if (kill_s && world.now.us > (killed + 1) * kill_s * SECOND_US) {
			replace(next);
			killed++;
			allowance_bury(&world.allowance, world.now, owner_is_dead, NULL);
		}
		step(next, live_pause_s);
	}
}

/* How many requests were one too many in an interval, wherever it begins. */
static int64_t over_the_limit(void)
{
	int64_t over = 0;
	qsort(world.sent, (size_t)world.n, sizeof *world.sent, compare);
	for (int64_t i = 0; i + WINDOW_MAX < world.n; i++)
		over += world.sent[i + WINDOW_MAX] - world.sent[i] < WINDOW_S * SECOND_US;
	return over;
}

static void check_hours(void)
{
	const int64_t hour = 3600, permitted = hour / WINDOW_S * WINDOW_MAX, many = 200000;
	simulate(hour, 0, 0, 0, many);
	ok(over_the_limit() == 0, "an hour: no interval has more requests than the limit");
	ok(world.n >= permitted * 94 / 100, "and nearly all that is permitted is used: %lld of %lld",
		(long long)world.n, (long long)permitted);
	simulate(hour, 0, 0, 10, many);
	ok(over_the_limit() == 0 && world.n >= permitted * 90 / 100,
		"a process is killed every 10 s, and what it had sent comes late: never over the limit, and nobody is held up: %lld",
		(long long)world.n);
	simulate(hour, SENDERS - 1, 3, 0, many);
	ok(over_the_limit() == 0 && world.live_wait <= SECOND_US,
		"a live request waits for no backfill: %lld ms at most", (long long)world.live_wait / 1000);
	simulate(3 * DAY_S, 0, 0, 0, 1000);
	ok(world.n == 3000 && world.day_over == 0, "three days of 1000 requests: each has its own: %lld",
		(long long)world.n);
	world.now.us = 0;
	allowance_wake(&world.allowance, world.now);
	ok(allowance_left(&world.allowance, world.now).left == WINDOW_MAX,
		"a machine that was started anew has all slots free");
}

/* One slot, and two who wait for it. */
static void check_queue(void)
{
	static struct allowance a;
	struct limit_told told = nothing;
	struct allowance_request one = {.owner = 1}, first = {.owner = 2}, later = {.owner = 3};
	struct moment now = {5 * SECOND_US, FIRST_DAY * DAY_S * INT64_C(1000)};
	struct limit_turn turn;
	int64_t wait, until;
	told.interval_ms = WINDOW_S * 1000, told.max = 1;
	allowance_wake(&a, now);
	bool made = allowance_ask(&a, &one, now, &turn, &wait, &until);
	allowance_end(&a, &turn, &told, now);
	now.us += 9900 * INT64_C(1000);
	ok(made && !allowance_ask(&a, &first, now, &turn, &wait, &until), "one slot: the next one waits");
	now.us += 300 * INT64_C(1000);
	ok(!allowance_ask(&a, &later, now, &turn, &wait, &until),
		"who comes later, when it is free, does not take it");
	ok(allowance_ask(&a, &first, now, &turn, &wait, &until), "who waited for it has it");
}

/* --- The file that processes share --- */

/* A file may have a time in it that nobody may set now. */
static void check_old_file(const char *state)
{
	struct limits *all = limits_open(state);
	struct limit_told paused = nothing, told = nothing;
	int64_t until = 0;
	paused.status = 429, paused.retry_after = 3155760000;
	request(limits_of(all, "a pause without end"), paused, &until);
	limits_close(all);
	all = limits_open(state);
	struct limit *l = limits_of(all, "a pause without end");
	ok(!request(l, told, &until) && until <= when_now_ms() + 3600000,
		"a pause of 100 years is in the file: the CRM is asked in an hour");
	ok(asked_at(l, 86401, told) && asked_at(l, 86401, told), "and the pause is over in a day");
	seconds_ahead = 0;
	limits_close(all);
}

/* What the processes share: the times of the requests, as a server would see them. */
static struct sent {
	_Atomic int64_t n;
	_Atomic int64_t at[SENT_MAX];
} * sent;

/* Makes requests for as long as it lives. */
static void work(const char *state)
{
	struct limit *l = limits_of(limits_open(state), "killed");
	struct limit_told told = nothing;
	struct limit_turn turn;
	int64_t until;
	told.interval_ms = INTERVAL_MS, told.max = MAX;
	for (;;) {
		if (!limit_enter(l, false, &turn, &until))
			_exit(1);
		int64_t i = sent->n++;
		if (i < SENT_MAX)
			sent->at[i] = now_us();
		nap_us(500);
		limit_leave(l, &turn, &told);
	}
}

static pid_t begin(const char *state)
{
	pid_t process = fork();
	if (process == 0)
		work(state);
	return process;
}

static void check_kills(const char *state)
{
	pid_t processes[PROCESSES];
	sent = mmap(NULL, sizeof *sent, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < PROCESSES; i++)
		processes[i] = begin(state);
	for (int i = 0; i < KILLS; i++) {
		nap_us(10000 + i * 377 % 20000);
		kill(processes[i % PROCESSES], SIGKILL);
		waitpid(processes[i % PROCESSES], NULL, 0);
		processes[i % PROCESSES] = begin(state);
	}
	int64_t before = sent->n, tries = 0;
	while (sent->n < before + 3 * MAX && tries++ < 3000)
		nap_us(10000);
	ok(sent->n >= before + 3 * MAX, "%d processes were killed, and hold up nobody", KILLS);
	for (int i = 0; i < PROCESSES; i++) {
		kill(processes[i], SIGKILL);
		waitpid(processes[i], NULL, 0);
	}
	int64_t n = 0, over = 0;
	for (int64_t i = 0; i < sent->n && i < SENT_MAX; i++)
		if (sent->at[i])
			sent->at[n++] = sent->at[i];
	qsort((void *)sent->at, (size_t)n, sizeof *sent->at, compare);
	for (int64_t i = 0; i + MAX < n; i++)
		over += sent->at[i + MAX] - sent->at[i] < INTERVAL_MS * 1000;
	if (!ok(over == 0, "and no interval has more requests than the limit"))
		printf("#  %lld of %lld\n", (long long)over, (long long)n);
}

int main(void)
{
	char folder[] = "/tmp/pnow-limit.XXXXXX", state[64], command[96];
	if (!mkdtemp(folder))
		return 1;
	snprintf(state, sizeof state, "%s/state", folder);
	check_hours();
	check_queue();
	check_kills(state);
	struct limits *all = limits_open(state);
	check_learning(all);
	check_day(all);
	check_pause(all);
	struct limit_left s;
	limits_close(all);
	ok(limits_look(state, NULL, "learning", &s) && s.max == 1000000, "others can look");
	ok(!limits_look(state, NULL, "no such", &s), "and see what nobody knows");
	check_old_file(state);
	snprintf(command, sizeof command, "rm -r %s", folder);
	return done() + (system(command) != 0);
}
