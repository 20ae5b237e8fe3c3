/*
 * Several records at once, none of which waits for another's sake:
 *
 * - The reading thread makes a job of each record. The jobs of one key are a chain: the first is ready,
 *   each of the others becomes ready when the one before it is done. So one patient's events keep their
 *   order, and nobody else waits for them.
 * - A ready job is given to a worker, a thread of its own, while fewer than loop->parallel are at work. One
 *   that waits for something (record_waits) is not: another gets a job meanwhile. Who goes on is at work
 *   again as soon as there is a place, before any new job. Nobody who is at work waits for one who is not,
 *   so there will be one.
 * - The jobs in hand are bounded in number and in bytes, and with them the workers and the memory. A worker
 *   is started only when none is idle: one event costs one thread. What a burst has taken is given back when
 *   it is over: of idle workers only as many stay as may be at work.
 * - What a job has to say goes out as soon as it is done; in order, when those before it have gone out,
 *   too. One worker writes, for all that are done meanwhile, and without the lock: the output may take its
 *   time, and whoever reads it may need what another worker holds.
 */
#include "stream/pool.h"
#include "text/heap.h"
#include "text/waits.h"

#include <err.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sysexits.h>

enum {
	BYTES_AT_ONCE = 64 * RECORD_MAX,
	CHAINS = 256,
	MANY = 32, /* jobs in hand are a burst */
	STACK = 512 * 1024,
	GUARD = 64 * 1024, /* of it: the pages of any machine */
};

struct job {
	struct job *next;   /* in the order of the lines, or of those that go out, */
	struct job *ready;  /* of those that are ready, */
	struct job *behind; /* of those with this key */
	struct job *other;  /* the end of another chain whose key has this place of the table */
	bool done;
	size_t size; /* of the line */
	char *line;
	const char *key; /* the arena's, or NULL */
	struct record record;
	struct arena arena;
	struct buf out;
};

struct worker {
	struct pool *pool;
	struct worker *next; /* that is idle, that has gone, or that wants to go on */
	pthread_t thread;
	void *stack;  /* of the thread, which is to be joined; NULL: it has none */
	sem_t called; /* it has a job, or a place again; who is woken needs no lock */
	struct job *job;
	unsigned waits; /* for how many things, one inside of another */
};

struct pool {
	const struct record_loop *loop;
	struct stream *stream;
	struct record_tally *tally;
	pthread_mutex_t lock;                /* of what follows */
	pthread_cond_t fewer;                /* a job has gone */
	struct job *jobs, **last;            /* in order */
	struct job *leaving, **last_leaving; /* done, and not yet written */
	bool writing;                        /* somebody is */
	struct job *ready, **last_ready;
	struct job *chains[CHAINS]; /* the last job of each key, by its hash */
	unsigned count, at_work, started;
	struct heap_burst burst; /* of count */
	size_t bytes;
	bool closing;
	struct worker *idle, *gone;
	unsigned idle_n, living;
	struct worker *going, **last_going; /* who wants to go on */
	struct worker workers[RECORDS_BEGUN];
};

/* What becomes of a line. */
enum fate {
	FATE_WORK,   /* a worker gets it */
	FATE_PASSES, /* so does one of these, where there is one with its key before it */
	FATE_DONE,   /* it is no record */
};

static _Thread_local struct worker *this_worker;

/* --- What is ready --- */

static void is_ready(struct pool *p, struct job *job)
{
	*p->last_ready = job;
	p->last_ready = &job->ready;
}

static struct job *take_ready(struct pool *p)
{
	struct job *job = p->ready;
	p->ready = job->ready;
	if (!p->ready)
		p->last_ready = &p->ready;
	return job;
}

/* Where the table has the last job of a key, or would have it. */
static struct job **chain_of(struct pool *p, const char *key)
{
	struct job **at = &p->chains[str_hash(key) % CHAINS];
	while (*at && strcmp((*at)->key, key) != 0)
		at = &(*at)->other;
	return at;
}

/* Puts a job behind those with its key; without one before it, it is ready. */
static void join_chain(struct pool *p, struct job *job)
{
	struct job **at = job->key ? chain_of(p, job->key) : NULL, *before = at ? *at : NULL;
	if (at)
		*at = job;
	if (!before) {
		is_ready(p, job);
		return;
	}
	job->other = before->other;
	before->behind = job;
}

static void leave_chain(struct pool *p, struct job *job)
{
	if (job->behind)
		is_ready(p, job->behind);
	else if (job->key)
		*chain_of(p, job->key) = job->other;
}

/* --- What is done --- */

static void free_job(struct job *job)
{
	arena_free(&job->arena);
	buf_free(&job->out);
	free(job->record.members.at);
	free(job->line);
	free(job);
}

