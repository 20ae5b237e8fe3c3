/* Loaded, not linked: it costs a hook 0.75 MB, and most need none of it. It stays until the process ends. */
#include "value/libcrypto.h"
#include "text/library.h"

struct libcrypto crypto;

#define TEXT(name) #name
#define LIBCRYPTO_FUNCTION(name) {TEXT(name), &crypto.name}, /* a name may be a macro for another */
static const struct library_function functions[] = {LIBCRYPTO_FUNCTIONS(LIBCRYPTO_FUNCTION){NULL, NULL}};
static struct library library =
	LIBRARY("libcrypto.so.3", "that needs libcrypto 3 (Debian's libssl3)", functions);

const char *libcrypto_load(void)
{
	return library_load(&library);
}
