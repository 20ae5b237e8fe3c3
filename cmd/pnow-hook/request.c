/*
 * From a request to an answer, the same for a listener, inetd and CGI. Cheap questions come first, so that
 * garbage costs little: path, method, length and type before the body, the signature over the raw bytes
 * before anything reads them.
 *
 * Whoever asks learns little: an unknown practice, an unknown sender and a hook that nobody configured look
 * the same, and a refusal does not say what was wrong with the signature. The reason is on stderr, for
 * whoever runs the hook.
 *
 * When an event cannot be taken now, each sender is told so in the way that it comes again on: the CRM
 * repeats after a 429 and after nothing else, everybody else after a 503.
 */
#include "hook.h"
#include "text/form.h"
#include "text/jtext.h"
#include "text/say.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

enum {
	SHOWN_MAX = 120,     /* bytes of a sender's text in a message */
	CHALLENGE_MAX = 512, /* bytes of what an EMR wants to hear again */
};

static const struct {
	const char *name;
	unsigned come_again; /* the status that makes this sender try again */
} senders[HOOK_SENDERS] = {
	[SENDER_PATIENTNOW] = {"patientnow", 503},
	[SENDER_CRM] = {"crm", 429},
};

const char *request_shown(struct arena *a, const char *text)
{
	char *copy = arena_copy(a, (struct str){text, strnlen(text, SHOWN_MAX)});

	for (char *c = copy; *c; c++)
		if (!isgraph((unsigned char)*c))
			*c = '?';
	return copy;
}

/* Fills in a refusal: {"error":"…"}. why must need no escapes. Always true, so that request_head can return
 * it. */
static bool refuse(struct request *r, struct answer *answer, unsigned status, const char *why)
{
	answer->status = status;
	answer->text = arena_printf(r->arena, "{\"error\":\"%s\"}\n", why);
	return true;
}

/* Tells whoever runs the hook why a request was refused. */
static void tell(const struct request *r, const char *what, const char *why)
{
	if (r->practice)
		say("%s/%s: %s: %s", r->practice->name, senders[r->sender].name, what, why);
}

/* Whether a word of the path names a sender. The EMR's own name is in its profile: of a practice whose
   configuration is broken nobody knows it, and any name may be the EMR's, which must come again. */
static bool is_sender(const char *word, const struct practice *p, enum webhook_sender sender)
{
	if (strcmp(word, senders[sender].name) == 0)
		return true;
	if (sender != SENDER_PATIENTNOW)
		return false;
	return p->profile ? strcmp(word, p->profile->hook) == 0
					  : !p->conf && strcmp(word, senders[SENDER_CRM].name) != 0;
}

/* Finds who is asked for: /hook/PRACTICE/SENDER, and that hook is configured, or nobody can tell. */
static bool route(struct hook *h, struct request *r)
{
	static const char root[] = "/hook/";
	const char *practice = r->path + strlen(root);
	const char *slash = strncmp(r->path, root, strlen(root)) == 0 ? strchr(practice, '/') : NULL;

	if (!slash)
		return false;
	struct practice *p = practices_take(&h->practices, (struct str){practice, (size_t)(slash - practice)});
	r->practice = p;
	for (size_t i = 0; i < HOOK_SENDERS && p; i++)
		if (is_sender(slash + 1, p, (enum webhook_sender)i) && (!p->conf || p->verify[i].conf)) {
			r->sender = (enum webhook_sender)i;
			return true;
		}
	request_end(h, r);
	return false;
}

void request_end(struct hook *h, struct request *r)
{
	if (r->practice)
		practices_leave(&h->practices, r->practice);
	r->practice = NULL;
}

/* Whether the length that the sender announced is too long. One that is no number never comes here from a
 * server. */
static bool is_too_long(const char *length)
{
	const char *problem = NULL;

	if (!length)
		return false;
	strtonum(length, 0, HOOK_BODY_MAX, &problem);
	return problem != NULL;
}

/* Fills in the answer that makes this sender try again; true. */
static bool refuse_for_now(struct request *r, struct answer *answer)
{
	answer->retry_after = arena_printf(r->arena, "%d", HOOK_COME_AGAIN);
	return refuse(r, answer, senders[r->sender].come_again, "cannot take the event now");
}

