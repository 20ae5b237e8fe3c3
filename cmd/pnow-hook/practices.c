/*
 * The practices whose webhooks are taken: those that were named one by one, or all of a folder, which is read
 * again when somebody asks for it.
 *
 * - A request takes its practice when its path has been read, and leaves it when its answer is out. Both, and
 *   the list, are under one lock, which nobody holds for longer than that takes.
 * - To read the folder again makes a new list; the old one's practices retire. A request that has one goes on
 *   with it; who has been left by the last is freed by the main thread (practices_tend), so that no sender
 *   waits for a file to be closed.
 * - A practice that is broken is in the list, too: its senders are to come again.
 * - A configuration sets the time zone of the process while it is read: with a folder nobody reads a time
 *   meanwhile.
 */
#include "hook.h"
#include "conf/folder.h"
#include "text/say.h"
#include "value/when.h"

#include <stdlib.h>

void practices_open(struct practices *ps)
{
	pthread_mutex_init(&ps->lock, NULL);
	pthread_mutex_init(&ps->zone, NULL);
}

/* --- Who is there --- */

static int is_named(const void *key, const void *element)
{
	const struct str *name = key;
	const struct practice *p = *(struct practice *const *)element;
	int order = strncmp(name->p, p->name, name->n);
	return order ? order : -(p->name[name->n] != '\0');
}

/* The list is sorted by name. */
static struct practice *named(struct practice **list, size_t n, struct str name)
{
	struct practice **found = n ? bsearch(&name, list, n, sizeof *list, is_named) : NULL;
	return found ? *found : NULL;
}

struct practice *practices_take(struct practices *ps, struct str name)
{
	pthread_mutex_lock(&ps->lock);
	struct practice *p = named(ps->at, ps->n, name);
	if (p)
		p->users++;
	pthread_mutex_unlock(&ps->lock);
	return p;
}

void practices_leave(struct practices *ps, struct practice *p)
{
	pthread_mutex_lock(&ps->lock);
	p->users--;
	pthread_mutex_unlock(&ps->lock);
}

/* Takes all of them; each must be left. */
static struct practice **take_all(struct practices *ps, struct arena *a, size_t *n)
{
	pthread_mutex_lock(&ps->lock);
	*n = ps->n;
	struct practice **all = arena_alloc(a, (*n + 1) * sizeof(struct practice *));
	for (size_t i = 0; i < *n; i++) {
		all[i] = ps->at[i];
		all[i]->users++;
	}
	pthread_mutex_unlock(&ps->lock);
	return all;
}

/* Adds a reason to those that there are; each once. */
static const char *with(struct arena *a, const char *reasons, const char *why)
{
	return !why || (reasons && strstr(reasons, why)) ? reasons
		   : reasons                                 ? arena_printf(a, "%s; %s", reasons, why)
													 : why;
}

const char *practices_trouble(struct practices *ps, struct arena *a)
{
	size_t n, unwell = 0;
	const char *reasons = NULL;
	struct practice **all = take_all(ps, a, &n);
	for (size_t i = 0; i < n; i++) {
		const char *why = !all[i]->conf   ? "the configuration is wrong"
						  : all[i]->store ? store_trouble(all[i]->store)
										  : NULL;
		unwell += why != NULL;
		reasons = with(a, reasons, why);
		practices_leave(ps, all[i]);
	}
	if (!n)
		return "there is no practice";
	return reasons && n > 1 ? arena_printf(a, "%zu of %zu practices: %s", unwell, n, reasons) : reasons;
}

void practices_enter_zone(struct practices *ps, const struct practice *p)
{
	if (!ps->zones)
		return;
	pthread_mutex_lock(&ps->zone);
	if (strcmp(ps->in_zone, p->conf->timezone) == 0)
		return;
	when_zone(p->conf->timezone);
	strlcpy(ps->in_zone, p->conf->timezone, sizeof ps->in_zone);
}

void practices_leave_zone(struct practices *ps)
{
	if (ps->zones)
		pthread_mutex_unlock(&ps->zone);
}

/* --- Making one --- */

static void free_parts(struct practice *p)
{
	store_free(p->store);
	for (size_t i = 0; i < HOOK_SENDERS; i++)
		verifier_close(&p->verify[i]);
	profile_free(p->profile);
	conf_free(p->conf);
	p->store = NULL;
	p->profile = NULL;
	p->conf = NULL;
	memset(p->verify, 0, sizeof p->verify);
}

static void free_practice(struct practice *p)
{
	free_parts(p);
	arena_free(&p->arena);
	free(p);
}

/* Reads what the hooks of a practice need; mistakes end the process, or are caught. */
static void read_hooks(void *context)
{
	struct practice *p = context;
	struct conf *c = p->conf;
	if (c->patientnow_hook.verify != VERIFY_UNSET) {
		p->profile = profile_read(c->patientnow.profile, c->file);
		verifier_open(&p->verify[SENDER_PATIENTNOW], c, p->profile, &c->patientnow_hook, "hooks.patientnow");
	}
	if (c->crm_hook.verify != VERIFY_UNSET)
		verifier_open(&p->verify[SENDER_CRM], c, NULL, &c->crm_hook, "hooks.crm");
	if (!p->verify[SENDER_PATIENTNOW].conf && !p->verify[SENDER_CRM].conf)
		say("%s: hooks: no verify, no service: nothing will be received for this practice", c->file);
}

