/*
 * Calls to PatientNow are the scarcest thing there is (1,000 a day), so each goes through here: the cache is
 * asked first, the quota is counted before a request is made, and given back where nothing could be
 * sent, and what was fetched is kept.
 */
#include "net/patientnow.h"
#include "conf/secret.h"
#include "net/http.h"
#include "state/cache.h"
#include "state/outage.h"
#include "state/quota.h"
#include "stream/record.h"
#include "text/form.h"
#include "text/waits.h"
#include "value/digest.h"
#include "value/when.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	ENTRIES_MAX = 1000000000, /* of a list; what is said to be more is not believed */
	PAGES_MAX = 1000000,      /* of a walk by cursors */
};

struct patientnow {
	const struct conf *conf;
	const struct profile *profile;
	struct state *state;
	struct cache_expiry *expiry;
	struct http *http;
	struct secret *secret; /* token or password; NULL: the key is all */
	struct secret *apikey; /* of the gateway; NULL: there is none */
	struct outage *outage;
	_Atomic int64_t paused_until; /* by the monotonic clock: it has asked not to be asked before */
	pthread_mutex_t lock;         /* of what follows */
	pthread_cond_t freed;
	unsigned places; /* for requests that may be made */
	struct arena arena;
};

/* What tells PatientNow who asks. */
struct pass {
	const char *secret, *apikey; /* as their files have them; NULL: there is none */
	const char *headers[4];
	const char *query; /* practice id and gateway key, encoded: a=b&c=d; "" */
};

/* The calls of a day that this command may see used up. */
static int64_t limit_of(const struct conf *conf)
{
	return conf->patientnow.daily_limit - (quota_is_for_people() ? 0 : conf->patientnow.reserve);
}

int64_t patientnow_calls_left(const struct conf *conf, struct state *state)
{
	return limit_of(conf) - quota_used(state, "patientnow");
}

static bool allow(void *context, const struct http_request *request)
{
	const struct patientnow *p = context;
	return quota_take(p->state, "patientnow", limit_of(p->conf), request->caller);
}

/* PatientNow has not counted what it never got. */
static void tried(void *context, const struct http_request *request, const struct http_answer *answer)
{
	const struct patientnow *p = context;
	if (answer->outcome == HTTP_UNSENT)
		quota_give(p->state, "patientnow", request->caller);
}

/* The calls that an answer took. */
static unsigned calls_of(const struct http_answer *answer)
{
	return answer->calls - answer->unsent;
}

static struct secret *open_secret(struct patientnow *p, const char *file, const char *key)
{
	return secret_open(&p->arena, file, SECRET_API, p->conf->file, key);
}

/* Reads the secrets, and sees that what goes with them is there. */
static void open_secrets(struct patientnow *p)
{
	const struct profile *profile = p->profile;
	const struct conf *c = p->conf;
	if (profile->authorization)
		p->secret = open_secret(p, c->patientnow.token_file, "patientnow.token_file");
	else if (c->patientnow.user || !profile->apikey_header) {
		conf_need(c, c->patientnow.user, "patientnow.user");
		p->secret = open_secret(p, c->patientnow.password_file, "patientnow.password_file");
	}
	if (profile->practice_header || profile->practice_query)
		conf_need(c, c->patientnow.practice_id, "patientnow.practice_id");
	if (profile->apikey_query || profile->apikey_header)
		p->apikey = open_secret(p, c->patientnow.apikey_file, "patientnow.apikey_file");
	const char *file = profile->authorization ? c->patientnow.token_file : c->patientnow.password_file;
	const char *what =
		!p->secret ? arena_printf(&p->arena, "key in %s", c->patientnow.apikey_file)
				   : arena_printf(&p->arena, "%s in %s", profile->authorization ? "token" : "password", file);
	if (p->secret && p->apikey)
		what = arena_printf(&p->arena, "%s, or the key in %s", what, c->patientnow.apikey_file);
	p->outage = outage_open(p->state, "PatientNow", what);
}

