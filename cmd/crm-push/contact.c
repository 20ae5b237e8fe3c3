/*
 * The contact of a patient: by what the ledger knows, else by upsert (e-mail, phone). Once its id is known it
 * is updated by id, since an upsert may take another e-mail for the first one (vendor's issue 337). Compared
 * with what the CRM answers, because it drops what it does not like without a word.
 */
#include "push.h"

#include <strings.h>

void contact_lock(struct work *w)
{
	if (w->push->dry || w->locked)
		return;
	lock_take(w->push->locks, LOCK_CONTACT, w->contact);
	w->locked = true;
	w->contact_now = (struct str){0};
}

enum outcome contact_read(struct work *w)
{
	contact_lock(w);
	if (w->push->dry || jtext_type(jtext_get(w->contact_now, "customFields")) == JTEXT_ARRAY)
		return OUT_DONE;
	struct crm_answer answer = request(w, "GET", contact_path(w, ""), (struct str){0}, true);
	if (answer.error)
		return fail_with(w, &answer);
	w->contact_now = jtext_get(answer.body, "contact");
	return OUT_DONE;
}

/* A property of the action's "set", of its "match" where there is none. */
static const char *property(struct work *w, const char *name)
{
	const char *text = jtext_string(w->a, jtext_get(jtext_get(w->action, "set"), name));
	return text ? text : jtext_string(w->a, jtext_get(jtext_get(w->action, "match"), name));
}

/* Those of "new" that "set" does not have. */
static void write_new(struct work *w, struct buf *body, const struct jtext_members *set)
{
	struct jtext_members made = jtext_members(w->a, jtext_get(w->action, CHANGE_NEW));
	for (size_t i = 0; i < made.n; i++) {
		const char *name = arena_copy(w->a, made.at[i].name);
		if (!jtext_member(set, name).p)
			buf_member(body, name, jtext_string(w->a, made.at[i].value));
	}
}

/* The contact's properties: those of "set", without the ones in without[]; with match for a contact to be
 * found or made. */
static void write_properties(struct work *w, struct buf *body, const char *const *without, bool match)
{
	struct jtext_members set = jtext_members(w->a, jtext_get(w->action, "set"));
	for (size_t i = 0; i < set.n; i++) {
		const char *name = arena_copy(w->a, set.at[i].name);
		bool leave = w->person_is_known && person_has(w, name);
		for (const char *const *p = without; p && *p; p++)
			leave |= strcmp(*p, name) == 0;
		if (!leave)
			buf_member(body, name, jtext_string(w->a, set.at[i].value));
	}
	static const char *const keys[] = {"email", "phone"};
	for (size_t i = 0; match && i < 2; i++)
		if (!jtext_member(&set, keys[i]).p)
			buf_member(body, keys[i], property(w, keys[i]));
	if (match && w->makes)
		write_new(w, body, &set);
}

/* Writes the fields of one of the action's members into a list. only_standing: those that say lead or
 * patient.
 */
static enum outcome write_fields_of(struct work *w, struct buf *list, const char *key, bool only_standing)
{
	struct jtext_members fields = jtext_members(w->a, jtext_get(w->action, key));
	for (size_t i = 0; i < fields.n; i++) {
		struct str value = fields.at[i].value;
		if (only_standing && !jtext_get(value, "lead").p)
			continue;
		const char *name = jtext_string(w->a, (struct str){fields.at[i].name.p - 1, fields.at[i].name.n + 2});
		if (write_field(w, list, name, value) == OUT_FAILED)
			return OUT_FAILED;
	}
	return OUT_DONE;
}

/* The list of custom fields; those that need to know lead or patient are left for later where nobody knows.
 */
static enum outcome write_fields(struct work *w, struct buf *list, bool only_standing)
{
	buf_putc(list, '[');
	enum outcome out = write_fields_of(w, list, "fields", only_standing);
	if (out == OUT_DONE && w->links)
		out = write_fields_of(w, list, CHANGE_LINK, only_standing);
	buf_putc(list, ']');
	return out;
}

