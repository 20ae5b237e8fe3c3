/* What becomes of a tagged contact, as the actions that tell it to the contact. */
#include "tagged.h"
#include "state/rehearsal.h"
#include "value/event.h"
#include "value/field.h"

#include <stdlib.h>

/* The note's text: what became of it, and what to do. */
static const char *note_of(const struct tagged *t, enum fate fate)
{
	const char *emr = t->push->profile->emr, *no = arena_printf(t->a, "%s patient not created", emr);
	const char *pnow_id = conf_name(&t->push->conf->names.fields, PATIENT_ID);
	size_t n = 0;
	const char *missing = fate == FATE_MISSING ? contact_missing(t, &n) : NULL;
	switch (fate) {
	case FATE_CREATED:
		return arena_printf(t->a, "%s patient created\nPatient ID: %s", emr, t->patient);
	case FATE_LINKED:
		return arena_printf(
			t->a, "Linked to the %s patient who is there already\nPatient ID: %s", emr, t->patient);
	case FATE_MISSING:
		return arena_printf(
			t->a, "%s\nMissing: %s\nFill %s in and set the tag again.", no, missing, n > 1 ? "them" : "it");
	case FATE_SEVERAL:
		return arena_printf(t->a,
			"%s\nSeveral patients there have this name and e-mail or phone: %s\nMerge them in %s and set the "
			"tag again, or write the right one's ID into %s.",
			no, t->candidates, emr, pnow_id);
	case FATE_REFUSED:
		return arena_printf(t->a,
			"%s\n%s does not take the contact's details as they are.\nCorrect them and set the tag again, or "
			"create the patient in %s.",
			no, emr, emr);
	default:
		return arena_printf(t->a,
			"%s patient perhaps created\n%s's answer was lost.\nLook for the patient in %s. If it is there, "
			"write its ID into %s; if not, set the tag again.",
			emr, emr, emr, pnow_id);
	}
}

/* Why no patient was made, for the event's result; NULL: there is one. */
static const char *skipped(const struct tagged *t, enum fate fate)
{
	switch (fate) {
	case FATE_MISSING:
		return arena_printf(t->a, "no patient was made: %s missing", contact_missing(t, NULL));
	case FATE_SEVERAL:
		return arena_printf(t->a, "no patient was made: several could be it: %s", t->candidates);
	case FATE_REFUSED:
		return "no patient was made: PatientNow does not take the contact's details as they are";
	case FATE_UNKNOWN:
		return "PatientNow's answer was lost: nobody knows whether a patient was made";
	default:
		return NULL;
	}
}

/* The actions for crm-push: PNOW ID, the note, and the tags removed last, so that until all is done the
   contact still asks. */
static struct str actions_of(const struct tagged *t, enum fate fate)
{
	struct buf out = {0};
	buf_putc(&out, '[');
	if (t->patient) {
		buf_puts(&out, "{\"op\":\"contact.upsert\",\"match\":{");
		buf_member(&out, "pnow_id", t->patient);
		buf_puts(&out, "},\"set\":{},\"fields\":{");
		buf_member(&out, conf_name(&t->push->conf->names.fields, "PNOW ID"), t->patient);
		buf_puts(&out, "}},");
	}
	buf_puts(&out, "{\"op\":\"note.add\"");
	buf_member(&out, "body", note_of(t, fate));
	buf_puts(&out, "},{\"op\":\"tag.remove\",\"tags\":");
	buf_add(&out, t->tags);
	buf_puts(&out, "}]");
	struct str actions = buf_take(&out, t->a);
	return actions;
}

static struct str patient_object(const struct tagged *t)
{
	struct buf out = {0};
	buf_putc(&out, '{');
	buf_member(&out, "id", t->patient);
	buf_putc(&out, '}');
	struct str object = buf_take(&out, t->a);
	return object;
}

static void show_request(
	const struct tagged *t, struct buf *out, const char *method, const char *path, struct str body)
{
	buf_putc(out, '{');
	buf_member(out, "id", t->event);
	buf_member(out, "method", method);
	buf_member(out, "path", arena_printf(t->a, "/%s", path));
	if (body.p) {
		buf_puts(out, ",\"body\":");
		buf_add(out, body);
	}
	buf_puts(out, "}\n");
}

/* With -n: what would be asked of a contact that has a patient, who is t->patient then; FATE_OPEN where the
   ledger knows of none. */
static enum fate show_known(struct tagged *t, struct buf *out)
{
	struct state *state = t->push->state;
	struct ledger_creation made;
	const struct str none = {0};
	if (!state || !rehearsal_contact(state, t->location, t->contact) ||
		!ledger_creation(state, t->a, t->location, t->contact, &made))
		return FATE_OPEN;
	t->patient = made.patient ? made.patient : ledger_patient(state, t->a, t->location, t->contact);
	if (!t->patient)
		return FATE_OPEN;
	if (made.patient && strcmp(made.event, t->event) == 0)
		return FATE_CREATED;
	show_request(t, out, "GET", arena_printf(t->a, "contacts/%s", http_encode(t->a, t->contact)), none);
	show_request(t, out, "GET", patientnow_path(t->push->profile, t->a, KIND_PATIENT, t->patient), none);
	return FATE_LINKED;
}