/* The Authorization header's value: the profile's, with the token in it, or HTTP Basic. */
static const char *authorization(const struct patientnow *p, struct arena *a, const char *secret)
{
	const char *scheme = p->profile->authorization;
	const char *at = scheme ? strstr(scheme, "{token}") : NULL;
	if (scheme)
		return at ? arena_printf(a, "%.*s%s%s", (int)(at - scheme), scheme, secret, at + strlen("{token}"))
				  : scheme;
	struct buf value = {0};
	buf_puts(&value, "Basic ");
	buf_base64(&value, str_of(arena_printf(a, "%s:%s", p->conf->patientnow.user, secret)));
	return buf_take(&value, a).p;
}

static const char *query_of(const struct patientnow *p, struct arena *a, const char *apikey)
{
	const struct profile *profile = p->profile;
	const char *query = "";
	if (profile->practice_query)
		query = arena_printf(
			a, "%s=%s", profile->practice_query, http_encode(a, p->conf->patientnow.practice_id));
	if (apikey && profile->apikey_query)
		query = arena_printf(
			a, "%s%s%s=%s", query, *query ? "&" : "", profile->apikey_query, http_encode(a, apikey));
	return query;
}

/* As the files have it now; refused: the one that was not accepted just now, or NULL. */
static struct pass pass_of(const struct patientnow *p, struct arena *a, const struct pass *refused)
{
	const struct profile *profile = p->profile;
	struct pass pass = {0};
	size_t n = 0;
	if (p->secret) {
		pass.secret = secret_now(p->secret, a, refused ? refused->secret : NULL).p;
		pass.headers[n++] = arena_printf(a, "Authorization: %s", authorization(p, a, pass.secret));
	}
	if (p->apikey)
		pass.apikey = secret_now(p->apikey, a, refused ? refused->apikey : NULL).p;
	if (profile->apikey_header)
		pass.headers[n++] = arena_printf(a, "%s: %s", profile->apikey_header, pass.apikey);
	if (profile->practice_header)
		pass.headers[n++] =
			arena_printf(a, "%s: %s", profile->practice_header, p->conf->patientnow.practice_id);
	pass.query = query_of(p, a, pass.apikey);
	return pass;
}

/* For how long an answer is kept: as long as it can save a call, even of an event that is tried for the last
 * time.
 */
static int64_t keep_ms(const struct conf *conf)
{
	int64_t seconds = conf->patientnow.cache_seconds + 86400;
	for (size_t i = 0; i < conf->retry_seconds_n; i++)
		seconds += conf->retry_seconds[i];
	return seconds * 1000;
}

struct patientnow *patientnow_open(const struct conf *conf, const struct profile *profile,
	struct state *state, const struct options *options)
{
	struct patientnow *p = allocated(calloc(1, sizeof *p));
	p->conf = conf;
	p->profile = profile;
	p->state = state;
	p->places = options->parallel ? options->parallel : 1;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->freed, NULL);
	if (profile->base_url)
		open_secrets(p);
	p->http = http_open(&(struct http_options){.timeout = options->seconds,
		.connections = options->parallel,
		.verbose = options->verbose,
		.allow = allow,
		.tried = tried,
		.context = p});
	if (state)
		p->expiry = cache_expiry_begin(state, keep_ms(conf));
	return p;
}

void patientnow_close(struct patientnow *p)
{
	if (!p)
		return;
	cache_expiry_end(p->expiry);
	http_close(p->http);
	outage_close(p->outage);
	secret_close(p->secret);
	secret_close(p->apikey);
	pthread_cond_destroy(&p->freed);
	pthread_mutex_destroy(&p->lock);
	arena_free(&p->arena);
	free(p);
}

const char *patientnow_path(
	const struct profile *profile, struct arena *a, enum event_kind kind, const char *id)
{
	const char *get = profile->kinds[kind].get, *at = strstr(get, "{id}");
	return arena_printf(a, "%.*s%s%s", (int)(at - get), get, http_encode(a, id), at + strlen("{id}"));
}

