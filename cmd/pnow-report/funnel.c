/*
 * Who came into which stage when, patient by patient: how many went on, and how long that took.
 *
 * - A track is a patient in a pipeline: when they first came into each stage. Nothing else of them is kept,
 *   not even an id: a hash.
 * - There is room for TRACKED_MAX tracks. Where there are more, one patient of two is forgotten, by a bit of
 *   the hash, then one of four: a fair sample, and counts are multiplied by what it stands for.
 */
#include "report.h"

#include <math.h>

struct track {
	uint64_t hash; /* 0: free */
	uint8_t pipeline;
	int32_t first[STAGES_MAX]; /* minutes since 1970; 0: never */
};

/* --- Pipelines and stages --- */

struct funnel *funnels_tell(struct funnels *f, const char *pipeline, const char *lost)
{
	struct funnel *funnel = f->at;
	while (funnel < f->at + f->n && strcmp(funnel->pipeline, pipeline) != 0)
		funnel++;
	if (funnel == f->at + PIPELINES_MAX)
		return NULL;
	if (funnel == f->at + f->n) {
		*funnel = (struct funnel){.pipeline = allocated(strdup(pipeline)), .n = 1};
		funnel->stages[0].name = allocated(strdup(lost ? lost : "Cancelled / No-Show"));
		f->n++;
	}
	return funnel;
}

/* A stage's place; STAGES_MAX: there is none left. */
static size_t place(struct funnel *f, const char *stage)
{
	size_t i = 0;
	while (i < f->n && strcmp(f->stages[i].name, stage) != 0)
		i++;
	if (i == f->n && i < STAGES_MAX)
		f->stages[f->n++] = (struct funnel_stage){.name = allocated(strdup(stage))};
	return i;
}

void funnel_stage_tell(struct funnel *f, const char *stage)
{
	place(f, stage);
}

/* --- Patients --- */

/* A patient's place in the table: theirs, or a free one. */
static struct track *seek(struct track *tracks, size_t room, uint64_t hash)
{
	size_t i = hash & (room - 1);
	while (tracks[i].hash && tracks[i].hash != hash)
		i = (i + 1) & (room - 1);
	return &tracks[i];
}

static bool is_followed(const struct funnels *f, uint64_t hash)
{
	return !f->sampled || hash >> (64 - f->sampled) == 0;
}

/* Makes room: a table twice as large or, at the end of that, half of the patients. */
static void make_room(struct funnels *f)
{
	struct track *before = f->tracks;
	size_t room = f->room;
	if (room == 2 * TRACKED_MAX)
		f->sampled++;
	else
		f->room = room ? room * 2 : 1024;
	f->tracks = allocated(calloc(f->room, sizeof *f->tracks));
	f->used = 0;
	for (size_t i = 0; i < room; i++) {
		if (!before[i].hash || !is_followed(f, before[i].hash))
			continue;
		*seek(f->tracks, f->room, before[i].hash) = before[i];
		f->used++;
	}
	free(before);
}

/* Spreads a number's bits (splitmix64). */
static uint64_t spread(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

void funnels_add(struct funnels *f, const char *pipeline, const char *stage, uint64_t patient, int64_t ms)
{
	struct funnel *funnel = funnels_tell(f, pipeline, NULL);
	size_t i = funnel ? place(funnel, stage) : STAGES_MAX;
	int32_t minute = (int32_t)(ms / 60000);
	if (i == STAGES_MAX || ms <= 0)
		return;
	uint64_t hash = spread(patient + (uint64_t)(funnel - f->at));
	hash = hash ? hash : 1;
	while (is_followed(f, hash) && f->used >= f->room / 2)
		make_room(f);
	if (!is_followed(f, hash))
		return;
	struct track *t = seek(f->tracks, f->room, hash);
	if (!t->hash) {
		*t = (struct track){.hash = hash, .pipeline = (uint8_t)(funnel - f->at)};
		f->used++;
	}
	if (!t->first[i] || minute < t->first[i])
		t->first[i] = minute;
}

/* --- Counting --- */

/* When a patient went on from the stage before this one: the first time that they came into this one, or one
   behind it, from then on; 0: never. */
static int32_t went_on(const struct track *t, const struct funnel *f, size_t stage)
{
	int32_t when = 0;
	for (size_t i = stage; i < f->n; i++)
		if (t->first[i] >= t->first[stage - 1] && (!when || t->first[i] < when))
			when = t->first[i];
	return when;
}

static int compare(const void *left, const void *right)
{
	const int32_t *a = left, *b = right;
	return *a < *b ? -1 : *a > *b;
}

/* minutes has room for all tracks. */
static void count_stage(const struct funnels *f, struct funnel *funnel, size_t stage, int32_t *minutes)
{
	struct funnel_stage *s = &funnel->stages[stage];
	size_t n = 0;
	for (size_t i = 0; i < f->room; i++) {
		const struct track *t = &f->tracks[i];
		if (!t->hash || &f->at[t->pipeline] != funnel)
			continue;
		s->came += t->first[stage] != 0;
		if (stage < 2 || !t->first[stage - 1])
			continue;
		int32_t when = went_on(t, funnel, stage);
		s->before++;
		if (when)
			minutes[n++] = when - t->first[stage - 1];
	}
	if (n)
		qsort(minutes, n, sizeof *minutes, compare);
	s->days = n ? round((double)minutes[(n - 1) / 2] / 144) / 10 : -1;
	s->came <<= f->sampled;
	s->before <<= f->sampled;
	s->went_on = (int64_t)n << f->sampled;
}

void funnels_count(struct funnels *f)
{
	int32_t *minutes = f->used ? allocated(calloc(f->used, sizeof *minutes)) : NULL;
	for (struct funnel *funnel = f->at; funnel < f->at + f->n; funnel++)
		for (size_t stage = 0; stage < funnel->n; stage++)
			count_stage(f, funnel, stage, minutes);
	free(minutes);
}

void funnels_free(struct funnels *f)
{
	for (size_t i = 0; i < f->n; i++) {
		for (size_t stage = 0; stage < f->at[i].n; stage++)
			free(f->at[i].stages[stage].name);
		free(f->at[i].pipeline);
	}
	free(f->tracks);
}
