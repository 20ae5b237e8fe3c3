/*
 * Webhooks out: what the sandbox's own changes cause, signed as the real senders sign, sent one after another
 * by a thread of its own, so that a slow receiver holds up no request. What is to be repeated goes back into
 * the queue with a time at which it is due. The CRM repeats on 429 only; anything else, and the event is
 * gone. PatientNow repeats on 5xx and where nobody answers, too.
 */
#include "webhooks.h"
#include "answer.h"
#include "crm_store.h"
#include "ids.h"
#include "patientnow.h"
#include "route.h"
#include "sandbox.h"
#include "text.h"
#include "text/waits.h"
#include "value/signature.h"
#include <curl/curl.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

enum { TRIES = 4, PAUSE_MS = 250, PAUSE_MAX_MS = 5000 };

static const char *const senders[] = {[SENDER_CRM] = "crm", [SENDER_PATIENTNOW] = "patientnow"};

/* Collects an answer's body. */
static size_t collect(char *p, size_t one, size_t n, void *into)
{
	if (into && ((struct buf *)into)->n + n < BODY_MAX)
		buf_add(into, (struct str){p, one * n});
	return one * n;
}

/* Ends a transfer when the sandbox stops. */
static int still_on(void *cls, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct webhooks *w = cls;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	pthread_mutex_lock(&w->lock);
	bool stopping = w->stopping;
	pthread_mutex_unlock(&w->lock);
	return stopping;
}

/* The header with a body's signature, to be freed; NULL where there is no key. */
static char *signature_header(const struct webhooks *w, enum sender sender, struct str body)
{
	struct buf header = {0};
	if (sender == SENDER_CRM && w->key) {
		char *signature = signature_sign(w->key, body);
		buf_printf(&header, "X-GHL-Signature: %s", signature ? signature : "");
		free(signature);
	} else if (sender == SENDER_PATIENTNOW && w->secret) {
		unsigned char mac[32];
		signature_hmac_sha256(str_of(w->secret), body, mac);
		buf_puts(&header, "X-Signature: ");
		for (size_t i = 0; i < sizeof mac; i++)
			buf_printf(&header, "%02x", mac[i]);
	} else {
		return NULL;
	}
	buf_putc(&header, '\0');
	return header.p;
}

/* Posts a body with a handle of curl's; the status, or 0 where there is none. */
static long post(struct webhooks *w, CURL *curl, enum sender sender, struct str body, struct buf *into,
	long *retry_after, const char **error)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	char *signature = signature_header(w, sender, body);
	curl_off_t after = 0;
	long status = 0;

	if (signature)
		headers = curl_slist_append(headers, signature);
	headers = curl_slist_append(headers, "Expect:");
	curl_easy_setopt(curl, CURLOPT_URL, w->url[sender]);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "pnow-sandbox");
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.p);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, into);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 15L);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, still_on);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, w);
	CURLcode is = curl_easy_perform(curl);
	*error = is == CURLE_OK ? NULL : curl_easy_strerror(is);
	if (is == CURLE_OK) {
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &after);
	}
	*retry_after = (long)after;
	curl_slist_free_all(headers);
	free(signature);
	return status;
}

/* Sends a body now. */
long webhook_post(
	struct webhooks *w, enum sender sender, struct str body, struct buf *into, const char **error)
{
	long retry_after;
	CURL *curl = allocated(curl_easy_init());
	long status = post(w, curl, sender, body, into, &retry_after, error);
	curl_easy_cleanup(curl);
	return status;
}

/* Whether a sender repeats after this status. */
static bool repeats(enum sender sender, long status)
{
	return status == 429 || (sender == SENDER_PATIENTNOW && (status == 0 || status >= 500));
}

/* Queues a delivery. */
static void enqueue(struct webhooks *w, struct delivery *d)
{
	pthread_mutex_lock(&w->lock);
	STAILQ_INSERT_TAIL(&w->queue, d, next);
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
}

/* Frees a delivery. */
static void delivery_free(struct delivery *d)
{
	free(d->body);
	free(d);
}

