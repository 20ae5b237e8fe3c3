/*
 * The audit (-C): what an event's actions should have brought about, held against what the CRM has. Of what
 * later events write over, only the last one can be held against it: the ledger knows who wrote what last.
 * Nothing is changed, neither in the CRM nor in the ledger.
 *
 * With -R what is found is put right: of an event that was applied, what can be written twice (mend.c); one
 * that was not is carried out as if it came now (apply.c). In between the contact's lock is held.
 */
#include "push.h"
#include "value/money.h"
#include "value/when.h"

#include <strings.h>

struct audit {
	struct push_work *w;
	enum ledger_news news;
	struct ledger_latest own;                /* who wrote what is compared last: at first, the contact's
												fields of the event's kind */
	struct ledger_latest link;               /* and who made it the patient's, with its PNOW ID */
	struct ledger_latest kinds[EVENT_KINDS]; /* and those of each kind */
	struct str contact;                      /* as the CRM has it */
	struct buf differences;                  /* that were found */
	struct push_mend mend;                   /* what of them is to be written */
	bool by_hand;                            /* some cannot be */
};

/* What is to be done about a difference. */
enum remedy {
	WRITE, /* the CRM lacks what the event wrote: it is written again */
	OVER,  /* it has something else, or no more: somebody has changed that. It is written again, or kept */
	NONE,  /* it is a person's matter */
};

/* A member name, then what the caller writes, and a brace. */
static struct buf *begin_difference(struct audit *a, const char *name, enum remedy remedy)
{
	struct buf *b = &a->differences;
	bool applied = a->news != LEDGER_NEWS;
	if (b->n)
		buf_putc(b, ',');
	buf_putc(b, '{');
	buf_member(b, "name", name);
	a->by_hand |= applied && remedy == NONE;
	if (a->w->push->mending && applied && remedy == OVER)
		buf_puts(b, ",\"changed\":true");
	if (a->w->push->mending && applied && remedy == NONE)
		buf_puts(b, ",\"by_hand\":true");
	return b;
}

/* A difference; the values, which may be people's, only where they were asked for. False: it is left alone.
 */
static bool differ(struct audit *a, const char *name, const char *want, const char *has, enum remedy remedy)
{
	if (a->w->push->keeps && a->news != LEDGER_NEWS && remedy == OVER)
		return false;
	struct buf *b = begin_difference(a, name, remedy);
	if (a->w->push->values) {
		buf_member(b, "want", want);
		buf_member(b, "has", has);
	}
	buf_putc(b, '}');
	return true;
}

/* What is to be done where the CRM has this. */
static enum remedy over(const char *has)
{
	return has && *has ? OVER : WRITE;
}

/* The contact is missing, merged into another, or there is another with its e-mail or phone. */
static void differ_contact(struct audit *a, const char *is, const char *other)
{
	struct buf *b = begin_difference(a, "contact", NONE);
	buf_member(b, "is", is);
	buf_member(b, "contact_id", other);
	buf_putc(b, '}');
}

/* One more text, as it is quoted, is to be written. */
static void add_text(struct buf *b, struct str quoted)
{
	if (b->n)
		buf_putc(b, ',');
	buf_add(b, quoted);
}

/* A custom field is to be written. */
static void mend_field(struct audit *a, const char *id, const char *text)
{
	struct buf *b = &a->mend.fields;
	buf_puts(b, b->n ? ",{" : "{");
	buf_member(b, "id", id);
	buf_member(b, "field_value", text);
	buf_putc(b, '}');
}

/* Whether the event was, or would have to be, the last to write it. */
static bool is_last(const struct audit *a, struct ledger_latest l)
{
	if (a->news == LEDGER_NEWS)
		return !l.subject || push_is_own(a->w, l) || l.moment <= a->w->subject.moment;
	return a->news == LEDGER_KNOWN && push_is_own(a->w, l);
}

/* Whether it was written after the event, or would have been; what occurred later stays where -R carries the
 * event out late. */
static bool is_later(const struct audit *a, struct ledger_latest l)
{
	bool later = l.moment > a->w->subject.moment || (a->news != LEDGER_NEWS && l.at > a->own.at);
	return l.subject && later;
}

/* Whether an event of another of these kinds has written the contact since. */
static bool written_since(const struct audit *a, unsigned kinds)
{
	for (enum event_kind kind = 0; kind < EVENT_KINDS; kind++)
		if (kind != a->w->event->kind && kinds & 1u << kind && is_later(a, a->kinds[kind]))
			return true;
	return false;
}

