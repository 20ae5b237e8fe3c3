/* A profile is read once and then only looked up. */
#include "conf/profile.h"
#include "conf/mistake.h"
#include "conf/settings.h"
#include "text/distance.h"
#include "value/event.h"
#include "value/gender.h"
#include "value/when.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

/* A bill's item. */
static const struct event_fact item_facts[] = {
	{"name", FACT_TEXT}, {"amount", FACT_MONEY}, {NULL, FACT_TEXT}};

struct str profile_find(const struct profile_pointers *pointers, struct str body)
{
	for (size_t i = 0; i < pointers->n; i++) {
		struct str value = place_value(str_of(pointers->at[i]), body);
		if (value.p && jtext_type(value) != JTEXT_NULL && !str_is(value, "\"\""))
			return value;
	}
	return (struct str){0};
}

const char *profile_text_in(const struct profile_pointers *places, struct arena *a, struct place_body body)
{
	const char *text = NULL;
	for (size_t i = 0; places && i < places->n && !(text && *text); i++)
		text = place_text(a, places->at[i], body);
	return text && *text ? text : NULL;
}

const char *profile_text(const struct profile_pointers *places, struct arena *a, struct str body)
{
	return profile_text_in(places, a, place_in(body));
}

bool profile_has(const struct profile_pointers *pointers, struct str body)
{
	for (size_t i = 0; i < pointers->n; i++)
		if (place_told(pointers->at[i], body))
			return true;
	return false;
}

static const char *twice_in(struct arena *a, struct str object)
{
	struct jtext_members members = jtext_members(a, object);
	return jtext_twice(a, &members);
}

const char *profile_twice(const struct profile *p, struct arena *a, enum event_kind kind, struct str body)
{
	const struct profile_kind *k = &p->kinds[kind];
	const char *twice = twice_in(a, body);
	for (size_t i = 0; i < k->objects.n && !twice; i++)
		twice = twice_in(a, place_value(str_of(k->objects.at[i]), body));
	for (struct str at = {0}, items = profile_find(&k->items, body); !twice && jtext_next(items, &at);)
		twice = twice_in(a, at);
	return twice;
}

const struct profile_fields *profile_fields(
	const struct profile *p, enum event_kind kind, enum event_kind body_kind)
{
	const struct profile_kind *k = &p->kinds[kind];
	return kind != body_kind && k->elsewhere.n ? &k->elsewhere : &k->fields;
}

bool profile_is_column(const char *pointer, const char *column)
{
	struct arena a = {0};
	char *words = arena_copy(&a, str_of(pointer));
	for (char *p = words; *p; p++)
		if (*p == '/')
			*p = ' ';
	bool is = place_same(str_of(words), str_of(column), true);
	arena_free(&a);
	return is;
}

const struct profile_pointers *profile_field(const struct profile_fields *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->at[i].name, name) == 0)
			return &list->at[i].from;
	return NULL;
}

static const char *mapped(const struct conf_names *names, const char *name)
{
	for (size_t i = 0; name && i < names->n; i++)
		if (place_same(str_of(names->at[i].name), str_of(name), true))
			return names->at[i].is;
	return NULL;
}

const char *profile_type(const struct profile *p, const char *event_name)
{
	return mapped(&p->events, event_name);
}

const char *profile_status(const struct profile *p, const char *word)
{
	return mapped(&p->statuses, word);
}

const char *profile_bill_status(const struct profile *p, const char *word)
{
	return mapped(&p->bill_statuses, word);
}

const char *profile_gender(const struct profile *p, const char *text)
{
	const char *gender = gender_crm(text);
	for (size_t i = 0; gender && i < p->genders.n; i++)
		if (strcmp(p->genders.at[i].is, gender) == 0)
			return p->genders.at[i].name;
	return text;
}

/* The time that is so many milliseconds from 1970; false where it is of no year that a date can have. */
static bool time_at(double ms, char text[static WHEN_TEXT])
{
	const double year_1 = -62135596800e3, year_10000 = 253402300800e3;
	if (!(ms >= year_1 && ms < year_10000))
		return false;
	when_utc((int64_t)ms, text);
	return true;
}

