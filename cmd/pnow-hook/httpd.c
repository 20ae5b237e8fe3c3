/*
 * The hook's own HTTP server, on libmicrohttpd: a listener, or one connection that inetd or systemd accepted.
 *
 * One thread talks to all senders of a listener, so that those who say nothing, or say it slowly, cost a
 * connection and nobody's time. A request that is whole goes to a thread of its own (workers.c), which may
 * wait for its command, or its event to the thread that stores (store.c); its connection sleeps meanwhile.
 *
 * What the library leaves to us is here: a request may only take so long to arrive, however steadily a slow
 * sender drips; where there are too many connections, the one that has waited longest for its request makes
 * room; what the bodies of unfinished requests take is bounded; a refusal reaches a sender that is still
 * talking, because we read on for a while before we close; and SIGTERM takes no new connection, but answers
 * every request that has begun.
 */
#include "hook.h"
#include "conf/folder.h"
#include "net/listen.h"
#include "stream/trouble.h"
#include "text/heap.h"
#include "text/say.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	CONNECTIONS = 4096,      /* at once, as far as there are descriptors */
	MANY = 8,                /* are a burst */
	BODIES_MAX = 128 << 20,  /* bytes of the bodies of all of them */
	HEADERS_MAX = 16 * 1024, /* bytes of a request's head */
	STRICT =
		MHD_VERSION >= 0x01000000, /* before, that mode hangs up without an answer: framing.c has it all */
	DRAIN_MS = 1000,               /* after SIGTERM, for connections whose request has not begun */
};

/* A connection, from accept to close. */
struct connection {
	int socket;
	struct timespec since; /* when it began to wait for the request that it is receiving */
	enum {
		WAITING, /* for the rest of a request */
		WORKING, /* the request is whole: it takes as long as it takes */
		DROPPED, /* shut down, and about to be closed */
	} state;
	size_t held; /* bytes of the body, as far as it is here */
	TAILQ_ENTRY(connection) next;
};

struct server {
	struct hook *hook;
	struct workers *workers; /* NULL: requests are carried out where they arrive */
	pthread_mutex_t lock;
	TAILQ_HEAD(connections, connection) waiting; /* those that have waited longest first */
	unsigned room;                               /* for so many connections */
	unsigned open;                               /* connections accepted and not closed */
	struct heap_burst burst;                     /* of open */
	unsigned dropped;                            /* of them */
	unsigned in_hand;                            /* requests that have begun and are not answered */
	size_t held;                                 /* bytes of all bodies */
	struct lingerers lingerers;
	struct trouble trouble; /* too many connections */
	bool last;              /* no further request is wanted on any connection */
};

/* A request on its way in, and its answer out. */
struct exchange {
	struct server *server;
	struct connection *connection;
	struct MHD_Connection *transport;
	struct arena arena;
	struct request request;
	struct answer answer;
	struct errand errand;
	const char *uri; /* where it stood in the head; not to be looked at */
	size_t uri_n;
	struct buf body;
	size_t received;
	struct timespec started;
	bool begun;   /* the head has been judged */
	bool crowded; /* there was no room for the body */
	bool unread;  /* answered before the body was read */
	bool last;    /* nothing that follows on the connection can be trusted */
};

/* Read by httpd_listen: 's' and 'h' from a signal, 'r' when there is room for a connection again. */
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

struct header_taker {
	void (*take)(void *context, const char *name, const char *value);
	void *context;
};

static enum MHD_Result take_header(
	void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	const struct header_taker *taker = context;
	(void)kind;
	taker->take(taker->context, name, value ? value : "");
	return MHD_YES;
}

/* request.each_header for this server. */
static void each_header(
	const void *transport, void (*take)(void *context, const char *name, const char *value), void *context)
{
	struct header_taker taker = {take, context};
	MHD_get_connection_values((struct MHD_Connection *)transport, MHD_HEADER_KIND, take_header, &taker);
}

