/* What state/state.h promises of statements, of the rows that they give, and of what a power cut takes; and
 * what of the ledger must not be among that. Of a database: command/postgresql-state.sh. */
#include "tap.h"
#include "state/ledger.h"
#include "state/locks.h"
#include "state/state.h"
#include "state/wakeup.h"
#include "value/when.h"

#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
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

/* So many seconds the clock is ahead. */
static time_t ahead;

int clock_gettime(clockid_t clock, struct timespec *time)
{
	int result = (int)syscall(SYS_clock_gettime, clock, time);
	time->tv_sec += clock == CLOCK_REALTIME ? ahead : 0;
	return result;
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

/* How often each work was called. */
static int counted, dropped;

static bool count(struct state *s, void *n)
{
	counted++;
	return state_do(s, "UPDATE quota SET used=? WHERE api='a'", "i", *(int64_t *)n);
}

static bool drop(struct state *s, void *n)
{
	dropped++;
	return state_do(s, "DELETE FROM quota WHERE used<?", "i", *(int64_t *)n);
}

static void test_works(struct state *s)
{
	int64_t *n, *least, rows = 0, sum = 0;
	state_begin(s);
	n = state_before_end(s, count, sizeof *n);
	least = state_before_end(s, drop, sizeof *least);
	ok(*n == 0 && *least == 0 && n != least && state_before_end(s, count, sizeof *n) == n,
		"each work for a transaction's end has a context of its own");
	*n = 7;
	*least = 3;
	ok(state_end(s, true) && counted == 1 && dropped == 1, "all are called, each once");
	state_int(s, &rows, "SELECT count(*) FROM quota", "");
	state_int(s, &sum, "SELECT sum(used) FROM quota", "");
	ok(rows == 2 && sum == 10, "with what is in it then, in the order in which they came");
	state_begin(s);
	state_before_end(s, count, sizeof *n);
	state_end(s, false);
	ok(state_begin(s) && state_end(s, true) && counted == 1, "a transaction that is taken back has none");
	state_do(s, "UPDATE quota SET used=1 WHERE api='a'", "");
	state_do(s, "INSERT INTO quota(api,day,used) VALUES('b','1',2)", "");
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

/* --- A database --- */

static char uri[300]; /* of the database */

/* The name of a practice's state in it. */
static const char *of(struct arena *a, const char *practice)
{
	return arena_printf(a, "%s#%s", uri, practice);
}

static int64_t rows_of(struct state *s)
{
	int64_t n = -1;
	state_int(s, &n, "SELECT count(*) FROM quota", "");
	return n;
}

static bool insert(struct state *s)
{
	return state_do(s, "INSERT INTO quota(api,day,used) VALUES('x','1',1)", "");
}

/* A connection that is used for one practice after the other; no lock can be waited for so long as -1. */
static void test_practices(struct arena *a)
{
	struct state_failure why;
	struct state *one = state_try(of(a, "one"), 1000, &why), *two = state_try(of(a, "two"), 1000, &why);
	struct state *other = state_try(of(a, "other"), -1, &why);
	ok(rows_of(one) == 0 && !insert(other) && !insert(other) && rows_of(one) == 0,
		"a connection that cannot be set to another practice writes nothing of it into the one before");
	ok(rows_of(one) == 0 && rows_of(other) == -1, "nor are rows of that read as its own");
	ok(rows_of(two) == 0 && state_begin(one) && insert(one) && !state_end(one, false) && insert(one) &&
			rows_of(two) == 0 && rows_of(one) == 1,
		"nor after a transaction that was taken back, and its practice with it");
	state_close(other);
	state_close(two);
	state_close(one);
}

/* How many rows are seen by a transaction of another process that has waited for the practice's lock, while a
   row was added. */
static int rows_seen(struct state *s, const char *name)
{
	int64_t waiting = 0;
	int status;
	state_begin(s);
	insert(s);
	state_changed(s); /* it has the lock now */
	pid_t pid = fork();
	if (pid == 0) {
		struct state *own = state_open(name);
		state_begin(own);
		_exit((int)rows_of(own));
	}
	for (int n = 0; !waiting && n < 10000; n++, usleep(1000))
		state_int(s, &waiting,
			"SELECT count(*) FROM pg_locks WHERE locktype='advisory' AND NOT granted"
			"  AND database=(SELECT oid FROM pg_database WHERE datname=current_database())",
			"");
	ok(waiting == 1 && state_end(s, true), "another waits for the lock");
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_isolation(struct arena *a)
{
	const char *name = of(a, "isolated");
	struct state *s = state_open(name);
	state_do(s,
		"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation=serializable',"
		"  current_database()); END $$",
		"");
	state_close(s);
	s = state_open(name);
	ok(rows_seen(s, name) == 1,
		"and sees what was written before it had it, whatever the database's default");
	const char *columns[1] = {""};
	state_begin_reading(s);
	state_run(s, a, columns, "SELECT current_setting('idle_in_transaction_session_timeout')", "");
	state_end(s, true);
	is_text(columns[0], "0", "who only reads may take the rows as slowly as they like");
	state_close(s);
}

/* Passes on what one end says to the other, up to the first COMMIT that the server answers, or up to its end;
   then nothing more, to nobody. */
static void pass(int client, int server, bool answers)
{
	char bytes[65536];
	struct pollfd fds[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
	while (poll(fds, 2, -1) > 0) {
		for (int i = 0; i < 2; i++) {
			ssize_t n = fds[i].revents ? read(fds[i].fd, bytes, sizeof bytes) : 0;
			if (fds[i].revents && n <= 0)
				return;
			char *commit = i == 1 && n > 0 ? memmem(bytes, (size_t)n, "COMMIT", sizeof "COMMIT") : NULL;
			size_t until = commit ? (size_t)(commit - bytes) + (answers ? sizeof "COMMIT" : 0) : (size_t)n;
			if (n > 0 && write(fds[1 - i].fd, bytes, until) != (ssize_t)until)
				return;
			if (commit)
				return;
		}
	}
}

/* A server's stand-in, in a folder, for one connection. */
static pid_t stand_in(const char *folder, const char *real, bool answers)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX}, to = {.sun_family = AF_UNIX};
	snprintf(at.sun_path, sizeof at.sun_path, "%s/.s.PGSQL.5432", folder);
	snprintf(to.sun_path, sizeof to.sun_path, "%s/.s.PGSQL.5432", real);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unlink(at.sun_path);
	if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, 1) < 0)
		err(EX_OSERR, "%s", at.sun_path);
	pid_t pid = fork();
	if (pid == 0) {
		int client = accept(listener, NULL, NULL), server = socket(AF_UNIX, SOCK_STREAM, 0);
		if (client < 0 || connect(server, (struct sockaddr *)&to, sizeof to) < 0)
			err(EX_OSERR, "%s", to.sun_path);
		pass(client, server, answers);
		_exit(0);
	}
	close(listener);
	return pid;
}