const char *profile_time(const struct profile *p, struct arena *a, const char *text)
{
	char *room = arena_alloc(a, WHEN_TEXT), *end;
	double number = p->epoch && text ? strtod(text, &end) : 0;
	if (p->epoch && text && *text && !*end)
		return time_at(strcmp(p->epoch, "seconds") == 0 ? number * 1000 : number, room) ? room : text;
	return p->utc && text && when_zulu(str_of(text), p->day_first, room) ? room : text;
}

static struct profile_pointers pointers_at(
	const struct settings *s, const char *key, struct str value, enum place_use use)
{
	struct profile_pointers pointers = {0};
	const char *expected;
	pointers.at = settings_texts(s, key, value, &pointers.n);
	for (size_t i = 0; i < pointers.n; i++)
		if ((expected = place_wrong(pointers.at[i], use)))
			settings_wrong(s, value, "%s: found \"%s\", expected %s", key, pointers.at[i], expected);
	return pointers;
}

/* A name must be one of these facts. */
static void check_fact(const struct settings *s, const char *key, struct str value, const char *name,
	const struct event_fact *facts)
{
	const char *known[16];
	size_t n = 0;
	for (const struct event_fact *f = facts; f->name; f++) {
		if (strcmp(f->name, name) == 0)
			return;
		known[n++] = f->name;
	}
	settings_wrong(s, value, "unknown key %s.%s: expected a fact of pnow-event(5); the nearest one is %s",
		key, name, distance_nearest(name, known, sizeof *known, n));
}

static struct profile_fields fields_at(
	const struct settings *s, const char *key, struct str value, const struct event_fact *known)
{
	struct jtext_members members = settings_members(s, key, value);
	struct profile_fields list = {
		.at = arena_alloc(s->arena, (members.n + 1) * sizeof *list.at), .n = members.n};
	for (size_t i = 0; i < members.n; i++) {
		list.at[i].name = settings_name(s, &members.at[i]);
		const char *path = arena_printf(s->arena, "%s.%s", key, list.at[i].name);
		check_fact(s, key, members.at[i].value, list.at[i].name, known);
		list.at[i].from = pointers_at(s, path, members.at[i].value, PLACE_FACT);
	}
	return list;
}

static void store_pointers(const struct settings *s, const char *key, struct str value, void *place)
{
	*(struct profile_pointers *)place = pointers_at(s, key, value, PLACE_VALUE);
}

/* Where a text stands in a body. */
static void store_places(const struct settings *s, const char *key, struct str value, void *place)
{
	*(struct profile_pointers *)place = pointers_at(s, key, value, PLACE_FACT);
}

/* Where a text stands in a request. */
static void store_event_places(const struct settings *s, const char *key, struct str value, void *place)
{
	*(struct profile_pointers *)place = pointers_at(s, key, value, PLACE_EVENT);
}

/* One of two words. */
static void store_one_of(const struct settings *s, const char *key, struct str value, void *place,
	const char *one, const char *other)
{
	const char *text = settings_text(s, key, value);
	if (strcmp(text, one) != 0 && strcmp(text, other) != 0)
		settings_wrong(s, value, "%s: found \"%s\", expected \"%s\" or \"%s\"", key, text, one, other);
	*(const char **)place = text;
}

/* What times that are numbers count. */
static void store_epoch(const struct settings *s, const char *key, struct str value, void *place)
{
	store_one_of(s, key, value, place, "seconds", "milliseconds");
}

static void store_key_form(const struct settings *s, const char *key, struct str value, void *place)
{
	store_one_of(s, key, value, place, "base64", "hex");
}

/* What people call the EMR: it is in notes, and, in lower case, in a path. */
static void store_emr(const struct settings *s, const char *key, struct str value, void *place)
{
	enum { LONGEST = 40 };
	const char *text = settings_text(s, key, value);
	size_t n = 0;
	while (isalnum((unsigned char)text[n]) || (n && strchr(" -.", text[n]) && text[n]))
		n++;
	if (!n || text[n] || n > LONGEST || strcasecmp(text, "crm") == 0)
		settings_wrong(s, value,
			"%s: expected a name of letters, digits, blanks, '-' and '.', %d at most, and another than CRM",
			key, LONGEST);
	*(const char **)place = text;
}

/* What is signed of a body that is compressed. */
static void store_compressed(const struct settings *s, const char *key, struct str value, void *place)
{
	store_one_of(s, key, value, place, "sent", "unpacked");
}