/* A connection begins to wait for a request. */
static void begin_to_wait(struct server *s, struct connection *c)
{
	c->state = WAITING;
	c->since = now();
	TAILQ_INSERT_TAIL(&s->waiting, c, next);
}

/* Hangs up on a connection that waits; the library closes it soon. */
static void drop(struct server *s, struct connection *c)
{
	TAILQ_REMOVE(&s->waiting, c, next);
	c->state = DROPPED;
	s->dropped++;
	shutdown(c->socket, SHUT_RDWR);
}

/* A connection is closed. True: so was a burst of them. */
static bool forget(struct server *s, struct connection *c)
{
	if (c->state == WAITING)
		TAILQ_REMOVE(&s->waiting, c, next);
	s->dropped -= c->state == DROPPED;
	if (s->open-- >= s->room)
		(void)!write(wake[1], "r", 1);
	free(c);
	return heap_burst_over(&s->burst, s->open, MANY);
}

/* MHD_OPTION_NOTIFY_CONNECTION: keeps the list of connections. */
static void on_connection(
	void *context, struct MHD_Connection *c, void **place, enum MHD_ConnectionNotificationCode code)
{
	struct server *s = context;
	struct connection *connection = *place;
	bool over = false;

	pthread_mutex_lock(&s->lock);
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
		connection = allocated(calloc(1, sizeof *connection));
		connection->socket = fd->connect_fd;
		begin_to_wait(s, connection);
		*place = connection;
	} else if (connection) {
		over = forget(s, connection);
		*place = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	if (over)
		heap_give_back();
}

/* MHD_OPTION_URI_LOG_CALLBACK: a request begins. What is returned becomes the handler's *place. */
static void *on_uri(void *context, const char *uri, struct MHD_Connection *c)
{
	struct server *s = context;
	struct exchange *x = allocated(calloc(1, sizeof *x));
	const char *query = strchr(uri, '?');

	x->server = s;
	x->transport = c;
	x->uri = uri;
	x->uri_n = strcspn(uri, " \t"); /* one with blanks does not end where it should */
	x->connection = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	x->started = now();
	if (query)
		x->request.query = arena_copy(&x->arena, str_of(query + 1));
	pthread_mutex_lock(&s->lock);
	s->in_hand++;
	pthread_mutex_unlock(&s->lock);
	return x;
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
	pthread_mutex_lock(&s->lock);
	if (x->unread && code == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
		linger_add(&s->lingerers, x->connection->socket);
		(void)!write(wake[1], "r", 1);
	}
	s->in_hand--;
	s->held -= x->connection->held;
	x->connection->held = 0;
	if (x->connection->state == WAITING)
		TAILQ_REMOVE(&s->waiting, x->connection, next);
	if (x->connection->state != DROPPED)
		begin_to_wait(s, x->connection);
	pthread_mutex_unlock(&s->lock);
	request_end(s->hook, &x->request);
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
		{MHD_HTTP_HEADER_CONTENT_TYPE, answer->plain ? "text/plain" : "application/json"},
		{"X-Content-Type-Options", answer->plain ? "nosniff" : NULL},
		{MHD_HTTP_HEADER_ALLOW, answer->allow},
		{MHD_HTTP_HEADER_WWW_AUTHENTICATE, answer->challenge},
		{MHD_HTTP_HEADER_RETRY_AFTER, answer->retry_after},
	};
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(answer->text), (void *)answer->text, MHD_RESPMEM_MUST_COPY);

	if (!response)
		return MHD_NO;
	for (size_t i = 0; i < COUNT(headers); i++)
		if (headers[i][1])
			MHD_add_response_header(response, headers[i][0], headers[i][1]);
	pthread_mutex_lock(&s->lock);
	bool last = s->last || x->unread || x->last;
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
	struct MHD_Connection *c, struct exchange *x, const char *method, const char *path, const char *version)
{
	const char *problem = framing_problem(c, method, x->uri, x->uri_n, version);