/* Waits until fewer requests are on their way than may be. */
static void take_place(struct patientnow *p)
{
	pthread_mutex_lock(&p->lock);
	while (!p->places)
		pthread_cond_wait(&p->freed, &p->lock);
	p->places--;
	pthread_mutex_unlock(&p->lock);
}

static void give_place(struct patientnow *p)
{
	pthread_mutex_lock(&p->lock);
	p->places++;
	pthread_cond_signal(&p->freed);
	pthread_mutex_unlock(&p->lock);
}

bool patientnow_is_paused(const struct patientnow *p)
{
	return p->paused_until > waits_now();
}

/* Makes a request, unless PatientNow has asked for a long pause: what would cost a call and bring a 429 is
   answered with 429 here. retry_after of a 429 is in how many seconds it may be asked again; 0: it has not
   asked for such a pause. */
static struct http_answer make_unless_paused(
	struct patientnow *p, struct arena *a, const struct http_request *request)
{
	struct http_answer answer = {.outcome = HTTP_ANSWERED, .status = 429};
	int64_t left = p->paused_until - waits_now();
	if (left > 0) {
		answer.retry_after = (long)((left - 1) / 1000 + 1);
		return answer;
	}
	answer = http_do(p->http, a, request);
	if (answer.outcome != HTTP_ANSWERED || answer.status != 429)
		return answer;
	answer.retry_after = http_pause(&answer);
	if (answer.retry_after)
		p->paused_until = waits_now() + answer.retry_after * 1000;
	return answer;
}

/* GET of a path, which may have a query; with a body, a POST that is not repeated. */
static struct http_answer make(
	struct patientnow *p, struct arena *a, const char *path, struct str body, const struct pass *pass)
{
	const char *base = p->conf->patientnow.base_url ? p->conf->patientnow.base_url : p->profile->base_url;
	const char *joint = !*pass->query ? "" : strchr(path, '?') ? "&" : "?";
	char day[WHEN_DATE] = ""; /* that its call was taken from */
	struct http_request request = {.method = body.p ? "POST" : "GET",
		.url = arena_printf(a, "%s/%s%s%s", base, path, joint, pass->query),
		.headers = pass->headers,
		.body = body,
		.repeatable = !body.p,
		.caller = day};
	record_waits();
	take_place(p);
	struct http_answer answer = make_unless_paused(p, a, &request);
	give_place(p);
	record_goes_on();
	return answer;
}

/* Of the secrets. */
static enum outage_verdict verdict(const struct http_answer *answer)
{
	return outage_verdict(answer->outcome == HTTP_ANSWERED ? answer->status : 0);
}

static bool is_refused(const struct http_answer *answer)
{
	return verdict(answer) == OUTAGE_REFUSED;
}

/* Makes it once more where the secrets are refused and their files have others: it had no effect then. */
static struct http_answer make_with_pass(
	struct patientnow *p, struct arena *a, const char *path, struct str body)
{
	struct pass pass = pass_of(p, a, NULL);
	struct http_answer answer = make(p, a, path, body, &pass);
	struct pass other = is_refused(&answer) ? pass_of(p, a, &pass) : pass;
	if (str_eq(str_of(other.secret), str_of(pass.secret)) &&
		str_eq(str_of(other.apikey), str_of(pass.apikey)))
		return answer;
	struct http_answer again = make(p, a, path, body, &other);
	if (!again.calls) /* it was not allowed */
		return answer;
	again.calls += answer.calls;
	again.unsent += answer.unsent;
	again.ms += answer.ms;
	return again;
}

/* What PatientNow is asked to see whether it takes the secrets. */
struct check {
	struct patientnow *p;
	unsigned calls; /* that it took */
};

static enum outage_verdict ask_check(void *context)
{
	struct check *check = context;
	struct arena a = {0};
	struct http_answer answer = make_with_pass(check->p, &a, check->p->profile->check, (struct str){0});
	check->calls += calls_of(&answer);
	enum outage_verdict told = verdict(&answer);
	arena_free(&a);
	return told;
}

/* A request; while the secrets are refused whatever they are used for, it is not made, and answered with 401
   and when to come again. */
