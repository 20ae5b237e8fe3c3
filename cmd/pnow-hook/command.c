/*
 * COMMAND, run once for each event: the event on its standard input, its exit status the answer. It gets
 * nothing else of ours: no descriptor, no ignored signal, no time zone of a practice, no CGI variables. It
 * has a process group of its own, so that a SIGTERM to the hook leaves it to finish, and so that a command
 * that hangs can be ended together with what it started.
 *
 * A thread that runs a command blocks in waitid(2), which every system has; one more thread watches the
 * deadlines. A run leaves the list before its process is reaped, so no signal can reach a process that has
 * merely inherited its number.
 */
#include "hook.h"
#include "stream/child.h"
#include "text/say.h"
#include "text/waits.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { GRACE = 10 }; /* seconds from SIGTERM to SIGKILL */

/* A run on its way, on the stack of the thread that waits for it. */
struct command_run {
	pid_t pid;
	struct timespec deadline;
	bool stopped; /* its time is over; it has been told to end */
	struct command_run *next;
};

/* How a run ended. */
struct ending {
	enum { EXITED, KILLED, STOPPED, CROWDED, UNSTARTED } how;
	int code; /* EXITED: the status; KILLED: the signal; UNSTARTED: errno */
};

void command_open(struct command *c, char **argv, char **environment, unsigned at_once, unsigned seconds)
{
	*c = (struct command){.argv = argv, .environment = environment, .at_once = at_once, .seconds = seconds};
	pthread_mutex_init(&c->lock, NULL);
	waits_open(&c->ended);
	waits_open(&c->changed);
}

/* A moment of the monotonic clock. */
static struct timespec seconds_from_now(unsigned seconds)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += (time_t)seconds;
	return t;
}

