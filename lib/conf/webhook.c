/*
 * What the hook learns from a body, and the event around it. The body itself goes into the event as it came;
 * only the blanks between its tokens go, because an event is a line.
 */
#include "conf/webhook.h"
#include "text/jtext.h"
#include "value/digest.h"
#include "value/when.h"

/* The CRM's events, as in its published samples; only a tag can concern us. */
static void read_crm(struct arena *a, struct webhook *w, struct str body)
{
	w->name = jtext_string(a, jtext_get(body, "type"));
	w->id = jtext_scalar(a, jtext_get(body, "webhookId"));
	w->occurred = jtext_string(a, jtext_get(body, "timestamp"));
	if (w->name && (strcmp(w->name, "ContactTagUpdate") == 0 || strcmp(w->name, "ContactCreate") == 0))
		w->type = event_type_name(EVENT_CONTACT_TAGGED);
}

/* A header where one of the places is one that the request has, else what the body tells; or NULL. */
static const char *told_at(struct arena *a, const struct profile_pointers *places, struct str body,
	const struct webhook_request *request)
{
	for (size_t i = 0; request && i < places->n; i++) {
		const char *value =
			*places->at[i] == '@' ? request->header(request->transport, places->at[i] + 1) : NULL;
		if (value && *value)
			return value;
	}
	return profile_text(places, a, body);
}

static void read_patientnow(struct arena *a, struct webhook *w, const struct profile *profile,
	struct str body, const struct webhook_request *request)
{
	w->name = told_at(a, &profile->event_name, body, request);
	w->id = told_at(a, &profile->event_id, body, request);
	w->occurred = profile_time(profile, a, told_at(a, &profile->event_time, body, request));
	const char *type = profile_type(profile, w->name);
	w->ping = type && strcmp(type, "ping") == 0;
	w->type = w->ping ? NULL : type;
}

/* The list of events in a body, or a value that is no list. */
static struct str list_in(const struct profile *profile, struct str body)
{
	for (size_t i = 0; profile && i < profile->event_list.n; i++) {
		const char *pointer = profile->event_list.at[i];
		struct str list = strcmp(pointer, "/") == 0 ? body : place_value(str_of(pointer), body);
		if (jtext_type(list) == JTEXT_ARRAY)
			return list;
	}
	return (struct str){0};
}

const char *webhook_challenge(
	struct arena *a, const struct profile *profile, struct str body, const struct webhook_request *request)
{
	const char *challenge = profile ? profile_text(&profile->challenge.body, a, body) : NULL;
	if (!challenge || list_in(profile, body).p)
		return NULL;
	const char *type = profile_type(profile, told_at(a, &profile->event_name, body, request));
	return type && strcmp(type, "ping") != 0 ? NULL : challenge;
}

struct str *webhook_bodies(struct arena *a, const struct profile *profile, struct str body, size_t *n)
{
	struct str list = list_in(profile, body), at = {0};
	size_t room = 1;
	while (jtext_next(list, &at))
		room++;
	struct str *bodies = arena_alloc(a, room * sizeof *bodies);
	*n = 0;
	for (at = (struct str){0}; jtext_next(list, &at);)
		if (jtext_type(at) == JTEXT_OBJECT)
			bodies[(*n)++] = at;
	if (!list.p)
		bodies[(*n)++] = body;
	return bodies;
}

const char *webhook_status(const struct profile *profile, enum event_kind kind, const char *name)
{
	return kind == KIND_APPOINTMENT ? profile_status(profile, name) : NULL;
}

/* The object in which the facts of a payload stand; p NULL: none. */
static struct str facts_in(const struct profile *profile, struct str payload)
{
	struct str facts = {0};
	for (size_t i = 0; i < profile->event_data.n && jtext_type(facts) != JTEXT_OBJECT; i++)
		facts = place_value(str_of(profile->event_data.at[i]), payload);
	if (jtext_type(facts) != JTEXT_OBJECT)
		facts = payload;
	return jtext_type(facts) == JTEXT_OBJECT ? facts : (struct str){0};
}

static struct source source_in(
	const struct profile *profile, enum event_type type, enum event_kind kind, struct str facts)
{
	return (struct source){.body = facts,
		.fields = profile_fields(profile, kind, type == EVENT_UNKNOWN ? kind : event_kind_of(type))};
}

