/* The pool of records: hundreds at once, in random interleavings. */
#include "tap.h"
#include "stream/record.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { RECORDS = 2000, KEYS = 37, PARALLEL = 3 };

/* What the records of a run have seen of each other. */
struct run {
	atomic_int at_work, most_at_work, in_hand, most_in_hand, disorders, released, ended, passed;
	atomic_int last[KEYS]; /* record of each key */
	atomic_bool held[KEYS];
};

static void reach(atomic_int *most, int n)
{
	for (int seen = *most; n > seen && !atomic_compare_exchange_weak(most, &seen, n);)
		continue;
}

static void nap(unsigned us)
{
	nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

static int number_of(const struct record *r)
{
	return atoi(record_text(r, "n"));
}

static const char *key_of(const struct record *r, void *context)
{
	(void)context;
	return record_text(r, "key");
}

static void ended(void *context)
{
	struct run *run = context;
	run->ended++;
}

/* Works for a while, and waits for a while, as chance has it. */
static void each(struct record *r, void *context)
{
	struct run *run = context;
	const char *name = record_text(r, "key");
	int key = name ? atoi(name) : -1, n = number_of(r);
	unsigned chance = (unsigned)n * 2654435761u >> 16;
	reach(&run->most_in_hand, ++run->in_hand);
	if (key >= 0 && (run->held[key] || run->last[key] > n))
		run->disorders++;
	if (key >= 0)
		run->held[key] = true;
	reach(&run->most_at_work, ++run->at_work);
	nap(chance % 100);
	run->at_work--;
	record_waits();
	record_waits();
	nap(chance % 3 ? 0 : chance % 2000);
	record_goes_on();
	record_goes_on();
	if (key >= 0) {
		run->last[key] = n;
		run->held[key] = false;
	}
	run->in_hand--;
}

/* Waits until as many as there can be are begun. */
static void crowd(struct record *r, void *context)
{
	struct run *run = context;
	(void)r;
	reach(&run->most_in_hand, ++run->in_hand);
	record_waits();
	while (run->in_hand < RECORDS_BEGUN && !run->released)
		nap(100);
	run->released = 1;
	record_goes_on();
}

/* The first waits until all others have been done. */
static void first_waits(struct record *r, void *context)
{
	struct run *run = context;
	if (number_of(r) > 0) {
		run->in_hand++;
		return;
	}
	record_waits();
	while (run->in_hand < RECORDS - 1)
		nap(100);
	record_goes_on();
}

static bool is_odd(const struct record *r, void *context)
{
	(void)context;
	return number_of(r) % 2;
}

/* The second, which passes, needs what the first has until it goes on. */
static void lend(struct record *r, void *context)
{
	enum { PATIENCE = 30000 }; /* naps: seconds */
	struct run *run = context;
	int naps = 0;
	if (number_of(r) == 0) {
		record_waits();
		while (!run->passed)
			nap(100);
		record_goes_on();
		run->released = 1;
	} else if (number_of(r) == 1) {
		run->passed++;
		while (!run->released && naps++ < PATIENCE)
			nap(100);
		run->disorders += !run->released;
	}
}

static pthread_t reader;

/* The odd ones are soon done. */
static void each_even(struct record *r, void *context)
{
	struct run *run = context;
	const char *name = record_text(r, "key");
	int key = name ? atoi(name) : -1, n = number_of(r);
	if (!is_odd(r, run)) {
		each(r, run);
		return;
	}
	run->passed += pthread_equal(pthread_self(), reader) != 0;
	if (key >= 0 && (run->held[key] || run->last[key] > n))
		run->disorders++;
	if (key >= 0)
		run->last[key] = n;
}

static void write_records(int fd)
{
	for (int n = 0; n < RECORDS; n++)
		if (n % 5)
			dprintf(fd, "{\"n\":%d,\"key\":\"%d\"}\n", n, n * 7919 % 1009 % KEYS);
		else
			dprintf(fd, "{\"n\":%d}\n", n);
	close(fd);
}

static void *feed(void *end)
{
	write_records(*(int *)end);
	return NULL;
}

/* Runs the loop over all records; what comes out is in the file OUT. */
static int run_loop(struct record_loop loop, const char *out)
{
	int ends[2];
	pthread_t feeder;
	if (pipe(ends) < 0 || dup2(ends[0], STDIN_FILENO) < 0)
		return -1;
	close(ends[0]);
	int kept = dup(STDOUT_FILENO);
	fflush(stdout);
	if (!freopen(out, "w", stdout))
		return -1;
	pthread_create(&feeder, NULL, feed, &ends[1]);
	int status = record_loop(&loop);
	pthread_join(feeder, NULL);
	fflush(stdout);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	return status;
}

/* How many lines a file has; *in_order: whether their numbers rise. */
static int lines_of(const char *path, bool *in_order)
{
	char line[128];
	int lines = 0, last = -1;
	FILE *f = fopen(path, "r");
	*in_order = true;
	while (f && fgets(line, sizeof line, f)) {
		int n = atoi(line + strlen("{\"n\":"));
		*in_order &= n > last;
		last = n;
		lines++;
	}
	if (f)
		fclose(f);
	return lines;
}

int main(void)
{
	static struct run mixed, ordered, crowded, held, passing, lent;
	char folder[] = "/tmp/pool.XXXXXX", out[64];
	bool in_order;
	struct record_loop loop = {.stage = "test",
		.each = each,
		.context = &mixed,
		.parallel = PARALLEL,
		.key = key_of,
		.ended = ended};
	if (!mkdtemp(folder))
		return 1;
	snprintf(out, sizeof out, "%s/out", folder);

	ok(run_loop(loop, out) == 0 && lines_of(out, &in_order) == RECORDS, "every record comes out");
	ok(mixed.disorders == 0, "one key's records keep their order, one at a time (%d did not)",
		mixed.disorders);
	ok(mixed.most_at_work <= PARALLEL, "no more are at work than may be (%d)", mixed.most_at_work);
	ok(mixed.most_in_hand > PARALLEL, "more are in hand than may be at work (%d)", mixed.most_in_hand);
	ok(mixed.ended == 1, "the end of the input is told once");

	loop.in_order = true;
	loop.context = &ordered;
	ok(run_loop(loop, out) == 0 && lines_of(out, &in_order) == RECORDS && in_order,
		"where that is asked for, all lines come out in their order");
	ok(ordered.disorders == 0, "and are worked on in it, too");

	loop = (struct record_loop){.stage = "test", .each = crowd, .context = &crowded, .parallel = 1};
	ok(run_loop(loop, out) == 0 && lines_of(out, &in_order) == RECORDS &&
			crowded.most_in_hand >= RECORDS_BEGUN,
		"while all wait, %d are begun", RECORDS_BEGUN);

	loop = (struct record_loop){.stage = "test", .each = first_waits, .context = &held, .parallel = 1};
	ok(run_loop(loop, out) == 0 && lines_of(out, &in_order) == RECORDS && !in_order,
		"one that waits holds up nobody behind it");

	reader = pthread_self();
	loop = (struct record_loop){.stage = "test",
		.each = each_even,
		.context = &passing,
		.parallel = PARALLEL,
		.key = key_of,
		.passes = is_odd};
	ok(run_loop(loop, out) == 0 && lines_of(out, &in_order) == RECORDS && passing.passed > 0,
		"what passes is done by who reads (%d)", passing.passed);
	ok(passing.disorders == 0, "unless something with its key is in hand (%d did not wait)",
		passing.disorders);

	loop = (struct record_loop){
		.stage = "test", .each = lend, .context = &lent, .parallel = PARALLEL, .passes = is_odd};
	ok(run_loop(loop, out) == 0 && lent.passed == 1 && lent.disorders == 0,
		"what passes may wait for what another has: that one goes on");
	unlink(out);
	rmdir(folder);
	return done();
}
