/*
 * One patient for a contact, whatever happens: what the ledger knows is believed, else PatientNow is searched
 * before a patient is made. That one is being made is written down first; where no answer says what became of
 * it, the next attempt looks for the patient before it makes another.
 */
#include "tagged.h"
#include "conf/canonical.h"
#include "value/last_name.h"
#include "value/phone.h"
#include "value/when.h"

#include <stdlib.h>
#include <strings.h>

enum { INDEX_MS = 60 * 1000 }; /* a search may miss what was made in the last minute */

const char *const patient_sought_by[2] = {"email", "phone"};

static enum fate failed(struct tagged *t, const struct patientnow_answer *answer)
{
	record_fail(t->r, answer->code, answer->retry, "contact %s: %s", t->contact, answer->message);
	record_retry_after(t->r, answer->retry_after);
	return FATE_FAILED;
}

static enum fate unwritten(struct tagged *t)
{
	record_fail(t->r, "state", true, "the state cannot be written");
	return FATE_FAILED;
}

/* Another may be making a patient, of this contact, too. */
static enum fate overtaken(struct tagged *t)
{
	record_fail(t->r, "locks", true,
		"contact %s: its lock was lost with the connection to the database: it is begun anew", t->contact);
	record_retry_after(t->r, 1);
	return FATE_FAILED;
}

static bool same_phone(const struct conf *conf, const char *x, const char *y)
{
	char a[PHONE_TEXT], b[PHONE_TEXT];
	bool known = phone_e164(str_of(x), conf->country, a) && phone_e164(str_of(y), conf->country, b);
	return known ? strcmp(a, b) == 0 : strcmp(x, y) == 0;
}

static bool same(const struct conf *conf, const char *name, const char *x, const char *y)
{
	if (strcmp(name, "phone") == 0)
		return same_phone(conf, x, y);
	return strcmp(name, "email") == 0 ? strcasecmp(x, y) == 0 : last_name_same(x, y);
}

/* Whether a patient has this fact of the contact in one of the places where the profile has it: a patient may
   have several phones. */
static bool has(struct tagged *t, struct str patient, const char *name)
{
	const struct profile_pointers *from = profile_field(&t->push->profile->kinds[KIND_PATIENT].fields, name);
	const char *wanted = jtext_string(t->a, jtext_get(t->facts, name));
	for (size_t i = 0; from && i < from->n; i++) {
		const char *text = place_text(t->a, from->at[i], place_in(patient));
		if (text && same(t->push->conf, name, text, wanted))
			return true;
	}
	return false;
}

/* The ids of the patients with the contact's last name and its e-mail, else its phone, into t->candidates;
 *n: how many; *sought: there was something to search by. False where PatientNow cannot be asked. */
static bool look(struct tagged *t, size_t *n, bool *sought)
{
	*n = 0;
	*sought = false;
	for (size_t i = 0; i < 2 && !*n; i++) {
		const char *by = patient_sought_by[i];
		struct patientnow_list list;
		if (!patientnow_search(t->push->profile, t->a, t->facts, by, &list))
			continue;
		*sought = true;
		struct patientnow_page page = patientnow_list(t->push->api, t->a, &list, 1);
		t->calls += page.calls;
		if (!page.rows.p)
			return failed(t, &page.failure) == FATE_OPEN;
		for (struct str at = {0}; jtext_next(page.rows, &at);) {
			struct sources row = {
				.at = {{.body = at, .fields = &t->push->profile->kinds[KIND_PATIENT].fields}}};
			const char *id = fact(t->a, &row, "id");
			if (!id || !has(t, at, "last_name") || !has(t, at, by))
				continue;
			t->candidates = *n ? arena_printf(t->a, "%s, %s", t->candidates, id) : id;
			++*n;
		}
	}
	return true;
}

/* Keeps that contact and patient belong together. */
static enum fate keep(struct tagged *t, const char *patient, enum fate fate)
{
	struct state *state = t->push->state;
	const char *other = NULL;
	const char *before = ledger_contact(state, t->a, t->location, patient).id;
	t->patient = patient;
	if (!state_begin(state))
		return unwritten(t);
	bool kept =
		ledger_contact_set(state, t->a, t->location, patient, t->contact, &other) &&
		(fate != FATE_CREATED || ledger_creation_end(state, t->location, t->contact, t->event, patient));
	if (!state_end(state, kept) || !kept)
		return unwritten(t);
	if (before && strcmp(before, t->contact) != 0)
		record_warn(t->r,
			arena_printf(t->a, "patient %s had the contact %s until now: are these two the same person?",
				patient, before));
	if (other)
		record_warn(t->r, arena_printf(t->a, "the contact is also that of patient %s", other));
	return fate;
}

