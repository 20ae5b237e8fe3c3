/* From a sender's body to an event: ids, types, times, and the body itself untouched; and how a profile finds
 * things. */
#include "tap.h"
#include "conf/webhook.h"
#include "text/jtext.h"
#include "value/when.h"

static const struct conf conf = {.practice = "glow-denver"};

static struct webhook read_body(
	struct arena *a, const struct profile *p, enum webhook_sender sender, const char *body)
{
	return webhook_read(a, &conf, p, sender, str_of(body), NULL);
}

static void check_patientnow(struct arena *a, const struct profile *p)
{
	struct webhook w = read_body(a, p, SENDER_PATIENTNOW,
		"{\"event\":\"AppointmentCreated\",\"eventId\":\"9f\",\"occurredAt\":\"2026-11-22T15:00:00Z\"}");
	is_text(w.id, "9f", "the sender's id is the event's");
	ok(w.delivery_id, "and known as such");
	is_text(w.type, "appointment.booked", "the name becomes a type");
	is_text(w.occurred, "2026-11-22T15:00:00Z", "the time is read");
	w = read_body(a, p, SENDER_PATIENTNOW, "{\"event\":\"Ping\"}");
	ok(w.ping && !w.type, "a ping is a ping");
	w = read_body(a, p, SENDER_PATIENTNOW,
		"{\"event\":\"AppointmentCreated\",\"data\":{\"appointmentId\":88123,\"patientId\":\"7\"}}");
	is_text(w.subject, "appointment/88123", "a body tells what it is about");
	is_text(w.patient, "7", "and whom");
	w = webhook_read_line(a, p,
		STR("{\"type\":\"appointment.booked\",\"patient\":{\"id\":\"8\"},"
			"\"payload\":{\"appointmentId\":88123,\"patientId\":\"7\"}}"));
	is_text(w.subject, "appointment/88123", "a line as its payload tells it");
	is_text(w.patient, "8", "where a filter has not told it before");
	w = read_body(a, p, SENDER_PATIENTNOW, "{\"event\":\"PatientArchived\",\"occurredAt\":\"yesterday\"}");
	is_text(w.type, NULL, "a name that is not mapped has no type");
	is_text(w.name, "PatientArchived", "but is kept");
	is_text(w.occurred, NULL, "what is no time is none");
	ok(!w.delivery_id && strlen(w.id) == 64, "without an id it is a hash");
	struct webhook same =
		read_body(a, p, SENDER_PATIENTNOW, "{\"event\":\"PatientArchived\",\"occurredAt\":\"yesterday\"}");
	is_text(same.id, w.id, "the same body has the same");
	same =
		read_body(a, p, SENDER_PATIENTNOW, "{\"event\":\"PatientArchived\",\"occurredAt\":\"yesterday \"}");
	ok(strcmp(same.id, w.id) != 0, "another body another");
	struct conf elsewhere = {.practice = "glow-boulder"};
	same = webhook_read(a, &elsewhere, p, SENDER_PATIENTNOW,
		str_of("{\"event\":\"PatientArchived\",\"occurredAt\":\"yesterday\"}"), NULL);
	ok(strcmp(same.id, w.id) != 0, "and another practice");
	w = read_body(a, p, SENDER_PATIENTNOW, "{\"eventId\":12345678901234567890,\"event\":1}");
	is_text(w.id, "12345678901234567890", "a number is an id as well");
}

/* webhook_request.header: the header X-Event. */
static const char *x_event(const void *transport, const char *name)
{
	return strcmp(name, "X-Event") == 0 ? transport : NULL;
}

static void check_challenge(struct arena *a, const struct profile *as_is)
{
	static const char *challenge[] = {"/challenge"}, *list[] = {"/events"};
	struct profile p = *as_is;
	struct str bare = STR("{\"challenge\":\"c\",\"events\":[]}");
	is_text(webhook_challenge(a, &p, bare, NULL), NULL, "no challenge where the profile has none");
	p.challenge.body = (struct profile_pointers){challenge, 1};
	is_text(webhook_challenge(a, &p, bare, NULL), "c", "a challenge where it says");
	is_text(webhook_challenge(a, &p, STR("{\"challenge\":\"c\",\"event\":\"Ping\"}"), NULL), "c",
		"also in a ping");
	is_text(webhook_challenge(a, &p, STR("{\"challenge\":\"c\",\"event\":\"PatientCreated\"}"), NULL), NULL,
		"not in an event");
	const struct webhook_request request = {x_event, "PatientCreated"};
	is_text(webhook_challenge(a, &p, bare, &request), NULL, "whose name may be in a header");
	p.event_list = (struct profile_pointers){list, 1};
	is_text(webhook_challenge(a, &p, bare, NULL), NULL, "nor beside a list of events");
}

