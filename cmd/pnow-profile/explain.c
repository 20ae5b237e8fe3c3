/*
 * What a profile makes of a body: for each fact where it was found, or where it was looked for; and each name
 * that nothing reads, with what it might be. Where a fact was found that looks like another one, that is
 * shown: a profile errs by finding too much more often than by finding nothing.
 */
#include "pnow-profile.h"
#include "stream/table.h"
#include "text/buf.h"

#include <stdio.h>
#include <stdlib.h>

enum { FILE_NAME, STATE, NAME, AT, NOTE, VALUE, COLUMNS };

static const struct column columns[] = {
	[FILE_NAME] = {"file", 0, CELL_TEXT},
	[STATE] = {"state", 7, CELL_TEXT},
	[NAME] = {"name", 27, CELL_TEXT},
	[AT] = {"at", 30, CELL_TEXT},
	[NOTE] = {"note", 1, CELL_TEXT},
	[VALUE] = {"value", 0, CELL_TEXT},
};

/* A body that is explained. */
struct explaining {
	struct task *task;
	struct arena *a;
	const struct profile *p;
	struct sample *s;
	const char *name, *name_at; /* the event's, and its place; or NULL */
	enum event_type type;
	enum event_kind kind; /* what it is about; EVENT_KINDS: nobody knows */
	struct table table;
	unsigned wrong;
	/* The facts that were found, by the leaf that each was found in. */
	struct taken {
		const struct leaf *leaf;
		const char *fact;
	} taken[64];
	size_t taken_n;
};

static void row(struct explaining *e, const char *state, const char *name, const char *at, const char *note,
	const char *value)
{
	struct cell cells[COLUMNS] = {{.text = e->s->file}, {.text = state}, {.text = name}, {.text = at},
		{.text = note}, {.text = e->task->verbose ? value : NULL}};
	bool shown = e->table.people && cells[VALUE].text;
	e->wrong += strcmp(state, "wrong") == 0;
	if (shown)
		cells[NOTE].text = arena_printf(e->a, "%s%s= %s", note ? note : "", note ? "  " : "", value);
	else if (e->table.people && !note)
		cells[NOTE].text = "";
	table_row(&e->table, cells);
}

/* The places of a list, for people. */
static const char *tried(struct arena *a, const struct profile_pointers *places)
{
	struct buf text = {0};
	for (size_t i = 0; places && i < places->n; i++)
		buf_printf(&text, "%s%s", i ? ", " : "tried ", places->at[i]);
	return text.n ? buf_take(&text, a).p : "the profile does not say where it stands";
}

/* The place that a fact is found at in an object, or NULL. */
static const char *found_at(struct arena *a, const struct profile_pointers *places, struct str object,
	const struct webhook_request *request, const char **text)
{
	*text = NULL;
	for (size_t i = 0; places && i < places->n; i++) {
		const char *place = places->at[i];
		if (*place != '@')
			*text = place_text(a, place, place_in(object));
		else if (request)
			*text = request->header(request->transport, place + 1);
		if (*text && **text)
			return place;
	}
	return NULL;
}

/* Marks what the places of a list lead to as known. */
static void mark(struct explaining *e, const struct profile_pointers *places, struct str object)
{
	for (size_t i = 0; places && i < places->n; i++) {
		const char *at = places->at[i];
		struct str pointer;
		struct leaf *leaf;
		for (size_t h = 0; *at == '@' && h < e->s->n; h++)
			e->s->leaves[h].known |= strcmp(e->s->leaves[h].path, at) == 0;
		while (place_pointer(&at, &pointer))
			if ((leaf = sample_leaf(e->s, pointer, object)))
				leaf->known = true;
	}
}

/* Why what was found there is not likely to be the fact; NULL: it is. */
static const char *doubt(struct explaining *e, enum event_kind kind, const char *fact, const char *place,
	struct str object, const char *text)
{
	struct str pointer;
	const char *at = place, *other;
	const struct leaf *leaf = place_pointer(&at, &pointer) ? sample_leaf(e->s, pointer, object) : NULL;
	if (kind == KIND_APPOINTMENT && strcmp(fact, "status") == 0 && !profile_status(e->p, text))
		return arena_printf(e->a, "\"%s\" is not in statuses; it might be %s", text,
			guess_status(text) ? guess_status(text) : "anything: ask somebody who knows");
	if (!guess_fits(kind, fact, profile_time(e->p, e->a, text)))
		return arena_printf(e->a, "what it holds cannot be %s", fact);
	if (!leaf)
		return NULL;
	for (size_t i = 0; i < e->taken_n; i++)
		if (e->taken[i].leaf == leaf && strcmp(at, "") == 0 && !strchr(place, '#'))
			return arena_printf(e->a, "is taken for %s, too", e->taken[i].fact);
	struct guess guess = guess_fact(leaf, e->kind);
	if (guess.fact && guess.named && guess.kind != kind)
		return arena_printf(e->a, "by its name it is %s.%s", event_kind_name(guess.kind), guess.fact);
	if (kind == KIND_PATIENT && (other = guess_other(leaf, kind)))
		return arena_printf(e->a, "by its name it is the %s's", other);
	return NULL;
}

