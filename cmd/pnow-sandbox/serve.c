/*
 * HTTP: libmicrohttpd with a thread for each connection, so that a request that is delayed, or never
 * answered, holds up nobody else. A request is read whole, meets its faults, and is answered under the
 * sandbox's lock, which is held for as long as it takes to make the answer's text, and never while waiting
 * for the network.
 */
#include "serve.h"
#include "answer.h"
#include "faults.h"
#include "requests.h"
#include "route.h"
#include "sandbox.h"
#include "text.h"
#include "text/jtext.h"
#include "text/waits.h"
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A request begins: its first line has been read. */
static void *begin(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct request *r = calloc(1, sizeof *r);
	(void)cls;
	if (!r)
		out_of_memory();
	r->uri = text_copy(uri);
	r->connection = connection;
	r->began = waits_now();
	when_now(r->at);
	return r;
}

/* A request ends, however it does. */
static void end(
	void *cls, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode how)
{
	struct request *r = *context;
	(void)cls;
	(void)connection;
	(void)how;
	if (!r)
		return;
	buf_free(&r->body);
	buf_free(&r->answer.body);
	free(r->path);
	free(r->uri);
	free(r);
	*context = NULL;
}

/* Reads the body as JSON. An OAuth form stays text. */
static void read_json(struct request *r)
{
	const char *type = request_header(r, "Content-Type");
	struct jtext_error error;
	if (!r->body.n)
		return;
	r->not_json = (type && strcasestr(type, "json") == NULL && r->api != API_OWN) ||
				  !jtext_check(buf_str(&r->body), &error);
	if (!r->not_json)
		r->json = json_parsed(buf_str(&r->body));
}

/* Waits ms milliseconds (-1: for ever), or until the sandbox stops or the client goes. */
static void wait_for(const struct sandbox *s, int client, int ms)
{
#ifdef POLLRDHUP
	short gone = POLLRDHUP;
#else
	short gone = 0; /* POLLHUP is always told */
#endif
	struct pollfd fds[] = {
		{s->stop[0], POLLIN, 0},
		{client, gone, 0},
	};
	poll(fds, 2, ms);
}

/* Resets the connection under the server's hands: the socket is closed with nothing lingering, which sends
   RST, and its number is given to one that leads nowhere, for the server to close. */
static void reset(int client)
{
	struct linger none = {1, 0};
	int pair[2];
	setsockopt(client, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return;
	dup2(pair[0], client);
	close(pair[0]);
	close(pair[1]);
}

/* The first half of an answer whose whole length has been promised, then the end of the connection. */
static ssize_t cut_short(void *cls, uint64_t at, char *into, size_t room)
{
	const struct buf *body = cls;
	size_t half = body->n / 2;
	if (at >= half)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	size_t n = half - (size_t)at < room ? half - (size_t)at : room;
	memcpy(into, body->p + at, n);
	return (ssize_t)n;
}

/* Sends the answer, or the first half of it. */
static enum MHD_Result send_answer(struct request *r, bool cut)
{
	struct buf *body = &r->answer.body;
	struct MHD_Response *response =
		cut ? MHD_create_response_from_callback(body->n, 4096, cut_short, body, NULL)
			: MHD_create_response_from_buffer(body->n, body->p ? body->p : "", MHD_RESPMEM_PERSISTENT);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", r->answer.type ? r->answer.type : "text/plain");
	for (size_t i = 0; i < r->answer.headers_n; i++)
		MHD_add_response_header(response, r->answer.headers[i].name, r->answer.headers[i].value);
	enum MHD_Result sent = MHD_queue_response(r->connection, r->answer.status, response);
	MHD_destroy_response(response);
	return sent;
}

/* Answers with a fault's status instead of doing anything. */
static void answer_fault(struct request *r, enum fault_kind fault, long retry_after)
{
	static const struct {
		unsigned status;
		const char *message;
	} faults[FAULT_NONE] = {
		[FAULT_401] = {401, "Invalid JWT"},
		[FAULT_429] = {429, "Too Many Requests"},
		[FAULT_500] = {500, "Internal server error"},
		[FAULT_503] = {503, "Service Unavailable"},
	};
	if (faults[fault].status == 0)
		return;
	if (fault == FAULT_429)
		answer_header(r, "Retry-After", "%ld", retry_after);
	answer_error(r, faults[fault].status, "%s", faults[fault].message);
}

/* Answers a request under the lock, and logs it. */
static void answer(struct sandbox *s, struct request *r, enum fault_kind fault, long retry_after)
{
	read_json(r);
	pthread_mutex_lock(&s->lock);
	bool happens = fault == FAULT_NONE || fault == FAULT_RESET_AFTER || fault == FAULT_CUT ||
				   (fault == FAULT_QUOTE && !quote_answer(s, r));
	if (!happens)
		answer_fault(r, fault, retry_after);
	else if (r->too_long)
		answer_error(r, 413, "the body is longer than %d bytes", BODY_MAX);
	else
		route_answer(s, r);
	requests_add(&s->requests, r, s->verbose);
	json_object_put(r->json);
	r->json = NULL;
	pthread_mutex_unlock(&s->lock);
}

/* What a request meets, and its answer. */
static enum MHD_Result serve(struct sandbox *s, struct request *r, const char *url)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	int client = info ? info->connect_fd : -1;
	long ms, retry_after = 1;

	route_split(r, url);
	if (r->api == API_OWN && r->segments_n == 1 && strcmp(r->segments[0], "webhook") == 0) {
		read_json(r);
		own_webhook(s, r);
		json_object_put(r->json);
		r->json = NULL;
		return send_answer(r, false);
	}
	pthread_mutex_lock(&s->lock);
	enum fault_kind fault = fault_meet(&s->faults, r, &ms, &retry_after);
	pthread_mutex_unlock(&s->lock);
	if (ms > 0)
		wait_for(s, client, (int)ms);
	answer(s, r, fault, retry_after);
	if (fault == FAULT_HANG) {
		wait_for(s, client, -1);
		return MHD_NO;
	}
	if (fault == FAULT_RESET_BEFORE || fault == FAULT_RESET_AFTER) {
		reset(client);
		return MHD_NO;
	}
	return send_answer(r, fault == FAULT_CUT);
}

/* libmicrohttpd's call: once with the headers, once for each piece of the body, once at its end. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_n, void **context)
{
	struct request *r = *context;
	(void)connection;
	(void)version;
	if (!r->begun) {
		r->begun = true;
		r->method = method;
		return MHD_YES;
	}
	if (*upload_n > 0) {
		if (r->body.n + *upload_n > BODY_MAX)
			r->too_long = true;
		else
			buf_add(&r->body, (struct str){upload, *upload_n});
		*upload_n = 0;
		return MHD_YES;
	}
	return serve(cls, r, url);
}

/* Starts serving on a socket that listens. */
struct MHD_Daemon *serve_start(struct sandbox *s, int listening)
{
	return MHD_start_daemon(
		MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC, 0, NULL,
		NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, (MHD_socket)listening, MHD_OPTION_URI_LOG_CALLBACK,
		begin, s, MHD_OPTION_NOTIFY_COMPLETED, end, s, MHD_OPTION_CONNECTION_LIMIT, 4096u,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536, MHD_OPTION_THREAD_STACK_SIZE, (size_t)(1 << 20),
		MHD_OPTION_END);
}
