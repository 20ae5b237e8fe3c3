/* Writing a profile that was learnt: what is asked for first, then the keys in the order of pnow.conf(5). */
#include "learn.h"
#include "conf/settings.h"
#include "stream/table.h"
#include "text/buf.h"

#include <stdio.h>

/* A profile that is written. */
struct writing {
	struct learned *l;
	struct buf out;
	struct settings base; /* root's p NULL: there is none */
	const struct profile *of_base;
};

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Copies the members of an object of the base, but for some. */
static void copy_members(
	struct writing *w, struct str object, const char *indent, const char *const *but, size_t n)
{
	struct jtext_members members = jtext_members(w->l->a, object);
	for (size_t i = 0; i < members.n; i++) {
		const char *name = settings_name(&w->base, &members.at[i]);
		if (is_one_of(name, but, n))
			continue;
		buf_printf(&w->out, "%s\"%s\": ", indent, name);
		buf_dense(&w->out, members.at[i].value);
		buf_puts(&w->out, ",\n");
	}
}

/* "key": ["place", ...], with a comment where it was guessed; more are the base's places, or NULL. */
static void write_list(struct writing *w, const char *indent, const char *key,
	const struct learned_list *list, const struct profile_pointers *more, bool last)
{
	const char *note = NULL;
	size_t n = 0;
	buf_printf(&w->out, "%s\"%s\": [", indent, key);
	for (size_t i = 0; i < list->n; i++) {
		buf_puts(&w->out, n++ ? ", " : "");
		buf_json(&w->out, str_of(list->at[i].place));
		note = note ? note : list->at[i].note;
	}
	for (size_t i = 0; more && i < more->n; i++) {
		bool there = false;
		for (size_t j = 0; j < list->n; j++)
			there |= place_same(str_of(list->at[j].place), str_of(more->at[i]), false);
		if (there)
			continue;
		buf_puts(&w->out, n++ ? ", " : "");
		buf_json(&w->out, str_of(more->at[i]));
	}
	buf_printf(&w->out, "]%s%s%s\n", last ? "" : ",", note ? " // a guess: " : "", note ? note : "");
}

static void write_names(struct writing *w, const char *key, const struct learned_names *names,
	const char *const (*more)[2], size_t n)
{
	buf_printf(&w->out, "  \"%s\": {\n", key);
	for (size_t i = 0; i < names->n; i++) {
		buf_puts(&w->out, "    ");
		buf_json(&w->out, str_of(names->at[i].name));
		buf_printf(&w->out, ": \"%s\",\n", names->at[i].is);
	}
	for (size_t i = 0; i < n; i++) {
		bool there = false;
		for (size_t j = 0; j < names->n; j++)
			there |= place_same(str_of(names->at[j].name), str_of(more[i][0]), true);
		if (!there)
			buf_printf(&w->out, "    \"%s\": \"%s\",\n", more[i][0], more[i][1]);
	}
	w->out.n -= 2;
	buf_puts(&w->out, "\n  },\n");
}

static void write_questions(struct writing *w)
{
	const struct learned *l = w->l;
	buf_puts(&w->out,
		"// Written by pnow-profile learn. What it guessed has a comment. What it cannot know, for somebody who does:\n//\n");
	for (size_t i = 0; i < l->questions_n; i++)
		buf_printf(&w->out, "// %zu. %s\n", i + 1, l->questions[i]);
	buf_puts(&w->out, "//\n// Then see what it does: pnow-profile -p FILE explain BODY\n{\n");
}

static void write_event(struct writing *w)
{
	const struct learned *l = w->l;
	const struct {
		const char *key;
		const struct learned_list *list;
	} parts[] = {
		{"list", &l->event.list}, {"id", &l->event.id}, {"time", &l->event.time}, {"data", &l->event.data}};
	buf_puts(&w->out, "  \"event\": {\n");
	for (size_t i = 0; i < COUNT(parts); i++)
		if (parts[i].list->n)
			write_list(w, "    ", parts[i].key, parts[i].list, NULL, false);
	static const struct learned_list nowhere = {{{"/event", 0, "it was not found"}}, 1};
	write_list(w, "    ", "name", l->event.name.n ? &l->event.name : &nowhere, NULL, true);
	buf_puts(&w->out, "  },\n");
}

static bool has_places(const struct learned_list *lists)
{
	size_t n = 0;
	for (size_t i = 0; i < 16; i++)
		n += lists[i].n;
	return n > 0;
}

static void write_fields(
	struct writing *w, enum event_kind kind, const char *key, const struct learned_list *lists, bool last)
{
	enum event_kind about = strcmp(key, "fields") == 0 ? kind : EVENT_KINDS;
	const struct profile_fields *base = w->of_base ? profile_fields(w->of_base, kind, about) : NULL;
	const struct event_fact *facts = event_facts(kind);
	size_t end = 0;
	for (size_t i = 0; facts[i].name; i++)
		if (lists[i].n || (base && profile_field(base, facts[i].name)))
			end = i;
	buf_printf(&w->out, "    \"%s\": {\n", key);
	for (size_t i = 0; i <= end; i++) {
		const struct profile_pointers *more = base ? profile_field(base, facts[i].name) : NULL;
		if (lists[i].n || more || i == 0)
			write_list(w, "      ", facts[i].name, &lists[i], more, i == end);
	}
	buf_printf(&w->out, "    }%s\n", last ? "" : ",");
}

