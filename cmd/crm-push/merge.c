/*
 * Patients that PatientNow has merged. An event tells it (patient.merged_from), and the CRM may have a
 * contact of each.
 *
 * - First the ledger learns that the one id is the other. From then on the events of either go to one
 *   contact; nothing is added to the other one any more, whatever becomes of the rest.
 * - Then, in each sub-account: where only the old id has a contact, it becomes the survivor's. Where both
 *   have one, the survivor's stays, and is given the other's lifetime value and the fields and tags that it
 *   lacks. The other loses its value and its PNOW ID, and staff are told to merge it: the CRM cannot be
 *   asked to.
 * - The value goes as two additions, less here and more there, each once by its name in the ledger (ltv.c).
 *   All else may be written any number of times.
 * - Of what only an answer tells, the CRM is asked first: an EMR that answers with the wrong patient would
 *   make one of two people, and nobody could take that back.
 * - Last the ledger joins the two. Until then every event of the patient finds them apart, and goes on with
 *   it; so it does where the value was taken, and the survivor's contact refuses it.
 */
#include "push.h"
#include "value/last_name.h"
#include "value/phone.h"

#include <strings.h>

const char *push_merge_lock(struct push_work *w, const char *patient)
{
	struct push *p = w->push;
	for (const char *locked = patient;;) {
		if (p->locks)
			lock_take(p->locks, LOCK_PATIENT, locked);
		const char *now = p->state ? ledger_survivor(p->state, w->a, patient) : patient;
		if (!p->locks || strcmp(now, locked) == 0)
			return now;
		lock_free(p->locks, LOCK_PATIENT, locked);
		locked = now;
	}
}

/* The event at work in one of its patient's contacts. */
static struct push_work work_in(const struct push_work *w, const char *contact)
{
	return (struct push_work){.push = w->push,
		.a = w->a,
		.event = w->event,
		.location = w->location,
		.contact = {.id = contact, .keeps_status = true}};
}

static bool same_email(const char *x, const char *y)
{
	return strcasecmp(x, y) == 0;
}

static bool same_text(const char *x, const char *y)
{
	return strcmp(x, y) == 0;
}

/* 1: they are the same; -1: they are not; 0: one is missing. */
static int agree(bool (*same)(const char *, const char *), const char *x, const char *y)
{
	return !x || !*x || !y || !*y ? 0 : same(x, y) ? 1 : -1;
}

/* The id of a custom field, or NULL. *out is OUT_FAILED where it cannot be had; one that the CRM does not
 * have is no news here. */
static const char *field_id(struct push_work *w, const struct field *f, enum outcome *out)
{
	size_t warnings = w->result.warnings.n;
	const char *id = push_name_id(w, NAME_FIELD, conf_name(&w->push->conf->names.fields, f->name), NULL, out);
	w->result.warnings.n = warnings;
	return id;
}

static const char *birth_date(struct push_work *w)
{
	enum outcome out = OUT_DONE;
	const char *id = field_id(w, field_find("PNOW DOB"), &out);
	return id ? push_field_in(w, w->contact.now, id) : NULL;
}

/* Whether the contact may be the event's patient: by the birth date, or the first name and something more,
 * since relatives share all else. What is missing speaks against nobody. */
static bool may_be_patient(struct push_work *w)
{
	struct str patient = record_get(w->event->r, event_kind_name(KIND_PATIENT));
	static const char *const facts[] = {"dob", "first_name", "last_name", "email", "phone"},
							 *const names[] = {NULL, "firstName", "lastName", "email", "phone"};
	const char *is[COUNT(facts)], *has[COUNT(facts)] = {birth_date(w)};
	char phone[PHONE_TEXT] = "";
	for (size_t i = 0; i < COUNT(facts); i++) {
		is[i] = jtext_string(w->a, jtext_get(patient, facts[i]));
		has[i] = names[i] ? jtext_string(w->a, jtext_get(w->contact.now, names[i])) : has[i];
	}
	if (is[4] && phone_e164(str_of(is[4]), w->push->conf->country, phone))
		is[4] = phone;
	if (agree(same_text, is[0], has[0]) > 0)
		return true;
	return agree(last_name_same, is[1], has[1]) >= 0 &&
		   (agree(last_name_same, is[2], has[2]) >= 0 || agree(same_email, is[3], has[3]) > 0 ||
			   agree(same_text, is[4], has[4]) > 0);
}

