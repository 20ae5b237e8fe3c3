/*
 * pnow-inbox run: feeds events that are due into a pipeline, reads results, settles each by its id. One loop,
 * one thread; what the database says is due is claimed in batches, what comes back is settled in batches, so
 * a commit is shared.
 */
#include "pnow-inbox.h"
#include "when.h"

#include <stdlib.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] = "usage: pnow-inbox run [-1] [-t TYPE,...] [-j N] -- COMMAND [ARG ...]\n"
							"  -1       end when nothing is due\n"
							"  -j N     events in the pipeline at once (256)\n"
							"  -t TYPE  only events of these types\n";

enum {
	LOOK_MS = 10,      /* how often it is looked whether another process has added something */
	RECOVER_MS = 1000, /* and whether another run has died */
	BACKOFF_FIRST_MS = 100,
	BACKOFF_MAX_MS = 10000,
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
	bool failed; /* the state file: settle again */
	size_t settled, dead;
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
static void feed(const struct inbox_claimed *event, void *context)
{
	struct run *r = context;
	buf_puts(&r->pipeline.unsent, event->line);
	buf_putc(&r->pipeline.unsent, '\n');
	r->in_flight++;
}

/* A line that came out: a result, or an event that passed a pipeline without crm-push at its end (then it is
   done, or has failed where it carries an error). */
static void take_result(struct str line, void *context)
{
	struct run *r = context;
	struct jtext_error error;
	struct inbox_result result = {.line = {arena_copy(&r->arena, line), line.n}};
	if (!jtext_check(result.line, &error)) {
		warnx("the pipeline wrote a line that is no JSON: it was passed over");
		return;
	}
	struct str failure = jtext_get(result.line, "error");
	result.id = jtext_scalar(&r->arena, jtext_get(result.line, "id"));
	result.status = jtext_string(&r->arena, jtext_get(result.line, "status"));
	result.retry = jtext_type(jtext_get(failure, "retry")) == JTEXT_TRUE;
	result.patient = jtext_scalar(&r->arena, jtext_get(result.line, "patient_id"));
	result.contact = jtext_scalar(&r->arena, jtext_get(result.line, "contact_id"));
	if (!result.status)
		result.status = jtext_type(failure) == JTEXT_OBJECT ? "failed" : "done";
	if (!result.id) {
		warnx("the pipeline wrote a line without an id: it was passed over");
		return;
	}
	if (r->results.n == r->results.room) {
		r->results.room = r->results.room ? r->results.room * 2 : 64;
		r->results.at = reallocarray(r->results.at, r->results.room, sizeof *r->results.at);
		if (!r->results.at)
			err(EX_SOFTWARE, "out of memory");
	}
	r->results.at[r->results.n++] = result;
}

/* Settles what has come back, all in one transaction; false where the file cannot be written now. */
static bool settle(struct run *r)
{
	size_t settled = 0, dead = 0, known = 0;
	bool done = state_begin(r->in->state);
	if (!done)
		return false;
	for (size_t i = 0; done && i < r->results.n; i++) {
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
	r->in_flight -= known;
	r->settled += settled;
	r->dead += dead;
	r->results.n = 0;
	r->look = true;
	if (known)
		r->backoff = 0;
	return true;
}

/* Fills the pipeline up with what is due. */
static void claim(struct run *r)
{
	size_t before = r->in_flight, wanted = r->parallel - r->in_flight;
	if (!inbox_claim(r->in->state, &r->arena, r->id, r->types, wanted, feed, r))
		return; /* locked or full: said; looked at again in a moment */
	r->look = r->in_flight - before == wanted;
	r->next_due = inbox_next_due(r->in->state, r->types, when_now_ms());
}

/* The pipeline has ended, or could not be started: what it had waits again, and the next one starts a little
 * later. */
static void collapse(struct run *r)
{
	int status = r->pipeline.pid ? pipeline_end(&r->pipeline) : 0;
	r->results.n = 0;
	if (!inbox_release(r->in->state, r->id))
		warnx("cannot give the events of the pipeline back: another run will");
	r->in_flight = 0;
	r->look = true;
	r->backoff = r->backoff ? r->backoff * 2 : BACKOFF_FIRST_MS;
	if (r->backoff > BACKOFF_MAX_MS)
		r->backoff = BACKOFF_MAX_MS;
	r->start_at = when_now_ms() + r->backoff;
	warnx("the pipeline ended (status %d): started again in %lld ms", status, (long long)r->backoff);
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
	if (now >= r->next_recover) {
		inbox_recover(r->in->state, r->locks, r->id);
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
	if (!stopped && r->look && r->in_flight <= r->parallel / 2 && now >= r->start_at && !r->results.n)
		claim(r);
	if (r->in_flight && !p->pid && !pipeline_start(p))
		collapse(r);
	if (p->pid)
		pipeline_write(p);
	bool idle = r->in_flight == 0 && !p->unsent.n;
	if (idle && (stopped || (r->once && !r->look)) && now >= r->start_at)
		return false;
	if (!r->look || r->in_flight > r->parallel / 2 || now < r->start_at)
		wait_a_moment(r);
	if (p->pid && !pipeline_read(p, take_result, r)) {
		if (r->results.n)
			settle(r);
		collapse(r);
	}
	if (r->results.n && !settle(r))
		poll(NULL, 0, LOOK_MS * 10);
	if (!r->results.n)
		arena_reset(&r->arena);
	show_progress(r, false);
	return true;
}

/* The types of -t as a JSON list. */
static const char *types_of(struct arena *a, const char *text)
{
	struct buf json = {0};
	buf_putc(&json, '[');
	while (text && *text) {
		size_t n = strcspn(text, ",");
		const char *type = arena_copy(a, (struct str){text, n});
		if (event_type_of(type) == EVENT_UNKNOWN)
			errx(EX_USAGE, "-t %s: no type of event: see pnow-event(5)", type);
		if (json.n > 1)
			buf_putc(&json, ',');
		buf_json(&json, str_of(type));
		text += n + (text[n] == ',');
	}
	buf_putc(&json, ']');
	const char *list = arena_copy(a, buf_str(&json));
	buf_free(&json);
	return list;
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
			r->types = types_of(a, optarg);
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
	return r.dead ? 1 : EX_OK;
}
