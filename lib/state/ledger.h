/*
 * The ledger: what pnow knows it has done in the CRM, so that once is once. Ids, states, amounts and times
 * only; no names. location is the sub-account's id. All ids are text. Every call is one transaction of the
 * state file.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "state/state.h"

/* --- Contacts: which one is a patient's. --- */

struct ledger_contact {
	const char *id; /* the arena's; NULL: not known */
	bool patient;   /* no lead any more: a paid bill, such a checkout, or a won opportunity was seen */
	int64_t asked;  /* when its opportunities last showed a lead, milliseconds since 1970; 0: never */
	bool failed;    /* the state file cannot tell any of this */
};

struct ledger_contact ledger_contact(
	struct state *s, struct arena *a, const char *location, const char *patient);
/* What the ledger knows of a patient's contact, in one look. */
struct ledger_known {
	bool contact; /* which one it is */
	bool named;   /* an event of the patient or of an appointment wrote it */
	bool billed;  /* a bill did */
};
struct ledger_known ledger_known(struct state *s, const char *location, const char *patient);
/* False where it cannot be kept. *other is the id of another patient who has this contact, or NULL. */
bool ledger_contact_set(struct state *s, struct arena *a, const char *location, const char *patient,
	const char *contact, const char **other);
/* The CRM does not have the contact any more. Whether its patients were leads is remembered. */
void ledger_contact_forget(struct state *s, const char *location, const char *contact);
bool ledger_contact_is_patient(struct state *s, const char *location, const char *contact);
/* Its opportunities, just asked for, show a lead. What cannot be kept is asked again. */
void ledger_contact_is_lead(struct state *s, const char *location, const char *contact);

/* The channels (the caller's bits) for which pnow has set a contact's do-not-disturb; 0: none. *done: the CRM
   has it; else it was begun, and nobody knows. False where the state file cannot tell. */
bool ledger_dnd(struct state *s, const char *location, const char *contact, int64_t *channels, bool *done);
/* 0: it was taken back. False where it cannot be kept. */
bool ledger_dnd_set(struct state *s, const char *location, const char *contact, int64_t channels, bool done);

/* The patient whose contact this is, the arena's; NULL where none is known, or several are. */
const char *ledger_patient(struct state *s, struct arena *a, const char *location, const char *contact);

/* --- Merged patients: whom PatientNow keeps under another id now. --- */

/* The id that a patient has now, the arena's; the one that is given where it was not merged. */
const char *ledger_survivor(struct state *s, struct arena *a, const char *patient);
/* The patient, who has this id still, is one with another from now on. False where it cannot be kept. */
bool ledger_merge(struct state *s, struct arena *a, const char *patient, const char *with);
/* The next one (behind this; "" begins) who was merged into the survivor, and whom the location still has
   apart (ledger_join); the arena's, or NULL. */
const char *ledger_apart(
	struct state *s, struct arena *a, const char *location, const char *survivor, const char *patient);
/* What the ledger has of the patient in the location is the survivor's, whose contact stays where there is
   one; the patient's is left to staff then. False where it cannot be kept. */
bool ledger_join(
	struct state *s, struct arena *a, const char *location, const char *patient, const char *survivor);
/* Whether something that was done for the subject is in a contact that was left. */
bool ledger_is_left(struct state *s, const char *location, const char *subject);
/* The tags that pnow has given to a contact. */
struct state_rows ledger_tags(struct state *s, const char *location, const char *contact);
/* All ids of whom has this one. */
struct state_rows ledger_ids(struct state *s, const char *patient);

/* --- Creations: the patient that PatientNow made of a contact. Written down before it is asked to. --- */

struct ledger_creation {
	const char *event;   /* that asked for it; NULL: nothing was begun */
	int64_t begun;       /* milliseconds since 1970 */
	const char *patient; /* NULL: nobody knows whether it was made */
};

/* False where the state file cannot tell. Texts are the arena's. */
bool ledger_creation(struct state *s, struct arena *a, const char *location, const char *contact,
	struct ledger_creation *creation);
/* Each is false where it cannot be kept. */
bool ledger_creation_begin(struct state *s, const char *location, const char *contact, const char *event);
bool ledger_creation_end(
	struct state *s, const char *location, const char *contact, const char *event, const char *patient);
