/* The sheet that a practice fills in: which category each of its appointment types has. */
#ifndef SHEET_H
#define SHEET_H

#include "value/category.h"

struct sheet;

/* Reads a CSV file (text/rows.h) with the columns Appointment Type and Appointment Category (further ones are
   left alone). A row whose category is not filled in is passed over. Ends the process with status 78 and one
   line where it cannot be read, a category does not exist, or a type stands there twice. path NULL: a sheet
   without any type. */
struct sheet *sheet_read(const char *path);
void sheet_free(struct sheet *s);

/* The category of a type, matched without regard to case and blanks; CATEGORY_NONE where the sheet has no
 * such type. */
enum category sheet_find(const struct sheet *s, const char *type);

/* A type as it is compared: lower case, without blanks. Written into folded, which has room for strlen(type)
 * + 1. */
void sheet_fold(const char *type, char *folded);

#endif
