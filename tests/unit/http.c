/* What a server may say: numbers of any size, pauses as seconds or as a date, nothing; and many threads that
 * ask. */
#include "tap.h"
#include "net/http.h"
#include "value/when.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
	const char *text;
	int64_t max, n;
} numbers[] = {
	{"0", 10, 0},
	{"7", 10, 7},
	{"007", 10, 7},
	{"10", 10, 10},
	{"11", 10, 10},
	{"99999999999999", 86400, 86400},
	{"9223372036854775807", 86400, 86400},
	{"9223372036854775808", 86400, 86400},
	{"99999999999999999999999999999999999999", INT64_MAX, INT64_MAX},
	{"-1", 10, -1},
	{"-99999999999999999999999999", 10, -1},
	{"+5", 10, -1},
	{" 5", 10, -1},
	{"5 ", 10, -1},
	{"5.0", 10, -1},
	{"1e9", 10, -1},
	{"0x10", 10, -1},
	{"five", 10, -1},
	{"", 10, -1},
	{NULL, 10, -1},
};

/* The server's clock stands at noon. */
static const char noon[] = "Mon, 23 Nov 2026 12:00:00 GMT";
static const struct {
	const char *retry_after;
	long seconds;
} pauses[] = {
	{"1", 1},
	{"86400", 86400},
	{"86401", 86400},
	{"31536000", 86400},
	{"99999999999999", 86400},
	{"9223372036854775807", 86400},
	{"99999999999999999999999999999999", 86400},
	{"0", 0},
	{"-1", 0},
	{"-99999999999999", 0},
	{"soon", 0},
	{"Mon, 23 Nov 2026 12:01:30 GMT", 90},
	{"Monday, 23-Nov-26 12:01:30 GMT", 90},
	{"Mon Nov 23 12:01:30 2026", 90},
	{"Mon, 23 Nov 2026 11:00:00 GMT", 0},
	{"Wed, 25 Nov 2026 12:00:00 GMT", 86400},
	{"Fri, 31 Dec 9999 23:59:59 GMT", 86400},
};

static atomic_uint gone;    /* how often that was asked */
static atomic_size_t bytes; /* of the body that came last */

/* Answers the path /N with the pause of that number, /broken with status 500, and /echo with the method, the
 * body's type and its bytes; /gone it reads, and ends the connection. */
static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *body, size_t *n, void **state)
{
	if (!*state || *n) { /* who has not read it whole cannot keep the connection */
		bytes = *state ? bytes + *n : 0;
		*state = &gone;
		*n = 0;
		return MHD_YES;
	}
	if (strcmp(url, "/gone") == 0) {
		gone++;
		return MHD_NO;
	}
	char said[80] = "";
	bool broken = strcmp(url, "/broken") == 0, echo = strcmp(url, "/echo") == 0;
	const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type");
	(void)context, (void)version, (void)body;
	if (echo)
		snprintf(said, sizeof said, "%s %s %zu", method, type ? type : "-", (size_t)bytes);
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(said), said, MHD_RESPMEM_MUST_COPY);
	MHD_add_response_header(response, "Date", noon);
	if (!broken && !echo)
		MHD_add_response_header(response, "Retry-After", pauses[strtoul(url + 1, NULL, 10)].retry_after);
	enum MHD_Result queued = MHD_queue_response(connection, broken ? 500 : 400, response);
	MHD_destroy_response(response);
	return queued;
}

static void check_pauses(unsigned port)
{
	struct http *h = http_open(&(struct http_options){.tries = 1});
	struct arena a = {0};
	for (size_t i = 0; i < COUNT(pauses); i++) {
		struct http_request request = {
			.method = "GET", .url = arena_printf(&a, "http://127.0.0.1:%u/%zu", port, i)};
		struct http_answer got = http_do(h, &a, &request);
		if (!ok(got.status == 400 && got.retry_after == pauses[i].seconds, "Retry-After: %s",
				pauses[i].retry_after))
			printf("#  got: %ld, %ld\n", got.status, got.retry_after);
	}
	arena_free(&a);
	http_close(h);
}

