/*
 * pnow-inbox run: one loop, one thread, for all practices. It sleeps until something comes out of a pipeline,
 * somebody sends a wake-up, or the first moment has come for which a practice has set a timer; signals are
 * let in only while it sleeps, so that none is overlooked.
 */
#include "pnow-inbox.h"
#include "state/wakeup.h"
#include "value/when.h"

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-inbox run [-1] [-j N] [-t TYPE,...] -- COMMAND [ARG ...]\n"
	"Feeds events that are due to COMMAND, one line each, and settles them by its results.\n"
	"  -1       end when nothing is due\n"
	"  -j N     events in the pipeline at once (256)\n"
	"  -t TYPE  only events of these types\n";

enum {
	LOOK_MS = 5000,      /* the slow look */
	LOOK_OFTEN_MS = 100, /* where this system has no wake-ups */
	PROGRESS_MS = 500,
};

struct service {
	struct run_all all;
	struct run **runs;
	size_t n;
	int status;    /* of those that are done: the worst */
	int64_t clock; /* as it was last */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* A child has ended: that ends the sleep. */
static void stir(int signal)
{
	(void)signal;
}

/* Lets signals in only while the loop sleeps; the mask for that. */
static sigset_t catch_signals(void)
{
	struct sigaction action = {.sa_handler = stop}, child = {.sa_handler = stir},
					 ignore = {.sa_handler = SIG_IGN};
	sigset_t ours, before;
	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ours, &before);
	sigdelset(&before, SIGTERM);
	sigdelset(&before, SIGINT);
	sigdelset(&before, SIGCHLD);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGCHLD, &child, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	return before;
}

static void show_progress(const struct service *s, bool last)
{
	static int64_t shown;
	int64_t now = when_now_ms();
	if (!isatty(STDERR_FILENO) || s->all.verbose || (!last && now - shown < PROGRESS_MS) || (last && !shown))
		return;
	fprintf(stderr, "\r%zu settled, %zu of them dead, %zu in the pipeline%s", s->all.settled, s->all.dead,
		s->all.in_flight, last ? "\n" : "  ");
	shown = now;
}

/* Takes a practice out. */
static void drop(struct service *s, size_t i)
{
	int status = run_status(s->runs[i]);
	s->status = status > s->status ? status : s->status;
	run_free(s->runs[i]);
	s->runs[i] = s->runs[--s->n];
}

/* A place that is free goes to whoever has waited longest; whether one did. */
static bool give_places(struct service *s)
{
	bool given = false;
	while (s->all.places && s->all.waiting) {
		struct run *longest = NULL;
		for (size_t i = 0; i < s->n; i++) {
			int64_t since = run_waits(s->runs[i]);
			if (since && (!longest || since < run_waits(longest)))
				longest = s->runs[i];
		}
		run_place(longest);
		given = true;
	}
	return given;
}

/* Reads the wake-ups. They are read before the turns: what was written before is seen in the turn, so that
   what a run has settled itself wakes it for nothing. */
static void take_wakeups(struct service *s)
{
	for (int watched; (watched = wakeups_next(s->all.wakeups)) >= 0;)
		for (size_t i = 0; i < s->n; i++)
			run_wake(s->runs[i], watched);
}

/* Everybody's turn. */
static void take_turns(struct service *s)
{
	int64_t now = when_now_ms();
	s->all.stopped = stopped;
	for (size_t i = 0; now < s->clock && i < s->n; i++)
		run_clock(s->runs[i]);
	s->clock = now;
	for (size_t i = 0; i < s->n;) {
		if (run_turn(s->runs[i]))
			i++;
		else
			drop(s, i);
	}
}

/* Sleeps until something can be done. */
static void sleep_until_needed(const struct service *s, struct pollfd *fds, const sigset_t *mask)
{
	int64_t next = s->clock + s->all.look_ms, now = when_now_ms();
	size_t n = 0;
	fds[n++] = (struct pollfd){.fd = s->all.wakeups, .events = POLLIN};
	for (size_t i = 0; i < s->n; i++) {
		int64_t its = run_next(s->runs[i]);
		next = its < next ? its : next;
		n += run_polled(s->runs[i], fds + n);
	}
	int64_t ms = next > now ? next - now : 0;
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};
	ppoll(fds, n, &time, mask);
}

static int serve(struct service *s)
{
	sigset_t mask = catch_signals();
	for (;;) {
		take_wakeups(s);
		take_turns(s);
		show_progress(s, !s->n);
		if (!s->n)
			break;
		struct pollfd *fds = allocated(calloc(2 * s->n + 1, sizeof *fds));
		if (!give_places(s))
			sleep_until_needed(s, fds, &mask);
		free(fds);
	}
	free(s->runs);
	close(s->all.wakeups);
	return s->status;
}

static void read_options(struct run_all *all, struct arena *a, int argc, char *argv[])
{
	const char *problem = NULL;
	optind = 1;
	for (int letter; (letter = getopt(argc, argv, "+1j:t:h")) != -1;) {
		switch (letter) {
		case '1':
			all->once = true;
			break;
		case 'j':
			all->parallel = (size_t)strtonum(optarg, 1, 100000, &problem);
			if (problem)
				errx(EX_USAGE, "-j %s: expected a number from 1 to 100000", optarg);
			break;
		case 't':
			all->types = choice_of_types(a, optarg);
			break;
		case 'h':
			usage_help(usage);
		default:
			usage_error(usage);
		}
	}
	if (optind == argc)
		usage_error(usage);
	all->command = argv + optind;
}

int inbox_run(struct inbox *in, int argc, char *argv[])
{
	struct arena arena = {0};
	struct state_failure why = {0};
	struct service s = {
		.all = {.types = "[]", .parallel = 256, .busy_ms = 10000, .places = 1, .verbose = in->verbose}};
	read_options(&s.all, &arena, argc, argv);
	s.all.wakeups = wakeups_open();
	s.all.look_ms = s.all.wakeups < 0 ? LOOK_OFTEN_MS : LOOK_MS;
	struct conf *conf = conf_read(in->file);
	conf_need(conf, conf->state, "state");
	s.runs = allocated(calloc(1, sizeof *s.runs));
	s.runs[s.n++] = run_new(&s.all, conf);
	if (!run_open(s.runs[0], &why))
		errx(why.status, "%s", why.why);
	int status = serve(&s);
	arena_free(&arena);
	return status;
}
