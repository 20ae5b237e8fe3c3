/*
 * One practice's part of a run: feeds events that are due into its pipeline, reads results, settles each by
 * its id. What the database says is due is claimed in batches, what comes back is settled in batches, so a
 * commit is shared: a result waits a moment for those of others that are at work, but where something is due
 * that may be behind it. Nothing here waits: service.c says when there is something to be done.
 *
 * - A practice that has nothing to do has no process, no open file and no timer of its own: what wakes it is
 *   a wake-up (state/wakeup.h), the moment at which its next event is due, or the slow look.
 * - The slow look is at a moment that is the same for all practices. Of a state file that is closed it asks
 *   only whether it was written since; in PostgreSQL who listens for all practices asks for all of them.
 * - In PostgreSQL a run may lose its lock (state/locks.c): the slow look takes it anew, and without it
 * nothing is claimed.
 * - A pipeline needs a place. It is taken before the first event is claimed, and given back when the pipeline
 *   has ended. While others wait for one, an idle pipeline ends, and a busy one gets no more after a while.
 */
#include "pnow-inbox.h"
#include "state/postgres.h"
#include "state/wakeup.h"
#include "stream/trouble.h"
#include "value/when.h"

#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	BACKOFF_FIRST_MS = 100,
	BACKOFF_MAX_MS = 10000,
	ALONE_AFTER = 3,          /* collapses in a row without a result: then events go in one by one */
	COLLAPSES_MAX = 5,        /* of -1: collapses in a row, none of one event's making: given up */
	IDLE_MS = 60000,          /* a pipeline has had nothing to do for so long: it ends */
	SILENCE_MS = 5000,        /* of -1: nothing is due, and no answer has come for so long */
	PATIENCE_MS = 15 * 60000, /* an event is in it for so long: longer than pnow-enrich waits */
	TROUBLE_MS = 100,         /* between attempts where the state file cannot be written, */
	TROUBLE_MAX_MS = 2000,    /* where it lasts, and each keeps other practices waiting */
	GIVE_UP_MS = 5000,        /* of -1: for so long it could not be */
	TURN_MS = 1000,           /* that a busy pipeline has a place while others wait */
	GATHER_MS = 100,          /* a result may wait so long for others to be settled with, */
	GATHER_MOST = 16,         /* of so few: what they answer finds room in a pipe meanwhile */
};

/* What a state file looks like from outside. */
struct footprint {
	struct timespec written[2]; /* the file, its log */
	off_t size[2];
};

struct run {
	struct run_all *all;
	struct conf *conf;
	struct state *state; /* NULL: closed, while there is nothing to do */
	struct locks *locks; /* with state */
	char id[24];
	struct pipeline pipeline;
	size_t in_flight;
	int watched;                /* of wakeups.h */
	bool look;                  /* something may be due that was not a moment ago */
	bool looked;                /* it was looked, and nothing was due */
	int64_t seen;               /* state_version */
	struct footprint footprint; /* when the file was opened, or closed */
	int64_t next_due, look_at;
	int64_t open_at;     /* not before: the state file could not be opened */
	int64_t start_at;    /* not before: the pipeline has died */
	int64_t pause_until; /* nothing is written before: the state file could not be */
	bool place;          /* for a pipeline */
	bool yields;         /* that place is being made free */
	bool sated;          /* it has had its turn, and others wait */
	int64_t place_since;
	int64_t waits_since; /* for a place; 0: it does not */
	bool leaving;
	bool over; /* given up */
	int64_t backoff;
	int collapses;     /* since the last result */
	bool killer;       /* the event in flight has just killed the pipeline, alone */
	int64_t heard;     /* when something went in or came out */
	int64_t oldest;    /* when the event in flight that waits longest was claimed */
	size_t dead;       /* events */
	int64_t unwritten; /* since when the state file cannot be written; 0: it can */
	bool lost;         /* events of runs that have died may still have to be given back */
	bool doubtful;     /* another run may have died, which is not certain yet */
	int status;        /* as of given up, or a state file that cannot be opened */
	struct trouble trouble;
	struct arena arena; /* of one turn */
	struct results {
		struct inbox_result *at;
		size_t n, room;
	} results;            /* read and not yet settled */
	int64_t gather_until; /* they wait for others until then; 0: they do not */
};

