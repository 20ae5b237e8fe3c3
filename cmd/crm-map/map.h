/* What crm-map does to a record. */
#ifndef MAP_H
#define MAP_H

#include "conf/conf.h"
#include "stream/record.h"

struct map {
	const struct conf *conf;
	const char *emr; /* what people call the EMR */
	bool backfill;   /* -b: what is written down, and nothing that anybody notices */
};

/* Adds the list of what is to be done in the CRM to an event; a record_fn, whose context is a struct map. May
   be called from any thread. */
void map_record(struct record *r, void *context);

#endif
