/*
 * Several records at once: the reading thread puts each into a job, worker threads take the first one whose
 * key nobody else works on. So one patient's events keep their order and everybody else's do not wait for
 * them. The number of jobs is bounded, and with it the memory. A worker is started only when a job finds none
 * idle: one event costs one thread.
 */
#include "stream/pool.h"

#include <err.h>
#include <pthread.h>
#include <stdlib.h>
#include <sysexits.h>

enum { JOBS_EACH = 8 }; /* jobs for each worker, waiting ones counted */

enum job_state { JOB_WAITING, JOB_WORKING, JOB_DONE };

struct job {
	struct job *next; /* in the order of the lines */
	enum job_state state;
	char *line;
	const char *key; /* the arena's, or NULL */
	struct record record;
	struct arena arena;
	struct buf out;
};

struct pool {
	const struct record_loop *loop;
	struct stream *stream;
	struct record_tally *tally;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t more;  /* a job waits, or the input has ended */
	pthread_cond_t fewer; /* a job has gone */
	struct job *jobs, **last;
	unsigned count, waiting, idle, workers;
	bool ended;
};

/* Whether a job may start: nothing with its key stands before it. */
static bool may_start(const struct pool *p, const struct job *job)
{
	if (job->state != JOB_WAITING)
		return false;
	for (const struct job *j = p->jobs; j != job && job->key; j = j->next)
		if (j->state != JOB_DONE && j->key && strcmp(j->key, job->key) == 0)
			return false;
	return true;
}

static struct job *take(struct pool *p)
{
	for (struct job *job = p->jobs; job; job = job->next)
		if (may_start(p, job))
			return job;
	return NULL;
}

static void free_job(struct job *job)
{
	arena_free(&job->arena);
	buf_free(&job->out);
	free(job->record.members.at);
	free(job->line);
	free(job);
}

/* Writes what is done, in order if the loop asks for that, and lets it go. */
static void write_done(struct pool *p)
{
	for (struct job **at = &p->jobs; *at;) {
		struct job *job = *at;
		if (job->state != JOB_DONE) {
			if (p->loop->in_order)
				break;
			at = &job->next;
			continue;
		}
		if (!p->loop->silent)
			stream_write(p->stream, buf_str(&job->out));
		record_count(p->tally, &job->record);
		*at = job->next;
		if (p->last == &job->next)
			p->last = at;
		free_job(job);
		p->count--;
	}
	pthread_cond_signal(&p->fewer);
}

static void *work(void *context)
{
	struct pool *p = context;
	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct job *job = take(p);
		if (!job) {
			if (p->ended && !p->jobs)
				break;
			p->idle++;
			pthread_cond_wait(&p->more, &p->lock);
			p->idle--;
			continue;
		}
		job->state = JOB_WORKING;
		p->waiting--;
		pthread_mutex_unlock(&p->lock);
		record_work(&job->record, p->loop, &job->out);
		pthread_mutex_lock(&p->lock);
		job->state = JOB_DONE;
		write_done(p);
		pthread_cond_broadcast(&p->more);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Puts a job at the end and sees that somebody works on it; waits while there are too many. */
static void put(struct pool *p, struct job *job, pthread_t *threads)
{
	pthread_mutex_lock(&p->lock);
	while (p->count >= p->loop->parallel * JOBS_EACH) {
		stream_waits(p->stream, true);
		pthread_cond_wait(&p->fewer, &p->lock);
		stream_waits(p->stream, false);
	}
	*p->last = job;
	p->last = &job->next;
	p->count++;
	if (job->state == JOB_DONE) {
		write_done(p);
	} else if (++p->waiting <= p->idle) {
		pthread_cond_signal(&p->more);
	} else if (p->workers < p->loop->parallel && pthread_create(&threads[p->workers], NULL, work, p) == 0) {
		p->workers++;
	} else if (!p->workers) {
		errx(EX_OSERR, "cannot start a thread");
	}
	pthread_mutex_unlock(&p->lock);
}

static struct job *new_job(const struct record_loop *loop, struct str line, size_t number)
{
	struct job *job = calloc(1, sizeof *job);
	if (!job || !(job->line = malloc(line.n + 1)))
		out_of_memory();
	if (line.n)
		memcpy(job->line, line.p, line.n);
	job->record = (struct record){.line = {job->line, line.n},
		.number = number,
		.arena = &job->arena,
		.stage = loop->stage,
		.bare = loop->bare};
	return job;
}

static void read_all(struct pool *p, pthread_t *threads)
{
	struct str line;
	enum stream_line kind;
	size_t number = 1, part = 0;
	while ((kind = stream_read(p->stream, &line)) != STREAM_END) {
		struct job *job = new_job(p->loop, line, number);
		if (kind != STREAM_LINE) {
			record_too_long(line, p->loop->stage, number, &part, &job->out);
			job->record.failed = true;
			job->state = JOB_DONE;
		} else if (!record_read(&job->record, &job->out)) {
			job->state = JOB_DONE;
		} else if (p->loop->key) {
			job->key = p->loop->key(&job->record, p->loop->context);
		}
		if (kind != STREAM_PART) {
			number++;
			part = 0;
		}
		put(p, job, threads);
	}
}

void pool_run(const struct record_loop *loop, struct stream *stream, struct record_tally *tally)
{
	struct pool p = {.loop = loop, .stream = stream, .tally = tally, .last = &p.jobs};
	pthread_t *threads = allocated(calloc(loop->parallel, sizeof *threads));
	pthread_mutex_init(&p.lock, NULL);
	pthread_cond_init(&p.more, NULL);
	pthread_cond_init(&p.fewer, NULL);
	read_all(&p, threads);
	stream_waits(stream, true);
	pthread_mutex_lock(&p.lock);
	p.ended = true;
	pthread_cond_broadcast(&p.more);
	pthread_mutex_unlock(&p.lock);
	for (unsigned i = 0; i < p.workers; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	pthread_cond_destroy(&p.more);
	pthread_cond_destroy(&p.fewer);
	pthread_mutex_destroy(&p.lock);
}
