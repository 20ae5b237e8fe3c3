/*
 * One buffer in, one out. A filter blocks in one place only, the ppoll of stream_read, and signals are let in
 * only there: so the record in hand is always finished, and nothing has to be safe against interruption.
 */
#include "stream/stream.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

enum { CHUNK = 128 * 1024, FLUSH = 64 * 1024 };

struct stream {
	int fd; /* of the input */
	char *in;
	size_t from, to; /* what was read and not yet given out */
	size_t searched; /* bytes from from on that hold no newline */
	size_t room, max;
	bool eof;
	bool broken; /* the input could not be read to its end */
	bool inside; /* of a line that is too long */
	void (*on_wait)(void *context);
	void *context;        /* of it */
	pthread_mutex_t lock; /* of what follows */
	struct buf out;
	bool waits;
	int failed; /* errno of a write */
};

static volatile sig_atomic_t stopped;
static sigset_t while_waiting;

static void stop(int signal)
{
	stopped = signal;
}

/* Blocks the signals that end the process; they come through only where the stream waits. */
static void arrange_signals(void)
{
	struct sigaction action = {.sa_handler = stop};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t ends;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, &while_waiting);
	sigdelset(&while_waiting, SIGTERM);
	sigdelset(&while_waiting, SIGINT);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

struct stream *stream_open(size_t max)
{
	struct stream *s = calloc(1, sizeof *s);
	if (!s || !(s->in = malloc(CHUNK)))
		out_of_memory();
	s->room = CHUNK;
	s->max = max;
	pthread_mutex_init(&s->lock, NULL);
	arrange_signals();
	return s;
}

void stream_file(struct stream *s, int fd)
{
	if (s->fd != STDIN_FILENO)
		close(s->fd);
	s->fd = fd;
	s->from = s->to = s->searched = 0;
	s->eof = s->inside = false;
}

void stream_on_wait(struct stream *s, void (*called)(void *context), void *context)
{
	s->on_wait = called;
	s->context = context;
}

void stream_drains(void)
{
	const int signals[] = {SIGTERM, SIGINT};
	sigset_t ends;
	sigemptyset(&ends);
	for (size_t i = 0; i < COUNT(signals); i++) {
		signal(signals[i], SIG_IGN);
		sigaddset(&ends, signals[i]);
	}
	stopped = 0;
	/* An ignored signal that is blocked would be pending all the same. */
	pthread_sigmask(SIG_UNBLOCK, &ends, NULL);
}

void stream_raise(void)
{
	sigset_t it;
	if (!stopped)
		return;
	signal(stopped, SIG_DFL);
	raise(stopped);
	sigemptyset(&it);
	sigaddset(&it, stopped);
	pthread_sigmask(SIG_UNBLOCK, &it, NULL);
}

bool stream_ended(const struct stream *s)
{
	return s->eof && !s->broken && !stopped && !s->failed;
}

int stream_status(const struct stream *s)
{
	return s->broken ? EX_IOERR : EX_OK;
}

/* Writes out what there is; the lock is held. After a failure nothing more is written. */
static void flush(struct stream *s)
{
	size_t done = 0;
	while (done < s->out.n && !s->failed) {
		ssize_t n = write(STDOUT_FILENO, s->out.p + done, s->out.n - done);
		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, -1);
		else if (n < 0 && errno != EINTR)
			s->failed = errno;
	}
	s->out.n = 0;
}

void stream_waits(struct stream *s, bool waits)
{
	pthread_mutex_lock(&s->lock);
	s->waits = waits;
	if (waits)
		flush(s);
	pthread_mutex_unlock(&s->lock);
}

void stream_flush(struct stream *s)
{
	pthread_mutex_lock(&s->lock);
	flush(s);
	pthread_mutex_unlock(&s->lock);
}