/* A line for people; with several practices it begins with this one's name. What a sender calls an id may be
   anything: it is a line all the same. */
__attribute__((format(printf, 2, 3))) static void tell(const struct run *r, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	str_plain(text);
	if (isatty(STDERR_FILENO) && !r->all->verbose)
		fputs("\r\033[K", stderr); /* service.c's progress */
	if (r->all->many)
		warnx("%s: %s", r->conf->practice, text);
	else
		warnx("%s", text);
}

/* What a line begins with that is about one of several practices. */
static const char *name_of(const struct run *r, struct arena *a)
{
	return r->all->many ? arena_printf(a, "%s: ", r->conf->practice) : "";
}

/* Gives up; its events wait. */
static void give_up(struct run *r)
{
	r->over = true;
	r->status = EX_TEMPFAIL;
	pipeline_close(&r->pipeline);
	r->pipeline.pid = 0; /* nobody waits for what it does now */
}

static void set_in_flight(struct run *r, size_t n)
{
	r->all->in_flight += n - r->in_flight;
	r->in_flight = n;
}

/* --- What comes back --- */

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
	const char *wrong = result_read(&r->arena, line, &result);
	if (wrong) {
		tell(r, "%s", wrong);
		return;
	}
	add_result(r, &result);
}

/* The events in the pipeline get a result that says they have none. */
static void take_unanswered(struct run *r)
{
	struct state_rows rows = inbox_unanswered(r->state, r->id);
	while (state_next(&rows)) {
		struct inbox_result result = result_missing(&r->arena, state_copy(&rows, &r->arena, 0), r->killer);
		add_result(r, &result);
	}
	state_done(&rows);
}

/* How long the state file is left alone that cannot be opened or written now. */
static int64_t trouble_pause(struct run *r, int64_t now)
{
	if (!r->unwritten || r->unwritten > now)
		r->unwritten = now;
	int64_t lasts = now - r->unwritten, ms = r->all->many && lasts > TROUBLE_MS ? lasts : TROUBLE_MS;
	return ms < TROUBLE_MAX_MS ? ms : TROUBLE_MAX_MS;
}

/* The state file cannot be written: tried again in a moment. A run that is to end gives up when that has
   lasted; its events wait, since its lock goes with it. */
static void wait_for_disk(struct run *r)
{
	int64_t now = when_now_ms();
	r->pause_until = now + trouble_pause(r, now);
	if (!r->all->once || now - r->unwritten < GIVE_UP_MS)
		return;
	tell(r, "the state cannot be written: given up; its events wait");
	give_up(r);
}

static void tell_dead(struct run *r, const struct inbox_result *result)
{
	struct buf next = {0};
	if (!r->dead) {
		buf_puts(&next, "; when that is mended: pnow-inbox -c ");
		buf_shell(&next, r->conf->file);
		buf_puts(&next, " retry -s dead");
	}
	tell(r, "event %s is dead: %s%s", result->id, result_cause(&r->arena, result),
		buf_take(&next, &r->arena).p);
}

/* Says that an event is dead, and that a kind of failure has begun or is over: of other events that wait for
   it nothing is said. */
static void tell_failure(
	struct run *r, const struct inbox_result *result, const struct inbox_settled *settled, bool dead)
{
	if (dead)
		tell_dead(r, result);
	else if (settled->first)
		tell(r, "event %s %s %lld s: %s; more of that kind are not told", result->id,
			result->retry_after ? "is put off for" : "has failed, and is tried again in",
			(long long)settled->wait / 1000, result_cause(&r->arena, result));
	if (settled->over)
		tell(r, "no event waits any more because of \"%s\"", settled->over);
}

/* Counts an event that is settled or waits again, and says of it what is news. */
static void count_settled(
	struct run *r, const struct inbox_result *result, const struct inbox_settled *settled)
{
	if (!settled->state)
		return;
	bool dead = strcmp(settled->state, "dead") == 0;
	if (r->all->verbose)
		tell(r, "%s: %s", result->id, settled->state);
	tell_failure(r, result, settled, dead);
	r->all->settled += strcmp(settled->state, "waiting") != 0;
	r->all->dead += dead;
	r->dead += dead;
	set_in_flight(r, r->in_flight - 1);
}

