/* The pipeline that a run keeps: started once, events go in at one end and results come out at the other. */
#include "pnow-inbox.h"
#include "stream/child.h"
#include "value/when.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024 };

/* The configuration's name from anywhere: the command may change its folder. The arena's. */
static const char *whole_name(struct arena *a, const char *file)
{
	char *folder = *file == '/' ? NULL : getcwd(NULL, 0);
	if (!folder)
		return file;
	file = arena_printf(a, "%s/%s", folder, file);
	free(folder);
	return file;
}

/* Says why the command could not be started. */
static bool unstarted(char *const *command, int problem)
{
	errno = problem;
	warn("cannot start %s", command[0]);
	return false;
}

bool pipeline_start(struct pipeline *p, char *const *command, const struct conf *conf)
{
	int in[2], out[2];
	struct arena a = {0};
	if (pipe2(in, O_CLOEXEC) < 0)
		return unstarted(command, errno);
	if (pipe2(out, O_CLOEXEC) < 0) {
		int problem = errno;
		close(in[0]);
		close(in[1]);
		return unstarted(command, problem);
	}
	const char *practice[] = {arena_printf(&a, "PNOW_CONFIG=%s", whole_name(&a, conf->file)),
		arena_printf(&a, "TZ=%s", when_zone_variable(conf->timezone)), NULL};
	int problem = child_start(&p->pid, command, child_environment(&a, environ, practice), in[0], out[1]);
	arena_free(&a);
	close(in[0]);
	close(out[1]);
	p->in = in[1];
	p->out = out[0];
	p->told = false;
	fcntl(p->in, F_SETFL, O_NONBLOCK);
	fcntl(p->out, F_SETFL, O_NONBLOCK);
	if (!problem)
		return true;
	pipeline_close(p);
	p->pid = 0;
	return unstarted(command, problem);
}

void pipeline_write(struct pipeline *p)
{
	size_t sent = 0;
	while (p->in >= 0 && sent < p->unsent.n) {
		ssize_t n = write(p->in, p->unsent.p + sent, p->unsent.n - sent);
		if (n > 0)
			sent += (size_t)n;
		else if (errno != EINTR)
			break; /* full, or gone: its output will end */
	}
	if (sent)
		memmove(p->unsent.p, p->unsent.p + sent, p->unsent.n - sent);
	p->unsent.n -= sent;
}

/* Gives the whole lines out; keeps the rest. */
static void give_lines(struct pipeline *p, void (*each)(struct str line, void *context), void *context)
{
	size_t from = 0;
	const char *newline;
	while ((newline = memchr(p->unread.p + from, '\n', p->unread.n - from))) {
		size_t n = (size_t)(newline - (p->unread.p + from));
		each((struct str){p->unread.p + from, n}, context);
		from += n + 1;
	}
	if (from)
		memmove(p->unread.p, p->unread.p + from, p->unread.n - from);
	p->unread.n -= from;
}

void pipeline_read(struct pipeline *p, void (*each)(struct str line, void *context), void *context)
{
	while (p->out >= 0) {
		buf_reserve(&p->unread, CHUNK);
		ssize_t n = read(p->out, p->unread.p + p->unread.n, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0)
			p->unread.n += (size_t)n;
		if (n < CHUNK)
			give_lines(p, each, context);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			pipeline_close(p);
		if (n < CHUNK)
			return;
	}
}

void pipeline_finish(struct pipeline *p)
{
	if (p->in >= 0)
		close(p->in);
	p->in = -1;
	p->told = true;
}

void pipeline_close(struct pipeline *p)
{
	if (p->in >= 0)
		close(p->in);
	if (p->out >= 0)
		close(p->out);
	p->in = p->out = -1;
}

/* Waits for its end, with the options of waitpid(2); false: not yet. */
static bool reap(struct pipeline *p, int *status, int options)
{
	pid_t ended;
	while ((ended = waitpid(p->pid, status, options)) < 0 && errno == EINTR)
		continue;
	if (ended == 0)
		return false;
	p->pid = 0;
	buf_free(&p->unsent);
	buf_free(&p->unread);
	return true;
}

bool pipeline_ended(struct pipeline *p, int *status)
{
	return p->pid && p->out < 0 && reap(p, status, WNOHANG);
}

void pipeline_free(struct pipeline *p)
{
	int status;
	pipeline_close(p);
	if (p->pid)
		reap(p, &status, 0);
	buf_free(&p->unsent); /* of one that could not be started */
}