static struct http_answer exchange(struct patientnow *p, struct arena *a, const char *path, struct str body)
{
	struct check check = {.p = p};
	struct pass pass = pass_of(p, a, NULL);
	const char *secret = pass.secret ? pass.secret : "", *apikey = pass.apikey ? pass.apikey : "";
	struct outage_try try = {.secret = arena_printf(a, "%s %s", secret, apikey),
		.ask = p->profile->check ? ask_check : NULL,
		.context = &check};
	bool stood = outage_stands(p->outage);
	int64_t wait = stood ? outage_wait(p->outage, &try) : 0;
	struct http_answer answer = {.outcome = HTTP_ANSWERED, .status = 401};
	if (!wait) {
		answer = make_with_pass(p, a, path, body);
		if (is_refused(&answer))
			wait = outage_refused(p->outage, &try);
		else if (stood && verdict(&answer) == OUTAGE_TAKEN)
			outage_over(p->outage);
	}
	if (is_refused(&answer))
		answer.retry_after = (long)wait;
	answer.calls += check.calls;
	return answer;
}

static struct http_answer ask(struct patientnow *p, struct arena *a, const char *path)
{
	return exchange(p, a, path, (struct str){0});
}

/* A request that was not made: it would have been one too many. */
static struct patientnow_answer not_allowed(struct patientnow *p, struct arena *a, const char *what)
{
	int64_t limit = p->conf->patientnow.daily_limit, reserve = p->conf->patientnow.reserve;
	struct patientnow_answer failed = {.code = "state", .retry = true, .without_effect = true};
	if (patientnow_calls_left(p->conf, p->state) > 0) {
		failed.message = arena_printf(a, "%s: the state cannot be written, where calls are counted", what);
		return failed;
	}
	failed.code = "quota_exhausted";
	int64_t now = when_now_ms();
	failed.retry_after = when_seconds_until(now + quota_day_left(now));
	failed.message =
		arena_printf(a, "%s: the %lld PatientNow calls of today (UTC) are used up", what, (long long)limit);
	if (reserve && !quota_is_for_people())
		failed.message = arena_printf(a, "%s, but for %lld that are kept for people", failed.message,
			(long long)(reserve < limit ? reserve : limit));
	return failed;
}

/* What else there is to say of a status. */
static const char *hint(struct arena *a, const struct http_answer *answer)
{
	char until[WHEN_TEXT];
	if (answer->status == 401 || answer->status == 403)
		return ": PatientNow does not accept the token";
	if (answer->status != 429 || !answer->retry_after)
		return "";
	when_utc(when_now_ms() + (int64_t)answer->retry_after * 1000, until);
	return arena_printf(a, ": PatientNow has asked for a pause: again from %s on", until);
}

/* What an answer without a body means; the request was for "patient 10234". */
static struct patientnow_answer failure(
	struct patientnow *p, struct arena *a, const char *what, const struct http_answer *answer)
{
	struct http_failure means = http_failure(answer);
	struct patientnow_answer failed = {.code = means.code,
		.retry = means.retry,
		.without_effect = means.without_effect,
		.calls = calls_of(answer)};
	if (answer->outcome != HTTP_ANSWERED && answer->calls) {
		failed.code = "unavailable";
		failed.message = arena_printf(a, "%s: %s", what, answer->error);
		return failed;
	}
	if (answer->outcome != HTTP_ANSWERED)
		return not_allowed(p, a, what);
	if (strcmp(means.code, "limited") == 0)
		failed.code = "quota_exhausted";
	if (is_refused(answer) || answer->status == 429)
		failed.retry_after = answer->retry_after;
	failed.message =
		strcmp(means.code, "bad_answer") == 0
			? arena_printf(a, "%s: %ld, and no JSON as the profile expects it", what, answer->status)
			: arena_printf(a, "%s: %ld%s", what, answer->status, hint(a, answer));
	return failed;
}

/* The type of a JSON text; JTEXT_NONE where it is none. */
static enum jtext_type type_of(struct str body)
{
	struct jtext_error error;
	return body.n && jtext_check(body, &error) ? jtext_type(body) : JTEXT_NONE;
}

