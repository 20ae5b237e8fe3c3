/* What signs and verifies webhooks, over the raw body; comparisons take the same time whatever they find. */
#ifndef SIGNATURE_H
#define SIGNATURE_H

#include "text/str.h"

/* Whether two texts are equal, in time that depends on the lengths alone. */
bool signature_equal(struct str a, struct str b);

/* Why nothing of what is below can be done; it ends the process then. NULL: it can, and is loaded. */
const char *signature_missing(void);

/* HMAC-SHA256 of body: mac gets 32 bytes. */
void signature_hmac_sha256(struct str secret, struct str body, unsigned char mac[static 32]);

/* Whether text is mac in hex (any case, with or without dashes between the bytes) or base64. */
bool signature_is(const unsigned char mac[static 32], struct str text);

/* A public or private key from PEM text (or, public Ed25519, 32 bytes in base64); NULL where it is none. Free
   with signature_key_free. */
struct evp_pkey_st *signature_key(struct str pem);
void signature_key_free(struct evp_pkey_st *key);
/* Whether it is an RSA key; else it is an Ed25519 one. */
bool signature_key_is_rsa(const struct evp_pkey_st *key);

/* Whether base64 is key's signature of body: Ed25519, or RSA PKCS#1 v1.5 with SHA-256, as the key is. */
bool signature_verify(struct evp_pkey_st *key, struct str body, struct str base64);

/* key's signature of body in base64, NUL-terminated, to be freed with free(3); NULL where the key cannot
 * sign. */
char *signature_sign(struct evp_pkey_st *key, struct str body);

#endif
