/*
 * The parts of crm-push, from top to bottom: run.c has the loop, push.c one event; check.c, subject.c and
 * person.c say whether it is one and news, location.c where it goes; merge.c makes one of patients that were
 * merged; action.c has its actions carried out, audit.c compares what they did; below are the files for each
 * kind of action, then request.c, together.c, name.c and result.c. A file calls only what is below it.
 */
#ifndef PUSH_H
#define PUSH_H

#include "run.h"
#include "conf/conf.h"
#include "net/crm.h"
#include "net/names.h"
#include "state/ledger.h"
#include "state/locks.h"
#include "stream/calls.h"
#include "stream/crew.h"
#include "stream/record.h"
#include "value/event.h"
#include "value/field.h"

#include <pthread.h>

/* Actions of all events that are carried out by threads of their own; with more nothing is gained by another.
 */
enum { PUSH_STRANDS = 64 };

struct push {
	const struct conf *conf;
	struct crm *crm;
	struct state *state;        /* of a dry run: a rehearsal's; NULL where the configuration names none */
	struct names *names;        /* NULL in a dry run */
	struct locks *locks;        /* NULL in a dry run */
	struct push_mirror *mirror; /* NULL: this is no audit */
	bool values;                /* an audit tells the values that differ, */
	bool keeps;                 /* leaves alone what somebody has changed, */
	enum mending mending;       /* and puts right what it finds */
	bool dry;
	bool in_turn;      /* an event's requests are made one after another */
	long seconds;      /* that one of them may take */
	struct crew *crew; /* of those that are not (action.c) */
	struct calls calls;
};

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
	OUT_FAILED,    /* error, code and retry of the result are set */
};

/* An event as its record tells it. push.c reads it, nobody changes it. */
struct push_event {
	struct record *r;
	const char *id;
	enum event_type type;
	enum event_kind kind; /* where the type is one that we know */
	const char *patient;
	struct str actions;
	bool backfill;   /* history: gives way to what is newer */
	int64_t session; /* in which its locks are (locks.h) */
};

/* The event's contact in a sub-account. contact.c's, but for what standing.c (standing, opportunities), ltv.c
 * (the value) and subject.c (person_is_known) find out. */
struct push_contact {
	const char *id;       /* NULL: not known yet */
	struct str now;       /* the CRM's last word on it, while we hold its lock; p NULL: not known */
	bool person_is_known; /* who the patient is was brought in before, and stays as it is */
	bool locked;
	bool makes;          /* no contact was found: one that is made gets what is "new" in the action */
	bool links;          /* it becomes the patient's: it gets the action's "link" */
	bool is_new;         /* made by this event: it can have no opportunities */
	bool fields_are_old; /* a field was dropped, and its id may be an old one: look them up and write again */
	enum standing standing;
	struct str opportunities; /* as searched; p NULL: not searched */
	bool value_known;
	int64_t value;     /* the lifetime value, minor units */
	bool keeps_status; /* an opportunity that gets it keeps its status: -R -k leaves that as it is */
};

/* What an event comes to in a sub-account, or in all. result.c's; request.c and name.c count calls in it. */
struct push_result {
	struct buf actions;   /* what became of each */
	struct buf locations; /* what became of the event in each, where it goes to several */
	struct buf warnings;
	struct buf shown; /* in a dry run: the requests; in an audit: a line for each location that differs */
	const char *change[8]; /* what of the contact was changed: for the ledger */
	size_t changes;
	bool incomplete;    /* something was left out that a later run could do */
	bool differs;       /* an audit has found something, and has not put it right */
	const char *reason; /* of what was ignored, unchanged or skipped */
	const char *error, *code;
	bool retry;
	int64_t retry_after; /* seconds, where it was no try at all; else 0 */
	unsigned calls;
	double ms;
	long http;       /* status of the action's last request; 0: none */
	struct buf told; /* members that the action's own result has beside: "pipeline":…,"stage":… */
};

/* What an event may have done that the ledger does not know (ledger_gap). attach.c's. */
struct push_gap {
	bool looked;
	int64_t since;   /* milliseconds since 1970; 0: nothing */
	int64_t effects; /* so of its notes and enrolments */
	bool noted;      /* its note is there: it was carried out */
};

/* An event at work in a sub-account. Everything it points to is the record's or its arena's. */
struct push_work {
	struct push *push;
	struct arena *a;
	const struct push_event *event;
	const struct crm_location *location;
	bool is_one_of;                /* the sub-accounts that the event goes to */
	struct ledger_subject subject; /* subject.c's */
	bool by_other_name;            /* all was: patient.created by patient.updated, or the other way round */
	struct str action;             /* the one being carried out or compared */
	struct str upsert;             /* the one that is about the contact itself; p NULL: none yet */
	struct push_contact contact;
	struct push_gap gap;
	struct push_result result;
	struct push_together *together; /* NULL: what it writes down, it does alone */
};

