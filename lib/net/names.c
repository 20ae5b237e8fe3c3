/*
 * One table of names for each location and kind, in the state file. A miss asks the CRM for the whole list,
 * but not more often than once a minute: a name that the CRM lacks must not cost a call for each event.
 * What was found is remembered for some seconds: an event has a dozen names, and they are the same each time.
 */
#include "net/names.h"
#include "stream/record.h"
#include "value/when.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	ASK_AGAIN_MS = 60 * 1000,
	TRUST_MS = 10 * 60 * 1000,
	REMEMBER_MS = 10 * 1000,
};

struct names {
	struct crm *crm;
	struct state *state;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t ended;
	struct fetch *fetches;
	struct memory *memories;
};

/* What was read of the table. */
struct memory {
	struct memory *next;
	const struct crm_location *location;
	enum name_kind kind;
	int64_t read; /* milliseconds since 1970 */
	struct arena arena;
	const char *name, *id, *more;
};

/* A list that is being fetched. Another thread that wants it waits, so that it is fetched once. */
struct fetch {
	struct fetch *next;
	const struct crm_location *location;
	enum name_kind list;
};

static const struct {
	const char *kind; /* in the table */
	const char *path; /* of the list that has it */
} kinds[] = {
	[NAME_FIELD] = {"field", CRM_FIELDS},
	[NAME_PIPELINE] = {"pipeline", "/opportunities/pipelines?locationId=%s"},
	[NAME_STAGE] = {"stage", "/opportunities/pipelines?locationId=%s"},
	[NAME_WORKFLOW] = {"workflow", "/workflows/?locationId=%s"},
	[NAME_CALENDAR] = {"calendar", CRM_CALENDARS "?locationId=%s"},
};

struct names *names_open(struct crm *crm, struct state *state)
{
	struct names *n = allocated(calloc(1, sizeof *n));
	n->crm = crm;
	n->state = state;
	pthread_mutex_init(&n->lock, NULL);
	pthread_cond_init(&n->ended, NULL);
	return n;
}

/* Of a name, and there is one of each at most; NULL: it was never read. The lock is held. */
static struct memory *memory_of(
	struct names *n, const struct crm_location *location, enum name_kind kind, const char *name)
{
	struct memory *m = n->memories;
	while (m && (m->location != location || m->kind != kind || strcmp(m->name, name) != 0))
		m = m->next;
	return m;
}

/* What a name stood for some seconds ago; id NULL: that is not known. */
static struct name recall(struct names *n, struct arena *a, const struct crm_location *location,
	enum name_kind kind, const char *name)
{
	struct name found = {0};
	int64_t now = when_now_ms();
	pthread_mutex_lock(&n->lock);
	const struct memory *m = memory_of(n, location, kind, name);
	if (m && now >= m->read && now - m->read < REMEMBER_MS) {
		found.id = arena_copy(a, str_of(m->id));
		found.more = m->more ? arena_copy(a, str_of(m->more)) : NULL;
	}
	pthread_mutex_unlock(&n->lock);
	return found;
}

static void remember(struct names *n, const struct crm_location *location, enum name_kind kind,
	const char *name, const struct name *found)
{
	pthread_mutex_lock(&n->lock);
	struct memory *m = memory_of(n, location, kind, name);
	if (!m) {
		m = allocated(calloc(1, sizeof *m));
		m->next = n->memories;
		n->memories = m;
	}
	arena_free(&m->arena);
	*m = (struct memory){.next = m->next, .location = location, .kind = kind, .read = when_now_ms()};
	m->name = arena_copy(&m->arena, str_of(name));
	m->id = arena_copy(&m->arena, str_of(found->id));
	m->more = found->more ? arena_copy(&m->arena, str_of(found->more)) : NULL;
	pthread_mutex_unlock(&n->lock);
}

static void forget_memories(struct names *n)
{
	pthread_mutex_lock(&n->lock);
	for (struct memory *m = n->memories, *next; m; m = next) {
		next = m->next;
		arena_free(&m->arena);
		free(m);
	}
	n->memories = NULL;
	pthread_mutex_unlock(&n->lock);
}

