/* What a fuzz target is: the entry that libFuzzer calls too, and the inputs that drive.c starts from. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Tries one input; aborts where a promise is broken. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

extern const char *const fuzz_corpus[]; /* the last is NULL */

/* Aborts, saying which promise was broken. */
static inline void fuzz_require(bool kept, const char *promise)
{
	if (kept)
		return;
	fprintf(stderr, "broken: %s\n", promise);
	abort();
}

#endif
