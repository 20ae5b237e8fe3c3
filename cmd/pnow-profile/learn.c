/*
 * A profile from bodies: each name is taken for the fact that it is most likely to be (guess.c), and what
 * EMRs do in their own way is looked at: the object that holds the facts, whole names, halves of names, a day
 * and its time apart, numbers that are times. What was guessed says so in a comment, and what no body tells
 * is asked for at the top.
 */
#include "learn.h"
#include "pnow-profile.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include <sysexits.h>

enum { GUESSED = 100 }; /* the rank of a name that does not say whose it is */

static void add(struct learned_list *list, const char *place, unsigned rank, const char *note)
{
	size_t i = 0, last = list->n;
	for (size_t j = 0; j < list->n; j++)
		if (place_same(str_of(list->at[j].place), str_of(place), false))
			return;
	if (list->n == COUNT(list->at))
		return;
	while (i < list->n && list->at[i].rank <= rank)
		i++;
	for (; last > i; last--)
		list->at[last] = list->at[last - 1];
	list->at[i] = (struct learned_place){place, rank, note};
	list->n++;
}

/* The list of a fact. */
static struct learned_list *list_of(
	struct learned *l, enum event_kind about, enum event_kind kind, const char *fact)
{
	struct learned_kind *k = &l->kinds[kind];
	size_t i = 0;
	for (const struct event_fact *f = event_facts(kind); strcmp(f->name, fact) != 0; f++)
		i++;
	return kind == about ? &k->fields[i] : &k->elsewhere[i];
}

