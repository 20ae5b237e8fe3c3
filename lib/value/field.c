/* The tables of what a contact gets: the mapping of crm-map(1). */
#include "value/field.h"
#include "text/str.h"

#include <stddef.h>
#include <string.h>

/* The types of events that a row is for. */
enum {
	UPDATED = 1 << EVENT_PATIENT_UPDATED,
	CREATED = 1 << EVENT_PATIENT_CREATED,
	BOOKED = 1 << EVENT_APPOINTMENT_BOOKED,
	STATUS = 1 << EVENT_APPOINTMENT_STATUS,
	BILL = 1 << EVENT_BILL_COMPLETED,
	MEMBER = 1 << EVENT_MEMBERSHIP_CREATED,
	VISIT = BOOKED | STATUS,
	PERSON = UPDATED | CREATED | VISIT,
	SALE = BILL | MEMBER,
};

/* Where a fact stands: PATIENT("dob"). */
#define PATIENT(fact) KIND_PATIENT, fact
#define VISITED(fact) KIND_APPOINTMENT, fact
#define BILLED(fact) KIND_BILL, fact
#define JOINED(fact) KIND_MEMBERSHIP, fact
#define RECORD(fact) FIELD_IN_RECORD, fact
#define ONLY(...)                                                                                            \
	{                                                                                                        \
		{                                                                                                    \
			__VA_ARGS__                                                                                      \
		}                                                                                                    \
	}

const struct field properties[] = {
	{"firstName", "first name", NULL, FIELD_TEXT,
		{{PERSON, PATIENT("first_name"), FIELD_ALWAYS}, {SALE, PATIENT("first_name"), FIELD_IF_NEW}}},
	{"lastName", "last name", NULL, FIELD_TEXT,
		{{PERSON, PATIENT("last_name"), FIELD_ALWAYS}, {SALE, PATIENT("last_name"), FIELD_IF_NEW}}},
	{"email", "e-mail", NULL, FIELD_EMAIL, ONLY(CREATED | VISIT, PATIENT("email"), FIELD_ALWAYS)},
	{"phone", "phone", NULL, FIELD_PHONE, ONLY(PERSON, PATIENT("phone"), FIELD_ALWAYS)},
	{"gender", "gender", NULL, FIELD_GENDER, ONLY(PERSON, PATIENT("gender"), FIELD_ALWAYS)},
	{"source", "contact source", NULL, FIELD_TEXT, ONLY(CREATED, PATIENT("referral_source"), FIELD_ALWAYS)},
	{"address1", "street address", NULL, FIELD_TEXT, ONLY(UPDATED, PATIENT("address1"), FIELD_IF_ADDRESS)},
	{"city", "city", NULL, FIELD_TEXT, ONLY(UPDATED, PATIENT("city"), FIELD_IF_ADDRESS)},
	{"state", "state", NULL, FIELD_TEXT, ONLY(UPDATED, PATIENT("state"), FIELD_IF_ADDRESS)},
	{"postalCode", "postal code", NULL, FIELD_TEXT, ONLY(UPDATED, PATIENT("postal_code"), FIELD_IF_ADDRESS)},
	{"dateOfBirth", "date of birth", NULL, FIELD_DATE, ONLY(BILL, PATIENT("dob"), FIELD_ALWAYS)},
	{0},
};