/* Whether an object has this text at key. */
static inline bool push_has_text(struct arena *a, struct str object, const char *key, const char *text)
{
	const char *value = jtext_string(a, jtext_get(object, key));
	return value && strcmp(value, text) == 0;
}

/* Who changed something of the contact last, as the ledger has it; nobody where there is none. */
static inline struct ledger_latest push_latest(const struct push_work *w, const char *what)
{
	if (!w->push->state)
		return (struct ledger_latest){0};
	return ledger_latest(w->push->state, w->a, w->location->id, w->contact.id, what);
}

/* Whether the event, as the ledger has its subject now, was the last to make this change. */
static inline bool push_is_own(const struct push_work *w, struct ledger_latest l)
{
	return l.subject && strcmp(l.subject, w->subject.subject) == 0 && l.seq == w->subject.seq;
}

/* Whether something that occurred later has changed it: -R carries out what never came, and what is newer
 * stays. */
static inline bool push_is_overtaken(const struct push_work *w, const char *what)
{
	return w->push->mending == MEND_ALL && w->contact.id && push_latest(w, what).moment > w->subject.moment;
}

/* Before the patient's id: so a dry run calls the contact that would be made. */
#define PUSH_DRY_CONTACT "{contact}"

/* The contact's id as people see it; NULL: it has none. */
static inline const char *push_contact_shown(const struct push_work *w)
{
	static const char made[] = PUSH_DRY_CONTACT;
	const char *id = w->contact.id;
	return w->push->dry && id && strncmp(id, made, sizeof made - 1) == 0 ? made : id;
}

/* What the buffer holds, from now on the arena's. */
static inline struct str push_text(struct arena *a, struct buf *b)
{
	struct str text = {arena_copy(a, buf_str(b)), b->n};
	buf_free(b);
	return text;
}

/* push.c: a record into a result. A record_fn. */
void push_record(struct record *r, void *context);

/* check.c: whether the event may be carried out at all: OUT_DONE, or OUT_FAILED. */
enum outcome push_check(struct push_work *w);

/* merge.c */
/* The id that the patient has now, with its lock taken; who waits for that may find it merged meanwhile. */
const char *push_merge_lock(struct push_work *w, const char *patient);
/* Has the ledger know whom the event's patient was merged from; nothing is locked. OUT_DONE, or OUT_FAILED.
 */
enum outcome push_merge_learn(struct push_work *w);
/* Makes one contact of those that were the patient's under other ids; the patient is locked. OUT_UNCHANGED:
 * there is none of another id. */
enum outcome push_merge_contacts(struct push_work *w);

/* location.c: has the event settled in each sub-account that it goes to, one after another, and puts together
 * what it came to there. settle() gets a work with its location, and frees what it locks. */
enum outcome push_location_each(struct push_work *w, enum outcome (*settle)(struct push_work *));

/* apply.c: carries the event out, unless the ledger knows that it was. */
enum outcome push_apply(struct push_work *w);

/* subject.c */
/* Finds out what the event is about and the state that it brings, into w->subject: by these the ledger tells
 * what is new. */
void push_subject_find(struct push_work *w);
/* When the event occurred at the earliest, milliseconds since 1970; *told: it says so. */
int64_t push_subject_earliest(const struct push_work *w, bool *told);
/* Whether what the event's subject has written into the contact was written over since, into
 * w->subject.again. */
void push_subject_compare(struct push_work *w);

/* person.c */
/* The state that an event about a patient brings, for the ledger; that of before where it says nothing new.
 * Sets person_is_known and by_other_name. */
const char *push_person_state(struct push_work *w);
/* Whether a property or a custom field is one that each event about a patient writes. */
bool push_person_has(const struct push_work *w, const char *name);
/* Whether the contact's action tells otherwise who the patient is than the ledger knows. */
bool push_person_differs(struct push_work *w);

/* action.c */
/* Whether an action with this op can be carried out. */
bool push_action_known(const char *op);
/* Carries out the event's actions, each with its result; a failure ends it, and so does a contact that cannot
 * be had. */
enum outcome push_action_all(struct push_work *w);
/* Of an event whose state was applied before: makes the entry in a calendar that the practice has had only
   since, sets its times again where the event is newer (the end is no part of the state), and moves the
   opportunity whose category the sheet has had only since. OUT_UNCHANGED: there is nothing to do. Comes
   before ledger_begin, which takes the event for known from then on. */