/* A question is a comment, and no text of a body may end it: control characters become question marks. */
static void ask(struct learned *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void ask(struct learned *l, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	const char *question = str_plain(arena_vprintf(l->a, format, args));
	va_end(args);
	for (size_t i = 0; i < l->questions_n; i++)
		if (strcmp(l->questions[i], question) == 0)
			return;
	if (l->questions_n < COUNT(l->questions))
		l->questions[l->questions_n++] = question;
}

static void map(struct learned_names *names, const char *name, const char *is)
{
	for (size_t i = 0; i < names->n; i++)
		if (place_same(str_of(names->at[i].name), str_of(name), true))
			return;
	if (names->n < COUNT(names->at))
		names->at[names->n++] = (struct conf_name){name, is};
}

/* --- Around the facts --- */

/* The likeliest leaf for a part of event, or NULL. */
static const struct leaf *event_leaf(
	const struct sample *s, const char *part, const char *prefix, unsigned *rank)
{
	const struct leaf *best = NULL;
	unsigned least = 1000, r;
	for (size_t i = 0; i < s->n; i++) {
		const struct leaf *leaf = &s->leaves[i];
		const char *guess = guess_event(leaf, &r);
		bool own_id =
			strlen(prefix) == leaf->outer && strcasecmp(leaf->path + leaf->outer, "/id") ==
												 0; /* the thing's, in a body without a data object */
		if (!guess || strcmp(guess, part) != 0 || own_id || r >= least)
			continue;
		best = leaf;
		least = r;
	}
	*rank = least;
	return best;
}

/* Whether a path leads into what is at a place ("": the body). */
static bool is_below(const char *path, const char *place)
{
	size_t n = strlen(place);
	return strncmp(path, place, n) == 0 && path[n] == '/';
}

/* Facts that names below a place might be; with outside, all others. */
static unsigned facts_below(const struct sample *s, const char *place, bool outside)
{
	unsigned n = 0, rank;
	for (size_t i = 0; i < s->n; i++) {
		bool below = is_below(s->leaves[i].path, place);
		if (*s->leaves[i].path == '/' && below != outside && !guess_event(&s->leaves[i], &rank))
			n += guess_fact(&s->leaves[i], EVENT_KINDS).fact != NULL;
	}
	return n;
}

/* The object that holds the facts, as a pointer; "": the body. */
static const char *find_data(const struct sample *s)
{
	const char *place = "";
	for (size_t i = 0; i < s->n; i++) {
		const char *path = s->leaves[i].path;
		if (!is_below(path, place))
			continue;
		const char *from = path + strlen(place) + 1, *slash = strchr(from, '/');
		if (!slash || !guess_wraps(from, (size_t)(slash - from)))
			continue;
		const char *inner = arena_copy(s->a, (struct str){path, (size_t)(slash - path)});
		if (facts_below(s, inner, false) < 2 * facts_below(s, inner, true))
			continue;
		place = inner;
		i--; /* this name may lead further in */
	}
	return place;
}

/* What the event of a sample is about. */
static enum event_kind learn_event(struct learned *l, const struct sample *s, const char *data)
{
	static const char *const parts[] = {"id", "time"};
	unsigned rank;
	const struct leaf *name = event_leaf(s, "name", data, &rank);
	const char *type = name ? guess_type(name->text) : NULL;
	if (name)
		add(&l->event.name, name->path, rank, NULL);
	if (!type)
		ask(l,
			"\"event\": \"name\" and \"events\": what happened is not told in %s, or in words that are not known",
			s->file);
	else
		map(&l->events, name->text, type);
	const char *status =
		type && event_type_of(type) == EVENT_APPOINTMENT_STATUS ? guess_name_status(name->text) : NULL;
	if (status)
		map(&l->statuses, name->text, status);
	for (size_t i = 0; i < COUNT(parts); i++) {
		const struct leaf *leaf = event_leaf(s, parts[i], data, &rank);
		if (leaf)
			add(i ? &l->event.time : &l->event.id, leaf->path, rank, NULL);
	}
	if (*data)
		add(&l->event.data, data, (unsigned)(1000 - strlen(data)), NULL); /* the innermost first */
	enum event_type known = event_type_of(type);
	return known == EVENT_UNKNOWN ? EVENT_KINDS : event_kind_of(known);
}

/* --- The facts --- */

/* A body that is learnt from. */
struct lesson {
	struct learned *l;
	const struct sample *s;
	const char *data;
	enum event_kind about;
	const char *items;                    /* a bill's list of items, below data; NULL: none */
	const struct leaf *whole;             /* the patient's whole name */
	const struct leaf *first, *last;      /* the halves of the provider's */
	const struct leaf *day[2], *clock[2]; /* start and end: a day, and a time of day */
};

/* Of a leaf that is below data. */
static const char *below(const struct lesson *n, const struct leaf *leaf)
{
	return leaf->path + strlen(n->data);
}

static bool is_clock(const char *text)
{
	size_t n = text ? strspn(text, "0123456789:") : 0;
	return n >= 4 && n <= 8 && strchr(text, ':') && isdigit((unsigned char)*text) &&
		   (!text[n] || strcasecmp(text + n, " am") == 0 || strcasecmp(text + n, " pm") == 0);
}

/* How times and dates are written, as one of them shows. */
static void learn_time(struct learned *l, const char *text)
{
	size_t n = text ? strlen(text) : 0, digits = text ? strspn(text, "0123456789") : 0;
	bool zoneless = n > 10 && strchr(text, ':') && !strpbrk(text + 10, "Zz+-");
	int first = text ? atoi(text) : 0;
	if (digits == n && (n == 10 || n == 13))
		l->epoch = n == 10 ? "seconds" : "milliseconds";
	if (text && (text[digits] == '/') && first > 12)
		l->day_first = true;
	if (zoneless)
		ask(l,
			"\"utc\": times without a zone were seen; they count as the practice's. If they are UTC: true");
}

/* The bytes of a word's first forty characters. */
static int start_of(const char *word)
{
	int n = 0;
	for (int characters = 0; word[n] && characters < 40; n++)
		characters += ((unsigned char)word[n + 1] & 0xc0) != 0x80;
	return n;
}

static void take_status(struct learned *l, const char *word)
{
	const char *is = word ? guess_status(word) : NULL;
	if (!word || !*word)
		return;
	if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0) {
		map(&l->statuses, "false", "booked");
		map(&l->statuses, "true", "cancelled");
	} else if (is) {
		map(&l->statuses, word, is);
	} else {
		ask(l, "\"statuses\": what does the status \"%.*s\" mean?", start_of(word), word);
	}
}

/* Takes a name for a fact. */
static void take(struct lesson *n, const struct leaf *leaf, const struct guess *guess)
{
	struct learned *l = n->l;
	const char *fact = guess->fact;
	enum event_kind about = n->about == EVENT_KINDS ? guess->kind : n->about;
	bool times = false;
	if (strcmp(fact, "name") == 0) {
		n->whole = n->whole ? n->whole : leaf;
		return;
	}
	if (strcmp(fact, "first") == 0 || strcmp(fact, "last") == 0) {
		*(*fact == 'f' ? &n->first : &n->last) = leaf;
		return;
	}
	for (const struct event_fact *f = event_facts(guess->kind); f->name; f++)
		times |= strcmp(f->name, fact) == 0 && (f->form == FACT_TIME || f->form == FACT_DATE);
	if (times)
		learn_time(l, leaf->text);
	if (guess->kind == KIND_APPOINTMENT && strcmp(fact, "status") == 0)
		take_status(l, leaf->text);
	if ((strcmp(fact, "start") == 0 || strcmp(fact, "end") == 0) && leaf->text && !strchr(leaf->text, ':') &&
		strpbrk(leaf->text, "-/"))
		n->day[*fact == 'e'] = leaf;
	bool sure = guess->kind == about || guess->named;
	add(list_of(l, about, guess->kind, fact), below(n, leaf), guess->rank,
		sure ? NULL : "its name does not say that it is the patient's");
}

