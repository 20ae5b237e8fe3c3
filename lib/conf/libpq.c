/*
 * Loaded, not linked: it brings a dozen libraries along (TLS, Kerberos, LDAP), 0.8 MB and 3 ms for each
 * process, and nobody whose state is a file calls it. Whoever makes a connection loads it first, so that all
 * that has one can call it. It stays until the process ends.
 */
#include "conf/libpq.h"
#include "text/library.h"

#include <pthread.h>
#include <stddef.h>

struct libpq pq;
static char missing[LIBRARY_WHY]; /* why it is; "" where it is there */

static void load(void)
{
#define LIBPQ_FUNCTION(name) {"PQ" #name, &pq.name},
	static const struct library_function functions[] = {LIBPQ_FUNCTIONS(LIBPQ_FUNCTION){NULL, NULL}};
#undef LIBPQ_FUNCTION
	library_load("libpq.so.5", "that needs libpq 14 or newer (Debian's libpq5)", functions, missing);
}

const char *libpq_load(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, load);
	return *missing ? missing : NULL;
}