enum outcome push_action_catch_up(struct push_work *w);
/* What the ledger calls it that the event's appointment had no category. */
const char *push_action_unsorted(struct push_work *w);

/* history.c: contact.upsert of a backfilled event; what is newer stays. */
enum outcome push_history_upsert(struct push_work *w);

/* contact.c */
/* Finds or makes the contact, and writes all of its action into it. */
enum outcome push_contact_upsert(struct push_work *w);
/* Writes the fields of its action that say lead or patient, and nothing else. */
enum outcome push_contact_standing(struct push_work *w);
/* The contact that the ledger has for the patient, or the one that is tagged. OUT_DONE, or OUT_FAILED where
 * the ledger cannot tell. */
enum outcome push_contact_find(struct push_work *w);
/* Takes the contact's lock, since two patients may share a contact, and its lifetime value is read, added to
   and written; what is known of it from before is forgotten. */
void push_contact_lock(struct push_work *w);
void push_contact_unlock(struct push_work *w);
/* Reads the contact, unless it is known. */
enum outcome push_contact_read(struct push_work *w);
/* The contact with this e-mail, else with this phone (either may be NULL), as a search shows it: *id NULL
 * where there is none. */
enum outcome push_contact_search(struct push_work *w, const char *email, const char *phone, const char **id);
/* Takes over what an answer to what was sent says about the contact, and warns of what it does not hold. */
void push_contact_answered(struct push_work *w, struct str sent, struct str contact);
/* Which of the e-mail and the phone that were sent a 422 is about, by its words: a list, with NULL behind it,
 * of what an update is to leave out, gender beside. NULL: it is about neither. */
const char *const *push_contact_unfit(struct push_work *w, const struct crm_answer *answer, struct str sent);
/* What of e-mail and phone is in such a list, for people. */
const char *push_contact_words(const char *const *without);
/* Whether a property is in such a list; without NULL there is none. */
bool push_contact_left_out(const char *const *without, const char *name);
/* The patient's name as the contact's action tells it; NULL where it does not. */
const char *push_contact_name(struct push_work *w);
/* Whether a property of a contact is held as it was sent; held may be NULL. Of gender nobody can say: it is
   taken only when a contact is made. */
bool push_contact_same(const char *name, const char *sent, const char *held);

/* field.c */
/* Writes {"id":…,"field_value":…} for a field of the action ("Next Visit Date": {"time":…}) into a list of
   them. A field that the CRM lacks is left out with a warning, lead/patient where standing is unknown
   without. OUT_FAILED or OUT_DONE. */
enum outcome push_field_write(struct push_work *w, struct buf *list, const char *name, struct str value);
/* The text that goes into a field of this dataType; NULL where there is none (a lead's or patient's word, and
 * nobody knows which). */
const char *push_field_text(struct push_work *w, struct str value, const char *data_type);
/* Whether what the CRM holds is what was sent: that text, that amount, that day. */
bool push_field_same(const char *sent, const char *held);
/* Warns of each custom field of list that the contact does not hold as it was sent; or, true, finds that the
 * ids of the fields may be old ones. */
bool push_field_compare(struct push_work *w, struct str list, struct str contact);
/* The value of a custom field in a contact, as text; NULL where it has none. */
const char *push_field_in(struct push_work *w, struct str contact, const char *id);

/* standing.c */
/* Finds out whether the contact is a lead or a patient: the ledger knows, or the CRM is asked. */
enum outcome push_standing_find(struct push_work *w);
/* Whether the contact is known to be a patient's, without asking the CRM. */
bool push_standing_known(struct push_work *w);
/* The contact is a patient from now on, and for ever: OUT_DONE, or OUT_FAILED where that cannot be kept. */
enum outcome push_standing_is_patient(struct push_work *w);
/* The CRM does not have this opportunity any more. */
void push_standing_forget(struct push_work *w, const char *opportunity);
/* Whether one of these opportunities is won. */
bool push_standing_won(struct push_work *w, struct str opportunities);
/* Searches the contact's opportunities, unless that was done. */
enum outcome push_standing_search(struct push_work *w);
const char *push_standing_search_path(struct push_work *w);

/* dnd.c: do-not-disturb for e-mail and SMS, set where it is not, and taken back where this has set it. */
enum outcome push_dnd_set(struct push_work *w);

