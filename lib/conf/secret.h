/* Secrets are in files of mode 0600, or systemd credentials; never in arguments, environment, configuration
 * or output. */
#ifndef SECRET_H
#define SECRET_H

#include "text/arena.h"

/* Whose word it is, which says how short it may be and where a good one comes from. */
enum secret_use {
	SECRET_API,      /* an API gave it to us: token, password, key */
	SECRET_HOOK,     /* a sender of webhooks has it, too */
	SECRET_STANDARD, /* such a sender, by Standard Webhooks */
};

/* The file's text without trailing newlines: one line, and long enough for its use; the arena's, and a NUL
   stands behind it. Ends the process with status 78 where the file is missing, open to group or others, or
   holds something else; conf_file and key name the place in the configuration that asks for it. */
struct str secret_read(
	struct arena *a, const char *path, enum secret_use use, const char *conf_file, const char *key);

/* secret_read for who can go on without it: NULL where *secret is read, else why it is not, the arena's. */
const char *secret_try(struct arena *a, const char *path, enum secret_use use, struct str *secret);

/* NULL, or why n bytes of a secret are too few; the arena's. after says which bytes: "", or " after whsec_".
 */
const char *secret_too_short(
	struct arena *a, const char *path, enum secret_use use, size_t n, const char *after);

#endif