/* Whether a contact of the old id may be the patient's. OUT_FAILED: it is another person, or that cannot be
 * told. */
static enum outcome look_at_contact(struct push_work *w, const char *old, const char *contact)
{
	struct push_work in = work_in(w, contact);
	enum outcome out = push_contact_read(&in);
	if (out == OUT_FAILED && !in.result.retry)
		out = OUT_DONE; /* there is none any more */
	else if (out == OUT_DONE && !may_be_patient(&in))
		out = push_result_fail(&in, "other_person", false,
			arena_printf(w->a,
				"asked for patient %s, the EMR answers with patient %s, but contact %s of the first is another "
				"person: nothing was done; if they are one, see crm-push(1), Merged patients",
				old, w->event->patient, contact));
	push_contact_unlock(&in);
	push_result_join(w, &in, out);
	return out;
}

/* All contacts of the old id, in any sub-account, where nobody but an answer says that it is the patient's.
 */
static enum outcome look_at(struct push_work *w, const char *old)
{
	const struct crm_location *at;
	enum outcome out = OUT_DONE;
	for (size_t i = 0; out == OUT_DONE && (at = crm_location_next(w->push->crm, &i));) {
		const char *contact = ledger_contact(w->push->state, w->a, at->id, old).id;
		w->location = at;
		out = contact ? look_at_contact(w, old, contact) : OUT_DONE;
	}
	w->location = NULL;
	return out;
}

/* One id that the patient had. Its lock is held, so that no event of it is under way that has not heard. */
static enum outcome learn(struct push_work *w, const char *old, bool is_told)
{
	struct push *p = w->push;
	old = push_merge_lock(w, old);
	bool known = strcmp(old, ledger_survivor(p->state, w->a, w->event->patient)) == 0;
	enum outcome out = known || is_told || p->dry ? OUT_DONE : look_at(w, old);
	if (out == OUT_DONE && !known && !ledger_merge(p->state, w->a, old, w->event->patient))
		out = push_result_fail_state(w, "written");
	if (p->locks)
		lock_free(p->locks, LOCK_PATIENT, old);
	return out;
}

enum outcome push_merge_learn(struct push_work *w)
{
	struct str patient = record_get(w->event->r, event_kind_name(KIND_PATIENT));
	struct str from = jtext_get(patient, "merged_from");
	bool is_told = jtext_type(jtext_get(patient, "merge_found")) != JTEXT_TRUE;
	enum outcome out = OUT_DONE;
	if (!w->push->state || jtext_type(from) != JTEXT_ARRAY)
		return OUT_DONE;
	for (struct str at = {0}; out == OUT_DONE && jtext_next(from, &at);) {
		const char *old = jtext_scalar(w->a, at);
		if (old && *old)
			out = learn(w, old, is_told);
	}
	return out;
}

/* Whether the contact has the field, or another that the event who writes this one writes of an appointment,
 * bill or membership: what two of them say must not be mixed. */
static bool has_its_own(struct push_work *w, const struct field *field, enum outcome *out)
{
	for (const struct field *f = custom_fields; *out != OUT_FAILED && f->name; f++) {
		bool is_of_one = f->from->in != KIND_PATIENT && f->from->in != FIELD_IN_RECORD && !f->from[1].types &&
						 field->from->in != KIND_PATIENT && f->from->types == field->from->types;
		const char *id = f == field || is_of_one ? field_id(w, f, out) : NULL;
		if (id && push_field_in(w, w->contact.now, id))
			return true;
	}
	return false;
}

