/*
 * The token that is used lives in memory; the state file has the last one of all processes, and the refresh
 * token that makes the next. Whoever needs a new one takes a lock, looks whether another process has got it
 * meanwhile, and only then spends the refresh token; what comes back is in the state file before it is used.
 *
 * A refresh token whose answer never arrived, or was not stored before the machine went down, is spent, and
 * its successor is known to nobody: then a person must authorize the app again and put the new refresh token
 * into its file. That a file has a new one is seen by its hash: those of the files that were used are kept
 * with the tokens. So a host whose file has an older one, which is spent, does not go back to it.
 */
#include "net/oauth.h"
#include "conf/secret.h"
#include "state/locks.h"
#include "state/state.h"
#include "text/jtext.h"
#include "value/digest.h"
#include "value/when.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	EARLY_MS = 5 * 60 * 1000, /* a token is not used in its last five minutes, or tenth of its life */
	EARLY_PART = 10,
	LIFE_S = 3600,            /* where the CRM does not say */
	LIFE_MAX_S = 86400,       /* whatever it says */
	ASK_AGAIN_MS = 30 * 1000, /* what was refused, or got and refused, is not asked for again for so long */
};

struct grant {
	const char *access; /* NULL: none yet */
	const char *refresh;
	const char *hash; /* of the text of the file that the refresh token came of, then of those before it */
	int64_t due;      /* when to get another, milliseconds since 1970 */
};

/* An owner's grant as this process knows it. Its texts live as long as the process asks for tokens. */
struct kept {
	struct kept *next;
	const char *name; /* in the state file */
	struct grant grant;
	int64_t got;         /* by this process; 0: read from the state file */
	bool unsaved;        /* it is not in the state file, and must not be used yet */
	const char *failure; /* what the CRM said when it refused to give one, */
	int64_t failed;      /* and when: it is not asked again at once */
};

struct oauth {
	const struct conf *conf;
	struct http *http;
	struct state *state;
	struct locks *locks;
	struct secret *secret;
	pthread_mutex_t mutex; /* of what follows; changed only by who has the lock of all processes, too */
	struct kept *kept;
	struct arena arena;
};

/* A token on its way. */
struct quest {
	struct oauth *o;
	struct arena *a;
	struct oauth_token token;
	int64_t session;   /* in which the lock is */
	const char *file;  /* of the refresh token that is spent; NULL: none is */
	const char *wrong; /* with the file, or NULL */
	long status;       /* of the last answer; 0: none */
};

struct oauth *oauth_open(const struct conf *conf, struct http *http)
{
	struct oauth *o = allocated(calloc(1, sizeof *o));
	o->conf = conf;
	o->http = http;
	o->secret = secret_open(&o->arena, conf->crm.oauth.client_secret_file, SECRET_API, conf->file,
		"crm.oauth.client_secret_file");
	secret_read(&o->arena, conf->crm.oauth.refresh_token_file, SECRET_API, conf->file,
		"crm.oauth.refresh_token_file");
	for (size_t i = 0; i < conf->facilities_n; i++)
		if (conf->facilities[i].refresh_token_file)
			secret_read(&o->arena, conf->facilities[i].refresh_token_file, SECRET_API, conf->file,
				arena_printf(&o->arena, "facilities.%s.refresh_token_file", conf->facilities[i].name));
	o->state = state_open(conf_need(conf, conf->state, "state"));
	o->locks = locks_open(conf->state);
	pthread_mutex_init(&o->mutex, NULL);
	return o;
}

void oauth_close(struct oauth *o)
{
	if (!o)
		return;
	secret_close(o->secret);
	locks_close(o->locks);
	state_close(o->state);
	pthread_mutex_destroy(&o->mutex);
	arena_free(&o->arena);
	free(o);
}

/* Always NULL. */
static const char *fail(struct quest *q, const char *code, const char *error)
{
	q->token.code = code;
	q->token.error = error;
	return NULL;
}

/* --- What is kept --- */

/* The owner's; the mutex is held. */
static struct kept *find(struct oauth *o, const char *name)
{
	struct kept *k = o->kept;
	while (k && strcmp(k->name, name) != 0)
		k = k->next;
	if (k)
		return k;
	k = arena_alloc(&o->arena, sizeof *k);
	k->name = arena_copy(&o->arena, str_of(name));
	k->next = o->kept;
	return o->kept = k;
}

static bool is_good(const struct grant *g, const char *refused)
{
	return g->access && when_now_ms() < g->due && (!refused || strcmp(g->access, refused) != 0);
}

static void keep(struct oauth *o, struct kept *k, const struct grant *g, bool got)
{
	pthread_mutex_lock(&o->mutex);
	k->grant = (struct grant){arena_copy(&o->arena, str_of(g->access)),
		g->refresh ? arena_copy(&o->arena, str_of(g->refresh)) : NULL,
		g->hash ? arena_copy(&o->arena, str_of(g->hash)) : NULL, g->due};
	k->got = got ? when_now_ms() : 0;
	k->unsaved = got;
	pthread_mutex_unlock(&o->mutex);
}