/* Whether a is before b. */
static bool earlier(struct timespec a, struct timespec b)
{
	return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

/* The watcher: ends runs whose time is over, first politely. Holds the lock but for its sleep. */
static void *watch(void *context)
{
	struct command *c = context;

	pthread_mutex_lock(&c->lock);
	while (!c->closing) {
		struct timespec now = seconds_from_now(0), next = {0};
		for (struct command_run *run = c->runs; run; run = run->next) {
			if (!earlier(now, run->deadline)) {
				kill(-run->pid, run->stopped ? SIGKILL : SIGTERM);
				run->stopped = true;
				run->deadline = seconds_from_now(GRACE);
			}
			if (next.tv_sec == 0 || earlier(run->deadline, next))
				next = run->deadline;
		}
		if (next.tv_sec == 0)
			pthread_cond_wait(&c->changed, &c->lock);
		else
			pthread_cond_timedwait(&c->changed, &c->lock, &next);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* Starts the watcher, once. Without one nothing would end a command that hangs. */
static void watch_start(struct command *c)
{
	if (c->watched)
		return;
	errno = pthread_create(&c->watcher, NULL, watch, c);
	if (errno)
		err(EX_OSERR, "cannot start a thread");
	c->watched = true;
}

void command_close(struct command *c)
{
	pthread_mutex_lock(&c->lock);
	c->closing = true;
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
	if (c->watched)
		pthread_join(c->watcher, NULL);
}

/* Waits until one more command may run; false where that takes longer than a run may. */
static bool take_turn(struct command *c, struct timespec deadline)
{
	int timeout = 0;

	pthread_mutex_lock(&c->lock);
	watch_start(c);
	while (c->running == c->at_once && timeout == 0)
		timeout = pthread_cond_timedwait(&c->ended, &c->lock, &deadline);
	bool taken = c->running < c->at_once;
	c->running += taken;
	pthread_mutex_unlock(&c->lock);
	return taken;
}

/* Lets the next one run. */
static void end_turn(struct command *c)
{
	pthread_mutex_lock(&c->lock);
	c->running--;
	pthread_cond_signal(&c->ended);
	pthread_mutex_unlock(&c->lock);
}

/* Writes the line into a pipe, at the reader's pace, until the reader goes or its time is over. A command
   need not read what it does not want. Closes the pipe. */
static void feed(int pipe, struct str line, struct timespec deadline)
{
	fcntl(pipe, F_SETFL, O_NONBLOCK);
	while (line.n > 0) {
		ssize_t n = write(pipe, line.p, line.n);
		if (n >= 0) {
			line.p += n;
			line.n -= (size_t)n;
			continue;
		}
		struct timespec now = seconds_from_now(0);
		if ((errno != EAGAIN && errno != EINTR) || !earlier(now, deadline))
			break;
		struct pollfd writable = {.fd = pipe, .events = POLLOUT};
		poll(&writable, 1, (int)(deadline.tv_sec - now.tv_sec) * 1000 + 1000);
	}
	close(pipe);
}

/* Puts a run into the list, and tells the watcher. */
static void enlist(struct command *c, struct command_run *run)
{
	pthread_mutex_lock(&c->lock);
	run->next = c->runs;
	c->runs = run;
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

/* Waits for the end of a run that is in the list, and takes it out. */
static struct ending await(struct command *c, struct command_run *run)
{
	siginfo_t info;
	int status = 0;

	while (waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&c->lock);
	for (struct command_run **at = &c->runs; *at; at = &(*at)->next)
		if (*at == run) {
			*at = run->next;
			break;
		}
	while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
		;
	pthread_mutex_unlock(&c->lock);
	if (run->stopped)
		return (struct ending){STOPPED, 0};
	return WIFSIGNALED(status) ? (struct ending){KILLED, WTERMSIG(status)}
							   : (struct ending){EXITED, WEXITSTATUS(status)};
}

/* One run, from its start to its end. */
static struct ending run(
	struct command *c, const struct request *r, struct str line, struct timespec deadline)
{
	struct command_run this = {.deadline = deadline};
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return (struct ending){UNSTARTED, errno};
	const char *practice[] = {arena_printf(r->arena, "PNOW_CONFIG=%s", r->practice->conf->file), NULL};
	int problem = child_start(
		&this.pid, c->argv, child_environment(r->arena, c->environment, practice), ends[0], STDOUT_FILENO);
	close(ends[0]);
	if (problem) {
		close(ends[1]);
		return (struct ending){UNSTARTED, problem};
	}
	enlist(c, &this);
	feed(ends[1], line, deadline);
	return await(c, &this);
}

/* What an ending means for the event; tells what the user must know of it. */
static enum delivery judge(const struct command *c, struct ending ending, const char *id)
{
	switch (ending.how) {
	case EXITED:
		if (ending.code == 0)
			return DELIVERED;
		say("event %s: %s ended with status %d", id, c->argv[0], ending.code);
		return ending.code == EX_TEMPFAIL ? COME_AGAIN : UNDELIVERABLE;
	case KILLED:
		say("event %s: %s was killed by signal %d", id, c->argv[0], ending.code);
		return UNDELIVERABLE;
	case STOPPED:
		say("event %s: %s was stopped after %u s", id, c->argv[0], c->seconds);
		return COME_AGAIN;
	case CROWDED:
		say("event %s: %u commands ran for %u s, and it never was its turn", id, c->at_once, c->seconds);
		return COME_AGAIN;
	case UNSTARTED:
		break;
	}
	errno = ending.code;
	warn("event %s: status 127: cannot start %s", id, c->argv[0]);
	switch (ending.code) {
	case EAGAIN:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return COME_AGAIN; /* the system is short of something */
	default:
		return UNDELIVERABLE;
	}
}

enum delivery command_deliver(struct hook *h, struct request *r, struct str line)
{
	struct command *c = &h->command;
	struct timespec deadline = seconds_from_now(c->seconds);
	struct ending ending = {CROWDED, 0};

	if (take_turn(c, deadline)) {
		ending = run(c, r, line, seconds_from_now(c->seconds));
		end_turn(c);
	}
	return judge(c, ending, request_shown(r->arena, r->event.id));
}