static bool needs_standing(struct work *w)
{
	struct jtext_members fields = jtext_members(w->a, jtext_get(w->action, "fields"));
	for (size_t i = 0; i < fields.n; i++)
		if (jtext_get(fields.at[i].value, "lead").p)
			return true;
	return false;
}

/* Puts the list of fields into a body, unless it is empty. */
static void add_fields(struct buf *body, const struct buf *list)
{
	if (list->n <= 2)
		return;
	buf_puts(body, body->p[body->n - 1] == '{' ? "\"customFields\":" : ",\"customFields\":");
	buf_add(body, buf_str(list));
}

bool property_same(const char *name, const char *sent, const char *held)
{
	size_t n = strcmp(name, "dateOfBirth") == 0 ? 10 : (size_t)-1;
	return held && strncasecmp(sent, held, n) == 0;
}

/* Warns of each property that was sent and that the contact does not hold. */
static void compare_properties(struct work *w, struct str body, struct str contact)
{
	static const char *const names[] = {"firstName", "lastName", "email", "phone", "source", "address1",
		"city", "state", "postalCode", "dateOfBirth"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *sent = jtext_string(w->a, jtext_get(body, names[i]));
		if (sent && !property_same(names[i], sent, jtext_scalar(w->a, jtext_get(contact, names[i]))))
			warning(w, "the CRM did not take the contact's %s", names[i]);
	}
}

/* Takes over what an answer says about the contact. */
static void take_answer(struct work *w, struct str sent, struct str contact)
{
	if (w->push->dry)
		return;
	w->contact_now = contact;
	compare_properties(w, sent, contact);
	compare_fields(w, jtext_get(sent, "customFields"), contact);
}

/* Which of e-mail and phone the CRM says another contact has; both where it does not say. */
static const char *const *taken(struct work *w, struct str answer)
{
	static const char *const email[] = {"gender", "email", NULL}, *const phone[] = {"gender", "phone", NULL},
							 *const both[] = {"gender", "email", "phone", NULL};
	const char *field = jtext_string(w->a, jtext_get(jtext_get(answer, "meta"), "matchingField"));
	if (field && strcmp(field, "email") == 0)
		return email;
	return field && strcmp(field, "phone") == 0 ? phone : both;
}

static bool duplicate(struct work *w, const struct crm_answer *answer)
{
	const char *message = jtext_string(w->a, jtext_get(answer->body, "message"));
	return answer->status == 400 && message && strcasestr(message, "duplicate");
}

/* PUT /contacts/ID. without: what is not sent; gender never is, the CRM refuses it here. */
static struct crm_answer put_contact(
	struct work *w, const char *const *without, const struct buf *list, struct str *sent)
{
	struct buf body = {0};
	buf_putc(&body, '{');
	write_properties(w, &body, without, false);
	add_fields(&body, list);
	buf_putc(&body, '}');
	*sent = (struct str){arena_copy(w->a, buf_str(&body)), body.n};
	buf_free(&body);
	return request(w, "PUT", contact_path(w, ""), *sent, true);
}

/* The contact is known: all of the action by its id. OUT_IGNORED: the CRM does not have it any more. */
static enum outcome update(struct work *w, const struct buf *list)
{
	static const char *const gender[] = {"gender", NULL};
	struct str sent;
	contact_lock(w);
	struct crm_answer answer = put_contact(w, gender, list, &sent);
	if (duplicate(w, &answer)) {
		const char *const *without = taken(w, answer.body);
		warning(w, "another contact of the CRM has this %s: not set here",
			without[2] ? "e-mail or phone" : without[1]);
		answer = put_contact(w, without, list, &sent);
	}
	if (crm_gone(w->a, &answer))
		return OUT_IGNORED;
	if (answer.error)
		return fail_with(w, &answer);
	take_answer(w, sent, jtext_get(answer.body, "contact"));
	return OUT_DONE;
}

