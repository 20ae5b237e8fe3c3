/*
 * pnow-push: a contact that carries one of the create tags becomes a patient in PatientNow, once; what goes
 * back to the contact (PNOW ID, a note, the tag removed) is written as actions for crm-push. Tagged contacts
 * are worked on one after another, on purpose: two of them may be one person. Other events do not wait for
 * them.
 */
#include "conf/confine.h"
#include "state/rehearsal.h"
#include "tagged.h"

static const char usage[] =
	"usage: pnow-push [-nov] [-c FILE] [-t N]\n"
	"Makes patients of tagged contacts (events, NDJSON on standard input); other events pass.\n"
	"  -c FILE  the practice's configuration (else $PNOW_CONFIG)\n"
	"  -n       write the requests that would be made, and make none\n"
	"  -o       write events in the order in which they came\n"
	"  -t N     seconds that a request may take (30)\n"
	"  -v       a line on standard error for each request\n"
	"  -h, -V   this help, the version\n";

int main(int argc, char *argv[])
{
	struct options o = {.usage = usage, .letters = "c:hnot:vV", .parallel = 8, .seconds = 30};
	options_read(argc, argv, &o);
	struct conf *conf = conf_read(o.file);
	conf_need(conf, conf->crm.location_id, "crm.location_id");
	if (!o.dry)
		conf_need(conf, conf->state, "state");
	struct profile *profile = profile_read(conf->patientnow.profile, conf->file);
	struct calls calls = {0};
	struct push p = {.conf = conf, .profile = profile, .options = &o, .calls = &calls};
	if (o.dry && conf->state)
		p.state = rehearsal_open(conf->state);
	confine(CONFINE_CLIENT, &conf->state, !o.dry, o.verbose);
	int status = record_loop(&(struct record_loop){.stage = "pnow-push",
		.each = tagged_record,
		.context = &p,
		.verbose = o.verbose,
		.parallel = o.dry ? 0 : o.parallel,
		.in_order = o.in_order,
		.key = tagged_key,
		.passes = tagged_passes});
	if (o.verbose && !o.dry)
		calls_tell(&calls, "PatientNow");
	tagged_close(&p);
	profile_free(profile);
	conf_free(conf);
	return status;
}