/* Whether an event about something else has made the contact a patient's since, and so written a PNOW ID. */
static bool linked_since(const struct audit *a)
{
	return is_later(a, a->link) && strcmp(a->link.subject, a->w->subject.subject) != 0;
}

/* Whether another event has written over what has this name in the CRM since; or whether the event has never
 * written it, since all that it tells of the patient was there. */
static bool overwritten(const struct audit *a, const char *name)
{
	if (a->news == LEDGER_KNOWN && a->w->by_other_name && !push_person_has(a->w, name))
		return true;
	const struct field *f = push_name_row(a->w, name);
	return f && (written_since(a, field_kinds(f)) || (field_is_for(f, FIELD_IF_LINK) && linked_since(a)));
}

/* Whether the event wrote it as a lead's, and something has written the contact since, which may have made it
 * a patient. */
static bool was_lead(const struct audit *a, const char *what)
{
	struct ledger_latest lead = push_latest(a->w, what);
	bool since = false;
	for (enum event_kind kind = 0; kind < EVENT_KINDS; kind++)
		since |= a->kinds[kind].at > lead.at;
	return since && push_is_own(a->w, lead);
}

/* Whether two texts are the same, or name one moment. */
static bool is_same_moment(const char *x, const char *y)
{
	int64_t a, b;
	return strcmp(x, y) == 0 || (when_moment(str_of(x), &a) && when_moment(str_of(y), &b) && a == b);
}

static enum outcome find_standing(struct audit *a)
{
	struct push_work *w = a->w;
	struct str body = {0};
	if (w->contact.standing != STANDING_UNKNOWN)
		return OUT_DONE;
	bool patient = push_standing_known(w);
	enum outcome out = patient ? OUT_DONE : push_mirror_read(w, PART_OPPORTUNITIES, &body);
	patient |= push_standing_won(w, jtext_get(body, "opportunities"));
	w->contact.standing = patient ? STANDING_PATIENT : STANDING_LEAD;
	return out == OUT_FAILED ? out : OUT_DONE;
}

/* The contact's own properties. */
static enum outcome compare_properties(struct audit *a, const char *key)
{
	struct push_work *w = a->w;
	struct jtext_members set = jtext_members(w->a, jtext_get(w->action, key));
	for (size_t i = 0; i < set.n; i++) {
		const char *name = arena_copy(w->a, set.at[i].name), *other = NULL;
		const char *want = jtext_string(w->a, set.at[i].value);
		const char *has = jtext_scalar(w->a, jtext_get(a->contact, name));
		if (!want || overwritten(a, name) || push_contact_same(name, want, has))
			continue;
		bool email = strcmp(name, "email") == 0, phone = strcmp(name, "phone") == 0;
		if ((email || phone) &&
			push_contact_search(w, email ? want : NULL, phone ? want : NULL, &other) == OUT_FAILED)
			return OUT_FAILED;
		bool taken = other && strcmp(other, w->contact.id) != 0;
		bool told = differ(a, name, want, has, taken ? NONE : over(has));
		if (told && taken)
			differ_contact(a, "duplicate", other);
		else if (told)
			buf_member(&a->mend.set, name, want);
	}
	return OUT_DONE;
}

/* Whether a field still says, and may, that the contact is a lead. */
static bool says_lead(const struct audit *a, struct str value, const char *has)
{
	const char *lead = jtext_string(a->w->a, jtext_get(value, "lead"));
	return lead && has && strcmp(lead, has) == 0 && was_lead(a, CHANGE_LEAD);
}

static enum outcome compare_field(struct audit *a, const char *name, struct str value)
{
	struct push_work *w = a->w;
	enum outcome out = OUT_DONE;
	const char *data_type = NULL;
	const char *id = push_name_id(w, NAME_FIELD, name, &data_type, &out);
	if (out == OUT_FAILED || (jtext_get(value, "lead").p && find_standing(a) == OUT_FAILED))
		return OUT_FAILED;
	const char *want = push_field_text(w, push_name_value(w, name, value), data_type),
			   *has = id ? push_field_in(w, a->contact, id) : NULL;
	if (want && *want && !(has && push_field_same(want, has)) && !says_lead(a, value, has) &&
		differ(a, name, want, has, id ? over(has) : NONE) && id)
		mend_field(a, id, want);
	return OUT_DONE;
}

