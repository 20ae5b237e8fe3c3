/* Each file is read for itself: one that is wrong says so, and leaves the others alone. */
#include "conf/folder.h"
#include "text/file.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const char suffix[] = ".json";

static int is_configuration(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name), tail = sizeof suffix - 1;
	return *entry->d_name != '.' && n > tail && strcmp(entry->d_name + n - tail, suffix) == 0;
}

/* Whose name a practice has already; NULL: nobody's. */
static const struct folder_practice *named(const struct folder *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->at[i].conf && strcmp(f->at[i].name, name) == 0)
			return &f->at[i];
	return NULL;
}

/* A practice is wrong after all. */
static void leave_out(struct folder_practice *p, const char *wrong)
{
	p->wrong = wrong;
	conf_free(p->conf);
	p->conf = NULL;
}

/* Reads one file as the folder's next. */
static void add(struct folder *f, const char *path, const char *file)
{
	char why[MISTAKE_MAX];
	struct folder_practice p = {.file = arena_printf(&f->arena, "%s/%s", path, file)};
	p.name = arena_copy(&f->arena, (struct str){file, strlen(file) - (sizeof suffix - 1)});
	p.conf = conf_try(p.file, why);
	if (!p.conf)
		p.wrong = str_plain(arena_copy(&f->arena, str_of(why)));
	else
		p.name = arena_copy(&f->arena, str_of(p.conf->practice));
	const struct folder_practice *other = p.conf ? named(f, p.name) : NULL;
	if (other)
		leave_out(&p,
			arena_printf(&f->arena, "%s: practice: found \"%s\", which %s has already; expected another name",
				p.file, p.name, other->file));
	f->at[f->n++] = p;
}

/* Whose state file this is already; NULL: nobody's. */
static const struct folder_practice *with_state(const struct folder *f, size_t n, const char *real)
{
	for (size_t i = 0; i < n; i++)
		if (f->at[i].conf && strcmp(f->at[i].state, real) == 0)
			return &f->at[i];
	return NULL;
}

void folder_need_states(struct folder *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct folder_practice *p = &f->at[i];
		if (!p->conf)
			continue;
		if (!p->conf->state) {
			leave_out(p, arena_printf(&f->arena, "%s: state is missing", p->file));
			continue;
		}
		p->state = file_real(&f->arena, p->conf->state);
		const struct folder_practice *other = with_state(f, i, p->state);
		if (other)
			leave_out(p, arena_printf(&f->arena,
							 "%s: state: found %s, which %s has already; expected a file of its own", p->file,
							 p->conf->state, other->file));
	}
}

bool folder_read(struct folder *f, const char *path, char why[static MISTAKE_MAX])
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_configuration, alphasort);
	*f = (struct folder){0};
	if (n < 0) {
		snprintf(why, MISTAKE_MAX, "cannot read the folder %s: %s", path, strerror(errno));
		return false;
	}
	f->at = allocated(calloc((size_t)n + 1, sizeof *f->at));
	for (int i = 0; i < n; i++) {
		add(f, path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return true;
}

void folder_hold_reload(bool held)
{
	sigset_t reload;
	sigemptyset(&reload);
	sigaddset(&reload, SIGHUP);
	pthread_sigmask(held ? SIG_BLOCK : SIG_UNBLOCK, &reload, NULL);
}

void folder_free(struct folder *f)
{
	for (size_t i = 0; i < f->n; i++)
		conf_free(f->at[i].conf);
	free(f->at);
	arena_free(&f->arena);
}