const struct field custom_fields[] = {
	{PATIENT_ID, NULL, "TEXT", FIELD_TEXT,
		{{PERSON, PATIENT("id"), FIELD_ALWAYS}, {SALE, PATIENT("id"), FIELD_IF_LINK}}},
	{"PNOW Unsubscribed", NULL, "SINGLE_OPTIONS", FIELD_FLAG,
		ONLY(UPDATED, PATIENT("unsubscribed"), FIELD_ALWAYS)},
	{"Invoice Paid Amount", NULL, "MONETORY", FIELD_MONEY, ONLY(BILL, BILLED("total"), FIELD_ALWAYS)},
	{LIFETIME_VALUE, NULL, "MONETORY", FIELD_MONEY, {{0}}}, /* ltv.add writes it */
	{"PNOW Last Order ID", NULL, "TEXT", FIELD_TEXT, ONLY(BILL, BILLED("id"), FIELD_ALWAYS)},
	{"PNOW DOB", NULL, "DATE", FIELD_DATE, ONLY(BILL, PATIENT("dob"), FIELD_ALWAYS)},
	{"PNOW Primary Employee", NULL, "TEXT", FIELD_TEXT,
		{{VISIT, VISITED("provider"), FIELD_ALWAYS}, {BILL, BILLED("provider"), FIELD_ALWAYS}}},
	{"PNOW Location", NULL, "TEXT", FIELD_TEXT, ONLY(VISIT, VISITED("facility"), FIELD_ALWAYS)},
	{"Lead Status", NULL, "TEXT", FIELD_STANDING, ONLY(VISIT, RECORD(NULL), FIELD_ALWAYS)},
	{"Contact Type", NULL, "TEXT", FIELD_STANDING, ONLY(VISIT, RECORD(NULL), FIELD_ALWAYS)},
	{"Appointment Category", NULL, "TEXT", FIELD_CATEGORY, ONLY(VISIT, RECORD("category"), FIELD_ALWAYS)},
	{"PNOW Appt Status", NULL, "TEXT", FIELD_STATUS, ONLY(VISIT, VISITED("status"), FIELD_ALWAYS)},
	{"PNOW Event Type", NULL, "TEXT", FIELD_TEXT, ONLY(VISIT, VISITED("event_type"), FIELD_ALWAYS)},
	{"PNOW Appt Reason", "PNOW Appointment Reason", "TEXT", FIELD_TEXT,
		ONLY(VISIT, VISITED("reason"), FIELD_ALWAYS)},
	{"PNOW Appt Comments", "PNOW Appointment Comments", "TEXT", FIELD_TEXT,
		ONLY(VISIT, VISITED("comments"), FIELD_ALWAYS)},
	{"PNOW Last Appt ID", "PNOW Last Appointment ID", "TEXT", FIELD_TEXT,
		ONLY(VISIT, VISITED("id"), FIELD_ALWAYS)},
	{"Next Visit Service", NULL, "TEXT", FIELD_TEXT, ONLY(BOOKED, VISITED("type"), FIELD_IF_BOOKED)},
	{"Next Visit Date", NULL, "DATE", FIELD_TIME, ONLY(BOOKED, VISITED("start"), FIELD_IF_BOOKED)},
	{"Last Visit Date", NULL, "DATE", FIELD_DATE, ONLY(STATUS, VISITED("start"), FIELD_IF_CHECKED_OUT)},
	{"Last Visit Service", NULL, "TEXT", FIELD_ITEMS, ONLY(BILL, BILLED("items"), FIELD_ALWAYS)},
	{"PNOW Membership ID", NULL, "TEXT", FIELD_TEXT, ONLY(MEMBER, JOINED("id"), FIELD_ALWAYS)},
	{"PNOW Membership Program Name", NULL, "TEXT", FIELD_TEXT, ONLY(MEMBER, JOINED("program"), FIELD_ALWAYS)},
	{"PNOW Membership Sold Date", NULL, "DATE", FIELD_DATE, ONLY(MEMBER, JOINED("sold_date"), FIELD_ALWAYS)},
	{"PNOW Membership Amount", NULL, "MONETORY", FIELD_MONEY, ONLY(MEMBER, JOINED("amount"), FIELD_ALWAYS)},
	{0},
};

static const struct field *find(const struct field *f, const char *name)
{
	while (f->name && strcmp(f->name, name) != 0)
		f++;
	return f->name ? f : NULL;
}

const struct field *property_find(const char *name)
{
	return find(properties, name);
}

const struct field *field_find(const char *name)
{
	return find(custom_fields, name);
}

const struct field *property_of(const char *fact)
{
	const struct field *f = properties;
	while (f->name && strcmp(f->from->fact, fact) != 0)
		f++;
	return f->name ? f : NULL;
}

/* The types whose events write it into any contact. */
static unsigned types_of(const struct field *f)
{
	unsigned types = 0;
	for (size_t i = 0; i < COUNT(f->from); i++)
		if (f->from[i].when < FIELD_IF_NEW)
			types |= f->from[i].types;
	return types;
}

bool field_is_of(const struct field *f, enum event_type type)
{
	return types_of(f) & 1u << type;
}

unsigned field_kinds(const struct field *f)
{
	unsigned kinds = 0;
	for (enum event_type type = 0; type < EVENT_TYPES; type++)
		if (field_is_of(f, type))
			kinds |= 1u << event_kind_of(type);
	return kinds;
}

bool field_is_for(const struct field *f, enum field_when when)
{
	for (size_t i = 0; i < COUNT(f->from); i++)
		if (f->from[i].types && f->from[i].when == when)
			return true;
	return false;
}
