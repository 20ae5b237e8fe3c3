/*
 * crm-map: makes an event into the list of what is to be done in the CRM. Knows no ids and no network: the
 * same event and configuration give the same actions.
 */
#include "map.h"
#include "conf/confine.h"
#include "conf/options.h"
#include "conf/profile.h"

static const char usage[] =
	"usage: crm-map [-bv] [-c FILE]\n"
	"Adds the list of CRM actions to events (NDJSON on standard input).\n"
	"  -b       a backfill: only the contact's fields, its lifetime value, and what is to come in the calendar\n"
	"  -c FILE  the practice's configuration (else $PNOW_CONFIG)\n"
	"  -v       say more\n"
	"  -h, -V   this help, the version\n";

static void take_option(int letter, void *context)
{
	struct map *m = context;
	m->backfill |= letter == 'b';
}

int main(int argc, char *argv[])
{
	struct map m = {0};
	struct options o = {.usage = usage, .letters = "bc:hvV", .own = take_option, .context = &m};
	options_read(argc, argv, &o);
	struct conf *conf = conf_read(o.file);
	struct profile *profile = profile_read(conf->patientnow.profile, conf->file);
	m.conf = conf;
	m.emr = profile->emr;
	confine(CONFINE_FILTER, NULL, 0, o.verbose);
	int status = record_loop(
		&(struct record_loop){.stage = "crm-map", .each = map_record, .context = &m, .verbose = o.verbose});
	profile_free(profile);
	conf_free(conf);
	return status;
}