static struct grant load(struct quest *q, const char *name)
{
	const char *columns[4] = {0};
	state_run(q->o->state, q->a, columns,
		"SELECT access, refresh, file_hash, expires FROM token WHERE name=?", "t", name);
	return (struct grant){columns[0], columns[1], columns[2], state_number(columns[3])};
}

/* Writes a grant into the state file; false where it cannot be. */
static bool store(struct quest *q, const char *name, const struct grant *g)
{
	if (state_do(q->o->state,
			"INSERT INTO token(name,access,refresh,file_hash,expires) VALUES(?,?,?,?,?) ON CONFLICT(name)"
			"  DO UPDATE SET access=excluded.access, refresh=excluded.refresh, expires=excluded.expires,"
			"    file_hash=coalesce(excluded.file_hash, token.file_hash)",
			"tttti", name, g->access, g->refresh, g->hash, g->due))
		return true;
	fail(q, "state", "the state cannot be written: a new token of the CRM must be in it before it is used");
	return false;
}

/* The token of a grant, once it is in the state file. */
static const char *save(struct quest *q, struct kept *k)
{
	if (!k->unsaved)
		return k->grant.access;
	if (!store(q, k->name, &k->grant))
		return NULL;
	pthread_mutex_lock(&q->o->mutex);
	k->unsaved = false;
	pthread_mutex_unlock(&q->o->mutex);
	return k->grant.access;
}

/* --- What the CRM is asked --- */

/* What an answer without a token means: that none is given, for whatever reason, is a refusal. */
static const char *code_of(const struct http_answer *answer)
{
	const char *code = http_failure(answer).code;
	if (strcmp(code, "limited") == 0)
		return "unavailable";
	return strcmp(code, "rejected") == 0 || strcmp(code, "not_found") == 0 ? "refused" : code;
}

static const char *explain(struct quest *q, const char *path, const struct http_answer *answer)
{
	struct jtext_error wrong;
	if (answer->outcome != HTTP_ANSWERED)
		return fail(q, code_of(answer), arena_printf(q->a, "POST %s: %s", path, answer->error));
	const char *what =
		jtext_check(answer->body, &wrong) ? jtext_string(q->a, jtext_get(answer->body, "error")) : NULL;
	const char *hint = "";
	if (q->file && what && strcmp(what, "invalid_grant") == 0)
		hint = q->wrong
				   ? arena_printf(q->a, ": the refresh token is not valid, or spent, and %s", q->wrong)
				   : arena_printf(q->a,
						 ": the refresh token is not valid, or spent: authorize the app again in the CRM, "
						 "and put the new refresh token into %s",
						 q->file);
	else if (what && strcmp(what, "invalid_client") == 0)
		hint = ": crm.oauth.client_id or the secret in client_secret_file is wrong";
	else if (answer->status >= 400 && answer->status <= 499 && strcmp(path, "/oauth/locationToken") == 0)
		hint = ": crm.oauth.company_id is not the agency's, or the app is not installed in this location";
	return fail(q, code_of(answer), arena_printf(q->a, "POST %s: %ld%s", path, answer->status, hint));
}

/* Posts a form; the grant that comes back (its access NULL: none, and the quest has failed). */
static struct grant post(struct quest *q, const char *path, const char *bearer, const char *form)
{
	const char *headers[] = {"Content-Type: application/x-www-form-urlencoded", "Version: 2021-07-28",
		bearer ? arena_printf(q->a, "Authorization: Bearer %s", bearer) : NULL, NULL};
	struct http_request request = {.method = "POST",
		.url = arena_printf(q->a, "%s%s", q->o->conf->crm.base_url, path),
		.headers = headers,
		.body = str_of(form),
		.repeatable = bearer != NULL};
	struct http_answer answer = http_do(q->o->http, q->a, &request);
	struct jtext_error wrong;
	struct grant g = {0};
	q->token.calls += answer.calls;
	q->token.ms += answer.ms;
	q->status = answer.outcome == HTTP_ANSWERED ? answer.status : 0;
	if (q->status >= 200 && q->status <= 299 && jtext_check(answer.body, &wrong)) {
		g.access = jtext_string(q->a, jtext_get(answer.body, "access_token"));
		g.refresh = jtext_string(q->a, jtext_get(answer.body, "refresh_token"));
		int64_t life = http_number(jtext_scalar(q->a, jtext_get(answer.body, "expires_in")), LIFE_MAX_S);
		int64_t ms = (life > 0 ? life : LIFE_S) * 1000, early = ms / EARLY_PART;
		g.due = when_now_ms() + ms - (early < EARLY_MS ? early : EARLY_MS);
	}
	if (!g.access || !*g.access) {
		g.access = NULL;
		explain(q, path, &answer);
	}
	return g;
}

/* The hash of a file before those of the files that were used until now; some are enough. */
static const char *with_hash(struct arena *a, const char *hash, const char *before)
{
	enum { KEPT = 8, LENGTH = 65 };
	return before ? arena_printf(a, "%s %.*s", hash, (KEPT - 1) * LENGTH - 1, before)
				  : arena_copy(a, str_of(hash));
}