static void explain_fact(struct explaining *e, enum event_kind kind, const char *prefix, const char *fact,
	const struct profile_pointers *places, struct str object)
{
	const char *name = arena_printf(e->a, "%s.%s", prefix, fact), *text;
	const char *place = found_at(e->a, places, object, NULL, &text);
	const char *named = strcmp(fact, "status") == 0 ? webhook_status(e->p, kind, e->name) : NULL;
	mark(e, places, object);
	if (named) {
		row(e, "ok", name, e->name_at, arena_printf(e->a, "the event's name says %s", named), named);
		return;
	}
	if (!place) {
		bool empty = places && profile_has(places, object);
		row(e, empty ? "empty" : "missing", name, NULL, empty ? NULL : tried(e->a, places), NULL);
		e->wrong += !empty && strcmp(fact, "id") == 0 && kind == e->kind;
		return;
	}
	const char *why = doubt(e, kind, fact, place, object, text), *at = place;
	struct str pointer;
	row(e, why ? "wrong" : "ok", name, place, why, text);
	if (place_pointer(&at, &pointer) && e->taken_n < COUNT(e->taken))
		e->taken[e->taken_n++] = (struct taken){sample_leaf(e->s, pointer, object), name};
}

/* Whose ids were merged into a patient's: no event needs to tell that. */
static void explain_merged(struct explaining *e, struct str object)
{
	const struct profile_pointers *places = &e->p->kinds[KIND_PATIENT].merged_from;
	size_t i = 0;
	while (i < places->n && !place_told(places->at[i], object))
		i++;
	if (i == places->n)
		return;
	struct str value = place_value(str_of(places->at[i]), object);
	const char *first = arena_printf(e->a, "%s/0", places->at[i]); /* of a list */
	mark(e, places, object);
	mark(e, &(struct profile_pointers){&first, 1}, object);
	row(e, "ok", "patient.merged_from", places->at[i], NULL, jtext_scalar(e->a, value));
}

static void explain_items(struct explaining *e, const struct profile_kind *bill, struct str object)
{
	struct str list = profile_find(&bill->items, object), first = {0};
	if (!jtext_next(list, &first)) {
		row(e, "missing", "bill.items", NULL, tried(e->a, &bill->items), NULL);
		return;
	}
	static const char *const facts[] = {"name", "amount"};
	for (size_t i = 0; i < COUNT(facts); i++) {
		const struct profile_pointers *places = profile_field(&bill->item, facts[i]);
		const char *text, *place = found_at(e->a, places, first, NULL, &text);
		mark(e, places, first);
		row(e, place ? "ok" : "missing", arena_printf(e->a, "bill.items.%s", facts[i]), place,
			place ? "of the first item" : tried(e->a, places), text);
	}
}

static void explain_kind(struct explaining *e, enum event_kind kind)
{
	struct source source = webhook_source(e->p, e->type, kind, e->s->body);
	for (const struct event_fact *f = event_facts(kind); f->name; f++) {
		if (f->form == FACT_ITEMS)
			explain_items(e, &e->p->kinds[kind], source.body);
		else
			explain_fact(
				e, kind, event_kind_name(kind), f->name, profile_field(source.fields, f->name), source.body);
	}
	if (kind == KIND_PATIENT && e->kind == KIND_PATIENT)
		explain_merged(e, source.body);
}

/* What might be an event's name, where the profile finds none. */
static const char *likely_name(const struct explaining *e)
{
	unsigned rank;
	for (size_t i = 0; i < e->s->n; i++) {
		const char *part = guess_event(&e->s->leaves[i], &rank);
		if (part && strcmp(part, "name") == 0)
			return e->s->leaves[i].text;
	}
	return NULL;
}

/* What an event's name became. */
static void explain_name(struct explaining *e, const char *name, const char *place)
{
	const char *type = profile_type(e->p, name), *might = name ? guess_type(name) : NULL;
	const char *note;
	if (type)
		note = arena_printf(e->a, "\"%s\" is %s", name, type);
	else if (name)
		note = arena_printf(e->a, "\"%s\" is not in events, so it is ignored%s%s", name,
			might ? "; it might be " : "", might ? might : "");
	else
		note = arena_printf(e->a, "%s%s", tried(e->a, &e->p->event_name),
			(might = likely_name(e)) ? arena_printf(e->a, "; \"%s\" might be %s", might, guess_type(might))
									 : "");
	if (!name && might)
		might = guess_type(might);
	row(e, type ? "ok" : name ? "wrong" : "missing", "event.name", place, note, NULL);
	e->name = name;
	e->name_at = place;
	e->wrong += !name;
	e->type = event_type_of(type ? type : might);
	e->kind = e->type == EVENT_UNKNOWN ? EVENT_KINDS : event_kind_of(e->type);
}

