/*
 * libcurl's multi interface owns the connections. It is asked with a lock: whoever wants something done sends
 * the request in a thread of their own and waits there, so that the code which talks to an API reads from top
 * to bottom. One of those who wait leads: it waits for what comes in (epoll), for all, and wakes whom an
 * answer is for. Who leads and has its own answer leaves that to another. So a request that is alone wakes
 * nobody but who made it.
 *
 * libcurl itself repeats a request when a connection that it had kept dies before the answer. That would be
 * one more at a limit than was allowed, and what must not be done twice could be. So each request begins once
 * (begin), libcurl gives up instead, and the outcome is HTTP_LOST. Who may repeats it here, at once.
 */
#include "net/http.h"
#include "net/libcurl.h"
#include "net/limit.h"
#include "stream/record.h"
#include "text/say.h"
#include "text/waits.h"

#include <err.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
	CONNECT_S = 10,
	ANSWER_MAX = 32 * 1024 * 1024,
	HEADERS_MAX = 256 * 1024,
	WAIT_FIRST_MS = 250, /* doubled with each try, up to */
	WAIT_MAX_MS = 8000,
	GIVE_UP_S = 60,       /* nothing is tried again when so much time has gone into it */
	RETRY_AFTER_MAX = 60, /* seconds that a server may have us wait in place; longer waits are the caller's */
	PAUSE_MAX = 86400,    /* and none is believed to be longer */
	SPARE_MAX = 16,       /* handles of libcurl's */
	LATE_MS = 10,         /* a timer of its may be so late: it tells in milliseconds how far one moment is */
	IDLE_MAX = 30 /* seconds a connection is kept unused: a server that closes it first costs a lost answer */
};

struct transfer {
	CURL *easy;
	CURLcode result;
	atomic_bool over;
	struct transfer *next; /* of those who follow */
	sem_t called;          /* it is over, or is to lead */
	struct buf body;
	struct buf headers;
	unsigned begun; /* how often libcurl was about to send it */
};

struct http {
	struct http_options options;
	int watched;             /* epoll: libcurl's sockets, and */
	int bell;                /* what calls who leads */
	pthread_mutex_t handles; /* of these */
	CURL *spare[SPARE_MAX];  /* that were used before, and with them TLS sessions */
	size_t spare_n;
	pthread_mutex_t lock;       /* of what follows */
	CURLM *multi;               /* NULL: nothing was asked for yet */
	int64_t due;                /* when it wants to be called whatever comes in; INT64_MAX: never */
	int64_t waits_until;        /* and until when who leads waits */
	struct transfer *leader;    /* who waits for what comes in; NULL: nobody just now */
	struct transfer *followers; /* who wait for their answers, and do not lead */
	unsigned seed;              /* of the jitter */
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

/* libcurl wants to be called when a socket can do what it waits for. */
static int watch(CURL *easy, curl_socket_t socket, int what, void *client, void *known)
{
	struct http *h = client;
	struct epoll_event event = {
		.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u),
		.data.fd = socket};
	(void)easy;
	int how = what == CURL_POLL_REMOVE ? EPOLL_CTL_DEL : known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	bool done = epoll_ctl(h->watched, how, socket, &event) == 0;
	if (how == EPOLL_CTL_ADD)
		curl.multi_assign(h->multi, socket, h);
	return done || how == EPOLL_CTL_DEL ? 0 : -1;
}

/* libcurl wants to be called after so many milliseconds; never where that is less than none. Where that is a
 * little early it says so again. */
static int wait_for(CURLM *multi, long ms, void *client)
{
	struct http *h = client;
	(void)multi;
	h->due = ms < 0 ? INT64_MAX : waits_now() + ms + (ms > 0);
	return 0;
}

/* One who follows no more, by its place in their list; it waits to be called. NULL: nobody is there. */
static struct transfer *take_follower(struct transfer **at)
{
	struct transfer *t = *at;
	if (t)
		*at = t->next;
	return t;
}