/* Spends the refresh token. That the state file can be written is found out before. */
static struct grant refresh(struct quest *q, const char *name, const char *file, bool agency)
{
	struct grant old = load(q, name), got = {0};
	struct str first = {0}; /* what the file says now: it may have been changed since we were started */
	q->file = file;
	q->wrong = secret_try(q->a, file, SECRET_API, &first);
	char hash[65];
	digest_sha256_hex(&first, 1, hash);
	bool used = old.hash && strstr(old.hash, hash);
	if (!q->wrong && (!old.refresh || !used)) {
		old.refresh = first.p;
		old.hash = used ? old.hash : with_hash(q->a, hash, old.hash);
	}
	if (!old.refresh) {
		fail(q, "refused", arena_printf(q->a, "there is no refresh token: %s", q->wrong));
		return got;
	}
	if (!store(q, name, &old))
		return got;
	if (!locks_stand(q->o->locks, q->session)) {
		fail(q, "unavailable", "another process may be getting a token, since the database was away");
		return got;
	}
	got = post(q, "/oauth/token", NULL,
		arena_printf(q->a,
			"client_id=%s&client_secret=%s&grant_type=refresh_token&user_type=%s&refresh_token=%s",
			http_encode(q->a, q->o->conf->crm.oauth.client_id),
			http_encode(q->a, secret_now(q->o->secret, q->a, NULL).p), agency ? "Company" : "Location",
			http_encode(q->a, old.refresh)));
	if (!got.refresh || !*got.refresh)
		got.refresh = old.refresh;
	got.hash = old.hash;
	return got;
}

static const char *current(
	struct quest *q, const char *name, const struct oauth_owner *owner, const char *refused);

/* A location's token for the agency's. */
static struct grant for_location(struct quest *q, const char *location)
{
	const struct conf *c = q->o->conf;
	const char *company = arena_printf(q->a, "company %s", c->crm.oauth.company_id), *agency = NULL;
	const char *form = arena_printf(q->a, "companyId=%s&locationId=%s",
		http_encode(q->a, c->crm.oauth.company_id), http_encode(q->a, location));
	struct grant got = {0};
	for (int i = 0; i < 2 && !got.access; i++) {
		const char *refused = agency;
		agency = current(q, company, &(struct oauth_owner){NULL, c->crm.oauth.refresh_token_file}, refused);
		if (!agency || (refused && strcmp(agency, refused) == 0))
			break;
		got = post(q, "/oauth/locationToken", agency, form);
		if (q->status != 401)
			break;
	}
	got.refresh = NULL;
	return got;
}

/* Gets a new token, unless the last try was refused just now. */
static const char *obtain(struct quest *q, struct kept *k, const struct oauth_owner *owner)
{
	if (k->failure && when_now_ms() - k->failed < ASK_AGAIN_MS)
		return fail(q, "refused", k->failure);
	k->failure = NULL;
	struct grant got = owner->refresh_token_file
						   ? refresh(q, k->name, owner->refresh_token_file, !owner->location)
						   : for_location(q, owner->location);
	if (got.access) {
		keep(q->o, k, &got, true);
		return save(q, k);
	}
	if (strcmp(q->token.code, "refused") == 0) {
		k->failure = arena_copy(&q->o->arena, str_of(q->token.error));
		k->failed = when_now_ms();
	}
	return NULL;
}

/* The token to be used; the lock of all processes is held. */
static const char *current(
	struct quest *q, const char *name, const struct oauth_owner *owner, const char *refused)
{
	pthread_mutex_lock(&q->o->mutex);
	struct kept *k = find(q->o, name);
	pthread_mutex_unlock(&q->o->mutex);
	if (is_good(&k->grant, refused))
		return save(q, k);
	struct grant stored = load(q, name);
	if (is_good(&stored, refused)) {
		keep(q->o, k, &stored, false);
		return k->grant.access;
	}
	/* got just now, and refused: another one would be, too */
	if (is_good(&k->grant, NULL) && when_now_ms() - k->got < ASK_AGAIN_MS)
		return k->grant.access;
	return obtain(q, k, owner);
}

struct oauth_token oauth_token(
	struct oauth *o, struct arena *a, const struct oauth_owner *owner, const char *refused)
{
	struct quest q = {.o = o, .a = a};
	const char *name = arena_printf(a, "location %s", owner->location), *access = NULL;
	pthread_mutex_lock(&o->mutex);
	struct kept *k = find(o, name);
	if (is_good(&k->grant, refused) && !k->unsaved)
		access = k->grant.access;
	pthread_mutex_unlock(&o->mutex);
	if (!access) {
		q.session = locks_session(o->locks);
		lock_take(o->locks, LOCK_TOKEN, "");
		access = current(&q, name, owner, refused);
		lock_free(o->locks, LOCK_TOKEN, "");
	}
	q.token.access = access; /* never freed while o is open */
	return q.token;
}
