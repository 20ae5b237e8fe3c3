/*
 * One connection at a time for a state, one lock around it; the rest is the engine's (engine.h), which runs
 * statements of its own with this, too.
 */
#include "state/engine.h"
#include "conf/conf.h"
#include "value/when.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

bool state_cannot(struct state_failure *why, int status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(why->why, sizeof why->why, format, args);
	va_end(args);
	why->status = status;
	return false;
}

bool state_newer(struct state *s, struct state_failure *why, int found)
{
	return state_cannot(why, EX_DATAERR,
		"the %s %s is of version %d; this program knows up to %d: use the newer pnow", s->engine->noun,
		s->path, found, STATE_VERSION);
}

bool state_has_original(const struct state *s)
{
	return s->has_original;
}

bool state_is_far(const struct state *s)
{
	return conf_is_database(s->path);
}

void state_leave_log(struct state *s)
{
	if (s->engine->leave_log)
		s->engine->leave_log(s);
}

void state_write_much(struct state *s)
{
	if (s->engine->write_much)
		s->engine->write_much(s);
}

void state_close(struct state *s)
{
	if (!s)
		return;
	s->engine->close(s);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* --- Statements --- */

bool state_failed(struct state *s)
{
	trouble_is(&s->trouble, "%s %s: %s", s->engine->noun, s->path, s->engine->problem(s));
	return true;
}

static struct state_rows start(struct state *s, const char *sql, const struct state_value *values, size_t n)
{
	pthread_mutex_lock(&s->lock);
	struct state_rows rows = {.state = s, .statement = s->engine->start(s, sql, values, n)};
	rows.failed = !rows.statement && state_failed(s);
	return rows;
}

static struct state_rows query(struct state *s, const char *sql, const char *types, va_list args)
{
	struct state_value values[STATE_VALUES];
	size_t n = 0;
	for (; *types && n < STATE_VALUES; types++, n++)
		if (*types == 'i')
			values[n] = (struct state_value){VALUE_NUMBER, NULL, va_arg(args, int64_t)};
		else
			values[n] = (struct state_value){VALUE_TEXT, va_arg(args, const char *), 0};
	return start(s, sql, values, n);
}

struct state_rows state_query(struct state *s, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	struct state_rows rows = query(s, sql, types, args);
	va_end(args);
	return rows;
}

static void stop(struct state_rows *rows)
{
	if (rows->statement)
		rows->state->engine->stop(rows->state, rows->statement);
	rows->statement = NULL;
}

bool state_next(struct state_rows *rows)
{
	struct state *s = rows->state;
	enum state_result step = rows->statement ? s->engine->step(s, rows->statement) : STATE_NONE;
	if (step == STATE_ROW)
		return true;
	if (step == STATE_FAILED)
		rows->failed = state_failed(s);
	stop(rows);
	return false;
}

const char *state_text(const struct state_rows *rows, int column)
{
	return rows->state->engine->text(rows->statement, column);
}

const char *state_copy(const struct state_rows *rows, struct arena *a, int column)
{
	const char *text = state_text(rows, column);
	return text ? arena_copy(a, str_of(text)) : NULL;
}

bool state_done(struct state_rows *rows)
{
	stop(rows);
	pthread_mutex_unlock(&rows->state->lock);
	return !rows->failed;
}

int64_t state_number(const char *text)
{
	return str_number(text);
}

/* Ends a query of which only the first row is of interest. A statement that gave a row may do its work in
   the step after it (RETURNING), and fail there. */
static enum state_result end(struct state_rows *rows, enum state_result result)
{
	while (state_next(rows))
		continue;
	return state_done(rows) ? result : STATE_FAILED;
}

bool state_do(struct state *s, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	struct state_rows rows = query(s, sql, types, args);
	va_end(args);
	return end(&rows, STATE_NONE) != STATE_FAILED;
}

size_t state_parameters(const char *sql)
{
	size_t n = 0;
	for (const char *c = sql; (c = strchr(c, '?')); c++) {
		size_t i = (size_t)str_number(c + 1); /* a '?' alone is the next one */
		n = i > n ? i : i ? n : n + 1;
	}
	return n;
}

bool state_do_texts(struct state *s, const char *sql, const char *const *texts)
{
	struct state_value values[STATE_VALUES];
	size_t n = state_parameters(sql);
	for (size_t i = 0; i < n; i++)
		values[i] = (struct state_value){VALUE_UNTYPED, texts[i], 0};
	struct state_rows rows = start(s, sql, values, n);
	return end(&rows, STATE_NONE) != STATE_FAILED;
}

/* Whether commits wait for the disk, from now on. Within a transaction nothing changes: its commit does as it
   began. */
static void set_unflushed(struct state *s, bool unflushed)
{
	if (!s->transaction)
		s->unflushed = unflushed;
}

bool state_do_unflushed(struct state *s, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	pthread_mutex_lock(&s->lock);
	set_unflushed(s, true);
	struct state_rows rows = query(s, sql, types, args);
	va_end(args);
	bool done = end(&rows, STATE_NONE) != STATE_FAILED;
	set_unflushed(s, false);
	pthread_mutex_unlock(&s->lock);
	return done;
}

int64_t state_changed(struct state *s)
{
	return s->engine->changed(s);
}

enum state_result state_run(
	struct state *s, struct arena *a, const char **columns, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	struct state_rows rows = query(s, sql, types, args);
	va_end(args);
	if (!state_next(&rows))
		return end(&rows, STATE_NONE);
	for (int i = 0; i < s->engine->columns(rows.statement); i++)
		columns[i] = state_copy(&rows, a, i);
	return end(&rows, STATE_ROW);
}

enum state_result state_int(struct state *s, int64_t *n, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	struct state_rows rows = query(s, sql, types, args);
	va_end(args);
	if (!state_next(&rows))
		return end(&rows, STATE_NONE);
	const char *text = state_text(&rows, 0);
	if (text)
		*n = state_number(text);
	return end(&rows, STATE_ROW);
}

/* --- Transactions --- */

static bool begin(struct state *s, enum transaction transaction, bool unflushed)
{
	pthread_mutex_lock(&s->lock);
	set_unflushed(s, unflushed);
	s->transaction = transaction;
	if (s->engine->begin(s)) {
		s->since = when_now_ms();
		return true;
	}
	s->transaction = TRANSACTION_NONE;
	set_unflushed(s, false);
	pthread_mutex_unlock(&s->lock);
	return false;
}

bool state_begin(struct state *s)
{
	return begin(s, TRANSACTION_WRITES, false);
}

bool state_begin_unflushed(struct state *s)
{
	return begin(s, TRANSACTION_WRITES, true);
}

bool state_begin_reading(struct state *s)
{
	return begin(s, TRANSACTION_READS, false);
}

bool state_end(struct state *s, bool commit)
{
	bool whole = commit;
	for (size_t i = 0; whole && i < s->works_n; i++)
		whole = s->works[i].call(s, s->works[i].context);
	bool ended = s->engine->end(s, whole) && whole;
	if (ended)
		trouble_over(&s->trouble, "%s %s: works again", s->engine->noun, s->path);
	s->transaction = TRANSACTION_NONE;
	set_unflushed(s, false);
	s->wakes = false;
	while (s->works_n)
		free(s->works[--s->works_n].context);
	pthread_mutex_unlock(&s->lock);
	return ended;
}

void *state_before_end(struct state *s, bool (*work)(struct state *s, void *context), size_t n)
{
	size_t i = 0;
	while (i < s->works_n && s->works[i].call != work)
		i++;
	if (i == s->works_n)
		s->works[s->works_n++] = (struct state_work){work, allocated(calloc(1, n))};
	return s->works[i].context;
}

void state_wake(struct state *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->transaction)
		s->wakes = true;
	else
		s->engine->wake(s);
	pthread_mutex_unlock(&s->lock);
}