/* Sends a delivery; it goes back into the queue, or it is done with. */
static void send_one(struct webhooks *w, CURL *curl, struct delivery *d)
{
	const char *error;
	long retry_after;
	long status = post(w, curl, d->sender, str_of(d->body), NULL, &retry_after, &error);
	long pause = retry_after > 0 ? retry_after * 1000 : PAUSE_MS << d->tries;

	d->tries++;
	if (repeats(d->sender, status) && d->tries < TRIES) {
		d->due = waits_now() + (pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS);
		enqueue(w, d);
		return;
	}
	if (error && !still_on(w, 0, 0, 0, 0))
		warnx("webhook of %s to %s: %s", senders[d->sender], w->url[d->sender], error);
	else if (!error && (status < 200 || status > 299))
		warnx("webhook of %s to %s: answered %ld", senders[d->sender], w->url[d->sender], status);
	delivery_free(d);
}

/* The first delivery that is due, out of the queue; NULL where none is, and *wait tells for how long (-1: for
 * ever). */
static struct delivery *take(struct webhooks *w, int64_t *wait)
{
	struct delivery *d;
	int64_t now = waits_now();
	*wait = -1;
	for (d = STAILQ_FIRST(&w->queue); d; d = STAILQ_NEXT(d, next)) {
		if (d->due <= now) {
			STAILQ_REMOVE(&w->queue, d, delivery, next);
			return d;
		}
		if (*wait < 0 || d->due - now < *wait)
			*wait = d->due - now;
	}
	return NULL;
}

/* Waits for the queue to change, for at most wait milliseconds. */
static void wait_more(struct webhooks *w, int64_t wait)
{
	struct timespec until;
	if (wait < 0) {
		pthread_cond_wait(&w->more, &w->lock);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += wait / 1000;
	until.tv_nsec += wait % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&w->more, &w->lock, &until);
}