static void leave(struct pool *p, struct job *job)
{
	job->next = NULL;
	*p->last_leaving = job;
	p->last_leaving = &job->next;
}

/* Writes what is done, unless somebody does: the lock is not held meanwhile. */
static void write_out(struct pool *p)
{
	if (p->writing)
		return;
	p->writing = true;
	for (struct job *job; (job = p->leaving);) {
		p->leaving = job->next;
		if (!p->leaving)
			p->last_leaving = &p->leaving;
		pthread_mutex_unlock(&p->lock);
		if (!p->loop->silent)
			stream_write(p->stream, buf_str(&job->out));
		pthread_mutex_lock(&p->lock);
		record_count(p->tally, &job->record);
		p->count--;
		p->bytes -= job->size;
		pthread_cond_signal(&p->fewer);
		free_job(job);
		if (heap_burst_over(&p->burst, p->count, MANY))
			heap_give_back();
	}
	p->writing = false;
}

/* A job is done: it goes out, and with it those that have waited for it. */
static void end(struct pool *p, struct job *job)
{
	job->done = true;
	if (!p->loop->in_order)
		leave(p, job);
	for (struct job *first; (first = p->jobs) && first->done; leave(p, first))
		p->jobs = first->next;
	if (!p->jobs)
		p->last = &p->jobs;
	write_out(p);
}

/* --- Workers --- */

static void give_out(struct pool *p);
static void join(struct worker *w);

/* A worker's job is done. False: so many are idle that it goes. */
static bool rests(struct pool *p, struct worker *w)
{
	pthread_mutex_lock(&p->lock);
	leave_chain(p, w->job);
	end(p, w->job);
	p->at_work--;
	w->job = NULL;
	bool stays = p->idle_n < p->loop->parallel;
	if (stays) {
		w->next = p->idle;
		p->idle = w;
		p->idle_n++;
	}
	give_out(p);
	if (!stays) {
		if (p->gone)
			join(p->gone); /* it needs no lock any more */
		w->next = p->gone;
		p->gone = w;
		p->living--;
	}
	pthread_mutex_unlock(&p->lock);
	return stays;
}

static void *work(void *context)
{
	struct worker *w = this_worker = context;
	while (w->job) {
		record_work(&w->job->record, w->pool->loop, &w->job->out);
		if (!rests(w->pool, w))
			break;
		waits_for(&w->called);
	}
	return NULL;
}

/* Waits for a worker's thread to end, and gives its stack back, which the C library would keep. */
static void join(struct worker *w)
{
	if (!w->stack)
		return;
	pthread_join(w->thread, NULL);
	sem_destroy(&w->called);
	munmap(w->stack, STACK);
	w->stack = NULL;
}

/* A worker that is not there; NULL: there are as many as there may be. */
static struct worker *new_worker(struct pool *p)
{
	struct worker *w = p->gone;
	if (!w)
		return p->started < RECORDS_BEGUN ? &p->workers[p->started++] : NULL;
	p->gone = w->next;
	join(w);
	return w;
}

/* Starts a worker's thread. False: the system does not let us. */
static bool start_thread(struct worker *w)
{
	pthread_attr_t attributes;
	void *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return false;
	sem_init(&w->called, 0, 0);
	pthread_attr_init(&attributes);
	bool started = mprotect(stack, GUARD, PROT_NONE) == 0 &&
				   pthread_attr_setstack(&attributes, stack, STACK) == 0 &&
				   pthread_create(&w->thread, &attributes, work, w) == 0;
	pthread_attr_destroy(&attributes);
	if (started)
		w->stack = stack;
	else {
		sem_destroy(&w->called);
		munmap(stack, STACK);
	}
	return started;
}

/* Starts a worker for a job. False: there are as many as there may be, or the system does not let us. */
static bool start(struct pool *p, struct job *job)
{
	struct worker *w = new_worker(p);
	if (!w)
		return false;
	*w = (struct worker){.pool = p, .job = job};
	if (start_thread(w)) {
		p->living++;
		return true;
	}
	if (!p->living)
		errx(EX_OSERR, "cannot start a thread");
	w->next = p->gone;
	p->gone = w;
	return false;
}

/* Gives places to those that want to go on, then to workers for jobs that are ready. */
static void give_out(struct pool *p)
{
	for (struct worker *w; (w = p->going) && p->at_work < p->loop->parallel; p->at_work++) {
		p->going = w->next;
		if (!p->going)
			p->last_going = &p->going;
		sem_post(&w->called);
	}
	while (p->ready && p->at_work < p->loop->parallel) {
		struct worker *w = p->idle;
		if (!w && !start(p, p->ready))
			return;
		struct job *job = take_ready(p);
		p->at_work++;
		if (!w)
			continue;
		p->idle = w->next;
		p->idle_n--;
		w->job = job;
		sem_post(&w->called);
	}
}

