/* One getopt loop for the filters. Help goes to standard output, because it was asked for; a mistake gets the
 * usage line alone, and where to find more. */
#include "conf/options.h"
#include "text/distance.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* A signal that a failed write tells of better. */
static void disregard(int signal)
{
	(void)signal;
}

void program_begin(const char *name)
{
	/* A handler, where SIG_IGN would be inherited by the programs that we start. */
	struct sigaction action = {.sa_handler = disregard, .sa_flags = SA_RESTART};

	setprogname(name);
	sigaction(SIGXFSZ, &action, NULL);
}

void usage_help(const char *text)
{
	fputs(text, stdout);
	exit(fflush(stdout) == 0 ? EX_OK : EX_CANTCREAT);
}

void usage_error(const char *text)
{
	fprintf(stderr, "%.*s\n%s -h tells more\n", (int)strcspn(text, "\n"), text, getprogname());
	exit(EX_USAGE);
}

void usage_unknown(const char *text, const char *word, const void *known, size_t size, size_t n)
{
	fprintf(stderr, "%s: there is no \"%s\": the nearest word is \"%s\"\n", getprogname(), word,
		distance_nearest(word, known, size, n));
	usage_error(text);
}

void usage_version(void)
{
	printf("%s %s\n", getprogname(), PNOW_VERSION);
	exit(fflush(stdout) == 0 ? EX_OK : EX_CANTCREAT);
}

/* The number behind -j or -t, 1 to most. */
static unsigned number(const struct options *o, char letter, const char *text, unsigned most)
{
	const char *problem = NULL;
	unsigned n = (unsigned)strtonum(text, 1, most, &problem);
	if (problem) {
		fprintf(stderr, "%s: -%c %s: expected a number from 1 to %u\n", getprogname(), letter, text, most);
		usage_error(o->usage);
	}
	return n;
}

void options_read(int argc, char *argv[], struct options *o)
{
	program_begin(argv[0]);
	for (int letter; (letter = getopt(argc, argv, o->letters)) != -1;) {
		switch (letter) {
		case 'c':
			o->file = optarg;
			break;
		case 'j':
			o->parallel = number(o, 'j', optarg, 256);
			break;
		case 'n':
			o->dry = true;
			break;
		case 'o':
			o->in_order = true;
			break;
		case 't':
			o->seconds = number(o, 't', optarg, 3600);
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'h':
			usage_help(o->usage);
		case 'V':
			usage_version();
		case '?':
			usage_error(o->usage);
		default:
			o->own(letter, o->context);
		}
	}
	if (optind < argc && !o->arguments)
		usage_error(o->usage);
}
