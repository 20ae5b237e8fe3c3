/* The rows of a CSV file, good and bad, one at a time and in constant memory. */
#ifndef ROWS_H
#define ROWS_H

#include "stream/stream.h"
#include "text/str.h"

struct rows;

/* Gives the next line as stream_read does. */
typedef enum stream_line rows_line_fn(void *context, struct str *line);

/* Valid until the next call. */
struct row {
	size_t line;    /* in which it starts, from 1 */
	struct str raw; /* as it stands in the file, without the end of its last line */
	char **fields;  /* UTF-8 */
	size_t n;
	const char *wrong; /* why it is no row: there are no fields then. NULL: it is one */
	bool piece;        /* raw is a piece of a line that is over 1 MiB; more may follow, of the same line */
};

/* A file that begins with the next line. Commas, semicolons or tabs stand between the fields, as between
   those of the first row (or as a line "sep=;" before it says); a byte order mark is passed over. */
struct rows *rows_open(rows_line_fn *line, void *context);
void rows_close(struct rows *r);

/* The next row; false at the end. Rows without a word in them are passed over. Every other one must have as
   many fields as the first, the header; further empty ones do not count. What is no UTF-8 is Windows-1252,
   row by row, unless the byte order mark says otherwise. A quote that is not closed within 1 MiB, or closed
   wrongly, spoils the line that it stands in; the lines behind it are read as if it were not there. */
bool rows_next(struct rows *r, struct row *row);

#endif
