/*
 * The HTTP client: libcurl's multi interface, asked from any thread. Repeats what may be repeated after
 * connection errors, 429 and 5xx, with exponential backoff and jitter; honours Retry-After; TLS 1.2 or later,
 * verified.
 */
#ifndef HTTP_H
#define HTTP_H

#include "text/arena.h"
#include "text/buf.h"
#include <stdint.h>

struct http;

struct http_request {
	const char *method;
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated; never written to any message */
	struct str body;            /* p NULL: none */
	bool repeatable;            /* doing it twice does no harm (reads, writes of a whole state) */
	void *caller;               /* for allow and tried */
};

/* Of a repeatable request they tell of the last try only, and a status too: an earlier try may have had its
   effect. */
enum http_outcome {
	HTTP_ANSWERED, /* status and body are there */
	HTTP_UNSENT,   /* the request never reached the server: it had no effect */
	HTTP_LOST,     /* sent, but no whole answer came: nobody knows whether it had an effect */
};

struct http_answer {
	enum http_outcome outcome;
	long status;
	struct str body;   /* the arena's */
	const char *error; /* what went wrong, for people; without URL, query or header. NULL where answered */
	unsigned calls;    /* requests made for it, repeats counted, */
	unsigned unsent;   /* and of these the ones that never reached the server */
	double ms;
	long retry_after;   /* seconds, from Retry-After, a day at most; 0: not said */
	struct str headers; /* of the answer, each line with its newline; the arena's */
};

/* What an answer that is no success means. */
struct http_failure {
	const char *code;    /* unavailable, lost, refused, not_found, limited, rejected, bad_answer */
	bool retry;          /* it can work later */
	bool without_effect; /* the request certainly changed nothing */
};

/* Of an answer that did not come, or whose status or body is not what was hoped for. */
struct http_failure http_failure(const struct http_answer *answer);

/* In how many seconds one may ask again after a 429 that asks for a longer pause than http_do waits for: when
   it is over, or in LIMIT_ASK_EVERY_S. 0: it is no such answer. */
long http_pause(const struct http_answer *answer);

/* The value of a header of an answer (its name in any case), the arena's; NULL where it has none. */
char *http_header(struct arena *a, struct str headers, const char *name);

/* The server's clock in an answer's headers, milliseconds since 1970; 0: not said. */
int64_t http_date(struct str headers);

/* A number that a server sent, which may be any: digits alone; more than max is max. -1 where it is none, or
   text is NULL. */
int64_t http_number(const char *text, int64_t max);

struct http_options {
	long timeout;         /* for one request, seconds; 0: 30 */
	unsigned tries;       /* 0: 5 */
	unsigned connections; /* to one host at once; 0: 8 */
	bool verbose; /* -v: a line for each request on stderr, method, path without query, status, time */
	/* Called before each request (repeats too) in the caller's thread, and may wait; false: it is not made,
	 * outcome HTTP_UNSENT. */
	bool (*allow)(void *context, const struct http_request *request);
	/* Called after each request that was allowed, with what came of this one; may be NULL. */
	void (*tried)(void *context, const struct http_request *request, const struct http_answer *answer);
	void *context;
};

struct http *http_open(const struct http_options *options);
/* Blocks until it is done; may be called from several threads at once. */
struct http_answer http_do(struct http *h, struct arena *a, const struct http_request *request);
void http_close(struct http *h);

/* text percent-encoded, as the value of a query parameter or one segment of a path. */
char *http_encode(struct arena *a, const char *text);

#endif
