/*
 * pnow-inbox run: feeds events that are due into a pipeline, reads results, settles each by its id. One loop,
 * one thread; what the database says is due is claimed in batches, what comes back is settled in batches, so
 * a commit is shared.
 */
#include "pnow-inbox.h"
#include "value/when.h"

#include <stdlib.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-inbox run [-1] [-j N] [-t TYPE,...] -- COMMAND [ARG ...]\n"
	"Feeds events that are due to COMMAND, one line each, and settles them by its results.\n"
	"  -1       end when nothing is due\n"
	"  -j N     events in the pipeline at once (256)\n"
	"  -t TYPE  only events of these types\n";

enum {
	LOOK_MS = 10,      /* how often it is looked whether another process has added something */
	RECOVER_MS = 1000, /* and whether another run has died */
	BACKOFF_FIRST_MS = 100,
	BACKOFF_MAX_MS = 10000,
	ALONE_AFTER = 3,         /* collapses in a row without a result: then events go in one by one */
	COLLAPSES_MAX = 5,       /* of -1: collapses in a row, none of one event's making: given up */
	SILENCE_MS = 5000,       /* of -1: nothing is due, and no answer has come for so long */
	PATIENCE_MS = 5 * 60000, /* an event has been in the pipeline for so long */
	TROUBLE_MS = 100,        /* between attempts where the state file cannot be written */
	GIVE_UP_MS = 5000,       /* of -1: for so long it could not be */
};

struct run {
	struct inbox *in;
	struct locks *locks;
	char id[24];
	const char *types; /* a JSON list */
	size_t parallel;
	bool once;
	struct pipeline pipeline;
	size_t in_flight;
	bool look;    /* something may be due that was not a moment ago */
	int64_t seen; /* state_version */
	int64_t next_due, next_recover;
	int64_t start_at; /* not before: the pipeline has died */
	int64_t backoff;
	int collapses;  /* since the last result */
	bool killer;    /* the event in flight has just killed the pipeline, alone */
	int64_t heard;  /* when something went in or came out */
	int64_t oldest; /* when the event in flight that waits longest was claimed */
	size_t settled, dead;
	int64_t unwritten;  /* since when the state file cannot be written; 0: it can */
	bool lost;          /* events of runs that have died may still have to be given back */
	bool untried;       /* a filter could not write it: an event waits that nothing was done for */
	struct arena arena; /* of one turn */
	struct results {
		struct inbox_result *at;
		size_t n, room;
	} results; /* read and not yet settled */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* An event that was claimed goes to the pipeline. */
static void feed(struct run *r, const struct inbox_claimed *event)
{
	buf_puts(&r->pipeline.unsent, event->line);
	buf_putc(&r->pipeline.unsent, '\n');
	r->in_flight++;
}

/* A result is to be settled. */
static void add_result(struct run *r, const struct inbox_result *result)
{
	if (r->results.n == r->results.room) {
		r->results.room = r->results.room ? r->results.room * 2 : 64;
		r->results.at = allocated(reallocarray(r->results.at, r->results.room, sizeof *r->results.at));
	}
	r->results.at[r->results.n++] = *result;
}

static void take_line(struct str line, void *context)
{
	struct run *r = context;
	struct inbox_result result;
	r->heard = when_now_ms();
	if (!result_read(&r->arena, line, &result))
		return;
	const char *code = jtext_string(&r->arena, jtext_get(jtext_get(line, "error"), "code"));
	r->untried |= code && strcmp(code, "state") == 0;
	add_result(r, &result);
}

/* The events in the pipeline get a result that says they have none. */
static void take_unanswered(struct run *r)
{
	struct state_rows rows = inbox_unanswered(r->in->state, r->id);
	while (state_next(&rows)) {
		struct inbox_result result = result_missing(&r->arena, state_copy(&rows, &r->arena, 0), r->killer);
		add_result(r, &result);
	}
	state_done(&rows);
}

/* The state file cannot be written: waits a moment. Ends a run that is to end, when that has lasted; its
   events wait, since its lock goes with it. */
static void wait_for_disk(struct run *r)
{
	int64_t now = when_now_ms();
	if (!r->unwritten)
		r->unwritten = now;
	if (r->once && now - r->unwritten >= GIVE_UP_MS)
		errx(EX_TEMPFAIL, "the state file cannot be written: given up; its events wait");
	poll(NULL, 0, TROUBLE_MS);
}

/* Settles the first n of what has come back, in one transaction. */
static bool settle_some(struct run *r, size_t n)
{
	size_t settled = 0, dead = 0, known = 0;
	bool done = true;
	for (size_t i = 0; done && i < n; i++) {
		const char *state = NULL;
		done = inbox_settle(r->in->state, r->in->conf, r->id, &r->results.at[i], &state);
		known += state != NULL;
		settled += state && strcmp(state, "waiting") != 0;
		dead += state && strcmp(state, "dead") == 0;
		if (state && r->in->verbose)
			warnx("%s: %s", r->results.at[i].id, state);
	}
	if (!state_end(r->in->state, done) || !done)
		return false;
	r->unwritten = 0;
	r->in_flight -= known;
	r->settled += settled;
	r->dead += dead;
	r->results.n -= n;
	memmove(r->results.at, r->results.at + n, r->results.n * sizeof *r->results.at);
	r->look = true;
	if (known)
		r->backoff = r->collapses = 0;
	return true;
}

/* Settles what has come back, all in one transaction, or in smaller ones where that fails; false where the
   file cannot be written now. */
static bool settle(struct run *r)
{
	size_t n = r->results.n;
	while (n && r->results.n) {
		if (n > r->results.n)
			n = r->results.n;
		if (!state_begin(r->in->state))
			return false;
		if (!settle_some(r, n))
			n /= 2;
	}
	return !r->results.n;
}

/* How a pipeline ended, for people. */
static const char *ending(int status)
{
	static char text[40];
	if (WIFSIGNALED(status))
		snprintf(text, sizeof text, "by signal %d", WTERMSIG(status));
	else
		snprintf(text, sizeof text, "with status %d", WEXITSTATUS(status));
	return text;
}

/* Whether it came to its end by itself; 1 and 75 say that some records carry an error. */
static bool ended_well(int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return code == EX_OK || code == 1 || code == EX_TEMPFAIL;
}

/* How many events may be in the pipeline: one, while it is not clear which of them kills it. */
static size_t window(const struct run *r)
{
	return r->collapses >= ALONE_AFTER ? 1 : r->parallel;
}

/* Whether a fault in the pipeline ended it, by a signal or as a shell tells of one; not a command that could
 * not start. */
static bool crashed(int status)
{
	return WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) > 128);
}

