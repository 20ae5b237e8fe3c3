/* A mistake in what people have set up: it ends the process, unless somebody can go on without. */
#ifndef MISTAKE_H
#define MISTAKE_H

#include <stdbool.h>

enum { MISTAKE_MAX = 1024 };

/* Ends the process with status 78 and one line: file, place, what was found, what was expected. Inside of
   mistake_caught that ends instead. */
void mistake(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Calls read, which may make a mistake anywhere. False: it did; then why says which, and what read had begun
   is the caller's to give back. Of this thread; one may be inside of another. */
bool mistake_caught(void (*read)(void *context), void *context, char why[static MISTAKE_MAX]);

#endif