struct source webhook_source(
	const struct profile *profile, enum event_type type, enum event_kind kind, struct str payload)
{
	return source_in(profile, type, kind, facts_in(profile, payload));
}

/* What tells of an event. */
struct teller {
	const struct profile *profile; /* or NULL */
	enum event_type type;
	struct str line;    /* as a filter has it; p NULL: there is none */
	struct str payload; /* p NULL: there is none */
	struct str facts;   /* in the payload; looked for once */
	bool looked;
};

/* The id of the event's object of a kind: as a filter has put it into the line, else as the payload tells it.
 */
static const char *told(struct arena *a, struct teller *t, enum event_kind kind)
{
	const char *id = jtext_scalar(a, jtext_get(jtext_get(t->line, event_kind_name(kind)), "id"));
	if (id || !t->payload.p)
		return id;
	if (kind == KIND_CONTACT)
		return jtext_scalar(a, jtext_get(t->payload, "id"));
	if (!t->profile)
		return NULL;
	if (!t->looked)
		t->facts = facts_in(t->profile, t->payload);
	t->looked = true;
	struct source source = source_in(t->profile, t->type, kind, t->facts);
	return source.body.p ? profile_text(profile_field(source.fields, "id"), a, source.body) : NULL;
}

/* What an event of a known type is about. */
static void describe(
	struct arena *a, const struct profile *profile, struct webhook *w, struct str line, struct str payload)
{
	enum event_type type = event_type_of(w->type);
	if (type == EVENT_UNKNOWN)
		return;
	enum event_kind kind = event_kind_of(type);
	struct teller t = {.profile = profile, .type = type, .line = line, .payload = payload};
	const char *id = told(a, &t, kind);
	if (id)
		w->subject = arena_printf(a, "%s/%s", event_kind_name(kind), id);
	w->patient = kind == KIND_CONTACT ? w->subject : told(a, &t, KIND_PATIENT);
	if (!w->patient)
		w->patient = w->subject;
}

struct webhook webhook_read(struct arena *a, const struct conf *conf, const struct profile *profile,
	enum webhook_sender sender, struct str body, const struct webhook_request *request)
{
	struct webhook w = {0};
	if (sender == SENDER_CRM)
		read_crm(a, &w, body);
	else
		read_patientnow(a, &w, profile, body, request);
	if (w.occurred) {
		char *time = arena_alloc(a, WHEN_TEXT);
		w.occurred = when_time(str_of(w.occurred), profile && profile->day_first, time) ? time : NULL;
	}
	w.delivery_id = w.id && *w.id;
	if (!w.delivery_id) {
		char *hex = arena_alloc(a, 65);
		digest_sha256_hex((struct str[]){str_of(conf->practice), STR("webhook"), body}, 3, hex);
		w.id = hex;
	}
	describe(a, profile, &w, (struct str){0}, body);
	return w;
}

struct webhook webhook_read_line(struct arena *a, const struct profile *profile, struct str line)
{
	struct webhook w = {.type = jtext_string(a, jtext_get(line, "type"))};
	describe(a, profile, &w, line, jtext_get(line, "payload"));
	return w;
}

const char *webhook_patient(struct arena *a, const struct profile *profile, struct str line)
{
	struct teller t = {.profile = profile,
		.type = event_type_of(jtext_string(a, jtext_get(line, "type"))),
		.line = line,
		.payload = jtext_get(line, "payload")};
	return told(a, &t, KIND_PATIENT);
}

void webhook_write(struct buf *out, const struct conf *conf, const struct webhook *event, const char *source,
	struct str body)
{
	char now[WHEN_TEXT];
	when_now(now);
	buf_putc(out, '{');
	buf_member(out, "id", event->id);
	buf_member(out, "type", event->type);
	buf_member(out, "event", event->type ? NULL : event->name);
	buf_member(out, "practice", conf->practice);
	buf_member(out, "source", source);
	buf_member(out, "received", now);
	buf_member(out, "occurred", event->occurred);
	buf_puts(out, ",\"payload\":");
	buf_dense(out, body);
	buf_putc(out, '}');
}
