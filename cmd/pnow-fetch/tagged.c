/*
 * The contacts that carry a tag of create.tags, as contact.tagged events: tags that were set while nobody
 * listened. The CRM sends a webhook again for about 70 minutes; then only a search finds them. A tag goes
 * when its event is done, so what is found still asks; where the search lags behind, or a webhook's event is
 * on its way, pnow-push sees that.
 */
#include "pnow-fetch.h"
#include "stream/record.h"
#include "text/buf.h"
#include "value/digest.h"
#include "value/when.h"

#include <err.h>
#include <stdio.h>
#include <sysexits.h>

enum { PAGE = 100 };

struct search {
	struct fetch *fetch;
	const struct crm_location *location;
	const char *tag;
	struct str after; /* searchAfter of the last contact so far, JSON; p NULL: the first page */
	struct arena arena;
	size_t found, new;
};

static struct crm_request request_of(const struct search *s, struct arena *a)
{
	struct buf body = {0};
	buf_putc(&body, '{');
	buf_member(&body, "locationId", s->location->id);
	buf_printf(&body, ",\"pageLimit\":%d", PAGE);
	buf_puts(&body, ",\"filters\":[{\"field\":\"tags\",\"operator\":\"contains\",\"value\":[");
	buf_json(&body, str_of(s->tag));
	buf_puts(&body, "]}]");
	if (s->after.p) {
		buf_puts(&body, ",\"searchAfter\":");
		buf_add(&body, s->after);
	}
	buf_putc(&body, '}');
	return (struct crm_request){
		.method = "POST", .path = "/contacts/search", .body = buf_take(&body, a), .repeatable = true};
}

/* The event of a contact: of the body only what a webhook's event is known by, since pnow-push asks for the
   rest. A contact that has changed since asks anew. */
static struct inbox_event event_of(
	const struct search *s, struct arena *a, struct str contact, const char *contact_id, int64_t asked)
{
	const struct conf *conf = s->fetch->conf;
	const char *changed = jtext_string(a, jtext_get(contact, "dateUpdated"));
	char received[WHEN_TEXT], *id = arena_alloc(a, 65);
	struct buf line = {0};
	digest_sha256_hex((struct str[]){str_of(conf->practice), STR("tagged"), str_of(s->location->id),
						  str_of(contact_id), str_of(changed ? changed : "")},
		5, id);
	when_utc(asked, received);
	buf_putc(&line, '{');
	buf_member(&line, "id", id);
	buf_member(&line, "type", event_type_name(EVENT_CONTACT_TAGGED));
	buf_member(&line, "practice", conf->practice);
	buf_member(&line, "source", "fetch");
	buf_member(&line, "received", received);
	buf_puts(&line, ",\"payload\":{");
	buf_member(&line, "id", contact_id);
	buf_member(&line, "locationId", s->location->id);
	buf_puts(&line, ",\"tags\":");
	buf_dense(&line, jtext_get(contact, "tags"));
	buf_puts(&line, "}}");
	return (struct inbox_event){
		.id = id, .delivery_id = changed != NULL, .received = asked, .line = buf_take(&line, a)};
}

/* Takes a page of contacts, and where the next one begins; false where the state file cannot be written. */
static bool take_page(struct search *s, struct arena *a, struct str contacts, int64_t asked, size_t *n)
{
	struct fetch *f = s->fetch;
	struct str after = {0};
	bool done = !f->inbox || state_begin(f->state);
	if (!done)
		return false;
	for (struct str at = {0}; done && jtext_next(contacts, &at);) {
		const char *id = jtext_string(a, jtext_get(at, "id"));
		after = jtext_get(at, "searchAfter");
		++*n;
		if (!id || jtext_type(jtext_get(at, "tags")) != JTEXT_ARRAY)
			continue;
		struct inbox_event event = event_of(s, a, at, id, asked);
		s->found++;
		if (f->inbox) {
			done = fetch_store(f, a, &event, &s->new);
		} else {
			fetch_write(event.line);
			fetch_write(STR("\n"));
		}
	}
	s->after = after.p ? (struct str){arena_copy(&s->arena, after), after.n} : after;
	return f->inbox ? state_end(f->state, done) && done : done;
}

/* All pages of one tag in one sub-account. */
static int search(struct search *s)
{
	struct arena a = {0};
	int status = EX_OK;
	for (size_t n = PAGE; n == PAGE && status == EX_OK;) {
		struct crm_request request = request_of(s, &a);
		int64_t asked = when_now_ms();
		struct str before = s->after;
		struct crm_answer answer = crm_call(s->fetch->crm, &a, s->location, &request);
		n = 0;
		if (answer.error) {
			warnx("%s", answer.error);
			status = answer.retry ? EX_TEMPFAIL : EX_UNAVAILABLE;
		} else if (!take_page(s, &a, jtext_get(answer.body, "contacts"), asked, &n)) {
			status = EX_CANTCREAT;
		} else if (n == PAGE && (!s->after.p || (before.p && str_eq(before, s->after)))) {
			warnx("location %s: the CRM's search does not say where the next page begins", s->location->id);
			status = EX_UNAVAILABLE;
		} else if (fetch_stopped()) {
			status = EX_TEMPFAIL;
		}
		arena_reset(&a);
	}
	arena_free(&a);
	return status;
}

/* With -n: the first request in a sub-account. */
static void show(struct search *s)
{
	struct buf out = {0};
	struct crm_request request = request_of(s, &s->arena);
	buf_putc(&out, '{');
	buf_member(&out, "method", request.method);
	buf_member(&out, "path", request.path);
	buf_puts(&out, ",\"body\":");
	buf_add(&out, request.body);
	buf_puts(&out, "}\n");
	fetch_write(buf_str(&out));
	buf_free(&out);
}

/* All tags in one sub-account. */
static int search_location(struct search *s)
{
	const struct conf *conf = s->fetch->conf;
	int status = EX_OK;
	for (size_t k = 0; k < conf->create.tags_n && status == EX_OK; k++) {
		s->tag = conf->create.tags[k];
		s->after = (struct str){0};
		if (!s->fetch->options.dry)
			status = search(s);
		else if (k == 0)
			show(s);
	}
	return status;
}

/* A sub-account that cannot be searched holds up no other. */
int fetch_tagged(struct fetch *f)
{
	struct search s = {.fetch = f};
	int status = EX_OK;
	fetch_arrange_signals();
	for (size_t i = 0;
		 status != EX_CANTCREAT && !fetch_stopped() && (s.location = crm_location_next(f->crm, &i));) {
		int there = search_location(&s);
		if (status == EX_OK || there == EX_CANTCREAT)
			status = there;
	}
	if (f->options.verbose && f->inbox)
		warnx("%zu contacts ask for a patient, %zu new in the inbox", s.found, s.new);
	else if (f->options.verbose)
		warnx("%zu contacts ask for a patient", s.found);
	arena_free(&s.arena);
	return status;
}
