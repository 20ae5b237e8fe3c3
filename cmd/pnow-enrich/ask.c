/*
 * A list of what has changed costs a call, as one resource does, and brings up to a hundred. So for a
 * resource that has just changed the list is asked for, and what it holds is kept: other events that wait
 * find theirs there (gather.c). One thread asks for a list of a kind, in all processes; the others wait for
 * it. Where lists are of no use (the EMR has none, or a poor one) each resource is asked for alone.
 *
 * The day's calls are to last: pace.c says who waits for that, and how long. Events of long ago are being run
 * again by somebody, and are not held up.
 */
#include "ask.h"
#include "pace.h"
#include "state/cache.h"
#include "state/locks.h"
#include "stream/record.h"
#include "value/when.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum {
	LIVE_MS = 60 * 60000,   /* an event is of now for so long */
	EARLIER_MS = 5 * 60000, /* a list goes back to so long before the event: clocks differ */
	PAGES = 10,             /* of a list: so many at most */
	ALONE = 8,              /* of old resources so many are asked for alone before a list is */
	USELESS_MS = 60 * 60000,
	DOWN_MS = 2 * 60000,
};

struct ask {
	const struct conf *conf;
	const struct profile *profile;
	struct state *state;
	struct patientnow *api;
	struct locks *locks;
	struct pace *pace;
	struct gather *gather;
	atomic_uint old[EVENT_KINDS]; /* resources asked for alone since then */
};

struct ask *ask_open(const struct conf *conf, const struct profile *profile, struct state *state,
	const struct options *options)
{
	struct ask *k = allocated(calloc(1, sizeof *k));
	*k = (struct ask){.conf = conf,
		.profile = profile,
		.state = state,
		.api = patientnow_open(conf, profile, state, options),
		.pace = pace_open(conf, state),
		.locks = locks_open(conf->state)};
	k->gather = gather_open(k->pace);
	return k;
}

void ask_close(struct ask *k)
{
	if (!k)
		return;
	patientnow_close(k->api);
	gather_close(k->gather);
	pace_close(k->pace);
	locks_close(k->locks);
	free(k);
}

static const char *alone_in_cache(struct ask *k, struct arena *a, const struct want *w)
{
	return cache_get(k->state, a, event_kind_name(w->kind), w->id, CACHE_ALONE, w->not_before);
}

struct patientnow_answer ask_kept(struct ask *k, struct arena *a, struct want *w)
{
	const char *body = alone_in_cache(k, a, w);
	if (!body)
		body = cache_get(k->state, a, event_kind_name(w->kind), w->id, CACHE_LIST, w->not_before);
	return (struct patientnow_answer){.body = {body, body ? strlen(body) : 0}};
}

static void pause_ms(int64_t ms)
{
	struct timespec left = {ms / 1000, ms % 1000 * 1000000};
	record_waits();
	while (ms > 0 && nanosleep(&left, &left) < 0)
		continue;
	record_goes_on();
}

/* Whether the event is of now: nobody runs it again. */
static bool is_live(const struct want *w)
{
	return when_now_ms() - w->happened < LIVE_MS;
}

/* Waits for this call's turn; false where that would be long: *answer says so. */
static bool take_turn(struct ask *k, struct arena *a, struct want *w, struct patientnow_answer *answer)
{
	int64_t wait = 0;
	if (!is_live(w) || patientnow_is_paused(k->api) || pace_turn(k->pace, &wait)) {
		pause_ms(wait);
		w->spread += wait;
		return true;
	}
	*answer = (struct patientnow_answer){.code = wait ? "paced" : "state", .retry = true};
	if (!wait) {
		answer->message =
			arena_printf(a, "%s %s: the state cannot be written", event_kind_name(w->kind), w->id);
		return false;
	}
	answer->retry_after = wait / 1000 + 1;
	answer->message = arena_printf(a,
		"%s %s: today's calls to PatientNow are too few, and are spread over the day (UTC); if your plan has "
		"more, raise patientnow.daily_limit",
		event_kind_name(w->kind), w->id);
	return false;
}

static void mark_useless(struct ask *k, enum event_kind kind, int64_t ms)
{
	cache_list_useless(k->state, event_kind_name(kind), when_now_ms() + ms);
}

/* Keeps what a page holds. */
static void keep(struct ask *k, struct arena *a, enum event_kind kind, struct str rows, int64_t asked)
{
	const struct profile_pointers *id = profile_field(&k->profile->kinds[kind].fields, "id");
	bool open = state_begin_unflushed(k->state);
	for (struct str at = {0}; jtext_next(rows, &at);) {
		const char *text = jtext_type(at) == JTEXT_OBJECT ? profile_text(id, a, at) : NULL;
		if (text)
			cache_put(k->state, event_kind_name(kind), text, CACHE_LIST, asked, arena_copy(a, at));
	}
	if (open)
		state_end(k->state, true);
}

