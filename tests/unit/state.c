/* What state/state.h promises of statements, of the rows that they give, and of what a power cut takes; and
 * what of the ledger must not be among that. */
#include "tap.h"
#include "state/ledger.h"
#include "state/locks.h"
#include "state/state.h"
#include "state/wakeup.h"
#include "value/when.h"

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

/* How often SQLite has had the disk write what it holds. */
static int flushes;

int fdatasync(int fd)
{
	flushes++;
	return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	flushes++;
	return (int)syscall(SYS_fsync, fd);
}

/* Whether something was flushed since the last call. */
static bool is_flushed(void)
{
	bool some = flushes > 0;
	flushes = 0;
	return some;
}

static void test_rows(struct state *s)
{
	struct arena a = {0};
	int64_t n = 0;
	const char *kept = NULL;
	ok(state_do(s, "INSERT INTO quota(api,day,used) VALUES('a','1',1),('b','1',2),('c','1',NULL)", "") ==
			false,
		"a statement that fails is false");
	ok(state_do(s, "INSERT INTO quota(api,day,used) VALUES('a','1',1),('b','1',2),('c','1',3)", "") &&
			state_changed(s) == 3,
		"one that is done is true, and its rows are counted");
	struct state_rows rows = state_query(s, "SELECT api, used FROM quota ORDER BY api", "");
	for (; state_next(&rows); n += state_number(state_text(&rows, 1)))
		if (!kept)
			kept = state_copy(&rows, &a, 0);
	ok(!state_next(&rows) && state_done(&rows) && n == 6, "each row is given once");
	ok(kept && strcmp(kept, "a") == 0, "a copy outlives its row");
	rows = state_query(s, "SELECT NULL", "");
	ok(state_next(&rows) && !state_text(&rows, 0) && !state_copy(&rows, &a, 0) && state_done(&rows),
		"NULL is NULL, and a query may end before its last row");
	rows = state_query(s, "SELECT api FROM quota WHERE used>?", "i", (int64_t)99);
	ok(!state_next(&rows) && state_done(&rows), "no row is no failure");
	rows = state_query(s, "SELECT nothing FROM nowhere", "");
	ok(!state_next(&rows) && !state_done(&rows), "a failure is told at the end");
	/* abs() fails on the least integer: the last row's */
	rows = state_query(s, "SELECT abs(-9223372036854775807-used) FROM quota ORDER BY used DESC", "");
	while (state_next(&rows))
		continue;
	ok(!state_done(&rows), "one in the midst of the rows, too");
	arena_free(&a);
}

static void test_statements(struct state *s)
{
	static const char inner[] = "SELECT count(*) FROM quota WHERE api IN list(?1) OR ?1='[]'";
	static char many[200][32];
	int64_t n = 0, sum = 0;
	ok(state_int(s, &n, inner, "t", "[\"a\",\"c\",\"\\\"\"]") == STATE_ROW && n == 2, "list(?): a JSON list");
	struct state_rows rows = state_query(s, inner, "t", "[]");
	state_next(&rows);
	ok(state_int(s, &n, inner, "t", "[\"b\"]") == STATE_ROW && n == 1 &&
			state_number(state_text(&rows, 0)) == 3,
		"a statement can be run while its rows are read");
	state_done(&rows);
	for (size_t i = 0; i < COUNT(many); i++) {
		snprintf(many[i], sizeof many[i], "SELECT %zu", i);
		sum += state_int(s, &n, many[i], "") == STATE_ROW ? n : 1000000;
	}
	ok(sum == 19900, "any number of statements is kept");
}

static void test_flushes(struct state *s)
{
	is_flushed();
	ok(state_do(s, "DELETE FROM quota WHERE api='c'", "") && is_flushed(), "a commit waits for the disk");
	ok(state_do_unflushed(s, "DELETE FROM quota WHERE api='b'", "") && !is_flushed(),
		"but where it need not");
	ok(state_begin(s) && state_do_unflushed(s, "DELETE FROM quota WHERE api='a'", "") && state_end(s, true) &&
			is_flushed(),
		"it does where anything of its transaction must be kept");
	ok(state_begin_unflushed(s) && state_do(s, "INSERT INTO quota(api,day,used) VALUES('a','1',1)", "") &&
			state_end(s, true) && !is_flushed(),
		"a whole transaction need not");
	ok(state_do(s, "DELETE FROM quota", "") && is_flushed(), "and the next one does again");
}

