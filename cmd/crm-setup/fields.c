/*
 * Custom fields. Missing ones are made in rounds: read the list, ask for what it lacks, read it again. So an
 * answer that was lost, or a run that was killed, is settled by what the list shows, and no field is made
 * twice.
 */
#include "setup.h"
#include "value/category.h"
#include "value/event.h"
#include "value/field.h"

#include <stdio.h>
#include <strings.h>
#include <time.h>

enum { FIELDS_MAX = 64, ROUNDS = 3, WORDS_MAX = CATEGORIES };

/* What a list of fields comes to. */
struct fields {
	struct setup *s;
	struct crm *crm;
	const struct crm_location *location;
	struct str list;
	bool lacked[FIELDS_MAX];         /* at first */
	const char *refused[FIELDS_MAX]; /* why it was not made, */
	bool forbidden;                  /* and whether the token is why */
};

/* Kinds of fields, as the API and as the CRM's pages call them. */
static const struct {
	const char *type, *shown;
} shown_types[] = {
	{"TEXT", "Single Line"},
	{"LARGE_TEXT", "Multi Line"},
	{"DATE", "Date Picker"},
	{"MONETORY", "Monetary"},
	{"SINGLE_OPTIONS", "Dropdown (Single)"},
};

/* What another kind than the field's own means: works, or works less well. Any other drops values. */
static const struct {
	const char *wanted, *found;
	const char *but; /* NULL: nothing is lost */
} kinds[] = {
	{"TEXT", "LARGE_TEXT", NULL},
	{"MONETORY", "NUMERICAL", NULL},
	{"DATE", "TEXT", "dates go in as text, by which the CRM can neither sort nor start a workflow"},
	{"MONETORY", "TEXT", "amounts go in as text, which the CRM can neither add up nor compare"},
	{"SINGLE_OPTIONS", "TEXT", "anything can be typed over what comes from PatientNow"},
};

static const char *shown(const char *type)
{
	for (size_t i = 0; i < COUNT(shown_types); i++)
		if (strcmp(shown_types[i].type, type) == 0)
			return shown_types[i].shown;
	return type;
}

/* The words that we write into a field, where they are known; written into words, which has room for
 * WORDS_MAX. */
static size_t words_of(const struct conf *conf, enum field_form form, const char **words)
{
	size_t n = 0;
	if (form == FIELD_FLAG) {
		words[n++] = "true";
		words[n++] = "false";
	} else if (form == FIELD_STANDING) {
		words[n++] = conf->lead_status.lead;
		words[n++] = conf->lead_status.patient;
	} else if (form == FIELD_STATUS) {
		static const char *const statuses[] = {"booked", "checked_out", "cancelled", "no_show"};
		for (; n < COUNT(statuses); n++)
			words[n] = status_shown(statuses[n]);
	} else if (form == FIELD_CATEGORY) {
		for (enum category c = CATEGORY_NONE + 1; c < CATEGORIES; c++)
			words[n++] = category_name(c);
	}
	return n;
}

static const char *name_of(const struct setup *s, const struct field *f)
{
	return conf_name(&s->conf->names.fields, f->name);
}

struct str entry_named(struct setup *s, struct str list, const char *name)
{
	struct str like = {0};
	for (struct str at = {0}; jtext_next(list, &at);) {
		const char *this = jtext_string(&s->arena, jtext_get(at, "name"));
		if (this && strcmp(this, name) == 0)
			return at;
		if (this && !like.p && strcasecmp(this, name) == 0)
			like = at;
	}
	return like;
}

struct str entry_with_id(struct setup *s, struct str list, const char *id)
{
	for (struct str at = {0}; jtext_next(list, &at);) {
		const char *is = jtext_string(&s->arena, jtext_get(at, "id"));
		if (is && strcmp(is, id) == 0)
			return at;
	}
	return (struct str){0};
}

/* The CRM's field, under its name or its other one; p NULL: it has none. */
static struct str field_in(const struct fields *fs, const struct field *f)
{
	const char *name = name_of(fs->s, f);
	const struct field *same = field_find(name);
	struct str found = entry_named(fs->s, fs->list, name);
	return found.p || !same || !same->also ? found : entry_named(fs->s, fs->list, same->also);
}

/* The field that was known under its name, and has another one in the CRM now; p NULL: there is none. */
static struct str renamed(const struct fields *fs, const struct field *f)
{
	struct setup *s = fs->s;
	if (!s->state)
		return (struct str){0};
	struct names *names = names_open(fs->crm, s->state);
	const char *id = names_kept(names, &s->arena, fs->location, NAME_FIELD, name_of(s, f));
	names_close(names);
	return id ? entry_with_id(s, fs->list, id) : (struct str){0};
}