void stream_write(struct stream *s, struct str bytes)
{
	pthread_mutex_lock(&s->lock);
	buf_add(&s->out, bytes);
	if (s->waits || s->out.n >= FLUSH)
		flush(s);
	pthread_mutex_unlock(&s->lock);
}

/* Whether there is something to read; waits for it where there is not. False when a signal has ended the
   input, and when nobody reads the output any more: a filter that waits for input must not keep the filters
   before it waiting when one behind it has died. */
static bool await_input(struct stream *s)
{
	struct pollfd ends[] = {{.fd = s->fd, .events = POLLIN}, {.fd = STDOUT_FILENO}};
	struct timespec at_once = {0};
	sigset_t pending;
	int ready = ppoll(ends, 2, &at_once, &while_waiting);
	/* where there is input at once, ppoll lets no signal in */
	if (ready > 0 && sigpending(&pending) == 0 &&
		(sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1))
		stopped = sigismember(&pending, SIGTERM) == 1 ? SIGTERM : SIGINT;
	if (ready == 0 && !stopped) {
		if (s->on_wait)
			s->on_wait(s->context);
		stream_waits(s, true);
		do
			ready = ppoll(ends, 2, NULL, &while_waiting);
		while (ready < 0 && errno == EINTR && !stopped);
		stream_waits(s, false);
	}
	if (ready > 0 && ends[1].revents & (POLLERR | POLLHUP)) {
		pthread_mutex_lock(&s->lock);
		s->failed = EPIPE;
		pthread_mutex_unlock(&s->lock);
		return false;
	}
	return !stopped;
}

/* Makes room for more input behind what is held. */
static void make_room(struct stream *s)
{
	if (s->from > 0) {
		memmove(s->in, s->in + s->from, s->to - s->from);
		s->to -= s->from;
		s->from = 0;
	}
	if (s->to < s->room)
		return;
	s->room *= 2;
	s->in = allocated(realloc(s->in, s->room));
}

/* Reads more; false at the end of the input. */
static bool fill(struct stream *s)
{
	if (s->eof || s->failed)
		return false;
	make_room(s);
	while (await_input(s)) {
		ssize_t n = read(s->fd, s->in + s->to, s->room - s->to);
		if (n > 0) {
			s->to += (size_t)n;
			return true;
		}
		if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
			s->broken = n < 0;
			if (n < 0)
				warn("cannot read the input");
			break;
		}
	}
	s->eof = true;
	return false;
}

static struct str give(struct stream *s, size_t n, size_t newline)
{
	struct str piece = {s->in + s->from, n};
	s->from += n + newline;
	s->searched = 0;
	return piece;
}

enum stream_line stream_read(struct stream *s, struct str *line)
{
	while (!s->failed) {
		size_t held = s->to - s->from;
		const char *start = s->in + s->from;
		const char *newline = memchr(start + s->searched, '\n', held - s->searched);
		size_t n = newline ? (size_t)(newline - start) : held;
		if (n > s->max) {
			s->inside = true;
			*line = give(s, s->max / 2, 0);
			return STREAM_PART;
		}
		if (newline || (s->eof && !stopped && (held || s->inside))) {
			enum stream_line kind = s->inside ? STREAM_LAST : STREAM_LINE;
			s->inside = false;
			*line = give(s, n, newline != NULL);
			return kind;
		}
		s->searched = held;
		if (!fill(s) && (stopped || (s->to == s->from && !s->inside)))
			break;
	}
	return STREAM_END;
}

int stream_end(struct stream *s)
{
	stream_waits(s, true);
	int failed = s->failed;
	pthread_mutex_destroy(&s->lock);
	buf_free(&s->out);
	free(s->in);
	free(s);
	return failed;
}

void stream_die(int failed)
{
	if (failed == EPIPE) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	errno = failed;
	err(EX_CANTCREAT, "cannot write standard output");
}

void stream_close(struct stream *s)
{
	int failed = stream_end(s);
	if (failed)
		stream_die(failed);
}