/* A transfer is over: whoever waits for it hears of it. */
static void end(struct http *h, struct transfer *t, CURLcode result)
{
	struct transfer **at = &h->followers;
	t->result = result;
	while (*at && *at != t)
		at = &(*at)->next;
	bool leads = h->leader == t;
	struct transfer *waits = take_follower(at);
	/* Who was called to lead may be gone from now on; who was in the list waits to be called. */
	t->over = true;
	if (waits)
		sem_post(&waits->called);
	else if (leads)
		eventfd_write(h->bell, 1);
}

/* Ends the transfers that libcurl is done with. */
static void collect(struct http *h)
{
	int left;
	for (CURLMsg *message; (message = curl.multi_info_read(h->multi, &left));) {
		struct transfer *t;
		CURL *easy = message->easy_handle;
		CURLcode result = message->data.result;
		if (message->msg != CURLMSG_DONE)
			continue;
		curl.easy_getinfo(easy, CURLINFO_PRIVATE, &t);
		curl.multi_remove_handle(h->multi, easy);
		end(h, t, result);
	}
}

/* Lets libcurl do what can be done at a socket, or what it is time for; the lock is held. */
static void drive(struct http *h, curl_socket_t socket, int events)
{
	int running;
	curl.multi_socket_action(h->multi, socket, events, &running);
	collect(h);
}

/* What epoll says of a socket, as libcurl has it. */
static int events_of(uint32_t events)
{
	return (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		   (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
}

/* For how many milliseconds who leads may wait; -1: for ever. */
static int wait_of(const struct http *h)
{
	if (h->due == INT64_MAX)
		return -1;
	int64_t left = h->due - waits_now();
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Waits for what comes in, or what it is time for, once; the lock is held, but not meanwhile. */
static void lead(struct http *h, struct transfer *t)
{
	enum { AT_ONCE = 64 };
	struct epoll_event events[AT_ONCE];
	int wait = wait_of(h);
	h->leader = t;
	h->waits_until = h->due;
	pthread_mutex_unlock(&h->lock);
	int n = epoll_wait(h->watched, events, AT_ONCE, wait);
	pthread_mutex_lock(&h->lock);
	h->leader = NULL;
	for (int i = 0; i < n; i++)
		if (events[i].data.fd != h->bell)
			drive(h, events[i].data.fd, events_of(events[i].events));
	if (n == 0) /* what a socket can do brings what it is time for, too */
		drive(h, CURL_SOCKET_TIMEOUT, 0);
}

/* Waits until another who leads says so; the lock is held, but no more when it returns. */
static void follow(struct http *h, struct transfer *t)
{
	t->next = h->followers;
	h->followers = t;
	pthread_mutex_unlock(&h->lock);
	waits_for(&t->called);
}

/* Waits until a transfer is over; the lock is held, but no more when it returns. Who has followed to the end
 * needs no lock for that: whoever has ended its transfer leads on, or has called another. Who is called to
 * lead needs it, so that nobody is called with it. */
static void await(struct http *h, struct transfer *t)
{
	while (!t->over)
		if (h->leader) {
			follow(h, t);
			if (t->over)
				return;
			pthread_mutex_lock(&h->lock);
		} else {
			lead(h, t);
		}
	struct transfer *next = h->leader ? NULL : take_follower(&h->followers);
	pthread_mutex_unlock(&h->lock);
	if (next)
		sem_post(&next->called);
}

struct http *http_open(const struct http_options *options)
{
	struct http *h = allocated(calloc(1, sizeof *h));
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
	pthread_mutex_init(&h->lock, NULL);
	pthread_mutex_init(&h->handles, NULL);
	return h;
}

/* Starts libcurl. */
static void start(struct http *h)
{
	libcurl_load();
	h->watched = epoll_create1(EPOLL_CLOEXEC);
	h->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	h->due = INT64_MAX;
	struct epoll_event bell = {.events = EPOLLIN | EPOLLET, .data.fd = h->bell};
	if (h->watched < 0 || h->bell < 0 || epoll_ctl(h->watched, EPOLL_CTL_ADD, h->bell, &bell) < 0 ||
		!(h->multi = curl.multi_init()))
		err(EX_OSERR, "cannot start the HTTP client");
	curl.multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)h->options.connections);
	curl.multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, watch);
	curl.multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl.multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, wait_for);
	curl.multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
}

