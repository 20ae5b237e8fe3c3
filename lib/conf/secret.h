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
   stands behind it. Of SECRET_STANDARD it is the bytes that whsec_ and base64 stand for. Ends the process
   with status 78 where the file is missing, open to group or others, or holds something else; conf_file and
   key name the place in the configuration that asks for it. */
struct str secret_read(
	struct arena *a, const char *path, enum secret_use use, const char *conf_file, const char *key);

/* secret_read for who can go on without it: NULL where *secret is read, else why it is not, the arena's. */
const char *secret_try(struct arena *a, const char *path, enum secret_use use, struct str *secret);

/* A secret that follows its file, so that it can be changed while a program runs. */
struct secret;

/* secret_read of what may change; path and a live as long as it does. */
struct secret *secret_open(
	struct arena *a, const char *path, enum secret_use use, const char *conf_file, const char *key);
/* What is in the file now, as of secret_read. It is read again where the file has changed, and where its
   owner refused what was in it (refused; NULL: nobody did). That is said on standard error, and so is, once,
   a file that cannot be used: then what it held before counts. May be called from any thread. */
struct str secret_now(struct secret *s, struct arena *a, const char *refused);
void secret_close(struct secret *s);

#endif
