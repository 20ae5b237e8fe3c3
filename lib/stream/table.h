/* What a command shows: rows for people as aligned columns, where standard output is a terminal, else as
 * NDJSON.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cell_kind {
	CELL_TEXT,
	CELL_ID, /* text; on a terminal only its beginning where it is longer than the column */
	CELL_NUMBER,
	CELL_TIME, /* milliseconds since 1970; 0: none */
	CELL_JSON, /* not on a terminal */
};

struct column {
	const char *name;
	int width; /* on a terminal; what is longer moves the rest of its row. 0: not on a terminal */
	enum cell_kind kind;
};

struct cell {
	const char *text; /* NULL: none, and left out of the JSON */
	int64_t number;   /* of CELL_NUMBER and CELL_TIME */
};

struct table {
	const struct column *columns;
	size_t n;
	bool people; /* it is a terminal */
	bool begun;
};

struct table table_of(const struct column *columns, size_t n);
void table_row(struct table *t, const struct cell *cells);
/* A moment as a terminal shows it, in the practice's time; valid until the next call. */
const char *table_time(int64_t ms);
/* Ends the process with status 73 where something of it could not be written. */
void table_end(void);

#endif