/* After a result of no event that the run has: a second one, or it was settled by a commit of which nobody
   knew whether it was one. What is in flight is no more than what the state says. */
static void count_in_flight(struct run *r)
{
	int64_t n;
	if (inbox_in_flight(r->state, r->id, &n) == STATE_ROW && (size_t)n < r->in_flight)
		set_in_flight(r, (size_t)n);
}

/* Settles the first n of what has come back, in one transaction. */
static bool settle_some(struct run *r, size_t n)
{
	struct inbox_settled *settled = arena_alloc(&r->arena, n * sizeof *settled);
	size_t known = 0;
	bool waits;
	bool done = inbox_settle(r->state, &r->arena, r->conf, r->id, r->results.at, n, settled, &waits);
	if (!state_end(r->state, done) || !done)
		return false;
	for (size_t i = 0; i < n; i++) {
		known += settled[i].state != NULL;
		count_settled(r, &r->results.at[i], &settled[i]);
	}
	r->unwritten = 0;
	r->results.n -= n;
	memmove(r->results.at, r->results.at + n, r->results.n * sizeof *r->results.at);
	r->look |= waits;
	if (known)
		r->backoff = r->collapses = 0;
	if (known < n)
		count_in_flight(r);
	return true;
}

/* Settles what has come back, all in one transaction, or in smaller ones where that fails; false where the
   file cannot be written now. */
static bool settle(struct run *r)
{
	size_t n = r->results.n;
	r->gather_until = 0;
	while (n && r->results.n) {
		if (n > r->results.n)
			n = r->results.n;
		if (!state_begin(r->state))
			return false;
		if (!settle_some(r, n))
			n /= 2;
	}
	return !r->results.n;
}

/* --- The pipeline --- */

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
	return r->collapses >= ALONE_AFTER ? 1 : r->all->parallel;
}

/* Whether a fault in the pipeline ended it, by a signal or as a shell tells of one; not a command that could
 * not start. */
static bool crashed(int status)
{
	return WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) > 128);
}

/* The pipeline has died, or could not be started: what it had waits again, and the next one starts a little
   later. */
static void collapse(struct run *r, int status)
{
	r->results.n = 0;
	r->gather_until = 0;
	r->pipeline.unsent.n = 0;
	r->lost = !inbox_release(r->state, r->id);
	if (r->lost)
		tell(r, "cannot give the events of the pipeline back now");
	set_in_flight(r, 0);
	r->look = true;
	r->collapses++;
	r->backoff = r->backoff ? r->backoff * 2 : BACKOFF_FIRST_MS;
	if (r->backoff > BACKOFF_MAX_MS)
		r->backoff = BACKOFF_MAX_MS;
	r->start_at = when_now_ms() + r->backoff;
	if (r->all->once && r->collapses == COLLAPSES_MAX) {
		tell(r,
			"the pipeline has ended %d times without a result, the last time %s: given up; its events wait",
			COLLAPSES_MAX, ending(status));
		give_up(r);
		return;
	}
	tell(r, "the pipeline ended %s: started again in %lld ms", ending(status), (long long)r->backoff);
}

/* The pipeline has ended. Where it was told to come to an end and did, an event without a result will get
   none: that is a failed attempt of this event, or a filter that drops events would have them fed for ever.
 */