static bool is_lacking(const struct fields *fs, const struct field *f)
{
	return !field_in(fs, f).p && !renamed(fs, f).p;
}

/* Tells of a field that somebody has renamed: values go on into it, by its id, until the names are read anew.
 */
static void tell_renamed(struct setup *s, const struct field *f, struct str field)
{
	const char *now = jtext_string(&s->arena, jtext_get(field, "name"));
	tell(s, WARNING, "custom field", name_of(s, f),
		arena_printf(&s->arena,
			"is called \"%s\" in the CRM now; its value goes there only until the CRM's list is read anew",
			now ? now : ""),
		arena_printf(&s->arena,
			"Rename it back, or write \"%s\" into the configuration as its name in names.fields.",
			now ? now : ""));
}

/* Which of our words the options of a field lack: "true", "false". "": none. Any word, where ours are not
 * known. */
static const char *options_lack(struct setup *s, const struct field *f, struct str field)
{
	const char *words[WORDS_MAX], *lack = "";
	size_t n = words_of(s->conf, f->form, words);
	for (size_t i = 0; i < n; i++) {
		bool there = false;
		for (struct str at = {0}; !there && jtext_next(jtext_get(field, "picklistOptions"), &at);) {
			const char *option = jtext_scalar(&s->arena, at);
			there = option && strcmp(option, words[i]) == 0;
		}
		if (!there)
			lack = arena_printf(&s->arena, "%s%s\"%s\"", lack, *lack ? ", " : "", words[i]);
	}
	return n ? lack : "whatever PatientNow sends";
}

/* Judges a field that is there. True: it is as it should be, and no row was written. */
static bool is_right(struct setup *s, const struct field *f, struct str field)
{
	const char *name = jtext_string(&s->arena, jtext_get(field, "name"));
	const char *type = jtext_string(&s->arena, jtext_get(field, "dataType"));
	bool options = type && (strcmp(type, "SINGLE_OPTIONS") == 0 || strcmp(type, "RADIO") == 0);
	bool text = strcmp(f->data_type, "TEXT") == 0 || strcmp(f->data_type, "SINGLE_OPTIONS") == 0;
	if (options && text) {
		const char *lack = options_lack(s, f, field);
		if (*lack)
			tell(s, WRONG, "custom field", name,
				arena_printf(&s->arena, "its options lack %s: the CRM drops such values", lack),
				"Add them in the CRM (Settings > Custom Fields), letter for letter.");
		return !*lack;
	}
	if (type && strcmp(type, f->data_type) == 0)
		return true;
	for (size_t i = 0; type && i < COUNT(kinds); i++) {
		if (strcmp(kinds[i].wanted, f->data_type) != 0 || strcmp(kinds[i].found, type) != 0)
			continue;
		if (kinds[i].but)
			tell(s, WARNING, "custom field", name,
				arena_printf(&s->arena, "is %s, not %s: %s", type, f->data_type, kinds[i].but),
				"Leave it so, or rename it in the CRM (Settings > Custom Fields) and run crm-setup -w.");
		return !kinds[i].but;
	}
	tell(s, WRONG, "custom field", name,
		arena_printf(&s->arena, "is %s, not %s: the CRM drops values that do not fit it",
			type ? type : "of no kind", f->data_type),
		"A field's kind cannot be changed: rename it in the CRM (Settings > Custom Fields) and run crm-setup "
		"-w.");
	return false;
}

/* The body that makes a field. */
static struct str body_of(struct setup *s, const struct field *f)
{
	const char *words[WORDS_MAX];
	struct buf body = {0};
	buf_putc(&body, '{');
	buf_member(&body, "name", name_of(s, f));
	buf_member(&body, "dataType", f->data_type);
	buf_member(&body, "model", "contact");
	if (strcmp(f->data_type, "SINGLE_OPTIONS") == 0) {
		buf_puts(&body, ",\"textBoxListOptions\":[");
		for (size_t i = 0, n = words_of(s->conf, f->form, words); i < n; i++) {
			buf_puts(&body, i ? ",{\"label\":" : "{\"label\":");
			buf_json(&body, str_of(words[i]));
			buf_puts(&body, ",\"prefillValue\":\"\"}");
		}
		buf_putc(&body, ']');
	}
	buf_putc(&body, '}');
	struct str kept = buf_take(&body, &s->arena);
	return kept;
}

static const char *path_of(struct setup *s, const struct crm_location *location)
{
	return arena_printf(&s->arena, "/locations/%s/customFields", http_encode(&s->arena, location->id));
}