static enum outcome compare_custom(struct audit *a, const char *key)
{
	struct push_work *w = a->w;
	enum outcome out = OUT_DONE;
	struct jtext_members fields = jtext_members(w->a, jtext_get(w->action, key));
	for (size_t i = 0; out == OUT_DONE && i < fields.n; i++) {
		struct str quoted = {fields.at[i].name.p - 1, fields.at[i].name.n + 2};
		const char *name = jtext_string(w->a, quoted);
		if (!overwritten(a, name))
			out = compare_field(a, name, fields.at[i].value);
	}
	return out;
}

/* What the event has written only because it made the contact, or made it the patient's. */
static enum outcome compare_first(
	struct audit *a, const char *key, enum outcome (*compare)(struct audit *, const char *))
{
	struct ledger_latest own = a->own, first = push_latest(a->w, key);
	if (a->news != LEDGER_KNOWN || !first.subject || strcmp(first.subject, a->w->subject.subject) != 0)
		return OUT_DONE;
	a->own = first;
	enum outcome out = compare(a, key);
	a->own = own;
	return out;
}

static enum outcome compare_contact(struct audit *a)
{
	if (compare_first(a, CHANGE_NEW, compare_properties) == OUT_FAILED ||
		compare_first(a, CHANGE_LINK, compare_custom) == OUT_FAILED)
		return OUT_FAILED;
	if (!is_last(a, a->own))
		return OUT_DONE;
	enum outcome out = compare_properties(a, "set");
	return out == OUT_DONE ? compare_custom(a, "fields") : out;
}

static const char *money(struct push_work *w, int64_t minor)
{
	return money_text(minor, arena_alloc(w->a, MONEY_TEXT));
}

/* The lifetime value: whether the bill is in it, and, by the last bill, whether it is what was written. */
static enum outcome compare_ltv(struct audit *a)
{
	struct push_work *w = a->w;
	enum outcome out = OUT_DONE;
	struct ledger_bill b;
	int64_t amount = 0, value = 0, held = 0;
	const char *bill = jtext_string(w->a, jtext_get(w->action, "bill"));
	const char *text = jtext_string(w->a, jtext_get(w->action, "amount"));
	const char *name = conf_name(&w->push->conf->names.fields, LIFETIME_VALUE);
	if (a->news == LEDGER_OLDER)
		return OUT_DONE;
	if (!bill || !text || !money_read(str_of(text), &amount))
		return push_result_malformed(w, "ltv.add needs a bill and an amount");
	if (!ledger_bill(w->push->state, w->location->id, bill, &b))
		return push_result_fail_state(w, "read");
	if (!b.known || b.pending || b.counted != amount) {
		differ(a, name, arena_printf(w->a, "bill %s with %s", bill, text),
			b.known && !b.pending ? arena_printf(w->a, "bill %s with %s", bill, money(w, b.counted)) : NULL,
			NONE);
		return OUT_DONE;
	}
	if (!is_last(a, a->own) || !ledger_lifetime(w->push->state, w->location->id, w->contact.id, &value))
		return OUT_DONE;
	const char *id = push_name_id(w, NAME_FIELD, name, NULL, &out),
			   *has = id ? push_field_in(w, a->contact, id) : NULL;
	if (out == OUT_FAILED)
		return out;
	bool same =
		(!has || money_read(str_of(has), &held)) && held == value; /* none is 0: that is not written */
	const char *pending = NULL; /* the value tells whether a bill is in it */
	if (same || !ledger_bill_pending(w->push->state, w->a, w->location->id, w->contact.id, "", &pending))
		return OUT_DONE;
	if (differ(a, name, money(w, value), has, id && !pending ? over(has) : NONE) && id && !pending)
		mend_field(a, id, money(w, value));
	return OUT_DONE;
}

/* The note that the event's state has: by its id, where the ledger knows it, else by its text. It may stand
 * with a contact that was left when patients were merged. */
static enum outcome compare_note(struct audit *a)
{
	struct push_work *w = a->w;
	struct str body = {0};
	const char *made = NULL, *wanted = jtext_string(w->a, jtext_get(w->action, "body"));
	bool written = a->news == LEDGER_NEWS ||
				   (a->news == LEDGER_KNOWN && ledger_happened(w->push->state, w->a, w->location->id,
												   push_attach_effect(w, "note.add", false), &made)) ||
				   (a->news == LEDGER_OLDER && ledger_applied(w->push->state, w->location->id, w->event->id));
	if (!wanted || !written)
		return OUT_DONE;
	if (push_mirror_read(w, PART_NOTES, &body) == OUT_FAILED)
		return OUT_FAILED;
	for (struct str at = {0}, list = jtext_get(body, "notes"); jtext_next(list, &at);)
		if ((!made || push_has_text(w->a, at, "id", made)) && push_has_text(w->a, at, "body", wanted))
			return OUT_DONE;
	if (a->news == LEDGER_NEWS || !ledger_is_left(w->push->state, w->location->id, w->subject.subject))
		differ(a, "note", wanted, NULL, NONE);
	return OUT_DONE;
}

