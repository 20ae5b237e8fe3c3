/*
 * The category of an appointment's type: the sheet's; and what a type suggests that the sheet lacks.
 */
#include "categorize.h"
#include "value/category.h"
#include "value/event.h"

#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <string.h>

enum { MISSING_MAX = 4096 }; /* types that are told once a run; beyond them, silence */

/* What an appointment type's name suggests. A word with a blank before or behind it is looked for where a
   word of the name begins or ends, another one anywhere, blanks and signs left out ("postop" is in
   "Post-Op"). */
struct rule {
	enum category category, consult; /* consult: where the name says that it is a consult */
	const char *words[40];           /* the last is NULL */
};

/* Tried in order. The short words are the codes that practices have: IV, RF, TLH. */
static const struct rule rules[] = {
	{CATEGORY_BLOCK, CATEGORY_BLOCK,
		{"lunch", "block", "meeting", "outofoffice", "timeoff", "dayoff", "vacation", "holiday", " break ",
			" hold ", " admin "}},
	{CATEGORY_POST_OP, CATEGORY_POST_OP, {"postop", "suture", "stitch"}},
	{CATEGORY_PRE_OP, CATEGORY_PRE_OP, {"preop"}},
	{CATEGORY_NON_SURGICAL_APPOINTMENT, CATEGORY_NON_SURGICAL_CONSULT,
		{"nonsurg", " thread", " lash", " liquid"}},
	{CATEGORY_SURGICAL_APPOINTMENT, CATEGORY_SURGICAL_CONSULT,
		{"surg", "plasty ", "lift ", "breast", "augment", " lipo", "tummytuck", "implant", "makeover",
			"transplant", " excision"}},
	{CATEGORY_NON_SURGICAL_APPOINTMENT, CATEGORY_NON_SURGICAL_CONSULT,
		{"botox", "dysport", "xeomin", "jeuveau", "daxxify", "filler", "juvederm", "restylane", "sculptra",
			"radiesse", "kybella", "laser", "facial", " peel", "needling", "dermaplan", "dermabra", "sculpt",
			" inject", " vitamin", " hormone", " pellet", " weight", " wax", " massage", " tox ", " ipl ",
			" prp ", " body ", " horm ", " inj ", " iv ", " micro ", " regen ", " rf ", " skin", " tlh ",
			" well "}},
};

enum { RULES = COUNT(rules) };

/* A name in the two forms in which words are looked for. */
struct folded_name {
	const char *spaced; /* " post op 1 wk " */
	const char *glued;  /* "postop1wk" */
};

static struct folded_name fold(struct arena *a, const char *name)
{
	char *spaced = arena_alloc(a, strlen(name) + 3), *glued = arena_alloc(a, strlen(name) + 1);
	struct folded_name folded = {spaced, glued};
	*spaced++ = ' ';
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;
		if (isalnum(c) || c >= 0x80)
			*spaced++ = *glued++ = (char)tolower(c);
		else if (spaced[-1] != ' ')
			*spaced++ = ' ';
	}
	if (spaced[-1] != ' ')
		*spaced = ' ';
	return folded;
}

static bool has_word(const struct folded_name *name, const char *word)
{
	return strstr(strchr(word, ' ') ? name->spaced : name->glued, word) != NULL;
}

/* The first rule that a name fits, and by which word; NULL where none does. */
static const struct rule *rule_of(const struct folded_name *name, const char **word)
{
	for (size_t i = 0; i < RULES; i++)
		for (const char *const *w = rules[i].words; *w; w++)
			if (has_word(name, *w)) {
				*word = *w;
				return &rules[i];
			}
	return NULL;
}