static void store_size(const struct settings *s, const char *key, struct str value, void *place)
{
	*(int64_t *)place = settings_number(s, key, value, 1, 1000);
}

/* The path of one resource of a kind. */
static void store_resource(const struct settings *s, const char *key, struct str value, void *place)
{
	const char *path = settings_text(s, key, value);
	if (!strstr(path, "{id}"))
		settings_wrong(s, value, "%s: expected the resource's path, with {id} in it", key);
	*(const char **)place = path;
}

/* Query parameters by the patient's facts that they ask for. */
static void store_search(const struct settings *s, const char *key, struct str value, void *place)
{
	struct jtext_members members = settings_members(s, key, value);
	struct conf_names names = {
		.at = arena_alloc(s->arena, (members.n + 1) * sizeof *names.at), .n = members.n};
	for (size_t i = 0; i < members.n; i++) {
		const char *name = settings_name(s, &members.at[i]);
		const char *path = arena_printf(s->arena, "%s.%s", key, name);
		check_fact(s, key, members.at[i].value, name, event_facts(KIND_PATIENT));
		names.at[i] = (struct conf_name){.name = name, .is = settings_text(s, path, members.at[i].value)};
	}
	*(struct conf_names *)place = names;
}

static void store_items(const struct settings *s, const char *key, struct str value, void *place)
{
	*(struct profile_fields *)place = fields_at(s, key, value, item_facts);
}

static void store_facts(const struct settings *s, const char *key, struct str value, void *place)
{
	enum event_kind kind = 0;
	while (strncmp(key, event_kind_name(kind), strcspn(key, ".")) != 0)
		kind++;
	*(struct profile_fields *)place = fields_at(s, key, value, event_facts(kind));
}

/* Words of the EMR, each for one of n known ones of ours. */
static struct conf_names names_at(const struct settings *s, const char *key, struct str value,
	const char *const *known, size_t n, const char *expected)
{
	struct jtext_members members = settings_members(s, key, value);
	struct conf_names names = {
		.at = arena_alloc(s->arena, (members.n + 1) * sizeof *names.at), .n = members.n};
	for (size_t i = 0; i < members.n; i++) {
		const char *name = settings_name(s, &members.at[i]),
				   *path = arena_printf(s->arena, "%s.%s", key, name);
		const char *is = settings_text(s, path, members.at[i].value),
				   *nearest = distance_nearest(is, known, sizeof *known, n);
		if (strcmp(nearest, is) != 0)
			settings_wrong(s, members.at[i].value, "%s: found \"%s\", expected %s; the nearest one is %s",
				path, is, expected, nearest);
		names.at[i] = (struct conf_name){name, is};
	}
	return names;
}

static void store_events(const struct settings *s, const char *key, struct str value, void *place)
{
	const char *known[EVENT_TYPES + 1] = {[EVENT_TYPES] = "ping"};
	for (enum event_type type = 0; type < EVENT_TYPES; type++)
		known[type] = event_type_name(type);
	*(struct conf_names *)place =
		names_at(s, key, value, known, COUNT(known), "a type of pnow-event(5), or ping");
}

static void store_statuses(const struct settings *s, const char *key, struct str value, void *place)
{
	static const char *const known[] = {"booked", "checked_out", "cancelled", "no_show"};
	*(struct conf_names *)place =
		names_at(s, key, value, known, COUNT(known), "booked, checked_out, cancelled or no_show");
}

static void store_bill_statuses(const struct settings *s, const char *key, struct str value, void *place)
{
	static const char *const known[] = {"void", "refunded"};
	*(struct conf_names *)place = names_at(s, key, value, known, COUNT(known), "void or refunded");
}

static void store_genders(const struct settings *s, const char *key, struct str value, void *place)
{
	static const char *const known[] = {"male", "female", "other"};
	*(struct conf_names *)place = names_at(s, key, value, known, COUNT(known), "male, female or other");
}

