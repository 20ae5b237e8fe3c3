/*
 * A record of PatientNow as an event: the record is the payload, and what the profile finds in it is there in
 * our own form too, so that pnow-enrich asks only for what the record does not tell. The same record makes
 * the same id, whenever and however it was fetched: the inbox and the ledger know it then.
 */
#include "pnow-fetch.h"
#include "conf/canonical.h"
#include "stream/record.h"
#include "text/buf.h"
#include "value/digest.h"
#include "value/when.h"

const char *record_changed(const struct fetch *f, struct arena *a, struct str body)
{
	const struct profile_pointers *updated = &f->profile->kinds[f->kind].updated;
	const char *text = profile_time(f->profile, a, profile_text(updated, a, body));
	char *time = arena_alloc(a, WHEN_TEXT);
	return text && when_time(str_of(text), f->profile->day_first, time) ? time : NULL;
}

/* The facts of a kind that the record tells. */
static struct str facts_of(const struct fetch *f, struct arena *a, enum event_kind kind, struct str body)
{
	struct sources sources = {.at = {{.body = body, .fields = profile_fields(f->profile, kind, f->kind)}}};
	bool booked = f->type == EVENT_APPOINTMENT_BOOKED && kind == KIND_APPOINTMENT;
	return canonical(f->profile, a, kind, &sources, booked ? "booked" : NULL);
}

/* The type of event that fits a record of this kind. */
static enum event_type type_of(const struct fetch *f, struct str facts)
{
	static const enum event_type types[EVENT_KINDS] = {[KIND_PATIENT] = EVENT_PATIENT_UPDATED,
		[KIND_APPOINTMENT] = EVENT_APPOINTMENT_STATUS,
		[KIND_BILL] = EVENT_BILL_COMPLETED,
		[KIND_MEMBERSHIP] = EVENT_MEMBERSHIP_CREATED};
	if (f->type != EVENT_UNKNOWN)
		return f->type;
	bool booked = f->kind == KIND_APPOINTMENT && str_is(jtext_get(facts, "status"), "\"booked\"");
	return booked ? EVENT_APPOINTMENT_BOOKED : types[f->kind];
}

/* ,"appointment":{…} */
static void write_facts(struct buf *out, enum event_kind kind, struct str facts)
{
	if (!facts.p)
		return;
	buf_printf(out, ",\"%s\":", event_kind_name(kind));
	buf_add(out, facts);
}

/* What keeps a record from being an event, or NULL. */
static const char *problem_of(const struct fetch *f, struct arena *a, struct str body, struct str facts)
{
	const char *twice, *name = event_kind_name(f->kind);
	if (jtext_type(body) != JTEXT_OBJECT)
		return arena_printf(a, "the %s is no object", name);
	if ((twice = profile_twice(f->profile, a, f->kind, body)))
		return arena_printf(a, "the %s has the key \"%s\" twice", name, twice);
	if (!jtext_get(facts, "id").p)
		return arena_printf(a, "the %s has no id where the profile expects it", name);
	return NULL;
}

bool event_make(const struct fetch *f, struct arena *a, struct str body, int64_t asked,
	struct inbox_event *event, const char **problem)
{
	struct buf dense = {0}, line = {0};
	struct str facts = facts_of(f, a, f->kind, body);
	char received[WHEN_TEXT], *id = arena_alloc(a, 65);
	const char *changed = record_changed(f, a, body);
	*problem = problem_of(f, a, body, facts);
	if (*problem)
		return false;
	buf_dense(&dense, body);
	digest_sha256_hex((struct str[]){str_of(f->conf->practice), STR("fetch"), buf_str(&dense)}, 3, id);
	when_utc(asked, received);
	buf_putc(&line, '{');
	buf_member(&line, "id", id);
	buf_member(&line, "type", event_type_name(type_of(f, facts)));
	buf_member(&line, "practice", f->conf->practice);
	buf_member(&line, "source", "fetch");
	buf_member(&line, "received", received);
	buf_member(&line, "occurred", changed);
	write_facts(&line, f->kind, facts);
	if (f->kind != KIND_PATIENT)
		write_facts(&line, KIND_PATIENT, facts_of(f, a, KIND_PATIENT, body));
	buf_puts(&line, ",\"payload\":");
	buf_add(&line, buf_str(&dense));
	buf_putc(&line, '}');
	/* without a time of change the same body may be news again */
	*event = (struct inbox_event){.id = id, .delivery_id = changed != NULL, .received = asked};
	event->line = buf_take(&line, a);
	if (event->line.n > RECORD_MAX)
		*problem = arena_printf(a, "the event of the %s is over 1 MiB", event_kind_name(f->kind));
	buf_free(&dense);
	return !*problem;
}
