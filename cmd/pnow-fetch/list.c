/*
 * A list, page by page: what a page holds goes out, or into the inbox, then the bookmark moves behind it. So
 * a walk that is broken off anywhere goes on with the page that it had in hand. With -i both are one
 * transaction. A page is all that is in memory.
 */
#include "pnow-fetch.h"
#include "state/bookmark.h"
#include "state/locks.h"
#include "stream/record.h"
#include "text/buf.h"
#include "value/when.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

/* How much earlier than the last walk began the next one looks: clocks differ, and what changes is not at
   once in a list. What comes twice by it is known. */
enum { OVERLAP_MS = 5 * 60 * 1000 };

struct walk {
	struct fetch *fetch;
	struct patientnow_list list;
	const char *name; /* of the bookmark */
	struct bookmark at;
	const char *until;           /* RFC 3339, or NULL */
	int64_t since_ms, until_ms;  /* since and until in milliseconds */
	struct arena arena;          /* of the walk; each page has one of its own */
	size_t entries, new, errors; /* so far; new: for the inbox */
	bool resumed;                /* at a cursor of long ago */
	bool lines;                  /* the terminal has a line of progress */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

void fetch_arrange_signals(void)
{
	struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESTART};
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

bool fetch_stopped(void)
{
	return stopped;
}

int fetch_status(const struct patientnow_answer *failure)
{
	bool later = strcmp(failure->code, "quota_exhausted") == 0 || strcmp(failure->code, "state") == 0;
	return later ? EX_TEMPFAIL : EX_UNAVAILABLE;
}

/* The moment that -s or -u means. */
static int64_t moment_of(const struct fetch *f, char letter, const char *text)
{
	int64_t ms;
	char time[WHEN_TEXT];
	if (when_age(text, &ms))
		return when_now_ms() - ms;
	if (!when_time(str_of(text), f->profile->day_first, time) || !when_moment(str_of(time), &ms))
		errx(EX_USAGE,
			"-%c %s: expected a time such as 2026-11-22T15:00:00Z, a date such as 2026-11-22, or an age such "
			"as 2d",
			letter, text);
	return ms;
}

static const char *time_text(struct arena *a, int64_t ms)
{
	char *text = arena_alloc(a, WHEN_TEXT);
	when_utc(ms, text);
	return text;
}

/* Whether an entry is outside of the time span, where the API has no parameter for that. */
static bool is_outside(const struct walk *w, struct arena *a, struct str entry)
{
	const struct profile_paging *paging = &w->fetch->profile->paging;
	bool since = !paging->since, until = w->until && !paging->until;
	const char *changed = since || until ? record_changed(w->fetch, a, entry) : NULL;
	int64_t ms;
	if (!changed || !when_moment(str_of(changed), &ms))
		return false;
	return (since && ms < w->since_ms) || (until && ms >= w->until_ms);
}

/* An entry that makes no record or event, as an error. */
static void write_error(struct walk *w, struct buf *out, struct str entry, const char *problem)
{
	buf_puts(out, "{\"error\":{");
	buf_member(out, "stage", getprogname());
	buf_member(out, "code", "bad_answer");
	buf_member(out, "message", problem);
	buf_puts(out, ",\"retry\":false},\"raw\":");
	if (entry.n < RECORD_MAX / 8) /* as text it may be six times as long */
		buf_json(out, entry);
	else
		buf_puts(out, "null");
	buf_puts(out, "}\n");
	w->errors++;
}

bool fetch_store(const struct fetch *f, struct arena *a, struct inbox_event *event, size_t *new)
{
	const char *id;
	inbox_describe(a, f->profile, event);
	enum inbox_added added = inbox_add(f->state, a, event, &id);
	*new += added == INBOX_STORED;
	return added != INBOX_FAILED;
}

/* What becomes of one entry. */
static bool take_entry(struct walk *w, struct arena *a, struct str entry, int64_t asked, struct buf *out)
{
	struct inbox_event event;
	const char *problem = NULL;
	size_t start = out->n;
	if (w->fetch->event) {
		if (!event_make(w->fetch, a, entry, asked, &event, &problem))
			write_error(w, out, entry, problem);
		else if (w->fetch->inbox)
			return fetch_store(w->fetch, a, &event, &w->new);
		else
			buf_add(out, event.line);
	} else if (jtext_type(entry) == JTEXT_OBJECT) {
		buf_dense(out, entry);
		if (out->n - start > RECORD_MAX) {
			out->n = start;
			write_error(w, out, entry, "an entry is over 1 MiB");
		}
	} else {
		write_error(w, out, entry, "an entry is no object");
	}
	if (out->n > start && out->p[out->n - 1] != '\n')
		buf_putc(out, '\n');
	return true;
}

void fetch_write(struct str bytes)
{
	while (bytes.n) {
		ssize_t n = write(STDOUT_FILENO, bytes.p, bytes.n);
		if (n < 0 && errno != EINTR)
			err(EX_CANTCREAT, "cannot write standard output");
		if (n > 0)
			bytes = (struct str){bytes.p + n, bytes.n - (size_t)n};
	}
}

/* Takes a page and moves the bookmark behind it; false where the state file cannot be written. */
static bool take_page(struct walk *w, struct arena *a, const struct patientnow_page *page, int64_t asked)
{
	struct fetch *f = w->fetch;
	struct buf out = {0};
	bool done = !f->inbox || state_begin(f->state);
	if (!done)
		return false;
	for (struct str at = {0}; done && jtext_next(page->rows, &at);) {
		if (is_outside(w, a, at))
			continue;
		w->entries++;
		done = take_entry(w, a, at, asked, &out);
	}
	fetch_write(buf_str(&out));
	buf_free(&out);
	int64_t began = 0;
	w->at.page++;
	w->at.cursor = *w->list.cursor.at ? w->list.cursor.at : NULL;
	if (page->last && when_moment(str_of(w->at.began), &began))
		w->at = (struct bookmark){.since = time_text(&w->arena, began - OVERLAP_MS)};
	if (f->bookmark)
		done = done && bookmark_set(f->state, w->name, &w->at);
	return f->inbox ? state_end(f->state, done) && done : done;
}

static void show_progress(struct walk *w, int64_t page, const struct patientnow_page *got)
{
	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r%s: page %lld", w->fetch->list, (long long)page);
	if (got->pages > 0)
		fprintf(stderr, " of %lld", (long long)got->pages);
	fprintf(stderr, ", %zu entries", w->entries);
	w->lines = true;
}

/* Says what has come of it. */
static int end_walk(struct walk *w, int status)
{
	if (w->lines)
		fputc('\n', stderr);
	if (w->fetch->options.verbose && w->fetch->inbox)
		warnx("%zu entries, %zu with an error, %zu new in the inbox", w->entries, w->errors, w->new);
	else if (w->fetch->options.verbose)
		warnx("%zu entries, %zu with an error", w->entries, w->errors);
	return status ? status : w->errors > 0;
}

/* A walk that is under way may have broken off in the middle of a line: an empty one ends it. A new one is
   written down before its first page. */
static void begin_walk(struct walk *w)
{
	struct fetch *f = w->fetch;
	if (w->at.page > 0) {
		if (!f->inbox)
			fetch_write(STR("\n"));
		return;
	}
	w->at.page = 1;
	w->at.began = time_text(&w->arena, when_now_ms());
	if (f->bookmark && !bookmark_set(f->state, w->name, &w->at))
		exit(EX_CANTCREAT);
}

/* Whether a page was refused because the cursor of a walk that was broken off is not known any more; then the
   walk begins anew: what comes twice by it is known. */
static bool is_forgotten(struct walk *w, const struct patientnow_page *page)
{
	const char *code = page->failure.code;
	if (page->rows.p || !w->resumed || (strcmp(code, "rejected") != 0 && strcmp(code, "not_found") != 0))
		return false;
	warnx("%s; where the walk stood is not known there any more: it begins anew", page->failure.message);
	w->at.page = 1;
	*w->list.cursor.at = '\0';
	return true;
}

/* From page to page. */
static int walk_pages(struct walk *w)
{
	struct arena a = {0};
	int status = EX_OK;
	fetch_arrange_signals();
	begin_walk(w);
	for (bool last = false; !last && status == EX_OK;) {
		int64_t number = w->at.page, asked = when_now_ms();
		struct patientnow_page page = patientnow_list(w->fetch->api, &a, &w->list, number);
		if (is_forgotten(w, &page)) {
			page.last = false;
		} else if (!page.rows.p) {
			warnx("%s", page.failure.message);
			status = fetch_status(&page.failure);
		} else if (!take_page(w, &a, &page, asked)) {
			status = EX_CANTCREAT;
		} else {
			show_progress(w, number, &page);
		}
		w->resumed = false;
		last = page.last;
		if (fetch_stopped() && !last && status == EX_OK)
			status = EX_TEMPFAIL;
		arena_reset(&a);
	}
	arena_free(&a);
	return end_walk(w, status);
}

/* Where the walk begins: at the bookmark, else at -s. */
static void find_start(struct walk *w)
{
	struct fetch *f = w->fetch;
	if (f->bookmark && f->state && !bookmark_get(f->state, &w->arena, w->name, &w->at))
		exit(EX_CANTCREAT);
	if (!w->at.since && !f->since)
		errx(EX_USAGE, f->bookmark
						   ? "there is no bookmark yet: -s SINCE says where the first walk is to begin"
						   : "-l needs -s SINCE");
	if (!w->at.since)
		w->at.since = time_text(&w->arena, moment_of(f, 's', f->since));
	when_moment(str_of(w->at.since), &w->since_ms);
	if (f->until) {
		w->until_ms = moment_of(f, 'u', f->until);
		w->until = time_text(&w->arena, w->until_ms);
		if (w->until_ms <= w->since_ms)
			errx(EX_USAGE, "-u %s: expected a time after -s %s", f->until, f->since);
	}
}

/* With -n: the first request. */
static int show(const struct walk *w)
{
	struct arena a = {0};
	int64_t page = w->at.page ? w->at.page : 1;
	struct buf out = {0};
	buf_putc(&out, '{');
	buf_member(&out, "method", "GET");
	buf_member(
		&out, "path", arena_printf(&a, "/%s", patientnow_list_path(w->fetch->profile, &a, &w->list, page)));
	buf_puts(&out, "}\n");
	fetch_write(buf_str(&out));
	buf_free(&out);
	arena_free(&a);
	return EX_OK;
}

/* One walk at a time moves a bookmark. */
static struct locks *lock(const struct walk *w)
{
	struct fetch *f = w->fetch;
	if (!f->bookmark || !f->state)
		return NULL;
	struct locks *locks = locks_open(f->conf->state);
	if (lock_is_held(locks, LOCK_RUN, w->name))
		errx(EX_TEMPFAIL, "another pnow-fetch is on its way with this bookmark");
	lock_take(locks, LOCK_RUN, w->name);
	return locks;
}

int fetch_list(struct fetch *f)
{
	const struct profile_kind *kind = &f->profile->kinds[f->kind];
	struct walk w = {.fetch = f};
	if (!kind->list)
		errx(EX_CONFIG, "the profile %s has no %s.list: this EMR has no list of them",
			f->conf->patientnow.profile, f->list);
	w.name = arena_printf(&w.arena, "fetch %s%s%s%s", f->list, f->event ? " " : "", f->event ? f->event : "",
		f->inbox ? " inbox" : "");
	struct locks *locks = lock(&w);
	find_start(&w);
	w.list = (struct patientnow_list){
		.path = kind->list, .rows = &kind->rows, .since = w.at.since, .until = w.until};
	w.resumed = w.at.cursor && strlcpy(w.list.cursor.at, w.at.cursor, sizeof w.list.cursor.at) > 0;
	int status = f->api ? walk_pages(&w) : show(&w);
	if (locks)
		lock_free(locks, LOCK_RUN, w.name);
	locks_close(locks);
	arena_free(&w.arena);
	return status;
}

/* A type as categorize reads it. */
static void write_type(const char *name, void *context)
{
	struct buf *out = context;
	buf_puts(out, "{\"appointment\":{");
	buf_member(out, "type", name);
	buf_puts(out, "}}\n");
}

int fetch_types(struct fetch *f)
{
	const struct profile_types *types = &f->profile->appointment_types;
	struct arena a = {0};
	struct buf out = {0};
	if (!types->list || !types->name.n)
		errx(EX_CONFIG, "the profile %s has no appointment_types: this EMR has no list of them",
			f->conf->patientnow.profile);
	if (!f->api)
		return show(&(struct walk){.fetch = f, .list = {.path = types->list, .rows = &types->rows}});
	struct patientnow_answer answer = patientnow_appointment_types(f->api, &a, write_type, &out);
	if (answer.code)
		errx(fetch_status(&answer), "%s", answer.message);
	fetch_write(buf_str(&out));
	buf_free(&out);
	arena_free(&a);
	return EX_OK;
}
