/*
 * Loaded, not linked: it brings a dozen libraries along (TLS, Kerberos, LDAP), 0.8 MB and 3 ms for each
 * process, and nobody whose state is a file calls it. Whoever makes a connection loads it first, so that all
 * that has one can call it. It stays until the process ends.
 */
#include "conf/libpq.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

#define LIBPQ "libpq.so.5"

struct libpq pq;
static char missing[512]; /* why it is; "" where it is there */

/* What was looked for, or NULL: then it is missing. */
static void *found(void *what)
{
	if (!what)
		snprintf(missing, sizeof missing, "that needs libpq 14 or newer (Debian's libpq5): %s", dlerror());
	return what;
}

static void load(void)
{
	void *library = found(dlopen(LIBPQ, RTLD_NOW | RTLD_LOCAL));
	if (!library)
		return;
#define LIBPQ_FIND(name) *(void **)&pq.name = found(dlsym(library, "PQ" #name));
	LIBPQ_FUNCTIONS(LIBPQ_FIND)
#undef LIBPQ_FIND
}

const char *libpq_load(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, load);
	return *missing ? missing : NULL;
}
