/* The bodies and queries that the published contract allows. */
#ifndef SANDBOX_CRM_CONTRACT_H
#define SANDBOX_CRM_CONTRACT_H

#include <json-c/json.h>
#include <stdbool.h>

struct request;

enum contract {
	CONTRACT_CONTACT_CREATE,
	CONTRACT_CONTACT_UPDATE,
	CONTRACT_CONTACT_UPSERT,
	CONTRACT_NOTE,
	CONTRACT_TAGS,
	CONTRACT_ENROL,
	CONTRACT_FIELD,
	CONTRACT_OPPORTUNITY_CREATE,
	CONTRACT_OPPORTUNITY_UPDATE,
	CONTRACT_OPPORTUNITY_STATUS,
	CONTRACT_APPOINTMENT_CREATE,
	CONTRACT_APPOINTMENT_UPDATE,
	CONTRACT_BLOCK,
	CONTRACT_NOTHING,
};

/* Whether the request's body keeps to the contract; answers 400 or 422 where it does not. */
bool contract_body(struct request *r, enum contract contract);
/* What is wrong with a property of a body; NULL if nothing is. */
const char *contract_wrong(enum contract contract, const char *name, struct json_object *value);
/* Whether the query has nothing but these names (NULL-terminated), and the first of them; answers 422 where
 * not. */
bool contract_query(struct request *r, const char *const *names);

#endif