/* Whether the pipeline can be given more, and there may be more. */
static bool may_claim(const struct run *r, int64_t now)
{
	bool finishing = r->pipeline.pid && r->pipeline.in < 0;
	return !stopped && !finishing && r->look && r->in_flight <= window(r) / 2 && now >= r->start_at &&
		   !r->results.n;
}

/* Fills the pipeline up with what is due. */
static void claim(struct run *r)
{
	size_t before = r->in_flight, wanted = window(r) - r->in_flight;
	struct inbox_claim claim;
	if (!inbox_claim(r->in->state, &r->arena, r->id, r->types, wanted, &claim)) {
		wait_for_disk(r); /* locked or full: said; looked at again in a moment */
		return;
	}
	for (size_t i = 0; i < claim.n; i++)
		feed(r, &claim.at[i]);
	r->unwritten = 0;
	r->look = r->in_flight - before == wanted;
	r->next_due = inbox_next_due(r->in->state, r->types, when_now_ms());
	if (r->in_flight > before)
		r->heard = when_now_ms();
}

/* The pipeline has died, or could not be started: what it had waits again, and the next one starts a little
   later. */
static void collapse(struct run *r, int status)
{
	r->results.n = 0;
	r->pipeline.unsent.n = 0;
	if (!inbox_release(r->in->state, r->id))
		warnx("cannot give the events of the pipeline back now");
	r->in_flight = 0;
	r->look = true;
	r->collapses++;
	r->backoff = r->backoff ? r->backoff * 2 : BACKOFF_FIRST_MS;
	if (r->backoff > BACKOFF_MAX_MS)
		r->backoff = BACKOFF_MAX_MS;
	r->start_at = when_now_ms() + r->backoff;
	if (r->once && r->collapses == COLLAPSES_MAX)
		errx(EX_TEMPFAIL,
			"the pipeline has ended %d times without a result, the last time %s: given up; its events wait",
			COLLAPSES_MAX, ending(status));
	warnx("the pipeline ended %s: started again in %lld ms", ending(status), (long long)r->backoff);
}

/* The pipeline's output has ended. Where it was told to come to an end and did, an event without a result
   will get none: that is a failed attempt of this event, or a filter that drops events would have them fed
   for ever. */
static void pipeline_over(struct run *r)
{
	bool told = r->pipeline.in < 0;
	int status = pipeline_end(&r->pipeline);
	if (r->results.n && !settle(r)) {
		collapse(r, status);
		return;
	}
	r->killer = !told && r->in_flight == 1 && r->collapses >= ALONE_AFTER && crashed(status);
	if (r->in_flight && (r->killer || (told && ended_well(status))))
		take_unanswered(r);
	if (!r->results.n && (r->in_flight || !told))
		collapse(r, status);
}

/* Whether the pipeline should get no more: the run is to end, or some events seem to get no result. It
   finishes what it has, so an event that only takes long gets its result still. */
static bool should_finish(const struct run *r, int64_t now)
{
	if (!r->pipeline.pid || r->pipeline.in < 0 || r->pipeline.unsent.n || !r->in_flight)
		return false;
	return stopped || (r->once && !r->look && now - r->heard >= SILENCE_MS) || now - r->oldest >= PATIENCE_MS;
}