#define AT(member) offsetof(struct profile, member)
#define KIND(name, kind)                                                                                     \
	{name ".get", store_resource, AT(kinds[kind].get)},                                                      \
		{name ".list", settings_store_text, AT(kinds[kind].list)},                                           \
		{name ".create", settings_store_text, AT(kinds[kind].create)},                                       \
		{name ".search", settings_store_text, AT(kinds[kind].search)},                                       \
		{name ".search_by", store_search, AT(kinds[kind].search_by)},                                        \
		{name ".rows", store_pointers, AT(kinds[kind].rows)},                                                \
		{name ".updated", store_places, AT(kinds[kind].updated)},                                            \
		{name ".merged_from", store_pointers, AT(kinds[kind].merged_from)},                                  \
		{name ".fields", store_facts, AT(kinds[kind].fields)},                                               \
		{name ".items", store_pointers, AT(kinds[kind].items)},                                              \
	{                                                                                                        \
		name ".item", store_items, AT(kinds[kind].item)                                                      \
	}

/* Every key, in the order of pnow.conf(5). */
static const struct settings_key keys[] = {
	{"name", settings_store_text, AT(name)},
	{"emr", store_emr, AT(emr)},
	{"base_url", settings_store_url, AT(base_url)},
	{"authorization", settings_store_text, AT(authorization)},
	{"practice_header", settings_store_text, AT(practice_header)},
	{"practice_query", settings_store_text, AT(practice_query)},
	{"apikey_query", settings_store_text, AT(apikey_query)},
	{"apikey_header", settings_store_text, AT(apikey_header)},
	{"check", settings_store_text, AT(check)},
	{"day_first", settings_store_bool, AT(day_first)},
	{"utc", settings_store_bool, AT(utc)},
	{"epoch", store_epoch, AT(epoch)},
	{"signature.header", settings_store_text, AT(signature.header)},
	{"signature.prefix", settings_store_text, AT(signature.prefix)},
	{"signature.salt_header", settings_store_text, AT(signature.salt_header)},
	{"signature.key", store_key_form, AT(signature.key)},
	{"probe", settings_store_bool, AT(probe)},
	{"challenge.query", settings_store_text, AT(challenge.query)},
	{"challenge.body", store_pointers, AT(challenge.body)},
	{"form", settings_store_bool, AT(form)},
	{"compressed", store_compressed, AT(compressed)},
	{"event.list", store_pointers, AT(event_list)},
	{"event.name", store_event_places, AT(event_name)},
	{"event.id", store_event_places, AT(event_id)},
	{"event.time", store_event_places, AT(event_time)},
	{"event.data", store_pointers, AT(event_data)},
	{"events", store_events, AT(events)},
	{"statuses", store_statuses, AT(statuses)},
	{"bill_statuses", store_bill_statuses, AT(bill_statuses)},
	{"genders", store_genders, AT(genders)},
	{"paging.page", settings_store_text, AT(paging.page)},
	{"paging.offset", settings_store_text, AT(paging.offset)},
	{"paging.cursor", settings_store_text, AT(paging.cursor)},
	{"paging.next", store_event_places, AT(paging.next)},
	{"paging.rows", settings_store_text, AT(paging.rows)},
	{"paging.size", store_size, AT(paging.size)},
	{"paging.since", settings_store_text, AT(paging.since)},
	{"paging.until", settings_store_text, AT(paging.until)},
	{"paging.pages_header", settings_store_text, AT(paging.pages_header)},
	{"paging.total", store_pointers, AT(paging.total)},
	{"appointment_types.list", settings_store_text, AT(appointment_types.list)},
	{"appointment_types.rows", store_pointers, AT(appointment_types.rows)},
	{"appointment_types.name", store_places, AT(appointment_types.name)},
	KIND("patient", KIND_PATIENT),
	{"patient.elsewhere", store_facts, AT(kinds[KIND_PATIENT].elsewhere)},
	KIND("appointment", KIND_APPOINTMENT),
	KIND("bill", KIND_BILL),
	KIND("membership", KIND_MEMBERSHIP),
};

const char *profile_path(struct arena *a, const char *name)
{
	if (strpbrk(name, "/."))
		return name;
	const char *installed = arena_printf(a, "%s/profiles/%s.json", PNOW_DATADIR, name);
	if (access(installed, R_OK) == 0)
		return installed;
	char program[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof program);
	for (int up = 0; n > 0 && up < 4; up++)
		while (n > 0 && program[--n] != '/')
			continue;
	if (n <= 0)
		return installed;
	const char *built = arena_printf(a, "%.*s/lib/profiles/%s.json", (int)n, program, name);
	return access(built, R_OK) == 0 ? built : installed;
}

