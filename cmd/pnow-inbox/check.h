/* The parts of pnow-inbox check. */
#ifndef CHECK_H
#define CHECK_H

#include "pnow-inbox.h"

enum { CHECK_QUIET_MAX = 32 };

/* When a practice is open, in its own time. */
struct check_hours {
	int first, last; /* days of the week, 0 is Sunday; the first may be behind the last */
	int opens, closes;
};

/* What is a finding. Times are milliseconds; 0: it is not looked for. */
struct check_bounds {
	int64_t wait;    /* an event waits for longer */
	int64_t silence; /* no event in so much of the time when the practice is open */
	int64_t backup;  /* the last one is older */
	int64_t lately;  /* warnings that are not older */
	struct check_hours hours;
	const char *quiet[CHECK_QUIET_MAX]; /* warnings that have such a text in them are none */
	size_t quiet_n;
	bool json;
};

struct check {
	struct inbox *in;
	const struct check_bounds *bounds;
	int64_t now;
	struct arena arena;
	bool read; /* the state file could be, so far */
	size_t found;
};

struct finding {
	const char *what;
	int64_t since;  /* 0: nobody knows */
	int64_t events; /* 0: it is not about events */
	const char *detail;
	const char *command; /* to type next */
};

/* finding.c */

/* Writes a finding. */
void finding_tell(struct check *c, const struct finding *f);
/* A command with the practice's configuration: finding_command(c, "pnow-inbox", " stat"). The arena's. */
const char *finding_command(struct check *c, const char *program, const char *rest);

/* check_events.c: what is dead or waits, who refuses a token, and what results warn of. */
void check_events(struct check *c);

#endif