void record_waits(void)
{
	struct worker *w = this_worker;
	if (!w || w->waits++)
		return;
	pthread_mutex_lock(&w->pool->lock);
	w->pool->at_work--;
	give_out(w->pool);
	pthread_mutex_unlock(&w->pool->lock);
}

void record_goes_on(void)
{
	struct worker *w = this_worker;
	if (!w || --w->waits)
		return;
	struct pool *p = w->pool;
	pthread_mutex_lock(&p->lock);
	w->next = NULL;
	*p->last_going = w;
	p->last_going = &w->next;
	give_out(p);
	pthread_mutex_unlock(&p->lock);
	waits_for(&w->called);
}

/* --- The reading thread --- */

static bool has_room(const struct pool *p, size_t bytes)
{
	return !p->count || (p->count < RECORDS_AT_ONCE && p->bytes + bytes <= BYTES_AT_ONCE);
}

/* Waits until so few jobs are in hand that there is room for another. */
static void await_room(struct pool *p, size_t bytes)
{
	pthread_mutex_lock(&p->lock);
	bool full = !has_room(p, bytes);
	pthread_mutex_unlock(&p->lock);
	if (!full)
		return;
	stream_waits(p->stream, true);
	pthread_mutex_lock(&p->lock);
	while (!has_room(p, bytes))
		pthread_cond_wait(&p->fewer, &p->lock);
	pthread_mutex_unlock(&p->lock);
	stream_waits(p->stream, false);
}

/* Takes a job in. */
static void put(struct pool *p, struct job *job, enum fate fate)
{
	await_room(p, job->size);
	pthread_mutex_lock(&p->lock);
	p->count++;
	heap_burst_over(&p->burst, p->count, MANY);
	p->bytes += job->size;
	if (p->loop->in_order) {
		*p->last = job;
		p->last = &job->next;
	}
	if (fate == FATE_PASSES && job->key && *chain_of(p, job->key))
		fate = FATE_WORK;
	if (fate == FATE_WORK)
		join_chain(p, job);
	if (fate == FATE_PASSES) { /* none with its key comes meanwhile: this thread brings them */
		pthread_mutex_unlock(&p->lock);
		record_work(&job->record, p->loop, &job->out);
		pthread_mutex_lock(&p->lock);
	}
	if (fate != FATE_WORK)
		end(p, job);
	give_out(p);
	pthread_mutex_unlock(&p->lock);
}

static struct job *new_job(const struct record_loop *loop, struct str line, size_t number)
{
	struct job *job = allocated(calloc(1, sizeof *job));
	job->line = allocated(malloc(line.n + 1));
	if (line.n)
		memcpy(job->line, line.p, line.n);
	job->size = line.n;
	job->record = (struct record){.line = {job->line, line.n},
		.number = number,
		.arena = &job->arena,
		.stage = loop->stage,
		.bare = loop->bare};
	return job;
}

static enum fate fate_of(const struct record_loop *loop, const struct record *r)
{
	return loop->passes && loop->passes(r, loop->context) ? FATE_PASSES : FATE_WORK;
}

static void read_all(struct pool *p)
{
	struct str line;
	enum stream_line kind;
	size_t number = 1, part = 0;
	while ((kind = stream_read(p->stream, &line)) != STREAM_END) {
		struct job *job = new_job(p->loop, line, number);
		enum fate fate = FATE_DONE;
		if (kind != STREAM_LINE) {
			record_too_long(line, p->loop->stage, number, &part, &job->out);
			job->record.failed = true;
		} else if (record_read(&job->record, &job->out)) {
			job->key = p->loop->key ? p->loop->key(&job->record, p->loop->context) : NULL;
			fate = fate_of(p->loop, &job->record);
		}
		if (kind != STREAM_PART) {
			number++;
			part = 0;
		}
		put(p, job, fate);
	}
}

/* Waits until everything is done, and for the workers to end. */
static void finish(struct pool *p)
{
	stream_waits(p->stream, true);
	pthread_mutex_lock(&p->lock);
	while (p->count)
		pthread_cond_wait(&p->fewer, &p->lock);
	p->closing = true;
	for (struct worker *w = p->idle; w; w = w->next)
		sem_post(&w->called);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->started; i++)
		join(&p->workers[i]);
}

void pool_run(const struct record_loop *loop, struct stream *stream, struct record_tally *tally)
{
	struct pool *p = allocated(calloc(1, sizeof *p));
	p->loop = loop;
	p->stream = stream;
	p->tally = tally;
	p->last = &p->jobs;
	p->last_leaving = &p->leaving;
	p->last_ready = &p->ready;
	p->last_going = &p->going;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->fewer, NULL);
	heap_share();
	read_all(p);
	if (loop->ended)
		loop->ended(loop->context);
	finish(p);
	pthread_cond_destroy(&p->fewer);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
