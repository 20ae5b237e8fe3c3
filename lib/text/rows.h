/* The rows of a CSV file, good and bad, one at a time and in constant memory. */
#ifndef ROWS_H
#define ROWS_H

#include "text/str.h"

struct rows;

/* A line of the file, without its newline. */
struct rows_line {
	struct str text;
	bool piece; /* it is over 1 MiB, and text is a piece of it */
	bool more;  /* further pieces follow */
};

/* Gives the next line, valid until the next call; false at the end. */
typedef bool rows_line_fn(void *context, struct rows_line *line);

/* How many fields a row may have. */
enum rows_width {
	ROWS_AS_HEADER, /* as many as the first row has, the header; further empty ones do not count */
	ROWS_ANY
};

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
struct rows *rows_open(rows_line_fn *line, void *context, enum rows_width width);
void rows_close(struct rows *r);

/* The next row; false at the end. Rows without a word in them are passed over. What is no UTF-8 is
   Windows-1252, row by row, unless the byte order mark says otherwise; UTF-16 is wrong. A quote that is not
   closed within 1 MiB, or closed wrongly, spoils the line that it stands in; the lines behind it are read as
   if it were not there. */
bool rows_next(struct rows *r, struct row *row);

#endif
