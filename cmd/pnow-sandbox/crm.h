/* What every request to the CRM goes through, and what its answers share. */
#ifndef SANDBOX_CRM_H
#define SANDBOX_CRM_H

#include <stdbool.h>

struct contact;
struct request;
struct sandbox;

/* Token, limits, version and scope; false where the request has been answered. */
bool crm_enter(struct sandbox *s, struct request *r);
/* What follows "Bearer " in the Authorization header, or NULL. */
const char *request_bearer(const struct request *r);
/* Whether the token may see this location; answers 403 where not. NULL answers 422. */
bool crm_allowed(struct request *r, const char *location_id);

/* The contact that the path names, if the token may see it; answers where not. */
struct contact *contact_of_path(struct sandbox *s, struct request *r);
/* Answers {"succeded":true}, as the CRM spells it. */
void answer_succeeded(struct request *r);

#endif
