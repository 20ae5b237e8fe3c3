/* What the webhooks of one sender are verified with: its scheme, and the secret or key that it compares
 * against. */
#ifndef VERIFIER_H
#define VERIFIER_H

#include "conf/conf.h"
#include "conf/profile.h"
#include "conf/secret.h"

struct verifier {
	const struct conf_hook *conf;
	const char *header;      /* where the secret or signature stands; NULL: nowhere */
	struct secret **secrets; /* one of which it must be: two, while one takes the other's place */
	size_t secrets_n;
	struct evp_pkey_st *key;
	struct profile_signature
		signature; /* what the profile says; but the header, and a prefix, are the configuration's */
};

/* Reads the secrets or the key of one sender's hook, "hooks.crm" or "hooks.patientnow" in the configuration.
   Ends the process with status 78 where it cannot. profile is the sender's, or NULL. */
void verifier_open(struct verifier *v, struct conf *conf, const struct profile *profile,
	const struct conf_hook *hook, const char *place);
/* The key that a secret stands for, which is the secret itself unless the profile says otherwise (the
   arena's); p NULL where it stands for none. */
struct str verifier_key(const struct verifier *v, struct arena *a, struct str secret);
void verifier_close(struct verifier *v);

#endif