static struct str trimmed(struct str body)
{
	while (body.n && strchr(" \t\r\n", body.p[0])) {
		body.p++;
		body.n--;
	}
	return body;
}

struct patientnow_answer patientnow_get(
	struct patientnow *p, struct arena *a, enum event_kind kind, const char *id, int64_t not_before)
{
	const char *name = event_kind_name(kind);
	const char *cached = cache_get(p->state, a, name, id, CACHE_ALONE, not_before);
	if (cached)
		return (struct patientnow_answer){.body = str_of(cached)};
	int64_t asked = when_now_ms();
	struct http_answer answer = ask(p, a, patientnow_path(p->profile, a, kind, id));
	struct str body = trimmed(answer.body);
	if (answer.outcome != HTTP_ANSWERED || answer.status != 200 || type_of(body) != JTEXT_OBJECT)
		return failure(p, a, arena_printf(a, "%s %s", name, id), &answer);
	cache_put(p->state, name, id, CACHE_ALONE, asked, body.p);
	return (struct patientnow_answer){.body = body, .calls = calls_of(&answer)};
}

struct patientnow_answer patientnow_check(struct patientnow *p, struct arena *a)
{
	struct http_answer answer = make_with_pass(p, a, p->profile->check, (struct str){0});
	if (outage_stands(p->outage) && verdict(&answer) == OUTAGE_TAKEN)
		outage_over(p->outage);
	if (answer.outcome != HTTP_ANSWERED || answer.status < 200 || answer.status > 299)
		return failure(p, a, p->profile->check, &answer);
	return (struct patientnow_answer){0};
}

const char *patientnow_list_path(
	const struct profile *profile, struct arena *a, const struct patientnow_list *list, int64_t page)
{
	const struct profile_paging *paging = &profile->paging;
	const struct {
		const char *name, *value;
	} parameters[] = {
		{paging->since, list->since},
		{paging->until, list->until},
		{paging->cursor, *list->cursor.at ? list->cursor.at : NULL},
		{paging->page, arena_printf(a, "%lld", (long long)page)},
		{paging->offset, arena_printf(a, "%lld", (long long)((page - 1) * paging->size))},
		{paging->rows, arena_printf(a, "%lld", (long long)paging->size)},
	};
	const char *path = list->path;
	for (size_t i = 0; i < COUNT(parameters); i++)
		if (parameters[i].name && parameters[i].value)
			path = arena_printf(a, "%s%c%s=%s", path, strchr(path, '?') ? '&' : '?', parameters[i].name,
				http_encode(a, parameters[i].value));
	return path;
}

/* The URL in a Link header (RFC 8288) that leads to the next page; else NULL. */
static const char *next_link(struct arena *a, const char *links)
{
	for (const char *from = strchr(links, '<'); from; from = strchr(from + 1, '<')) {
		size_t n = strcspn(from, ">");
		const char *more = from + n, *end = more + strcspn(more, "<");
		const char *rel = strstr(more, "rel=\"next\"");
		rel = rel ? rel : strstr(more, "rel=next");
		if (rel && rel < end)
			return arena_copy(a, (struct str){from + 1, n - 1});
	}
	return NULL;
}

/* What an answer tells of the next page's cursor, itself or in a link ("": a link without one); NULL:
   nothing. A link is not followed: it might lead anywhere, with our secrets. */
static const char *told_cursor(
	const struct profile_paging *paging, struct arena *a, const struct http_answer *answer, struct str body)
{
	const char *told = NULL;
	for (size_t i = 0; i < paging->next.n && !(told && *told); i++) {
		const char *place = paging->next.at[i];
		told =
			*place == '@' ? http_header(a, answer->headers, place + 1) : place_text(a, place, place_in(body));
		if (told && *told == '<')
			told = next_link(a, told);
	}
	if (!told || !*told)
		return NULL;
	const char *query = strchr(told, '?');
	return query ? arena_copy(a, form_parameter(a, query + 1, paging->cursor)) : told;
}

