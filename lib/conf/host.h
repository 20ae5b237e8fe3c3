/* What a host keeps for itself of a state that hosts share (PostgreSQL's): files in a folder of its own. */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>

enum { HOST_PATH = 4096 };

/* The folder: $RUNTIME_DIRECTORY, where systemd(1) gives one, else $XDG_RUNTIME_DIR, else /tmp/pnow-UID,
   which is made, mode 0700. One that is not ours alone is none. False, and errno, where there is none. */
bool host_folder(char folder[static HOST_PATH]);

/* The file of a state in it: another after each start of the machine, and on each machine. False, and errno,
   without a folder. */
bool host_file(char path[static HOST_PATH], const char *state, const char *what);

#endif
