/*
 * The contact of a patient: by what the ledger knows, else by upsert (e-mail, phone). Once its id is known it
 * is updated by id, since an upsert may take another e-mail for the first one (vendor's issue 337). Compared
 * with what the CRM answers, because it drops what it does not like without a word.
 */
#include "push.h"

#include "value/when.h"

#include <strings.h>

enum outcome push_contact_find(struct push_work *w)
{
	const struct push_event *e = w->event;
	struct ledger_contact known = {0};
	if (e->type == EVENT_CONTACT_TAGGED)
		known.id = jtext_scalar(w->a, jtext_get(record_get(e->r, "contact"), "id"));
	else if (e->patient && w->push->state)
		known = ledger_contact(w->push->state, w->a, w->location->id, e->patient);
	w->contact.id = known.id;
	return known.failed ? push_result_fail_state(w, "read") : OUT_DONE;
}

void push_contact_lock(struct push_work *w)
{
	if (w->push->dry || w->contact.locked)
		return;
	lock_take(w->push->locks, LOCK_CONTACT, w->contact.id);
	w->contact.locked = true;
	w->contact.now = (struct str){0};
}

void push_contact_unlock(struct push_work *w)
{
	if (w->contact.locked)
		lock_free(w->push->locks, LOCK_CONTACT, w->contact.id);
	w->contact.locked = false;
}

enum outcome push_contact_read(struct push_work *w)
{
	push_contact_lock(w);
	if (jtext_type(jtext_get(w->contact.now, "customFields")) == JTEXT_ARRAY)
		return OUT_DONE;
	struct crm_answer answer = push_request(w, "GET", push_request_path(w, ""), (struct str){0}, true);
	if (answer.error)
		return push_result_fail_with(w, &answer);
	w->contact.now = jtext_get(answer.body, "contact");
	return OUT_DONE;
}

/* A property of the action's "set", of its "match" where there is none. */
static const char *property(struct push_work *w, const char *name)
{
	const char *text = jtext_string(w->a, jtext_get(jtext_get(w->upsert, "set"), name));
	return text ? text : jtext_string(w->a, jtext_get(jtext_get(w->upsert, "match"), name));
}

/* Whether a later event of another kind has written what has this name in the CRM. */
static bool is_overtaken(struct push_work *w, const char *name)
{
	const struct field *f = push_name_row(w, name);
	unsigned kinds = f ? field_kinds(f) & ~(1u << w->event->kind) : 0;
	for (enum event_kind kind = 0; kind < EVENT_KINDS; kind++)
		if (kinds & 1u << kind && push_is_overtaken(w, event_kind_name(kind)))
			return true;
	return false;
}

/* Those of "new" that "set" does not have. */
static void write_new(struct push_work *w, struct buf *body, const struct jtext_members *set)
{
	struct jtext_members made = jtext_members(w->a, jtext_get(w->upsert, CHANGE_NEW));
	for (size_t i = 0; i < made.n; i++) {
		const char *name = arena_copy(w->a, made.at[i].name);
		if (!jtext_member(set, name).p)
			buf_member(body, name, jtext_string(w->a, made.at[i].value));
	}
}

bool push_contact_left_out(const char *const *without, const char *name)
{
	while (without && *without && strcmp(*without, name) != 0)
		without++;
	return without && *without;
}

/* The contact's properties: those of "set", without the ones in without[]; with match for a contact to be
 * found or made. */
static void write_properties(struct push_work *w, struct buf *body, const char *const *without, bool match)
{
	struct jtext_members set = jtext_members(w->a, jtext_get(w->upsert, "set"));
	for (size_t i = 0; i < set.n; i++) {
		const char *name = arena_copy(w->a, set.at[i].name);
		bool known = w->contact.person_is_known && push_person_has(w, name);
		if (!known && !is_overtaken(w, name) && !push_contact_left_out(without, name))
			buf_member(body, name, jtext_string(w->a, set.at[i].value));
	}
	static const char *const keys[] = {"email", "phone"};
	for (size_t i = 0; match && i < 2; i++)
		if (!jtext_member(&set, keys[i]).p && !push_contact_left_out(without, keys[i]))
			buf_member(body, keys[i], property(w, keys[i]));
	if (match && w->contact.makes)
		write_new(w, body, &set);
}

/* Writes the fields of one of the action's members into a list. only_standing: those that say lead or
 * patient.
 */
