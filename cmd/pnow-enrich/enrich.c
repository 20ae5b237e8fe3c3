/*
 * What an event needs and its body does not tell is asked of PatientNow. What was fetched is looked for in
 * the answer as in the body: through the practice's profile.
 */
#include "enrich.h"
#include "ask.h"
#include "conf/canonical.h"
#include "conf/webhook.h"
#include "state/ledger.h"
#include "state/rehearsal.h"
#include "value/event.h"
#include "value/when.h"

#include <stdlib.h>

/* What the CRM knows of the patient of an event about something else. */
enum known {
	CONTACT = 1 << 0, /* the contact, by its id */
	NAME = 1 << 1,    /* with what an event of the patient or of an appointment writes */
	BILLED = 1 << 2,  /* and what a bill does */
	NO_WAY = 1 << 3,  /* there is none, and neither e-mail nor phone to find or make it */
};

/* The facts whose absence from the body is worth a call: without them the workflow cannot do its work. Other
   facts are taken where they come along. An event is complete when each was told, and be it as empty. Where
   the contact is known by its id, nobody needs what would find or make it; and a bill has brought its birth
   date. */
static const struct {
	unsigned types;
	enum event_kind kind;
	unsigned unless; /* one of these is known; 0: always */
	const char *facts[8];
} needs[] = {
	{1 << EVENT_PATIENT_UPDATED, KIND_PATIENT, 0, {"first_name", "last_name", "email", "phone"}},
	{1 << EVENT_PATIENT_CREATED, KIND_PATIENT, 0, {"first_name", "last_name", "email", "phone"}},
	{1 << EVENT_APPOINTMENT_BOOKED, KIND_APPOINTMENT, 0, {"type", "start"}},
	{1 << EVENT_APPOINTMENT_STATUS, KIND_APPOINTMENT, 0, {"type", "start", "status"}},
	{1 << EVENT_APPOINTMENT_BOOKED | 1 << EVENT_APPOINTMENT_STATUS, KIND_PATIENT, NAME,
		{"first_name", "last_name", "email", "phone"}},
	{1 << EVENT_BILL_COMPLETED, KIND_BILL, 0, {"total"}},
	{1 << EVENT_BILL_COMPLETED, KIND_PATIENT, CONTACT, {"email", "phone"}},
	{1 << EVENT_BILL_COMPLETED, KIND_PATIENT, CONTACT | NO_WAY, {"first_name", "last_name"}},
	{1 << EVENT_BILL_COMPLETED, KIND_PATIENT, BILLED, {"dob"}},
	{1 << EVENT_MEMBERSHIP_CREATED, KIND_MEMBERSHIP, 0, {"program"}},
	{1 << EVENT_MEMBERSHIP_CREATED, KIND_PATIENT, CONTACT, {"email", "phone"}},
	{1 << EVENT_MEMBERSHIP_CREATED, KIND_PATIENT, CONTACT | NO_WAY, {"first_name", "last_name"}},
};

/* The line of a record that is a webhook's bare body, without blanks before it; p NULL where it is an event.
 */
static struct str bare_body(const struct enrich *e, const struct record *r)
{
	struct str line = r->line;
	bool wrapped = record_get(r, "payload").p && record_get(r, "practice").p;
	if (wrapped || event_type_of(record_text(r, "type")) != EVENT_UNKNOWN)
		return (struct str){0};
	while (line.n && strchr(" \t\r", line.p[0])) {
		line.p++;
		line.n--;
	}
	return profile_text(&e->profile->event_name, r->arena, line) ? line : (struct str){0};
}

/* A webhook's body. */
static struct str payload_of(const struct enrich *e, const struct record *r)
{
	struct str bare = bare_body(e, r);
	return bare.p ? bare : record_get(r, "payload");
}

/* The name that PatientNow has for the event, or NULL. */
static const char *name_of(const struct enrich *e, const struct record *r)
{
	const char *name = record_text(r, "event");
	return name ? name : profile_text(&e->profile->event_name, r->arena, payload_of(e, r));
}

/* The event's type, or "ping", or NULL. */
static const char *type_of(const struct enrich *e, const struct record *r)
{
	const char *type = record_text(r, "type");
	return type && !bare_body(e, r).p ? type : profile_type(e->profile, name_of(e, r));
}

/* Where the facts of a kind may stand before anything was fetched. */
static struct sources sources_of(const struct enrich *e, const struct record *r, enum event_kind kind)
{
	struct str known = record_get(r, event_kind_name(kind));
	struct sources sources = {0};
	if (jtext_type(known) == JTEXT_OBJECT)
		sources.at[0] = (struct source){.body = known};
	if (kind == KIND_APPOINTMENT)
		sources.status = webhook_status(e->profile, kind, name_of(e, r));
	sources.at[1] = webhook_source(e->profile, event_type_of(type_of(e, r)), kind, payload_of(e, r));
	return sources;
}