	x->begun = true;
	x->request.method = arena_copy(&x->arena, str_of(method));
	x->request.path = arena_copy(&x->arena, str_of(path));
	x->request.header = header;
	x->request.each_header = each_header;
	x->request.transport = c;
	x->request.arena = &x->arena;
	/* What follows the last chunk is a kind of head that the library does not show. */
	x->last = header(c, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
	if (problem)
		request_malformed(&x->request, &x->answer, problem);
	else if (!request_head(x->server->hook, &x->request, &x->answer))
		return MHD_YES;
	x->unread = problem || has_body(c);
	return reply(c, x);
}

/* The connection that has waited longest of those that hold a part of a body, but not this one; or NULL. */
static struct connection *holder(struct server *s, const struct connection *but)
{
	struct connection *c;

	TAILQ_FOREACH(c, &s->waiting, next)
	if (c->held > 0 && c != but)
		return c;
	return NULL;
}

/* Whether there is room for n more bytes of a body; where there is little, others lose theirs. */
static bool hold(struct exchange *x, size_t n)
{
	struct server *s = x->server;

	pthread_mutex_lock(&s->lock);
	bool room = s->held + n <= BODIES_MAX;
	if (room) {
		s->held += n;
		x->connection->held += n;
	}
	struct connection *other = s->held > BODIES_MAX / 2 ? holder(s, x->connection) : NULL;
	if (other)
		drop(s, other);
	pthread_mutex_unlock(&s->lock);
	return room;
}

/* Keeps a piece of the body. What is too long, or finds no room, is read on and thrown away, since the
 * library takes no answer before its end; what has no end is cut off. */
static enum MHD_Result receive(struct exchange *x, const char *bytes, size_t n)
{
	x->received += n;
	if (x->received > HOOK_DISCARD)
		return MHD_NO;
	x->crowded = x->crowded || (x->received <= HOOK_BODY_MAX && !hold(x, n));
	if (x->received > HOOK_BODY_MAX || x->crowded)
		buf_free(&x->body);
	else
		buf_add(&x->body, (struct str){bytes, n});
	return MHD_YES;
}

/* Judges the body and delivers the event. Whether the answer is there; else answered() is called, or was. */
static bool carry_out(struct exchange *x)
{
	if (x->received > HOOK_BODY_MAX)
		request_too_long(&x->request, &x->answer);
	else if (x->crowded)
		request_crowded(&x->request, &x->answer);
	else
		return request_body(x->server->hook, &x->request, buf_str(&x->body), &x->answer);
	return true;
}

/* request.answered: the connection sleeps no more. */
static void answered(const void *transport)
{
	MHD_resume_connection((struct MHD_Connection *)transport);
}

/* errand.run: a request whose connection sleeps. */
static void carry_out_and_wake(void *context)
{
	struct exchange *x = context;
	struct MHD_Connection *transport = x->transport;

	if (carry_out(x))
		answered(transport);
}

/* The body is whole: its time is not the sender's any more. */
static void end_to_wait(struct server *s, struct connection *c)
{
	pthread_mutex_lock(&s->lock);
	if (c->state == WAITING) {
		TAILQ_REMOVE(&s->waiting, c, next);
		c->state = WORKING;
	}
	pthread_mutex_unlock(&s->lock);
}

/* The body is whole: has the request carried out; comes again when it is, and answers. */
static enum MHD_Result finish(struct MHD_Connection *c, struct exchange *x)
{
	struct server *s = x->server;