/* The custom fields that are to be written into a contact: the patient's id, and what another has and it
 * lacks. OUT_FAILED where the fields' ids cannot be had; one that the CRM does not have is no news here. */
static enum outcome find_fields(struct push_work *w, struct str other, struct str *list)
{
	enum outcome out = OUT_DONE;
	struct buf fields = {0};
	for (const struct field *f = custom_fields; out != OUT_FAILED && f->name; f++) {
		const char *id = field_id(w, f, &out);
		bool own = strcmp(f->name, PATIENT_ID) == 0, value = strcmp(f->name, LIFETIME_VALUE) == 0;
		const char *text = own ? w->event->patient : id ? push_field_in(w, other, id) : NULL;
		if (!id || !text || value || (!own && has_its_own(w, f, &out)))
			continue;
		buf_puts(&fields, fields.n ? ",{" : "{");
		buf_member(&fields, "id", id);
		buf_member(&fields, "field_value", text);
		buf_putc(&fields, '}');
	}
	*list = push_text(w->a, &fields);
	return out == OUT_FAILED ? out : OUT_DONE;
}

/* PUT /contacts/ID with a list's custom fields. */
static enum outcome put_fields(struct push_work *w, const char *list)
{
	if (!*list)
		return OUT_DONE;
	struct crm_answer answer =
		push_request_update(w, str_of(arena_printf(w->a, "{\"customFields\":[%s]}", list)));
	return answer.error ? push_result_fail_with(w, &answer) : OUT_DONE;
}

/* Gives it the tags that another has of us. */
static enum outcome add_tags(struct push_work *w, const char *other)
{
	struct buf body = {0};
	struct state_rows rows = ledger_tags(w->push->state, w->location->id, other);
	while (state_next(&rows)) {
		buf_puts(&body, body.n ? "," : "{\"tags\":[");
		buf_json(&body, str_of(state_text(&rows, 0)));
	}
	bool read = state_done(&rows), none = !body.n;
	buf_puts(&body, "]}");
	struct str tags = push_text(w->a, &body);
	if (!read)
		return push_result_fail_state(w, "read");
	if (none)
		return OUT_DONE;
	struct crm_answer answer = push_request(w, "POST", push_request_path(w, "/tags"), tags, true);
	return answer.error ? push_result_fail_with(w, &answer) : OUT_DONE;
}

/* The contact's value has changed: its opportunities have it, too. */
static enum outcome set_values(struct push_work *w)
{
	const struct conf *conf = w->push->conf;
	struct buf action = {0};
	buf_puts(&action, "{\"pipelines\":[");
	buf_json(&action, str_of(conf_name(&conf->names.pipelines, "non-surgical")));
	if (conf->surgical_value) {
		buf_putc(&action, ',');
		buf_json(&action, str_of(conf_name(&conf->names.pipelines, "surgical")));
	}
	buf_puts(&action, "]}");
	w->action = push_text(w->a, &action);
	return push_opportunity_value(w);
}

/* Takes what the survivor's contact is to have out of the other one: *value, and the fields as they were. */
static enum outcome leave(struct push_work *w, const char *patient, int64_t *value, struct str *fields)
{
	enum outcome out = push_contact_read(w);
	*fields = w->contact.now;
	if (out != OUT_DONE)
		return out;
	out = push_ltv_take(w, arena_printf(w->a, "patient/%s/taken", patient), value);
	if (out != OUT_FAILED && *value)
		out = set_values(w);
	enum outcome named = OUT_DONE;
	const char *id =
		push_name_id(w, NAME_FIELD, conf_name(&w->push->conf->names.fields, PATIENT_ID), NULL, &named);
	if (out == OUT_FAILED || named == OUT_FAILED || !id)
		return out == OUT_FAILED || named == OUT_FAILED ? OUT_FAILED : OUT_DONE;
	struct buf field = {0};
	buf_putc(&field, '{');
	buf_member(&field, "id", id);
	buf_puts(&field, ",\"field_value\":\"\"}");
	return put_fields(w, push_text(w->a, &field).p);
}

