/* The categories of appointments and where each moves an opportunity: the two tables of categorize(1). */
#ifndef CATEGORY_H
#define CATEGORY_H

#include "text/str.h"

enum category {
	CATEGORY_NONE, /* not in the sheet */
	CATEGORY_SURGICAL_CONSULT,
	CATEGORY_SURGICAL_APPOINTMENT,
	CATEGORY_NON_SURGICAL_CONSULT,
	CATEGORY_NON_SURGICAL_APPOINTMENT,
	CATEGORY_BLOCK,
	CATEGORY_POST_OP,
	CATEGORY_PRE_OP,
	CATEGORIES,
};

/* As written in the sheet and on the contact: "Surgical Consult". */
const char *category_name(enum category category);

/* The category of a name ("Post-Op Appointment" is "Post-Op"; case and surrounding blanks do not matter),
 * else NONE. */
enum category category_of(struct str name);

/* Our name of the pipeline ("surgical", "non-surgical") and the stage that an appointment of this category
   and status belongs to; false where no opportunity is to move. */
bool category_stage(enum category category, const char *status, bool consult_stages, const char **pipeline,
	const char **stage);

/* Whether some row of the table has this stage. */
bool category_stage_known(const char *stage);

/* Whether reaching this stage makes a lead a patient: Patient, and Surgery Complete. */
bool category_stage_wins(const char *stage);

#endif
