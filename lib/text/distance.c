/* Levenshtein's table, of which one row is kept. */
#include "text/distance.h"

#include <limits.h>
#include <string.h>

unsigned distance(const char *a, const char *b)
{
	unsigned row[100];
	size_t n = strlen(b);
	if (n > 98)
		return 99;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; *a; a++, i++) {
		unsigned corner = row[0];
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			unsigned change = corner + (*a != b[j - 1]);
			corner = row[j];
			unsigned least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
			row[j] = least < change ? least : change;
		}
	}
	return row[n];
}

const char *distance_nearest(const char *word, const void *known, size_t size, size_t n)
{
	const char *nearest = "";
	unsigned least = UINT_MAX;
	for (size_t i = 0; i < n; i++) {
		const char *name = *(const char *const *)((const char *)known + i * size);
		unsigned far = distance(word, name);
		if (far < least) {
			least = far;
			nearest = name;
		}
	}
	return nearest;
}