void names_close(struct names *n)
{
	if (!n)
		return;
	forget_memories(n);
	pthread_cond_destroy(&n->ended);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

/* The list that has a kind, as the table calls it: stages come with their pipelines. */
static enum name_kind list_of(enum name_kind kind)
{
	return kind == NAME_STAGE ? NAME_PIPELINE : kind;
}

/* When the list was asked for last, milliseconds since 1970. */
static int64_t asked(struct names *n, const struct crm_location *location, enum name_kind kind)
{
	int64_t ms = 0;
	state_int(n->state, &ms, "SELECT asked FROM name_list WHERE location=? AND kind=?", "tt", location->id,
		kinds[list_of(kind)].kind);
	return ms;
}

/* For how long it was not; long where that was by a clock that is ahead of ours: another host's may be. */
static int64_t not_asked_for(struct names *n, const struct crm_location *location, enum name_kind kind)
{
	int64_t ms = when_now_ms() - asked(n, location, kind);
	return ms < 0 ? INT64_MAX : ms;
}

static bool forget(struct names *n, const struct crm_location *location, enum name_kind kind)
{
	forget_memories(n);
	return state_do(n->state, "DELETE FROM name WHERE location=? AND kind=?", "tt", location->id,
			   kinds[kind].kind) &&
		   (kind != NAME_PIPELINE || forget(n, location, NAME_STAGE));
}

/* What could not be read or written may be there all the same: nothing is to be left out for it. */
static void fail(struct name *found, const char *error)
{
	found->error = error;
	found->code = "state";
	found->retry = true;
}

/* As it is written, which the table's key finds; else in any case, of ASCII: coalesce gives PostgreSQL's
   lower the column's collation for both. */
static struct name kept(struct names *n, struct arena *a, const struct crm_location *location,
	enum name_kind kind, const char *name)
{
	static const char *const ways[] = {
		"SELECT id, more FROM name WHERE location=?1 AND kind=?2 AND name=?3",
		"SELECT id, more FROM name WHERE location=?1 AND kind=?2"
		"  AND lower(name)=lower(coalesce(?3,name)) LIMIT 1",
	};
	const char *columns[2] = {NULL, NULL};
	struct name found = recall(n, a, location, kind, name);
	if (found.id)
		return found;
	for (size_t i = 0; i < COUNT(ways) && !columns[0]; i++)
		if (state_run(n->state, a, columns, ways[i], "ttt", location->id, kinds[kind].kind, name) ==
			STATE_FAILED)
			fail(&found, "the state cannot be read");
	found.id = columns[0];
	found.more = columns[1];
	if (found.id)
		remember(n, location, kind, name, &found);
	return found;
}

static bool keep(struct names *n, const struct crm_location *location, enum name_kind kind, const char *name,
	const char *id, const char *more)
{
	return !name || !id ||
		   state_do(n->state,
			   "INSERT INTO name(location,kind,name,id,more) VALUES(?,?,?,?,?)"
			   "  ON CONFLICT(location,kind,name) DO UPDATE SET id=excluded.id, more=excluded.more",
			   "ttttt", location->id, kinds[kind].kind, name, id, more);
}

static bool keep_stages(struct names *n, struct arena *a, const struct crm_location *location,
	const char *pipeline, struct str stages)
{
	bool done = true;
	for (struct str at = {0}; done && jtext_next(stages, &at);) {
		const char *stage = jtext_string(a, jtext_get(at, "name"));
		if (pipeline && stage)
			done = keep(n, location, NAME_STAGE, arena_printf(a, "%s/%s", pipeline, stage),
				jtext_string(a, jtext_get(at, "id")), NULL);
	}
	return done;
}

/* Keeps the names of a list, in place of the ones that were kept. */
static bool keep_list(struct names *n, struct arena *a, const struct crm_location *location,
	enum name_kind kind, struct str body)
{
	static const char *const lists[] = {[NAME_FIELD] = "customFields",
		[NAME_PIPELINE] = "pipelines",
		[NAME_WORKFLOW] = "workflows",
		[NAME_CALENDAR] = "calendars"};
	kind = list_of(kind);
	if (!state_begin_unflushed(n->state))
		return false;
	bool done =
		forget(n, location, kind) && state_do(n->state,
										 "INSERT INTO name_list(location,kind,asked) VALUES(?,?,?)"
										 "  ON CONFLICT(location,kind) DO UPDATE SET asked=excluded.asked",
										 "tti", location->id, kinds[kind].kind, when_now_ms());
	for (struct str at = {0}, list = jtext_get(body, lists[kind]); done && jtext_next(list, &at);) {
		const char *name = jtext_string(a, jtext_get(at, "name"));
		done = keep(n, location, kind, name, jtext_string(a, jtext_get(at, "id")),
			jtext_string(a, jtext_get(at, "dataType")));
		if (kind == NAME_PIPELINE)
			done = done && keep_stages(n, a, location, name, jtext_get(at, "stages"));
	}
	return state_end(n->state, done) && done;
}

const char *names_path(struct arena *a, const struct crm_location *location, enum name_kind kind)
{
	const char *before = strstr(kinds[kind].path, "%s");
	return arena_printf(a, "%.*s%s%s", (int)(before - kinds[kind].path), kinds[kind].path,
		http_encode(a, location->id), before + 2);
}

static bool is_fetched(const struct names *n, const struct fetch *wanted)
{
	for (const struct fetch *f = n->fetches; f; f = f->next)
		if (f->location == wanted->location && f->list == wanted->list)
			return true;
	return false;
}

static void begin_fetch(struct names *n, struct fetch *f)
{
	pthread_mutex_lock(&n->lock);
	bool waits = is_fetched(n, f);
	if (waits)
		record_waits();
	while (is_fetched(n, f))
		pthread_cond_wait(&n->ended, &n->lock);
	f->next = n->fetches;
	n->fetches = f;
	pthread_mutex_unlock(&n->lock);
	if (waits)
		record_goes_on();
}

static void end_fetch(struct names *n, struct fetch *f)
{
	pthread_mutex_lock(&n->lock);
	struct fetch **at = &n->fetches;
	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	pthread_cond_broadcast(&n->ended);
	pthread_mutex_unlock(&n->lock);
}

struct name names_find(struct names *n, struct arena *a, const struct crm_location *location,
	enum name_kind kind, const char *name)
{
	struct name found = kept(n, a, location, kind, name);
	if (found.id || found.error)
		return found;
	struct fetch fetch = {.location = location, .list = list_of(kind)};
	begin_fetch(n, &fetch);
	/* first when, then what: between the two another process may get the list, and the name with it */
	int64_t ms = not_asked_for(n, location, kind);
	found = kept(n, a, location, kind, name);
	if (!found.id && !found.error && ms >= ASK_AGAIN_MS) {
		struct crm_request request = {
			.method = "GET", .path = names_path(a, location, kind), .repeatable = true};
		struct crm_answer answer = crm_call(n->crm, a, location, &request);
		if (answer.error)
			found = (struct name){.error = answer.error,
				.code = answer.code,
				.retry = answer.retry,
				.retry_after = answer.retry_after};
		else if (keep_list(n, a, location, kind, answer.body))
			found = kept(n, a, location, kind, name);
		else
			fail(&found, "the state cannot be written");
		found.calls = answer.calls;
	}
	end_fetch(n, &fetch);
	return found;
}

const char *names_of(struct names *n, struct arena *a, const struct crm_location *location,
	enum name_kind kind, const char *id)
{
	const char *name = NULL;
	state_run(n->state, a, &name, "SELECT name FROM name WHERE location=? AND kind=? AND id=?", "ttt",
		location->id, kinds[kind].kind, id);
	return name;
}

const char *names_kept(struct names *n, struct arena *a, const struct crm_location *location,
	enum name_kind kind, const char *name)
{
	return kept(n, a, location, kind, name).id;
}

bool names_drop(struct names *n, const struct crm_location *location, enum name_kind kind)
{
	if (!state_begin_unflushed(n->state))
		return false;
	bool done = forget(n, location, list_of(kind)) &&
				state_do(n->state, "DELETE FROM name_list WHERE location=? AND kind=?", "tt", location->id,
					kinds[list_of(kind)].kind);
	return state_end(n->state, done) && done;
}

bool names_doubt(struct names *n, const struct crm_location *location, enum name_kind kind)
{
	return not_asked_for(n, location, kind) >= TRUST_MS && names_drop(n, location, kind);
}
