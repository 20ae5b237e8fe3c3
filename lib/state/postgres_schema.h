/*
 * What a database of PostgreSQL consists of, version by version, as sqlite_schema.h has it for a state file.
 */
#ifndef POSTGRES_SCHEMA_H
#define POSTGRES_SCHEMA_H

#include <stddef.h>

/* Statements that bring a database to a version from the one before. The first makes the schemas pnow and
   pnow_rows; pnow_rows.schema has one row, whose version the caller sets. They need no pnow.practice. */
extern const struct postgres_step {
	int version;
	const char *sql;
} postgres_steps[];
extern const size_t postgres_steps_n;

#endif