	if (x->answer.text)
		return reply(c, x);
	end_to_wait(s, x->connection);
	if (!s->workers) {
		carry_out(x);
		return reply(c, x);
	}
	x->request.answered = answered;
	MHD_suspend_connection(c);
	/* what is stored waits elsewhere (store.c); but with a folder, also for that to be read again */
	if (!x->request.health && x->request.practice->store && !s->hook->practices.folder) {
		carry_out_and_wake(x);
	} else {
		x->errand = (struct errand){.run = carry_out_and_wake, .context = x};
		workers_add(s->workers, &x->errand);
	}
	return MHD_YES;
}

/* MHD_AccessHandlerCallback: the head, then the body piece by piece, then its end. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *c, const char *path,
	const char *method, const char *version, const char *bytes, size_t *n, void **place)
{
	struct exchange *x = *place;
	size_t piece = *n;

	(void)context;
	if (!x->begun)
		return begin(c, x, method, path, version);
	*n = 0;
	return piece > 0 ? receive(x, bytes, piece) : finish(c, x);
}

/* Starts the library; connections come from MHD_add_connection. Ends the process with status 69 where it will
 * not start. */
static struct MHD_Daemon *start(struct server *s, unsigned flags)
{
	heap_share(); /* as quick, and 0.4 MB less */
	/* We count connections ourselves: what is over its limit the library hangs up on, and that event would be
	 * lost. */
	struct MHD_Daemon *daemon =
		MHD_start_daemon(flags | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC, 0, NULL, NULL, on_request, s,
			MHD_OPTION_STRICT_FOR_CLIENT, STRICT, MHD_OPTION_CONNECTION_LIMIT, (unsigned)(2 * CONNECTIONS),
			MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HOOK_IDLE, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
			(size_t)HEADERS_MAX, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_URI_LOG_CALLBACK,
			on_uri, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_END);

	if (!daemon)
		err(EX_UNAVAILABLE, "cannot start the HTTP server");
	return daemon;
}

/* Signal handler: wakes httpd_listen. */
static void tell(int signal)
{
	int saved = errno;

	(void)!write(wake[1], signal == SIGHUP ? "h" : "s", 1);
	errno = saved;
}

/* Makes SIGTERM and SIGINT readable at wake, and SIGHUP where it is ours. */
static void catch_signals(bool hangup)
{
	struct sigaction action = {.sa_handler = tell, .sa_flags = SA_RESTART};

	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) < 0)
		err(EX_OSERR, "pipe");
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (hangup) {
		sigaction(SIGHUP, &action, NULL);
		folder_hold_reload(false);
	}
}

/* Does what signals have asked for; whether that was to end. */
static bool is_stopped(struct hook *h)
{
	char c, why[MISTAKE_MAX];
	bool stopped = false, again = false;

	while (read(wake[0], &c, 1) == 1) {
		stopped |= c == 's';
		again |= c == 'h';
	}
	if (again && !stopped && !practices_read(&h->practices, why))
		say("%s", why);
	return stopped;
}

/* Raises the limit of open files, as far as we may; returns how many connections that is good for. Half of it
 * is left to what else needs descriptors: the pipes of commands, connections that are being closed. */
static unsigned raise_descriptors(void)
{
	const rlim_t wanted = 2 * CONNECTIONS + 2 * WORKERS_MAX;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		err(EX_OSERR, "cannot tell how many files may be open");
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur / 2 < CONNECTIONS ? (unsigned)(limit.rlim_cur / 2) : CONNECTIONS;
}

/* Hangs up on senders whose request takes too long to arrive, and tells whether a connection can be taken. */
static bool has_room(struct server *s)
{
	struct connection *c;

	pthread_mutex_lock(&s->lock);
	while ((c = TAILQ_FIRST(&s->waiting)) && ms_since(c->since) > HOOK_RECEIVE * 1000)
		drop(s, c);
	if (s->open < s->room / 2)
		trouble_over(&s->trouble, "fewer connections: nobody is hung up on any more");
	bool room = s->open < s->room + s->room / 8; /* with those that are dropped, and not closed yet */
	pthread_mutex_unlock(&s->lock);
	return room;
}

/* Counts a connection. Where there are too many the one goes that has waited longest for its request. */
static void count(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	s->open++;
	heap_burst_over(&s->burst, s->open, MANY);
	struct connection *longest = TAILQ_FIRST(&s->waiting);
	if (s->open - s->dropped > s->room && longest) {
		drop(s, longest);
		trouble_is(
			&s->trouble, "%u connections: those whose requests take longest to come are hung up on", s->room);
	}
	pthread_mutex_unlock(&s->lock);
}

