/* Ids that look like the CRM's, and are the same in every run. */
#ifndef SANDBOX_IDS_H
#define SANDBOX_IDS_H

#include <stdint.h>

enum { ID_TEXT = 21 };

enum id_kind {
	ID_CONTACT,
	ID_NOTE,
	ID_OPPORTUNITY,
	ID_FIELD,
	ID_PIPELINE,
	ID_STAGE,
	ID_WORKFLOW,
	ID_TOKEN,
	ID_TRACE,
	ID_CALENDAR,
	ID_ENTRY,
	ID_KINDS
};

struct ids {
	uint64_t made[ID_KINDS];
};

const char *id_new(struct ids *ids, enum id_kind kind, char id[static ID_TEXT]);
/* A random UUID: for deliveries, which must differ from those of the run before. */
void id_delivery(char uuid[static 37]);

#endif
