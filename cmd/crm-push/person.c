/*
 * What an event says of a patient. patient.created and patient.updated tell who it is in the same words, and
 * each tells a little more: what the one has brought in is no news when the other comes, as a rule from a
 * list, and what staff have changed since is not written over.
 *
 * - The ledger has two digests for a patient, since it holds nothing of a person: of who it is, and, where
 *   patient.updated was applied, of what only that writes; "-" where that is nothing.
 * - patient.created is news where the first differs; patient.updated where one of them does.
 * - An appointment tells who the patient is, too. Where it tells otherwise than the ledger has it, the
 *   patient's own facts are news again when they come later (subject.c).
 */
#include "push.h"
#include "value/digest.h"

enum { DIGEST = 32 }; /* characters */

bool push_person_has(const struct push_work *w, const char *name)
{
	const struct field *f = push_name_row(w, name);
	return f && field_is_of(f, EVENT_PATIENT_CREATED) && field_is_of(f, EVENT_PATIENT_UPDATED);
}

static const char *digest(struct push_work *w, struct buf *text)
{
	char hex[65];
	const struct str all = buf_str(text);
	digest_sha256_hex(&all, 1, hex);
	buf_free(text);
	return arena_copy(w->a, (struct str){hex, DIGEST});
}

/* Of what is written, or looked for, in each event about the patient. */
static const char *person(struct push_work *w, struct str upsert)
{
	struct buf text = {0};
	struct str set = jtext_get(upsert, "set");
	buf_add(&text, jtext_get(upsert, "match"));
	buf_add(&text, jtext_get(set, "firstName"));
	buf_putc(&text, ' ');
	buf_add(&text, jtext_get(set, "lastName"));
	return digest(w, &text);
}

/* Whether a member is one that patient.updated alone writes, and says anything: a contact without PNOW
 * Unsubscribed is not unsubscribed. */
static bool is_more(const struct push_work *w, const struct jtext_member *m)
{
	const char *name = arena_copy(w->a, m->name);
	return !push_person_has(w, name) && !str_is(m->value, "\"false\"");
}

/* Of what patient.updated writes beside it; "-" where that is nothing. Where the practice sets
 * do-not-disturb, one that it is to be set for is another one than before the practice did. */
static const char *more(struct push_work *w, struct str upsert)
{
	static const char *const parts[] = {"set", "fields"};
	struct buf text = {0};
	for (size_t i = 0; i < COUNT(parts); i++) {
		struct jtext_members members = jtext_members(w->a, jtext_get(upsert, parts[i]));
		for (size_t k = 0; k < members.n; k++) {
			if (!is_more(w, &members.at[k]))
				continue;
			buf_add(&text, members.at[k].name);
			buf_add(&text, members.at[k].value);
		}
	}
	for (struct str at = {0}; jtext_next(w->event->actions, &at);)
		if (push_has_text(w->a, at, "op", "dnd.set") && jtext_type(jtext_get(at, "on")) == JTEXT_TRUE)
			buf_puts(&text, "dnd.set");
	return text.n ? digest(w, &text) : "-";
}

static struct str upsert_in(struct str actions)
{
	for (struct str at = {0}; jtext_next(actions, &at);)
		if (str_is(jtext_get(at, "op"), "\"contact.upsert\""))
			return at;
	return (struct str){0};
}

/* What the ledger has of who the patient is; NULL: nothing. */
static const char *kept(struct push_work *w)
{
	const char *subject = arena_printf(w->a, "%s/%s", event_kind_name(KIND_PATIENT), w->event->patient);
	return w->push->state ? ledger_state(w->push->state, w->a, w->location->id, subject) : NULL;
}

const char *push_person_state(struct push_work *w)
{
	struct push_contact *c = &w->contact;
	struct str upsert = upsert_in(w->event->actions);
	const char *who = person(w, upsert), *before = kept(w);
	c->person_is_known = before && strncmp(before, who, DIGEST) == 0;
	if (w->event->type == EVENT_PATIENT_CREATED) {
		w->by_other_name = c->person_is_known && before[DIGEST];
		return w->by_other_name ? before : who;
	}
	const char *rest = more(w, upsert);
	w->by_other_name = c->person_is_known && !before[DIGEST] && strcmp(rest, "-") == 0;
	return w->by_other_name ? before : arena_printf(w->a, "%s %s", who, rest);
}

bool push_person_differs(struct push_work *w)
{
	struct str upsert = w->upsert, set = jtext_get(upsert, "set");
	bool tells = jtext_get(set, "firstName").p || jtext_get(set, "lastName").p;
	const char *before = kept(w);
	return tells && !(before && strncmp(before, person(w, upsert), DIGEST) == 0);
}