/* Moves the cursor behind a page. What comes again, is none, or goes on for ever would be a walk without end:
   the mark is moved to where the walk is at each power of two, so it meets any circle (Brent). */
static void move_cursor(struct patientnow *p, struct arena *a, struct patientnow_list *list, int64_t number,
	const struct http_answer *answer, struct str body, struct patientnow_page *page)
{
	struct patientnow_cursor *c = &list->cursor;
	const char *next = told_cursor(&p->profile->paging, a, answer, body), *wrong = NULL;
	page->last = next == NULL;
	if (!next)
		next = "";
	else if (!*next || strlen(next) > PATIENTNOW_CURSOR)
		wrong = "it does not tell the next page's cursor: see paging.cursor and paging.next of the profile";
	else if (strcmp(next, c->at) == 0 || strcmp(next, c->mark) == 0)
		wrong = "it tells the cursor of a page that was there before: the list has no end";
	else if (number >= PAGES_MAX)
		wrong = "there is another one: the list has no end";
	if (wrong) {
		page->failure = (struct patientnow_answer){
			.code = "bad_answer", .message = arena_printf(a, "page %lld: %s", (long long)number, wrong)};
		return;
	}
	if ((number & (number - 1)) == 0)
		strlcpy(c->mark, c->at, sizeof c->mark);
	strlcpy(c->at, next, sizeof c->at);
}

/* How much there is in all: pages, and whether this is the last one. A page that is short for no reason is a
   server that gives fewer entries than were asked for: pages counted by our size would leave some out. */
static void count_pages(struct patientnow *p, struct arena *a, struct patientnow_page *page, int64_t number,
	const struct http_answer *answer, struct str body)
{
	const struct profile_paging *paging = &p->profile->paging;
	const char *pages = paging->pages_header ? http_header(a, answer->headers, paging->pages_header) : NULL;
	int64_t total = http_number(jtext_scalar(a, profile_find(&paging->total, body)), ENTRIES_MAX);
	int64_t n = (int64_t)page->n, size = paging->size, told = http_number(pages, ENTRIES_MAX);
	bool in_pages = paging->page || paging->offset;
	page->last = n < size || !in_pages;
	page->pages = told > 0 ? told : total > 0 && paging->cursor ? (total + size - 1) / size : 0;
	if (paging->cursor)
		return;
	if (page->pages > 0) {
		page->last = number >= page->pages;
	} else if (total >= 0 && in_pages) {
		page->pages = (total + size - 1) / size;
		page->last = number >= page->pages;
		if (n > 0 && n < size && (number - 1) * size + n < total)
			page->failure = (struct patientnow_answer){.code = "bad_answer",
				.message = arena_printf(a,
					"page %lld has %lld entries of %lld, and %lld were asked for: set the profile's "
					"paging.size to what PatientNow gives",
					(long long)number, (long long)n, (long long)total, (long long)size)};
	}
	page->last |= n == 0;
}

/* Whether a page has the entries of the one before: the server does not know the parameter that should tell
   pages apart, and would give this one for ever. */
static bool is_again(struct patientnow_list *list, struct str rows)
{
	char digest[sizeof list->before];
	digest_sha256_hex(&rows, 1, digest);
	bool again = strcmp(digest, list->before) == 0;
	memcpy(list->before, digest, sizeof digest);
	return again;
}

/* Where a list stands in an answer that is none, unless the profile says so. */
static const char *const usual_places[] = {"/data", "/results", "/items"};
static const struct profile_pointers usual_rows = {(const char **)usual_places, COUNT(usual_places)};

