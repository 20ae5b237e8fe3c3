/* Phone numbers to E.164. */
#ifndef PHONE_H
#define PHONE_H

#include "text/str.h"

enum { PHONE_TEXT = 17 }; /* "+", fifteen digits, NUL */

/* Writes the number as E.164. country (two letters, as ISO 3166) is that of a number without a country code.
   False where it cannot be one: too short or long for its country, letters, an impossible area code. An
   extension is left out. */
bool phone_e164(struct str text, const char *country, char e164[static PHONE_TEXT]);

/* Whether numbers of this country can be read without their country code. */
bool phone_knows(const char *country);

#endif
