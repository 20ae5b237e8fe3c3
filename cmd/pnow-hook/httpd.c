/*
 * The hook's own HTTP server, on libmicrohttpd: a listener with a thread for each connection, or one
 * connection that inetd or systemd accepted. A thread for each connection lets a handler simply wait for its
 * command.
 *
 * What the library leaves to us is here: a request may only take so long to arrive, however steadily a slow
 * sender drips; a refusal reaches a sender that is still talking, because we read on for a while before we
 * close; and SIGTERM takes no new connection, but answers every request that has begun.
 */
#include "hook.h"
#include "listen.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <microhttpd.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
	CONNECTIONS = 256,       /* at once; more wait in the kernel's queue, where nothing is lost */
	HURRY = 5,               /* seconds for a request to arrive while others wait so */
	HEADERS_MAX = 32 * 1024, /* bytes of a request's head */
	LINGER_MS = 2000,        /* for a sender that talks on after its refusal */
	DRAIN_MS = 1000,         /* after SIGTERM, for connections whose request has not begun */
};

/* A connection, from accept to close. */
struct connection {
	int socket;
	struct timespec since; /* when it began to wait for the request that it is receiving */
	bool working;          /* the request is whole: it takes as long as it takes */
	struct connection *next;
};

struct server {
	struct hook *hook;
	pthread_mutex_t lock;
	struct connection *connections;
	unsigned open;    /* connections accepted and not closed */
	unsigned in_hand; /* requests that have begun and are not answered */
	bool last;        /* no further request is wanted on any connection */
	bool answered;    /* one has been */
};

/* A request on its way in, and its answer out. */
struct exchange {
	struct server *server;
	struct connection *connection;
	struct arena arena;
	struct request request;
	struct answer answer;
	struct buf body;
	size_t received;
	struct timespec started;
	bool begun;  /* the head has been judged */
	bool unread; /* answered before the body was read */
};

/* Read by httpd_listen: 's' from a signal, 'r' when there is room for a connection again. */
static int wake[2];

/* The monotonic clock. */
static struct timespec now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t;
}

/* Milliseconds that have passed since t. */
static long ms_since(struct timespec t)
{
	struct timespec n = now();
	return (n.tv_sec - t.tv_sec) * 1000 + (n.tv_nsec - t.tv_nsec) / 1000000;
}

/* request.header for this server. */
static const char *header(const void *transport, const char *name)
{
	return MHD_lookup_connection_value((struct MHD_Connection *)transport, MHD_HEADER_KIND, name);
}

/* MHD_OPTION_NOTIFY_CONNECTION: keeps the list of connections. */
static void on_connection(
	void *context, struct MHD_Connection *c, void **place, enum MHD_ConnectionNotificationCode code)
{
	struct server *s = context;
	struct connection *connection = *place;

	pthread_mutex_lock(&s->lock);
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
		connection = calloc(1, sizeof *connection);
		if (!connection)
			errx(EX_SOFTWARE, "out of memory");
		*connection = (struct connection){.socket = fd->connect_fd, .since = now(), .next = s->connections};
		s->connections = connection;
		*place = connection;
	} else if (connection) {
		struct connection **at = &s->connections;
		while (*at != connection)
			at = &(*at)->next;
		*at = connection->next;
		free(connection);
		*place = NULL;
		if (s->open-- == CONNECTIONS)
			(void)!write(wake[1], "r", 1);
	}
	pthread_mutex_unlock(&s->lock);
}

/* MHD_OPTION_URI_LOG_CALLBACK: a request begins. What is returned becomes the handler's *place. */
static void *on_uri(void *context, const char *uri, struct MHD_Connection *c)
{
	struct server *s = context;
	struct exchange *x = calloc(1, sizeof *x);
	const char *query = strchr(uri, '?');

	if (!x)
		errx(EX_SOFTWARE, "out of memory");
	x->server = s;
	x->connection = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	x->started = now();
	if (query)
		x->request.query = arena_copy(&x->arena, str_of(query + 1));
	pthread_mutex_lock(&s->lock);
	s->in_hand++;
	pthread_mutex_unlock(&s->lock);
	return x;
}

/* Reads on for a while after the answer, so that a sender in the midst of its body gets to see it: closing a
   socket with bytes unread resets the connection, and may take the answer with it. */