/* The thread. */
static void *run(void *cls)
{
	struct webhooks *w = cls;
	struct delivery *d;
	int64_t wait;
	CURL *curl = allocated(curl_easy_init());
	pthread_mutex_lock(&w->lock);
	while (!w->stopping) {
		d = take(w, &wait);
		if (!d) {
			wait_more(w, wait);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		send_one(w, curl, d);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	curl_easy_cleanup(curl);
	return NULL;
}

/* Starts the thread. */
void webhooks_start(struct webhooks *w)
{
	if (!w->url[SENDER_CRM] && !w->url[SENDER_PATIENTNOW])
		return;
	int error = pthread_create(&w->thread, NULL, run, w);
	if (error)
		errc(EX_OSERR, error, "thread for webhooks");
	w->running = true;
}

/* Ends the thread. */
void webhooks_stop(struct webhooks *w)
{
	struct delivery *d;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	if (w->running)
		pthread_join(w->thread, NULL);
	while ((d = STAILQ_FIRST(&w->queue))) {
		STAILQ_REMOVE_HEAD(&w->queue, next);
		delivery_free(d);
	}
}

/* Queues a body. */
void webhook_send(struct webhooks *w, enum sender sender, struct json_object *body)
{
	struct delivery *d = allocated(calloc(1, sizeof *d));
	d->sender = sender;
	d->body = text_copy(
		json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(body);
	enqueue(w, d);
}

/* Starts a body of the CRM: type, locationId, id. */
static struct json_object *crm_body(const char *type, const struct location *l, const char *id)
{
	struct json_object *body = json_object_new_object();
	member_set(body, "type", type);
	member_set(body, "locationId", l->id);
	member_set(body, "id", id);
	return body;
}

/* Ends it with its time and delivery id, and queues it. */
static void crm_send(struct sandbox *s, struct json_object *body)
{
	char now[WHEN_TEXT], id[37];
	when_now(now);
	id_delivery(id);
	member_set(body, "timestamp", now);
	member_set(body, "webhookId", id);
	webhook_send(&s->webhooks, SENDER_CRM, body);
}

/* A contact's event: its properties but gender, which the CRM does not send. */
void webhook_contact(struct sandbox *s, const char *type, const struct contact *c)
{
	static const char *const left_out[] = {"gender", "type", "dateUpdated", "additionalEmails"};
	if (!s->webhooks.url[SENDER_CRM])
		return;
	struct json_object *body = crm_body(type, c->location, c->id), *shown = contact_shown(c);
	for (size_t i = 0; i < COUNT(left_out); i++)
		json_object_object_del(shown, left_out[i]);
	for (struct each m = {0}; each_member(shown, &m);)
		json_object_object_add(body, m.name, json_object_get(m.value));
	json_object_put(shown);
	json_object_object_add(body, "attachments", json_object_new_array());
	crm_send(s, body);
}

/* An opportunity's event. */
void webhook_opportunity(struct sandbox *s, const char *type, const struct opportunity *o)
{
	static const char *const shown[] = {"assignedTo", "contactId", "monetaryValue", "name", "pipelineId",
		"pipelineStageId", "source", "status"};
	if (!s->webhooks.url[SENDER_CRM])
		return;
	struct json_object *body = crm_body(type, o->contact->location, o->id),
					   *added = member(o->own, "createdAt");
	for (size_t i = 0; i < COUNT(shown); i++) {
		struct json_object *value = member(o->own, shown[i]);
		if (value)
			json_object_object_add(body, shown[i], json_object_get(value));
	}
	if (added)
		json_object_object_add(body, "dateAdded", json_object_get(added));
	crm_send(s, body);
}

/* The ids of an entry: its own, its patient's, and whose it was. */
static struct json_object *ids_of(enum shelf_kind kind, const struct entry *e)
{
	struct json_object *ids = json_object_new_object();
	member_set(ids, shelf_names[kind].id, member_scalar(e->own, shelf_names[kind].id));
	if (kind != SHELF_PATIENT && member_scalar(e->own, "patientId"))
		member_set(ids, "patientId", member_scalar(e->own, "patientId"));
	if (member_scalar(e->own, "mergedFrom"))
		member_set(ids, "mergedFrom", member_scalar(e->own, "mergedFrom"));
	return ids;
}

/* An event of PatientNow. */
void webhook_entry(struct sandbox *s, enum shelf_kind kind, const char *event, const struct entry *e)
{
	char now[WHEN_TEXT], id[37];
	if (!s->webhooks.url[SENDER_PATIENTNOW])
		return;
	struct json_object *body = json_object_new_object();
	when_now(now);
	id_delivery(id);
	member_set(body, "event", event);
	member_set(body, "eventId", id);
	member_set(body, "occurredAt", now);
	member_set(body, "practiceId", s->practice.practice_id);
	json_object_object_add(body, "data", s->webhooks.ids_only ? ids_of(kind, e) : json_object_get(e->own));
	webhook_send(&s->webhooks, SENDER_PATIENTNOW, body);
}

/* The sender with this name; SENDERS where there is none. */
static enum sender sender_named(const char *name)
{
	enum sender sender = SENDER_CRM;
	while (sender < SENDERS && (!name || strcmp(senders[sender], name) != 0))
		sender++;
	return sender;
}

/* POST /_/webhook: {"to":"crm"|"patientnow","body":{…}} sends the body as that sender, and passes the answer
 * on. */
void own_webhook(struct sandbox *s, struct request *r)
{
	enum sender sender = sender_named(member_text(r->json, "to"));
	struct json_object *body = member(r->json, "body");
	const char *error = NULL;
	if (strcmp(r->method, "POST") != 0 || sender == SENDERS || !body) {
		answer_error(r, 400, "POST {\"to\":\"crm\" or \"patientnow\",\"body\":{…}}");
		return;
	}
	if (!s->webhooks.url[sender]) {
		answer_error(r, 400, "no address to send to: option %s", sender == SENDER_CRM ? "-w" : "-W");
		return;
	}
	const char *text =
		json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	long status = webhook_post(&s->webhooks, sender, str_of(text), &r->answer.body, &error);
	if (error) {
		answer_error(r, 502, "%s", error);
		return;
	}
	r->answer.status = (unsigned)status;
	r->answer.type = "application/json";
}
