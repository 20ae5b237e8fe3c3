/*
 * Custom fields: a value of an action in the form that the field's dataType wants, and the comparison of what
 * was sent with what the CRM says it holds, which is the only way to see that it dropped something.
 */
#include "push.h"
#include "value/money.h"
#include "value/when.h"

#include <strings.h>

/* "2026-12-01T15:30:00-07:00" for people: 2026-12-01 15:30. */
static const char *clock_text(struct arena *a, const char *time)
{
	return strlen(time) >= 16 ? arena_printf(a, "%.10s %.5s", time, time + 11) : time;
}

const char *push_field_text(struct push_work *w, struct str value, const char *data_type)
{
	bool date = data_type && strcmp(data_type, "DATE") == 0;
	if (jtext_type(value) != JTEXT_OBJECT)
		return jtext_scalar(w->a, value);
	const char *time = jtext_string(w->a, jtext_get(value, "time"));
	if (time)
		return date ? arena_printf(w->a, "%.10s", time) : clock_text(w->a, time);
	static const char *const plain[] = {"date", "money"};
	for (size_t i = 0; i < COUNT(plain); i++) {
		const char *text = jtext_string(w->a, jtext_get(value, plain[i]));
		if (text)
			return text;
	}
	if (w->contact.standing == STANDING_UNKNOWN)
		return NULL;
	return jtext_string(w->a, jtext_get(value, w->contact.standing == STANDING_PATIENT ? "patient" : "lead"));
}

enum outcome push_field_write(struct push_work *w, struct buf *list, const char *name, struct str value)
{
	enum outcome out = OUT_DONE;
	const char *data_type = NULL;
	const char *id = push_name_id(w, NAME_FIELD, name, &data_type, &out);
	if (!id)
		return out == OUT_FAILED ? OUT_FAILED : OUT_DONE;
	const char *text = push_field_text(w, push_name_value(w, name, value), data_type);
	if (!text || !*text)
		return OUT_DONE;
	if (list->p[list->n - 1] != '[')
		buf_putc(list, ',');
	buf_putc(list, '{');
	buf_member(list, "id", id);
	buf_member(list, "field_value", text);
	buf_putc(list, '}');
	return OUT_DONE;
}

/* What an entry of a contact's customFields holds, as text; NULL: nothing. */
static const char *held_by(struct push_work *w, struct str entry)
{
	static const char *const keys[] = {"value", "field_value", "fieldValue"};
	for (size_t i = 0; i < COUNT(keys); i++) {
		const char *text = jtext_scalar(w->a, jtext_get(entry, keys[i]));
		if (text && *text)
			return text;
	}
	struct str one = {0}; /* a list of options that holds one */
	return jtext_next(jtext_get(entry, "value"), &one) ? jtext_scalar(w->a, one) : NULL;
}

/* What customFields, a list, holds for an id, as text; NULL: nothing. Looks from the entry behind *at on, and
 * around: who looks for fields in the order in which they stand there finds each at once. */
static const char *held_behind(struct push_work *w, struct str list, struct str *at, const char *id)
{
	for (int rounds = at->p ? 2 : 1; rounds > 0; rounds--, *at = (struct str){0})
		while (jtext_next(list, at)) {
			struct str this = jtext_get(*at, "id");
			bool is =
				jtext_type(this) == JTEXT_STRING && jtext_named((struct str){this.p + 1, this.n - 2}, id);
			const char *text = is ? held_by(w, *at) : NULL;
			if (text)
				return text;
		}
	return NULL;
}

const char *push_field_in(struct push_work *w, struct str contact, const char *id)
{
	return held_behind(w, jtext_get(contact, "customFields"), &(struct str){0}, id);
}

bool push_field_same(const char *sent, const char *held)
{
	int64_t x, y, ms;
	if (strcmp(sent, held) == 0)
		return true;
	if (money_read(str_of(sent), &x) && money_read(str_of(held), &y))
		return x == y;
	char date[WHEN_DATE];
	if (strlen(sent) == 10 && when_date(str_of(sent), false, date))
		return strncmp(sent, held, 10) == 0 ||
			   (strlen(held) >= 10 && !when_moment(str_of(held), &ms) && !strchr(held, '-'));
	return false;
}

bool push_field_compare(struct push_work *w, struct str list, struct str contact)
{
	struct str fields = jtext_get(contact, "customFields"), behind = {0};
	bool doubted = false;
	if (jtext_type(fields) != JTEXT_ARRAY)
		return false;
	for (struct str at = {0}; jtext_next(list, &at);) {
		const char *sent = jtext_string(w->a, jtext_get(at, "field_value"));
		const char *held = held_behind(w, fields, &behind, jtext_string(w->a, jtext_get(at, "id")));
		if (held && push_field_same(sent, held))
			continue;
		if (!doubted && names_doubt(w->push->names, w->location, NAME_FIELD))
			return true;
		doubted = true;
		const char *id = jtext_string(w->a, jtext_get(at, "id"));
		const char *name = names_of(w->push->names, w->a, w->location, NAME_FIELD, id);
		push_result_warn(w, "the CRM did not take the value of %s", name ? name : id);
	}
	return false;
}
