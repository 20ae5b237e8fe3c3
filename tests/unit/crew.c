/* Threads for parts that are done beside each other: what they share, how many there are, and their end. */
#include "tap.h"
#include "stream/crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { MOST = 6, PARTS = 2000 };

static atomic_int at_work, most_at_work, ended;

static void nap(long us)
{
	nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

/* Works until its context is true. */
static void until(void *context)
{
	const atomic_bool *go = context;
	while (!*go)
		nap(100);
	ended++;
}

static void briefly(void *context)
{
	(void)context;
	int n = ++at_work;
	for (int seen = most_at_work; n > seen && !atomic_compare_exchange_weak(&most_at_work, &seen, n);)
		continue;
	nap(n % 3 * 50);
	at_work--;
	ended++;
}

/* As many as may be at work, which wait for one word. */
static void beside_each_other(struct crew *c)
{
	atomic_bool go = false;
	struct crew_part parts[MOST + 1];
	int begun = 0;
	for (int i = 0; i < MOST + 1; i++) {
		parts[i] = (struct crew_part){.run = until, .context = &go};
		begun += crew_begin(c, &parts[i]);
	}
	ok(begun == MOST, "as many are begun as may be at work, and no more");
	ok(ended == 0, "... which goes on until it is done");
	go = true;
	for (int i = 0; i < MOST; i++)
		crew_wait(&parts[i]);
	ok(ended == MOST, "... and is waited for");
}

/* One of several threads that have their parts done. */
static void *event(void *context)
{
	struct crew *c = context;
	for (int i = 0; i < PARTS / 4; i += 2) {
		struct crew_part parts[2] = {{.run = briefly}, {.run = briefly}};
		bool begun[2];
		for (int k = 0; k < 2; k++)
			if (!(begun[k] = crew_begin(c, &parts[k])))
				briefly(NULL);
		for (int k = 0; k < 2; k++)
			if (begun[k])
				crew_wait(&parts[k]);
	}
	return NULL;
}

int main(void)
{
	struct crew *c = crew_open(MOST);
	beside_each_other(c);
	ended = 0;
	pthread_t events[4];
	for (int i = 0; i < 4; i++)
		pthread_create(&events[i], NULL, event, c);
	for (int i = 0; i < 4; i++)
		pthread_join(events[i], NULL);
	ok(ended == PARTS, "%d parts of four at once are done, each once", PARTS);
	ok(most_at_work <= MOST + 4, "... by no more than may be at work, and who began them");
	crew_close(c);
	crew_close(NULL);
	c = crew_open(MOST);
	crew_close(c);
	ok(true, "a crew ends, also where it had nothing to do");
	return done();
}
