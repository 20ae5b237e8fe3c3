/* Commands that are started for a practice: their environment, their signals, their descriptors. */
#include "tap.h"
#include "stream/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void environment(void)
{
	static char *const ours[] = {
		"PNOW_CONFIG=old.json", "TZ=UTC0", "PNOW_CONFIGURATION=x", "PNOW=y", "odd", NULL};
	static const char *const variables[] = {"PNOW_CONFIG=new.json", "TZ=America/Denver", NULL};
	static const char *const want[] = {
		"PNOW_CONFIGURATION=x", "PNOW=y", "odd", "PNOW_CONFIG=new.json", "TZ=America/Denver"};
	struct arena a = {0};
	char **made = child_environment(&a, ours, variables);
	size_t n = 0;
	for (; n < COUNT(want) && made[n]; n++)
		is_text(made[n], want[n], "a variable takes the place of ours, and the others stay");
	ok(n == COUNT(want) && !made[n], "that is all of them");
	arena_free(&a);
}

/* What a shell's command writes, started with those variables. */
static const char *said(const char *command, char *const *variables)
{
	static char text[256];
	char *const argv[] = {"sh", "-c", (char *)command, NULL};
	int in[2], out[2];
	pid_t pid;
	text[0] = '\0';
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
		child_start(&pid, argv, variables, in[0], out[1]) != 0)
		return "not started";
	close(in[0]);
	close(out[1]);
	(void)!write(in[1], "a line\n", 7);
	close(in[1]);
	ssize_t n = read(out[0], text, sizeof text - 1);
	text[n < 0 ? 0 : n] = '\0';
	close(out[0]);
	waitpid(pid, NULL, 0);
	return text;
}

static void start(void)
{
	static char *const variables[] = {"PNOW_CONFIG=new.json", NULL};
	char *const nowhere[] = {"./there-is-none", NULL};
	pid_t pid;
	is_text(said("read -r line; echo \"$line, $PNOW_CONFIG\"", variables), "a line, new.json\n",
		"input, output, environment");

	sigset_t blocked, before;
	sigfillset(&blocked);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	is_text(said("kill -TERM $$; echo lives", variables), "", "a signal that we block reaches it");
	is_text(said("kill -PIPE $$; echo lives", variables), "", "and one that we ignore");
	sigprocmask(SIG_SETMASK, &before, NULL);

	const char *group = said("ps -o pgid= -p $$ | tr -d ' '", environ);
	ok(*group && atoi(group) != getpgrp(), "it has a process group of its own");
	ok(child_start(&pid, nowhere, variables, STDIN_FILENO, STDOUT_FILENO) == ENOENT,
		"a command that is not there: errno tells");
}

int main(void)
{
	environment();
	start();
	return done();
}