static void pipeline_over(struct run *r, int status)
{
	bool told = r->pipeline.told;
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

/* Whether nothing more is to be begun. */
static bool ends(const struct run *r)
{
	return r->all->stopped || r->leaving;
}

/* Whether the pipeline has nothing to do. */
static bool is_idle(const struct run *r)
{
	return !r->in_flight && !r->pipeline.unsent.n && !r->results.n;
}

/* Whether the pipeline should get no more. An idle one: the run is to end, or there has been nothing to do
   for long. One that is at work: the run is to end, or some events seem to get no result; it finishes what it
   has, so an event that only takes long gets its result still. */
static bool should_finish(const struct run *r, int64_t now)
{
	bool last = r->all->once && !r->look;
	if (r->pipeline.unsent.n)
		return false;
	if (is_idle(r))
		return ends(r) || last || now - r->heard >= IDLE_MS;
	return ends(r) || (last && now - r->heard >= SILENCE_MS) || now - r->oldest >= PATIENCE_MS;
}

/* An idle pipeline makes room where others wait for it. */
static void yield(struct run *r)
{
	if (!is_idle(r) || r->all->waiting <= r->all->places + r->all->on_the_way)
		return;
	pipeline_finish(&r->pipeline);
	r->yields = true;
	r->all->on_the_way++;
}

/* --- The state file --- */

static struct footprint footprint_of(const char *state)
{
	struct footprint f = {0};
	struct arena a = {0};
	if (postgres_is(state))
		return f;
	const char *files[] = {state, arena_printf(&a, "%s-wal", state)};
	for (size_t i = 0; i < COUNT(files); i++) {
		struct stat st;
		if (stat(files[i], &st) == 0) {
			f.written[i] = st.st_mtim;
			f.size[i] = st.st_size;
		}
	}
	arena_free(&a);
	return f;
}

static void close_state(struct run *r)
{
	if (!r->state)
		return;
	if (r->locks)
		lock_free(r->locks, LOCK_RUN, r->id);
	locks_close(r->locks);
	state_close(r->state);
	r->locks = NULL;
	r->state = NULL;
}

/* What runs that have died had in their pipelines waits again, and what could not be given back when this
   one's died. */
static void give_back(struct run *r)
{
	bool done = inbox_recover(r->state, r->locks, r->id, &r->doubtful) &&
				(r->in_flight || inbox_release(r->state, r->id));
	if (r->lost && done) {
		r->look = true;
		r->unwritten = 0;
	}
	r->lost = !done;
	if (!done && !r->in_flight)
		wait_for_disk(r);
}

/* What other processes may have changed in an open file. */
static void look_into(struct run *r)
{
	struct state_failure why;
	lock_keep(r->locks, LOCK_RUN, r->id, &why); /* claim() asks whether it has it */
	int64_t version = state_version(r->state);
	r->look |= version != r->seen;
	r->seen = version;
	give_back(r);
	r->oldest = inbox_oldest_claim(r->state, r->id);
}

/* Whether the file looks other than when it was opened or closed. */
static bool has_changed(const struct run *r)
{
	struct footprint now = footprint_of(r->conf->state);
	return memcmp(&now, &r->footprint, sizeof now) != 0;
}

bool run_open(struct run *r, struct state_failure *why)
{
	const char *path = r->conf->state;
	r->state = state_try(path, r->all->busy_ms, why);
	if (!r->state)
		return false;
	r->locks = locks_try(path, why);
	if (r->locks && lock_keep(r->locks, LOCK_RUN, r->id, why)) {
		look_into(r);
		return true;
	}
	close_state(r);
	return false;
}

/* Closes the file while nothing is to be done. Where it has changed since it was opened, the next slow look
   opens it once more. */
static void rest(struct run *r)
{
	if (inbox_is_running(r->state))
		return; /* another's: it may die */
	close_state(r);
	if (has_changed(r))
		r->footprint = (struct footprint){0};
}

/* Opens the file where it is needed; false where it is not open. */
static bool is_open(struct run *r, int64_t now)
{
	struct state_failure why = {0};
	if (r->state)
		return true;
	if (!r->look || now < r->open_at || ends(r))
		return false;
	r->footprint = footprint_of(r->conf->state);
	if (run_open(r, &why)) {
		trouble_over(&r->trouble, "%s%s %s: can be opened again", name_of(r, &r->arena),
			conf_state_noun(r->conf->state), r->conf->state);
		r->status = EX_OK;
		r->unwritten = 0;
		return true;
	}
	trouble_is(&r->trouble, "%s%s", name_of(r, &r->arena), why.why);
	r->status = why.status;
	r->open_at = now + (why.status == EX_TEMPFAIL ? trouble_pause(r, now) : r->all->look_ms);
	r->over = r->all->once;
	return false;
}

/* Looks for what no wake-up tells: a moment has come at which something is due; and, now and then, all
   that might have been missed. */
static void look_around(struct run *r, int64_t now)
{
	bool slow = now >= r->look_at;
	if (now >= r->next_due) {
		r->look = true;
		r->next_due = INT64_MAX;
	}
	if (slow) {
		r->look_at = (now / r->all->look_ms + 1) * r->all->look_ms;
		r->watched = wakeups_watch(r->all->wakeups, r->conf->state);
	}
	if (r->state && (slow || (r->lost && !r->in_flight && now >= r->pause_until)))
		look_into(r);
	else if (slow && !r->state)
		r->look |= has_changed(r);
}

/* --- Feeding --- */

/* Whether the pipeline can be given more, and there may be more; when is another matter. */
static bool wants_more(const struct run *r)
{
	bool finishing = r->pipeline.pid && r->pipeline.in < 0;
	return !ends(r) && !finishing && !r->sated && r->look && !r->waits_since &&
		   r->in_flight <= window(r) / 2 && (!r->results.n || r->gather_until);
}

/* When it may be given more. */
static int64_t not_before(const struct run *r)
{
	int64_t t = r->start_at > r->pause_until ? r->start_at : r->pause_until;
	return r->state || r->open_at < t ? t : r->open_at;
}

/* An event that was claimed goes to the pipeline. */
static void feed(struct run *r, const struct inbox_claimed *event)
{
	buf_puts(&r->pipeline.unsent, event->line);
	buf_putc(&r->pipeline.unsent, '\n');
}

/* Fills the pipeline up with what is due. */
static void claim(struct run *r)
{
	size_t wanted = window(r) - r->in_flight;
	struct inbox_claim claim;
	struct state_failure why;
	if (!lock_keep(r->locks, LOCK_RUN, r->id, &why) ||
		!inbox_claim(r->state, &r->arena, r->id, r->all->types, wanted, &claim)) {
		wait_for_disk(r); /* locked or full: said; looked at again in a moment */
		return;
	}
	for (size_t i = 0; i < claim.n; i++)
		feed(r, &claim.at[i]);
	set_in_flight(r, r->in_flight + claim.n);
	r->unwritten = 0;
	r->look = claim.n == wanted;
	r->looked = !r->look;
	r->next_due = inbox_next_due(r->state, r->all->types, when_now_ms());
	if (claim.n)
		r->heard = when_now_ms();
}

void run_place(struct run *r)
{
	r->all->waiting -= r->waits_since != 0;
	r->waits_since = 0;
	r->all->places--;
	r->place = true;
	r->place_since = when_now_ms();
}

static void leave_place(struct run *r)
{
	r->all->places += r->place;
	r->all->on_the_way -= r->yields;
	r->place = r->yields = false;
}

/* Whether it has a place, or takes one; where all are taken, it waits for one if it has something to do. */
static bool has_place(struct run *r, int64_t now)
{
	if (!r->place && r->all->places && !r->all->waiting)
		run_place(r);
	if (r->place)
		return true;
	if (inbox_is_due(r->state, r->all->types)) {
		r->waits_since = now;
		r->all->waiting++;
	} else {
		r->look = false;
		r->looked = true;
		r->next_due = inbox_next_due(r->state, r->all->types, now);
	}
	return false;
}

/* --- A turn --- */

/* Whether results that have come wait for those of others that are at work: not where something is due, which
   may be behind one of them, or need its room in the pipeline. */
static bool gathers(struct run *r, int64_t now)
{
	if (r->in_flight <= r->results.n || r->in_flight > GATHER_MOST || r->unwritten || ends(r))
		return false;
	if (!r->gather_until)
		r->gather_until = inbox_has_due(r->state) ? now : now + GATHER_MS;
	return now < r->gather_until;
}

/* Reads results and settles them. */
static void hear(struct run *r, int64_t now)
{
	int status;
	pipeline_read(&r->pipeline, take_line, r);
	if (pipeline_ended(&r->pipeline, &status)) {
		pipeline_over(r, status);
		leave_place(r); /* before it is asked for again: who waits comes first */
	}
	if (r->results.n && now >= r->pause_until && !gathers(r, now) && !settle(r))
		wait_for_disk(r);
	if (!r->results.n)
		arena_reset(&r->arena);
}

/* Claims, starts the pipeline where there is something for it, and writes. */
static void feed_pipeline(struct run *r, int64_t now)
{
	struct pipeline *p = &r->pipeline;
	bool came = r->look;
	r->sated = r->place && r->all->waiting && now - r->place_since >= TURN_MS;
	if (wants_more(r) && now >= not_before(r) && is_open(r, now) && has_place(r, now))
		claim(r);
	if (came && r->gather_until && inbox_has_due(r->state))
		r->gather_until = now; /* what is due may be behind one that has a result */
	if (r->in_flight && !p->pid && !r->results.n && !r->over && !pipeline_start(p, r->all->command, r->conf))
		collapse(r, W_EXITCODE(127, 0)); /* as a shell has it */
	if (p->pid)
		pipeline_write(p);
	if (p->pid && p->in >= 0 && should_finish(r, now))
		pipeline_finish(p);
	else if (p->pid && p->in >= 0)
		yield(r);
}

void run_hear(struct run *r)
{
	int64_t now = when_now_ms();
	look_around(r, now);
	hear(r, now);
}

bool run_feed(struct run *r)
{
	feed_pipeline(r, when_now_ms());
	if (r->over)
		return false;
	if (r->pipeline.pid || !is_idle(r))
		return true;
	leave_place(r);
	if (ends(r) || (r->all->once && !r->look && !r->lost && !r->doubtful))
		return false;
	if (r->looked && r->state && !r->look && !r->lost)
		rest(r);
	r->looked = false;
	return true;
}

/* --- For the loop --- */

struct run *run_new(struct run_all *all, struct conf *conf)
{
	struct run *r = allocated(calloc(1, sizeof *r));
	*r = (struct run){.all = all,
		.conf = conf,
		.look = true,
		.seen = -1,
		.watched = -1,
		.next_due = INT64_MAX,
		.oldest = INT64_MAX,
		.pipeline = {.in = -1, .out = -1}};
	snprintf(r->id, sizeof r->id, "%08x%08x", arc4random(), arc4random());
	return r;
}

void run_wake(struct run *r, int watched)
{
	r->look |= r->watched == watched;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t run_next(const struct run *r)
{
	int64_t next = least(r->look_at, r->next_due);
	if (wants_more(r))
		next = least(next, not_before(r));
	if (r->results.n || (r->lost && !r->in_flight))
		next = least(next, r->gather_until > r->pause_until ? r->gather_until : r->pause_until);
	if (r->pipeline.pid && r->pipeline.in >= 0 && !r->pipeline.unsent.n) {
		if (is_idle(r))
			next = least(next, r->heard + IDLE_MS);
		else if (r->all->once && !r->look)
			next = least(next, r->heard + SILENCE_MS);
	}
	return next;
}

int run_watched(const struct run *r)
{
	return r->watched;
}

int64_t run_waits(const struct run *r)
{
	return r->waits_since;
}

size_t run_polled(const struct run *r, struct pollfd fds[static 2])
{
	const struct pipeline *p = &r->pipeline;
	size_t n = 0;
	if (p->pid && p->out >= 0 && !r->gather_until)
		fds[n++] = (struct pollfd){.fd = p->out, .events = POLLIN};
	if (p->pid && p->in >= 0 && p->unsent.n)
		fds[n++] = (struct pollfd){.fd = p->in, .events = POLLOUT};
	return n;
}

void run_leave(struct run *r)
{
	r->leaving = true;
}

void run_clock(struct run *r)
{
	r->look_at = r->start_at = r->pause_until = r->open_at = r->gather_until = 0;
	r->heard = r->place_since = when_now_ms();
}

int run_status(const struct run *r)
{
	if (r->status && !r->leaving) /* its successor has one of its own */
		return r->status;
	if (r->dead)
		return 1;
	return r->all->once && r->state && inbox_is_failing(r->state, r->all->types) ? EX_TEMPFAIL : EX_OK;
}

void run_free(struct run *r)
{
	leave_place(r);
	r->all->waiting -= r->waits_since != 0;
	set_in_flight(r, 0);
	pipeline_free(&r->pipeline);
	close_state(r);
	conf_free(r->conf);
	free(r->results.at);
	arena_free(&r->arena);
	free(r);
}