bool state_is_awaited(struct state *s)
{
	return s->engine->is_awaited(s);
}

void state_let_others(struct state *s)
{
	pthread_mutex_lock(&s->lock);
	int64_t ms = s->engine->leave_to_others ? s->engine->leave_to_others(s) : 0;
	s->since = when_now_ms() + ms;
	pthread_mutex_unlock(&s->lock);
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* --- What only some engines need --- */

int64_t state_version(struct state *s)
{
	return s->engine->version ? s->engine->version(s) : -1;
}

int state_schema(struct state *s)
{
	return s->engine->schema(s);
}

bool state_scrub(struct state *s)
{
	pthread_mutex_lock(&s->lock);
	bool done = s->engine->scrub(s);
	pthread_mutex_unlock(&s->lock);
	return done;
}

bool state_give_back(struct state *s)
{
	return s->engine->give_back(s);
}

/* A file shows at a commit what hinders it. A database does so at once, where whoever may only add rows can
   take none away. */
bool state_can_write(struct state *s)
{
	if (!state_begin(s))
		return false;
	bool done = state_do(s, "INSERT INTO quota(api,day,used) VALUES('','',0)", "") && state_changed(s) == 1;
	if (state_is_far(s)) {
		state_end(s, false);
		return done;
	}
	done = done && state_do(s, "DELETE FROM quota WHERE api=''", "");
	return state_end(s, done) && done;
}

const char *state_trouble(const struct state *s)
{
	return s->trouble.said;
}

bool state_has_moved(struct state *s)
{
	pthread_mutex_lock(&s->lock);
	bool moved = s->engine->has_moved && s->engine->has_moved(s);
	pthread_mutex_unlock(&s->lock);
	return moved;
}
