/*
 * pnow-inbox run: one loop, one thread, for all practices. It sleeps until something comes out of a pipeline,
 * somebody sends a wake-up, or the first moment has come for which a practice has set a timer; signals are
 * let in only while it sleeps, so that none is overlooked.
 */
#include "pnow-inbox.h"
#include "conf/folder.h"
#include "state/wakeup.h"
#include "value/when.h"

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-inbox run [-1] [-j N] [-P N] [-t TYPE,...] -- COMMAND [ARG ...]\n"
	"Feeds events that are due to COMMAND, one line each, and settles them by its results.\n"
	"  -1       end when nothing is due\n"
	"  -j N     events in the pipeline of a practice at once (256)\n"
	"  -P N     with pnow-inbox -C: pipelines at once (four for each processor)\n"
	"  -t TYPE  only events of these types\n";

enum {
	LOOK_MS = 5000,       /* the slow look */
	LOOK_OFTEN_MS = 100,  /* where this system has no wake-ups */
	BUSY_MS = 10000,      /* that another process may keep the state file locked, */
	BUSY_OF_MANY_MS = 50, /* where other practices would wait, too */
	PROGRESS_MS = 500,
};

struct service {
	struct run_all all;
	const char *folder; /* of the configurations; NULL: there is one practice */
	struct run **runs;
	size_t n;
	int status;    /* of those that are done: the worst */
	int broken;    /* of those whose configuration is wrong */
	int64_t clock; /* as it was last */
};

static volatile sig_atomic_t stopped, asked; /* to end; to read the folder again */

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static void ask(int signal)
{
	(void)signal;
	asked = 1;
}

/* A child has ended: that ends the sleep. */
static void stir(int signal)
{
	(void)signal;
}

/* Lets signals in only while the loop sleeps; the mask for that. SIGHUP is ours where there is a folder. */
static sigset_t catch_signals(bool folder)
{
	const struct {
		int signal;
		void (*handler)(int);
	} caught[] = {{SIGTERM, stop}, {SIGINT, stop}, {SIGCHLD, stir}, {SIGHUP, ask}};
	sigset_t ours, mask;
	sigprocmask(SIG_BLOCK, NULL, &mask);
	ours = mask;
	for (size_t i = 0; i < COUNT(caught) - !folder; i++) {
		sigaction(caught[i].signal, &(struct sigaction){.sa_handler = caught[i].handler}, NULL);
		sigaddset(&ours, caught[i].signal);
		sigdelset(&mask, caught[i].signal);
	}
	sigprocmask(SIG_SETMASK, &ours, NULL);
	sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
	return mask;
}

static void show_progress(const struct service *s, bool last)
{
	static int64_t shown;
	int64_t now = when_now_ms();
	if (s->all.verbose || (last ? !shown : now - shown < PROGRESS_MS))
		return;
	shown = now;
	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r%zu settled, %zu of them dead, %zu in the pipeline%s", s->all.settled, s->all.dead,
		s->all.in_flight, last ? "\n" : "  ");
}

static void worse(int *status, int other)
{
	*status = other > *status ? other : *status;
}

static void put_in(struct service *s, struct conf *conf)
{
	s->runs = allocated(reallocarray(s->runs, s->n + 1, sizeof *s->runs));
	s->runs[s->n++] = run_new(&s->all, conf);
}

/* Takes a practice out. */
static void take_out(struct service *s, size_t i)
{
	int watched = run_watched(s->runs[i]);
	bool others = false;
	worse(&s->status, run_status(s->runs[i]));
	run_free(s->runs[i]);
	s->runs[i] = s->runs[--s->n];
	for (size_t k = 0; k < s->n; k++)
		others |= run_watched(s->runs[k]) == watched;
	if (!others)
		wakeups_forget(s->all.wakeups, watched);
}

/* Reads the folder. Every practice begins anew; what one has in its pipeline it finishes as it began it,
   beside its successor, which leaves those events alone as any run does. */
static bool read_folder(struct service *s, char why[static MISTAKE_MAX])
{
	struct folder folder;
	if (!folder_read(&folder, s->folder, why))
		return false;
	folder_need_states(&folder);
	if (!folder.n)
		warnx(FOLDER_EMPTY, s->folder);
	for (size_t i = 0; i < s->n; i++)
		run_leave(s->runs[i]);
	s->broken = EX_OK;
	for (size_t i = 0; i < folder.n; i++) {
		struct folder_practice *p = &folder.at[i];
		if (p->conf) {
			put_in(s, p->conf);
			p->conf = NULL;
		} else {
			warnx("%s", p->wrong);
			s->broken = EX_CONFIG;
		}
	}
	folder_free(&folder);
	return true;
}

/* After SIGHUP. */
static void read_again(struct service *s)
{
	char why[MISTAKE_MAX];
	asked = 0;
	if (!read_folder(s, why))
		warnx("%s", why);
}

/* A place that is free goes to whoever has waited longest. Whether there is something to do for who has had
   its turn already: a place was given, or more wait for one than before. */
