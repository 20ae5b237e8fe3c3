/*
 * The lifetime value: read, added to in minor units, written. The ledger has for each bill what of it is
 * counted and, while an addition is under way, the value before and after it; so whoever comes after a crash
 * knows from the CRM's value whether it happened.
 */
#include "push.h"
#include "state/rehearsal.h"
#include "value/money.h"

static const char *field_name(const struct push_work *w)
{
	return conf_name(&w->push->conf->names.fields, LIFETIME_VALUE);
}

/* The value that the contact holds now. */
static enum outcome read_value(struct push_work *w, const char *field, int64_t *value)
{
	enum outcome out = push_contact_read(w);
	if (out != OUT_DONE)
		return out;
	const char *text = push_field_in(w, w->contact.now, field);
	*value = 0;
	if (text && !money_read(str_of(text), value))
		return push_result_fail(w, "bad_value", false,
			"the contact's Patient Lifetime Value is no amount: mend it in the CRM, then run again");
	return OUT_DONE;
}

enum outcome push_ltv_read(struct push_work *w)
{
	enum outcome out = OUT_DONE;
	if (w->contact.value_known)
		return OUT_DONE;
	const char *field = push_name_id(w, NAME_FIELD, field_name(w), NULL, &out);
	if (!field || (out = read_value(w, field, &w->contact.value)) != OUT_DONE)
		return out;
	w->contact.value_known = true;
	return OUT_DONE;
}

/* An addition to the value, and when it was begun; 0: it was not. */
struct addition {
	struct push_work *w;
	const char *bill;
	int64_t amount, before, after, since;
};

static enum ledger_effect begin_addition(void *context)
{
	struct addition *x = context;
	return ledger_bill_begin(x->w->push->state, x->w->location->id, x->bill, x->w->contact.id, x->amount,
			   x->before, x->after, &x->since)
			   ? EFFECT_NEW
			   : EFFECT_FAILED;
}

/* PUT /contacts/ID with this text in the field. */
static struct crm_answer put(
	struct push_work *w, const char *field, const char *text, const struct push_begin *begin)
{
	struct buf body = {0};
	buf_puts(&body, "{\"customFields\":[{");
	buf_member(&body, "id", field);
	buf_member(&body, "field_value", text);
	buf_puts(&body, "}]}");
	struct crm_answer answer =
		push_request_begun(w, "PUT", push_request_path(w, ""), buf_str(&body), true, begin);
	buf_free(&body);
	return answer;
}

/* Writes the value after the addition into the contact; the answer must say that it is there. Where there is
   another answer, or none, nobody knows whether it is: the addition stays pending, and the value tells who
   comes next. */
static enum outcome write_value(struct push_work *w, const char *field, struct addition *addition)
{
	char text[MONEY_TEXT];
	struct push_begin begin = {begin_addition, NULL, addition};
	struct crm_answer answer = put(w, field, money_text(addition->after, text), &begin);
	if (answer.error)
		return push_result_fail_with(w, &answer);
	struct str contact = w->contact.now = jtext_get(answer.body, "contact");
	const char *held = push_field_in(w, contact, field);
	int64_t stored = 0;
	if (jtext_type(jtext_get(contact, "customFields")) != JTEXT_ARRAY ||
		(held && money_read(str_of(held), &stored) && stored == addition->after))
		return OUT_DONE;
	names_doubt(w->push->names, w->location, NAME_FIELD);
	return push_result_fail(w, "dropped", true,
		"the CRM did not take the Patient Lifetime Value: is the field monetary or text?");
}

/* A bill whose addition was begun and not ended: the contact's value says whether it happened. Where somebody
 * else has changed the value since, it stays pending. */
static enum outcome settle(struct push_work *w, const char *bill, int64_t now)
{
	struct ledger_bill b;
	const char *location = w->location->id;
	if (!ledger_bill(w->push->state, location, bill, &b))
		return push_result_fail_state(w, "used");
	if (!b.pending)
		return OUT_DONE;
	enum outcome out = push_request_await(w, b.since);
	if (out != OUT_DONE || (now != b.after && now != b.before))
		return out;
	return ledger_bill_end(w->push->state, location, bill, now == b.after)
			   ? OUT_DONE
			   : push_result_fail_state(w, "used");
}

