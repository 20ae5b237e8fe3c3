/* The schema of a state file; STATE_VERSION is its last step's. */
#ifndef SQLITE_SCHEMA_H
#define SQLITE_SCHEMA_H

#include <stddef.h>

extern const struct sqlite_step {
	int version; /* a file of an older one needs it */
	const char *sql;
} sqlite_steps[];
extern const size_t sqlite_steps_n;

#endif
