#include "stream/child.h"

#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

/* Whether both are of one variable. */
static bool same_name(const char *variable, const char *other)
{
	size_t n = strcspn(variable, "=");
	return strncmp(variable, other, n) == 0 && other[n] == '=';
}

char **child_environment(struct arena *a, char *const *environment, const char *const *variables)
{
	size_t n = 0, set = 0, kept = 0;
	while (environment[n])
		n++;
	while (variables[set])
		set++;
	char **made = arena_alloc(a, (n + set + 1) * sizeof *made);
	for (size_t i = 0; i < n; i++) {
		size_t other = 0;
		while (other < set && !same_name(variables[other], environment[i]))
			other++;
		if (other == set)
			made[kept++] = environment[i];
	}
	for (size_t i = 0; i < set; i++)
		made[kept++] = (char *)variables[i];
	made[kept] = NULL;
	return made;
}

int child_start(pid_t *pid, char *const *argv, char *const *environment, int in, int out)
{
	static const int fresh[] = {SIGPIPE, SIGTERM, SIGINT, SIGCHLD};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t defaults, mask;

	sigemptyset(&mask);
	sigemptyset(&defaults);
	for (size_t i = 0; i < COUNT(fresh); i++)
		sigaddset(&defaults, fresh[i]);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(
		&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setsigmask(&attributes, &mask);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	int problem = posix_spawnp(pid, argv[0], &files, &attributes, argv, environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return problem;
}
