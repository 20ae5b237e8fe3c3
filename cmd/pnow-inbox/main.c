/*
 * pnow-inbox: the events that were accepted, until they are settled. A word says what to do with them; each
 * is a function in the file of its name.
 */
#include "pnow-inbox.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-inbox [-v] [-c FILE] run|add|list|show|retry|drop|stat|trace|purge [ARG ...]\n"
	"The inbox of a practice.\n"
	"  run [-1] [-t TYPE,...] [-j N] -- COMMAND   feed events into a pipeline, settle them by its results\n"
	"  add                                        put events in (NDJSON on standard input)\n"
	"  list [-s STATE] [-t TYPE,...]              what is in it\n"
	"  show ID                                    the event, as a pipeline reads it\n"
	"  retry ID ... | -s dead                     try again now\n"
	"  drop ID ...                                give up\n"
	"  stat [-j]                                  counts\n"
	"  trace KEY                                  all that is known of an event, patient, appointment, bill "
	"or contact\n"
	"  purge -o AGE                               forget the bodies of settled events\n"
	"  -c FILE  the practice's configuration (else $PNOW_CONFIG)\n"
	"  -v       say more\n"
	"  -h, -V   this help, the version\n";

static const struct {
	const char *name;
	int (*run)(struct inbox *in, int argc, char *argv[]);
} commands[] = {
	{"run", inbox_run},
	{"add", inbox_add_events},
};

int main(int argc, char *argv[])
{
	struct inbox in = {0};
	const char *file = NULL;
	setprogname(argv[0]);
	for (int letter; (letter = getopt(argc, argv, "+c:hvV")) != -1;) {
		switch (letter) {
		case 'c':
			file = optarg;
			break;
		case 'v':
			in.verbose = true;
			break;
		case 'h':
			usage_help(usage);
		case 'V':
			usage_version();
		default:
			usage_error(usage);
		}
	}
	size_t i = 0;
	while (optind < argc && i < sizeof commands / sizeof *commands &&
		   strcmp(commands[i].name, argv[optind]) != 0)
		i++;
	if (optind == argc || i == sizeof commands / sizeof *commands)
		usage_error(usage);
	struct conf *conf = conf_read(file);
	in.conf = conf;
	in.state = state_open(conf_need(conf, conf->state, "state"));
	int status = commands[i].run(&in, argc - optind, argv + optind);
	state_close(in.state);
	conf_free(conf);
	return status;
}