/* Names and times that are told in parts. */
static void join_parts(struct lesson *n)
{
	struct learned *l = n->l;
	struct arena *a = l->a;
	enum event_kind kind = n->about == EVENT_KINDS ? KIND_APPOINTMENT : n->about;
	struct learned_list *name[2] = {
		list_of(l, n->about, KIND_PATIENT, "first_name"), list_of(l, n->about, KIND_PATIENT, "last_name")};
	if (n->whole && (!name[0]->n || !name[1]->n))
		for (size_t i = 0; i < 2; i++)
			add(name[i], arena_printf(a, "%s#%s", below(n, n->whole), i ? "last" : "first"), GUESSED,
				i ? "the last word of a whole name" : "the other words of a whole name");
	if (n->first && n->last && (kind == KIND_APPOINTMENT || kind == KIND_BILL))
		add(list_of(l, kind, kind, "provider"),
			arena_printf(a, "%s + %s", below(n, n->first), below(n, n->last)), 1, NULL);
	for (size_t i = 0; i < 2 && kind == KIND_APPOINTMENT; i++) {
		const struct leaf *day = n->day[i] ? n->day[i] : n->day[0];
		if (day && n->clock[i])
			add(list_of(l, kind, kind, i ? "end" : "start"),
				arena_printf(a, "%s + %s", below(n, day), below(n, n->clock[i])), 0, "a day and its time");
	}
}

/* The list of a bill's items: entries with a name and an amount. */
static void learn_items(struct lesson *n)
{
	static const char *const names =
		" name description title product item service itemname productname servicename ";
	static const char *const amounts =
		" amount total linetotal totalprice extendedprice netprice price subtotal totalamount unitprice ";
	struct learned *l = n->l;
	const char *list = NULL;
	for (size_t i = 0; n->about == KIND_BILL && i < n->s->n; i++) {
		const struct leaf *leaf = &n->s->leaves[i];
		const char *entry = is_below(leaf->path, n->data) ? strstr(below(n, leaf), "/0/") : NULL;
		if (!entry)
			continue;
		const char *at = arena_copy(l->a, (struct str){below(n, leaf), (size_t)(entry - below(n, leaf))});
		unsigned name = guess_in(names, entry + 2), amount = guess_in(amounts, entry + 2);
		if ((name == UINT16_MAX && amount == UINT16_MAX) || (list && strcmp(at, list) != 0) ||
			(amount != UINT16_MAX && !guess_fits(KIND_BILL, "total", leaf->text)))
			continue;
		list = at;
		add(name < amount ? &l->item_name : &l->item_amount, entry + 2, name < amount ? name : amount, NULL);
	}
	if (list && l->item_name.n && l->item_amount.n) {
		add(&l->items, list, 0, NULL);
		n->items = list;
	}
}

/* Whether a name is a time of day, of the start or the end, beside its day. */
static bool take_clock(struct lesson *n, const struct leaf *leaf)
{
	if (!is_clock(leaf->text) || n->about != KIND_APPOINTMENT)
		return false;
	const char *name = strrchr(leaf->path, '/') + 1;
	bool end = strncasecmp(name, "end", 3) == 0 || strncasecmp(name, "to", 2) == 0 ||
			   strncasecmp(name, "finish", 6) == 0;
	n->clock[end] = leaf;
	return true;
}

/* What signs a request, as a header's value shows. */
static void learn_signature(struct learned *l, const struct leaf *header)
{
	const char *text = header->text ? header->text : "", *equals = strchr(text, '=');
	size_t prefix = equals && equals[1] && equals[1] != '=' ? (size_t)(equals - text) + 1 : 0,
		   n = strlen(text + prefix);
	bool hex = n == 64 && strspn(text + prefix, "0123456789abcdefABCDEF") == n;
	bool base64 = n == 44 && text[prefix + 43] == '=';
	if (hex || base64)
		l->signature =
			prefix
				? arena_printf(l->a,
					  "\"patientnow\": { \"verify\": \"hmac-sha256\", \"header\": \"%s\", \"prefix\": \"%.*s\", \"secret_file\": \"...\" }",
					  header->path + 1, (int)prefix, text)
				: arena_printf(l->a,
					  "\"patientnow\": { \"verify\": \"hmac-sha256\", \"header\": \"%s\", \"secret_file\": \"...\" }",
					  header->path + 1);
}

