/* How far two words are apart: for "the nearest known one is". */
#ifndef DISTANCE_H
#define DISTANCE_H

/* How many single letters must change to make one text of the other, at most 99. */
unsigned distance(const char *a, const char *b);

#endif