static void check_crm(struct arena *a)
{
	struct webhook w = read_body(a, NULL, SENDER_CRM,
		"{\"type\":\"ContactTagUpdate\",\"webhookId\":\"w1\",\"timestamp\":\"2026-11-22T15:00:00.123Z\"}");
	is_text(w.type, "contact.tagged", "the CRM's tag event");
	is_text(w.id, "w1", "its id");
	is_text(w.occurred, "2026-11-22T15:00:00Z", "its time");
	w = read_body(a, NULL, SENDER_CRM, "{\"type\":\"ContactCreate\"}");
	is_text(w.type, "contact.tagged", "a contact may be made with the tag on it");
	w = read_body(a, NULL, SENDER_CRM, "{\"type\":\"ContactDelete\"}");
	is_text(w.type, NULL, "its other events are none of ours");
}

static void check_writing(struct arena *a, const struct profile *p)
{
	static const char body[] = "{ \"event\" :\t\"PatientUpdated\",\n \"eventId\":\"e \\\" 1\",\r\n"
							   "\"data\":{\"n\":12.10, \"t\":\"two  blanks \\\\\", \"u\":\"\\u00e9\"} }";
	struct buf out = {0};
	struct webhook w = read_body(a, p, SENDER_PATIENTNOW, body);
	webhook_write(&out, &conf, &w, "webhook", str_of(body));
	ok(jtext_check(buf_str(&out), NULL), "an event is JSON");
	ok(!memchr(out.p, '\n', out.n), "on one line");
	is_text(arena_copy(a, jtext_get(buf_str(&out), "payload")),
		"{\"event\":\"PatientUpdated\",\"eventId\":\"e \\\" 1\",\"data\":{\"n\":12.10,\"t\":\"two  blanks "
		"\\\\\",\"u\":\"\\u00e9\"}}",
		"the body is in it as it came, but for blanks between its tokens");
	is_text(jtext_string(a, jtext_get(buf_str(&out), "id")), "e \" 1", "with its id");
	buf_free(&out);
}

static const char *found(struct arena *a, const struct profile *p, const char *field, const char *body)
{
	struct str value = profile_find(profile_field(&p->kinds[KIND_PATIENT].fields, field), str_of(body));
	return value.p ? arena_copy(a, value) : NULL;
}

static void check_profile(struct arena *a, const struct profile *p)
{
	is_text(found(a, p, "id", "{\"patient_ID\":7}"), "7", "names match without regard to case and _");
	is_text(found(a, p, "id", "{\"patient-id\":7}"), NULL, "but not to -");
	is_text(found(a, p, "phone", "{\"phone\":\"3\",\"homePhone\":\"2\",\"cellPhone\":\"1\"}"), "\"1\"",
		"the first pointer counts");
	is_text(found(a, p, "phone", "{\"phone\":\"3\",\"homePhone\":null,\"cellPhone\":\"\"}"), "\"3\"",
		"null and \"\" are passed over");
	is_text(found(a, p, "email", "{\"patient\":{\"email\":\"a\"}}"), "\"a\"", "a pointer leads inside");
	is_text(found(a, p, "email", "{\"patient\":[{\"email\":\"a\"}]}"), NULL, "not into a list");
	is_text(found(a, p, "email", "[]"), NULL, "nothing is in what is no object");
	ok(profile_has(profile_field(&p->kinds[KIND_PATIENT].fields, "email"), STR("{\"email\":null}")),
		"null is told nonetheless");
	is_text(profile_twice(p, a, KIND_PATIENT, STR("{\"a\":1,\"a\":2}")), "a", "a name twice is seen");
	is_text(profile_twice(p, a, KIND_PATIENT, STR("{\"patient\":{\"a\":1,\"a\":2}}")), "a", "also inside");
	is_text(profile_twice(p, a, KIND_PATIENT, STR("{\"x\":{\"a\":1,\"a\":2}}")), NULL,
		"but not where no pointer leads");
	is_text(profile_twice(p, a, KIND_BILL, STR("{\"items\":[{\"a\":1},{\"b\":1,\"b\":2}]}")), "b",
		"and in a bill's items");
	is_text(
		profile_type(p, "appointment_STATUS changed"), "appointment.status", "event names are folded, too");
	is_text(profile_type(p, "AppointmentStatusChange"), NULL, "but are whole words");
	is_text(profile_type(p, NULL), NULL, "none is none");
	is_text(profile_status(p, "checked-out"), "checked_out", "so are statuses");
	is_text(profile_status(p, "Arrived"), NULL, "one that is not mapped is none");
}

int main(void)
{
	struct arena a = {0};
	when_zone("America/Denver");
	struct profile *p = profile_read("patientnow-pro", "conf.json");
	check_patientnow(&a, p);
	check_challenge(&a, p);
	check_crm(&a);
	check_writing(&a, p);
	check_profile(&a, p);
	profile_free(p);
	arena_free(&a);
	return done();
}
