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

/* What the command is asked for beside the options that all have. */
struct asked {
	bool compares, mends, keeps;
};

static void own_option(int letter, void *context)
{
	struct asked *asked = context;
	asked->compares |= letter == 'C';
	asked->mends |= letter == 'R';
	asked->keeps |= letter == 'k';
}

/* Ends the process where options do not go together. With -R the CRM is read all the same, -n or not. */
static enum mending mending_of(const struct asked *asked, struct options *o)
{
	bool shows = o->dry && asked->mends;
	if (asked->compares && (o->dry || asked->mends))
		usage_error(usage);
	if (asked->keeps && !asked->compares && !asked->mends)
		usage_error(usage);
	o->dry &= !asked->mends;
	return shows ? MEND_SHOWN : asked->mends ? MEND_ALL : MEND_NOTHING;
}

int main(int argc, char *argv[])
{
	struct asked asked = {0};
	struct options o = {.usage = usage,
		.letters = "Cc:hj:knoRt:vV",
		.own = own_option,
		.context = &asked,
		.parallel = 8,
		.seconds = 30};
	options_read(argc, argv, &o);
	enum mending mending = mending_of(&asked, &o);
	struct conf *conf = conf_read(o.file);
	int status = push_run(
		conf, &o, &(struct push_asked){.compares = asked.compares, .keeps = asked.keeps, .mending = mending});
	conf_free(conf);
	return status;
}
