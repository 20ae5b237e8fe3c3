/*
 * pnow-sync: the ordinary pipeline for every workflow, from events to results. It does what a shell would do
 * for "pnow-enrich | categorize | crm-map | pnow-push | crm-push", since a single event waits longer for a
 * shell to start than for the CRM to answer.
 */
#include "conf/conf.h"
#include "conf/options.h"
#include "conf/sheet.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-sync [-nov] [-c FILE]\n"
	"Runs events (NDJSON on standard input) through pnow-enrich | categorize | crm-map | pnow-push | "
	"crm-push.\n"
	"  -c FILE  the practice's configuration (else $PNOW_CONFIG)\n"
	"  -n       show the requests that would be sent to the CRM, or why there is none, and send none\n"
	"           (PatientNow is still read)\n"
	"  -o       write results in the order of the events\n"
	"  -v       say more\n"
	"  -h, -V   this help, the version\n";

/* The filters in their order. */
static const struct {
	const char *name;
	bool dry;      /* takes -n */
	bool in_order; /* takes -o */
} filters[] = {
	{"pnow-enrich", false, true},
	{"categorize", false, false},
	{"crm-map", false, false},
	{"pnow-push", true, true},
	{"crm-push", true, true},
};

enum { FILTERS = COUNT(filters), NOT_STARTED = 127 };

/* A mistake in the configuration is told once, and not by each filter. */
static void check_configuration(const char *file)
{
	struct conf *conf = conf_read(file);
	sheet_free(sheet_read(conf->categories));
	conf_free(conf);
}

/* Starts a filter between two descriptors; 0 where that cannot be done. */
static pid_t start(const char *const *argv, int in, int out)
{
	extern char **environ;
	posix_spawn_file_actions_t files;
	pid_t pid = 0;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	errno = posix_spawnp(&pid, argv[0], &files, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (errno) {
		warn("cannot start %s", argv[0]);
		return 0;
	}
	return pid;
}

/* Starts all of them, each reading what the one before it writes. */
static void start_all(const struct options *o, pid_t pids[static FILTERS])
{
	for (int i = 0, in = STDIN_FILENO; i < FILTERS; i++) {
		const char *argv[5] = {filters[i].name};
		int ends[2] = {STDIN_FILENO, STDOUT_FILENO}, n = 1;
		if (o->verbose)
			argv[n++] = "-v";
		if (o->dry && filters[i].dry)
			argv[n++] = "-n";
		if (o->in_order && filters[i].in_order)
			argv[n++] = "-o";
		if (i < FILTERS - 1 && pipe2(ends, O_CLOEXEC) < 0)
			err(EX_OSERR, "cannot make a pipe");
		pids[i] = start(argv, in, ends[1]);
		if (in != STDIN_FILENO)
			close(in);
		if (ends[1] != STDOUT_FILENO)
			close(ends[1]);
		in = ends[0];
	}
}

/* A filter's exit status when it has ended, as a shell has it. */
static int status_of(pid_t pid)
{
	int status;
	if (!pid)
		return NOT_STARTED;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err(EX_OSERR, "cannot wait for a filter");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char *argv[])
{
	struct options o = {.usage = usage, .letters = "c:hnovV"};
	pid_t pids[FILTERS];
	options_read(argc, argv, &o);
	if (o.file && setenv("PNOW_CONFIG", o.file, 1) < 0)
		err(EX_OSERR, "cannot name the configuration");
	check_configuration(o.file);
	start_all(&o, pids);
	close(STDIN_FILENO);
	close(STDOUT_FILENO); /* whether it has a reader is crm-push's business */
	int status = 0;
	for (int i = 0; i < FILTERS; i++) {
		int ended = status_of(pids[i]);
		if (ended)
			status = ended; /* the last one's that is not 0 */
	}
	return status;
}
