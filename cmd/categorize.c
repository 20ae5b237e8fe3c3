/*
 * categorize: gives each appointment its category, and the pipeline and stage that its opportunity is to move
 * to. Reads two strings of a record and a sheet; opens no socket, no secret and no state.
 */
#include "conf/conf.h"
#include "conf/confine.h"
#include "conf/options.h"
#include "conf/sheet.h"
#include "stream/record.h"
#include "value/category.h"
#include "value/event.h"

#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
	"usage: categorize [-suv] [-c FILE]\n"
	"Adds category, pipeline and stage to appointment events (NDJSON on standard input).\n"
	"  -c FILE  the practice's configuration (else $PNOW_CONFIG)\n"
	"  -s       write a sheet with a suggestion for each type that the sheet lacks\n"
	"  -u       list the types that the sheet lacks, instead of the records\n"
	"  -v       say more\n"
	"  -h, -V   this help, the version\n";

enum { MISSING_MAX = 4096 }; /* types that are told once a run; beyond them, silence */

enum listing { RECORDS, MISSING, SUGGESTIONS };

struct categorize {
	const struct conf *conf;
	const struct sheet *sheet;
	enum listing listing;
	const char **missing; /* folded, in the order met */
	size_t missing_n;
	struct arena arena;
};

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

/* A type that the sheet lacks: told once a run. What is kept of it is in the run's arena, all else in the
 * record's. */
static void tell_missing(struct categorize *c, struct arena *a, const char *type)
{
	char *folded = arena_alloc(a, strlen(type) + 1);
	sheet_fold(type, folded);
	for (size_t i = 0; i < c->missing_n; i++)
		if (strcmp(c->missing[i], folded) == 0)
			return;
	if (c->missing_n == MISSING_MAX)
		return;
	c->missing[c->missing_n++] = arena_copy(&c->arena, str_of(folded));
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

static void categorize(struct record *r, void *context)
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

/* -s and -u. */
static void choose_listing(int letter, void *context)
{
	struct categorize *c = context;
	c->listing = letter == 's' ? SUGGESTIONS : MISSING;
}

/* Whether there is something in the sheet: the shell has made it empty already where -s is to write it. */
static bool is_begun(const char *path)
{
	struct stat st;
	return path && (stat(path, &st) != 0 ? errno != ENOENT : st.st_size > 0);
}

int main(int argc, char *argv[])
{
	struct categorize c = {.listing = RECORDS};
	struct options o = {.usage = usage, .letters = "c:hsuvV", .own = choose_listing, .context = &c};
	options_read(argc, argv, &o);
	struct conf *conf = conf_read(o.file);
	bool fresh = c.listing == SUGGESTIONS && !is_begun(conf->categories);
	struct sheet *sheet = sheet_read(fresh ? NULL : conf->categories);
	c.conf = conf;
	c.sheet = sheet;
	c.missing = arena_alloc(&c.arena, MISSING_MAX * sizeof *c.missing);
	confine(CONFINE_FILTER, NULL, 0, o.verbose);
	if (c.listing == SUGGESTIONS)
		puts("Appointment Type,Appointment Category,Reason");
	int status = record_loop(&(struct record_loop){.stage = "categorize",
		.each = categorize,
		.context = &c,
		.silent = c.listing != RECORDS,
		.verbose = o.verbose});
	sheet_free(sheet);
	conf_free(conf);
	arena_free(&c.arena);
	if (fflush(stdout) != 0)
		err(EX_CANTCREAT, "cannot write standard output");
	return status;
}
