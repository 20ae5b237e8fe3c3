/*
 * crm-push: carries the actions of events out in the CRM and writes a result for each.
 */
#include "run.h"

#include <stdlib.h>
#include <unistd.h>

static const char usage[] =
	"usage: crm-push [-CknoRv] [-c FILE] [-j N] [-t N]\n"
	"Carries the actions of events (NDJSON on standard input) out in the CRM, and writes results.\n"
	"  -C       change nothing: compare the CRM with the events, and write what differs\n"
	"  -c FILE  the practice's configuration (else $PNOW_CONFIG)\n"
	"  -j N     events in parallel (8)\n"
	"  -k       with -C and -R: leave alone what somebody has changed in the CRM\n"
	"  -n       show the requests that would be sent, or why there is none, and send none;\n"
	"           with -R, what differs, as -C does\n"
	"  -o       write results in the order of the events\n"
	"  -R       put right what -C finds, without a second note, enrolment or addition\n"
	"  -t N     seconds that a request may take (30)\n"
	"  -v       a line on standard error for each request; with -C and -R, the values that differ\n"
	"  -h, -V   this help, the version\n";

static void own_option(int letter, void *context)
{
	struct push_asked *asked = context;
	asked->compares |= letter == 'C';
	asked->keeps |= letter == 'k';
	if (letter == 'R')
		asked->mending = MEND_ALL;
}

/* Ends the process where options do not go together. With -R the CRM is read all the same, -n or not. */
static void check_together(struct push_asked *asked, struct options *o)
{
	if (asked->compares && (o->dry || asked->mending))
		usage_error(usage);
	if (asked->keeps && !asked->compares && !asked->mending)
		usage_error(usage);
	if (o->dry && asked->mending)
		asked->mending = MEND_SHOWN;
	o->dry &= !asked->mending;
}

int main(int argc, char *argv[])
{
	struct push_asked asked = {0};
	struct options o = {.usage = usage,
		.letters = "Cc:hj:knoRt:vV",
		.own = own_option,
		.context = &asked,
		.parallel = 8,
		.seconds = 30};
	options_read(argc, argv, &o);
	check_together(&asked, &o);
	struct conf *conf = conf_read(o.file);
	int status = push_run(conf, &o, &asked);
	conf_free(conf);
	return status;
}
