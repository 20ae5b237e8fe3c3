/* A result is read once, when it is written down: a row for each hour, and what was told in it. */
#include "state/told.h"
#include "text/buf.h"
#include "text/jtext.h"
#include "value/when.h"

#include <stdlib.h>

enum { HOUR_MS = 3600000, HOURS = 24, CAUSE_MAX = 120 };

const char *told_failure(struct arena *a, struct str result)
{
	struct str error = jtext_get(result, "error");
	const char *stage = jtext_string(a, jtext_get(error, "stage"));
	const char *code = jtext_string(a, jtext_get(error, "code"));
	return arena_printf(a, "%s: %s", stage ? stage : "the pipeline", code ? code : "failed");
}

const char *told_cause(struct arena *a, struct str result)
{
	if (jtext_get(result, "error").p)
		return told_failure(a, result);
	const char *reason = jtext_string(a, jtext_get(result, "reason"));
	if (!reason)
		return "";
	size_t n = strnlen(reason, CAUSE_MAX);
	while (n && (reason[n] & 0xc0) == 0x80) /* within a character */
		n--;
	return arena_copy(a, (struct str){reason, n});
}

const char *told_kind(struct arena *a, const char *warning)
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

static void add(struct told_tally *tally, const char *what, const char *cause)
{
	size_t i = 0;
	while (i < tally->n && (strcmp(tally->at[i].what, what) != 0 || strcmp(tally->at[i].cause, cause) != 0))
		i++;
	if (i == tally->n) {
		tally->at = allocated(reallocarray(tally->at, ++tally->n, sizeof *tally->at));
		tally->at[i] = (struct told){
			arena_copy(&tally->arena, str_of(what)), arena_copy(&tally->arena, str_of(cause)), 0};
	}
	tally->at[i].n++;
}

void told_add(struct told_tally *tally, const char *outcome, struct str result)
{
	struct arena a = {0};
	add(tally, outcome, told_cause(&a, result));
	for (struct str next = {0}, all = jtext_get(result, "warnings"); jtext_next(all, &next);) {
		const char *warning = jtext_string(&a, next);
		if (warning)
			add(tally, "warning", told_kind(&a, warning));
	}
	arena_free(&a);
}

/* state_before_end: drops what is too old, by an hour. */
static bool drop(struct state *s, void *before)
{
	return state_do(s, "DELETE FROM told WHERE hour<?", "i", *(int64_t *)before);
}

bool told_count(struct state *s, int64_t at, struct told_tally *tally)
{
	int64_t hour = at / HOUR_MS;
	bool done = true;
	for (size_t i = 0; done && i < tally->n; i++)
		done = state_do(s,
			"INSERT INTO told(hour,what,cause,n) VALUES(?,?,?,?)"
			"  ON CONFLICT(hour,what,cause) DO UPDATE SET n=told.n+excluded.n",
			"itti", hour, tally->at[i].what, tally->at[i].cause, tally->at[i].n);
	*(int64_t *)state_before_end(s, drop, sizeof hour) = hour - HOURS;
	arena_free(&tally->arena);
	free(tally->at);
	*tally = (struct told_tally){0};
	return done;
}

bool told_count_all(struct state *s)
{
	int64_t at, first = (when_now_ms() / HOUR_MS - HOURS) * HOUR_MS;
	bool done = state_do(s, "DELETE FROM told", "");
	struct state_rows rows = state_query(s,
		"SELECT at, status, result FROM attempt WHERE status NOT IN ('retried','dropped') ORDER BY seq DESC",
		"");
	while (done && state_next(&rows) && (at = state_number(state_text(&rows, 0))) >= first) {
		struct told_tally tally = {0};
		told_add(&tally, state_text(&rows, 1), str_of(state_text(&rows, 2)));
		done = told_count(s, at, &tally);
	}
	return state_done(&rows) && done;
}

#define LATELY(which)                                                                                        \
	"SELECT what, cause, sum(n) FROM told WHERE hour>=? AND " which                                          \
	"  GROUP BY what, cause ORDER BY 3 DESC, what, cause"

struct state_rows told_answers(struct state *s)
{
	return state_query(s, LATELY("what<>'warning'"), "i", when_now_ms() / HOUR_MS - HOURS);
}

struct state_rows told_warnings(struct state *s)
{
	return state_query(s, LATELY("what='warning'"), "i", when_now_ms() / HOUR_MS - HOURS);
}

bool told_next(struct state_rows *rows, struct told *told)
{
	if (!state_next(rows))
		return false;
	*told = (struct told){state_text(rows, 0), state_text(rows, 1), state_number(state_text(rows, 2))};
	return true;
}
