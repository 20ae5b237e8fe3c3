/* The parts of crm-push. */
#ifndef PUSH_H
#define PUSH_H

#include "conf/conf.h"
#include "net/crm.h"
#include "net/names.h"
#include "state/ledger.h"
#include "state/locks.h"
#include "stream/calls.h"
#include "stream/record.h"
#include "value/event.h"

struct push {
	const struct conf *conf;
	struct crm *crm;
	struct state *state;   /* NULL in a dry run */
	struct names *names;   /* NULL in a dry run */
	struct locks *locks;   /* NULL in a dry run */
	struct mirror *mirror; /* NULL: this is no audit */
	bool values;           /* an audit tells the values that differ */
	bool dry;
	struct calls calls;
};

/* Our name for the field that bills add up in. */
#define LIFETIME_VALUE "Patient Lifetime Value"
/* What a contact's event changed where the contact was a lead then. */
#define CHANGE_LEAD "lead"
/* And beside opportunity.move/Surgical, where the opportunity was written as a lead's. */
#define CHANGE_OF_LEAD CHANGE_LEAD "/"

/* What an appointment's event changed that told otherwise who the patient is than the patient's own. */
#define CHANGE_PERSON "person"
/* What of the contact it wrote since it made it, or since it made it the patient's; an action's members are
 * called so, too. */
#define CHANGE_NEW "new"
#define CHANGE_LINK "link"

enum standing { STANDING_UNKNOWN, STANDING_LEAD, STANDING_PATIENT };

enum outcome {
	OUT_DONE,
	OUT_UNCHANGED, /* done before */
	OUT_IGNORED,   /* nothing to do */
	OUT_SKIPPED,   /* cannot be done, and trying again would not help: why is in the warnings or the reason */
	OUT_FAILED,    /* error, code and retry are set */
};

/* One event on its way. Everything it points to is the record's or its arena's. */
struct work {
	struct push *push;
	struct record *r;
	struct arena *a;
	const char *id;
	enum event_type type;
	const char *patient;
	const struct crm_location *location;
	bool is_one_of;                /* the sub-accounts that the event goes to */
	struct ledger_subject subject; /* .subject NULL: none */
	bool backfill;                 /* history: gives way to what is newer */
	bool person_is_known;          /* who the patient is was brought in before, and stays as it is */
	bool by_other_name;            /* all was: patient.created by patient.updated, or the other way round */
	bool older;                    /* history, and something newer was written into the contact */

	const char *contact;    /* its id, once known */
	struct str contact_now; /* the CRM's last word on it, while we hold its lock; p NULL: not known */
	bool locked;
	bool makes;          /* no contact was found: one that is made gets what is "new" in the action */
	bool links;          /* the contact becomes the patient's: it gets the action's "link" */
	bool contact_is_new; /* made by this event: it can have no opportunities */
	const char *person;  /* the contact's name, for an opportunity's */
	enum standing standing;
	struct str opportunities; /* the contact's, as searched; p NULL: not searched */
	bool value_known;
	int64_t value; /* the lifetime value, minor units */

	struct str action;     /* the one being carried out */
	struct str upsert;     /* the action that was about the contact itself; p NULL: none yet */
	const char *stage;     /* that the action has brought an opportunity to */
	const char *change[8]; /* what of the contact was changed */
	size_t changes;
	long http; /* status of its last request */
	unsigned calls;
	double ms;
	struct buf results; /* of the actions */
	struct buf warnings;
	struct buf locations; /* what became of the event in each, where it goes to several */
	struct buf shown;     /* in a dry run: the requests; in an audit: a line for each location that differs */
	struct buf differences; /* that an audit has found in this location */
	bool applied;           /* in an audit: the ledger says so */
	bool fields_again;  /* a field was dropped, and its id may be an old one: look them up and write again */
	bool incomplete;    /* something was left out that a later run could do */
	const char *reason; /* of what was ignored or skipped */
	const char *error, *code;
	bool retry;
};

/* push.c: a record into a result. A record_fn. */
void push_event(struct record *r, void *context);
/* Whether an action with this op can be carried out. */
bool is_operation(const char *op);

extern const char *const outcome_words[];
/* Writes ,"error":{…} of the event's failure. */
void write_failure(const struct work *w, struct buf *out);

/* check.c */
/* Whether the event may be carried out at all, with these actions: OUT_DONE, or OUT_FAILED. */
enum outcome check(struct work *w, struct str actions);

/* location.c: has the event settled in each sub-account that it goes to, one after another, and puts together
 * what it came to there. settle() gets a work with its location, and frees what it locks. */
enum outcome location_each(struct work *w, enum outcome (*settle)(struct work *));

/* request.c */
/* Makes a request for this event, or shows it in a dry run (the answer is then 200 with {}). */
struct crm_answer request(
	struct work *w, const char *method, const char *path, struct str body, bool repeatable);