/* Remembers the contact of this patient. */
static enum outcome adopt(struct work *w, const char *contact)
{
	const char *other = NULL;
	if (!contact)
		return fail(w, "bad_answer", true, "the CRM's answer has no contact in it");
	w->contact = contact;
	if (w->push->dry)
		return OUT_DONE;
	if (!ledger_contact_set(w->push->state, w->a, w->location->id, w->patient, contact, &other))
		return fail(w, "state", true, "the state file cannot be written");
	if (other)
		warning(w, "the contact is also that of patient %s: both share an e-mail or phone", other);
	return OUT_DONE;
}

enum outcome contact_search(struct work *w, const char *email, const char *phone, const char **id)
{
	const char *path =
		arena_printf(w->a, "/contacts/search/duplicate?locationId=%s", http_encode(w->a, w->location->id));
	if (email)
		path = arena_printf(w->a, "%s&email=%s", path, http_encode(w->a, email));
	if (phone)
		path = arena_printf(w->a, "%s&number=%s", path, http_encode(w->a, phone));
	struct crm_answer answer = request(w, "GET", path, (struct str){0}, true);
	*id = jtext_string(w->a, jtext_get(jtext_get(answer.body, "contact"), "id"));
	return answer.error ? fail_with(w, &answer) : OUT_DONE;
}

/* Whether a contact is to be made, where that makes a difference: one that is there keeps its name, and an
 * upsert does not tell before it has written. */
static enum outcome look_first(struct work *w)
{
	const char *there = NULL;
	enum outcome out = OUT_DONE;
	if (!jtext_get(w->action, CHANGE_NEW).p)
		return OUT_DONE;
	if (!w->push->dry)
		out = contact_search(w, property(w, "email"), property(w, "phone"), &there);
	w->makes = !there;
	return out;
}

/* The contact is not known: found or made by e-mail and phone. */
static enum outcome upsert(struct work *w, const struct buf *list)
{
	if (!property(w, "email") && !property(w, "phone")) {
		w->reason = "no e-mail and no phone, and no contact is known for this patient";
		return OUT_SKIPPED;
	}
	enum outcome out = look_first(w);
	if (out != OUT_DONE)
		return out;
	struct buf body = {0};
	buf_putc(&body, '{');
	buf_member(&body, "locationId", w->location->id);
	write_properties(w, &body, NULL, true);
	add_fields(&body, list);
	buf_putc(&body, '}');
	struct str sent = {arena_copy(w->a, buf_str(&body)), body.n};
	buf_free(&body);
	struct crm_answer answer = request(w, "POST", "/contacts/upsert", sent, true);
	if (answer.status == 422) {
		/* it may have been made all the same (vendor's issue 64) */
		const char *contact = NULL;
		if (contact_search(w, property(w, "email"), property(w, "phone"), &contact) != OUT_DONE || !contact)
			return fail_with(w, &answer);
		out = adopt(w, contact);
		return out == OUT_DONE ? update(w, list) : out;
	}
	if (answer.error)
		return fail_with(w, &answer);
	struct str contact = jtext_get(answer.body, "contact");
	w->contact_is_new = w->push->dry || jtext_type(jtext_get(answer.body, "new")) == JTEXT_TRUE;
	out = adopt(w, w->push->dry ? "{contact}" : jtext_string(w->a, jtext_get(contact, "id")));
	if (out != OUT_DONE)
		return out;
	take_answer(w, sent, contact);
	contact_lock(w);
	if (!w->contact_is_new && property(w, "gender"))
		warning(w, "gender was not set: the CRM takes it only when a contact is made");
	return OUT_DONE;
}

enum outcome contact_standing(struct work *w)
{
	struct buf list = {0}, body = {0};
	struct str action = w->action;
	w->action = w->upsert;
	enum outcome out = standing(w);
	if (out == OUT_DONE)
		out = write_fields(w, &list, true);
	w->action = action;
	if (out == OUT_DONE && list.n > 2) {
		buf_putc(&body, '{');
		add_fields(&body, &list);
		buf_putc(&body, '}');
		struct str sent = {arena_copy(w->a, buf_str(&body)), body.n};
		struct crm_answer answer = request(w, "PUT", contact_path(w, ""), sent, true);
		if (answer.error)
			out = fail_with(w, &answer);
		else
			take_answer(w, sent, jtext_get(answer.body, "contact"));
	}
	buf_free(&list);
	buf_free(&body);
	return out;
}

