/*
 * The ledger: what pnow knows it has done in the CRM, so that once is once. Ids, states, amounts and times
 * only; no names. location is the sub-account's id. All ids are text. Every call is one transaction of the
 * state file.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "state.h"

/* --- Contacts: which one is a patient's. --- */

struct ledger_contact {
	const char *id; /* the arena's; NULL: not known */
	bool patient;   /* no lead any more: a paid bill, such a checkout, or a won opportunity was seen */
};

struct ledger_contact ledger_contact(
	struct state *s, struct arena *a, const char *location, const char *patient);
/* False where it cannot be kept. *other is the id of another patient who has this contact, or NULL. */
bool ledger_contact_set(struct state *s, struct arena *a, const char *location, const char *patient,
	const char *contact, const char **other);
void ledger_contact_forget(struct state *s, const char *location, const char *contact);
bool ledger_contact_is_patient(struct state *s, const char *location, const char *contact);

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
	int64_t seq;       /* set by ledger_begin */
};

/* Whether the event has something new to say about its subject; notes that it is being applied. */
enum ledger_news ledger_begin(struct state *s, struct ledger_subject *subject);
/* It was applied whole. */
bool ledger_finish(struct state *s, const struct ledger_subject *subject);

/* --- Effects: what must not happen twice. --- */

enum ledger_effect {
	EFFECT_NEW,   /* it was not begun; it is now, and must be ended by ledger_done or ledger_undone */
	EFFECT_BEGUN, /* begun before, and nobody knows whether it happened */
	EFFECT_DONE,
	EFFECT_FAILED /* the state file cannot tell: do nothing */
};

/* effect: a name for it, such as appointment/88123/1/note.add. since: when it was begun,
   milliseconds since 1970. */
enum ledger_effect ledger_effect(
	struct state *s, const char *location, const char *effect, const char *contact, int64_t *since);
bool ledger_done(struct state *s, const char *location, const char *effect);
/* It certainly did not happen. */
bool ledger_undone(struct state *s, const char *location, const char *effect);

/* --- Bills: what of each is in the lifetime value. Minor units. --- */

struct ledger_bill {
	bool known;
	int64_t counted; /* in the lifetime value for certain */
	bool pending;    /* an addition was begun: */
	int64_t total;   /* the bill's total that it would make count, */
	int64_t before;  /* the lifetime value before it */
	int64_t after;   /* and after it */
};

bool ledger_bill(struct state *s, const char *location, const char *bill, struct ledger_bill *b);
bool ledger_bill_begin(struct state *s, const char *location, const char *bill, const char *contact,
	int64_t total, int64_t before, int64_t after);
/* The next bill (behind this one; "" begins) whose addition to the contact's value was begun and not ended;
 * *next NULL: none. False where the state file cannot tell. */
bool ledger_bill_pending(struct state *s, struct arena *a, const char *location, const char *contact,
	const char *bill, const char **next);
/* The addition that was begun is in (counted becomes its total), or is certainly not. */
bool ledger_bill_end(struct state *s, const char *location, const char *bill, bool counted);

#endif