/* A server that breaks may have done first what it was asked. */
static void check_repeats(unsigned port)
{
	struct http *h = http_open(&(struct http_options){.tries = 2});
	struct arena a = {0};
	struct http_request request = {
		.method = "POST", .url = arena_printf(&a, "http://127.0.0.1:%u/broken", port)};
	struct http_answer got = http_do(h, &a, &request);
	ok(got.status == 500 && got.calls == 1, "a 5xx: what must happen once is not repeated");
	request.repeatable = true;
	got = http_do(h, &a, &request);
	ok(got.status == 500 && got.calls == 2, "and what may be repeated is");
	arena_free(&a);
	http_close(h);
}

/* One handle of libcurl's carries each request in turn. */
static void check_kept_handle(unsigned port)
{
	static const struct {
		const char *method;
		const char *body;
		const char *said;
	} requests[] = {
		{"POST", "{\"a\":1}", "POST application/json 7"},
		{"GET", NULL, "GET - 0"},
		{"PUT", "{}", "PUT application/json 2"},
		{"DELETE", NULL, "DELETE - 0"},
		{"GET", NULL, "GET - 0"},
		{"DELETE", "[1]", "DELETE application/json 3"},
		{"POST", "{}", "POST application/json 2"},
	};
	struct http *h = http_open(&(struct http_options){.tries = 1});
	struct arena a = {0};
	for (size_t i = 0; i < COUNT(requests); i++) {
		struct http_request request = {.method = requests[i].method,
			.url = arena_printf(&a, "http://127.0.0.1:%u/echo", port),
			.body = requests[i].body ? str_of(requests[i].body) : (struct str){0}};
		struct http_answer got = http_do(h, &a, &request);
		if (!ok(got.body.n == strlen(requests[i].said) &&
					memcmp(got.body.p, requests[i].said, got.body.n) == 0,
				"%s: nothing is left of the request before it", requests[i].said))
			printf("#  got: %.*s\n", (int)got.body.n, got.body.p);
	}
	arena_free(&a);
	http_close(h);
}

/* What libcurl would do on its own where a connection that was kept has gone: each request counts at a limit.
 */
static void check_kept_connection(unsigned port)
{
	static const char *const methods[] = {"GET", "PUT", "POST"};
	struct arena a = {0};
	for (size_t i = 0; i < COUNT(methods); i++) {
		struct http *h = http_open(&(struct http_options){.tries = 1});
		struct http_request request = {.method = methods[i],
			.url = arena_printf(&a, "http://127.0.0.1:%u/broken", port),
			.repeatable = strcmp(methods[i], "POST") != 0};
		if (i)
			request.body = STR("{}");
		http_do(h, &a, &request);
		request.url = arena_printf(&a, "http://127.0.0.1:%u/gone", port);
		unsigned before = gone;
		struct http_answer got = http_do(h, &a, &request);
		if (!ok(got.outcome == HTTP_LOST && got.calls == 1 && gone == before + 1,
				"%s: a connection that was kept and ends without an answer: one request is made, and is lost",
				methods[i]))
			printf("#  %u calls, %u came\n", got.calls, gone - before);
		http_close(h);
	}
	arena_free(&a);
}

/* However many were lost before it, one that is lost is repeated at once. */
static void check_lost(unsigned port)
{
	enum { ROUNDS = 14 };
	struct http *h = http_open(&(struct http_options){.tries = 1});
	struct arena a = {0};
	const char *first = NULL;
	int same = 0;
	for (int i = 0; i < ROUNDS; i++) {
		struct http_request request = {.method = "PUT",
			.url = arena_printf(&a, "http://127.0.0.1:%u/broken", port),
			.body = STR("{}"),
			.repeatable = true};
		http_do(h, &a, &request);
		request.url = arena_printf(&a, "http://127.0.0.1:%u/gone", port);
		struct http_answer got = http_do(h, &a, &request);
		first = first ? first : got.error;
		same += got.error && strcmp(got.error, first) == 0;
	}
	ok(same == ROUNDS, "each that is lost with its connection is so in the same way (%d)", same);
	arena_free(&a);
	http_close(h);
}