/* It certainly did not happen. */
bool ledger_creation_undone(struct state *s, const char *location, const char *contact);
/* The patient is not in PatientNow any more: neither made of this contact, nor with one. */
bool ledger_patient_forget(struct state *s, const char *location, const char *contact, const char *patient);

/* --- Opportunities: the one of a contact in a pipeline. --- */

const char *ledger_opportunity(
	struct state *s, struct arena *a, const char *location, const char *contact, const char *pipeline);
bool ledger_opportunity_set(struct state *s, const char *location, const char *contact, const char *pipeline,
	const char *opportunity);
void ledger_opportunity_forget(struct state *s, const char *location, const char *opportunity);

/* --- Subjects: what events are about, such as appointment/88123, and the state last applied. --- */

enum ledger_news {
	LEDGER_NEWS,   /* to be applied, or to be finished: *seq numbers the state, effects are kept under it */
	LEDGER_KNOWN,  /* applied before */
	LEDGER_OLDER,  /* something newer was applied */
	LEDGER_FAILED, /* the state file cannot tell */
};

struct ledger_subject {
	const char *location;
	const char *subject;
	const char *state; /* NULL: every event is news, unless it is older or was applied itself */
	const char *event; /* its id */
	int64_t moment;    /* when it occurred, milliseconds since 1970 */
	bool dated;        /* the sender said when: together with the time, the id names one event */
	bool yields;       /* what another event has begun with the same state stays that one's to finish */
	bool again;        /* what it wrote was written over before this event: the same state is news */
	int64_t seq;       /* set by ledger_begin, */
	bool others;       /* and whether another event has begun it, */
	bool newer;        /* and by ledger_look, too, whether it is dated, and newer than all that is known */
};

/* The state that was last applied to a subject, whole; the arena's. NULL: none, or one that is not finished.
 */
const char *ledger_state(struct state *s, struct arena *a, const char *location, const char *subject);
/* Whether the event has something new to say about its subject; notes that it is being applied. */
enum ledger_news ledger_begin(struct state *s, struct ledger_subject *subject);
/* What ledger_begin would find, without noting anything; sets seq where it is LEDGER_KNOWN. */
enum ledger_news ledger_look(struct state *s, struct ledger_subject *subject);
/* When the newest event about a subject occurred; 0: nobody knows, or there was none. */
int64_t ledger_moment(struct state *s, const char *location, const char *subject);
/* Whether this very event was applied in the location, or found that all had been. */
bool ledger_applied(struct state *s, const char *location, const char *event);

/* What an event has come to. */
struct ledger_end {
	bool applied;              /* whole */
	const char *contact;       /* NULL: none */
	const char *const *change; /* what of the contact it changed: appointment, opportunity.move/Surgical */
	size_t changes;
};

bool ledger_finish(struct state *s, const struct ledger_subject *subject, const struct ledger_end *end);

/* Who changed something of a contact last. */
struct ledger_latest {
	const char *subject; /* the arena's; NULL: nobody */
	int64_t seq;         /* of its states */
	int64_t at;          /* milliseconds since 1970 */
	int64_t moment;      /* when what brought its state occurred, milliseconds since 1970 */
};

struct ledger_latest ledger_latest(
	struct state *s, struct arena *a, const char *location, const char *contact, const char *what);
/* When anything of the contact was changed last; 0: never. */
int64_t ledger_changed(struct state *s, const char *location, const char *contact);

/* --- Effects: what must not happen twice. --- */

enum ledger_effect {
	EFFECT_NEW,   /* it was not begun */
	EFFECT_BEGUN, /* begun before, or in a gap, and nobody knows whether it happened */
	EFFECT_DONE,
	EFFECT_UNDECIDED, /* taken as done, since nobody can tell */
	EFFECT_FAILED     /* the state file cannot tell: do nothing */
};

/* Since when what was done for an event that occurred then (both milliseconds since 1970) may be unknown to
   the ledger: the state was loaded from a dump (dump.h) when work had gone on. 0: it is known. */
int64_t ledger_gap(struct state *s, int64_t occurred);

/* What is known of an effect. Its name is such as appointment/88123/1/note.add. gap: since when it may have
   been done without the ledger (ledger_gap), in which it is taken as begun from now on; 0: not. contact NULL:
   it has none. since: when it was begun, or may have been; milliseconds since 1970; 0: it was not. */
enum ledger_effect ledger_effect(struct state *s, const char *location, const char *effect,
	const char *contact, int64_t gap, int64_t *since);
