#include "text/library.h"

#include <dlfcn.h>
#include <stdio.h>

static void load(struct library *l)
{
	void *library = dlopen(l->file, RTLD_LAZY | RTLD_LOCAL);
	const struct library_function *f = l->functions;
	while (library && f->name && (*(void **)f->pointer = dlsym(library, f->name)))
		f++;
	if (!library || f->name)
		snprintf(l->missing, sizeof l->missing, "%s: %s", l->need, dlerror());
}

const char *library_load(struct library *l)
{
	pthread_mutex_lock(&l->lock);
	if (!l->tried)
		load(l);
	l->tried = true;
	pthread_mutex_unlock(&l->lock);
	return *l->missing ? l->missing : NULL;
}