/* All such bills of this contact, whosesoever: once the value changes it tells nothing about them any more.
 */
static enum outcome settle_all(struct push_work *w, int64_t now)
{
	for (const char *bill = "";;) {
		if (!ledger_bill_pending(w->push->state, w->a, w->location->id, w->contact.id, bill, &bill))
			return push_result_fail_state(w, "used");
		enum outcome out = bill ? settle(w, bill, now) : OUT_DONE;
		if (!bill || out != OUT_DONE)
			return out;
	}
}

/* The result tells what was added, and the first time that a bill adds something for which items. */
static void tell_added(struct push_work *w, int64_t added, bool first)
{
	struct buf *told = &w->result.told;
	struct str items = jtext_get(record_get(w->event->r, "bill"), "items");
	char money[MONEY_TEXT];
	buf_member(told, "amount", money_text(added, money));
	if (!first || added <= 0 || jtext_type(items) != JTEXT_ARRAY)
		return;
	buf_puts(told, ",\"items\":[");
	for (struct str at = {0}; jtext_next(items, &at);) {
		buf_puts(told, told->p[told->n - 1] == '[' ? "{" : ",{");
		buf_member(told, "name", jtext_string(w->a, jtext_get(at, "name")));
		buf_member(told, "amount", jtext_scalar(w->a, jtext_get(at, "amount")));
		buf_putc(told, '}');
	}
	buf_putc(told, ']');
}

/* Adds what of the amount is not counted yet. */
static enum outcome add(
	struct push_work *w, const char *bill, const char *field, int64_t amount, const struct ledger_bill *b)
{
	const char *location = w->location->id;
	int64_t before = w->contact.value, after;
	if (__builtin_add_overflow(before, amount - b->counted, &after))
		return push_result_fail(w, "bad_money", false, "the lifetime value would be too large");
	struct addition addition = {w, bill, amount, before, after, 0};
	enum outcome out = OUT_DONE;
	if (after != before)
		out = write_value(w, field, &addition);
	else if (begin_addition(&addition) == EFFECT_FAILED)
		return push_result_fail_state(w, "written");
	if (out != OUT_DONE && addition.since)
		ledger_bill_rest(w->push->state, location, bill, addition.since);
	if (out == OUT_DONE && !ledger_bill_end(w->push->state, location, bill, true))
		return push_result_fail_state(w, "written");
	if (out == OUT_DONE) {
		w->contact.value = after;
		tell_added(w, after - before, b->counted == 0);
	}
	return out;
}

static enum outcome undecided(struct push_work *w, const char *bill, const char *why)
{
	return push_result_fail(w, "undecided", false,
		arena_printf(w->a,
			"bill %s: %s, and the value has been changed since by somebody else: compare it with the bills, "
			"by hand",
			bill, why));
}

/* Where the ledger has a gap: whether the addition is in the value. The note that is written after it tells;
   so does the value, of who was interrupted in between. OUT_DONE: it is in, and the ledger knows now;
   OUT_IGNORED: it is not. */
static enum outcome find_added(
	struct push_work *w, const char *bill, int64_t amount, const struct ledger_bill *b)
{
	struct state *state = w->push->state;
	const char *location = w->location->id;
	int64_t before, since, now = w->contact.value, more = amount - b->counted;
	bool known = ledger_lifetime(state, location, w->contact.id, &before);
	if (!w->gap.noted && now != before + more)
		return known && now != before && w->gap.effects
				   ? undecided(w, bill, "nobody knows whether it was added before the state was loaded")
				   : OUT_IGNORED;
	w->gap.effects = w->gap.since; /* it was carried out, or was begun */
	if (!known)
		before = now - more;
	return ledger_bill_begin(state, location, bill, w->contact.id, amount, before, before + more, &since) &&
				   ledger_bill_end(state, location, bill, true)
			   ? OUT_DONE
			   : push_result_fail_state(w, "written");
}

