/* One getopt loop for the filters. Help goes to standard output, because it was asked for; a mistake gets the
 * usage line alone, and where to find more. */
#include "conf/options.h"
#include "text/distance.h"
#include "text/str.h"

#include <err.h>
#include <fcntl.h>
#include <getopt.h>
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

/* Makes 0, 1 and 2 descriptors where they are closed, so that nothing that is opened gets their numbers: ones
   of which nothing can be read, or to which nothing can be written. */
static void keep_standard(void)
{
	static const int modes[] = {O_WRONLY, O_RDONLY, O_RDWR};
	for (int fd = 0; fd < (int)COUNT(modes); fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", modes[fd]);
}

void program_begin(const char *name)
{
	/* A handler, where SIG_IGN would be inherited by the programs that we start. */
	struct sigaction action = {.sa_handler = disregard, .sa_flags = SA_RESTART};

	setprogname(name);
	keep_standard();
	sigaction(SIGXFSZ, &action, NULL);
}

/* Ends the process when what was asked for is out. */
static _Noreturn void end_of_answer(void)
{
	if (fflush(stdout) != 0)
		err(EX_CANTCREAT, "cannot write standard output");
	exit(EX_OK);
}

int options_next(int argc, char *argv[], const char *letters)
{
	static const struct option longer[] = {
		{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
	return getopt_long(argc, argv, letters, longer, NULL);
}

void usage_help(const char *text)
{
	fputs(text, stdout);
	end_of_answer();
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
	end_of_answer();
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
	for (int letter; (letter = options_next(argc, argv, o->letters)) != -1;) {
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