/* Fails the event with what an answer says. */
enum outcome fail_with(struct work *w, const struct crm_answer *answer);
enum outcome fail(struct work *w, const char *code, bool retry, const char *message);
/* Whether the last request was refused in a way that an id in it explains, which has become wrong. */
bool refused(const struct work *w);
/* The event has changed this of its contact: for the ledger. */
void changed(struct work *w, const char *what);
/* A warning of the result; names no person. */
void warning(struct work *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The id of a name, or NULL: *out is then OUT_SKIPPED, with a warning that says what the CRM lacks, or
   OUT_FAILED. more gets a field's dataType, where not NULL. In a dry run: {field:PNOW ID} and the like. */
const char *id_of(
	struct work *w, enum name_kind kind, const char *name, const char **more, enum outcome *out);
/* /contacts/ID, or with something behind it. */
const char *contact_path(struct work *w, const char *behind);

/* field.c */
/* Writes {"id":…,"field_value":…} for a field of the action ("Next Visit Date": {"time":…}) into a list of
   them. A field that the CRM lacks is left out with a warning, lead/patient where standing is unknown
   without. OUT_FAILED or OUT_DONE. */
enum outcome write_field(struct work *w, struct buf *list, const char *name, struct str value);
/* The text that goes into a field of this dataType; NULL where there is none (a lead's or patient's word, and
 * nobody knows which). */
const char *field_text(struct work *w, struct str value, const char *data_type);
/* Whether what the CRM holds is what was sent: the same text, the same amount, the same day. */
bool field_same(const char *sent, const char *held);
/* Warns of each custom field of list that the contact in answer does not hold as it was sent; or, where the
 * ids of the fields are old, sets fields_again. */
void compare_fields(struct work *w, struct str list, struct str contact);
/* The value of a custom field in a contact, as text; NULL where it has none. */
const char *field_in(struct work *w, struct str contact, const char *id);

/* person.c */
/* The state that an event about a patient brings, for the ledger; that of before where it says nothing new.
 * Sets person_is_known and by_other_name. */
const char *person_state(struct work *w, struct str actions);
/* Whether a property or a custom field is one that each event about a patient writes. */
bool person_has(const struct work *w, const char *name);
/* Whether the action tells otherwise who the patient is than the ledger knows. */
bool person_differs(struct work *w);

/* contact.c */
enum outcome contact_upsert(struct work *w);
/* Finds or makes the contact, and writes all of the action into it. */
enum outcome contact_write(struct work *w);
/* Whether a property of a contact is held as it was sent; held may be NULL. */
bool property_same(const char *name, const char *sent, const char *held);
/* The contact with this e-mail, else with this phone (either may be NULL), as a search shows it: *id NULL
 * where there is none. */
enum outcome contact_search(struct work *w, const char *email, const char *phone, const char **id);
/* Takes the contact's lock, since two patients may share a contact, and its lifetime value is read, added to
   and written; what is known of it from before is forgotten. */
void contact_lock(struct work *w);
/* Reads the contact, unless it is known. */
enum outcome contact_read(struct work *w);
/* Writes the fields of the event that say lead or patient, and nothing else. */
enum outcome contact_standing(struct work *w);

/* history.c */
/* Finds out whether a backfilled event is older than what was written into the contact last. */
void history_look(struct work *w);
/* contact.upsert of a backfilled event: what is newer stays. */
enum outcome history_upsert(struct work *w);

/* standing.c */
/* Finds out whether the contact is a lead or a patient, into w->standing: the ledger knows, or the CRM is
 * asked. */
enum outcome standing(struct work *w);
/* The contact is a patient from now on, and for ever: OUT_DONE, or OUT_FAILED where that cannot be kept. */
enum outcome is_patient(struct work *w);
/* The contact's opportunities, into w->opportunities. */
enum outcome opportunities_search(struct work *w);
const char *opportunities_path(struct work *w);
/* Whether an object has this text at key. */
bool has_text(struct work *w, struct str object, const char *key, const char *text);

/* ltv.c, attach.c, opportunity.c: one function for each action */
enum outcome ltv_add(struct work *w);
/* The lifetime value that the contact holds, into w->value. */
enum outcome ltv_read(struct work *w);
enum outcome note_add(struct work *w);
enum outcome tag_add(struct work *w);
enum outcome tag_remove(struct work *w);
enum outcome workflow_add(struct work *w);
/* The name of an effect of this event: appointment/88123/1/note.add. once: for the subject, whatever its
 * state. */
const char *effect_name(struct work *w, const char *what, bool once);
/* Warns that it cannot be known whether the contact was enrolled. */
void warn_undecided(struct work *w);
enum outcome opportunity_move(struct work *w);
enum outcome opportunity_value(struct work *w);

/* audit.c: compares what the actions of an event should have brought about with what the CRM has, into
 * w->differences. */
enum outcome audit(struct work *w, struct str actions);

/* mirror.c: what an audit has read of the CRM. */
enum part { PART_CONTACT, PART_NOTES, PART_OPPORTUNITIES, PARTS };

/* contacts: how many are remembered at once. */
struct mirror *mirror_open(unsigned contacts);
void mirror_close(struct mirror *m);
/* The CRM's answer about the event's contact; OUT_IGNORED: it does not have it. Asked once for events that
 * stand together, and again where the ledger knows of a change since. */
enum outcome mirror_read(struct work *w, enum part part, struct str *body);

#endif
