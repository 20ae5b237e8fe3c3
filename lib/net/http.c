/*
 * One thread runs libcurl's multi interface and owns every connection; whoever wants something done waits for
 * it in a thread of their own, so that the code which talks to an API reads from top to bottom.
 *
 * libcurl itself repeats a request when a connection that it had kept dies before the answer. That would be
 * one more at a limit than was allowed, and what must not be done twice could be. So each request begins once
 * (begin), libcurl gives up instead, and the outcome is HTTP_LOST. Who may repeats it here, at once.
 */
#include "net/http.h"
#include "stream/record.h"
#include "text/say.h"

#include <curl/curl.h>
#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sysexits.h>
#include <time.h>

enum {
	CONNECT_S = 10,
	ANSWER_MAX = 32 * 1024 * 1024,
	HEADERS_MAX = 256 * 1024,
	WAIT_FIRST_MS = 250, /* doubled with each try, up to */
	WAIT_MAX_MS = 8000,
	GIVE_UP_S = 60,       /* nothing is tried again when so much time has gone into it */
	RETRY_AFTER_MAX = 60, /* seconds that a server may have us wait in place; longer waits are the caller's */
	PAUSE_MAX = 86400,    /* and none is believed to be longer */
	IDLE_MAX = 30 /* seconds a connection is kept unused: a server that closes it first costs a lost answer */
};

struct transfer {
	struct transfer *next;
	CURL *easy;
	CURLcode result;
	bool done;
	pthread_cond_t ended;
	struct buf body;
	struct buf headers;
	unsigned begun; /* how often libcurl was about to send it */
};

struct http {
	struct http_options options;
	CURLM *multi;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* of what follows */
	struct transfer *waiting;
	bool closing;
	unsigned seed; /* of the jitter */
};

static size_t take_body(char *bytes, size_t one, size_t n, void *context)
{
	struct transfer *t = context;
	if (t->body.n + n * one > ANSWER_MAX)
		return 0;
	buf_add(&t->body, (struct str){bytes, n * one});
	return n * one;
}

/* libcurl is about to send the request. */
static int begin(void *context, char *to, char *from, int to_port, int from_port)
{
	struct transfer *t = context;
	(void)to, (void)from, (void)to_port, (void)from_port;
	return t->begun++ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* The lines of the last answer: each begins with its status. */
static size_t take_header(char *bytes, size_t one, size_t n, void *context)
{
	struct transfer *t = context;
	if (one * n >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
		t->headers.n = 0;
	if (t->headers.n + one * n > HEADERS_MAX)
		return 0;
	buf_add(&t->headers, (struct str){bytes, one * n});
	return one * n;
}

/* Tells whoever waits that a transfer has ended; the lock is held. */
static void end(struct transfer *t, CURLcode result)
{
	t->result = result;
	t->done = true;
	pthread_cond_signal(&t->ended);
}

static void collect(struct http *h)
{
	int left;
	for (CURLMsg *message; (message = curl_multi_info_read(h->multi, &left));) {
		struct transfer *t;
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode result = message->data.result;
		CURL *easy = message->easy_handle;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
		curl_multi_remove_handle(h->multi, easy);
		pthread_mutex_lock(&h->lock);
		end(t, result);
		pthread_mutex_unlock(&h->lock);
	}
}

/* The thread that owns the connections. */
static void *run(void *context)
{
	struct http *h = context;
	int running = 0;
	for (;;) {
		pthread_mutex_lock(&h->lock);
		struct transfer *waiting = h->waiting;
		bool closing = h->closing;
		h->waiting = NULL;
		for (struct transfer *t = waiting, *next; t; t = next) {
			next = t->next;
			if (curl_multi_add_handle(h->multi, t->easy) != CURLM_OK)
				end(t, CURLE_FAILED_INIT);
		}
		pthread_mutex_unlock(&h->lock);
		if (closing && !waiting)
			return NULL;
		curl_multi_perform(h->multi, &running);
		collect(h);
		curl_multi_poll(h->multi, NULL, 0, 10000, NULL);
	}
}

struct http *http_open(const struct http_options *options)
{
	struct http *h = calloc(1, sizeof *h);
	if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(h->multi = curl_multi_init()))
		errx(EX_SOFTWARE, "cannot start the HTTP client");
	h->options = *options;
	if (!h->options.timeout)
		h->options.timeout = 30;
	if (!h->options.tries)
		h->options.tries = 5;
	if (!h->options.connections)
		h->options.connections = 8;
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	h->seed = (unsigned)now.tv_nsec;
	curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)h->options.connections);
	pthread_mutex_init(&h->lock, NULL);
	return h;
}

/* The client's thread starts with the first request. */
static void start(struct http *h)
{
	pthread_mutex_lock(&h->lock);
	if (!h->started && pthread_create(&h->thread, NULL, run, h) != 0)
		errx(EX_OSERR, "cannot start a thread");
	h->started = true;
	pthread_mutex_unlock(&h->lock);
}

