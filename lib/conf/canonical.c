/*
 * Facts in the EMR's form become facts in ours: ids and words as text, times with an offset, dates, money,
 * true or false. event_facts says which fact has which form; what cannot be read stays as it is, for crm-map
 * to warn about.
 */
#include "conf/canonical.h"
#include "text/buf.h"
#include "value/money.h"
#include "value/when.h"

#include <strings.h>

/* The text of a fact in a source, or NULL. */
static const char *text_in(struct arena *a, const struct source *s, const char *name)
{
	if (!s->body.p)
		return NULL;
	if (s->fields)
		return profile_text_in(profile_field(s->fields, name), a, (struct place_body){s->body, s->members});
	const char *text = jtext_scalar(a, jtext_get(s->body, name));
	return text && *text ? text : NULL;
}

/* Text without the blanks around it; NULL where nothing is left. */
static const char *trimmed(struct arena *a, const char *text)
{
	if (!text)
		return NULL;
	size_t blanks = strspn(text, " \t\r\n"), n = strlen(text + blanks);
	while (n && strchr(" \t\r\n", text[blanks + n - 1]))
		n--;
	return n ? arena_copy(a, (struct str){text + blanks, n}) : NULL;
}

const char *fact(struct arena *a, const struct sources *sources, const char *name)
{
	const char *text = NULL;
	for (int i = 0; i < SOURCES && !text; i++)
		text = text_in(a, &sources->at[i], name);
	return trimmed(a, text);
}

bool fact_told(const struct sources *sources, const char *name)
{
	if (sources->status && strcmp(name, "status") == 0)
		return true;
	for (int i = 0; i < SOURCES; i++) {
		const struct source *s = &sources->at[i];
		if (!s->body.p)
			continue;
		const struct profile_pointers *from = s->fields ? profile_field(s->fields, name) : NULL;
		if (from ? profile_has(from, s->body) : !s->fields && jtext_get(s->body, name).p)
			return true;
	}
	return false;
}

static const char *money_form(struct arena *a, const char *text)
{
	int64_t minor;
	return money_read(str_of(text), &minor) ? money_text(minor, arena_alloc(a, MONEY_TEXT)) : text;
}

/* A fact's text in our form. */
static const char *formed(const struct profile *p, struct arena *a, enum fact_form form, const char *text)
{
	char *room = arena_alloc(a, WHEN_TEXT);
	bool day_first = p->day_first;
	switch (form) {
	case FACT_STATUS:
		return profile_status(p, text) ? profile_status(p, text) : text;
	case FACT_BILL:
		return profile_bill_status(p, text) ? profile_bill_status(p, text) : text;
	case FACT_TIME:
		return when_local(str_of(profile_time(p, a, text)), day_first, room) ? room : text;
	case FACT_DATE:
		return when_date(str_of(profile_time(p, a, text)), day_first, room) ? room : text;
	case FACT_MONEY:
		return money_form(a, text);
	default:
		return text;
	}
}

/* "unsubscribed":true, for the words that EMRs have for it; nothing for another word. */
static void write_flag(struct buf *out, const char *name, const char *text)
{
	static const char *const yes[] = {"true", "1", "yes", "y"}, *const no[] = {"false", "0", "no", "n"};
	for (size_t i = 0; i < COUNT(yes); i++) {
		bool is = strcasecmp(text, yes[i]) == 0;
		if (!is && strcasecmp(text, no[i]) != 0)
			continue;
		if (out->n > 1)
			buf_putc(out, ',');
		buf_json(out, str_of(name));
		buf_puts(out, is ? ":true" : ":false");
		return;
	}
}

/* "items":[{"name":…,"amount":…},…] from the first source that has a list. */
static void write_items(
	const struct profile *p, struct arena *a, struct buf *out, const struct sources *sources)
{
	const struct profile_kind *bill = &p->kinds[KIND_BILL];
	for (int i = 0; i < SOURCES; i++) {
		const struct source *s = &sources->at[i];
		struct str items = {0}, at = {0};
		if (s->body.p)
			items = s->fields ? profile_find(&bill->items, s->body) : jtext_get(s->body, "items");
		if (jtext_type(items) != JTEXT_ARRAY)
			continue;
		buf_puts(out, out->n > 1 ? ",\"items\":[" : "\"items\":[");
		for (bool first = true; jtext_next(items, &at); first = false) {
			struct sources item = {.at = {{.body = at, .fields = s->fields ? &bill->item : NULL}}};
			const char *amount = fact(a, &item, "amount");
			buf_puts(out, first ? "{" : ",{");
			buf_member(out, "name", fact(a, &item, "name"));
			buf_member(out, "amount", amount ? money_form(a, amount) : NULL);
			buf_putc(out, '}');
		}
		buf_putc(out, ']');
		return;
	}
}

/* "merged_from":[…], the ids other than the patient's own that the first source tells: a value, or a list of
   them. */
static void write_merged(
	const struct profile *p, struct arena *a, struct buf *out, const struct sources *sources)
{
	const struct profile_kind *patient = &p->kinds[KIND_PATIENT];
	const char *own = fact(a, sources, "id");
	size_t start = out->n;
	for (int i = 0; i < SOURCES && out->n == start; i++) {
		const struct source *s = &sources->at[i];
		struct str told = {0}, at = {0};
		if (s->body.p && !s->fields)
			told = jtext_get(s->body, "merged_from");
		else if (s->body.p && s->fields == &patient->fields)
			told = profile_find(&patient->merged_from, s->body);
		while (jtext_type(told) == JTEXT_ARRAY ? jtext_next(told, &at) : !at.p && (at = told).p) {
			const char *id = jtext_scalar(a, at);
			if (!id || !*id || (own && strcmp(id, own) == 0))
				continue;
			buf_puts(out, out->n > start ? "," : out->n > 1 ? ",\"merged_from\":[" : "\"merged_from\":[");
			buf_json(out, str_of(id));
		}
	}
	if (out->n > start)
		buf_putc(out, ']');
}

/* The sources with the members of their bodies, which many facts are looked for among. */
static struct sources with_members(struct arena *a, const struct sources *sources)
{
	struct sources found = *sources;
	for (int i = 0; i < SOURCES; i++) {
		struct source *s = &found.at[i];
		if (!s->body.p || !s->fields)
			continue;
		struct jtext_members *members = arena_alloc(a, sizeof *members);
		*members = jtext_members(a, s->body);
		s->members = members;
	}
	return found;
}

struct str canonical(const struct profile *p, struct arena *a, enum event_kind kind,
	const struct sources *sources, const char *status_default)
{
	const struct sources found = with_members(a, sources);
	struct buf out = {0};
	sources = &found;
	buf_putc(&out, '{');
	for (const struct event_fact *f = event_facts(kind); f->name; f++) {
		const char *name = f->name;
		enum fact_form form = f->form;
		if (form == FACT_ITEMS) {
			write_items(p, a, &out, sources);
			continue;
		}
		const char *text = fact(a, sources, name);
		if (form == FACT_STATUS)
			text = sources->status ? sources->status : text ? text : status_default;
		if (!text)
			continue;
		if (form == FACT_FLAG)
			write_flag(&out, name, text);
		else
			buf_member(&out, name, formed(p, a, form, text));
	}
	if (kind == KIND_PATIENT)
		write_merged(p, a, &out, sources);
	buf_putc(&out, '}');
	struct str object = buf_take(&out, a);
	return object.n > 2 ? object : (struct str){0};
}