/* Accepts a connection and gives it to the library. False where there was none. */
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
	count(s);
	if (MHD_add_connection(daemon, socket, (struct sockaddr *)&peer, n) != MHD_YES) {
		pthread_mutex_lock(&s->lock);
		s->open--;
		pthread_mutex_unlock(&s->lock);
	}
	return true;
}

/* Waits until there is something to do, a second at most, and reads what lingerers say. Whether somebody
 * knocks. */
static bool attend(struct server *s, int listening)
{
	struct pollfd fds[2 + LINGERERS_MAX] = {{wake[0], POLLIN, 0}, {has_room(s) ? listening : -1, POLLIN, 0}};

	pthread_mutex_lock(&s->lock);
	size_t n = 2 + linger_polled(&s->lingerers, fds + 2);
	pthread_mutex_unlock(&s->lock);
	poll(fds, (nfds_t)n, 1000);
	pthread_mutex_lock(&s->lock);
	linger_read(&s->lingerers);
	pthread_mutex_unlock(&s->lock);
	return fds[1].revents;
}

/* Lets in those who knock: so many that a crowd is let in quickly, so few that a signal is seen. */
static void let_some_in(struct server *s, struct MHD_Daemon *daemon, int listening)
{
	for (int i = 0; i < 256 && has_room(s) && let_in(s, daemon, listening); i++)
		;
}

/* Whether every request that has begun is answered, and no connection is left that may bring one. */
static bool is_idle(struct server *s, struct timespec stopping)
{
	pthread_mutex_lock(&s->lock);
	bool idle = s->lingerers.n == 0 && (s->open == 0 || (s->in_hand == 0 && ms_since(stopping) > DRAIN_MS));
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
	for (struct timespec stopping = now(); !is_idle(s, stopping); has_room(s)) {
		poll(NULL, 0, 10);
		pthread_mutex_lock(&s->lock);
		linger_read(&s->lingerers);
		pthread_mutex_unlock(&s->lock);
	}
}

int httpd_open(struct hook *h, const char *address, const char *port_file)
{
	int listening = listen_at(address);

	catch_signals(h->practices.folder);
	listen_announce(listening, port_file);
	return listening;
}

int httpd_listen(struct hook *h, int listening)
{
	static struct workers workers;
	static struct server s = {.lock = PTHREAD_MUTEX_INITIALIZER, .workers = &workers};

	s.hook = h;
	s.room = raise_descriptors();
	TAILQ_INIT(&s.waiting);
	workers_open(&workers);
	h->workers = &workers;
	struct MHD_Daemon *daemon =
		start(&s, MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME);
	while (!is_stopped(h)) {
		if (attend(&s, listening))
			let_some_in(&s, daemon, listening);
		practices_tend(&h->practices);
		recorder_tend(&h->recorder);
	}
	drain(&s, daemon, listening);
	workers_close(&workers);
	MHD_stop_daemon(daemon);
	return EX_OK;
}

int httpd_inetd(struct hook *h, int socket)
{
	struct server s = {.hook = h, .lock = PTHREAD_MUTEX_INITIALIZER, .open = 1, .room = 2, .last = true};
	struct sockaddr_storage peer = {0};
	socklen_t n = sizeof peer;

	TAILQ_INIT(&s.waiting);
	wake[0] = wake[1] = -1; /* nobody sleeps */
	if (getpeername(socket, (struct sockaddr *)&peer, &n) < 0)
		return EX_OK; /* the sender has gone already */
	struct MHD_Daemon *daemon = start(&s, 0);
	fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
	if (MHD_add_connection(daemon, socket, (struct sockaddr *)&peer, n) != MHD_YES)
		err(EX_OSERR, "cannot take the connection");
	while (s.open > 0 && MHD_run_wait(daemon, 1000) == MHD_YES)
		has_room(&s);
	MHD_stop_daemon(daemon);
	while (s.lingerers.n > 0)
		attend(&s, -1);
	return EX_OK;
}