/* Whether something that the event needs of this kind is not told. */
static bool lacks(const struct enrich *e, enum event_type type, enum event_kind kind, unsigned known,
	const struct sources *sources)
{
	if (type == EVENT_PATIENT_UPDATED && e->conf->address && !fact_told(sources, "address1"))
		return true;
	for (size_t i = 0; i < COUNT(needs); i++)
		if (needs[i].kind == kind && needs[i].types & 1u << type && !(needs[i].unless & known))
			for (size_t f = 0; f < 8 && needs[i].facts[f]; f++)
				if (!fact_told(sources, needs[i].facts[f]))
					return true;
	return false;
}

/* In a dry run: what the ledger has of the patient, and of the patient's contact. */
static void learn(const struct enrich *e, struct arena *a, const char *location, const char *patient)
{
	rehearsal_patient(e->state, location, patient);
	const char *contact = ledger_contact(e->state, a, location, patient).id;
	if (contact)
		rehearsal_contact(e->state, location, contact);
}

static unsigned known_at(const struct enrich *e, struct arena *a, const char *location, const char *patient)
{
	if (!location)
		return 0;
	if (!e->ask)
		learn(e, a, location, patient);
	struct ledger_known k = ledger_known(e->state, location, patient);
	return (k.contact ? CONTACT : 0) | (k.named ? NAME : 0) | (k.billed ? BILLED : 0);
}

/* Whether the event says that there is nothing by which a contact could be found. */
static bool is_unreachable(struct arena *a, const struct sources *patient)
{
	return fact_told(patient, "email") && fact_told(patient, "phone") && !fact(a, patient, "email") &&
		   !fact(a, patient, "phone");
}

/* What is known in the facility's sub-account; where no facility is told, in any of them. */
static unsigned known_of(const struct enrich *e, struct arena *a, const char *facility, const char *patient)
{
	const struct conf_facility *f = conf_facility(e->conf, facility);
	const char *location;
	unsigned known = 0;
	if (!e->state || !patient)
		return 0;
	if (facility)
		return known_at(e, a, f ? f->location_id : e->conf->crm.location_id, patient);
	for (size_t i = 0; !known && (location = conf_location(e->conf, &i));)
		known = known_at(e, a, location, patient);
	return known;
}

/* When the event reached us; what was fetched later knows of it. Now, where the record does not say, or where
   the host that received it is ahead of this one. */
static int64_t received(const struct record *r)
{
	int64_t ms = 0, now = when_now_ms();
	const char *text = record_text(r, "received");
	return text && when_moment(str_of(text), &ms) && ms < now ? ms : now;
}

/* Whom or what an event needs something of. */
struct part {
	enum event_type type;
	enum event_kind kind;
	unsigned known;
	const char *id; /* or NULL */
	struct sources sources;
	bool renamed;    /* a patient has become another, whose id it is */
	const char *was; /* its id before, where PatientNow has just told that; or NULL */
	bool found;      /* no event tells of that, but an answer */
};

/* The oldest answer that will do: one made after the event; for the patient of another event, one from the
   cache too; of any age where only the birth date is wanted. */
static int64_t fresh_since(const struct enrich *e, const struct record *r, const struct part *p)
{
	int64_t since = received(r);
	if (p->kind != KIND_PATIENT || event_kind_of(p->type) == KIND_PATIENT)
		return since;
	if (p->type == EVENT_BILL_COMPLETED && p->known & CONTACT)
		return 0;
	int64_t cached = when_now_ms() - e->conf->patientnow.cache_seconds * 1000;
	return cached < since ? cached : since;
}

/* Counts what was taken of PatientNow's quota, and puts it down in the record. */
static void count(const struct enrich *e, struct record *r, enum event_type type, unsigned calls)
{
	if (!calls)
		return;
	calls_add(e->calls, type, calls);
	const char *before = record_text(r, "patientnow_calls");
	unsigned long sum = calls + (unsigned long)str_number(before);
	record_set(r, "patientnow_calls", str_of(arena_printf(r->arena, "%lu", sum)));
}

/* When it happened: that is before it reached us. */
static int64_t happened(const struct record *r)
{
	int64_t ms, here = received(r);
	const char *text = record_text(r, "occurred");
	return text && when_moment(str_of(text), &ms) && ms < here ? ms : here;
}

