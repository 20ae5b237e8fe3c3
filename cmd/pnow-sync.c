/*
 * pnow-sync: the ordinary pipeline for every workflow, from events to results: what a shell would do for
 * "pnow-enrich | categorize | crm-map | pnow-push | crm-push", in one process. A shell takes longer to start
 * than the CRM to answer; and five processes that wake each other for an event mostly do so to hand it on. So
 * a record goes through the functions of all five, one after the other.
 */
#include "categorize/categorize.h"
#include "conf/conf.h"
#include "conf/confine.h"
#include "conf/options.h"
#include "conf/profile.h"
#include "conf/sheet.h"
#include "crm-map/map.h"
#include "crm-push/push.h"
#include "pnow-enrich/ask.h"
#include "pnow-enrich/enrich.h"
#include "pnow-push/tagged.h"
#include "value/event.h"

#include <unistd.h>

static const char usage[] =
	"usage: pnow-sync [-nov] [-c FILE]\n"
	"Runs events (NDJSON on standard input) through pnow-enrich | categorize | crm-map | pnow-push | "
	"crm-push.\n"
	"  -c FILE  the practice's configuration (else $PNOW_CONFIG)\n"
	"  -n       show the requests that would be sent to the CRM, or why there is none, and send none\n"
	"           (PatientNow is still read)\n"
	"  -o       write results in the order of the events\n"
	"  -v       say more\n"
	"  -h, -V   this help, the version\n";

struct filters {
	struct enrich enrich;
	struct categorize categorize;
	struct map map;
	struct making making;
	struct push push;
};

/* A record goes from filter to filter up to crm-push, until one has an error for it, or shows requests in its
 * place. */
static void filter(struct record *r, void *context)
{
	struct filters *f = context;
	const struct {
		const char *name;
		record_fn *each;
		void *context;
	} filters[] = {
		{"pnow-enrich", enrich_record, &f->enrich},
		{"categorize", categorize_record, &f->categorize},
		{"crm-map", map_record, &f->map},
		{"pnow-push", tagged_record, &f->making},
	};
	for (size_t i = 0; i < COUNT(filters) && !r->failed && !r->replaced && !record_is_long(r); i++) {
		r->stage = filters[i].name;
		filters[i].each(r, filters[i].context);
	}
}

/* Whether pnow-push will have something to do for it. */
static bool is_tagged(const struct filters *f, const struct record *r)
{
	return enrich_type(r, &f->enrich) == EVENT_CONTACT_TAGGED && !record_get(r, "ignored").p;
}

/* By pnow-push's order, where that has something to do, else by pnow-enrich's. What that does not know yet,
   the patient of an appointment, crm-push has locks for. */
static const char *key(const struct record *r, void *context)
{
	struct filters *f = context;
	return is_tagged(f, r) ? TAGGED_KEY : enrich_key(r, &f->enrich);
}

static void ended(void *context)
{
	struct filters *f = context;
	enrich_ended(&f->enrich);
}

int main(int argc, char *argv[])
{
	struct options o = {.usage = usage, .letters = "c:hnovV", .parallel = 8, .seconds = 30};
	options_read(argc, argv, &o);
	struct options reads = o; /* of PatientNow, with -n, too */
	reads.dry = false;
	struct conf *conf = conf_read(o.file);
	struct sheet *sheet = sheet_read(conf->categories);
	struct profile *profile = profile_read(conf->patientnow.profile, conf->file);
	struct calls calls = {0};
	struct filters f = {.enrich = {.conf = conf, .profile = profile, .calls = &calls},
		.map = {.conf = conf, .emr = profile->emr}};
	conf_need(conf, conf->state, "state");
	push_open(&f.push, conf, &o);
	f.enrich.state = o.dry ? state_open(conf->state) : f.push.state;
	f.making = (struct making){.conf = conf,
		.profile = profile,
		.options = &o,
		.state = f.push.state,
		.locks = f.push.locks,
		.crm = f.push.crm,
		.calls = &calls};
	categorize_begin(&f.categorize, conf, sheet);
	confine(CONFINE_CLIENT, &conf->state, 1, o.verbose);
	f.enrich.ask = ask_open(conf, profile, f.enrich.state, &reads);
	int status = record_loop(&(struct record_loop){.stage = "pnow-enrich",
		.each = filter,
		.then = push_record,
		.then_stage = "crm-push",
		.then_context = &f.push,
		.context = &f,
		.errors = true,
		.verbose = o.verbose,
		.parallel = o.dry ? 1 : o.parallel, /* what is tried in a dry run is tried in its turn */
		.in_order = o.in_order,
		.key = key,
		.ended = ended});
	if (o.verbose)
		calls_tell(&calls, "PatientNow");
	if (o.verbose && !o.dry)
		calls_tell(&f.push.calls, "the CRM");
	ask_close(f.enrich.ask);
	tagged_close(&f.making);
	categorize_end(&f.categorize);
	if (o.dry)
		state_close(f.enrich.state);
	push_close(&f.push);
	sheet_free(sheet);
	profile_free(profile);
	conf_free(conf);
	return status;
}