static enum outcome write_fields(struct push_work *w, struct buf *list, const char *key, bool only_standing)
{
	struct jtext_members fields = jtext_members(w->a, jtext_get(w->upsert, key));
	for (size_t i = 0; i < fields.n; i++) {
		struct str value = fields.at[i].value;
		if (only_standing && !jtext_get(value, "lead").p)
			continue;
		const char *name = jtext_string(w->a, (struct str){fields.at[i].name.p - 1, fields.at[i].name.n + 2});
		if (!is_overtaken(w, name) && push_field_write(w, list, name, value) == OUT_FAILED)
			return OUT_FAILED;
	}
	return OUT_DONE;
}

/* The list of custom fields, the arena's; those that need to know lead or patient are left for later where
 * nobody knows. */
static enum outcome find_fields(struct push_work *w, bool only_standing, struct str *fields)
{
	struct buf list = {0};
	buf_putc(&list, '[');
	enum outcome out = write_fields(w, &list, "fields", only_standing);
	if (out == OUT_DONE && w->contact.links)
		out = write_fields(w, &list, CHANGE_LINK, only_standing);
	buf_putc(&list, ']');
	*fields = push_text(w->a, &list);
	return out;
}

/* Whether a field of the action says lead or patient. */
static bool says_standing(struct push_work *w)
{
	struct jtext_members fields = jtext_members(w->a, jtext_get(w->upsert, "fields"));
	for (size_t i = 0; i < fields.n; i++)
		if (jtext_get(fields.at[i].value, "lead").p)
			return true;
	return false;
}

/* Ends a body of the contact with its custom fields, where there are any; the text is the arena's. */
static struct str end_body(struct push_work *w, struct buf *body, struct str fields)
{
	if (!str_is(fields, "[]")) {
		buf_puts(body, body->p[body->n - 1] == '{' ? "\"customFields\":" : ",\"customFields\":");
		buf_add(body, fields);
	}
	buf_putc(body, '}');
	return push_text(w->a, body);
}

bool push_contact_same(const char *name, const char *sent, const char *held)
{
	const struct field *f = property_find(name);
	if (f && f->form == FIELD_GENDER)
		return true;
	return held && strncasecmp(sent, held, f && f->form == FIELD_DATE ? WHEN_DATE - 1 : (size_t)-1) == 0;
}

/* Warns of each property that was sent and that the contact does not hold. */
static void compare_properties(struct push_work *w, struct str body, struct str contact)
{
	for (const struct field *f = properties; f->name; f++) {
		const char *sent = jtext_string(w->a, jtext_get(body, f->name));
		if (sent && !push_contact_same(f->name, sent, jtext_scalar(w->a, jtext_get(contact, f->name))))
			push_result_warn(w, "the CRM did not take the contact's %s", f->name);
	}
}

void push_contact_answered(struct push_work *w, struct str sent, struct str contact)
{
	if (w->push->dry)
		return;
	w->contact.now = contact;
	compare_properties(w, sent, contact);
	if (!w->contact.fields_are_old)
		w->contact.fields_are_old = push_field_compare(w, jtext_get(sent, "customFields"), contact);
}

/* What an update leaves out; gender always, the CRM refuses it there. */
static const char *const no_gender[] = {"gender", NULL}, *const no_email[] = {"gender", "email", NULL},
						 *const no_phone[] = {"gender", "phone", NULL},
						 *const neither[] = {"gender", "email", "phone", NULL};

/* Which of e-mail and phone the CRM says another contact has; both where it does not say. */
static const char *const *taken(struct push_work *w, struct str answer)
{
	const char *field = jtext_string(w->a, jtext_get(jtext_get(answer, "meta"), "matchingField"));
	if (field && strcmp(field, "email") == 0)
		return no_email;
	return field && strcmp(field, "phone") == 0 ? no_phone : neither;
}

const char *const *push_contact_unfit(struct push_work *w, const struct crm_answer *answer, struct str sent)
{
	if (answer->status != 422)
		return NULL;
	const char *said = arena_copy(w->a, jtext_get(answer->body, "message"));
	bool email = jtext_get(sent, "email").p && strcasestr(said, "email");
	bool phone = jtext_get(sent, "phone").p && strcasestr(said, "phone");
	if (!email && !phone)
		return NULL;
	return email && phone ? neither : email ? no_email : no_phone;
}

const char *push_contact_words(const char *const *without)
{
	return without[2] ? "e-mail or phone" : strcmp(without[1], "email") == 0 ? "e-mail" : "phone";
}

static bool duplicate(struct push_work *w, const struct crm_answer *answer)
{
	const char *message = jtext_string(w->a, jtext_get(answer->body, "message"));
	return answer->status == 400 && message && strcasestr(message, "duplicate");
}

/* PUT /contacts/ID. without: what is not sent. */
static struct crm_answer put_contact(
	struct push_work *w, const char *const *without, struct str fields, struct str *sent)
{
	struct buf body = {0};
	buf_putc(&body, '{');
	write_properties(w, &body, without, false);
	*sent = end_body(w, &body, fields);
	return push_request_update(w, *sent);
}

