/*
 * categorize: gives each appointment its category, and the pipeline and stage that its opportunity is to move
 * to. Reads two strings of a record and a sheet; opens no socket, no secret and no state.
 */
#include "category.h"
#include "conf.h"
#include "event.h"
#include "options.h"
#include "record.h"
#include "sheet.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Words in an appointment type and what they suggest, first match first; consult: where the type is a
 * consult. */
static const struct {
	const char *word;
	enum category category, consult;
} words[] = {
	{"lunch", CATEGORY_BLOCK, CATEGORY_BLOCK},
	{"block", CATEGORY_BLOCK, CATEGORY_BLOCK},
	{"meeting", CATEGORY_BLOCK, CATEGORY_BLOCK},
	{"outofoffice", CATEGORY_BLOCK, CATEGORY_BLOCK},
	{"post-op", CATEGORY_POST_OP, CATEGORY_POST_OP},
	{"postop", CATEGORY_POST_OP, CATEGORY_POST_OP},
	{"pre-op", CATEGORY_PRE_OP, CATEGORY_PRE_OP},
	{"preop", CATEGORY_PRE_OP, CATEGORY_PRE_OP},
	{"non-surgical", CATEGORY_NON_SURGICAL_APPOINTMENT, CATEGORY_NON_SURGICAL_CONSULT},
	{"nonsurgical", CATEGORY_NON_SURGICAL_APPOINTMENT, CATEGORY_NON_SURGICAL_CONSULT},
	{"surg", CATEGORY_SURGICAL_APPOINTMENT, CATEGORY_SURGICAL_CONSULT},
	{"plasty", CATEGORY_SURGICAL_APPOINTMENT, CATEGORY_SURGICAL_CONSULT},
	{"facelift", CATEGORY_SURGICAL_APPOINTMENT, CATEGORY_SURGICAL_CONSULT},
	{"necklift", CATEGORY_SURGICAL_APPOINTMENT, CATEGORY_SURGICAL_CONSULT},
	{"browlift", CATEGORY_SURGICAL_APPOINTMENT, CATEGORY_SURGICAL_CONSULT},
	{"breast", CATEGORY_SURGICAL_APPOINTMENT, CATEGORY_SURGICAL_CONSULT},
	{"lipo", CATEGORY_SURGICAL_APPOINTMENT, CATEGORY_SURGICAL_CONSULT},
	{"tummytuck", CATEGORY_SURGICAL_APPOINTMENT, CATEGORY_SURGICAL_CONSULT},
	{"implant", CATEGORY_SURGICAL_APPOINTMENT, CATEGORY_SURGICAL_CONSULT},
	{"makeover", CATEGORY_SURGICAL_APPOINTMENT, CATEGORY_SURGICAL_CONSULT},
	{"cons", CATEGORY_NON_SURGICAL_CONSULT, CATEGORY_NON_SURGICAL_CONSULT},
};

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

/* A row of the sheet with a first guess and its reason, for a person to check. */
static void suggest(const char *type, const char *folded)
{
	enum category category = CATEGORY_NON_SURGICAL_APPOINTMENT;
	const char *word = NULL;
	bool consult = strstr(folded, "cons") != NULL;
	for (size_t i = 0; !word && i < sizeof words / sizeof *words; i++) {
		if (strstr(folded, words[i].word)) {
			word = words[i].word;
			category = consult ? words[i].consult : words[i].category;
		}
	}
	print_field(type);
	printf(",%s,", category_name(category));
	if (word)
		printf("contains %s%s\n", word, consult && strcmp(word, "cons") != 0 ? " and cons" : "");
	else
		puts("no word that says more");
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
		suggest(type, folded);
	else if (c->listing == MISSING)
		puts(type);
	else if (c->conf->categories)
		warnx("appointment type \"%s\" is not in the sheet %s: no category, no opportunity moves", type,
			c->conf->categories);
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
	enum event_type type = event_type_of(record_text(r, "type"));
	if (type == EVENT_APPOINTMENT_BOOKED || type == EVENT_APPOINTMENT_STATUS) {
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

int main(int argc, char *argv[])
{
	struct categorize c = {.listing = RECORDS};
	struct options o = {.usage = usage, .letters = "c:hsuvV", .own = choose_listing, .context = &c};
	options_read(argc, argv, &o);
	struct conf *conf = conf_read(o.file);
	bool fresh = c.listing == SUGGESTIONS && conf->categories && access(conf->categories, F_OK) != 0;
	struct sheet *sheet = sheet_read(fresh ? NULL : conf->categories);
	c.conf = conf;
	c.sheet = sheet;
	c.missing = arena_alloc(&c.arena, MISSING_MAX * sizeof *c.missing);
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