/* The effect is about to be tried, which must be ended by ledger_done, ledger_undecided or ledger_undone. It
   was begun then, by somebody whose try is over, or 0: it was not; now it is, *since. EFFECT_NEW: it may be
   tried; EFFECT_BEGUN: somebody else has come to it meanwhile; EFFECT_FAILED. */
enum ledger_effect ledger_effect_begin(
	struct state *s, const char *location, const char *effect, const char *contact, int64_t *since);
/* made: the id of what it made in the CRM, or NULL. */
bool ledger_done(struct state *s, const char *location, const char *effect, const char *made);
/* Whether it happened cannot be found out: it is not tried again. */
bool ledger_undecided(struct state *s, const char *location, const char *effect);
/* How many effects for a subject are undecided; -1: the state file cannot tell. */
int64_t ledger_undecided_of(struct state *s, const char *location, const char *subject);
/* Whether an effect has happened. *made is the id of what it made (the arena's), NULL where it is not known.
 */
bool ledger_happened(
	struct state *s, struct arena *a, const char *location, const char *effect, const char **made);
/* The effect for a subject whose name goes on so (calendar.set) and ends in a place or time, the arena's;
 *effect NULL: there is none. False where the state file cannot tell. */
bool ledger_effect_of(struct state *s, struct arena *a, const char *location, const char *subject,
	const char *what, const char **effect);
/* Whether an effect is known to have made what has this id. */
bool ledger_made(struct state *s, const char *location, const char *made);
/* It certainly did not happen. */
bool ledger_undone(struct state *s, const char *location, const char *effect);

/* --- Bills: what of each is in the lifetime value. Minor units. --- */

struct ledger_bill {
	bool known;
	int64_t counted; /* in the lifetime value for certain */
	bool pending;    /* an addition was begun: */
	int64_t before;  /* the lifetime value before it, */
	int64_t after;   /* and after it, */
	int64_t since;   /* and when, while its request may be under way; milliseconds since 1970, else 0 */
};

bool ledger_bill(struct state *s, const char *location, const char *bill, struct ledger_bill *b);
bool ledger_bill_begin(struct state *s, const char *location, const char *bill, const char *contact,
	int64_t total, int64_t before, int64_t after, int64_t *since);
/* The request of the addition that was begun then is under way no more; nobody knows what came of it. */
void ledger_bill_rest(struct state *s, const char *location, const char *bill, int64_t since);
/* The next bill (behind this one; "" begins) whose addition to the contact's value was begun and not ended;
 * *next NULL: none. False where the state file cannot tell. */
bool ledger_bill_pending(struct state *s, struct arena *a, const char *location, const char *contact,
	const char *bill, const char **next);
/* The addition that was begun is in (counted becomes its total), or is certainly not. */
bool ledger_bill_end(struct state *s, const char *location, const char *bill, bool counted);
/* The lifetime value that was written last; false where none was. */
bool ledger_lifetime(struct state *s, const char *location, const char *contact, int64_t *value);

/* --- For people: what the ledger knows. --- */

struct ledger_entry {
	int64_t at;       /* 0: it has no time, and is so now */
	const char *what; /* applied (the last state of a subject), effect, bill, contact, opportunity, merged */
	const char *status; /* done, begun; of an effect, undecided too; of a contact: lead, patient, left */
	const char *location, *contact, *patient;
	const char *event; /* that brought the state */
	const char
		*subject;       /* appointment/88123; of an effect, its whole name; of an opportunity, its pipeline */
	const char *detail; /* the state; of a bill, minor units that count; of an opportunity, its id; into whom
						   the patient was merged */
};

/* Patients whose contact this is, and contacts that this patient has or was made of, or had before it was
   merged, in any location. */
struct state_rows ledger_patients(struct state *s, const char *contact);
struct state_rows ledger_contacts(struct state *s, const char *patient);

/* Forgets the digest of the patient's own facts as they were last written: the next event of the patient is
   news, unless it is older. False where the state file cannot be written. */
bool ledger_digest_forget(struct state *s, const char *patient);

/* What is known of these subjects, contacts and patients (JSON lists), in no order. */
struct state_rows ledger_history(
	struct state *s, const char *subjects, const char *contacts, const char *patients);
/* The next of it; its texts are the arena's. */
bool ledger_next_entry(struct state_rows *rows, struct arena *a, struct ledger_entry *entry);

#endif
