/* Libraries that are loaded, not linked: by who comes to need them. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <stdbool.h>

enum { LIBRARY_WHY = 512 };

/* A function of a library. */
struct library_function {
	const char *name; /* NULL: behind the last */
	void *pointer;    /* to the pointer to it, which is set */
};

/* Loads a library (libcurl.so.4), which stays until the process ends. False: it cannot be had, and why says
 * who needs it (need), and what is missing. */
bool library_load(const char *file, const char *need, const struct library_function *functions,
	char why[static LIBRARY_WHY]);

#endif