static enum outcome compare_tags(struct audit *a)
{
	struct push_work *w = a->w;
	for (struct str at = {0}, tags = jtext_get(w->action, "tags"); jtext_next(tags, &at);) {
		const char *tag = jtext_string(w->a, at), *what = arena_printf(w->a, "tag.add/%s", tag ? tag : "");
		bool there = !tag || (a->news != LEDGER_NEWS && !push_latest(w, what).subject);
		for (struct str held = {0}, list = jtext_get(a->contact, "tags");
			 !there && jtext_next(list, &held);) {
			const char *one = jtext_string(w->a, held);
			there = one && strcasecmp(one, tag) == 0;
		}
		if (!there && a->news != LEDGER_OLDER && differ(a, "tag", tag, NULL, OVER))
			add_text(&a->mend.tags, at);
	}
	return OUT_DONE;
}

/* The contact's opportunity in a pipeline, by what the ledger knows, else the first; p NULL: there is none.
 */
static enum outcome find_opportunity(struct audit *a, const char *pipeline, struct str *found)
{
	struct push_work *w = a->w;
	struct str body = {0};
	*found = (struct str){0};
	const char *known = ledger_opportunity(w->push->state, w->a, w->location->id, w->contact.id, pipeline);
	if (push_mirror_read(w, PART_OPPORTUNITIES, &body) == OUT_FAILED)
		return OUT_FAILED;
	for (struct str at = {0}, list = jtext_get(body, "opportunities"); !found->p && jtext_next(list, &at);)
		if (known ? push_has_text(w->a, at, "id", known) : push_has_text(w->a, at, "pipelineId", pipeline))
			*found = at;
	return OUT_DONE;
}

/* Whether the status is to be written. */
static bool compare_status(struct audit *a, struct str opportunity, const char *want)
{
	return want && !push_has_text(a->w->a, opportunity, "status", want) &&
		   differ(
			   a, "opportunity.status", want, jtext_string(a->w->a, jtext_get(opportunity, "status")), OVER);
}

/* An id by which the opportunity stands, with the name that people know it by; whether it is to be written.
 */
static bool compare_place(struct audit *a, struct str opportunity, const char *key, const char *name,
	enum name_kind kind, const char *want)
{
	struct push_work *w = a->w;
	const char *has = jtext_string(w->a, jtext_get(opportunity, key));
	return (!has || strcmp(has, want) != 0) &&
		   differ(a, name, names_of(w->push->names, w->a, w->location, kind, want),
			   has ? names_of(w->push->names, w->a, w->location, kind, has) : NULL, OVER);
}

static enum outcome compare_move(struct audit *a)
{
	struct push_work *w = a->w;
	enum outcome out = OUT_DONE;
	struct str found;
	const char *in = jtext_string(w->a, jtext_get(w->action, "pipeline"));
	const char *at = jtext_string(w->a, jtext_get(w->action, "stage"));
	if (!in || !at)
		return push_result_malformed(w, "opportunity.move needs a pipeline and a stage");
	const char *change = arena_printf(w->a, "opportunity.move/%s", in);
	if (!is_last(a, push_latest(w, change)))
		return OUT_DONE;
	const char *pipeline, *stage = push_name_stage(w, in, at, &pipeline, &out);
	if (out == OUT_FAILED || find_standing(a) == OUT_FAILED ||
		(stage && find_opportunity(a, pipeline, &found) == OUT_FAILED))
		return OUT_FAILED;
	if (!stage || !found.p) {
		if (differ(a, "opportunity", arena_printf(w->a, "%s/%s", in, at), NULL, stage ? OVER : NONE) && stage)
			a->mend.move = w->action;
		return OUT_DONE;
	}
	bool moved = compare_place(a, found, "pipelineId", "opportunity.pipeline", NAME_PIPELINE, pipeline);
	moved |= compare_place(a, found, "pipelineStageId", "opportunity.stage", NAME_STAGE, stage);
	const char *lead = jtext_string(w->a, jtext_get(w->action, "lead"));
	if (!(lead && push_has_text(w->a, found, "status", lead) &&
			was_lead(a, arena_printf(w->a, CHANGE_OF_LEAD "%s", change))))
		moved |= compare_status(a, found,
			w->contact.standing == STANDING_PATIENT ? jtext_string(w->a, jtext_get(w->action, "patient"))
													: lead);
	if (moved)
		a->mend.move = w->action;
	return OUT_DONE;
}

