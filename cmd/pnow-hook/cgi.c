/*
 * A request as CGI/1.1 (RFC 3875) hands it over: in the environment and on standard input. The script's own
 * name does not matter: what follows it is /PRACTICE/SENDER, or /hook/PRACTICE/SENDER; or /healthz.
 */
#include "hook.h"

#include <ctype.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { VARIABLE_MAX = 128 };

/* request.header: X-Signature is HTTP_X_SIGNATURE; two headers have names of their own. */
static const char *header(const void *transport, const char *name)
{
	char variable[VARIABLE_MAX] = "HTTP_";
	size_t n = strlen(variable);

	(void)transport;
	if (strcasecmp(name, "Content-Type") == 0 || strcasecmp(name, "Content-Length") == 0)
		n = 0;
	if (n + strlen(name) >= sizeof variable)
		return NULL;
	for (; *name; name++)
		variable[n++] = *name == '-' ? '_' : (char)toupper((unsigned char)*name);
	variable[n] = '\0';
	const char *value = getenv(variable);
	return value && *value ? value : NULL;
}

/* request.each_header: HTTP_X_SIGNATURE is X-Signature. */
static void each_header(
	const void *transport, void (*take)(void *context, const char *name, const char *value), void *context)
{
	extern char **environ;
	static const char *const apart[] = {"Content-Type", "Content-Length"};
	char name[VARIABLE_MAX];
	for (size_t i = 0; i < COUNT(apart); i++)
		if (header(transport, apart[i]))
			take(context, apart[i], header(transport, apart[i]));
	for (char **variable = environ; *variable; variable++) {
		const char *from = *variable + strlen("HTTP_"), *equals = strchr(*variable, '=');
		if (strncmp(*variable, "HTTP_", strlen("HTTP_")) != 0 || !equals || equals - from >= VARIABLE_MAX)
			continue;
		size_t n = 0;
		for (; from < equals; from++, n++)
			name[n] =
				*from == '_' ? '-' : (char)(n && name[n - 1] != '-' ? tolower((unsigned char)*from) : *from);
		name[n] = '\0';
		take(context, name, equals + 1);
	}
}

/* What stands behind the script's name, as /hook/PRACTICE/SENDER. */
static const char *path(struct arena *a)
{
	const char *given = getenv("PATH_INFO");
	int slashes = 0;

	given = given ? given : "";
	for (const char *p = given; *p; p++)
		slashes += *p == '/';
	return slashes < 3 && strcmp(given, "/healthz") != 0 ? arena_printf(a, "/hook%s", given) : given;
}

/* Reads up to room bytes of the body; the count. */
static size_t read_body(char *body, size_t room)
{
	size_t have = 0;
	ssize_t n = 1;

	while (have < room && n != 0) {
		n = read(STDIN_FILENO, body + have, room - have);
		if (n < 0 && errno != EINTR)
			break;
		have += n > 0 ? (size_t)n : 0;
	}
	return have;
}

/* Reads and judges the body. Its length is CONTENT_LENGTH; a server that passes chunks on instead ends it
 * with the file. */
static void take_body(struct hook *h, struct request *r, struct answer *answer)
{
	const char *length = header(NULL, "Content-Length");
	bool chunked = !length && header(NULL, "Transfer-Encoding");
	size_t expected = length ? (size_t)strtonum(length, 0, HOOK_BODY_MAX, NULL) : 0;
	char *body = arena_alloc(r->arena, chunked ? HOOK_BODY_MAX + 1 : expected + 1);
	size_t n = read_body(body, chunked ? HOOK_BODY_MAX + 1 : expected);

	if (n > HOOK_BODY_MAX)
		request_too_long(r, answer);
	else if (!chunked && n < expected)
		request_cut_short(r, answer);
	else
		request_body(h, r, (struct str){body, n}, answer);
}

/* Reads a body that was refused: some servers take it ill when nobody does. */
static void discard_body(void)
{
	static char rest[16384];
	const char *length = header(NULL, "Content-Length");
	size_t left = length ? (size_t)strtonum(length, 0, INT64_MAX, NULL) : 0;

	if (left > HOOK_DISCARD || (!length && header(NULL, "Transfer-Encoding")))
		left = HOOK_DISCARD;
	while (left > 0) {
		size_t piece = left < sizeof rest ? left : sizeof rest;
		if (read_body(rest, piece) < piece)
			break;
		left -= piece;
	}
}

/* Writes the answer to the server. */
static void reply(int out, const struct request *r, const struct answer *answer)
{
	const char *const headers[][2] = {
		{"Content-Type", answer->plain ? "text/plain" : "application/json"},
		{"X-Content-Type-Options", answer->plain ? "nosniff" : NULL},
		{"Allow", answer->allow},
		{"WWW-Authenticate", answer->challenge},
		{"Retry-After", answer->retry_after},
	};
	struct buf text = {0};

	buf_printf(&text, "Status: %u %s\r\n", answer->status, MHD_get_reason_phrase_for(answer->status));
	for (size_t i = 0; i < COUNT(headers); i++)
		if (headers[i][1])
			buf_printf(&text, "%s: %s\r\n", headers[i][0], headers[i][1]);
	bool head = strcmp(r->method, "HEAD") == 0;
	buf_printf(&text, "Content-Length: %zu\r\n\r\n%s", strlen(answer->text), head ? "" : answer->text);
	for (size_t done = 0; done < text.n;) {
		ssize_t n = write(out, text.p + done, text.n - done);
		if (n < 0 && errno != EINTR)
			break; /* the server has gone; nobody is left to tell */
		done += n > 0 ? (size_t)n : 0;
	}
	buf_free(&text);
}

/* Whether the server says how long the body is in a way that can be read in one way only. A Transfer-Encoding
 * beside it is the sender's, and the server has seen to it. */
static bool is_length_clear(void)
{
	const char *length = header(NULL, "Content-Length");
	return !length || length[strspn(length, "0123456789")] == '\0';
}

int cgi_answer(struct hook *h, int out)
{
	struct arena arena = {0};
	struct answer answer = {0};
	const char *method = getenv("REQUEST_METHOD");
	struct timespec started;

	clock_gettime(CLOCK_MONOTONIC, &started);
	struct request r = {.method = method ? method : "",
		.query = getenv("QUERY_STRING"),
		.header = header,
		.each_header = each_header,
		.arena = &arena};
	r.path = path(&arena);
	if (!is_length_clear())
		request_malformed(&r, &answer, "Content-Length is no number");
	else if (request_head(h, &r, &answer))
		discard_body();
	else
		take_body(h, &r, &answer);
	reply(out, &r, &answer);
	request_told(h, &r, &answer, started);
	request_end(h, &r);
	arena_free(&arena);
	return EX_OK;
}