/* Gives it to the survivor's. */
static enum outcome take_in(
	struct push_work *w, const char *patient, const char *other, int64_t value, struct str fields)
{
	struct str list;
	enum outcome out = push_contact_read(w);
	if (out == OUT_DONE)
		out = find_fields(w, fields, &list);
	if (out == OUT_DONE)
		out = put_fields(w, list.p);
	if (out == OUT_DONE && other)
		out = add_tags(w, other);
	if (out != OUT_FAILED)
		out = push_ltv_give(w, arena_printf(w->a, "patient/%s/given", patient), value);
	return out != OUT_FAILED && value ? set_values(w) : out;
}

/* What was done in one of the contacts is the event's. What trying again does not help is told, and left. */
static enum outcome end(struct push_work *w, struct push_work *in, enum outcome out)
{
	push_contact_unlock(in);
	in->result.incomplete = false;
	in->result.changes = 0;
	if (out == OUT_FAILED && !in->result.retry) {
		push_result_warn(in, "contact %s: %s: look at it by hand", push_contact_shown(in), in->result.error);
		out = OUT_DONE;
	}
	push_result_join(w, in, out);
	return out;
}

/* Tells staff what is left to them: the contact that was the old id's. */
static void tell(struct push_work *w, const char *patient, const char *own, const char *other, bool shared)
{
	if (shared)
		push_result_warn(w,
			"patient %s is patient %s now, whose contact is %s; contact %s is another patient's, too, so it was "
			"left as it is",
			patient, w->event->patient, own, other);
	else
		push_result_warn(w,
			"patient %s is patient %s now, whose contact is %s and has the lifetime value of both: in the CRM, "
			"merge contact %s into it",
			patient, w->event->patient, own, other);
}

/* Makes one of the two contacts, either of which may be missing, that an old id and the survivor have. */
static enum outcome join(struct push_work *w, const char *patient)
{
	struct state *s = w->push->state;
	struct str fields = {0};
	int64_t value = 0;
	bool given = true;
	enum outcome out = OUT_DONE;
	const char *other = ledger_contact(s, w->a, w->location->id, patient).id;
	const char *own = ledger_contact(s, w->a, w->location->id, w->event->patient).id;
	if (!own || (other && strcmp(own, other) == 0)) {
		own = other;
		other = NULL;
	}
	bool shared = other && !ledger_patient(s, w->a, w->location->id, other);
	if (other && !shared) {
		struct push_work in = work_in(w, other);
		out = end(w, &in, leave(&in, patient, &value, &fields));
	}
	if (own && out != OUT_FAILED) {
		struct push_work in = work_in(w, own);
		out = take_in(&in, patient, shared ? NULL : other, value, fields);
		given = out != OUT_FAILED || !value;
		out = end(w, &in, out);
	}
	if (out == OUT_FAILED || !given)
		return out;
	if (!ledger_join(s, w->a, w->location->id, patient, w->event->patient))
		return push_result_fail_state(w, "written");
	if (other)
		tell(w, patient, own, other, shared);
	return OUT_DONE;
}

enum outcome push_merge_contacts(struct push_work *w)
{
	const struct crm_location *at;
	enum outcome all = OUT_UNCHANGED;
	for (size_t i = 0; w->push->state && (at = crm_location_next(w->push->crm, &i));) {
		const char *patient = "";
		w->location = at;
		while ((patient = ledger_apart(w->push->state, w->a, at->id, w->event->patient, patient))) {
			double before = w->result.ms;
			all = join(w, patient);
			buf_member(&w->result.told, "patient_id", patient);
			push_result_action(w, "patient.merge", all, w->result.ms - before);
			w->result.told.n = 0;
			if (all == OUT_FAILED)
				return all;
		}
	}
	w->location = NULL;
	return all;
}