void show_fields(struct setup *s, const struct crm_location *location)
{
	for (const struct field *f = custom_fields; f->name; f++) {
		struct str body = body_of(s, f);
		printf("{\"api\":\"crm\",\"method\":\"POST\",\"path\":\"%s\",\"body\":%.*s}\n", path_of(s, location),
			(int)body.n, body.p);
	}
}

/* Asks for each field that the list lacks. False: there was none to ask for. */
static bool make_missing(struct fields *fs)
{
	struct setup *s = fs->s;
	bool asked = false, lost = false;
	for (size_t i = 0; i < FIELDS_MAX && custom_fields[i].name; i++) {
		if (!is_lacking(fs, &custom_fields[i]) || fs->refused[i])
			continue;
		struct crm_request request = {
			.method = "POST", .path = path_of(s, fs->location), .body = body_of(s, &custom_fields[i])};
		struct crm_answer answer = crm_call(fs->crm, &s->arena, fs->location, &request);
		asked = true;
		lost |= answer.error != NULL;
		if (answer.status >= 400 && answer.status < 500 && answer.status != 429) {
			fs->refused[i] = answer.error;
			fs->forbidden |= answer.status == 401 || answer.status == 403;
		}
	}
	if (lost) /* what was sent may still be on its way into the list */
		nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
	return asked;
}

/* Makes the missing fields; the list is then as it is after that. False where it could not be read; that is
 * told. */
static bool make(struct fields *fs)
{
	struct setup *s = fs->s;
	for (int round = 0;; round++) {
		struct crm_request request = {
			.method = "GET", .path = names_path(&s->arena, fs->location, NAME_FIELD), .repeatable = true};
		struct crm_answer answer = crm_call(fs->crm, &s->arena, fs->location, &request);
		if (answer.error) {
			tell(s, UNKNOWN, "custom field", NULL, answer.error,
				"Run crm-setup -w again: it makes what is missing then, and nothing twice.");
			return false;
		}
		fs->list = jtext_get(answer.body, "customFields");
		if (round == ROUNDS || !make_missing(fs))
			return true;
	}
}

/* -w, one process at a time. */
static bool make_alone(struct fields *fs)
{
	struct setup *s = fs->s;
	if (!s->state) {
		tell(s, UNKNOWN, "custom field", NULL, "-w makes none without the state", "Mend the state first.");
		return true;
	}
	struct locks *locks = locks_open(s->conf->state);
	struct names *names = names_open(fs->crm, s->state);
	lock_take(locks, LOCK_SETUP, fs->location->id);
	bool read = make(fs);
	names_drop(names, fs->location, NAME_FIELD); /* running pipelines see the new ones at once */
	lock_free(locks, LOCK_SETUP, fs->location->id);
	names_close(names);
	locks_close(locks);
	return read;
}

void check_fields(
	struct setup *s, struct crm *crm, const struct crm_location *location, const struct crm_answer *first)
{
	struct fields fs = {
		.s = s, .crm = crm, .location = location, .list = jtext_get(first->body, "customFields")};
	size_t all = 0, right = 0;
	bool lacks = false;
	for (; all < FIELDS_MAX && custom_fields[all].name; all++)
		lacks |= fs.lacked[all] = is_lacking(&fs, &custom_fields[all]);
	if (s->write && lacks && !make_alone(&fs))
		return;
	for (size_t i = 0; i < all; i++) {
		const struct field *f = &custom_fields[i];
		struct str field = field_in(&fs, f);
		struct str other = renamed(&fs, f);
		if (!field.p && other.p) {
			tell_renamed(s, f, other);
			continue;
		}
		if (field.p && fs.lacked[i])
			tell(s, OK, "custom field", name_of(s, f),
				arena_printf(&s->arena, "made now, as %s", f->data_type), NULL);
		if (field.p)
			right += is_right(s, f, field);
		else
			tell(s, MISSING, "custom field", name_of(s, f),
				fs.refused[i] ? fs.refused[i] : "not in the CRM: its value is left out",
				arena_printf(&s->arena,
					"%s in the CRM: Settings > Custom Fields, %s; where it has another name there, give that in names.fields.",
					fs.forbidden    ? "Give the token the scope locations/customFields.write, or make it"
					: fs.refused[i] ? "Make it"
									: "Run crm-setup -w, or make it",
					shown(f->data_type)));
	}
	if (right)
		tell(s, OK, "custom field", NULL,
			arena_printf(&s->arena, "%zu of %zu are as they should be", right, all), NULL);
}
