/* Senders that were answered in the midst of their talking: closing a socket with bytes unread resets the
 * connection, and may take the answer with it. So we read on for a while, of a few at a time. */
#include "hook.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINGER_MS = 2000 }; /* for a sender that talks on after its answer */

/* Forgets number i. */
static void end(struct lingerers *l, size_t i)
{
	close(l->at[i].socket);
	l->n--;
	memmove(&l->at[i], &l->at[i + 1], (l->n - i) * sizeof *l->at);
}

void linger_add(struct lingerers *l, int socket)
{
	int copy = fcntl(socket, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (copy < 0)
		return;
	shutdown(copy, SHUT_WR);
	if (l->n == LINGERERS_MAX)
		end(l, 0);
	l->at[l->n] = (struct lingerer){.socket = copy};
	clock_gettime(CLOCK_MONOTONIC, &l->at[l->n++].since);
}

/* Reads a piece of what there is; false when there will be no more, or has been enough. */
static bool goes_on(struct lingerer *one)
{
	char rest[16384];
	struct timespec t;
	ssize_t n = recv(one->socket, rest, sizeof rest, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return false;
	one->received += n > 0 ? (size_t)n : 0;
	clock_gettime(CLOCK_MONOTONIC, &t);
	long ms = (t.tv_sec - one->since.tv_sec) * 1000 + (t.tv_nsec - one->since.tv_nsec) / 1000000;
	return one->received < HOOK_DISCARD && ms < LINGER_MS;
}

void linger_read(struct lingerers *l)
{
	for (size_t i = l->n; i-- > 0;)
		if (!goes_on(&l->at[i]))
			end(l, i);
}

size_t linger_polled(const struct lingerers *l, struct pollfd fds[static LINGERERS_MAX])
{
	for (size_t i = 0; i < l->n; i++)
		fds[i] = (struct pollfd){.fd = l->at[i].socket, .events = POLLIN};
	return l->n;
}
