/* Dates and times: RFC 3339 with offset. The process has one time zone, the practice's, set by conf_read. */
#ifndef WHEN_H
#define WHEN_H

#include "text/str.h"
#include <stdint.h>

enum { WHEN_TEXT = 40, WHEN_DATE = 11 }; /* room for a time, a date (2026-12-01), each with its NUL */

/* Sets the process's time zone; false where the system does not know it. */
bool when_zone(const char *name);
/* What TZ says for a time zone that the system knows. */
const char *when_zone_variable(const char *name);

/* Now, UTC, milliseconds: 2026-11-22T15:00:01.123Z. */
void when_now(char text[static WHEN_TEXT]);

/* A moment (milliseconds since 1970) in that form. */
void when_utc(int64_t ms, char text[static WHEN_TEXT]);

/* Now, milliseconds since 1970. */
int64_t when_now_ms(void);

/* Seconds until a moment (milliseconds since 1970), rounded up; 1 where it is over. */
int64_t when_seconds_until(int64_t ms);

/* Reads a time: RFC 3339 as it is; without an offset ("2026-12-01 15:30", "2026-12-01T15:30:00.000",
   "12/01/2026 3:30 PM") in the practice's zone. A date alone is its first minute. A time that a DST change
   skips is moved on by the gap; of one that comes twice the first is meant. day_first: 01/12/2026 is in
   December. Writes 2026-12-01T15:30:00-07:00 (a fraction is dropped, the offset that was given is kept).
   False where text is no time. */
bool when_time(struct str text, bool day_first, char time[static WHEN_TEXT]);

/* when_time, and what is given in UTC as the practice's clock shows it: a sender that writes
   2026-12-02T01:30:00Z says nothing of where it happens, and the day there is still the 1st. Another offset
   is a place's own and is kept. */
bool when_local(struct str text, bool day_first, char time[static WHEN_TEXT]);

/* Writes a time without an offset as one in UTC, with Z. False where text is no such time. */
bool when_zulu(struct str text, bool day_first, char time[static WHEN_TEXT]);

/* Reads a date, or the date of a time as it stands there (2026-12-01T23:30:00-07:00 is 2026-12-01). False
 * where none. */
bool when_date(struct str text, bool day_first, char date[static WHEN_DATE]);

/* What is wrong with a text that is no date or time, without quoting it: "the year has two digits". */
const char *when_wrong(struct str text, bool day_first);

/* Reads an age: a number and s, m, h, d or w, such as 30d, in milliseconds; false where text is none. */
bool when_age(const char *text, int64_t *ms);

/* The moment that RFC 3339 text names, in milliseconds since 1970; false where it is no such text. */
bool when_moment(struct str rfc3339, int64_t *ms);

#endif