/* Adds to what the record tells how long was waited for what is wanted so that the day's calls last, and why,
   where people would notice. Once for each want: it has the sum of all its ways. */
static void tell_wait(struct record *r, const struct want *want)
{
	int64_t ms = want->gathering.waited + want->spread;
	const char *why = want->spread > want->gathering.waited ? "spread" : "gathering";
	if (ms < 1000)
		return;
	ms += str_number(jtext_scalar(r->arena, jtext_get(record_get(r, "patientnow_wait"), "ms")));
	record_set(r, "patientnow_wait",
		str_of(arena_printf(r->arena, "{\"ms\":%lld,\"why\":\"%s\"}", (long long)ms, why)));
}

/* Tries ways to fill in the third source until it does; false where one failed, and the record with it. */
static bool try_ways(const struct enrich *e, struct record *r, struct part *p, struct want *want)
{
	static ask_fn *const ways[] = {ask_kept, ask_list, ask_alone};
	for (size_t i = 0; i < COUNT(ways) && lacks(e, p->type, p->kind, p->known, &p->sources); i++) {
		struct patientnow_answer answer = ways[i](e->ask, r->arena, want);
		count(e, r, p->type, answer.calls);
		if (answer.code) {
			record_fail(r, answer.code, answer.retry, "%s", answer.message);
			record_retry_after(r, answer.retry_after);
			return false;
		}
		if (answer.body.p)
			p->sources.at[2] =
				(struct source){.body = answer.body, .fields = &e->profile->kinds[p->kind].fields};
	}
	return true;
}

/* Has a resource fill in the third source; false where that failed, and the record with it. */
static bool fetch(const struct enrich *e, struct record *r, struct part *p)
{
	struct want want = {.kind = p->kind,
		.id = p->id,
		.happened = happened(r),
		.not_before = fresh_since(e, r, p),
		.changed = p->kind == event_kind_of(p->type)};
	bool done = try_ways(e, r, p, &want);
	tell_wait(r, &want);
	return done;
}

/* Whether there is a patient with this id. False, too, where the record has failed, since that cannot be
 * told. */
static bool is_patient(const struct enrich *e, struct record *r, enum event_type type, const char *id)
{
	const struct part p = {.type = type, .kind = KIND_PATIENT, .id = id};
	const struct profile_pointers *from = profile_field(&e->profile->kinds[KIND_PATIENT].fields, "id");
	if (known_of(e, r->arena, NULL, id) & CONTACT)
		return true;
	struct want want = {
		.kind = KIND_PATIENT, .id = id, .happened = happened(r), .not_before = fresh_since(e, r, &p)};
	struct patientnow_answer answer = ask_alone(e->ask, r->arena, &want);
	count(e, r, type, answer.calls);
	tell_wait(r, &want);
	if (answer.code && answer.retry) {
		record_fail(r, answer.code, true, "%s", answer.message);
		record_retry_after(r, answer.retry_after);
	}
	const char *is = answer.body.p ? profile_text(from, r->arena, answer.body) : NULL;
	return is && strcmp(is, id) == 0;
}

/* Where PatientNow has answered with another patient, this one was merged into it. False where the record has
   failed. An id of which PatientNow knows nothing is none: the profile looks for it at the wrong place. */
static bool follow_answer(const struct enrich *e, struct record *r, struct part *p)
{
	const struct source answer = p->sources.at[2];
	const struct profile_fields *fields = &e->profile->kinds[KIND_PATIENT].fields;
	const char *is = answer.body.p && answer.fields == fields
						 ? profile_text(profile_field(fields, "id"), r->arena, answer.body)
						 : NULL;
	const char *now = is ? ledger_survivor(e->state, r->arena, is) : NULL;
	if (!now || strcmp(now, p->id) == 0)
		return true;
	if (!is_patient(e, r, p->type, now)) {
		if (!r->failed)
			record_warn(r, arena_printf(r->arena,
							   "%s answers for patient %s with the id %s, and knows no such patient: does "
							   "the profile look for a patient's id at the right place?",
							   e->profile->emr, p->id, now));
		return !r->failed;
	}
	p->was = p->id;
	p->id = now;
	p->renamed = p->found = true;
	/* Who the patient is now counts before what was told of the old id. */
	p->sources.at[2] = p->sources.at[0];
	p->sources.at[0] = answer;
	return true;
}

