/* A trouble that lasts is said once, not once for each event that meets it: again when it changes, and when
 * it is over. Not more often than about once a second, however it comes and goes. */
#ifndef TROUBLE_H
#define TROUBLE_H

#include <stdint.h>

struct trouble {
	char said[1024]; /* the trouble that was said last, and is not over; "": none */
	int64_t until;   /* milliseconds of the monotonic clock: nothing is said before */
};

/* what is the trouble; what is over. As printf(3); one line on standard error, where it is news. */
void trouble_is(struct trouble *t, const char *what, ...) __attribute__((format(printf, 2, 3)));
void trouble_over(struct trouble *t, const char *what, ...) __attribute__((format(printf, 2, 3)));

#endif
