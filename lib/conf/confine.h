/*
 * Least privilege: what a program that is set up gives up for the rest of its life, so that bytes from
 * outside that get hold of it find little to do. With Linux by seccomp(2) and landlock(7), as far as the
 * kernel has them; elsewhere nothing. What holds for whom is in pnow(7), SECURITY.
 */
#ifndef CONFINE_H
#define CONFINE_H

#include <stdbool.h>
#include <stddef.h>

enum confinement {
	CONFINE_FILTER,             /* reads files, and writes what is open already: no sockets */
	CONFINE_CLIENT,             /* connects; writes the state */
	CONFINE_SERVER,             /* takes connections of a socket that it has; writes the state */
	CONFINE_SERVER_OF_DATABASE, /* what becomes of it where a state is in one: it connects to that, too */
};

/* Call it with everything opened that may be opened only now, before the first thread is started and before
   anything from outside is read. states: the paths of n state files, a NULL among them is none; beside these,
   files may be written, made and removed, and nowhere else. A path whose folder is not there yet stands for
   the nearest folder above that is. One that is in a database (conf_is_database) is no file: what a client
   writes instead is of the host (host.h); a server may connect to the ports of these, and to that for names,
   and to no other where its URIs tell them. verbose: says on standard error what holds, in one line. Whatever
   is refused from now on fails with EPERM or EACCES. What the kernel lacks is left out: that is no error. */
void confine(enum confinement as, const char **states, size_t n, bool verbose);

#endif
