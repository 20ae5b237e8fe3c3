/* Loaded, not linked: it costs a hook 0.75 MB, and most need none of it. It stays until the process ends. */
#include "value/libcrypto.h"
#include "text/library.h"

#include <pthread.h>
#include <stddef.h>

struct libcrypto crypto;
static char missing[LIBRARY_WHY]; /* why it is; "" where it is there */

static void load(void)
{
#define TEXT(name) #name
#define LIBCRYPTO_FUNCTION(name) {TEXT(name), &crypto.name}, /* a name may be a macro for another */
	static const struct library_function functions[] = {LIBCRYPTO_FUNCTIONS(LIBCRYPTO_FUNCTION){NULL, NULL}};
#undef LIBCRYPTO_FUNCTION
	library_load("libcrypto.so.3", "that needs libcrypto 3 (Debian's libssl3)", functions, missing);
}

const char *libcrypto_load(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, load);
	return *missing ? missing : NULL;
}
