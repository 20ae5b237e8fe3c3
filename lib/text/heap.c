#include "text/heap.h"

#include <malloc.h>

void heap_share(void)
{
#ifdef M_ARENA_MAX
	mallopt(M_ARENA_MAX, 1);
#endif
}

bool heap_burst_over(struct heap_burst *b, unsigned n, unsigned many)
{
	if (n > b->most)
		b->most = n;
	bool over = b->most >= many && n <= b->most / 16;
	if (!over && (n || !b->rest))
		return false;
	b->rest = n != 0;
	b->most = n;
	return true;
}

void heap_give_back(void)
{
#ifdef M_ARENA_MAX
	malloc_trim(0);
#endif
}