/* Makes the patient. */
static enum fate create(struct tagged *t)
{
	struct push *push = t->push;
	if (!locks_stand(push->locks, t->session))
		return overtaken(t);
	if (!ledger_creation_begin(push->state, t->location, t->contact, t->event))
		return unwritten(t);
	struct patientnow_answer answer =
		patientnow_create(push->api, t->a, patientnow_new(push->profile, t->a, t->facts));
	t->calls += answer.calls;
	struct sources made = {
		.at = {{.body = answer.body, .fields = &push->profile->kinds[KIND_PATIENT].fields}}};
	const char *id = answer.body.p ? fact(t->a, &made, "id") : NULL;
	if (id)
		return keep(t, id, FATE_CREATED);
	if (answer.body.p)
		answer = (struct patientnow_answer){
			.code = "bad_answer", .message = "PatientNow's answer has no patient's id in it", .retry = true};
	if (answer.without_effect && !ledger_creation_undone(push->state, t->location, t->contact))
		return unwritten(t);
	return strcmp(answer.code, "rejected") == 0 ? FATE_REFUSED : failed(t, &answer);
}

/* Looks for the patient, and makes it where there is none. begun: when an attempt began of which nobody knows
   what became; 0: none did. */
static enum fate find_or_create(struct tagged *t, int64_t begun)
{
	size_t found;
	bool sought;
	if (!begun && contact_missing(t, NULL))
		return FATE_MISSING;
	if (!look(t, &found, &sought))
		return FATE_FAILED;
	if (found == 1)
		return keep(t, t->candidates, begun ? FATE_CREATED : FATE_LINKED);
	if (found > 1)
		return FATE_SEVERAL;
	if (begun && when_now_ms() - begun < INDEX_MS) {
		record_fail(t->r, "lost", true,
			"contact %s: the answer to making its patient was lost; a search shows in a minute whether it is "
			"there",
			t->contact);
		return FATE_FAILED;
	}
	if (begun && !sought)
		return ledger_creation_undone(t->push->state, t->location, t->contact) ? FATE_UNKNOWN : unwritten(t);
	return contact_missing(t, NULL) ? FATE_MISSING : create(t);
}

/* The contact has a patient, by another event than this: is it still asked for, and is the patient still
   there? FATE_OPEN where PatientNow does not have it any more. */
static enum fate known_before(struct tagged *t, const char *patient)
{
	int64_t received = when_now_ms();
	const char *text = record_text(t->r, "received");
	enum fate fate = contact_ask(t);
	if (fate != FATE_OPEN)
		return fate;
	if (text)
		when_moment(str_of(text), &received);
	struct patientnow_answer answer = patientnow_get(t->push->api, t->a, KIND_PATIENT, patient, received);
	t->calls += answer.calls;
	if (answer.body.p)
		return keep(t, patient, FATE_LINKED);
	if (strcmp(answer.code, "not_found") != 0)
		return failed(t, &answer);
	return ledger_patient_forget(t->push->state, t->location, t->contact, patient) ? FATE_OPEN : unwritten(t);
}

enum fate patient_settle(struct tagged *t)
{
	struct state *state = t->push->state;
	struct ledger_creation made;
	enum fate fate = FATE_OPEN;
	if (!ledger_creation(state, t->a, t->location, t->contact, &made))
		return unwritten(t);
	if (made.patient && strcmp(made.event, t->event) == 0) {
		t->patient = made.patient;
		return FATE_CREATED;
	}
	const char *patient = made.patient ? made.patient : ledger_patient(state, t->a, t->location, t->contact);
	if (patient && (fate = known_before(t, patient)) != FATE_OPEN)
		return fate;
	if (!patient && (t->listed || contact_missing(t, NULL)))
		fate = contact_ask(t);
	return fate == FATE_OPEN ? find_or_create(t, patient ? 0 : made.begun) : fate;
}
