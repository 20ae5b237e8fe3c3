/*
 * Loaded, not linked: it brings a dozen libraries along (TLS, Kerberos, LDAP), 0.8 MB and 3 ms for each
 * process, and nobody whose state is a file calls it. Whoever makes a connection loads it first, so that all
 * that has one can call it. It stays until the process ends.
 */
#include "conf/libpq.h"
#include "text/library.h"

struct libpq pq;

#define LIBPQ_FUNCTION(name) {"PQ" #name, &pq.name},
static const struct library_function functions[] = {LIBPQ_FUNCTIONS(LIBPQ_FUNCTION){NULL, NULL}};
static struct library library =
	LIBRARY("libpq.so.5", "that needs libpq 14 or newer (Debian's libpq5)", functions);

const char *libpq_load(void)
{
	return library_load(&library);
}