/* ltv.c, attach.c, opportunity.c: one function for each action */
enum outcome push_ltv_add(struct push_work *w);
/* Takes the contact's whole value away as an addition that has this name, and gives it to another contact as
 * one; each happens once. OUT_UNCHANGED: it had happened, or there is none. */
enum outcome push_ltv_take(struct push_work *w, const char *name, int64_t *taken);
enum outcome push_ltv_give(struct push_work *w, const char *name, int64_t amount);
/* The lifetime value that the contact holds, into w->contact.value. */
enum outcome push_ltv_read(struct push_work *w);
enum outcome push_attach_note(struct push_work *w);
/* Finds out what the event may have done in a gap of the ledger, into w->gap; by the contact's notes, where
 * there is one. */
enum outcome push_attach_gap(struct push_work *w);
enum outcome push_attach_tag(struct push_work *w);
enum outcome push_attach_untag(struct push_work *w);
enum outcome push_attach_workflow(struct push_work *w);
/* Finds out what became of an effect of which the ledger does not know: OUT_DONE: it happened, *made is what
   it made, where that has an id; OUT_IGNORED: it did not; OUT_SKIPPED: that cannot be found out. */
typedef enum outcome push_look_fn(struct push_work *w, int64_t since, const char **made);
/* A POST whose effect must happen once. begun: how to find out whether it has; key: the answer's object whose
   id is kept, NULL: the answer's own. */
enum outcome push_attach_once(struct push_work *w, const char *effect, const char *path, struct str body,
	const char *key, push_look_fn *begun);
/* The name of an effect of this event: appointment/88123/1/note.add. once: for the subject, whatever its
 * state. */
const char *push_attach_effect(struct push_work *w, const char *what, bool once);
/* Warns that it cannot be known whether the contact was enrolled in the workflow of this name (NULL: in which
   is not known here). */
void push_attach_undecided(struct push_work *w, const char *workflow);
enum outcome push_opportunity_move(struct push_work *w);
enum outcome push_opportunity_value(struct push_work *w);

/* calendar.c */
enum outcome push_calendar_set(struct push_work *w);
/* Whether the ledger knows of no entry for the action's appointment, and one is to be made. */
bool push_calendar_lacks(struct push_work *w);
/* The action's entry as the CRM has it, where the ledger knows of one. p NULL: the CRM has none in its place;
   OUT_IGNORED: there should be none. */
enum outcome push_calendar_read(struct push_work *w, struct str *entry);

/* audit.c: compares what the actions of an event should have brought about with what the CRM has, shows what
 * differs, and has it put right where that was asked for. */
enum outcome push_audit(struct push_work *w);

/* mend.c: what an event has brought about and what is not so any more. Nothing of it happens twice. */
struct push_mend {
	struct buf set;      /* properties of the contact, members of an object */
	struct buf fields;   /* {"id":…,"field_value":…} of its custom fields, one after the other */
	struct buf tags;     /* texts */
	struct str move;     /* an action; p NULL: there is none */
	struct str calendar; /* an action, too */
	struct buf values;   /* texts: pipelines, of the opportunities whose value is to be set */
};
/* Writes it; OUT_SKIPPED where the CRM did not take all of it. */
enum outcome push_mend(struct push_work *w, const struct push_mend *m);

/* mirror.c: what an audit has read of the CRM. */
enum part { PART_CONTACT, PART_NOTES, PART_OPPORTUNITIES, PARTS };

/* contacts: how many are remembered at once. */
struct push_mirror *push_mirror_open(unsigned contacts);
void push_mirror_close(struct push_mirror *m);
/* The CRM's answer about the event's contact; OUT_IGNORED: it does not have it. Asked once for events that
 * stand together, and again where the ledger knows of a change since. */
enum outcome push_mirror_read(struct push_work *w, enum part part, struct str *body);
/* The event's contact, where it has one, was changed: it is asked for again. */
void push_mirror_forget(struct push_work *w);

/* request.c */
/* Makes a request for this event; in a dry run the answer is 200 with {}, and what would change something is
   shown. */
struct crm_answer push_request(
	struct push_work *w, const char *method, const char *path, struct str body, bool repeatable);
/* Something that must not happen twice: how it is written into the ledger. */
struct push_begin {
	/* That it begins, when the request's turn has come. EFFECT_NEW: it may be made. */
	enum ledger_effect (*begin)(void *context);
	void (*undone)(void *context); /* it certainly did not happen; NULL: that is left as it is */
	void *context;
};
/* push_request, for that. */
struct crm_answer push_request_begun(struct push_work *w, const char *method, const char *path,
	struct str body, bool repeatable, const struct push_begin *begin);
/* A POST that has an effect of the ledger, which was begun then, by a try that is over; 0: it was not. Sets
 * since to when it is begun now. */
