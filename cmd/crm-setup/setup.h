/* The parts of crm-setup. Each checks one side of the set-up and tells what it found, row by row. */
#ifndef SETUP_H
#define SETUP_H

#include "conf/conf.h"
#include "conf/options.h"
#include "net/crm.h"
#include "net/names.h"
#include "net/patientnow.h"
#include "state/locks.h"
#include "state/state.h"
#include "stream/table.h"

enum verdict {
	OK,
	MISSING,
	WRONG,
	WARNING, /* a webhook sent now would work all the same */
	SKIPPED, /* not wanted by this configuration */
	UNKNOWN, /* could not be looked at */
};

struct setup {
	struct conf *conf;
	struct conf usable; /* the same without the facilities whose token cannot be read */
	struct options options;
	bool write;              /* -w */
	struct profile *profile; /* NULL: it cannot be read */
	struct state *state;     /* NULL: it cannot be opened */
	bool crm_secret, patientnow_secret;
	const char *location; /* that the rows are about; NULL: the whole practice */
	bool clock_told;
	unsigned bad; /* rows that are missing, wrong or unknown */
	struct table table;
	struct arena arena;
};

/* tell.c */
/* A row: what was looked at (check, and name where there are several; NULL: none), what was found, and how to
   mend it, for a practice's manager (NULL where there is nothing to mend). Names ids and fields, never people
   or secrets. */
void tell(struct setup *s, enum verdict verdict, const char *check, const char *name, const char *found,
	const char *mend);

/* Whether the token may not do what was asked for. */
bool is_refused(const struct crm_answer *answer);
/* Says why the answer is an error: where it is refused, that the token needs scope. */
void tell_refused(struct setup *s, const char *check, const char *scope, const struct crm_answer *answer);

/* What a part of a command would say when it ends the process, the arena's; NULL where it goes through. Run
   in a child of its own, so nothing of what it reads stays. To be called before anything starts a thread. */
const char *trial(struct setup *s, void (*part)(struct setup *s, const void *about), const void *about);

/* here.c: this machine and the practice's files; opens what the others need. */
void check_here(struct setup *s);

/* emr.c: PatientNow, its quota, and its appointment types against the sheet. */
void check_patientnow(struct setup *s);

/* location.c: every sub-account. */
void check_crm(struct setup *s);
/* Says how far this machine's clock is from another's (milliseconds since 1970; 0: not told), once. */
void check_clock(struct setup *s, int64_t there);

/* permits.c */
/* Judges what a sub-account permits: duplicates, and the scopes that no list shows. */
void check_permits(struct setup *s, struct crm *crm, const struct crm_location *location);
/* Shows the requests of that. */
void show_permits(struct setup *s, const struct crm_location *location);

/* fields.c */
/* Judges the custom fields of a sub-account, and makes the missing ones where -w asks for it; first is its
   list as it was just read. */
void check_fields(
	struct setup *s, struct crm *crm, const struct crm_location *location, const struct crm_answer *first);
/* Shows the requests that would make them all. */
void show_fields(struct setup *s, const struct crm_location *location);
/* The entry of a list with this name, as names.h matches names; p NULL where it has none. */
struct str entry_named(struct setup *s, struct str list, const char *name);
/* The one with this id; p NULL where it has none. */
struct str entry_with_id(struct setup *s, struct str list, const char *id);

#endif