static void test_ledger(struct state *s)
{
	int64_t since;
	const char *other;
	struct arena a = {0};
	struct ledger_subject subject = {.location = "l", .subject = "bill/1", .state = "1", .event = "e"};
	is_flushed();
	ok(ledger_begin(s, &subject) == LEDGER_NEWS && ledger_contact_set(s, &a, "l", "p", "c", &other) &&
			!is_flushed(),
		"what comes again with the event waits for no disk");
	ok(ledger_effect(s, "l", "x", "c", 0, &since) == EFFECT_NEW &&
			ledger_effect_begin(s, "l", "x", "c", &since) == EFFECT_NEW && is_flushed(),
		"an effect that is begun does");
	ok(ledger_done(s, "l", "x", NULL) && !is_flushed(),
		"when it is done it is known by the CRM, or told as undecided");
	ok(ledger_undone(s, "l", "x") && is_flushed(), "that it was not done nobody else knows");
	ok(ledger_bill_begin(s, "l", "1", "c", 100, 0, 100, &since) && is_flushed(),
		"an addition that is begun waits for the disk");
	ok(ledger_bill_end(s, "l", "1", true) && !is_flushed(), "when it is done the value tells");
	ok(ledger_finish(s, &subject, &(struct ledger_end){.applied = true, .contact = "c"}) && !is_flushed(),
		"and whether an event was applied is found by its effects");
	arena_free(&a);
}

static const char *self; /* this program */

/* Another process (main) that waits for the file, and ends when it has had it. */
static pid_t waiter(const char *path)
{
	pid_t pid = fork();
	if (pid == 0 && execl(self, self, path, NULL) < 0)
		err(EX_OSERR, "cannot run %s", self);
	return pid;
}

static bool until_awaited(struct state *s)
{
	int n = 0;
	while (!state_is_awaited(s) && n++ < 10000)
		usleep(1000);
	return state_is_awaited(s);
}

static void test_turns(struct state *s, const char *path)
{
	int status;
	ok(state_begin(s) && !state_is_awaited(s), "a transaction that nobody waits for");
	pid_t pid = waiter(path);
	ok(until_awaited(s), "somebody waits for it");
	kill(pid, SIGKILL);
	ok(waitpid(pid, &status, 0) == pid && !state_is_awaited(s), "who has died waits no more");
	pid = waiter(path);
	ok(until_awaited(s) && state_end(s, true), "the next one does");
	state_let_others(s);
	ok(waitpid(pid, &status, 0) == pid && status == 0 && state_begin(s), "and has its turn");
	usleep(10000); /* a transaction has a right to less */
	ok(!state_is_awaited(s) && state_end(s, true), "nobody waits any more");
	int fd = -1;
	wakeup_wait(&fd, path, true);
	ok(state_begin(s), "somebody waits all the time");
	usleep(10000);
	state_end(s, true);
	int64_t began = when_now_ms();
	state_let_others(s);
	ok(when_now_ms() - began >= 30, "and is let in for three times as long as it was held up");
	close(fd);
}

/* A run asks of another whether it is alive, and that may be this process's own predecessor. */
static void test_locks(const char *path)
{
	char file[80];
	struct locks *locks = locks_open(path);
	lock_take(locks, LOCK_RUN, "one");
	ok(lock_is_held(locks, LOCK_RUN, "one"),
		"what this process has locked is held, when it asks itself, too");
	ok(!lock_is_held(locks, LOCK_RUN, "another"), "and nothing else is");
	lock_free(locks, LOCK_RUN, "one");
	ok(!lock_is_held(locks, LOCK_RUN, "one"), "until it is free");
	locks_close(locks);
	snprintf(file, sizeof file, "%s-locks", path);
	unlink(file);
}

int main(int argc, char *argv[])
{
	if (argc > 1) {
		struct state *s = state_open(argv[1]);
		bool can = state_can_write(s);
		state_close(s);
		return !can;
	}
	self = argv[0];
	char folder[] = "/tmp/pnow-unit.XXXXXX", path[64];
	if (!mkdtemp(folder))
		err(EX_CANTCREAT, "cannot make a folder");
	snprintf(path, sizeof path, "%s/state.db", folder);
	struct state *s = state_open(path);
	test_rows(s);
	test_statements(s);
	test_flushes(s);
	test_ledger(s);
	test_locks(path);
	test_turns(s, path);
	state_close(s);
	unlink(path);
	snprintf(path, sizeof path, "%s/state.db-wakeup", folder);
	unlink(path);
	rmdir(folder);
	return done();
}