void http_close(struct http *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->closing = true;
	pthread_mutex_unlock(&h->lock);
	if (h->started) {
		curl_multi_wakeup(h->multi);
		pthread_join(h->thread, NULL);
	}
	curl_multi_cleanup(h->multi);
	curl_global_cleanup();
	pthread_mutex_destroy(&h->lock);
	free(h);
}

static void set_body(struct transfer *t, const struct http_request *request)
{
	if (!request->body.p) {
		if (strcmp(request->method, "GET") != 0)
			curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, request->method);
		return;
	}
	curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
	if (strcmp(request->method, "POST") != 0)
		curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, request->method);
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, request->body.p);
}

static struct curl_slist *header_list(const struct http_request *request)
{
	struct curl_slist *list = curl_slist_append(NULL, "Accept: application/json");
	list = curl_slist_append(list, "Expect:");
	bool typed = false;
	for (const char *const *header = request->headers; header && *header; header++) {
		list = curl_slist_append(list, *header);
		typed |= strncasecmp(*header, "Content-Type:", 13) == 0;
	}
	if (request->body.p && !typed)
		list = allocated(curl_slist_append(list, "Content-Type: application/json"));
	return list;
}

/* Whether a proxy that the environment names may carry a request: one in plain text would show it the token,
 * and what is meant for this machine is not to be looked for on another. */
static bool may_use_proxy(const char *url)
{
	static const char *const here[] = {"https://127.0.0.1", "https://localhost", "https://[::1]"};
	for (size_t i = 0; i < COUNT(here); i++)
		if (strncasecmp(url, here[i], strlen(here[i])) == 0 && strchr(":/", url[strlen(here[i])]))
			return false;
	return strncasecmp(url, "https://", 8) == 0;
}

/* One request, made once; the caller frees t->body, t->headers and t->easy. */
static void perform(struct http *h, struct transfer *t, const struct http_request *request)
{
	struct curl_slist *headers = header_list(request);
	if (!(t->easy = curl_easy_init()))
		out_of_memory();
	curl_easy_setopt(t->easy, CURLOPT_URL, request->url);
	curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	if (!may_use_proxy(request->url))
		curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(t->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(t->easy, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "pnow/" PNOW_VERSION);
	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT, h->options.timeout);
	curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(t->easy, CURLOPT_MAXAGE_CONN, (long)IDLE_MAX);
	curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, begin);
	curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	set_body(t, request);
	pthread_cond_init(&t->ended, NULL);
	pthread_mutex_lock(&h->lock);
	t->next = h->waiting;
	h->waiting = t;
	curl_multi_wakeup(h->multi);
	while (!t->done)
		pthread_cond_wait(&t->ended, &h->lock);
	pthread_mutex_unlock(&h->lock);
	pthread_cond_destroy(&t->ended);
	curl_slist_free_all(headers);
}

static void log_request(
	const struct http *h, const struct http_request *request, const struct http_answer *answer)
{
	if (!h->options.verbose)
		return;
	const char *path = strstr(request->url, "://");
	path = path ? strchr(path + 3, '/') : NULL;
	int n = path ? (int)strcspn(path, "?") : 0;
	if (answer->outcome == HTTP_ANSWERED)
		say("%s %.*s: %ld, %.0f ms", request->method, n, path ? path : "", answer->status, answer->ms);
	else
		say("%s %.*s: %s, %.0f ms", request->method, n, path ? path : "", answer->error, answer->ms);
}

/* What Retry-After asks for, seconds from now by the server's clock: so many, or until a date. */
static long pause_of(const char *retry_after, time_t now)
{
	int64_t seconds = http_number(retry_after, PAUSE_MAX);
	time_t until = retry_after && seconds < 0 ? curl_getdate(retry_after, NULL) : -1;
	if (until > now)
		seconds = until - now < PAUSE_MAX ? until - now : PAUSE_MAX;
	return seconds > 0 ? (long)seconds : 0;
}

/* Makes the request once and fills the answer. True: it was lost with a connection that had been kept. */
static bool try_once(
	struct http *h, struct arena *a, const struct http_request *request, struct http_answer *answer)
{
	struct transfer t = {0};
	double seconds = 0;
	perform(h, &t, request);
	answer->calls++;
	curl_easy_getinfo(t.easy, CURLINFO_TOTAL_TIME, &seconds);
	answer->ms += seconds * 1000;
	answer->headers = (struct str){arena_copy(a, buf_str(&t.headers)), t.headers.n};
	const char *date = http_header(a, answer, "Date");
	time_t then = date ? curl_getdate(date, NULL) : -1;
	answer->date = then < 0 ? 0 : (int64_t)then * 1000;
	answer->retry_after = pause_of(http_header(a, answer, "Retry-After"), then < 0 ? time(NULL) : then);
	if (t.result == CURLE_OK) {
		answer->outcome = HTTP_ANSWERED;
		curl_easy_getinfo(t.easy, CURLINFO_RESPONSE_CODE, &answer->status);
		answer->body = (struct str){arena_copy(a, buf_str(&t.body)), t.body.n};
		answer->error = NULL;
	} else {
		answer->outcome = t.begun ? HTTP_LOST : HTTP_UNSENT;
		answer->error = curl_easy_strerror(t.begun > 1 ? CURLE_GOT_NOTHING : t.result);
	}
	log_request(h, request, answer);
	buf_free(&t.body);
	buf_free(&t.headers);
	curl_easy_cleanup(t.easy);
	return t.begun > 1;
}