/* Whether a row is said to be added over a connection that is lost at its COMMIT. */
static bool insert_over(const char *folder, const char *real, const char *name, bool answers)
{
	pid_t pid = stand_in(folder, real, answers);
	struct state *s = state_open(name);
	state_begin(s);
	insert(s);
	state_wake(s);
	bool done = state_end(s, true);
	state_close(s);
	waitpid(pid, NULL, 0);
	return done;
}

static void test_lost(struct arena *a, const char *folder, const char *real)
{
	const char *over = arena_printf(a, "%.*s=%s#", (int)(strchr(uri, '=') - uri), uri, folder);
	ok(!insert_over(folder, real, arena_printf(a, "%slost", over), false),
		"a COMMIT whose answer was lost is not believed");
	ok(insert_over(folder, real, arena_printf(a, "%skept", over), true),
		"one that was answered is, whatever becomes of the connection then");
	struct state *s = state_open(of(a, "lost")), *t = state_open(of(a, "kept"));
	ok(rows_of(s) == 1 && rows_of(t) == 1, "both were carried out");
	state_close(s);
	state_close(t);
}

/* A server that comes, while the clock is set back. */
static void test_wakeups(struct arena *a, const char *folder, const char *real)
{
	const char *link = arena_printf(a, "%s/link", folder);
	const char *name = arena_printf(a, "%.*s=%s#one", (int)(strchr(uri, '=') - uri), uri, link);
	struct wakeups *w = wakeups_open();
	int watched = wakeups_watch(w, name);
	ok(watched >= 0 && wakeups_next(w) < 0, "nothing is heard of a server that is not there");
	ahead = -3600;
	if (symlink(real, link) < 0)
		err(EX_CANTCREAT, "%s", link);
	ok(wakeups_next(w) == watched, "when it is, everybody is woken, also where the clock was set back");
	ahead = 0;
	wakeups_close(w);
	unlink(link);
}

/* A database of the server whose socket is in this folder. */
static void test_database(const char *database, const char *server, const char *folder)
{
	struct arena a = {0};
	snprintf(uri, sizeof uri, "postgresql://pnow@/%s?host=%s", database, server);
	struct state *s = state_open(of(&a, "state"));
	test_rows(s);
	test_statements(s);
	test_works(s);
	state_close(s);
	test_practices(&a);
	test_isolation(&a);
	test_lost(&a, folder, server);
	test_wakeups(&a, folder, server);
	arena_free(&a);
}

int main(int argc, char *argv[])
{
	if (argc == 4) {
		test_database(argv[1], argv[2], argv[3]);
		return done();
	}
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
	test_works(s);
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