/* The value of the opportunity in one pipeline, which the event was the last to set. */
static enum outcome compare_value(struct audit *a, struct str quoted, const char *in, const char *change)
{
	struct push_work *w = a->w;
	enum outcome out = OUT_DONE;
	struct str found;
	int64_t value = 0, held = 0;
	const char *pipeline = push_name_id(w, NAME_PIPELINE, in, NULL, &out);
	if (!pipeline || !ledger_lifetime(w->push->state, w->location->id, w->contact.id, &value))
		return out == OUT_FAILED ? out : OUT_DONE;
	if (find_standing(a) == OUT_FAILED || find_opportunity(a, pipeline, &found) == OUT_FAILED)
		return OUT_FAILED;
	if (!found.p) { /* a value makes none */
		differ(a, "opportunity", in, NULL, NONE);
		return OUT_DONE;
	}
	const char *has = jtext_scalar(w->a, jtext_get(found, "monetaryValue"));
	bool set = (!has || !money_read(str_of(has), &held) || held != value) &&
			   differ(a, "opportunity.value", money(w, value), has, over(has));
	if (w->contact.standing == STANDING_PATIENT && w->push->conf->move_opportunities &&
		!push_is_own(a->w, push_latest(w, arena_printf(w->a, CHANGE_OF_LEAD "%s", change))))
		set |= compare_status(a, found, "won");
	if (set) {
		add_text(&a->mend.values, quoted);
		w->contact.value = value;
		w->contact.value_known = true;
		w->contact.keeps_status = w->push->keeps;
	}
	return OUT_DONE;
}

static enum outcome compare_values(struct audit *a)
{
	struct push_work *w = a->w;
	enum outcome out = OUT_DONE;
	for (struct str at = {0}, list = jtext_get(w->action, "pipelines");
		 out == OUT_DONE && jtext_next(list, &at);) {
		const char *in = jtext_string(w->a, at);
		const char *what = arena_printf(w->a, "opportunity.value/%s", in ? in : "");
		if (in && a->news == LEDGER_KNOWN && is_last(a, push_latest(w, what)))
			out = compare_value(a, at, in, what);
	}
	return out;
}

/* The appointment's entry in the calendar, which nothing else writes; what is over is not made anew. */
static enum outcome compare_calendar(struct audit *a)
{
	static const char *const keys[][3] = {{"start", "startTime", "calendar.start"},
		{"end", "endTime", "calendar.end"}, {"status", "appointmentStatus", "calendar.status"}};
	struct push_work *w = a->w;
	struct str entry = {0};
	const char *start = jtext_string(w->a, jtext_get(w->action, "start"));
	bool differs = false, lacks = push_calendar_lacks(w);
	enum outcome out = a->news == LEDGER_OLDER || lacks ? OUT_DONE : push_calendar_read(w, &entry);
	if (out != OUT_DONE || a->news == LEDGER_OLDER)
		return out == OUT_FAILED ? out : OUT_DONE;
	for (size_t i = 0; entry.p && i < COUNT(keys); i++) {
		const char *want = jtext_string(w->a, jtext_get(w->action, keys[i][0]));
		const char *has = jtext_scalar(w->a, jtext_get(entry, keys[i][1]));
		if (want && has && *has && !is_same_moment(want, has)) /* a block slot has no status */
			differs |= differ(a, keys[i][2], want, has, OVER);
	}
	if (!entry.p)
		differs = differ(a, "calendar", start, NULL, lacks ? WRITE : OVER);
	if (differs)
		a->mend.calendar = w->action;
	return OUT_DONE;
}

/* What can be compared. An enrolment cannot be read back, and a tag that was taken off may have been set
 * again. */
static const struct {
	const char *op;
	enum outcome (*compare)(struct audit *);
} comparisons[] = {
	{"contact.upsert", compare_contact},
	{"ltv.add", compare_ltv},
	{"note.add", compare_note},
	{"tag.add", compare_tags},
	{"opportunity.move", compare_move},
	{"opportunity.value", compare_values},
	{"calendar.set", compare_calendar},
};