/* Where its events are stored. A listener says at once what is wrong with that. */
static void open_store(const struct practices *ps, struct practice *p)
{
	if (!ps->stores)
		return;
	p->store = store_new(p->conf, ps->listening);
	if (ps->listening)
		store_try(p->store);
}

static struct practice *practice_new(const char *name, const char *file, struct conf *conf)
{
	struct practice *p = allocated(calloc(1, sizeof *p));
	p->name = arena_copy(&p->arena, str_of(name));
	p->file = arena_copy(&p->arena, str_of(file));
	p->conf = conf;
	return p;
}

/* Puts one into a list, which stays sorted. */
static void insert(struct practice ***list, size_t *n, struct practice *p)
{
	struct practice **at = *list = allocated(reallocarray(*list, *n + 1, sizeof **list));
	size_t i = (*n)++;
	for (; i && strcmp(at[i - 1]->name, p->name) > 0; i--)
		at[i] = at[i - 1];
	at[i] = p;
}

/* --- Named one by one --- */

void practices_add(struct practices *ps, const char *file)
{
	struct conf *c = conf_read(file);
	const struct practice *other = named(ps->at, ps->n, str_of(c->practice));
	if (other)
		mistake("%s: practice: found \"%s\", which %s has already; expected another name", c->file,
			c->practice, other->file);
	if (ps->n)
		ps->zones |= strcmp(c->timezone, ps->at[0]->conf->timezone) != 0;
	struct practice *p = practice_new(c->practice, c->file, c);
	read_hooks(p);
	open_store(ps, p);
	insert(&ps->at, &ps->n, p);
}

/* --- A folder --- */

/* The name of a practice whose configuration cannot be read: as it was read from that file before, or the
   file's. */
static const char *known_name(const struct practices *ps, const struct folder_practice *found)
{
	for (size_t i = 0; i < ps->n; i++)
		if (strcmp(ps->at[i]->file, found->file) == 0)
			return ps->at[i]->name;
	return found->name;
}

/* One that is whole; else its configuration is given back and *found is wrong. */
static struct practice *open_practice(
	const struct practices *ps, struct folder *f, struct folder_practice *found)
{
	char why[MISTAKE_MAX];
	struct practice *p = practice_new(found->name, found->file, found->conf);
	found->conf = NULL;
	if (mistake_caught(read_hooks, p, why)) {
		open_store(ps, p);
		return p;
	}
	found->wrong = arena_copy(&f->arena, str_of(why));
	free_practice(p);
	return NULL;
}

/* Fills a list from a folder that has been read. */
static void fill(const struct practices *ps, struct folder *f, struct practice ***list, size_t *n)
{
	for (size_t i = 0; i < f->n; i++) {
		struct practice *p = f->at[i].conf ? open_practice(ps, f, &f->at[i]) : NULL;
		if (p)
			insert(list, n, p);
	}
	for (size_t i = 0; i < f->n; i++) {
		if (!f->at[i].wrong)
			continue;
		say("%s", f->at[i].wrong);
		const char *name = known_name(ps, &f->at[i]);
		if (!named(*list, *n, str_of(name)))
			insert(list, n, practice_new(name, f->at[i].file, NULL));
	}
}

/* The new list is in force; the old one's practices retire. */
static void replace(struct practices *ps, struct practice **list, size_t n)
{
	pthread_mutex_lock(&ps->lock);
	for (size_t i = 0; i < ps->n; i++) {
		ps->at[i]->next = ps->retired;
		ps->retired = ps->at[i];
	}
	free(ps->at);
	ps->at = list;
	ps->n = n;
	pthread_mutex_unlock(&ps->lock);
}

bool practices_read(struct practices *ps, char why[static MISTAKE_MAX])
{
	struct folder folder;
	struct practice **list = NULL;
	size_t n = 0;
	ps->zones = true;
	pthread_mutex_lock(&ps->zone);
	bool read = folder_read(&folder, ps->folder, why);
	*ps->in_zone = '\0';
	pthread_mutex_unlock(&ps->zone);
	if (!read)
		return false;
	if (!folder.n)
		say(FOLDER_EMPTY, ps->folder);
	if (ps->stores)
		folder_need_states(&folder);
	fill(ps, &folder, &list, &n);
	folder_free(&folder);
	replace(ps, list, n);
	return true;
}

/* --- Now and then --- */

/* Takes those out of the retired whom nobody has any more. */
static struct practice *take_left(struct practices *ps)
{
	struct practice *left = NULL;
	pthread_mutex_lock(&ps->lock);
	for (struct practice **at = &ps->retired; *at;) {
		struct practice *p = *at;
		if (p->users) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		p->next = left;
		left = p;
	}
	pthread_mutex_unlock(&ps->lock);
	return left;
}

void practices_tend(struct practices *ps)
{
	for (struct practice *next, *p = take_left(ps); p; p = next) {
		next = p->next;
		free_practice(p);
	}
	for (size_t i = 0; i < ps->n; i++)
		if (ps->at[i]->store)
			store_rest(ps->at[i]->store);
}

void practices_close(struct practices *ps)
{
	replace(ps, NULL, 0);
	practices_tend(ps);
}