/* Judges the head of a monitor's question. */
static bool refuse_monitor(struct request *r, struct answer *answer)
{
	r->health = strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
	if (r->health)
		return false;
	answer->allow = "GET, HEAD";
	return refuse(r, answer, 405, "/healthz takes GET and HEAD only");
}

/* Whether events can be stored; a command is not asked. */
static void answer_monitor(struct hook *h, struct request *r, struct answer *answer)
{
	const char *why = practices_trouble(&h->practices, r->arena);
	if (why) {
		refuse(r, answer, 503, why);
		return;
	}
	answer->status = 200;
	answer->text = "{\"ok\":true}\n";
}

/* Says again what an EMR wants to hear. Nobody has verified who asks, so it is nothing that does anything
   wherever it gets to: short, printable, and no markup. Always true. */
static bool answer_challenge(struct request *r, struct answer *answer, struct str challenge)
{
	for (size_t i = 0; i < challenge.n; i++)
		if (challenge.p[i] < ' ' || challenge.p[i] > '~' || challenge.p[i] == '<' || challenge.p[i] == '>')
			return refuse(r, answer, 400, "the challenge is no printable ASCII");
	if (!challenge.n || challenge.n > CHALLENGE_MAX)
		return refuse(r, answer, 400, "the challenge is empty, or over 512 bytes");
	answer->status = 200;
	answer->text = arena_copy(r->arena, challenge);
	return answer->plain = true;
}

/* Answers an EMR that only wants to see whether the hook is there, or somebody who takes it for a page. */
static void answer_visitor(struct request *r, struct answer *answer)
{
	const struct profile *profile = body_profile(r);
	bool asks = strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
	const char *name = profile && asks ? profile->challenge.query : NULL;
	struct str challenge = name ? form_field(r->arena, r->query, name) : (struct str){0};
	if (challenge.p) {
		answer_challenge(r, answer, challenge);
	} else if (profile && profile->probe && asks) {
		answer->status = 200;
		answer->text = "{\"ok\":true}\n";
	} else {
		answer->allow = profile && profile->challenge.query ? "GET, HEAD, POST" : "POST";
		refuse(
			r, answer, 405, name ? "a hook takes POST, and GET with a challenge" : "a hook takes POST only");
	}
}

/* Answers an EMR that posts a challenge: a body that is no event of the profile, and has one. */
static bool answer_posted(struct request *r, struct answer *answer, struct str body)
{
	const struct profile *profile = body_profile(r);
	struct jtext_error error;
	const char *wrong;
	if (!profile || !profile->challenge.body.n)
		return false;
	struct str json = body_json(r, body, &wrong);
	if (!json.p || !jtext_check(json, &error))
		return false;
	const struct webhook_request request = {r->header, r->transport};
	const char *challenge = webhook_challenge(r->arena, profile, json, &request);
	return challenge && answer_challenge(r, answer, str_of(challenge));
}

/* Judges the head of a request; true: that was the answer. */
static bool refuse_head(struct hook *h, struct request *r, struct answer *answer)
{
	const char *mend;
	if (strcmp(r->path, "/healthz") == 0)
		return refuse_monitor(r, answer);
	if (!route(h, r))
		return refuse(r, answer, 404, "no such hook");
	if (!r->practice->conf)
		return refuse_for_now(r, answer);
	if (strcmp(r->method, "POST") != 0) {
		answer_visitor(r, answer);
		return true;
	}
	if (is_too_long(r->header(r->transport, "Content-Length"))) {
		request_too_long(r, answer);
		return true;
	}
	r->unfit = body_unfit(r, &mend);
	if (!r->unfit)
		return false;
	tell(r, "415", mend ? arena_printf(r->arena, "%s%s", r->unfit, mend) : r->unfit);
	return !recorder_records(&h->recorder) && refuse(r, answer, 415, r->unfit);
}

bool request_head(struct hook *h, struct request *r, struct answer *answer)
{
	bool refused = refuse_head(h, r, answer);
	if (refused && r->practice)
		recorder_take(&h->recorder, r, (struct str){0});
	return refused;
}

void request_malformed(struct request *r, struct answer *answer, const char *why)
{
	refuse(r, answer, 400, why);
}

void request_crowded(struct request *r, struct answer *answer)
{
	tell(r, "come again", "too many bodies are on their way");
	refuse_for_now(r, answer);
}