static void explain_event(struct explaining *e)
{
	const struct profile *p = e->p;
	const struct webhook_request *request = sample_request(e->s);
	const struct {
		const char *name;
		const struct profile_pointers *places;
	} parts[] = {{"event.id", &p->event_id}, {"event.time", &p->event_time}};
	const char *text, *place = found_at(e->a, &p->event_name, e->s->body, request, &text);
	mark(e, &p->event_name, e->s->body);
	explain_name(e, text, place);
	for (size_t i = 0; i < COUNT(parts); i++) {
		place = found_at(e->a, parts[i].places, e->s->body, request, &text);
		mark(e, parts[i].places, e->s->body);
		bool wrong = place && *text && guess_type(text) && !strchr(text, ' ');
		row(e,
			wrong   ? "wrong"
			: place ? "ok"
					: "missing",
			parts[i].name, place,
			wrong   ? arena_printf(e->a, "it holds an event's name, \"%s\"", text)
			: place ? NULL
					: tried(e->a, parts[i].places),
			text);
	}
	if (!p->event_data.n)
		return;
	bool data = jtext_type(profile_find(&p->event_data, e->s->body)) == JTEXT_OBJECT;
	row(e, data ? "ok" : "missing", "event.data", data ? p->event_data.at[0] : NULL,
		data ? NULL
			 : arena_printf(e->a, "%s; facts are looked for in the body itself", tried(e->a, &p->event_data)),
		NULL);
}

/* A fact that a name might stand for, or a part of one. */
static const char *shown(struct arena *a, const struct guess *guess)
{
	const char *kind = event_kind_name(guess->kind);
	if (strcmp(guess->fact, "name") == 0)
		return "patient.first_name (#first) and patient.last_name (#last)";
	if (strcmp(guess->fact, "first") == 0 || strcmp(guess->fact, "last") == 0)
		return arena_printf(a, "half of %s.provider (FIRST + LAST)", kind);
	return arena_printf(a, "%s.%s", kind, guess->fact);
}

/* A name that nothing reads. */
static void explain_unread(struct explaining *e, const struct leaf *leaf)
{
	const char *what = NULL, *note = NULL, *part;
	unsigned rank;
	struct guess named = guess_fact(leaf, e->kind), held = guess_by_value(leaf, &what);
	const char *holds = what ? arena_printf(e->a, " (%s)", what) : "";
	part = guess_event(leaf, &rank);
	if (part && strcmp(part, "name") == 0)
		note = "might be event.name";
	else if (named.fact)
		note = arena_printf(e->a, "might be %s, by its name%s%s", shown(e->a, &named),
			what ? " and what it holds" : "", holds);
	else if (held.fact)
		note = arena_printf(
			e->a, "might be %s.%s, by what it holds%s", event_kind_name(held.kind), held.fact, holds);
	else if (part)
		note = arena_printf(e->a, "might be event.%s%s", part, holds);
	else if (what)
		note = arena_printf(e->a, "holds %s", what);
	row(e, "unread", leaf->path, NULL, note, leaf->text);
}

static bool is_ordinary(const char *header)
{
	static const char *const ordinary[] = {"@Accept", "@Accept-Encoding", "@Connection", "@Content-Length",
		"@Content-Type", "@Host", "@User-Agent", "@X-Forwarded-For", "@X-Forwarded-Host",
		"@X-Forwarded-Proto", "@X-Real-Ip"};
	for (size_t i = 0; i < COUNT(ordinary); i++)
		if (strcasecmp(ordinary[i], header) == 0)
			return true;
	return false;
}

static unsigned explain_body(struct task *t, struct sample *s)
{
	struct explaining e = {
		.task = t, .a = &t->a, .p = t->profile, .s = s, .table = table_of(columns, COLUMNS)};
	if (e.table.people)
		printf("%s:\n", s->file);
	explain_event(&e);
	if (e.kind < EVENT_KINDS && e.kind != KIND_PATIENT)
		explain_kind(&e, e.kind);
	if (e.kind < EVENT_KINDS)
		explain_kind(&e, KIND_PATIENT);
	for (size_t i = 0; i < s->n; i++)
		if (!s->leaves[i].known && !is_ordinary(s->leaves[i].path))
			explain_unread(&e, &s->leaves[i]);
	return e.wrong;
}

int explain(struct task *t, char **files)
{
	unsigned wrong = 0;
	struct samples samples = samples_read(&t->a, files, t->profile);
	for (size_t i = 0; i < samples.n; i++)
		wrong += explain_body(t, &samples.at[i]);
	free(samples.at);
	table_end();
	return wrong > 0;
}
