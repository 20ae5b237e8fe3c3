#include "text/waits.h"

void waits_open(pthread_cond_t *condition)
{
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

int64_t waits_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct timespec waits_after(int64_t ms)
{
	enum { NS = 1000000000 };
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += (time_t)(ms / 1000);
	t.tv_nsec += (long)(ms % 1000) * (NS / 1000);
	t.tv_sec += t.tv_nsec / NS;
	t.tv_nsec %= NS;
	return t;
}

void waits_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0)
		continue; /* a signal */
}
