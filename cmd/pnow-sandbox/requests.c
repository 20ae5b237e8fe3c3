/*
 * The log of requests: one finished line of JSON for each, in the order in which they took effect, all kept
 * until they are cleared. A test reads it to see what was really sent. Secrets in headers are not in it, nor
 * are forms, which only OAuth has.
 */
#include "requests.h"
#include "answer.h"
#include "route.h"
#include "sandbox.h"
#include "text.h"
#include "text/waits.h"
#include <stdio.h>

/* The body without blanks between its tokens; null where it is no JSON. The number text stays as it was sent.
 */
static void add_body(struct buf *line, const struct request *r)
{
	bool quoted = false;
	if (r->not_json || !r->body.n) {
		buf_puts(line, "null");
		return;
	}
	for (size_t i = 0; i < r->body.n; i++) {
		char c = r->body.p[i];
		if (!quoted && strchr(" \t\r\n", c))
			continue;
		buf_putc(line, c);
		if (quoted && c == '\\' && i + 1 < r->body.n)
			buf_putc(line, r->body.p[++i]);
		else if (c == '"')
			quoted = !quoted;
	}
}

/* Adds a request that has been answered (status 0: it was not); verbose: a line on stderr, too. */
void requests_add(struct requests *log, const struct request *r, bool verbose)
{
	static const char *const apis[] = {"patientnow", "envision", "crm"};
	long ms = (long)(waits_now() - r->began);
	const char *version = request_header(r, "Version");
	if (r->api > API_CRM)
		return;
	buf_printf(
		&log->lines, "{\"n\":%zu,\"at\":\"%s\",\"api\":\"%s\",\"method\":", ++log->n, r->at, apis[r->api]);
	buf_json(&log->lines, str_of(r->method));
	buf_puts(&log->lines, ",\"path\":");
	buf_json(&log->lines, str_of(r->below));
	buf_puts(&log->lines, ",\"body\":");
	add_body(&log->lines, r);
	buf_printf(&log->lines, ",\"status\":%u", r->answer.status);
	buf_puts(&log->lines, ",\"version\":");
	if (version)
		buf_json(&log->lines, str_of(version));
	else
		buf_puts(&log->lines, "null");
	buf_printf(&log->lines, ",\"ms\":%ld,\"fault\":", ms);
	if (r->fault)
		buf_json(&log->lines, str_of(r->fault));
	else
		buf_puts(&log->lines, "null");
	buf_puts(&log->lines, "}\n");
	if (verbose)
		fprintf(stderr, "%s %s %u %ld ms%s%s\n", r->method, r->uri, r->answer.status, ms,
			r->fault ? " fault " : "", r->fault ? r->fault : "");
}

/* GET /_/requests */
void own_requests(struct sandbox *s, struct request *r)
{
	r->answer.status = 200;
	r->answer.type = "application/x-ndjson";
	buf_add(&r->answer.body, buf_str(&s->requests.lines));
}

/* DELETE /_/requests */
void own_requests_clear(struct sandbox *s, struct request *r)
{
	s->requests.lines.n = 0;
	s->requests.n = 0;
	answer_json(r, 200, json_object_new_object());
}
