/* What the page is made of. */
#ifndef HTML_H
#define HTML_H

#include "report.h"

/* Text, with what HTML would take for its own escaped. */
void html_text(struct buf *out, const char *text);

/* A section with its heading; ends with html_section_end. id is a word. */
void html_section(struct buf *out, const char *id, const char *heading);
void html_section_end(struct buf *out);
/* A paragraph; class may be NULL. */
void html_say(struct buf *out, const char *class, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Commands to type. */
void html_command(struct buf *out, const char *command);

/* Where a table's caption is: over it; for a screen reader only, since a heading says it; or it is what the
   table is unfolded by. */
enum html_caption { CAPTION_SHOWN, CAPTION_HIDDEN, CAPTION_UNFOLDS };

enum { HEADS_MAX = 12 };

/* A table. The first of its heads (NULL behind the last) is that of the rows' names, the others are of
   figures. */
struct html_table {
	struct buf *out;
	enum html_caption kind;
	const char *heads[HEADS_MAX];
	size_t column; /* of the next cell */
};
struct html_table html_table(
	struct buf *out, enum html_caption kind, const char *caption, const char *const *heads);
/* The head of a row; with part (0 to 1) a bar under it, in this colour; NULL: none. */
void html_row(struct html_table *t, const char *name, double part, const char *colour);
void html_cell(struct html_table *t, const char *text);
void html_table_end(struct html_table *t);

/* What the colours of a chart stand for. */
void html_legend(struct buf *out, const char *colour, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
