/* How far two words are apart: for "the nearest known one is". */
#ifndef DISTANCE_H
#define DISTANCE_H

#include <stddef.h>

/* How many single letters must change to make one text of the other, at most 99. */
unsigned distance(const char *a, const char *b);
/* The first of n known words that is nearest; known is the first one's place in an array of things of this
   size. "": n is 0. */
const char *distance_nearest(const char *word, const void *known, size_t size, size_t n);

#endif