void http_close(struct http *h)
{
	if (!h)
		return;
	if (h->multi) {
		while (h->spare_n)
			curl.easy_cleanup(h->spare[--h->spare_n]);
		curl.multi_cleanup(h->multi);
		close(h->watched);
		close(h->bell);
	}
	pthread_mutex_destroy(&h->lock);
	pthread_mutex_destroy(&h->handles);
	free(h);
}

/* In place of what the handle's last request was. To name a body makes it a POST. */
static void set_method(struct transfer *t, const struct http_request *request)
{
	const char *usual = request->body.p ? "POST" : "GET";
	curl.easy_setopt(t->easy, CURLOPT_POSTFIELDS, request->body.p);
	curl.easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
	if (!request->body.p)
		curl.easy_setopt(t->easy, CURLOPT_HTTPGET, 1L);
	curl.easy_setopt(
		t->easy, CURLOPT_CUSTOMREQUEST, strcmp(request->method, usual) == 0 ? NULL : request->method);
}

static struct curl_slist *header_list(const struct http_request *request)
{
	struct curl_slist *list = curl.slist_append(NULL, "Accept: application/json");
	list = curl.slist_append(list, "Expect:");
	bool typed = false;
	for (const char *const *header = request->headers; header && *header; header++) {
		list = curl.slist_append(list, *header);
		typed |= strncasecmp(*header, "Content-Type:", 13) == 0;
	}
	if (request->body.p && !typed)
		list = allocated(curl.slist_append(list, "Content-Type: application/json"));
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

/* A handle, with what all requests have. */
static CURL *new_handle(const struct http *h)
{
	CURL *easy = allocated(curl.easy_init());
	curl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl.easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl.easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
	curl.easy_setopt(easy, CURLOPT_USERAGENT, "pnow/" PNOW_VERSION);
	curl.easy_setopt(easy, CURLOPT_TIMEOUT, h->options.timeout);
	curl.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl.easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_MAX);
	curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl.easy_setopt(easy, CURLOPT_PREREQFUNCTION, begin);
	return easy;
}

/* The first one starts all. */
static CURL *take_handle(struct http *h)
{
	pthread_mutex_lock(&h->handles);
	if (!h->multi)
		start(h);
	CURL *easy = h->spare_n ? h->spare[--h->spare_n] : NULL;
	pthread_mutex_unlock(&h->handles);
	return easy ? easy : new_handle(h);
}

/* One whose transfer went well is kept: libcurl counts in it what was lost, request after request. */
static void give_handle(struct http *h, CURL *easy, bool went_well)
{
	pthread_mutex_lock(&h->handles);
	bool kept = went_well && h->spare_n < SPARE_MAX;
	if (kept)
		h->spare[h->spare_n++] = easy;
	pthread_mutex_unlock(&h->handles);
	if (!kept)
		curl.easy_cleanup(easy);
}

