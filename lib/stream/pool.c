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
 *   is started only when none is idle: one event costs one thread.
 * - What a job has to say goes out as soon as it is done; in order, when those before it have gone out,
 *   too. One worker writes, for all that are done meanwhile, and without the lock: the output may take its
 *   time, and whoever reads it may need what another worker holds.
 */
#include "stream/pool.h"

#include <err.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
	BYTES_AT_ONCE = 64 * RECORD_MAX,
	CHAINS = 256,
	STACK = 512 * 1024,
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
	struct worker *next; /* that is idle, or that wants to go on */
	pthread_t thread;
	pthread_cond_t called;
	struct job *job;
	bool wants_place;
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
	size_t bytes;
	bool closing;
	struct worker *idle;
	struct worker *going, **last_going; /* who wants to go on */
	struct worker workers[RECORDS_BEGUN];
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

static void *work(void *context)
{
	struct worker *w = this_worker = context;
	struct pool *p = w->pool;
	pthread_mutex_lock(&p->lock);
	for (struct job *job; (job = w->job);) {
		pthread_mutex_unlock(&p->lock);
		record_work(&job->record, p->loop, &job->out);
		pthread_mutex_lock(&p->lock);
		leave_chain(p, job);
		end(p, job);
		p->at_work--;
		w->job = NULL;
		w->next = p->idle;
		p->idle = w;
		give_out(p);
		while (!w->job && !p->closing)
			pthread_cond_wait(&w->called, &p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Starts a worker for a job. False: the system does not let us. */
static bool start(struct pool *p, struct job *job)
{
	struct worker *w = &p->workers[p->started];
	pthread_attr_t attributes;
	*w = (struct worker){.pool = p, .job = job};
	pthread_cond_init(&w->called, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	bool started = pthread_create(&w->thread, &attributes, work, w) == 0;
	pthread_attr_destroy(&attributes);
	if (started)
		p->started++;
	else if (!p->started)
		errx(EX_OSERR, "cannot start a thread");
	return started;
}

/* Gives places to those that want to go on, then to workers for jobs that are ready. */
static void give_out(struct pool *p)
{
	for (struct worker *w; (w = p->going) && p->at_work < p->loop->parallel; p->at_work++) {
		p->going = w->next;
		if (!p->going)
			p->last_going = &p->going;
		w->wants_place = false;
		pthread_cond_signal(&w->called);
	}
	while (p->ready && p->at_work < p->loop->parallel) {
		struct worker *w = p->idle;
		if (!w && (p->started == RECORDS_BEGUN || !start(p, p->ready)))
			return;
		struct job *job = take_ready(p);
		p->at_work++;
		if (!w)
			continue;
		p->idle = w->next;
		w->job = job;
		pthread_cond_signal(&w->called);
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
	w->wants_place = true;
	w->next = NULL;
	*p->last_going = w;
	p->last_going = &w->next;
	give_out(p);
	while (w->wants_place)
		pthread_cond_wait(&w->called, &p->lock);
	pthread_mutex_unlock(&p->lock);
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

/* Takes a job in; one that is no record is done already. */
static void put(struct pool *p, struct job *job, bool is_record)
{
	await_room(p, job->size);
	pthread_mutex_lock(&p->lock);
	p->count++;
	p->bytes += job->size;
	if (p->loop->in_order) {
		*p->last = job;
		p->last = &job->next;
	}
	if (is_record)
		join_chain(p, job);
	else
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

static void read_all(struct pool *p)
{
	struct str line;
	enum stream_line kind;
	size_t number = 1, part = 0;
	while ((kind = stream_read(p->stream, &line)) != STREAM_END) {
		struct job *job = new_job(p->loop, line, number);
		bool is_record = kind == STREAM_LINE && record_read(&job->record, &job->out);
		if (kind != STREAM_LINE) {
			record_too_long(line, p->loop->stage, number, &part, &job->out);
			job->record.failed = true;
		} else if (is_record && p->loop->key) {
			job->key = p->loop->key(&job->record, p->loop->context);
		}
		if (kind != STREAM_PART) {
			number++;
			part = 0;
		}
		put(p, job, is_record);
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
		pthread_cond_signal(&w->called);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->started; i++) {
		pthread_join(p->workers[i].thread, NULL);
		pthread_cond_destroy(&p->workers[i].called);
	}
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
#ifdef M_ARENA_MAX
	mallopt(M_ARENA_MAX, 1); /* so many threads that mostly wait need no memory of their own */
#endif
	read_all(p);
	if (loop->ended)
		loop->ended(loop->context);
	finish(p);
	pthread_cond_destroy(&p->fewer);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