/* What runs that have died had in their pipelines waits again, and what could not be given back when this
   one's died. */
static void give_back(struct run *r)
{
	bool done =
		inbox_recover(r->in->state, r->locks, r->id) && (r->in_flight || inbox_release(r->in->state, r->id));
	if (r->lost && done) {
		r->look = true;
		r->unwritten = 0;
	}
	r->lost = !done;
	if (!done && !r->in_flight)
		wait_for_disk(r);
}

/* What other processes may have changed. */
static void look_around(struct run *r, int64_t now)
{
	int64_t version = state_version(r->in->state);
	if (version != r->seen)
		r->look = true;
	r->seen = version;
	if (now >= r->next_due)
		r->look = true;
	if (now >= r->next_recover || (r->lost && !r->in_flight)) {
		give_back(r);
		r->oldest = inbox_oldest_claim(r->in->state, r->id);
		r->next_recover = now + RECOVER_MS;
	}
}

static void show_progress(const struct run *r, bool last)
{
	static int64_t shown;
	int64_t now = when_now_ms();
	if (!isatty(STDERR_FILENO) || r->in->verbose || (!last && now - shown < 500) || (last && !shown))
		return;
	fprintf(stderr, "\r%zu settled, %zu of them dead, %zu in the pipeline%s", r->settled, r->dead,
		r->in_flight, last ? "\n" : "  ");
	shown = now;
}

/* Waits for the pipeline, a change by others, or a moment. */
static void wait_a_moment(struct run *r)
{
	struct pollfd fds[2] = {{.fd = -1}, {.fd = -1}};
	if (r->pipeline.pid) {
		fds[0] = (struct pollfd){.fd = r->pipeline.out, .events = POLLIN};
		if (r->pipeline.unsent.n && r->pipeline.in >= 0)
			fds[1] = (struct pollfd){.fd = r->pipeline.in, .events = POLLOUT};
	}
	poll(fds, 2, LOOK_MS);
}

/* One turn: feed, read, settle. False when there is nothing more to do. */
static bool turn(struct run *r)
{
	int64_t now = when_now_ms();
	struct pipeline *p = &r->pipeline;
	look_around(r, now);
	if (may_claim(r, now))
		claim(r);
	if (r->in_flight && !p->pid && !r->results.n && !pipeline_start(p))
		collapse(r, W_EXITCODE(EX_OSERR, 0));
	if (p->pid)
		pipeline_write(p);
	if (r->in_flight == 0 && !p->unsent.n && (stopped || (r->once && !r->look && !r->lost)))
		return false;
	if (should_finish(r, now))
		pipeline_finish(p);
	if (!may_claim(r, now))
		wait_a_moment(r);
	if (p->pid && !pipeline_read(p, take_line, r))
		pipeline_over(r);
	if (r->results.n && !settle(r))
		wait_for_disk(r);
	if (!r->results.n)
		arena_reset(&r->arena);
	show_progress(r, false);
	return true;
}

static void read_options(struct run *r, struct arena *a, int argc, char *argv[])
{
	const char *problem = NULL;
	optind = 1;
	for (int letter; (letter = getopt(argc, argv, "+1j:t:h")) != -1;) {
		switch (letter) {
		case '1':
			r->once = true;
			break;
		case 'j':
			r->parallel = (size_t)strtonum(optarg, 1, 100000, &problem);
			if (problem)
				errx(EX_USAGE, "-j %s: expected a number from 1 to 100000", optarg);
			break;
		case 't':
			r->types = choice_of_types(a, optarg);
			break;
		case 'h':
			usage_help(usage);
		default:
			usage_error(usage);
		}
	}
	if (optind == argc)
		usage_error(usage);
	r->pipeline.command = argv + optind;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = stop}, ignore = {.sa_handler = SIG_IGN};
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

int inbox_run(struct inbox *in, int argc, char *argv[])
{
	struct arena arena = {0};
	struct run r = {
		.in = in, .types = "[]", .parallel = 256, .look = true, .pipeline = {.in = -1, .out = -1}};
	read_options(&r, &arena, argc, argv);
	inbox_open(in);
	snprintf(r.id, sizeof r.id, "%08x%08x", arc4random(), arc4random());
	r.locks = locks_open(in->conf->state);
	lock_take(r.locks, LOCK_RUN, r.id);
	catch_signals();
	while (turn(&r))
		continue;
	show_progress(&r, true);
	if (r.pipeline.pid)
		pipeline_end(&r.pipeline);
	lock_free(r.locks, LOCK_RUN, r.id);
	locks_close(r.locks);
	buf_free(&r.pipeline.unsent);
	buf_free(&r.pipeline.unread);
	free(r.results.at);
	arena_free(&r.arena);
	arena_free(&arena);
	return r.dead ? 1 : r.once && r.untried ? EX_TEMPFAIL : EX_OK;
}