/* A patient's facts with the id that it has now, and with the one that it had, where that is news. */
static struct str with_ids(struct record *r, const struct part *p, struct str facts)
{
	struct jtext_members members = jtext_members(r->arena, facts);
	struct str told = jtext_member(&members, "merged_from");
	struct buf out = {0};
	buf_putc(&out, '{');
	buf_member(&out, "id", p->id);
	if (p->found)
		buf_puts(&out, ",\"merge_found\":true");
	for (size_t i = 0; i < members.n; i++) {
		struct str name = members.at[i].name;
		if (jtext_named(name, "id") || (p->was && jtext_named(name, "merged_from")))
			continue;
		buf_printf(&out, ",\"%.*s\":", (int)name.n, name.p);
		buf_add(&out, members.at[i].value);
	}
	if (p->was) {
		buf_puts(&out, ",\"merged_from\":[");
		buf_json(&out, str_of(p->was));
		for (struct str at = {0}; jtext_next(told, &at);) {
			buf_putc(&out, ',');
			buf_add(&out, at);
		}
		buf_putc(&out, ']');
	}
	buf_putc(&out, '}');
	struct str text = buf_take(&out, r->arena);
	return text;
}

/* With -n: the request stands in the record's place. */
static void show(const struct enrich *e, struct record *r, enum event_kind kind, const char *id)
{
	struct buf out = {0};
	if (r->replaced && r->whole.n) {
		buf_add(&out, r->whole);
		buf_putc(&out, '\n');
	}
	buf_putc(&out, '{');
	buf_member(&out, "id", record_text(r, "id"));
	buf_member(&out, "method", "GET");
	buf_member(&out, "path", arena_printf(r->arena, "/%s", patientnow_path(e->profile, r->arena, kind, id)));
	buf_putc(&out, '}');
	record_replace(r, buf_take(&out, r->arena));
}

/* With -n: no request would be made, and why. */
static void show_nothing(struct record *r, const char *reason)
{
	struct buf out = {0};
	buf_putc(&out, '{');
	buf_member(&out, "id", record_text(r, "id"));
	buf_member(&out, "status", "ignored");
	buf_member(&out, "reason", reason);
	buf_putc(&out, '}');
	record_replace(r, buf_take(&out, r->arena));
}

/* Completes one kind of facts in the record. False where it failed. */
static bool complete(const struct enrich *e, struct record *r, struct part *p)
{
	bool booked = p->type == EVENT_APPOINTMENT_BOOKED && p->kind == KIND_APPOINTMENT;
	if (p->id && e->profile->kinds[p->kind].get && lacks(e, p->type, p->kind, p->known, &p->sources)) {
		if (!e->ask)
			show(e, r, p->kind, p->id);
		else if (!fetch(e, r, p) || (p->kind == KIND_PATIENT && !follow_answer(e, r, p)))
			return false;
	}
	struct str object = canonical(e->profile, r->arena, p->kind, &p->sources, booked ? "booked" : NULL);
	if (object.p && (p->renamed || p->found))
		object = with_ids(r, p, object);
	if (object.p)
		record_set(r, event_kind_name(p->kind), object);
	return true;
}

/* Whether what is read of a kind, and of the patient, can be told: a name given twice fails the record. */
static bool is_plain(const struct enrich *e, struct record *r, enum event_kind kind)
{
	struct jtext_members payload = jtext_members(r->arena, record_get(r, "payload"));
	struct str body = webhook_source(e->profile, EVENT_UNKNOWN, kind, record_get(r, "payload")).body;
	const char *twice = jtext_twice(r->arena, &payload);
	if (!twice)
		twice = profile_twice(e->profile, r->arena, kind, body);
	if (!twice && kind != KIND_PATIENT)
		twice = profile_twice(e->profile, r->arena, KIND_PATIENT, body);
	record_object(r, event_kind_name(kind));
	if (kind != KIND_PATIENT)
		record_object(r, event_kind_name(KIND_PATIENT));
	if (twice)
		record_fail(r, "malformed", false, "payload: the key \"%s\" is given twice", twice);
	return !r->failed;
}

