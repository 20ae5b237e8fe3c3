/*
 * categorize: gives each appointment its category, and the pipeline and stage that its opportunity is to move
 * to. Reads two strings of a record and a sheet; opens no socket, no secret and no state.
 */
#include "categorize.h"
#include "conf/confine.h"
#include "conf/options.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>

static const char usage[] =
	"usage: categorize [-suv] [-c FILE]\n"
	"Adds category, pipeline and stage to appointment events (NDJSON on standard input).\n"
	"  -c FILE  the practice's configuration (else $PNOW_CONFIG)\n"
	"  -s       write a sheet with a suggestion for each type that the sheet lacks\n"
	"  -u       list the types that the sheet lacks, instead of the records\n"
	"  -v       say more\n"
	"  -h, -V   this help, the version\n";

/* -s and -u. */
static void choose_listing(int letter, void *context)
{
	enum listing *listing = context;
	*listing = letter == 's' ? SUGGESTIONS : MISSING;
}

/* Whether there is something in the sheet: the shell has made it empty already where -s is to write it. */
static bool is_begun(const char *path)
{
	struct stat st;
	return path && (stat(path, &st) != 0 ? errno != ENOENT : st.st_size > 0);
}

int main(int argc, char *argv[])
{
	enum listing listing = RECORDS;
	struct options o = {.usage = usage, .letters = "c:hsuvV", .own = choose_listing, .context = &listing};
	options_read(argc, argv, &o);
	struct conf *conf = conf_read(o.file);
	bool fresh = listing == SUGGESTIONS && !is_begun(conf->categories);
	struct sheet *sheet = sheet_read(fresh ? NULL : conf->categories);
	struct categorize c;
	categorize_begin(&c, conf, sheet);
	c.listing = listing;
	confine(CONFINE_FILTER, NULL, 0, o.verbose);
	if (listing == SUGGESTIONS)
		puts("Appointment Type,Appointment Category,Reason");
	int status = record_loop(&(struct record_loop){.stage = "categorize",
		.each = categorize_record,
		.context = &c,
		.silent = listing != RECORDS,
		.verbose = o.verbose});
	categorize_end(&c);
	sheet_free(sheet);
	conf_free(conf);
	if (fflush(stdout) != 0)
		err(EX_CANTCREAT, "cannot write standard output");
	return status;
}