/* Writes text as a CSV field. */
static void print_field(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

/* ,contains breast and cons */
static void print_reason(const char *word, const char *consult)
{
	const char *both[] = {word, consult}, *before = ",contains ";
	for (size_t i = 0; i < 2; i++) {
		const char *text = both[i];
		if (!text)
			continue;
		text += strspn(text, " ");
		printf("%s%.*s", before, (int)strcspn(text, " "), text);
		before = " and ";
	}
	puts(word || consult ? "" : ",no word of it is known: fill it in");
}

/* A row of the sheet with a first guess and its reason, for a person to check. */
static void suggest(struct arena *a, const char *type)
{
	struct folded_name name = fold(a, type);
	const char *word = NULL, *consult = has_word(&name, "consult") ? "consult" : NULL;
	if (!consult && has_word(&name, " cons "))
		consult = "cons";
	const struct rule *rule = rule_of(&name, &word);
	enum category category = consult ? CATEGORY_NON_SURGICAL_CONSULT : CATEGORY_NONE;
	if (rule)
		category = consult ? rule->consult : rule->category;
	print_field(type);
	printf(",%s", category == CATEGORY_NONE ? "" : category_name(category));
	print_reason(word, consult);
}

/* Whether a type that the sheet lacks was not told before; now it is. */
static bool is_news(struct categorize *c, const char *folded)
{
	size_t i = 0;
	pthread_mutex_lock(&c->lock);
	while (i < c->missing_n && strcmp(c->missing[i], folded) != 0)
		i++;
	bool news = i == c->missing_n && i < MISSING_MAX;
	if (news)
		c->missing[c->missing_n++] = arena_copy(&c->arena, str_of(folded));
	pthread_mutex_unlock(&c->lock);
	return news;
}

/* A type that the sheet lacks: told once a run. What is kept of it is in the run's arena, all else in the
 * record's. */
static void tell_missing(struct categorize *c, struct arena *a, const char *type)
{
	char *folded = arena_alloc(a, strlen(type) + 1);
	sheet_fold(type, folded);
	if (!is_news(c, folded))
		return;
	if (c->listing == SUGGESTIONS)
		suggest(a, type);
	else if (c->listing == MISSING)
		puts(type);
	else if (c->conf->categories)
		warnx(
			"appointment type \"%s\" is not in the sheet %s, or has no category there: no opportunity moves",
			type, c->conf->categories);
}

/* The category of a type in this practice. */
static enum category category_in(struct categorize *c, struct arena *a, const char *type)
{
	enum category category = type ? sheet_find(c->sheet, type) : CATEGORY_NONE;
	bool both = c->conf->pipelines == PIPELINES_BOTH;
	if (type && category == CATEGORY_NONE && (both || c->listing != RECORDS))
		tell_missing(c, a, type);
	if (both)
		return category;
	switch (category) { /* everything is non-surgical */
	case CATEGORY_NONE:
	case CATEGORY_SURGICAL_APPOINTMENT:
		return CATEGORY_NON_SURGICAL_APPOINTMENT;
	case CATEGORY_SURGICAL_CONSULT:
		return CATEGORY_NON_SURGICAL_CONSULT;
	default:
		return category;
	}
}

void categorize_record(struct record *r, void *context)
{
	struct categorize *c = context;
	const char *name = record_text(r, "type");
	enum event_type type = event_type_of(name);
	bool listed =
		!name && c->listing != RECORDS; /* pnow-fetch appointment-types: an appointment's type alone */
	if (listed || type == EVENT_APPOINTMENT_BOOKED || type == EVENT_APPOINTMENT_STATUS) {
		struct jtext_members appointment = record_object(r, "appointment");
		const char *status = members_text(r->arena, &appointment, "status");
		enum category category = category_in(c, r->arena, members_text(r->arena, &appointment, "type"));
		const char *pipeline = NULL, *stage = NULL;
		if (category != CATEGORY_NONE && status)
			category_stage(category, status, c->conf->consult_stages, &pipeline, &stage);
		record_drop(r, "category");
		record_drop(r, "pipeline");
		record_drop(r, "stage");
		record_set_text(r, "category", category_name(category));
		record_set_text(r, "pipeline", pipeline);
		record_set_text(r, "stage", stage);
	}
}

void categorize_begin(struct categorize *c, const struct conf *conf, const struct sheet *sheet)
{
	*c = (struct categorize){.conf = conf, .sheet = sheet};
	pthread_mutex_init(&c->lock, NULL);
	c->missing = arena_alloc(&c->arena, MISSING_MAX * sizeof *c->missing);
}

void categorize_end(struct categorize *c)
{
	pthread_mutex_destroy(&c->lock);
	arena_free(&c->arena);
}
