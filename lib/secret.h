/* Secrets are in files of mode 0600, or systemd credentials; never in arguments, environment, configuration
 * or output. */
#ifndef SECRET_H
#define SECRET_H

#include "arena.h"

/* The file's text without trailing newlines. Ends the process with status 78 where the file is missing,
   empty, or open to group or others; conf_file and key name the place in the configuration that asks for it.
 */
char *secret_read(struct arena *a, const char *path, const char *conf_file, const char *key);

#endif