/* The contact is known: all of the action by its id. OUT_IGNORED: the CRM does not have it any more. */
static enum outcome update(struct push_work *w, struct str fields)
{
	struct str sent;
	push_contact_lock(w);
	struct crm_answer answer = put_contact(w, no_gender, fields, &sent);
	const char *const *without = push_contact_unfit(w, &answer, sent);
	if (without) {
		push_result_warn(w, "the CRM does not take the %s: not set", push_contact_words(without));
		answer = put_contact(w, without, fields, &sent);
	}
	if (duplicate(w, &answer)) {
		without = without ? neither : taken(w, answer.body);
		push_result_warn(
			w, "another contact of the CRM has this %s: not set here", push_contact_words(without));
		answer = put_contact(w, without, fields, &sent);
	}
	if (crm_gone(w->a, &answer))
		return OUT_IGNORED;
	if (answer.error)
		return push_result_fail_with(w, &answer);
	push_contact_answered(w, sent, jtext_get(answer.body, "contact"));
	return OUT_DONE;
}

/* Remembers the contact of this patient. */
static enum outcome adopt(struct push_work *w, const char *contact)
{
	const char *other = NULL;
	if (!contact)
		return push_result_fail(w, "bad_answer", true, "the CRM's answer has no contact in it");
	w->contact.id = contact;
	if (!w->push->state)
		return OUT_DONE;
	if (!ledger_contact_set(w->push->state, w->a, w->location->id, w->event->patient, contact, &other))
		return push_result_fail_state(w, "written");
	if (other)
		push_result_warn(w, "the contact is also that of patient %s: both share an e-mail or phone", other);
	return OUT_DONE;
}

enum outcome push_contact_search(struct push_work *w, const char *email, const char *phone, const char **id)
{
	const char *path =
		arena_printf(w->a, "/contacts/search/duplicate?locationId=%s", http_encode(w->a, w->location->id));
	if (email)
		path = arena_printf(w->a, "%s&email=%s", path, http_encode(w->a, email));
	if (phone)
		path = arena_printf(w->a, "%s&number=%s", path, http_encode(w->a, phone));
	struct crm_answer answer = push_request(w, "GET", path, (struct str){0}, true);
	*id = jtext_string(w->a, jtext_get(jtext_get(answer.body, "contact"), "id"));
	return answer.error ? push_result_fail_with(w, &answer) : OUT_DONE;
}

/* Whether a contact is to be made, where that makes a difference: one that is there keeps its name, and an
 * upsert does not tell before it has written. */
static enum outcome look_first(struct push_work *w)
{
	const char *there = NULL;
	enum outcome out = OUT_DONE;
	if (!jtext_get(w->upsert, CHANGE_NEW).p)
		return OUT_DONE;
	out = push_contact_search(w, property(w, "email"), property(w, "phone"), &there);
	w->contact.makes = !there;
	return out;
}

/* POST /contacts/upsert. without: what is not sent. */
static struct crm_answer upsert(
	struct push_work *w, const char *const *without, struct str fields, struct str *sent)
{
	struct buf body = {0};
	buf_putc(&body, '{');
	buf_member(&body, "locationId", w->location->id);
	write_properties(w, &body, without, true);
	*sent = end_body(w, &body, fields);
	return push_request(w, "POST", "/contacts/upsert", *sent, true);
}

/* The contact is not known: found or made by e-mail and phone. */
static enum outcome find_or_make(struct push_work *w, struct str fields)
{
	const char *email = property(w, "email"), *phone = property(w, "phone");
	if (!email && !phone)
		return push_result_reason(
			w, OUT_SKIPPED, "no e-mail and no phone, and no contact is known for this patient");
	enum outcome out = look_first(w);
	if (out != OUT_DONE)
		return out;
	struct str sent;
	struct crm_answer answer = upsert(w, NULL, fields, &sent);
	const char *const *without = email && phone ? push_contact_unfit(w, &answer, sent) : NULL;
	if (without && without != neither) { /* by the other one, then */
		push_result_warn(w, "the CRM does not take the %s: not set", push_contact_words(without));
		answer = upsert(w, without + 1, fields, &sent);
	}
	if (answer.status == 422) {
		/* it may have been made all the same (vendor's issue 64) */
		const char *contact = NULL;
		if (push_contact_search(w, email, phone, &contact) != OUT_DONE || !contact)
			return push_result_fail_with(w, &answer);
		out = adopt(w, contact);
		return out == OUT_DONE ? update(w, fields) : out;
	}
	if (answer.error)
		return push_result_fail_with(w, &answer);
	struct str contact = jtext_get(answer.body, "contact");
	w->contact.is_new = w->push->dry || jtext_type(jtext_get(answer.body, "new")) == JTEXT_TRUE;
	out = adopt(w, w->push->dry ? arena_printf(w->a, PUSH_DRY_CONTACT "%s", w->event->patient)
								: jtext_string(w->a, jtext_get(contact, "id")));
	if (out != OUT_DONE)
		return out;
	push_contact_answered(w, sent, contact);
	push_contact_lock(w);
	if (!w->contact.is_new && property(w, "gender"))
		push_result_warn(w, "gender was not set: the CRM takes it only when a contact is made");
	return OUT_DONE;
}