/* Whether a body is a challenge, and no event. */
static bool learn_challenge(struct learned *l, const struct sample *s)
{
	unsigned rank;
	const struct leaf *name = event_leaf(s, "name", "", &rank);
	const char *type = name ? guess_type(name->text) : NULL;
	for (size_t i = 0; i < s->n && (!type || strcmp(type, "ping") == 0); i++)
		if (strcasecmp(s->leaves[i].path, "/challenge") == 0) {
			l->challenge_body = s->leaves[i].path;
			return true;
		}
	return false;
}

/* The parameter of a question without a body that must be answered with its value. */
static void learn_question(struct learned *l, const char *query)
{
	static const char *const words[] = {"challenge", "validation"};
	l->probe = true;
	for (const char *p = query; p && *p; p += strcspn(p, "&"), p += *p == '&') {
		char *name = arena_copy(l->a, (struct str){p, strcspn(p, "=&")});
		for (size_t i = 0; i < COUNT(words); i++)
			if (strcasestr(name, words[i]) && !l->challenge_query)
				l->challenge_query = str_plain(name);
	}
}

/* False: it is no event. */
static bool learn_body(struct learned *l, const struct sample *s)
{
	if (learn_challenge(l, s))
		return false;
	l->form |= s->form;
	struct lesson n = {.l = l, .s = s, .data = find_data(s)};
	if (s->list)
		add(&l->event.list, s->list, 0, NULL);
	unsigned rank;
	n.about = learn_event(l, s, n.data);
	learn_items(&n);
	for (size_t i = 0; i < s->n; i++) {
		const struct leaf *leaf = &s->leaves[i];
		const char *part = guess_event(leaf, &rank);
		if (*leaf->path == '@') {
			l->compressed |=
				strcasecmp(leaf->path, "@Content-Encoding") == 0 && strcasecmp(leaf->text, "identity") != 0;
			learn_signature(l, leaf);
			continue;
		}
		bool inside = is_below(leaf->path, n.data);
		bool item = inside && n.items && is_below(below(&n, leaf), n.items);
		if (!inside || item || take_clock(&n, leaf) || (part && (*n.data || strcmp(part, "name") == 0)))
			continue;
		struct guess guess = guess_fact(leaf, n.about);
		if (guess.fact)
			take(&n, leaf, &guess);
	}
	join_parts(&n);
	if (n.about < EVENT_KINDS)
		l->seen[n.about] = true;
	return true;
}

/* What no body tells. */
static void ask_the_rest(struct learned *l, const char *base)
{
	for (enum event_kind kind = KIND_PATIENT; kind < EVENT_KINDS; kind++)
		if (l->seen[kind] && !l->kinds[kind].fields[0].n)
			ask(l, "\"%s\": where is its id?", event_kind_name(kind));
	if (!l->kinds[KIND_PATIENT].fields[0].n && !l->kinds[KIND_PATIENT].elsewhere[0].n)
		ask(l, "\"patient\": where is the patient's id? Without it an event cannot be a person's");
	if (!l->event.id.n)
		ask(l, "\"event\": \"id\": no id of the event was seen; equal bodies count as one event");
	ask(l, "\"events\": the names of all other events that are sent; a name that is not there is ignored");
	ask(l, "\"statuses\": all other words for an appointment's status");
	for (enum event_kind kind = KIND_PATIENT; kind < EVENT_KINDS; kind++)
		if (!l->seen[kind])
			ask(l, "no body was given about this: %s; send one, and learn again with all of them",
				event_kind_name(kind));
	if (!base)
		ask(l, "\"emr\": what do people call the EMR? Notes and the path of the hook have that");
	if (!base)
		ask(l,
			"the EMR's API, if it has one: base_url and the paths, see pnow.conf(5). Without it what webhooks lack stays unknown");
	else
		ask(l, "the EMR's API is that of %s: is it?", base);
	if (l->signature)
		ask(l, "hooks, in the configuration, for what signed the request: %s", l->signature);
}

int learn(struct task *t, char **files)
{
	struct learned l = {.a = &t->a};
	struct samples samples = samples_read(&t->a, files, NULL);
	bool events = false;
	for (size_t i = 0; i < samples.n; i++)
		events |= learn_body(&l, &samples.at[i]);
	if (samples.probed)
		learn_question(&l, samples.query);
	if (!events)
		ask(&l,
			"the EMR has only asked whether the hook is there: name this profile in the configuration, run the hook with it and -r, and have the EMR ask again");
	free(samples.at);
	ask_the_rest(&l, t->base);
	learn_write(&l, t->base);
	return EX_OK;
}
