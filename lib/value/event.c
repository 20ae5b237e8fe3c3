/* The tables of events: their types, what each is about, and the facts of it. */
#include "value/event.h"
#include "text/str.h"

#include <stddef.h>
#include <string.h>

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

/* A status, how it is shown, and what it is in the CRM's calendar. */
static const char *status_as(const char *status, size_t word)
{
	static const char *const words[][3] = {
		{"booked", "Booked", "confirmed"},
		{"checked_out", "Checked Out", "showed"},
		{"cancelled", "Cancelled", "cancelled"},
		{"no_show", "No-Show", "noshow"},
	};
	for (size_t i = 0; status && i < COUNT(words); i++)
		if (strcmp(words[i][0], status) == 0)
			return words[i][word];
	return NULL;
}

const char *status_shown(const char *status)
{
	return status_as(status, 1);
}

const char *status_in_calendar(const char *status)
{
	return status_as(status, 2);
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
			{"facility", FACT_TEXT}, {"status", FACT_BILL}, {"refunded", FACT_MONEY},
			{"refund_of", FACT_TEXT}, {"items", FACT_ITEMS}},
		[KIND_MEMBERSHIP] = {{"id", FACT_TEXT}, {"program", FACT_TEXT}, {"sold_date", FACT_DATE},
			{"amount", FACT_MONEY}, {"status", FACT_TEXT}},
	};
	return facts[kind];
}
