/*
 * One table of names for each location and kind, in the state file. A miss asks the CRM for the whole list,
 * but not more often than once a minute: a name that the CRM lacks must not cost a call for each event.
 */
#include "names.h"

#include <err.h>
#include <pthread.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

enum { ASK_AGAIN_S = 60, LISTS = 64 };

struct names {
	struct crm *crm;
	struct state *state;
	pthread_mutex_t lock; /* of what follows; held while a list is fetched, so that it is fetched once */
	struct {
		const char *location;
		const char *list;
		time_t asked;
	} lists[LISTS];
};

static const struct {
	const char *kind; /* in the table */
	const char *path; /* of the list that has it */
} kinds[] = {
	[NAME_FIELD] = {"field", "/locations/%s/customFields?model=contact"},
	[NAME_PIPELINE] = {"pipeline", "/opportunities/pipelines?locationId=%s"},
	[NAME_STAGE] = {"stage", "/opportunities/pipelines?locationId=%s"},
	[NAME_WORKFLOW] = {"workflow", "/workflows/?locationId=%s"},
};

struct names *names_open(struct crm *crm, struct state *state)
{
	struct names *n = calloc(1, sizeof *n);
	if (!n)
		err(EX_SOFTWARE, "out of memory");
	n->crm = crm;
	n->state = state;
	pthread_mutex_init(&n->lock, NULL);
	return n;
}

void names_close(struct names *n)
{
	if (!n)
		return;
	pthread_mutex_destroy(&n->lock);
	free(n);
}

static struct name kept(struct names *n, struct arena *a, const struct crm_location *location,
	enum name_kind kind, const char *name)
{
	const char *columns[2] = {NULL, NULL};
	state_run(n->state, a, columns,
		"SELECT id, more FROM name WHERE location=? AND kind=? AND name=? COLLATE NOCASE ORDER BY name=? "
		"DESC LIMIT 1",
		"tttt", location->id, kinds[kind].kind, name, name);
	return (struct name){.id = columns[0], .more = columns[1]};
}

static void keep(struct names *n, const struct crm_location *location, enum name_kind kind, const char *name,
	const char *id, const char *more)
{
	if (name && id)
		state_run(n->state, NULL, NULL,
			"INSERT OR REPLACE INTO name(location,kind,name,id,more) VALUES(?,?,?,?,?)", "ttttt",
			location->id, kinds[kind].kind, name, id, more);
}

static void keep_stages(struct names *n, struct arena *a, const struct crm_location *location,
	const char *pipeline, struct str stages)
{
	for (struct str at = {0}; jtext_next(stages, &at);) {
		const char *stage = jtext_string(a, jtext_get(at, "name"));
		if (pipeline && stage)
			keep(n, location, NAME_STAGE, arena_printf(a, "%s/%s", pipeline, stage),
				jtext_string(a, jtext_get(at, "id")), NULL);
	}
}

/* Keeps the names of a list, in place of the ones that were kept. */
static void keep_list(struct names *n, struct arena *a, const struct crm_location *location,
	enum name_kind kind, struct str body)
{
	static const char *const lists[] = {
		[NAME_FIELD] = "customFields", [NAME_PIPELINE] = "pipelines", [NAME_WORKFLOW] = "workflows"};
	if (kind == NAME_STAGE)
		kind = NAME_PIPELINE;
	names_forget(n, location, kind);
	for (struct str at = {0}, list = jtext_get(body, lists[kind]); jtext_next(list, &at);) {
		const char *name = jtext_string(a, jtext_get(at, "name"));
		keep(n, location, kind, name, jtext_string(a, jtext_get(at, "id")),
			jtext_string(a, jtext_get(at, "dataType")));
		if (kind == NAME_PIPELINE)
			keep_stages(n, a, location, name, jtext_get(at, "stages"));
	}
}

/* When the list was asked for last. */
static time_t *asked(struct names *n, const struct crm_location *location, enum name_kind kind)
{
	size_t i = 0;
	while (i < LISTS - 1 && n->lists[i].list &&
		   (n->lists[i].location != location->id || n->lists[i].list != kinds[kind].path))
		i++;
	n->lists[i].location = location->id;
	n->lists[i].list = kinds[kind].path;
	return &n->lists[i].asked;
}

struct name names_find(struct names *n, struct arena *a, const struct crm_location *location,
	enum name_kind kind, const char *name)
{
	struct name found = kept(n, a, location, kind, name);
	if (found.id)
		return found;
	pthread_mutex_lock(&n->lock);
	found = kept(n, a, location, kind, name);
	time_t now = time(NULL), *last = asked(n, location, kind);
	if (!found.id && now - *last >= ASK_AGAIN_S) {
		const char *before = strstr(kinds[kind].path, "%s");
		struct crm_request request = {.method = "GET", .repeatable = true};
		request.path = arena_printf(a, "%.*s%s%s", (int)(before - kinds[kind].path), kinds[kind].path,
			http_encode(a, location->id), before + 2);
		struct crm_answer answer = crm_call(n->crm, a, location, &request);
		if (!answer.error) {
			*last = now;
			if (state_begin(n->state)) {
				keep_list(n, a, location, kind, answer.body);
				state_end(n->state, true);
			}
			found = kept(n, a, location, kind, name);
		}
		found.error = answer.error;
		found.retry = answer.retry;
		found.calls = answer.calls;
	}
	pthread_mutex_unlock(&n->lock);
	return found;
}

void names_forget(struct names *n, const struct crm_location *location, enum name_kind kind)
{
	state_run(n->state, NULL, NULL, "DELETE FROM name WHERE location=? AND kind=?", "tt", location->id,
		kinds[kind].kind);
	if (kind == NAME_PIPELINE)
		state_run(
			n->state, NULL, NULL, "DELETE FROM name WHERE location=? AND kind='stage'", "t", location->id);
}
