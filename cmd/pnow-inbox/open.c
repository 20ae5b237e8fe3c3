/* The state file that all subcommands work on: opened by each, once its options are read. */
#include "pnow-inbox.h"

#include <err.h>
#include <sysexits.h>

void inbox_open(struct inbox *in)
{
	in->conf = conf_read(in->file);
	in->state = state_open(conf_need(in->conf, in->conf->state, "state"));
}

int inbox_scrubbed(struct inbox *in, bool done)
{
	if (done)
		return EX_OK;
	warnx("what is forgotten can still be read in %s or its log: another process is reading it, or there is "
		  "no room to write it anew; try again",
		in->conf->state);
	return EX_TEMPFAIL;
}