static void write_items(struct writing *w)
{
	const struct learned *l = w->l;
	const struct profile_kind *base = w->of_base ? &w->of_base->kinds[KIND_BILL] : NULL;
	if (!l->items.n && !base)
		return;
	write_list(w, "    ", "items", &l->items, base ? &base->items : NULL, false);
	buf_puts(&w->out, "    \"item\": {\n");
	write_list(w, "      ", "name", &l->item_name, base ? profile_field(&base->item, "name") : NULL, false);
	write_list(
		w, "      ", "amount", &l->item_amount, base ? profile_field(&base->item, "amount") : NULL, true);
	buf_puts(&w->out, "    },\n");
}

static void write_kind(struct writing *w, enum event_kind kind)
{
	static const char *const ours[] = {"fields", "elsewhere", "items", "item"};
	const struct learned_kind *k = &w->l->kinds[kind];
	bool own = has_places(k->fields), elsewhere = has_places(k->elsewhere);
	if (!own && !elsewhere && !w->of_base)
		return;
	buf_printf(&w->out, "  \"%s\": {\n", event_kind_name(kind));
	if (w->of_base)
		copy_members(w, jtext_get(w->base.root, event_kind_name(kind)), "    ", ours, COUNT(ours));
	if (kind == KIND_BILL)
		write_items(w);
	if (own && elsewhere)
		write_fields(w, kind, "elsewhere", k->elsewhere, false);
	if (!own && elsewhere)
		buf_puts(&w->out, "    // as in bodies about something else: no body about a patient was given\n");
	write_fields(w, kind, "fields", own || !elsewhere ? k->fields : k->elsewhere, true);
	buf_puts(&w->out, "  },\n");
}

/* What webhooks are like around their events: seen, or the base's. */
static void write_webhooks(struct writing *w)
{
	static const struct profile nothing;
	const struct profile *base = w->of_base ? w->of_base : &nothing;
	const struct learned *l = w->l;
	const char *query = l->challenge_query ? l->challenge_query : base->challenge.query;
	struct learned_list body = {.n = l->challenge_body != NULL, .at = {{.place = l->challenge_body}}};
	if (l->probe || base->probe)
		buf_puts(&w->out, "  \"probe\": true,\n");
	if (query || body.n || base->challenge.body.n) {
		buf_puts(&w->out, "  \"challenge\": {\n");
		if (body.n || base->challenge.body.n)
			write_list(w, "    ", "body", &body, &base->challenge.body, !query);
		if (query) {
			buf_puts(&w->out, "    \"query\": ");
			buf_json(&w->out, str_of(query));
			buf_puts(&w->out, "\n");
		}
		buf_puts(&w->out, "  },\n");
	}
	if (l->form || base->form)
		buf_puts(&w->out, "  \"form\": true,\n");
	if (base->compressed)
		buf_printf(&w->out, "  \"compressed\": \"%s\",\n", base->compressed);
	else if (l->compressed)
		buf_puts(&w->out,
			"  \"compressed\": \"unpacked\", // a guess: \"sent\", where that is what the sender signs\n");
}

void learn_write(struct learned *l, const char *base)
{
	static const char *const pings[][2] = {{"ping", "ping"}, {"test", "ping"}};
	static const char *const statuses[][2] = {{"booked", "booked"}, {"scheduled", "booked"},
		{"confirmed", "booked"}, {"rescheduled", "booked"}, {"checked out", "checked_out"},
		{"completed", "checked_out"}, {"cancelled", "cancelled"}, {"canceled", "cancelled"},
		{"no show", "no_show"}};
	static const char *const bill_statuses[][2] = {{"void", "void"}, {"voided", "void"},
		{"cancelled", "void"}, {"deleted", "void"}, {"refunded", "refunded"}};
	static const char *const ours[] = {"name", "day_first", "utc", "epoch", "probe", "challenge", "form",
		"compressed", "event", "events", "statuses", "patient", "appointment", "bill", "membership"};
	struct writing w = {.l = l};
	struct profile *of_base = base ? profile_read(base, "-b") : NULL;
	w.of_base = of_base;
	write_questions(&w);
	buf_puts(&w.out, "  \"name\": \"learnt\",\n");
	if (base) {
		w.base = settings_read(l->a, profile_path(l->a, base), "the profile");
		copy_members(&w, w.base.root, "  ", ours, COUNT(ours));
	}
	if (l->day_first)
		buf_puts(&w.out, "  \"day_first\": true,\n");
	if (l->epoch)
		buf_printf(&w.out, "  \"epoch\": \"%s\",\n", l->epoch);
	write_webhooks(&w);
	write_event(&w);
	write_names(&w, "events", &l->events, pings, COUNT(pings));
	write_names(&w, "statuses", &l->statuses, statuses, COUNT(statuses));
	if (l->seen[KIND_BILL] && !base)
		write_names(
			&w, "bill_statuses", &(struct learned_names){.n = 0}, bill_statuses, COUNT(bill_statuses));
	for (enum event_kind kind = KIND_PATIENT; kind < EVENT_KINDS; kind++)
		write_kind(&w, kind);
	w.out.n -= 2;
	buf_puts(&w.out, "\n}\n");
	fwrite(w.out.p, 1, w.out.n, stdout);
	buf_free(&w.out);
	profile_free(of_base);
	table_end();
}
