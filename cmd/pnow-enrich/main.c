/*
 * pnow-enrich: makes a raw webhook into an event with its patient, appointment, bill or membership in it,
 * through the practice's profile. What the body tells is not asked; what it lacks and the workflow needs is
 * fetched, once per patient.
 */
#include "ask.h"
#include "conf/confine.h"
#include "conf/options.h"
#include "enrich.h"
#include "state/rehearsal.h"

static const char usage[] =
	"usage: pnow-enrich [-nov] [-c FILE] [-j N] [-t N]\n"
	"Fills events (NDJSON on standard input) in with patient and appointment details from PatientNow.\n"
	"  -c FILE  the practice's configuration (else $PNOW_CONFIG)\n"
	"  -j N     requests in parallel (8)\n"
	"  -n       write the requests that would be made, and make none\n"
	"  -o       write events in the order in which they came\n"
	"  -t N     seconds that a request may take (30)\n"
	"  -v       a line on standard error for each request\n"
	"  -h, -V   this help, the version\n";

int main(int argc, char *argv[])
{
	struct options o = {.usage = usage, .letters = "c:hj:not:vV", .parallel = 8, .seconds = 30};
	options_read(argc, argv, &o);
	struct conf *conf = conf_read(o.file);
	struct profile *profile = profile_read(conf->patientnow.profile, conf->file);
	struct calls calls = {0};
	struct enrich e = {.conf = conf, .profile = profile, .calls = &calls};
	if (o.dry && conf->state)
		e.state = rehearsal_open(conf->state);
	if (!o.dry)
		e.state = state_open(conf_need(conf, conf->state, "state"));
	confine(CONFINE_CLIENT, &conf->state, !o.dry, o.verbose);
	if (!o.dry)
		e.ask = ask_open(conf, profile, e.state, &o); /* starts a thread, which is to be confined, too */
	int status = record_loop(&(struct record_loop){.stage = "pnow-enrich",
		.each = enrich_record,
		.context = &e,
		.verbose = o.verbose,
		.parallel = o.dry ? 0 : o.parallel,
		.in_order = o.in_order,
		.key = enrich_key,
		.passes = enrich_passes,
		.ended = enrich_ended});
	if (o.verbose && !o.dry)
		calls_tell(&calls, "PatientNow");
	ask_close(e.ask);
	state_close(e.state);
	profile_free(profile);
	conf_free(conf);
	return status;
}
