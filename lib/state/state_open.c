/* Opening a state: what its name says is whose. */
#include "conf/conf.h"
#include "state/engine.h"
#include "text/say.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

enum { BUSY_MS = 10000 };

static struct state *state_new(const char *path, int busy_ms)
{
	struct state *s = allocated(calloc(1, sizeof *s));
	s->engine = conf_is_database(path) ? &postgres_engine : &sqlite_engine;
	s->path = path;
	s->busy_ms = busy_ms;
	pthread_mutexattr_t recursive;
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&s->lock, &recursive);
	pthread_mutexattr_destroy(&recursive);
	return s;
}

struct state *state_try(const char *path, int busy_ms, struct state_failure *why)
{
	struct state *s = state_new(path, busy_ms);
	if (s->engine->open(s, why))
		return s;
	state_close(s);
	return NULL;
}

int64_t state_room(const char *path)
{
	char folder[PATH_MAX] = ".";
	struct statvfs fs;
	const char *slash = strrchr(path, '/');
	if (slash)
		snprintf(folder, sizeof folder, "%.*s/", (int)(slash - path), path);
	return conf_is_database(path) || statvfs(folder, &fs) < 0
			   ? -1
			   : (int64_t)((uint64_t)fs.f_bavail * fs.f_frsize / (1024 * 1024));
}

/* Ends the process. Its line is written at once: another program of the pipeline may be writing one. */
static _Noreturn void end(const struct state_failure *why)
{
	say("%s", why->why);
	exit(why->status);
}

struct state *state_open(const char *path)
{
	struct state_failure why = {0};
	struct state *s = state_try(path, BUSY_MS, &why);
	if (!s)
		end(&why);
	return s;
}

struct state *state_rehearse(const char *path)
{
	struct state_failure why = {0};
	struct state *s = state_new(path, BUSY_MS);
	if (!s->engine->rehearse(s, &why))
		end(&why);
	return s;
}
