/* Waits are counted in buckets that grow with them: sixteen for each power of two, so that a rank is right to
 * some 3 %, and ten years of days take no more than what they are drawn from. */
#include "report.h"

/* Below WAIT_STEPS a bucket for each millisecond. */
static size_t bucket_of(int64_t ms)
{
	uint64_t wait = ms > 0 ? (uint64_t)ms : 0;
	if (wait < WAIT_STEPS)
		return (size_t)wait;
	int shift = 63 - __builtin_clzll(wait) - 4; /* four bits behind the first */
	size_t bucket = (size_t)(shift + 1) * WAIT_STEPS + (size_t)(wait >> shift) - WAIT_STEPS;
	return bucket < WAIT_BUCKETS ? bucket : WAIT_BUCKETS - 1;
}

/* The middle of a bucket. */
static int64_t wait_of(size_t bucket)
{
	if (bucket < WAIT_STEPS)
		return (int64_t)bucket;
	size_t shift = bucket / WAIT_STEPS - 1;
	int64_t first = (int64_t)(bucket % WAIT_STEPS + WAIT_STEPS) << shift;
	return first + (((int64_t)1 << shift) - 1) / 2;
}

void waits_add(struct waits *w, int64_t ms)
{
	w->at[bucket_of(ms)]++;
	w->n++;
}

void waits_join(struct waits *to, const struct waits *from)
{
	for (size_t i = 0; i < WAIT_BUCKETS; i++)
		to->at[i] += from->at[i];
	to->n += from->n;
}

int64_t waits_rank(const struct waits *w, int hundredths)
{
	uint64_t rank = ((uint64_t)w->n * (unsigned)hundredths + 99) / 100, before = 0;
	for (size_t i = 0; i < WAIT_BUCKETS && w->n; i++) {
		before += w->at[i];
		if (before >= rank)
			return wait_of(i);
	}
	return -1;
}
