/* Lines of several threads are whole lines: none stands in the middle of another. */
#include "tap.h"
#include "text/say.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 4, LINES = 2000 };

static void *speak(void *name)
{
	for (int i = 0; i < LINES; i++)
		say("%s says line %d of %d", (const char *)name, i, LINES);
	return NULL;
}

int main(void)
{
	static char names[THREADS][2] = {"a", "b", "c", "d"};
	pthread_t threads[THREADS];
	char line[80];
	int whole = 0, torn = 0, before = dup(STDERR_FILENO);
	FILE *said = tmpfile();
	if (!said || before < 0 || dup2(fileno(said), STDERR_FILENO) < 0)
		return 1;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, speak, names[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	dup2(before, STDERR_FILENO);
	for (rewind(said); fgets(line, sizeof line, said);) {
		char name, rest[8] = "";
		int number, of;
		bool is_line =
			sscanf(line, "say: %c says line %d of %d%7s", &name, &number, &of, rest) == 3 && of == LINES;
		whole += is_line;
		torn += !is_line;
	}
	fclose(said);
	ok(whole == THREADS * LINES && torn == 0, "%d lines of %d threads: %d whole, %d torn", THREADS * LINES,
		THREADS, whole, torn);
	return done();
}
