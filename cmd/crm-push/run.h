/* crm-push as a whole, for its main and for pnow-sync's. */
#ifndef CRM_PUSH_RUN_H
#define CRM_PUSH_RUN_H

#include "conf/conf.h"
#include "conf/options.h"

enum mending { MEND_NOTHING, MEND_SHOWN, MEND_ALL };

/* What it is asked for beside the options that all have. */
struct push_asked {
	bool compares; /* the CRM with what the events are to have made of it, */
	bool keeps;    /* but for what somebody has changed there */
	enum mending mending;
	bool drains; /* as of a struct record_loop */
};

/* Carries events out, from standard input to standard output, and confines the process. Returns its exit
 * status. */
int push_run(const struct conf *conf, const struct options *options, const struct push_asked *asked);

#endif