struct patientnow_page patientnow_list(
	struct patientnow *p, struct arena *a, struct patientnow_list *list, int64_t number)
{
	struct http_answer answer = ask(p, a, patientnow_list_path(p->profile, a, list, number));
	struct patientnow_page page = {.calls = calls_of(&answer)};
	struct str body = trimmed(answer.body), rows = body;
	const char *what = arena_copy(a, (struct str){list->path, strcspn(list->path, "?")});
	bool json = answer.outcome == HTTP_ANSWERED && answer.status == 200 && type_of(body) != JTEXT_NONE;
	if (json && list->rows->n)
		rows = profile_find(list->rows, body);
	else if (json && jtext_type(body) == JTEXT_OBJECT)
		rows = profile_find(&usual_rows, body);
	if (!json || jtext_type(rows) != JTEXT_ARRAY) {
		page.failure = failure(
			p, a, number > 1 ? arena_printf(a, "%s, page %lld", what, (long long)number) : what, &answer);
		return page;
	}
	for (struct str at = {0}; jtext_next(rows, &at);)
		page.n++;
	count_pages(p, a, &page, number, &answer, body);
	if (p->profile->paging.cursor)
		move_cursor(p, a, list, number, &answer, body, &page);
	if (!page.failure.code && page.n && is_again(list, rows))
		page.failure = (struct patientnow_answer){.code = "bad_answer",
			.message = arena_printf(
				a, "page %lld is the one before again: see paging of the profile", (long long)number)};
	if (page.failure.code)
		page.failure.message = arena_printf(a, "%s: %s", what, page.failure.message);
	else
		page.rows = rows;
	return page;
}

struct patientnow_answer patientnow_appointment_types(
	struct patientnow *p, struct arena *a, void (*each)(const char *name, void *context), void *context)
{
	const struct profile_types *types = &p->profile->appointment_types;
	struct patientnow_list list = {.path = types->list, .rows = &types->rows};
	struct patientnow_page page = {0};
	if (!types->list)
		return (struct patientnow_answer){
			.code = "not_found", .message = "the profile has no appointment_types"};
	for (int64_t number = 1; !page.last; number++) {
		page = patientnow_list(p, a, &list, number);
		if (!page.rows.p)
			return page.failure;
		for (struct str at = {0}; jtext_next(page.rows, &at);) {
			const char *name = profile_text(&types->name, a, at);
			if (name && *name)
				each(name, context);
		}
	}
	return (struct patientnow_answer){0};
}

/* Whether a text can be what it is given as: in place of an e-mail or a phone people write "none" and "n/a",
   which many patients share. */
static bool is_real(const char *name, const char *text)
{
	if (strcmp(name, "email") == 0)
		return strchr(text, '@');
	return strcmp(name, "phone") != 0 || strpbrk(text, "0123456789");
}

/* The query parameter that asks for a fact, with its value; NULL where there is none. */
static const char *asks_for(
	const struct profile *profile, struct arena *a, struct str facts, const char *name)
{
	const struct conf_names *by = &profile->kinds[KIND_PATIENT].search_by;
	const char *text = jtext_scalar(a, jtext_get(facts, name));
	for (size_t i = 0; text && *text && is_real(name, text) && i < by->n; i++)
		if (strcmp(by->at[i].name, name) == 0)
			return arena_printf(a, "%s=%s", by->at[i].is, http_encode(a, text));
	return NULL;
}

bool patientnow_search(const struct profile *profile, struct arena *a, struct str facts, const char *by,
	struct patientnow_list *list)
{
	const struct profile_kind *patients = &profile->kinds[KIND_PATIENT];
	const char *last_name = asks_for(profile, a, facts, "last_name");
	const char *other = asks_for(profile, a, facts, by);
	if (!patients->search || !last_name || !other)
		return false;
	*list = (struct patientnow_list){
		.path = arena_printf(a, "%s?%s&%s", patients->search, last_name, other), .rows = &patients->rows};
	return true;
}

struct patientnow_answer patientnow_create(struct patientnow *p, struct arena *a, struct str new)
{
	struct http_answer answer = exchange(p, a, p->profile->kinds[KIND_PATIENT].create, new);
	struct str body = trimmed(answer.body);
	bool made = answer.outcome == HTTP_ANSWERED && answer.status >= 200 && answer.status <= 299;
	if (!made || type_of(body) != JTEXT_OBJECT)
		return failure(p, a, "making the patient", &answer);
	return (struct patientnow_answer){.body = body, .calls = calls_of(&answer)};
}
