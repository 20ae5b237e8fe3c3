/* took FILE COMMAND [ARG]...: runs COMMAND and adds a line to FILE: seconds, seconds of processor time, KiB
 * at the most. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char *argv[])
{
	struct timespec began, ended;
	struct rusage used;
	int status;
	if (argc < 3)
		errx(EX_USAGE, "usage: took FILE COMMAND [ARG]...");
	clock_gettime(CLOCK_MONOTONIC, &began);
	pid_t pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		err(127, "%s", argv[2]);
	}
	if (pid < 0 || wait4(pid, &status, 0, &used) < 0)
		err(EX_OSERR, "cannot run %s", argv[2]);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	FILE *f = fopen(argv[1], "a");
	if (!f)
		err(EX_CANTCREAT, "%s", argv[1]);
	fprintf(f, "%.4f %.4f %ld\n",
		(double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9,
		seconds(used.ru_utime) + seconds(used.ru_stime), used.ru_maxrss);
	return fclose(f) == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}
