/* Names that people gave in the CRM, and the ids that its API wants instead. Looked up once, kept in the
   state file, looked up again when one is missing. */
#ifndef NAMES_H
#define NAMES_H

#include "net/crm.h"
#include "state/state.h"

enum name_kind { NAME_FIELD, NAME_PIPELINE, NAME_STAGE, NAME_WORKFLOW, NAME_CALENDAR };

struct names;

struct names *names_open(struct crm *crm, struct state *state);
void names_close(struct names *n);

struct name {
	const char *id;      /* the arena's; NULL: the CRM has no such name, or nobody can tell now */
	const char *more;    /* a field's dataType; else NULL */
	const char *error;   /* where the CRM could not be asked, or the list not be kept: what to tell people */
	const char *code;    /* and in a word, as of crm_call */
	bool retry;          /* and whether it can work later */
	int64_t retry_after; /* as of crm_call */
	unsigned calls;      /* that the lookup took */
};

/* The id of a name in a location, as the state had it ten seconds ago at most; a stage's name is
   "PIPELINE/STAGE". May be called from any thread. */
struct name names_find(struct names *n, struct arena *a, const struct crm_location *location,
	enum name_kind kind, const char *name);

/* The path of the list that has the names of a kind (a stage's is its pipeline's), the arena's. */
const char *names_path(struct arena *a, const struct crm_location *location, enum name_kind kind);

/* Forgets what is kept of a kind: the next lookup asks. False where the state file cannot be written. */
bool names_drop(struct names *n, const struct crm_location *location, enum name_kind kind);

/* The name of a kept id, the arena's; NULL where none is kept. */
const char *names_of(struct names *n, struct arena *a, const struct crm_location *location,
	enum name_kind kind, const char *id);

/* The id that is kept under a name, the arena's, whatever it is called by now; NULL: none is. Asks nobody. */
const char *names_kept(struct names *n, struct arena *a, const struct crm_location *location,
	enum name_kind kind, const char *name);

/* The CRM did not take what was sent to an id: where the list is older than ten minutes, the next lookup asks
 * again. Returns whether it will. */
bool names_doubt(struct names *n, const struct crm_location *location, enum name_kind kind);

#endif
