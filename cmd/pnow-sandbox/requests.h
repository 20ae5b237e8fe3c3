/* The log that GET /_/requests shows. */
#ifndef SANDBOX_REQUESTS_H
#define SANDBOX_REQUESTS_H

#include "text/buf.h"
#include <stdbool.h>
#include <stddef.h>

struct request;

struct requests {
	struct buf lines;
	size_t n;
};

void requests_add(struct requests *log, const struct request *r, bool verbose);

#endif