void request_too_long(struct request *r, struct answer *answer)
{
	tell(r, "413", "the body is over 1 MiB");
	refuse(r, answer, 413, "the body is over 1 MiB");
}

void request_cut_short(struct request *r, struct answer *answer)
{
	tell(r, "400", "the body ended before its time");
	refuse(r, answer, 400, "the body ended before its time");
}

/* Fills in the answer to a sender that is not who it should be. */
static void refuse_sender(struct request *r, struct answer *answer, const char *why)
{
	tell(r, "401", why);
	answer->challenge = verifier_challenge(&r->practice->verify[r->sender]);
	refuse(r, answer, 401, "the sender could not be verified");
}

/* Text without the blanks around it. */
static struct str trimmed(struct str text)
{
	static const char blanks[] = " \t\r\n";

	while (text.n > 0 && memchr(blanks, text.p[text.n - 1], strlen(blanks)))
		text.n--;
	while (text.n > 0 && memchr(blanks, *text.p, strlen(blanks))) {
		text.p++;
		text.n--;
	}
	return text;
}

/* What is wrong with a body, which may have blanks around it; NULL: it holds what can be events. */
static const char *wrong_json(struct request *r, struct str body)
{
	struct jtext_error error = {0};
	const struct profile *profile = body_profile(r);
	struct str bare = trimmed(body);
	bool fits = jtext_check_inside(body, 1, &error), lists = profile && profile->event_list.n;
	if (fits && *bare.p != '{' && !(lists && *bare.p == '[')) {
		error = (struct jtext_error){(size_t)(bare.p - body.p), "not an object"};
		fits = false;
	}
	if (!fits)
		return arena_printf(r->arena, "the body is no JSON object: %s at byte %zu", error.what, error.at);
	r->bodies = webhook_bodies(r->arena, profile, bare, &r->bodies_n);
	if (!r->bodies_n || jtext_type(r->bodies[0]) != JTEXT_OBJECT)
		return "the body holds no event where the profile expects them";
	if (r->bodies_n > HOOK_EVENTS_MAX)
		return arena_printf(
			r->arena, "the body holds %zu events: expected %d at most", r->bodies_n, HOOK_EVENTS_MAX);
	struct jtext_members members = jtext_members(r->arena, bare);
	bool twice = jtext_twice(r->arena, &members);
	for (size_t i = 0; r->bodies[0].p != bare.p && i < r->bodies_n && !twice; i++) {
		members = jtext_members(r->arena, r->bodies[i]);
		twice = jtext_twice(r->arena, &members);
	}
	return twice ? "a name is given twice in the body's object" : NULL;
}

/* Makes JSON of a body; fills in the answer to one that holds no event. False where it holds one. */
static bool refuse_json(struct request *r, struct str *body, struct answer *answer)
{
	const char *why;
	*body = body_json(r, *body, &why);
	why = why ? arena_printf(r->arena, "the body is no form: %s", why) : wrong_json(r, *body);
	if (!why)
		return false;
	struct str bare = trimmed(*body);
	const struct profile *profile = body_profile(r);
	bool unknown_list = bare.n && *bare.p == '[' && profile && !profile->event_list.n;
	tell(r, "400",
		unknown_list
			? arena_printf(r->arena,
				  "%s; where the EMR sends lists, write \"list\": [\"/\"] into \"event\" of its profile", why)
			: why);
	return refuse(r, answer, 400, why);
}

/* What the body tells of the event. Times without a zone are in the practice's. */
static struct webhook read_event(struct hook *h, const struct request *r, struct str body)
{
	const struct practice *p = r->practice;

	practices_enter_zone(&h->practices, p);
	const struct webhook_request request = {r->header, r->transport};
	struct webhook event = webhook_read(r->arena, p->conf, p->profile, r->sender, body, &request);
	practices_leave_zone(&h->practices);
	const char *id = event.delivery_id ? NULL : verifier_delivery_id(&p->verify[r->sender], r);
	if (id) {
		event.id = id;
		event.delivery_id = true;
	}
	return event;
}

/* Fills in the answer to an event that is taken, or was a ping. */
static void accept_event(struct request *r, const struct webhook *event, struct answer *answer)
{
	struct buf json = {0};

	buf_putc(&json, '{');
	buf_member(&json, "id", event->id);
	buf_puts(&json, event->ping ? ",\"ping\":true}\n" : "}\n");
	answer->status = 200;
	answer->text = buf_take(&json, r->arena).p;
}

