/* cputime PROCESS...: the processor time, seconds, that they have used: to the microsecond, where /proc
 * counts in hundredths of a second. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

int main(int argc, char *argv[])
{
	double sum = 0;
	for (int i = 1; i < argc; i++) {
		clockid_t clock;
		struct timespec used;
		int error = clock_getcpuclockid((pid_t)strtol(argv[i], NULL, 10), &clock);
		if (error || clock_gettime(clock, &used) < 0)
			errx(EX_UNAVAILABLE, "%s: %s", argv[i], error ? strerror(error) : "it has ended");
		sum += (double)used.tv_sec + (double)used.tv_nsec / 1e9;
	}
	printf("%.6f\n", sum);
}
