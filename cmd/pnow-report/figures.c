/* What all writers show: sums, and the order of practices. */
#include "report.h"

const struct fate_words fates[FATES] = {
	[FATE_DONE] = {"done", "Carried out"},
	[FATE_UNCHANGED] = {"unchanged", "Nothing new"},
	[FATE_IGNORED] = {"ignored", "Ignored by design"},
	[FATE_SKIPPED] = {"skipped", "Left out"},
	[FATE_DROPPED] = {"dropped", "Dropped by hand"},
	[FATE_WAITING] = {"waiting", "Waiting"},
	[FATE_FAILED] = {"failed", "Failed"},
};

int64_t fates_sum(const int64_t counts[FATES])
{
	int64_t n = 0;
	for (enum fate fate = 0; fate < FATES; fate++)
		n += counts[fate];
	return n;
}

const char *report_type(size_t type)
{
	return type < EVENT_TYPES ? event_type_name((enum event_type)type) : "other";
}

struct practice *figures_practice(struct figures *f, const char *name)
{
	for (size_t i = f->practices_n; i-- > 0;) /* the newest is the likeliest */
		if (strcmp(f->practices[i]->name, name) == 0)
			return f->practices[i];
	f->practices = allocated(reallocarray(f->practices, f->practices_n + 1, sizeof *f->practices));
	struct practice *p = f->practices[f->practices_n++] = allocated(calloc(1, sizeof *p));
	p->name = allocated(strdup(name));
	return p;
}

void figures_end(struct figures *f)
{
	if (f->last - f->first >= DAYS_MAX) /* since 1970, say: whatever came is among the last ones */
		f->first = f->last - DAYS_MAX + 1;
	funnels_count(&f->funnels);
	tally_sort(&f->services);
	tally_sort(&f->uncategorized);
	tally_sort(&f->audit.names);
	causes_sort(&f->causes);
}

void figures_free(struct figures *f)
{
	days_free(&f->days);
	funnels_free(&f->funnels);
	tally_free(&f->services);
	tally_free(&f->uncategorized);
	tally_free(&f->audit.names);
	causes_free(&f->causes);
	for (size_t i = 0; i < f->practices_n; i++) {
		free(f->practices[i]->name);
		free(f->practices[i]->configuration);
		free(f->practices[i]->zone);
		free(f->practices[i]);
	}
	free(f->practices);
}

int64_t figures_fate(const struct figures *f, enum fate fate)
{
	int64_t n = 0;
	for (size_t type = 0; type < TYPES; type++)
		n += f->events[type][fate];
	return n;
}

int64_t figures_all(const struct figures *f)
{
	int64_t n = 0;
	for (size_t type = 0; type < TYPES; type++)
		n += fates_sum(f->events[type]);
	return n;
}

int64_t figures_patientnow_limit(const struct figures *f)
{
	int64_t n = 0;
	for (size_t i = 0; i < f->practices_n; i++)
		n += f->practices[i]->patientnow_limit;
	return n;
}

/* Worse is: more that has failed; then more that waits; then a larger part that was left out; then longer
 * waits. */
static int compare(const void *left, const void *right)
{
	const struct practice *a = *(const struct practice *const *)left,
						  *b = *(const struct practice *const *)right;
	int64_t all_a = fates_sum(a->fates), all_b = fates_sum(b->fates);
	const int64_t both[][2] = {
		{a->fates[FATE_FAILED], b->fates[FATE_FAILED]},
		{a->fates[FATE_WAITING], b->fates[FATE_WAITING]},
		{a->fates[FATE_SKIPPED] * all_b, b->fates[FATE_SKIPPED] * all_a},
		{waits_rank(&a->waits, 99), waits_rank(&b->waits, 99)},
	};
	for (size_t i = 0; i < COUNT(both); i++)
		if (both[i][0] != both[i][1])
			return both[i][0] > both[i][1] ? -1 : 1;
	return strcmp(a->name, b->name);
}

const struct practice **figures_worst(const struct figures *f, struct arena *a)
{
	const struct practice **all = arena_alloc(a, (f->practices_n + 1) * sizeof *all);
	for (size_t i = 0; i < f->practices_n; i++)
		all[i] = f->practices[i];
	qsort(all, f->practices_n, sizeof *all, compare);
	return all;
}