struct crm_answer push_request_once(
	struct push_work *w, const char *path, struct str body, const char *effect, int64_t *since);
/* PUT /contacts/ID. */
struct crm_answer push_request_update(struct push_work *w, struct str body);
/* /contacts/ID, or with something behind it. */
const char *push_request_path(struct push_work *w, const char *behind);
/* Whether the last request was refused in a way that an id in it explains, which has become wrong. */
bool push_request_refused(const struct push_work *w);
/* Whether a request that failed has certainly done nothing: it was not sent, or it was refused. */
bool push_request_undone(const struct crm_answer *answer);
/* Something was begun then, and nobody knows what became of it. OUT_DONE: it can be found out; OUT_FAILED:
 * not yet. */
enum outcome push_request_await(struct push_work *w, int64_t since);

/* together.c */
/* Something that must not happen twice, and begins; as ledger_effect_begin has it. */
struct push_effect {
	const char *location, *name, *contact;
	int64_t *since;
	enum ledger_effect is;
};
/* Those of an event's actions that are carried out beside each other, each by a thread. */
struct push_together {
	struct state *state;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t expected;           /* threads that will begin something, or will leave */
	struct push_effect *at[2]; /* a note, and an enrolment */
	size_t n;
	bool over; /* they have begun */
};
void push_together_open(struct push_together *t, struct state *state);
void push_together_close(struct push_together *t);
/* One more thread is expected; */
void push_together_expect(struct push_together *t);
/* it will begin nothing, or */
void push_together_leave(struct push_together *t);
/* begins something, with the others where they come soon. */
enum ledger_effect push_together_begin(struct push_together *t, struct push_effect *e);

/* name.c */
/* The row of a property, or of a custom field by what this practice's CRM calls it; NULL: it has none. */
const struct field *push_name_row(const struct push_work *w, const char *name);
/* The value that an action gives to a custom field: the patient's id may be another by now. */
struct str push_name_value(const struct push_work *w, const char *name, struct str value);
/* The id of a name, or NULL: *out is then OUT_SKIPPED, with a warning that says what the CRM lacks,
   or OUT_FAILED. more gets a field's dataType, where not NULL. In a dry run: {field:PNOW ID} and the like. */
const char *push_name_id(
	struct push_work *w, enum name_kind kind, const char *name, const char **more, enum outcome *out);

/* The id of a stage in a pipeline, and *pipeline_id; NULL where one of them has none. */
const char *push_name_stage(struct push_work *w, const char *pipeline, const char *stage,
	const char **pipeline_id, enum outcome *out);

/* result.c */
/* The event fails: OUT_FAILED. message is a constant or the arena's, and names no person. */
enum outcome push_result_fail(struct push_work *w, const char *code, bool retry, const char *message);
/* It fails since it is not what pnow-event(5) has. */
enum outcome push_result_malformed(struct push_work *w, const char *message);
/* It fails with what an answer says. */
enum outcome push_result_fail_with(struct push_work *w, const struct crm_answer *answer);
/* It fails since the state file cannot be "read", "written", "used". */
enum outcome push_result_fail_state(struct push_work *w, const char *used);
/* It comes to this for a reason, a constant or the arena's. Returns out. */
enum outcome push_result_reason(struct push_work *w, enum outcome out, const char *reason);
/* An appointment's type that categorize has found no category for; NULL: there is none. */
const char *push_result_uncategorized(struct push_work *w);
/* A warning of the result; names no person. */
void push_result_warn(struct push_work *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A warning of something that was left out, and that a later run could do: OUT_SKIPPED. */
enum outcome push_result_left_out(struct push_work *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The event has changed this of its contact: for the ledger. */
void push_result_changed(struct push_work *w, const char *what);
/* What became of the action with this op, which took ms milliseconds. */
void push_result_action(struct push_work *w, const char *op, enum outcome out, double ms);
/* The members that name an event: id, type, practice, patient, contact, sub-account. */
void push_result_head(const struct push_work *w, struct buf *out);
/* The event has come to out in one more sub-account (one), and to all in those before it: what it has come to
 * in all. Frees one's result. */
enum outcome push_result_add(struct push_work *w, struct push_work *one, enum outcome all, enum outcome out);
/* Takes over what one of its actions (one), which was carried out beside others, has come to. Frees one's
 * result. */
void push_result_join(struct push_work *w, struct push_work *one, enum outcome out);
/* The record becomes the result. */
void push_result_write(struct push_work *w, enum outcome out);
void push_result_free(struct push_result *result);

#endif
