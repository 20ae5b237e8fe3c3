/* Money is decimal text, counted in minor units (cents); never floating point. */
#ifndef MONEY_H
#define MONEY_H

#include "text/str.h"
#include <stdint.h>

enum { MONEY_TEXT = 24 }; /* room for any amount as text, with its NUL */

/* Reads "450", "450.5", "-12.10", "12.10-", "(12.10)", "$1,234.50", "USD 12", "12 CAD" (commas in groups of
   three): at most two decimals that count ("1.500" is 1.50). False where text is something else or over
   10^15; *minor is then untouched. */
bool money_read(struct str text, int64_t *minor);

/* Writes "450.00", "-12.10". */
const char *money_text(int64_t minor, char text[static MONEY_TEXT]);

#endif