/* Requests of a thread, one after the other. */
struct asker {
	struct http *http;
	const char *url;
	int requests;
	atomic_bool done;
	atomic_int answered;
	struct http_answer last;
};

static void *ask(void *context)
{
	struct asker *k = context;
	struct http_request request = {.method = "POST", .url = k->url};
	for (int i = 0; i < k->requests; i++) {
		struct arena a = {0};
		k->last = http_do(k->http, &a, &request);
		k->answered += k->last.outcome == HTTP_ANSWERED;
		arena_free(&a);
	}
	k->done = true;
	return NULL;
}

/* A socket that takes connections and answers nothing. */
static int silent(unsigned *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) < 0 || listen(fd, 8) < 0 ||
		getsockname(fd, (struct sockaddr *)&at, &n) < 0)
		exit(1);
	*port = ntohs(at.sin_port);
	return fd;
}

/* One thread waits for all: whose answer comes is called, whoever has read it, and so is who waits in vain.
 */
static void check_threads(unsigned port)
{
	enum { THREADS = 8, REQUESTS = 200, PATIENCE_MS = 10000 };
	struct http *h = http_open(&(struct http_options){.tries = 1, .timeout = 1, .connections = THREADS});
	struct arena a = {0};
	struct asker askers[THREADS];
	pthread_t threads[THREADS];
	int answered = 0;
	unsigned nowhere;
	for (size_t i = 0; i < THREADS; i++) {
		askers[i] = (struct asker){
			.http = h, .url = arena_printf(&a, "http://127.0.0.1:%u/broken", port), .requests = REQUESTS};
		pthread_create(&threads[i], NULL, ask, &askers[i]);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		answered += askers[i].answered;
	}
	ok(answered == THREADS * REQUESTS, "eight threads at once: each request is answered (%d)", answered);

	int fd = silent(&nowhere);
	struct asker vain = {.http = h, .url = arena_printf(&a, "http://127.0.0.1:%u/", nowhere), .requests = 1};
	int64_t start = when_now_ms();
	ask(&vain);
	ok(vain.last.outcome == HTTP_LOST && when_now_ms() - start < PATIENCE_MS,
		"who waits in vain hears of it in time, alone");
	vain.done = false;

	struct asker other = {
		.http = h, .url = arena_printf(&a, "http://127.0.0.1:%u/broken", port), .requests = 1};
	start = when_now_ms();
	pthread_create(&threads[0], NULL, ask, &vain);
	while (!vain.done && when_now_ms() - start < PATIENCE_MS)
		ask(&other);
	ok(vain.done && vain.last.outcome == HTTP_LOST,
		"who waits in vain hears of it in time, whoever asks meanwhile");
	pthread_join(threads[0], NULL);
	close(fd);
	arena_free(&a);
	http_close(h);
}

int main(void)
{
	alarm(120); /* who is never called waits for ever */
	for (size_t i = 0; i < COUNT(numbers); i++)
		ok(http_number(numbers[i].text, numbers[i].max) == numbers[i].n, "the number %s, at most %lld",
			numbers[i].text ? numbers[i].text : "that is not there", (long long)numbers[i].max);
	struct MHD_Daemon *daemon =
		MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_SUPPRESS_DATE_NO_CLOCK, 0, NULL, NULL,
			answer, NULL, MHD_OPTION_END);
	if (!daemon)
		return 1;
	unsigned port = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	check_pauses(port);
	check_repeats(port);
	check_kept_handle(port);
	check_kept_connection(port);
	check_lost(port);
	check_threads(port);
	MHD_stop_daemon(daemon);
	return done();
}
