/* SHA-256 for ids, and bytes from hex and base64. What is secret is compared by signature.h. */
#ifndef DIGEST_H
#define DIGEST_H

#include "text/str.h"

/* SHA-256 of the parts, one after another with a zero byte between them, in hex. */
void digest_sha256_hex(const struct str *parts, size_t n, char hex[static 65]);

/* Bytes from hex, of any case, dashes left out, into out, which has room for text.n / 2; the count, or -1
   where it is no hex. */
long digest_hex(struct str text, unsigned char *out);

/* Bytes from base64 (padded or not) into out, which has room for text.n bytes; the count, or -1 where it is
 * no base64. */
long digest_base64(struct str text, unsigned char *out);

#endif
