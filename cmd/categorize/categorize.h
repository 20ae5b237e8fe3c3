/* What categorize does to a record. */
#ifndef CATEGORIZE_H
#define CATEGORIZE_H

#include "conf/conf.h"
#include "conf/sheet.h"
#include "stream/record.h"

#include <pthread.h>

enum listing { RECORDS, MISSING, SUGGESTIONS };

struct categorize {
	const struct conf *conf;
	const struct sheet *sheet;
	enum listing listing;
	pthread_mutex_t lock; /* of what follows */
	const char **missing; /* folded, in the order met */
	size_t missing_n;
	struct arena arena;
};

/* Both live as long as it does. */
void categorize_begin(struct categorize *c, const struct conf *conf, const struct sheet *sheet);
void categorize_end(struct categorize *c);

/* Gives an appointment its category, pipeline and stage; a record_fn, whose context is a struct categorize.
   May be called from any thread. */
void categorize_record(struct record *r, void *context);

#endif