/* In a dry run nobody knows the value. */
static enum outcome rehearse(struct push_work *w, const char *bill, const char *field, int64_t amount)
{
	struct state *state = w->push->state;
	const char *location = w->location->id;
	struct ledger_bill b = {0};
	int64_t since;
	char text[MONEY_TEXT];
	if (state && !(rehearsal_bill(state, location, bill) && ledger_bill(state, location, bill, &b)))
		return push_result_fail_state(w, "read");
	if (amount > 0 && push_standing_is_patient(w) != OUT_DONE)
		return OUT_FAILED;
	if (b.known && !b.pending && b.counted == amount)
		return OUT_UNCHANGED;
	put(w, field, arena_printf(w->a, "{Patient Lifetime Value + %s}", money_text(amount - b.counted, text)),
		NULL);
	if (state && !(ledger_bill_begin(state, location, bill, w->contact.id, amount, 0, 0, &since) &&
					 ledger_bill_end(state, location, bill, true)))
		return push_result_fail_state(w, "written");
	return OUT_DONE;
}

/* What the contact's value is, and what of the bill is in it. */
static enum outcome look(struct push_work *w, const char *bill, struct ledger_bill *b)
{
	enum outcome out = push_contact_read(w);
	if (out != OUT_DONE || (out = push_ltv_read(w)) != OUT_DONE ||
		(out = settle_all(w, w->contact.value)) != OUT_DONE)
		return out;
	if (!ledger_bill(w->push->state, w->location->id, bill, b))
		return push_result_fail_state(w, "read");
	return b->pending ? undecided(w, bill, "an addition to the lifetime value was interrupted") : OUT_DONE;
}

enum outcome push_ltv_take(struct push_work *w, const char *name, int64_t *taken)
{
	enum outcome out = OUT_DONE;
	struct ledger_bill b;
	const char *field = push_name_id(w, NAME_FIELD, field_name(w), NULL, &out);
	*taken = 0;
	if (!field || w->push->dry || (out = look(w, name, &b)) != OUT_DONE)
		return out;
	int64_t value = b.counted ? -b.counted : w->contact.value;
	out = b.counted || !value ? OUT_UNCHANGED : add(w, name, field, -value, &b);
	*taken = out == OUT_FAILED ? 0 : value;
	return out;
}

enum outcome push_ltv_give(struct push_work *w, const char *name, int64_t amount)
{
	enum outcome out = OUT_DONE;
	struct ledger_bill b;
	const char *field = push_name_id(w, NAME_FIELD, field_name(w), NULL, &out);
	if (!field || !amount || (out = look(w, name, &b)) != OUT_DONE)
		return out;
	return b.counted == amount ? OUT_UNCHANGED : add(w, name, field, amount, &b);
}

enum outcome push_ltv_add(struct push_work *w)
{
	enum outcome out = OUT_DONE;
	struct ledger_bill b;
	int64_t amount;
	const char *bill = jtext_string(w->a, jtext_get(w->action, "bill"));
	const char *text = jtext_string(w->a, jtext_get(w->action, "amount"));
	if (!bill || !text || !money_read(str_of(text), &amount))
		return push_result_malformed(w, "ltv.add needs a bill and an amount");
	const char *field = push_name_id(w, NAME_FIELD, field_name(w), NULL, &out);
	if (!field)
		return out;
	if (w->push->dry)
		return rehearse(w, bill, field, amount);
	if ((out = look(w, bill, &b)) != OUT_DONE)
		return out;
	if (amount > 0 && (out = push_standing_is_patient(w)) != OUT_DONE)
		return out;
	if (b.known && b.counted == amount)
		return OUT_UNCHANGED;
	if (w->gap.since && (out = find_added(w, bill, amount, &b)) != OUT_IGNORED)
		return out;
	return add(w, bill, field, amount, &b);
}