/* What the file must say of a kind, where there is an API to ask, or facts of it are told. */
static void check_kind(const struct settings *s, enum event_kind kind, const struct profile *p)
{
	const struct profile_kind *k = &p->kinds[kind];
	const char *name = event_kind_name(kind);
	if (k->get && !p->base_url)
		settings_wrong(s, s->root, "base_url is missing");
	if (k->fields.n && p->base_url && !k->get)
		settings_wrong(s, s->root, "%s.get is missing", name);
	if ((k->fields.n || k->get) && !profile_field(&k->fields, "id"))
		settings_wrong(s, s->root, "%s.fields.id is missing", name);
}

static void add_object(struct arena *a, struct profile_pointers *objects, struct str pointer)
{
	for (size_t i = 0; i < objects->n; i++)
		if (str_is(pointer, objects->at[i]))
			return;
	const char **at = arena_alloc(a, (objects->n + 1) * sizeof *at);
	if (objects->n)
		memcpy(at, objects->at, objects->n * sizeof *at);
	at[objects->n++] = arena_copy(a, pointer);
	objects->at = at;
}

/* The objects that a place's pointers lead through. */
static void add_objects(struct arena *a, struct profile_pointers *objects, const char *place)
{
	struct str pointer;
	while (place_pointer(&place, &pointer))
		for (size_t n = 1; n < pointer.n; n++)
			if (pointer.p[n] == '/')
				add_object(a, objects, (struct str){pointer.p, n});
}

static void find_objects(struct arena *a, struct profile_kind *k)
{
	const struct profile_fields *const lists[] = {&k->fields, &k->elsewhere};
	for (size_t l = 0; l < COUNT(lists); l++)
		for (size_t i = 0; i < lists[l]->n; i++)
			for (size_t j = 0; j < lists[l]->at[i].from.n; j++)
				add_objects(a, &k->objects, lists[l]->at[i].from.at[j]);
}

/* An EMR's name in a path: Nextech Select is nextech-select. */
static const char *path_word(struct arena *a, const char *emr)
{
	char *word = arena_copy(a, str_of(emr));
	for (char *c = word; *c; c++)
		*c = *c == ' ' ? '-' : (char)tolower((unsigned char)*c);
	return word;
}

/* A profile that is read. */
struct profile_reading {
	struct profile *p;
	const char *name, *conf_file;
};

static void fill(void *context)
{
	const struct profile_reading *r = context;
	struct profile *p = r->p;
	const char *path = profile_path(&p->arena, r->name);
	if (access(path, R_OK) < 0)
		mistake(
			"%s: patientnow.profile: cannot read the profile %s: %s", r->conf_file, path, strerror(errno));
	struct settings s = settings_read(&p->arena, path, "the profile");
	settings_fill(&s, "", s.root, keys, COUNT(keys), p);
	if (!p->emr)
		p->emr = "PatientNow";
	p->hook = path_word(&p->arena, p->emr);
	if (!p->check)
		p->check = p->kinds[KIND_PATIENT].list;
	if (!p->paging.size)
		p->paging.size = 100;
	if (!p->paging.cursor != !p->paging.next.n)
		settings_wrong(
			&s, s.root, "paging.cursor and paging.next go together: the parameter, and where it is told");
	if (p->paging.cursor && (p->paging.page || p->paging.offset))
		settings_wrong(&s, s.root, "paging: expected cursor, or page or offset");
	if (!p->event_name.n)
		settings_wrong(&s, s.root, "event.name is missing");
	for (enum event_kind kind = 0; kind < EVENT_KINDS; kind++) {
		check_kind(&s, kind, p);
		find_objects(&p->arena, &p->kinds[kind]);
	}
}

struct profile *profile_read(const char *name, const char *conf_file)
{
	char why[MISTAKE_MAX];
	struct profile_reading r = {allocated(calloc(1, sizeof *r.p)), name, conf_file};
	if (mistake_caught(fill, &r, why))
		return r.p;
	profile_free(r.p);
	mistake("%s", why);
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	struct arena arena = p->arena;
	free(p);
	arena_free(&arena);
}
