/* What results warn of, by kind: how many of each there were. */
#include "pnow-inbox.h"

#include <stdlib.h>

const char *warning_kind(struct arena *a, const char *warning)
{
	struct buf kind = {0};
	while (*warning) {
		size_t n = strcspn(warning, " ");
		size_t digit = strcspn(warning, "0123456789");
		buf_add(&kind, digit < n ? str_of("*") : (struct str){warning, n});
		warning += n;
		n = strspn(warning, " ");
		buf_add(&kind, (struct str){warning, n});
		warning += n;
	}
	return buf_take(&kind, a).p;
}

static void count(struct warnings *w, const char *kind)
{
	size_t i = 0;
	while (i < w->n && strcmp(w->at[i].kind, kind) != 0)
		i++;
	if (i == w->n) {
		w->at = allocated(reallocarray(w->at, w->n + 1, sizeof *w->at));
		w->at[w->n++] = (struct warned){.kind = arena_copy(&w->arena, str_of(kind))};
	}
	w->at[i].n++;
}

static int more(const void *left, const void *right)
{
	const struct warned *a = left, *b = right;
	return a->n != b->n ? (a->n < b->n ? 1 : -1) : strcmp(a->kind, b->kind);
}

bool warnings_read(struct warnings *w, struct state *s, int64_t since)
{
	struct arena a = {0};
	struct inbox_late late;
	struct state_rows rows = inbox_late(s);
	for (; inbox_next_late(&rows, &late) && late.at >= since; arena_reset(&a))
		for (struct str at = {0}, all = jtext_get(str_of(late.result), "warnings"); jtext_next(all, &at);) {
			const char *warning = jtext_string(&a, at);
			if (warning)
				count(w, warning_kind(&a, warning));
		}
	arena_free(&a);
	if (w->n)
		qsort(w->at, w->n, sizeof *w->at, more);
	return state_done(&rows);
}

void warnings_free(struct warnings *w)
{
	free(w->at);
	arena_free(&w->arena);
}
