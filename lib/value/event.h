/* The events, their types and what they carry, in the order of pnow-event(5). */
#ifndef EVENT_H
#define EVENT_H

enum event_type {
	EVENT_PATIENT_UPDATED,
	EVENT_PATIENT_CREATED,
	EVENT_APPOINTMENT_BOOKED,
	EVENT_APPOINTMENT_STATUS,
	EVENT_BILL_COMPLETED,
	EVENT_MEMBERSHIP_CREATED,
	EVENT_CONTACT_TAGGED,
	EVENT_TYPES,
	EVENT_UNKNOWN = EVENT_TYPES,
};

/* What an event carries beside the patient. */
enum event_kind {
	KIND_PATIENT,
	KIND_APPOINTMENT,
	KIND_BILL,
	KIND_MEMBERSHIP,
	EVENT_KINDS,
	KIND_CONTACT = EVENT_KINDS
};

const char *event_type_name(enum event_type type); /* appointment.booked */
enum event_type event_type_of(const char *name);   /* EVENT_UNKNOWN for another name, and for NULL */
enum event_kind event_kind_of(enum event_type type);
const char *event_kind_name(enum event_kind kind); /* appointment */

/* What is known of a patient, an appointment, a bill, a membership: the keys of pnow-event(5), and in which
 * form. */
enum fact_form {
	FACT_TEXT,
	FACT_STATUS, /* of an appointment: booked, checked_out, cancelled, no_show */
	FACT_BILL,   /* of a bill: void, refunded; any other word is one that counts */
	FACT_TIME,   /* RFC 3339 */
	FACT_DATE,   /* 2026-12-01 */
	FACT_MONEY,  /* 450.00 */
	FACT_FLAG,   /* true or false */
	FACT_ITEMS,  /* a list of objects with a name and an amount */
};

struct event_fact {
	const char *name;
	enum fact_form form;
};

/* The facts of a kind (one of the EVENT_KINDS); the last row's name is NULL. */
const struct event_fact *event_facts(enum event_kind kind);

/* How an appointment's status is shown to people: Booked, Checked Out, Cancelled, No-Show; NULL for another.
 */
const char *status_shown(const char *status);
/* And what it is in the CRM's calendar: confirmed, showed, cancelled, noshow. */
const char *status_in_calendar(const char *status);

#endif
