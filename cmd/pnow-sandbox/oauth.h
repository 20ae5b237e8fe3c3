/* The tokens that OAuth gives. */
#ifndef SANDBOX_OAUTH_H
#define SANDBOX_OAUTH_H

#include <stdbool.h>

struct request;
struct sandbox;

/* Answers POST /oauth/token and /oauth/locationToken; false for other paths. */
bool oauth_answer(struct sandbox *s, struct request *r);
/* POST /_/revoke: what OAuth has given. */
void own_revoke(struct sandbox *s, struct request *r);

#endif