static const char *matched(struct push_work *w, const char *key)
{
	return jtext_string(w->a, jtext_get(jtext_get(w->upsert, "match"), key));
}

/* The contact as the CRM has it; OUT_IGNORED: there is none, and that was said where there should be one. */
static enum outcome find_contact(struct audit *a)
{
	struct push_work *w = a->w;
	struct str body = {0};
	const char *email = matched(w, "email"), *phone = matched(w, "phone"), *id = NULL;
	bool known = w->contact.id != NULL;
	if (!known && (email || phone) && push_contact_search(w, email, phone, &w->contact.id) == OUT_FAILED)
		return OUT_FAILED;
	if (w->contact.id) {
		push_contact_lock(w);
		enum outcome out = push_mirror_read(w, PART_CONTACT, &body);
		a->contact = jtext_get(body, "contact");
		if (out != OUT_IGNORED)
			return out;
	}
	if (known && (email || phone) && push_contact_search(w, email, phone, &id) == OUT_FAILED)
		return OUT_FAILED;
	if (known || email || phone)
		differ_contact(a, id ? "merged" : "missing", id);
	return OUT_IGNORED;
}

static enum outcome compare_all(struct audit *a)
{
	struct push_work *w = a->w;
	enum outcome out = OUT_DONE;
	for (enum event_kind kind = 0; kind < EVENT_KINDS; kind++)
		a->kinds[kind] = push_latest(a->w, event_kind_name(kind));
	a->own = a->kinds[w->event->kind];
	a->link = push_latest(a->w, CHANGE_LINK);
	for (struct str at = {0}; out == OUT_DONE && jtext_next(w->event->actions, &at);) {
		w->action = at;
		for (size_t i = 0; i < COUNT(comparisons); i++)
			if (push_has_text(w->a, at, "op", comparisons[i].op))
				out = comparisons[i].compare(a);
	}
	return out;
}

/* Puts right what differs, where that was asked for and can be. OUT_DONE: all of it was. */
static enum outcome mend(struct audit *a)
{
	struct push_work *w = a->w;
	if (w->push->mending != MEND_ALL)
		return OUT_SKIPPED;
	if (a->news != LEDGER_NEWS) {
		enum outcome out = push_mend(w, &a->mend);
		return out == OUT_FAILED || !a->by_hand ? out : OUT_SKIPPED;
	}
	bool known = w->contact.person_is_known || a->kinds[KIND_PATIENT].moment > w->subject.moment;
	push_contact_unlock(w);
	w->contact = (struct push_contact){.person_is_known = known};
	enum outcome out = push_contact_find(w);
	if (out == OUT_DONE)
		out = push_apply(w);
	push_mirror_forget(w);
	return out;
}

/* Shows what differs, or differed, in this sub-account. */
static void show(struct audit *a, bool mended)
{
	struct push_result *r = &a->w->result;
	struct buf *out = &r->shown;
	buf_putc(out, '{');
	push_result_head(a->w, out);
	buf_member(out, "status", mended ? "mended" : "differs");
	buf_printf(out, ",\"applied\":%s,\"differences\":[", a->news != LEDGER_NEWS ? "true" : "false");
	buf_add(out, buf_str(&a->differences));
	buf_putc(out, ']');
	if (a->w->push->mending == MEND_ALL && r->warnings.n)
		buf_printf(out, ",\"warnings\":[%.*s]", (int)r->warnings.n, r->warnings.p);
	buf_putc(out, '}');
	r->differs = !mended;
}

static void free_parts(struct audit *a)
{
	buf_free(&a->differences);
	buf_free(&a->mend.set);
	buf_free(&a->mend.fields);
	buf_free(&a->mend.tags);
	buf_free(&a->mend.values);
}

enum outcome push_audit(struct push_work *w)
{
	if (w->event->kind >= EVENT_KINDS)
		return OUT_IGNORED;
	struct audit a = {.w = w, .news = ledger_look(w->push->state, &w->subject)};
	if (a.news == LEDGER_FAILED)
		return push_result_fail_state(w, "read");
	for (struct str at = {0}; jtext_next(w->event->actions, &at);)
		if (push_has_text(w->a, at, "op", "contact.upsert"))
			w->upsert = at;
	enum outcome out = find_contact(&a);
	if (out == OUT_DONE)
		out = compare_all(&a);
	if (out != OUT_FAILED && a.differences.n && (out = mend(&a)) != OUT_FAILED)
		show(&a, out == OUT_DONE || out == OUT_UNCHANGED);
	free_parts(&a);
	return out;
}
