/*
 * pnow-fetch: asks PatientNow for records, by their ids or by when they changed, and writes them as they
 * come, or as events. What webhooks are to a practice that has them, a walk through the lists is to one that
 * has none.
 */
#include "pnow-fetch.h"
#include "conf/confine.h"

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-fetch [-bhinvV] [-c FILE] [-e TYPE] [-j N] [-l RESOURCE -s SINCE [-u UNTIL] | -l tagged] [-t N]\n"
	"                  [RESOURCE] [ID ...]\n"
	"Writes records of PatientNow, or events made from them, as NDJSON.\n"
	"  pnow-fetch RESOURCE [ID ...]   patient, appointment, bill, membership; ids else on standard input\n"
	"  pnow-fetch -e TYPE [ID ...]    their events\n"
	"  pnow-fetch -l RESOURCE -s SINCE [-u UNTIL]\n"
	"                                 what has changed since\n"
	"  pnow-fetch -l tagged           events of the CRM's contacts whose tag asks for a patient\n"
	"  pnow-fetch appointment-types   for categorize -s\n"
	"  -b           go on where the last -l with -b ended; -s is where the first begins\n"
	"  -c FILE      the practice's configuration (else $PNOW_CONFIG)\n"
	"  -e TYPE      events of this type; of the one that fits, where TYPE is a RESOURCE\n"
	"  -i           with -l and -e, or -l tagged: put the events into the inbox\n"
	"  -j N         requests in parallel (8)\n"
	"  -l RESOURCE  the list of these\n"
	"  -n           write the request that would be made first, and make none\n"
	"  -s SINCE     changed then or later: 2026-11-22T15:00:00Z, 2026-11-22, or an age such as 2d, 12h\n"
	"  -t N         seconds that a request may take (30)\n"
	"  -u UNTIL     changed before\n"
	"  -v           a line on standard error for each request\n"
	"  -h, -V       this help, the version\n";

/* The options that are ours alone. */
static void own_option(int letter, void *context)
{
	struct fetch *f = context;
	switch (letter) {
	case 'b':
		f->bookmark = true;
		break;
	case 'e':
		f->event = optarg;
		break;
	case 'i':
		f->inbox = true;
		break;
	case 'l':
		f->list = optarg;
		break;
	case 's':
		f->since = optarg;
		break;
	default:
		f->until = optarg;
		break;
	}
}

/* The resource with this name; EVENT_KINDS: there is none. */
static enum event_kind kind_named(const char *name)
{
	enum event_kind kind = 0;
	while (kind < EVENT_KINDS && strcmp(event_kind_name(kind), name) != 0)
		kind++;
	return kind;
}

static void wrong(const char *what, const char *found, const char *expected) __attribute__((noreturn));
static void wrong(const char *what, const char *found, const char *expected)
{
	warnx("%s%s: expected %s", what, found, expected);
	usage_error(usage);
}

/* -e: a type, or a resource. */
static void find_type(struct fetch *f)
{
	f->type = event_type_of(f->event);
	if (f->type == EVENT_CONTACT_TAGGED)
		wrong("-e ", f->event, "an event of PatientNow's");
	f->kind = f->type == EVENT_UNKNOWN ? kind_named(f->event) : event_kind_of(f->type);
	if (f->kind == EVENT_KINDS)
		wrong("-e ", f->event,
			"patient, appointment, bill, membership, or a type of event such as appointment.booked");
}

/* -l tagged: whether nothing is asked for that only PatientNow's lists have. */
static void check_tagged(const struct fetch *f, char *arguments[])
{
	if (f->event || f->since || f->until || f->bookmark)
		wrong(f->event   ? "-e"
			  : f->since ? "-s"
			  : f->until ? "-u"
						 : "-b",
			"", "no such option with -l tagged");
	if (*arguments)
		wrong("", *arguments, "no argument beside -l");
}

/* What is to be fetched. Returns the ids. */
static char **find_resource(struct fetch *f, char *arguments[])
{
	const char *name = f->list;
	if (f->list && *arguments)
		wrong("", *arguments, "no argument beside -l");
	if (!f->list && (f->since || f->until || f->bookmark || f->inbox))
		wrong(f->since ? "-s" : f->until ? "-u" : f->bookmark ? "-b" : "-i", "", "-l RESOURCE with it");
	if (f->until && f->bookmark)
		wrong("-u", "", "no -b with it, whose walks go up to the present");
	if (f->inbox && !f->event)
		wrong("-i", "", "-e TYPE with it");
	f->type = EVENT_UNKNOWN;
	if (f->event)
		find_type(f);
	if (!f->list && !f->event) {
		if (!*arguments)
			usage_error(usage);
		name = *arguments++;
	}
	if (!name)
		return arguments;
	enum event_kind kind = kind_named(name);
	if (kind == EVENT_KINDS)
		wrong(f->list ? "-l " : "", name,
			f->list ? "patient, appointment, bill, membership or tagged"
					: "patient, appointment, bill, membership or appointment-types");
	if (f->event && kind != f->kind)
		wrong("-e ", f->event, "an event of what -l lists");
	f->kind = kind;
	return arguments;
}

int main(int argc, char *argv[])
{
	struct fetch f = {0};
	f.options = (struct options){.usage = usage,
		.letters = "bc:e:hij:l:ns:t:u:vV",
		.own = own_option,
		.context = &f,
		.arguments = true,
		.parallel = 8,
		.seconds = 30};
	options_read(argc, argv, &f.options);
	char **ids = argv + optind;
	bool types = !f.list && !f.event && argc - optind == 1 && strcmp(*ids, "appointment-types") == 0;
	bool tagged = f.list && strcmp(f.list, "tagged") == 0;
	if (tagged)
		check_tagged(&f, ids);
	else if (!types)
		ids = find_resource(&f, ids);
	struct conf *conf = conf_read(f.options.file);
	struct profile *profile = profile_read(conf->patientnow.profile, conf->file);
	f.conf = conf;
	f.profile = profile;
	if (!profile->base_url)
		errx(EX_CONFIG, "the profile %s has no base_url: this EMR has no API to ask",
			conf->patientnow.profile);
	if (!types && !f.list && !profile->kinds[f.kind].get)
		errx(EX_CONFIG, "the profile %s has no %s.get: this EMR cannot be asked for one",
			conf->patientnow.profile, event_kind_name(f.kind));
	if (!f.options.dry)
		f.state = state_open(conf_need(conf, conf->state, "state"));
	if (!types && *ids)
		fetch_give_ids(ids);
	if (tagged) /* reads the tokens */
		f.crm = crm_open(conf, f.state, &f.options);
	confine(CONFINE_CLIENT, &conf->state, !f.options.dry, f.options.verbose);
	if (!f.options.dry && !tagged) /* starts a thread, which is to be confined, too */
		f.api = patientnow_open(conf, profile, f.state, &f.options);
	int status = tagged   ? fetch_tagged(&f)
				 : types  ? fetch_types(&f)
				 : f.list ? fetch_list(&f)
						  : fetch_ids(&f);
	patientnow_close(f.api);
	crm_close(f.crm);
	state_close(f.state);
	profile_free(profile);
	conf_free(conf);
	return status;
}