struct http_failure http_failure(const struct http_answer *answer)
{
	static const struct {
		long from, to;
		struct http_failure means;
	} statuses[] = {
		{401, 401, {"refused", true, true}},
		{403, 403, {"refused", true, true}},
		{404, 404, {"not_found", false, true}},
		{408, 408, {"unavailable", true, false}},
		{410, 410, {"not_found", false, true}},
		{429, 429, {"limited", true, true}},
		{400, 499, {"rejected", false, true}},
		{500, 599, {"unavailable", true, false}},
	};
	if (answer->outcome == HTTP_UNSENT)
		return (struct http_failure){"unavailable", true, true};
	if (answer->outcome == HTTP_LOST)
		return (struct http_failure){"lost", true, false};
	for (size_t i = 0; i < COUNT(statuses); i++)
		if (answer->status >= statuses[i].from && answer->status <= statuses[i].to)
			return statuses[i].means;
	return (struct http_failure){"bad_answer", true, false};
}

/* Whether doing it again can help and does no harm. */
static bool again(const struct http_request *request, const struct http_answer *answer)
{
	if (answer->outcome == HTTP_UNSENT)
		return true;
	if (answer->outcome == HTTP_LOST)
		return request->repeatable;
	if (answer->status == 429)
		return answer->retry_after <= RETRY_AFTER_MAX;
	return answer->status >= 500 && request->repeatable && answer->retry_after <= RETRY_AFTER_MAX;
}

/* Waits before try number n + 1: what the server asked for, else twice as long each time, give or take a
 * half. */
static void wait_before(struct http *h, unsigned n, long retry_after)
{
	unsigned long ms = (unsigned long)WAIT_FIRST_MS << n;
	if (ms > WAIT_MAX_MS)
		ms = WAIT_MAX_MS;
	pthread_mutex_lock(&h->lock);
	h->seed = h->seed * 1103515245u + 12345u;
	unsigned long jitter = (h->seed >> 8) % (ms + 1);
	pthread_mutex_unlock(&h->lock);
	ms = retry_after > 0 ? (unsigned long)retry_after * 1000 + jitter / 8 : ms / 2 + jitter;
	struct timespec wait = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
	record_waits();
	nanosleep(&wait, NULL);
	record_goes_on();
}

struct http_answer http_do(struct http *h, struct arena *a, const struct http_request *request)
{
	struct http_answer answer = {.outcome = HTTP_UNSENT, .error = "not allowed"};
	struct timespec began, now;
	bool at_once = true;
	start(h);
	clock_gettime(CLOCK_MONOTONIC, &began);
	for (unsigned n = 0; n < h->options.tries; n++) {
		if (!at_once)
			wait_before(h, n - 1, answer.retry_after);
		if (h->options.allow && !h->options.allow(h->options.context, request))
			return answer;
		at_once = try_once(h, a, request, &answer);
		if (h->options.tried)
			h->options.tried(h->options.context, request, &answer);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (!again(request, &answer) || now.tv_sec - began.tv_sec >= GIVE_UP_S)
			break;
	}
	return answer;
}

char *http_header(struct arena *a, const struct http_answer *answer, const char *name)
{
	const char *line = answer->headers.p, *end = line + answer->headers.n;
	for (size_t n = strlen(name); line && line < end; line++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((newline ? newline : end) - line);
		if (length > n && line[n] == ':' && strncasecmp(line, name, n) == 0) {
			struct str value = {line + n + 1, length - n - 1};
			while (value.n && strchr(" \t", value.p[0]))
				value = (struct str){value.p + 1, value.n - 1};
			while (value.n && strchr(" \t\r", value.p[value.n - 1]))
				value.n--;
			return arena_copy(a, value);
		}
		line += length;
	}
	return NULL;
}

int64_t http_number(const char *text, int64_t max)
{
	if (!text || !*text || text[strspn(text, "0123456789")])
		return -1;
	long long n = strtoll(text, NULL, 10); /* too many digits: the greatest number */
	return n < max ? n : max;
}

char *http_encode(struct arena *a, const char *text)
{
	char *encoded = allocated(curl_easy_escape(NULL, text, 0));
	char *copy = arena_copy(a, str_of(encoded));
	curl_free(encoded);
	return copy;
}