/* Fills in the answer to an event, as its delivery went. */
static void answer_delivery(struct request *r, enum delivery outcome)
{
	switch (outcome) {
	case DELIVERED:
		accept_event(r, &r->event, r->answer);
		break;
	case COME_AGAIN:
		refuse_for_now(r, r->answer);
		break;
	case UNDELIVERABLE:
		refuse(r, r->answer, 500, "the event could not be handled");
		break;
	case PENDING:
		break;
	}
	r->answer->id = r->event.id;
}

/* Delivers the event. */
static enum delivery pass_on(struct hook *h, struct request *r, struct str body)
{
	struct buf line = {0};

	buf_reserve(&line, body.n + 512);
	webhook_write(&line, r->practice->conf, &r->event, "webhook", body);
	buf_putc(&line, '\n');
	return h->deliver(h, r, buf_take(&line, r->arena));
}

/* Each event of a body has an id of its own, also where they share what the request tells. */
static void tell_apart(struct request *r)
{
	const char *id = r->event.id;
	if (r->last_id && strcmp(r->last_id, id) == 0)
		r->event.id = arena_printf(r->arena, "%s/%zu", id, r->next);
	r->last_id = id;
}

/* Delivers the events that are left, one after another: the first that cannot be taken is the answer, since a
   sender that comes again brings all of them, and those that were taken are known by their ids. Whether the
   answer is there. */
static bool deliver_rest(struct request *r)
{
	enum delivery outcome = DELIVERED;
	while (outcome == DELIVERED && r->next < r->bodies_n) {
		struct str body = r->bodies[r->next++];
		r->event = read_event(r->hook, r, body);
		tell_apart(r);
		if (!r->event.ping)
			outcome = pass_on(r->hook, r, body);
		if (outcome == PENDING)
			return false; /* the request is who stores it's: it may have been answered by now, and be gone */
	}
	answer_delivery(r, outcome);
	return true;
}

/* request.delivered */
static void delivered(struct request *r, enum delivery outcome)
{
	if (outcome != DELIVERED)
		answer_delivery(r, outcome);
	else if (!deliver_rest(r))
		return;
	r->answered(r->transport);
}

/* Unpacks a body, and records it as far as that can be done. True: it is not taken, and that was the answer.
 */
static bool refuse_packing(struct hook *h, struct request *r, struct str *body, struct answer *answer)
{
	unsigned status = 0;
	struct str unpacked = body_unpacked(r, *body, &status);
	recorder_take(&h->recorder, r, status ? *body : unpacked);
	if (r->unfit)
		return refuse(r, answer, 415, r->unfit);
	if (status == 413) {
		request_too_long(r, answer);
	} else if (status) {
		tell(r, "400", "the body is not compressed as Content-Encoding says, or is not whole");
		refuse(r, answer, status, "the body is not compressed as Content-Encoding says, or is not whole");
	}
	*body = unpacked;
	return status != 0;
}

bool request_body(struct hook *h, struct request *r, struct str body, struct answer *answer)
{
	if (r->health) {
		answer_monitor(h, r, answer);
		return true;
	}
	const struct verifier *v = &r->practice->verify[r->sender];
	struct str sent = body;
	if (refuse_packing(h, r, &body, answer) || answer_posted(r, answer, body))
		return true;
	const char *why = verifier_refuses(v, r, body_signed(r, sent, body));
	if (why) {
		refuse_sender(r, answer, why);
		return true;
	}
	if (refuse_json(r, &body, answer))
		return true;
	body = trimmed(body);
	why = verifier_stale(v, r, body);
	if (why) {
		refuse_sender(r, answer, why);
		return true;
	}
	r->hook = h;
	r->answer = answer;
	r->delivered = delivered;
	return deliver_rest(r);
}

void request_told(
	const struct hook *h, const struct request *r, const struct answer *answer, struct timespec started)
{
	struct timespec now;

	if (!h->verbose)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	double ms = (double)(now.tv_sec - started.tv_sec) * 1e3 + (double)(now.tv_nsec - started.tv_nsec) / 1e6;
	say("%s %s %u %s %.0f ms", request_shown(r->arena, r->method), request_shown(r->arena, r->path),
		answer->status, answer->id ? request_shown(r->arena, answer->id) : "-", ms);
}
