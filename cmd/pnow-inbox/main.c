/*
 * pnow-inbox: the events that were accepted, until they are settled. A word says what to do with them; each
 * is a function in the file of its name.
 */
#include "pnow-inbox.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-inbox [-v] [-c FILE | -C DIR] run|add|list|show|retry|drop|stat|check|results|trace|purge|forget|dump|load [ARG ...]\n"
	"The inbox of a practice; pnow-inbox WORD -h tells more of each.\n"
	"  run [-1] [-j N] [-P N] [-t TYPE,...] -- COMMAND [ARG ...]\n"
	"                                  feed events into a pipeline, settle them by its results\n"
	"  add                             put events in (NDJSON on standard input)\n"
	"  list [-w] [-n N] [-s STATE,...] [-t TYPE,...]\n"
	"                                  what is in it\n"
	"  show ID                         the event, as a pipeline reads it\n"
	"  retry ID ... | -s STATE,...     try again now\n"
	"  drop ID ...                     give up\n"
	"  stat [-j | -m]                  counts; -m: for Prometheus\n"
	"  check [-j] [-b AGE] [-e AGE] [-w AGE] ...\n"
	"                                  what is wrong, and the command to type next; nothing where all is well\n"
	"  results [-s SINCE] [-u UNTIL]   what became of the events of a span, for pnow-report\n"
	"  trace KEY                       all that is known of an event, patient, appointment, bill,\n"
	"                                  membership or contact\n"
	"  purge -o AGE                    forget the bodies of settled events, and the cache's\n"
	"  forget [-f] PATIENT             remove what is kept of a person\n"
	"  dump [-o OUTPUT]                write a backup of all that is remembered\n"
	"  load [-m | -u TIME] [FILE]      read one, into an empty state\n"
	"  -c FILE  the practice's configuration (else $PNOW_CONFIG)\n"
	"  -C DIR   run, list, stat, check, results, dump: all practices whose configurations are DIR/*.json\n"
	"  -v       say more\n"
	"  -h, -V   this help, the version\n";

static const struct {
	const char *name;
	int (*run)(struct inbox *in, int argc, char *argv[]);
	bool many; /* it takes -C */
} commands[] = {
	{"run", inbox_run, true},
	{"add", inbox_add_events, false},
	{"list", inbox_list, true},
	{"show", inbox_show, false},
	{"retry", inbox_retry_events, false},
	{"drop", inbox_drop_events, false},
	{"stat", inbox_stat, true},
	{"check", inbox_check, true},
	{"results", inbox_results_of, true},
	{"trace", inbox_trace, false},
	{"purge", inbox_purge_bodies, false},
	{"forget", inbox_forget_patient, false},
	{"dump", inbox_dump, true},
	{"load", inbox_load, false},
};

int main(int argc, char *argv[])
{
	struct inbox in = {0};
	program_begin(argv[0]);
	for (int letter; (letter = options_next(argc, argv, "+C:c:hvV")) != -1;) {
		switch (letter) {
		case 'c':
			in.file = optarg;
			break;
		case 'C':
			in.folder = optarg;
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
	while (optind < argc && i < COUNT(commands) && strcmp(commands[i].name, argv[optind]) != 0)
		i++;
	if (optind < argc && i == COUNT(commands))
		usage_unknown(usage, argv[optind], &commands[0].name, sizeof *commands, COUNT(commands));
	if (optind < argc && in.folder && !commands[i].many)
		warnx("%s is for one practice: expected -c FILE", commands[i].name);
	if (optind == argc || (in.folder && (in.file || !commands[i].many)))
		usage_error(usage);
	int status = commands[i].run(&in, argc - optind, argv + optind);
	state_close(in.state);
	conf_free(in.conf);
	return status;
}