/* One request, made once; the caller frees t->body and t->headers, and gives t->easy back. */
static void perform(struct http *h, struct transfer *t, const struct http_request *request)
{
	t->easy = take_handle(h);
	struct curl_slist *headers = header_list(request);
	curl.easy_setopt(t->easy, CURLOPT_URL, request->url);
	curl.easy_setopt(t->easy, CURLOPT_PROXY, may_use_proxy(request->url) ? NULL : "");
	curl.easy_setopt(t->easy, CURLOPT_HTTPHEADER, headers);
	curl.easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl.easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	curl.easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
	curl.easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	set_method(t, request);
	sem_init(&t->called, 0, 0);
	pthread_mutex_lock(&h->lock);
	if (curl.multi_add_handle(h->multi, t->easy) != CURLM_OK)
		end(h, t, CURLE_FAILED_INIT);
	drive(h, CURL_SOCKET_TIMEOUT, 0);
	if (h->leader && h->due < h->waits_until - LATE_MS)
		eventfd_write(h->bell, 1);
	await(h, t);
	sem_destroy(&t->called);
	curl.easy_setopt(t->easy, CURLOPT_HTTPHEADER, NULL);
	curl.slist_free_all(headers);
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

int64_t http_date(struct str headers)
{
	struct arena a = {0};
	const char *date = http_header(&a, headers, "Date");
	time_t then = date ? curl.getdate(date, NULL) : -1;
	arena_free(&a);
	return then < 0 ? 0 : (int64_t)then * 1000;
}

/* What Retry-After asks for, seconds from now by the server's clock: so many, or until a date. */
static long pause_of(struct arena *a, struct str headers)
{
	const char *retry_after = http_header(a, headers, "Retry-After");
	int64_t seconds = http_number(retry_after, PAUSE_MAX);
	time_t until = retry_after && seconds < 0 ? curl.getdate(retry_after, NULL) : -1;
	if (until > 0) {
		int64_t now = http_date(headers);
		seconds = until - (now ? now / 1000 : time(NULL));
	}
	return seconds > PAUSE_MAX ? PAUSE_MAX : seconds > 0 ? (long)seconds : 0;
}

/* Makes the request once and fills the answer. True: it was lost with a connection that had been kept. */
static bool try_once(
	struct http *h, struct arena *a, const struct http_request *request, struct http_answer *answer)
{
	struct transfer t = {0};
	double seconds = 0;
	perform(h, &t, request);
	answer->calls++;
	curl.easy_getinfo(t.easy, CURLINFO_TOTAL_TIME, &seconds);
	answer->ms += seconds * 1000;
	answer->headers = (struct str){arena_copy(a, buf_str(&t.headers)), t.headers.n};
	answer->retry_after = pause_of(a, answer->headers);
	if (t.result == CURLE_OK) {
		answer->outcome = HTTP_ANSWERED;
		curl.easy_getinfo(t.easy, CURLINFO_RESPONSE_CODE, &answer->status);
		answer->body = (struct str){arena_copy(a, buf_str(&t.body)), t.body.n};
		answer->error = NULL;
	} else {
		answer->outcome = t.begun ? HTTP_LOST : HTTP_UNSENT;
		answer->unsent += !t.begun;
		answer->error = curl.easy_strerror(t.begun > 1 ? CURLE_GOT_NOTHING : t.result);
	}
	log_request(h, request, answer);
	buf_free(&t.body);
	buf_free(&t.headers);
	give_handle(h, t.easy, t.result == CURLE_OK);
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

long http_pause(const struct http_answer *answer)
{
	bool limited = answer->outcome == HTTP_ANSWERED && answer->status == 429;
	if (!limited || answer->retry_after <= RETRY_AFTER_MAX)
		return 0;
	return answer->retry_after < LIMIT_ASK_EVERY_S ? answer->retry_after : LIMIT_ASK_EVERY_S;
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
	int64_t began = waits_now();
	bool at_once = true;
	for (unsigned n = 0; n < h->options.tries; n++) {
		if (!at_once)
			wait_before(h, n - 1, answer.retry_after);
		if (h->options.allow && !h->options.allow(h->options.context, request))
			return answer;
		at_once = try_once(h, a, request, &answer);
		if (h->options.tried)
			h->options.tried(h->options.context, request, &answer);
		if (!again(request, &answer) || waits_now() - began >= GIVE_UP_S * 1000)
			break;
	}
	return answer;
}

char *http_header(struct arena *a, struct str headers, const char *name)
{
	const char *line = headers.p, *end = line + headers.n;
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
	libcurl_load();
	char *encoded = allocated(curl.easy_escape(NULL, text, 0));
	char *copy = arena_copy(a, str_of(encoded));
	curl.free(encoded);
	return copy;
}