/* Goes through the list of what has changed since shortly before the first event that waits for it, page by
   page. A failure is told where asking for the resource alone would come to the same. */
static struct patientnow_answer walk(struct ask *k, struct arena *a, struct want *w, int64_t first)
{
	const struct profile_kind *kind = &k->profile->kinds[w->kind];
	char since[WHEN_TEXT];
	struct patientnow_list list = {.path = kind->list, .rows = &kind->rows, .since = since};
	struct patientnow_answer sum = {0}, refusal;
	struct patientnow_page page = {0};
	when_utc(first - EARLIER_MS, since);
	for (int64_t number = 1; number <= PAGES && !page.last; number++) {
		if (!take_turn(k, a, w, &refusal))
			return number > 1 ? sum : refusal;
		int64_t asked = when_now_ms();
		page = patientnow_list(k->api, a, &list, number);
		sum.calls += page.calls;
		if (page.rows.p) {
			keep(k, a, w->kind, page.rows, asked);
			page.last |= page.pages > PAGES && !is_live(w);
			continue;
		}
		bool down = strcmp(page.failure.code, "unavailable") == 0;
		bool spent = page.failure.retry_after || strcmp(page.failure.code, "quota_exhausted") == 0 ||
					 strcmp(page.failure.code, "state") == 0;
		if (!spent)
			mark_useless(k, w->kind, down ? DOWN_MS : USELESS_MS);
		if (down || spent) {
			page.failure.calls = sum.calls;
			return page.failure;
		}
		break;
	}
	/* Also where it has more pages: asked for again and again, it would cost more than it brings. */
	w->listed = true;
	return sum;
}

/* Asks for the list of what has changed since then, unless another process has just had it. */
static struct patientnow_answer ask_for_list(struct ask *k, struct arena *a, struct want *w, int64_t since)
{
	lock_take(k->locks, LOCK_LIST, event_kind_name(w->kind));
	struct patientnow_answer answer = ask_kept(k, a, w);
	if (!answer.body.p && !cache_list_is_useless(k->state, event_kind_name(w->kind))) {
		answer = walk(k, a, w, since);
		k->old[w->kind] = 0;
	}
	lock_free(k->locks, LOCK_LIST, event_kind_name(w->kind));
	return answer;
}

/* Has what a list of many brings, or asks for it. */
static struct patientnow_answer share_list(struct ask *k, struct arena *a, struct want *w)
{
	struct gathering *g = &w->gathering;
	g->since = w->happened;
	for (;;) {
		struct patientnow_answer answer = {0};
		enum gather_turn turn = gather_wait(k->gather, w->kind, g);
		if (turn == GATHER_ASK) {
			answer = ask_for_list(k, a, w, g->since);
			gather_asked(k->gather, w->kind);
		}
		if (turn != GATHER_LOOK || ask_kept(k, a, w).body.p)
			return answer;
	}
}

struct patientnow_answer ask_list(struct ask *k, struct arena *a, struct want *w)
{
	struct patientnow_answer answer = {0};
	if (!w->changed || !k->profile->kinds[w->kind].list || !k->profile->paging.since ||
		alone_in_cache(k, a, w) || cache_list_is_useless(k->state, event_kind_name(w->kind)))
		return answer;
	if (!is_live(w) && k->old[w->kind]++ < ALONE)
		return answer;
	pace_count(k->pace, (int)w->kind);
	w->counted = true;
	if (!is_live(w))
		answer = ask_for_list(k, a, w, w->happened);
	else
		answer = share_list(k, a, w);
	if (!answer.code)
		answer.body = ask_kept(k, a, w).body;
	return answer;
}

struct patientnow_answer ask_alone(struct ask *k, struct arena *a, struct want *w)
{
	struct patientnow_answer answer;
	bool kept = alone_in_cache(k, a, w);
	if (!kept && !w->counted)
		pace_count(k->pace, LOOKUP_ALONE);
	if (!kept && !take_turn(k, a, w, &answer))
		return answer;
	answer = patientnow_get(k->api, a, w->kind, w->id, w->not_before);
	if (answer.body.p && w->listed && is_live(w)) /* the list should have told it */
		mark_useless(k, w->kind, USELESS_MS);
	return answer;
}

void ask_ended(struct ask *k)
{
	gather_ended(k->gather);
}

void ask_changed(struct ask *k, enum event_kind kind, const char *id, int64_t before)
{
	cache_drop(k->state, event_kind_name(kind), id, before);
}
