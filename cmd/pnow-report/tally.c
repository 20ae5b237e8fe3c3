/* Names and how often they came; as many as anybody reads. */
#include "report.h"

static struct tally_row *find(struct tally *t, const char *name, uint64_t hash)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->at[i].hash == hash && strcmp(t->at[i].name, name) == 0)
			return &t->at[i];
	return NULL;
}

void tally_add(struct tally *t, const char *name, int64_t cents, const char *id)
{
	uint64_t hash = str_hash(name);
	struct tally_row *row = find(t, name, hash);
	if (!row && t->n == TALLY_MAX) {
		t->others++;
		t->others_cents += cents;
		return;
	}
	if (!row) {
		if (!t->at)
			t->at = allocated(calloc(TALLY_MAX, sizeof *t->at));
		row = &t->at[t->n++];
		row->name = allocated(strdup(name));
		row->hash = hash;
	}
	row->n++;
	row->cents += cents;
	if (id) {
		free(row->last);
		row->last = allocated(strdup(id));
	}
}

static int compare(const void *left, const void *right)
{
	const struct tally_row *a = left, *b = right;
	if (a->cents != b->cents)
		return a->cents < b->cents ? 1 : -1;
	if (a->n != b->n)
		return a->n < b->n ? 1 : -1;
	return strcmp(a->name, b->name);
}

void tally_sort(struct tally *t)
{
	if (t->n)
		qsort(t->at, t->n, sizeof *t->at, compare);
}

void tally_free(struct tally *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->at[i].name);
		free(t->at[i].last);
	}
	free(t->at);
}
