/*
 * What an event is called and carries, and how a sender's body becomes one. The body itself goes into the
 * event as it came; only the blanks between its tokens go, because an event is a line.
 */
#include "event.h"
#include "conf.h"
#include "jtext.h"
#include "profile.h"
#include "signature.h"
#include "when.h"

static const struct {
	const char *name;
	enum event_kind kind;
} types[EVENT_TYPES] = {
	[EVENT_PATIENT_UPDATED] = {"patient.updated", KIND_PATIENT},
	[EVENT_PATIENT_CREATED] = {"patient.created", KIND_PATIENT},
	[EVENT_APPOINTMENT_BOOKED] = {"appointment.booked", KIND_APPOINTMENT},
	[EVENT_APPOINTMENT_STATUS] = {"appointment.status", KIND_APPOINTMENT},
	[EVENT_BILL_COMPLETED] = {"bill.completed", KIND_BILL},
	[EVENT_MEMBERSHIP_CREATED] = {"membership.created", KIND_MEMBERSHIP},
	[EVENT_CONTACT_TAGGED] = {"contact.tagged", KIND_CONTACT},
};

const char *event_type_name(enum event_type type)
{
	return types[type].name;
}

enum event_type event_type_of(const char *name)
{
	for (enum event_type type = 0; name && type < EVENT_TYPES; type++)
		if (strcmp(types[type].name, name) == 0)
			return type;
	return EVENT_UNKNOWN;
}

enum event_kind event_kind_of(enum event_type type)
{
	return types[type].kind;
}

const char *event_kind_name(enum event_kind kind)
{
	static const char *const names[] = {"patient", "appointment", "bill", "membership", "contact"};
	return names[kind];
}

const char *status_shown(const char *status)
{
	static const char *const shown[][2] = {{"booked", "Booked"}, {"checked_out", "Checked Out"},
		{"cancelled", "Cancelled"}, {"no_show", "No-Show"}};
	for (size_t i = 0; status && i < sizeof shown / sizeof *shown; i++)
		if (strcmp(shown[i][0], status) == 0)
			return shown[i][1];
	return NULL;
}

const struct event_fact *event_facts(enum event_kind kind)
{
	static const struct event_fact facts[EVENT_KINDS][14] = {
		[KIND_PATIENT] = {{"id", FACT_TEXT}, {"first_name", FACT_TEXT}, {"last_name", FACT_TEXT},
			{"email", FACT_TEXT}, {"phone", FACT_TEXT}, {"gender", FACT_TEXT}, {"dob", FACT_DATE},
			{"address1", FACT_TEXT}, {"city", FACT_TEXT}, {"state", FACT_TEXT}, {"postal_code", FACT_TEXT},
			{"referral_source", FACT_TEXT}, {"unsubscribed", FACT_FLAG}},
		[KIND_APPOINTMENT] = {{"id", FACT_TEXT}, {"type", FACT_TEXT}, {"status", FACT_STATUS},
			{"start", FACT_TIME}, {"end", FACT_TIME}, {"provider", FACT_TEXT}, {"facility", FACT_TEXT},
			{"reason", FACT_TEXT}, {"comments", FACT_TEXT}, {"event_type", FACT_TEXT}},
		[KIND_BILL] = {{"id", FACT_TEXT}, {"total", FACT_MONEY}, {"date", FACT_DATE}, {"provider", FACT_TEXT},
			{"facility", FACT_TEXT}, {"items", FACT_ITEMS}},
		[KIND_MEMBERSHIP] = {{"id", FACT_TEXT}, {"program", FACT_TEXT}, {"sold_date", FACT_DATE},
			{"amount", FACT_MONEY}, {"status", FACT_TEXT}},
	};
	return facts[kind];
}

/* The CRM's events, as in its published samples; only a tag can concern us. */
static void read_crm(struct arena *a, struct event_webhook *w, struct str body)
{
	w->name = jtext_string(a, jtext_get(body, "type"));
	w->id = jtext_scalar(a, jtext_get(body, "webhookId"));
	w->occurred = jtext_string(a, jtext_get(body, "timestamp"));
	if (w->name && (strcmp(w->name, "ContactTagUpdate") == 0 || strcmp(w->name, "ContactCreate") == 0))
		w->type = event_type_name(EVENT_CONTACT_TAGGED);
}

static void read_patientnow(
	struct arena *a, struct event_webhook *w, const struct profile *profile, struct str body)
{
	w->name = jtext_scalar(a, profile_find(&profile->event_name, body));
	w->id = jtext_scalar(a, profile_find(&profile->event_id, body));
	w->occurred = jtext_string(a, profile_find(&profile->event_time, body));
	const char *type = profile_type(profile, w->name);
	w->ping = type && strcmp(type, "ping") == 0;
	w->type = w->ping ? NULL : type;
}

struct event_webhook event_webhook(struct arena *a, const struct conf *conf, const struct profile *profile,
	enum event_sender sender, struct str body)
{
	struct event_webhook w = {0};
	if (sender == SENDER_CRM)
		read_crm(a, &w, body);
	else
		read_patientnow(a, &w, profile, body);
	if (w.occurred) {
		char *time = arena_alloc(a, WHEN_TEXT);
		w.occurred = when_time(str_of(w.occurred), profile && profile->day_first, time) ? time : NULL;
	}
	w.delivery_id = w.id && *w.id;
	if (!w.delivery_id) {
		char *hex = arena_alloc(a, 65);
		signature_sha256_hex((struct str[]){str_of(conf->practice), STR("webhook"), body}, 3, hex);
		w.id = hex;
	}
	return w;
}

/* A checked text without the blanks between its tokens. */
static void write_dense(struct buf *out, struct str json)
{
	bool quoted = false;
	size_t from = 0;
	for (size_t i = 0; i < json.n; i++) {
		char c = json.p[i];
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
			buf_add(out, (struct str){json.p + from, i - from});
			from = i + 1;
		}
	}
	buf_add(out, (struct str){json.p + from, json.n - from});
}

void event_write(struct buf *out, const struct conf *conf, const struct event_webhook *event,
	const char *source, struct str body)
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
	write_dense(out, body);
	buf_putc(out, '}');
}