static void linger(int socket)
{
	char rest[16384];
	struct timespec start = now();
	size_t received = 0;

	shutdown(socket, SHUT_WR);
	while (received < HOOK_DISCARD && ms_since(start) < LINGER_MS) {
		struct pollfd readable = {.fd = socket, .events = POLLIN};
		if (poll(&readable, 1, LINGER_MS) <= 0)
			break;
		ssize_t n = recv(socket, rest, sizeof rest, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			break;
		received += n > 0 ? (size_t)n : 0;
	}
}

/* MHD_OPTION_NOTIFY_COMPLETED: the answer is out, or never will be. */
static void on_completed(
	void *context, struct MHD_Connection *c, void **place, enum MHD_RequestTerminationCode code)
{
	struct server *s = context;
	struct exchange *x = *place;

	(void)c;
	if (!x)
		return;
	if (x->unread && code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		linger(x->connection->socket);
	pthread_mutex_lock(&s->lock);
	s->in_hand--;
	x->connection->since = now();
	x->connection->working = false;
	pthread_mutex_unlock(&s->lock);
	buf_free(&x->body);
	arena_free(&x->arena);
	free(x);
	*place = NULL;
}

/* Hands the answer to the library. */
static enum MHD_Result reply(struct MHD_Connection *c, struct exchange *x)
{
	const struct answer *answer = &x->answer;
	struct server *s = x->server;
	const char *const headers[][2] = {
		{MHD_HTTP_HEADER_CONTENT_TYPE, "application/json"},
		{MHD_HTTP_HEADER_ALLOW, answer->allow},
		{MHD_HTTP_HEADER_WWW_AUTHENTICATE, answer->challenge},
		{MHD_HTTP_HEADER_RETRY_AFTER, answer->retry_after},
	};
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(answer->json), (void *)answer->json, MHD_RESPMEM_MUST_COPY);

	if (!response)
		return MHD_NO;
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
		if (headers[i][1])
			MHD_add_response_header(response, headers[i][0], headers[i][1]);
	pthread_mutex_lock(&s->lock);
	bool last = s->last || x->unread;
	s->answered = true;
	pthread_mutex_unlock(&s->lock);
	if (last)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	request_told(s->hook, &x->request, answer, x->started);
	enum MHD_Result queued = MHD_queue_response(c, answer->status, response);
	MHD_destroy_response(response);
	return queued;
}

/* Whether a body is announced. */
static bool has_body(struct MHD_Connection *c)
{
	const char *length = header(c, "Content-Length");
	return header(c, "Transfer-Encoding") || (length && strcmp(length, "0") != 0);
}

/* Judges the head; asks for the body unless that was enough. */
static enum MHD_Result begin(
	struct MHD_Connection *c, struct exchange *x, const char *method, const char *path)
{
	x->begun = true;
	x->request.method = arena_copy(&x->arena, str_of(method));
	x->request.path = arena_copy(&x->arena, str_of(path));
	x->request.header = header;
	x->request.transport = c;
	x->request.arena = &x->arena;
	if (!request_head(x->server->hook, &x->request, &x->answer))
		return MHD_YES;
	x->unread = has_body(c);
	return reply(c, x);
}

/* Keeps a piece of the body. What is too long is read on and thrown away, since the library takes no answer
   before its end; what has no end is cut off. */
static enum MHD_Result receive(struct exchange *x, const char *bytes, size_t n)
{
	x->received += n;
	if (x->received > HOOK_DISCARD)
		return MHD_NO;
	if (x->received > HOOK_BODY_MAX)
		buf_free(&x->body);
	else
		buf_add(&x->body, (struct str){bytes, n});
	return MHD_YES;
}

/* The body is whole: judges it, and answers. */
static enum MHD_Result finish(struct MHD_Connection *c, struct exchange *x)
{
	struct server *s = x->server;

	pthread_mutex_lock(&s->lock);
	x->connection->working = true;
	pthread_mutex_unlock(&s->lock);
	if (x->received > HOOK_BODY_MAX)
		request_too_long(&x->request, &x->answer);
	else
		request_body(s->hook, &x->request, buf_str(&x->body), &x->answer);
	return reply(c, x);
}

/* MHD_AccessHandlerCallback: the head, then the body piece by piece, then its end. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *c, const char *path,
	const char *method, const char *version, const char *bytes, size_t *n, void **place)
{
	struct exchange *x = *place;
	size_t piece = *n;

	(void)context, (void)version;
	if (!x->begun)
		return begin(c, x, method, path);
	*n = 0;
	return piece > 0 ? receive(x, bytes, piece) : finish(c, x);
}

/* Starts the library; connections come from MHD_add_connection. Ends the process with status 69 where it will
 * not start. */
static struct MHD_Daemon *start(struct server *s, unsigned flags)
{
	/* We count connections ourselves: what is over its limit the library hangs up on, and that event would be
	 * lost. */
	struct MHD_Daemon *daemon = MHD_start_daemon(flags | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC, 0, NULL,
		NULL, on_request, s, MHD_OPTION_CONNECTION_LIMIT, (unsigned)(2 * CONNECTIONS),
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HOOK_IDLE, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HEADERS_MAX, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_URI_LOG_CALLBACK,
		on_uri, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_END);

	if (!daemon)
		err(EX_UNAVAILABLE, "cannot start the HTTP server");
	return daemon;
}

/* Signal handler: wakes httpd_listen. */
static void stop(int signal)
{
	int saved = errno;

	(void)signal;
	(void)!write(wake[1], "s", 1);
	errno = saved;
}

/* Makes SIGTERM and SIGINT readable at wake. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESTART};

	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) < 0)
		err(EX_OSERR, "pipe");
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

/* Whether a signal has come. */
static bool is_stopped(void)
{
	char c;

	while (read(wake[0], &c, 1) == 1)
		if (c == 's')
			return true;
	return false;
}

/* Hangs up on senders whose request takes too long to arrive, and tells whether there is room for more. */
static bool has_room(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	bool room = s->open < CONNECTIONS;
	for (struct connection *c = s->connections; c; c = c->next)
		if (!c->working && ms_since(c->since) > (room ? HOOK_RECEIVE : HURRY) * 1000)
			shutdown(c->socket, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
	return room;
}

/* Accepts a connection and gives it to the library, in a thread of its own. False where there was none. */
static bool let_in(struct server *s, struct MHD_Daemon *daemon, int listening)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof peer;
	int socket = accept4(listening, (struct sockaddr *)&peer, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (socket < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			poll(NULL, 0, 100); /* out of descriptors, or of memory: that passes */
		return false;
	}
	pthread_mutex_lock(&s->lock);
	s->open++;
	pthread_mutex_unlock(&s->lock);
	if (MHD_add_connection(daemon, socket, (struct sockaddr *)&peer, n) != MHD_YES) {
		pthread_mutex_lock(&s->lock);
		s->open--;
		pthread_mutex_unlock(&s->lock);
	}
	return true;
}

/* Whether every request that has begun is answered, and no connection is left that may bring one. */
static bool is_idle(struct server *s, struct timespec stopping)
{
	pthread_mutex_lock(&s->lock);
	bool idle = s->open == 0 || (s->in_hand == 0 && ms_since(stopping) > DRAIN_MS);
	pthread_mutex_unlock(&s->lock);
	return idle;
}

/* Takes no more connections but those that the kernel has already let in; returns when all is answered. */
static void drain(struct server *s, struct MHD_Daemon *daemon, int listening)
{
	pthread_mutex_lock(&s->lock);
	s->last = true;
	pthread_mutex_unlock(&s->lock);
	while (has_room(s) && let_in(s, daemon, listening))
		;
	close(listening);
	for (struct timespec stopping = now(); !is_idle(s, stopping); has_room(s))
		poll(NULL, 0, 10);
}

int httpd_open(const char *address, const char *port_file)
{
	int listening = listen_at(address);

	catch_signals();
	listen_announce(listening, port_file);
	return listening;
}

int httpd_listen(struct hook *h, int listening)
{
	struct server s = {.hook = h, .lock = PTHREAD_MUTEX_INITIALIZER};
	struct MHD_Daemon *daemon =
		start(&s, MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION);

	while (!is_stopped()) {
		struct pollfd fds[] = {{wake[0], POLLIN, 0}, {has_room(&s) ? listening : -1, POLLIN, 0}};
		poll(fds, 2, 1000);
		if (fds[1].revents)
			let_in(&s, daemon, listening);
	}
	drain(&s, daemon, listening);
	MHD_stop_daemon(daemon);
	return EX_OK;
}

int httpd_inetd(struct hook *h, int socket)
{
	struct server s = {.hook = h, .lock = PTHREAD_MUTEX_INITIALIZER, .open = 1, .last = true};
	struct sockaddr_storage peer = {0};
	socklen_t n = sizeof peer;

	if (getpeername(socket, (struct sockaddr *)&peer, &n) < 0)
		return EX_OK; /* the sender has gone already */
	struct MHD_Daemon *daemon = start(&s, 0);
	fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
	if (MHD_add_connection(daemon, socket, (struct sockaddr *)&peer, n) != MHD_YES)
		err(EX_OSERR, "cannot take the connection");
	while (s.connections && MHD_run_wait(daemon, 1000) == MHD_YES)
		has_room(&s);
	MHD_stop_daemon(daemon);
	return EX_OK;
}
