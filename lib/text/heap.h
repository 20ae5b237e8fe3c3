/* What a program with many threads or connections asks of the C library's allocator; nothing where it cannot
 * be asked. */
#ifndef HEAP_H
#define HEAP_H

#include <stdbool.h>

/* Of things in hand that each take memory. Zero before the first. */
struct heap_burst {
	unsigned most; /* in hand, since memory was given back */
	bool rest;     /* that was done with some of a burst still in hand */
};

/* All threads share one arena: so many that mostly wait need no memory of their own. Before the first starts.
 */
void heap_share(void);

/* n are in hand now; many at once are a burst. True: one is over, and heap_give_back should be called: when
 * few are left, and again when none is. */
bool heap_burst_over(struct heap_burst *b, unsigned n, unsigned many);

/* Gives memory that is not used back to the system. Takes some 100 us. */
void heap_give_back(void);

#endif