static bool give_places(struct service *s, size_t before)
{
	bool given = s->all.waiting > before;
	while (s->all.places && s->all.waiting) {
		struct run *longest = NULL;
		for (size_t i = 0; i < s->n; i++) {
			int64_t since = run_waits(s->runs[i]);
			if (since && (!longest || since < run_waits(longest)))
				longest = s->runs[i];
		}
		if (!longest)
			break;
		run_place(longest);
		given = true;
	}
	return given;
}

/* Reads the wake-ups. */
static void take_wakeups(struct service *s)
{
	for (int watched; (watched = wakeups_next(s->all.wakeups)) >= 0;)
		for (size_t i = 0; i < s->n; i++)
			run_wake(s->runs[i], watched);
}

/* Everybody's turn. Wake-ups are read when all have settled, those that this sends with them, and before
   anybody claims: what was written until then is seen. */
static void take_turns(struct service *s)
{
	int64_t now = when_now_ms();
	s->all.stopped = stopped;
	if (asked && !stopped)
		read_again(s);
	for (size_t i = 0; now < s->clock && i < s->n; i++)
		run_clock(s->runs[i]);
	s->clock = now;
	for (size_t i = 0; i < s->n; i++)
		run_hear(s->runs[i]);
	take_wakeups(s);
	for (size_t i = 0; i < s->n;) {
		if (run_feed(s->runs[i]))
			i++;
		else
			take_out(s, i);
	}
}

/* Sleeps until something can be done. */
static void sleep_until_needed(const struct service *s, struct pollfd *fds, const sigset_t *mask)
{
	int64_t next = s->clock + s->all.look_ms, now = when_now_ms();
	size_t n = 0;
	for (size_t i = 0; i < s->n; i++) {
		int64_t its = run_next(s->runs[i]);
		next = its < next ? its : next;
		n += run_polled(s->runs[i], fds + n);
	}
	n += wakeups_polled(s->all.wakeups, fds + n);
	int64_t ms = next > now ? next - now : 0;
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};
	ppoll(fds, n, &time, mask);
}

/* Whether the loop has nothing to wait for. */
static bool is_done(const struct service *s)
{
	return !s->n && (stopped || s->all.once || !s->folder);
}

static int serve(struct service *s)
{
	sigset_t mask = catch_signals(s->folder);
	for (;;) {
		size_t waiting = s->all.waiting;
		take_turns(s);
		show_progress(s, is_done(s));
		if (is_done(s))
			break;
		struct pollfd *fds = allocated(calloc(3 * s->n + 1, sizeof *fds));
		if (!give_places(s, waiting))
			sleep_until_needed(s, fds, &mask);
		free(fds);
	}
	free(s->runs);
	wakeups_close(s->all.wakeups);
	worse(&s->status, s->broken);
	return s->status;
}

/* The one practice; ends the process where it cannot be opened. */
static void open_one(struct service *s, const char *file)
{
	struct state_failure why = {0};
	struct conf *conf = conf_read(file);
	conf_need(conf, conf->state, "state");
	put_in(s, conf);
	if (!run_open(s->runs[0], &why))
		errx(why.status, "%s", why.why);
}

/* Many practices may be at work at once, each with its pipeline, state and locks. */
static void raise_descriptors(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void open_many(struct service *s)
{
	char why[MISTAKE_MAX];
	raise_descriptors();
	if (!read_folder(s, why))
		mistake("%s", why);
}

/* The number of an option. */
static size_t number(char letter, const char *text)
{
	const char *problem = NULL;
	long long n = strtonum(text, 1, 100000, &problem);
	if (problem)
		errx(EX_USAGE, "-%c %s: expected a number from 1 to 100000", letter, text);
	return (size_t)n;
}

static void read_options(struct run_all *all, struct arena *a, int argc, char *argv[])
{
	optind = 1;
	for (int letter; (letter = options_next(argc, argv, "+1j:P:t:h")) != -1;) {
		switch (letter) {
		case '1':
			all->once = true;
			break;
		case 'j':
			all->parallel = number('j', optarg);
			break;
		case 'P':
			all->places = number('P', optarg);
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
	if (in->folder)
		folder_hold_reload(true);
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct service s = {.folder = in->folder,
		.all = {.types = "[]",
			.parallel = 256,
			.many = in->folder,
			.busy_ms = in->folder ? BUSY_OF_MANY_MS : BUSY_MS,
			.places = processors > 0 ? 4 * (size_t)processors : 4,
			.verbose = in->verbose}};
	read_options(&s.all, &arena, argc, argv);
	s.all.wakeups = wakeups_open();
	s.all.look_ms = wakeups_tell_of_files(s.all.wakeups) ? LOOK_MS : LOOK_OFTEN_MS;
	if (s.folder)
		open_many(&s);
	else
		open_one(&s, in->file);
	int status = serve(&s);
	arena_free(&arena);
	return status;
}
