/* The state file that all subcommands work on: opened by each, once its options are read. */
#include "pnow-inbox.h"
#include "conf/folder.h"
#include "value/when.h"

#include <err.h>
#include <sysexits.h>

enum { BUSY_MS = 10000 }; /* that another process may keep the file of one of many locked */

void inbox_open(struct inbox *in)
{
	in->conf = conf_read(in->file);
	in->state = state_open(conf_need(in->conf, in->conf->state, "state"));
}

/* Shows one practice of a folder. */
static int show_practice(struct inbox *in, const struct folder_practice *p,
	int (*show)(struct inbox *in, void *context), void *context)
{
	struct state_failure why = {.status = EX_CONFIG};
	const char *wrong = p->wrong;
	in->conf = p->conf;
	if (!wrong) {
		when_zone(in->conf->timezone);
		in->state = state_try(in->conf->state, BUSY_MS, &why);
		wrong = in->state ? NULL : why.why;
	}
	if (wrong)
		warnx("%s", wrong);
	int status = wrong ? why.status : show(in, context);
	state_close(in->state);
	in->state = NULL;
	in->conf = NULL;
	return status;
}

int inbox_each(struct inbox *in, int (*show)(struct inbox *in, void *context), void *context)
{
	char why[MISTAKE_MAX];
	struct folder folder;
	int worst = EX_OK;
	if (!in->folder) {
		inbox_open(in);
		return show(in, context);
	}
	if (!folder_read(&folder, in->folder, why))
		mistake("%s", why);
	folder_need_states(&folder);
	if (!folder.n)
		mistake(FOLDER_EMPTY, in->folder);
	for (size_t i = 0; i < folder.n; i++) {
		int status = show_practice(in, &folder.at[i], show, context);
		worst = status > worst ? status : worst;
	}
	folder_free(&folder);
	return worst;
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