/* With -n: what would be asked of a contact that nobody knows and that can be created. */
static enum fate show_new(struct tagged *t, struct buf *out)
{
	const struct profile *profile = t->push->profile;
	struct str facts = contact_filled(t), none = {0};
	if (contact_missing(t, NULL))
		show_request(t, out, "GET", arena_printf(t->a, "contacts/%s", http_encode(t->a, t->contact)), none);
	for (size_t i = 0; i < 2; i++) {
		struct patientnow_list list;
		if (patientnow_search(profile, t->a, facts, patient_sought_by[i], &list))
			show_request(t, out, "GET", patientnow_list_path(profile, t->a, &list, 1), none);
	}
	show_request(t, out, "POST", profile->kinds[KIND_PATIENT].create, patientnow_new(profile, t->a, facts));
	t->patient = "{patient}";
	return FATE_CREATED;
}

/* With -n: the requests, then the event with its actions, for crm-push -n. */
static void show(struct tagged *t)
{
	struct buf out = {0};
	enum fate fate = show_known(t, &out);
	if (fate == FATE_OPEN)
		fate = show_new(t, &out);
	buf_putc(&out, '{');
	buf_member(&out, "id", t->event);
	buf_member(&out, "type", event_type_name(EVENT_CONTACT_TAGGED));
	buf_member(&out, "practice", t->push->conf->practice);
	buf_puts(&out, ",\"contact\":");
	buf_add(&out, contact_shown(t));
	buf_puts(&out, ",\"patient\":");
	buf_add(&out, patient_object(t));
	buf_puts(&out, ",\"actions\":");
	buf_add(&out, actions_of(t, fate));
	buf_putc(&out, '}');
	record_replace(t->r, buf_take(&out, t->a));
}

/* Everything that is only needed where a contact is tagged. */
static void open_all(struct push *p)
{
	if (p->state)
		return;
	p->state = state_open(p->conf->state);
	p->locks = locks_open(p->conf->state);
	p->crm = crm_open(p->conf, p->state, p->options);
	p->api = patientnow_open(p->conf, p->profile, p->state, p->options);
}

/* Puts down in the record what was taken of the APIs, beside what the filters before it took. */
static void count(struct tagged *t)
{
	const struct {
		const char *key;
		unsigned calls;
	} counts[] = {{"patientnow_calls", t->calls}, {"crm_calls", t->crm_calls}};
	calls_event(t->push->calls, EVENT_CONTACT_TAGGED);
	calls_add(t->push->calls, EVENT_CONTACT_TAGGED, t->calls);
	for (size_t i = 0; i < COUNT(counts); i++) {
		const char *before = record_text(t->r, counts[i].key);
		unsigned long sum = counts[i].calls + (unsigned long)str_number(before);
		if (counts[i].calls)
			record_set(t->r, counts[i].key, str_of(arena_printf(t->a, "%lu", sum)));
	}
}

static void settle(struct tagged *t)
{
	struct push *p = t->push;
	open_all(p);
	t->session = locks_session(p->locks);
	lock_take(p->locks, LOCK_CREATION, p->conf->practice);
	enum fate fate = patient_settle(t);
	lock_free(p->locks, LOCK_CREATION, p->conf->practice);
	count(t);
	if (fate == FATE_FAILED || fate == FATE_IGNORED)
		return;
	record_set(t->r, "contact", contact_shown(t));
	if (t->patient)
		record_set(t->r, "patient", patient_object(t));
	record_set(t->r, "actions", actions_of(t, fate));
	record_set_text(t->r, "skipped", skipped(t, fate));
}

bool tagged_passes(const struct record *r, void *context)
{
	(void)context;
	return event_type_of(record_text(r, "type")) != EVENT_CONTACT_TAGGED || record_get(r, "ignored").p;
}

void tagged_record(struct record *r, void *context)
{
	struct push *p = context;
	if (tagged_passes(r, p))
		return;
	struct tagged t = {.push = p, .r = r, .a = r->arena, .event = record_text(r, "id")};
	const struct profile_kind *patients = &p->profile->kinds[KIND_PATIENT];
	const char *practice = record_text(r, "practice");
	if (practice && strcmp(practice, p->conf->practice) != 0)
		record_fail(
			r, "wrong_practice", false, "the event is another practice's: see the configuration's practice");
	else if (contact_read(&t) != FATE_OPEN)
		return;
	else if (!patients->create || !patients->search)
		record_fail(r, "no_create", false,
			"contact %s: the profile %s does not say how patients are made and searched for: patient.create "
			"and patient.search",
			t.contact, p->conf->patientnow.profile);
	else if (p->options->dry)
		show(&t);
	else
		settle(&t);
}

const char *tagged_key(const struct record *r, void *context)
{
	(void)context;
	if (event_type_of(record_text(r, "type")) == EVENT_CONTACT_TAGGED)
		return TAGGED_KEY;
	return jtext_scalar(r->arena, jtext_get(record_get(r, "patient"), "id"));
}

void tagged_close(struct push *p)
{
	patientnow_close(p->api);
	crm_close(p->crm);
	locks_close(p->locks);
	state_close(p->state);
}