enum outcome push_contact_standing(struct push_work *w)
{
	struct str fields = {0};
	struct buf body = {0};
	enum outcome out = push_standing_find(w);
	if (out == OUT_DONE)
		out = find_fields(w, true, &fields);
	if (out != OUT_DONE || str_is(fields, "[]"))
		return out;
	buf_putc(&body, '{');
	struct str sent = end_body(w, &body, fields);
	struct crm_answer answer = push_request_update(w, sent);
	if (answer.error)
		return push_result_fail_with(w, &answer);
	push_contact_answered(w, sent, jtext_get(answer.body, "contact"));
	return OUT_DONE;
}

/* Updates the contact that the ledger knows; OUT_IGNORED: the CRM does not have it any more. */
static enum outcome update_known(struct push_work *w)
{
	struct str fields;
	enum outcome out = says_standing(w) ? push_standing_find(w) : OUT_DONE;
	if (out == OUT_DONE)
		out = find_fields(w, false, &fields);
	return out == OUT_DONE ? update(w, fields) : out;
}

const char *push_contact_name(struct push_work *w)
{
	const char *first = property(w, "firstName"), *last = property(w, "lastName");
	if (!first || !last)
		return first ? first : last;
	return arena_printf(w->a, "%s %s", first, last);
}

/* The contact was deleted or merged behind our back: it is found again by e-mail and phone, which pnow-enrich
 * does not ask for as long as the ledger knows the contact. */
static enum outcome forget(struct push_work *w)
{
	const char *contact = w->contact.id;
	ledger_contact_forget(w->push->state, w->location->id, contact);
	push_contact_unlock(w);
	w->contact = (struct push_contact){.links = true};
	if (property(w, "email") || property(w, "phone"))
		return OUT_DONE;
	return push_result_fail(w, "gone", true,
		arena_printf(w->a,
			"the CRM does not have contact %s any more, and the event has neither e-mail nor phone to find "
			"another",
			contact));
}

/* By what is known of the contact, else by e-mail and phone. */
static enum outcome write_contact(struct push_work *w)
{
	struct str fields;
	enum outcome out = w->contact.id ? update_known(w) : OUT_IGNORED;
	if (out != OUT_IGNORED)
		return out;
	if (w->contact.id && forget(w) == OUT_FAILED)
		return OUT_FAILED;
	out = find_fields(w, false, &fields);
	if (out == OUT_DONE)
		out = find_or_make(w, fields);
	return out == OUT_DONE && says_standing(w) ? push_contact_standing(w) : out;
}

/* Whether the contact has got its PNOW ID from an event about the patient, an appointment or a tag, or by a
 * "link". */
static bool is_linked(struct push_work *w)
{
	const char *const by[] = {event_kind_name(KIND_PATIENT), event_kind_name(KIND_APPOINTMENT),
		event_kind_name(KIND_CONTACT), CHANGE_LINK};
	for (size_t i = 0; i < COUNT(by); i++)
		if (push_latest(w, by[i]).subject)
			return true;
	return false;
}

enum outcome push_contact_upsert(struct push_work *w)
{
	struct push_contact *c = &w->contact;
	bool may_link = jtext_get(w->upsert, CHANGE_LINK).p != NULL;
	c->links = may_link && (!c->id || !is_linked(w));
	enum outcome out = write_contact(w);
	if (out == OUT_DONE && c->fields_are_old) {
		c->fields_are_old = false;
		out = update_known(w);
	}
	if (out != OUT_DONE)
		return out;
	push_result_changed(w, event_kind_name(w->event->kind));
	if (c->standing == STANDING_LEAD)
		push_result_changed(w, CHANGE_LEAD);
	if (w->event->kind == KIND_APPOINTMENT && push_person_differs(w))
		push_result_changed(w, CHANGE_PERSON);
	if (c->makes && c->is_new)
		push_result_changed(w, CHANGE_NEW);
	if (may_link && c->links && !w->result.incomplete)
		push_result_changed(w, CHANGE_LINK);
	return OUT_DONE;
}
