/* The pipeline that a run keeps: started once, events go in at one end and results come out at the other. */
#include "pnow-inbox.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024 };

/* The child's side: nothing of ours stays but the three descriptors. */
__attribute__((noreturn)) static void become(const struct pipeline *p, int in, int out)
{
	sigset_t none;
	sigemptyset(&none);
	setpgid(0, 0);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(p->command[0], p->command);
	warn("cannot start %s", p->command[0]);
	_exit(127);
}

bool pipeline_start(struct pipeline *p)
{
	int in[2], out[2];
	if (pipe2(in, O_CLOEXEC) < 0)
		return false;
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in[0]);
		close(in[1]);
		return false;
	}
	p->pid = fork();
	if (p->pid == 0)
		become(p, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	p->in = in[1];
	p->out = out[0];
	fcntl(p->in, F_SETFL, O_NONBLOCK);
	fcntl(p->out, F_SETFL, O_NONBLOCK);
	if (p->pid > 0)
		return true;
	close(p->in);
	close(p->out);
	p->pid = 0;
	return false;
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

bool pipeline_read(struct pipeline *p, void (*each)(struct str line, void *context), void *context)
{
	for (;;) {
		buf_reserve(&p->unread, CHUNK);
		ssize_t n = read(p->out, p->unread.p + p->unread.n, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0)
			p->unread.n += (size_t)n;
		if (n < CHUNK) {
			give_lines(p, each, context);
			return n > 0 || (n < 0 && errno == EAGAIN);
		}
	}
}

void pipeline_finish(struct pipeline *p)
{
	if (p->in >= 0)
		close(p->in);
	p->in = -1;
}

int pipeline_end(struct pipeline *p)
{
	int status = 0;
	pipeline_finish(p);
	close(p->out);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	p->pid = 0;
	p->unsent.n = p->unread.n = 0;
	return status;
}
