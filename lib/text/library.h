/* Libraries that are loaded, not linked: by who comes to need them. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* A function of a library. */
struct library_function {
	const char *name; /* NULL: behind the last */
	void *pointer;    /* to the pointer to it, which is set */
};

struct library {
	const char *file; /* libcurl.so.4 */
	const char *need; /* who needs it, for people, and of what package it is */
	const struct library_function *functions;
	/* library.c's */
	pthread_mutex_t lock;
	bool tried;
	char missing[512]; /* why it cannot be had; "" where it can */
};

/* PTHREAD_MUTEX_INITIALIZER and all else that a library begins with. */
#define LIBRARY(its_file, its_need, its_functions)                                                           \
	{                                                                                                        \
		.file = its_file, .need = its_need, .functions = its_functions, .lock = PTHREAD_MUTEX_INITIALIZER    \
	}

/* Loads it, if that is still to be done; it stays until the process ends. NULL, or why it cannot be had:
   need, and what is missing. Of any thread. */
const char *library_load(struct library *l);

#endif
