#include "text/library.h"

#include <dlfcn.h>
#include <stdio.h>

bool library_load(const char *file, const char *need, const struct library_function *functions,
	char why[static LIBRARY_WHY])
{
	void *library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
	const struct library_function *f = functions;
	while (library && f->name && (*(void **)f->pointer = dlsym(library, f->name)))
		f++;
	bool loaded = library && !f->name;
	if (!loaded)
		snprintf(why, LIBRARY_WHY, "%s: %s", need, dlerror());
	return loaded;
}
