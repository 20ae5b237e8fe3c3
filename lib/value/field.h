/* What we write into a contact of the CRM, and from which fact. crm-map, crm-push and its audit, pnow-push,
 * crm-setup and the configuration read these tables: a new field is a new row. */
#ifndef FIELD_H
#define FIELD_H

#include "value/event.h"

#include <stdbool.h>

/* Our names for the field that bills add up in, and for that of the patient's id. */
#define LIFETIME_VALUE "Patient Lifetime Value"
#define PATIENT_ID "PNOW ID"

/* What a value is, and so in what form it goes into an action. */
enum field_form {
	FIELD_TEXT,
	FIELD_EMAIL,
	FIELD_PHONE,
	FIELD_GENDER,
	FIELD_DATE,
	FIELD_TIME,
	FIELD_MONEY,
	FIELD_FLAG,     /* true or false */
	FIELD_STATUS,   /* of an appointment, as it is shown to people */
	FIELD_CATEGORY, /* of an appointment */
	FIELD_ITEMS,    /* the names of a bill's items */
	FIELD_STANDING, /* lead or patient */
};

/* When an event of the right type writes it. */
enum field_when {
	FIELD_ALWAYS,
	FIELD_IF_ADDRESS, /* where the practice wants addresses */
	FIELD_IF_BOOKED,
	FIELD_IF_CHECKED_OUT,
	FIELD_IF_NEW,  /* only into a contact that it makes */
	FIELD_IF_LINK, /* only into a contact that becomes the patient's by it */
};

/* Where a fact stands that is in none of an event's objects. */
#define FIELD_IN_RECORD EVENT_KINDS

struct field_source {
	unsigned types;     /* the events that write it: 1 << EVENT_…; 0: none */
	enum event_kind in; /* the object that has the fact, or FIELD_IN_RECORD */
	const char *fact;
	enum field_when when;
};

struct field {
	const char *name;
	const char *also; /* a property: for people, "first name"; a custom field: another name that a CRM may
						 have for it, or NULL */
	const char *data_type; /* the CRM's: TEXT, DATE, MONETORY (sic), SINGLE_OPTIONS; NULL: a property */
	enum field_form form;
	struct field_source from[2];
};

/* A contact's own properties, and its custom fields, in the order in which they are written. The last row's
 * name is NULL. */
extern const struct field properties[], custom_fields[];

/* The row of a name (ours), or NULL. */
const struct field *property_find(const char *name);
const struct field *field_find(const char *name);
/* The property that a fact of a patient is written to, or NULL. */
const struct field *property_of(const char *fact);
/* Whether events of a type write it into any contact of theirs. */
bool field_is_of(const struct field *f, enum event_type type);
/* The kinds of those events: 1 << KIND_…. */
unsigned field_kinds(const struct field *f);
/* Whether an event writes it only now: FIELD_IF_NEW, FIELD_IF_LINK. */
bool field_is_for(const struct field *f, enum field_when when);

#endif
