/*
 * Ids. Each kind is counted for itself, and the count is stirred into twenty letters and digits, so that ids
 * look like the CRM's, are the same in every run, and a workflow more in the seed does not change the ids of
 * its contacts.
 */
#include "ids.h"
#include <stdio.h>
#include <stdlib.h>

/* Kinds that came later are counted far away from these, whose ids stay. */
enum { FIRST_KINDS = ID_TRACE + 1 };

/* Stirs a number (the finalizer of splitmix64). */
static uint64_t stir(uint64_t z)
{
	z += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* The next id of a kind. */
const char *id_new(struct ids *ids, enum id_kind kind, char id[static ID_TEXT])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	uint64_t count = ++ids->made[kind] * FIRST_KINDS + kind % FIRST_KINDS;
	count += (uint64_t)(kind / FIRST_KINDS) << 32;
	uint64_t half[2] = {stir(count), stir(stir(count))};

	for (size_t i = 0; i < ID_TEXT - 1; i++) {
		uint64_t *from = &half[i / 10];
		id[i] = letters[*from % (sizeof letters - 1)];
		*from /= sizeof letters - 1;
	}
	id[ID_TEXT - 1] = '\0';
	return id;
}

/* A random UUID. */
void id_delivery(char uuid[static 37])
{
	uint32_t a = arc4random(), b = arc4random(), c = arc4random(), d = arc4random();
	snprintf(uuid, 37, "%08x-%04x-4%03x-%04x-%04x%08x", a, b >> 16, b & 0xfff, (c >> 16 & 0x3fff) | 0x8000,
		c & 0xffff, d);
}
