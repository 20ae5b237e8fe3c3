/* The events and their types, in the order of design.md section 4, and how a webhook's body becomes one. */
#ifndef EVENT_H
#define EVENT_H

#include "arena.h"
#include "buf.h"

struct conf;
struct profile;

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

enum event_sender { SENDER_PATIENTNOW, SENDER_CRM };

/* What the hook learns from a body. */
struct event_webhook {
	const char *id;       /* the sender's delivery id, else a hash of practice, source and body */
	bool delivery_id;     /* id is the sender's */
	const char *type;     /* NULL: a name that nothing maps */
	const char *name;     /* the event's name as sent, or NULL */
	const char *occurred; /* RFC 3339, or NULL */
	bool ping;            /* to be answered and forgotten */
};

/* Reads body (checked by jtext_check, an object) of a sender. For the CRM's events id, type and time are
   webhookId, type and timestamp; the profile may be NULL for them. */
struct event_webhook event_webhook(struct arena *a, const struct conf *conf, const struct profile *profile,
	enum event_sender sender, struct str body);

/* Writes the event as one line without newline: id, type (or event, the name as sent, where nothing maps it),
   practice, source, received (now), occurred, payload. Blanks and newlines between the body's tokens are left
   out, everything else is as sent. */
void event_write(struct buf *out, const struct conf *conf, const struct event_webhook *event,
	const char *source, struct str body);

#endif