/* Updates the contact that the ledger knows; OUT_IGNORED where there is none. */
static enum outcome update_known(struct work *w, bool needs)
{
	struct buf list = {0};
	enum outcome out = needs ? standing(w) : OUT_DONE;
	if (out == OUT_DONE)
		out = write_fields(w, &list, false);
	if (out == OUT_DONE)
		out = update(w, &list);
	buf_free(&list);
	return out;
}

/* The person's name, for an opportunity; not the patient's id, which means nothing to the front desk. */
static void remember_person(struct work *w)
{
	const char *first = property(w, "firstName"), *last = property(w, "lastName");
	if (first || last)
		w->person =
			arena_printf(w->a, "%s%s%s", first ? first : "", first && last ? " " : "", last ? last : "");
}

/* By what is known of the contact, else by e-mail and phone. */
static enum outcome find_or_make(struct work *w, bool needs)
{
	struct buf list = {0};
	enum outcome out;
	if (w->contact) {
		if ((out = update_known(w, needs)) != OUT_IGNORED)
			return out;
		/* deleted or merged behind our back: found again by e-mail and phone, which pnow-enrich does not ask
		   for as long as the ledger knows the contact */
		const char *contact = w->contact;
		ledger_contact_forget(w->push->state, w->location->id, contact);
		if (w->locked)
			lock_free(w->push->locks, LOCK_CONTACT, w->contact);
		w->locked = false;
		w->contact = NULL;
		w->person_is_known = false;
		w->links = true;
		w->standing = STANDING_UNKNOWN;
		w->opportunities = (struct str){0};
		if (!property(w, "email") && !property(w, "phone"))
			return fail(w, "gone", true,
				arena_printf(w->a,
					"the CRM does not have contact %s any more, and the event has neither e-mail nor phone "
					"to "
					"find another",
					contact));
	}
	out = write_fields(w, &list, false);
	if (out == OUT_DONE)
		out = upsert(w, &list);
	buf_free(&list);
	return out == OUT_DONE && needs ? contact_standing(w) : out;
}

/* Whether the contact has got its PNOW ID from an event about the patient, an appointment or a tag, or by a
 * "link". */
static bool is_linked(struct work *w)
{
	const char *const by[] = {event_kind_name(KIND_PATIENT), event_kind_name(KIND_APPOINTMENT),
		event_kind_name(KIND_CONTACT), CHANGE_LINK};
	for (size_t i = 0; i < sizeof by / sizeof *by; i++)
		if (ledger_latest(w->push->state, w->a, w->location->id, w->contact, by[i]).subject)
			return true;
	return false;
}

enum outcome contact_write(struct work *w)
{
	bool needs = needs_standing(w);
	bool may_link = jtext_get(w->action, CHANGE_LINK).p != NULL;
	w->links = may_link && (!w->contact || !is_linked(w));
	enum outcome out = find_or_make(w, needs);
	if (out == OUT_DONE && w->fields_again) {
		w->fields_again = false;
		out = update_known(w, needs);
	}
	if (out == OUT_DONE)
		changed(w, event_kind_name(event_kind_of(w->type)));
	if (out == OUT_DONE && w->standing == STANDING_LEAD)
		changed(w, CHANGE_LEAD);
	if (out == OUT_DONE && event_kind_of(w->type) == KIND_APPOINTMENT && person_differs(w))
		changed(w, CHANGE_PERSON);
	if (out == OUT_DONE && w->makes && w->contact_is_new)
		changed(w, CHANGE_NEW);
	if (out == OUT_DONE && may_link && w->links && !w->incomplete)
		changed(w, CHANGE_LINK);
	return out;
}

enum outcome contact_upsert(struct work *w)
{
	w->upsert = w->action;
	remember_person(w);
	return w->backfill ? history_upsert(w) : contact_write(w);
}