/* The event's own kind first: it may be what tells the patient's id. */
static void fill(struct enrich *e, struct record *r, enum event_type type)
{
	enum event_kind kind = event_kind_of(type);
	if (!is_plain(e, r, kind))
		return;
	struct part patient = {.type = type, .kind = KIND_PATIENT, .sources = sources_of(e, r, KIND_PATIENT)};
	patient.found = jtext_type(jtext_get(patient.sources.at[0].body, "merge_found")) == JTEXT_TRUE;
	const char *facility = NULL;
	if (kind != KIND_PATIENT) {
		struct part own = {.type = type, .kind = kind, .sources = sources_of(e, r, kind)};
		own.id = fact(r->arena, &own.sources, "id");
		if (!complete(e, r, &own))
			return;
		if (own.sources.at[2].body.p && !fact(r->arena, &patient.sources, "id"))
			patient.sources.at[2] = (struct source){
				.body = own.sources.at[2].body, .fields = profile_fields(e->profile, KIND_PATIENT, kind)};
		facility = fact(r->arena, &own.sources, "facility");
	}
	patient.id = fact(r->arena, &patient.sources, "id");
	if (patient.id && e->state) {
		if (!e->ask)
			rehearsal_merged(e->state, patient.id);
		const char *told = patient.id;
		patient.id = ledger_survivor(e->state, r->arena, told);
		patient.renamed = strcmp(patient.id, told) != 0;
	}
	if (kind != KIND_PATIENT) {
		if (lacks(e, type, KIND_PATIENT, 0, &patient.sources))
			patient.known = known_of(e, r->arena, facility, patient.id) |
							(is_unreachable(r->arena, &patient.sources) ? NO_WAY : 0);
	} else if (patient.id && e->ask)
		ask_changed(e->ask, KIND_PATIENT, patient.id, received(r));
	complete(e, r, &patient);
}

/* A record that is a webhook's bare body becomes the event around it, one level deeper than it was. */
static void wrap(const struct enrich *e, struct record *r, struct str body)
{
	struct buf out = {0};
	struct jtext_error error;
	struct webhook w = webhook_read(r->arena, e->conf, e->profile, SENDER_PATIENTNOW, body, NULL);
	webhook_write(&out, e->conf, &w, "webhook", body);
	struct str line = buf_take(&out, r->arena);
	if (jtext_check_object(line, &r->members, &error)) {
		r->line = line;
		return;
	}
	jtext_check_object(r->line, &r->members, NULL);
	record_fail(r, "malformed", false, "the body makes no event: %s", error.what);
}

void enrich_record(struct record *r, void *context)
{
	struct enrich *e = context;
	struct str bare = bare_body(e, r);
	if (bare.p)
		wrap(e, r, bare);
	if (r->failed)
		return;
	const char *type = record_text(r, "type");
	const char *name = type ? record_text(r, "event") : name_of(e, r);
	bool named = !type && (type = profile_type(e->profile, name)), ping = named && strcmp(type, "ping") == 0;
	if (named && !ping)
		record_set_text(r, "type", type);
	enum event_type known = event_type_of(type);
	if (known != EVENT_CONTACT_TAGGED) /* nothing of it is asked here */
		calls_event(e->calls, known);
	const char *practice = record_text(r, "practice"), *ignored = NULL;
	if (practice && strcmp(practice, e->conf->practice) != 0)
		record_fail(
			r, "wrong_practice", false, "the event is another practice's: see the configuration's practice");
	else if (known != EVENT_UNKNOWN && known != EVENT_CONTACT_TAGGED)
		fill(e, r, known);
	else if (ping)
		ignored = "a ping";
	else if (known == EVENT_UNKNOWN && name)
		ignored = arena_printf(
			r->arena, "the event's name is not one that the profile %s maps", e->conf->patientnow.profile);
	else if (known == EVENT_UNKNOWN)
		record_fail(r, "bad_type", false, "found no type, and no event name where the profile %s expects one",
			e->conf->patientnow.profile);
	if (ignored)
		record_set_text(r, "ignored", ignored);
	if (!e->ask && !r->replaced && !r->failed)
		show_nothing(r, ignored ? ignored : "nothing of it is asked of PatientNow");
}

const char *enrich_key(const struct record *r, void *context)
{
	static const enum event_kind kinds[] = {KIND_PATIENT, KIND_APPOINTMENT, KIND_BILL, KIND_MEMBERSHIP};
	const struct enrich *e = context;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct sources sources = sources_of(e, r, kinds[i]);
		const char *id = fact(r->arena, &sources, "id");
		if (id)
			return arena_printf(r->arena, "%s %s", event_kind_name(kinds[i]), id);
	}
	return NULL;
}

enum event_type enrich_type(const struct record *r, const struct enrich *e)
{
	return event_type_of(type_of(e, r));
}

bool enrich_passes(const struct record *r, void *context)
{
	const struct enrich *e = context;
	enum event_type type = enrich_type(r, e);
	if (type == EVENT_UNKNOWN || type == EVENT_CONTACT_TAGGED)
		return true;
	enum event_kind kind = event_kind_of(type);
	struct sources own = sources_of(e, r, kind), patient = sources_of(e, r, KIND_PATIENT);
	return kind != KIND_PATIENT && !lacks(e, type, kind, 0, &own) &&
		   !lacks(e, type, KIND_PATIENT, 0, &patient);
}

void enrich_ended(void *context)
{
	struct enrich *e = context;
	if (e->ask)
		ask_ended(e->ask);
}
