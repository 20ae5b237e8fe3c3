/*
 * load [-1] [-c CONNECTIONS] [-r RATE] URL[,URL...] FILE – posts webhooks as a sender does that does not give
 * up, as one behind a balancer where there are several URLs: what one does not take goes to the next. FILE
 * has a line KEY, ID, BODY (between tabs) for each. Lines with the same key go over the same connection, one
 * after another, each until it was answered 200; every twentieth is sent once more after that (not with -1).
 * Writes the id of each that got its 200.
 */
#include "text/buf.h"

#include <curl/curl.h>
#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64, TRIES_MAX = 3000, AGAIN_MS = 50, ANSWER_S = 15, TWICE = 20, URLS_MAX = 16 };

struct load {
	const char *urls[URLS_MAX];
	size_t n_urls;
	char *text; /* of FILE; tabs and newlines have been made NULs */
	struct line {
		unsigned long key;
		const char *id, *body;
	} * lines;
	size_t n;
	unsigned connections;
	size_t twice; /* every one of so many is sent once more; 0: none */
	double rate;  /* a second; 0: as fast as it goes */
	struct timespec began;
	pthread_mutex_t lock; /* of standard output */
};

struct sender {
	struct load *load;
	unsigned number;
	pthread_t thread;
	CURL *easy;
	size_t url; /* where the next one goes */
};

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static size_t forget(char *bytes, size_t one, size_t n, void *context)
{
	(void)bytes;
	(void)context;
	return one * n;
}

/* Posts a line's body once; whether the answer was 200. */
static bool post(struct sender *s, const struct line *line)
{
	long status = 0;
	curl_easy_setopt(s->easy, CURLOPT_URL, s->load->urls[s->url]);
	curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, line->body);
	return curl_easy_perform(s->easy) == CURLE_OK &&
		   curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status == 200;
}

/* Posts it until it was taken. */
static void deliver(struct sender *s, const struct line *line)
{
	unsigned tries = 0;
	while (!post(s, line)) {
		if (++tries == TRIES_MAX)
			errx(EX_UNAVAILABLE, "%s was not taken in %u tries", line->id, tries);
		s->url = (s->url + 1) % s->load->n_urls;
		sleep_ms(AGAIN_MS);
	}
}

/* Waits until line number i is due. */
static void pace(const struct load *l, size_t i)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	double gone = (double)(now.tv_sec - l->began.tv_sec) + (double)(now.tv_nsec - l->began.tv_nsec) / 1e9;
	double due = l->rate > 0 ? (double)i / l->rate : 0;
	if (due > gone)
		sleep_ms((long)((due - gone) * 1000));
}

static void *send_all(void *context)
{
	struct sender *s = context;
	struct load *l = s->load;
	for (size_t i = 0; i < l->n; i++) {
		const struct line *line = &l->lines[i];
		if (line->key % l->connections != s->number)
			continue;
		pace(l, i);
		deliver(s, line);
		if (l->twice && i % l->twice == 0)
			deliver(s, line);
		pthread_mutex_lock(&l->lock);
		printf("%s\n", line->id);
		fflush(stdout);
		pthread_mutex_unlock(&l->lock);
	}
	return NULL;
}

static void read_lines(struct load *l, const char *path)
{
	struct buf text = {0};
	FILE *file = fopen(path, "r");
	size_t n, room = 0;
	if (!file)
		err(EX_NOINPUT, "%s", path);
	do {
		buf_reserve(&text, 65536);
		text.n += n = fread(text.p + text.n, 1, 65536, file);
	} while (n);
	fclose(file);
	buf_putc(&text, '\0');
	l->text = text.p;
	for (char *rest = text.p, *line; (line = strsep(&rest, "\n")) && *line;) {
		if (l->n == room &&
			!(l->lines = reallocarray(l->lines, room = room ? 2 * room : 64, sizeof *l->lines)))
			err(EX_OSERR, "out of memory");
		unsigned long key = strtoul(strsep(&line, "\t"), NULL, 10);
		const char *id = strsep(&line, "\t");
		if (!id || !line)
			errx(EX_DATAERR, "%s: line %zu: expected KEY, ID and BODY", path, l->n + 1);
		l->lines[l->n++] = (struct line){key, id, line};
	}
}

/* All of the senders, until each has sent its lines. */
static void run(struct load *l)
{
	struct sender senders[CONNECTIONS_MAX];
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	clock_gettime(CLOCK_MONOTONIC, &l->began);
	for (unsigned i = 0; i < l->connections; i++) {
		struct sender *s = &senders[i];
		*s = (struct sender){.load = l, .number = i, .easy = curl_easy_init(), .url = i % l->n_urls};
		curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, forget);
		curl_easy_setopt(s->easy, CURLOPT_TIMEOUT, (long)ANSWER_S);
		curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
		if (pthread_create(&s->thread, NULL, send_all, s) != 0)
			errx(EX_OSERR, "cannot start a thread");
	}
	for (unsigned i = 0; i < l->connections; i++) {
		pthread_join(senders[i].thread, NULL);
		curl_easy_cleanup(senders[i].easy);
	}
	curl_slist_free_all(headers);
}

int main(int argc, char *argv[])
{
	struct load l = {.connections = 8, .twice = TWICE, .lock = PTHREAD_MUTEX_INITIALIZER};
	const char *problem = NULL;
	for (int letter; (letter = getopt(argc, argv, "1c:r:")) != -1;) {
		if (letter == '1')
			l.twice = 0;
		else if (letter == 'c')
			l.connections = (unsigned)strtonum(optarg, 1, CONNECTIONS_MAX, &problem);
		else if (letter == 'r')
			l.rate = (double)strtonum(optarg, 0, 1000000, &problem);
		if (letter == '?' || problem)
			errx(EX_USAGE, "usage: load [-1] [-c CONNECTIONS] [-r RATE] URL[,URL...] FILE");
	}
	if (argc - optind != 2)
		errx(EX_USAGE, "usage: load [-1] [-c CONNECTIONS] [-r RATE] URL[,URL...] FILE");
	for (char *rest = argv[optind]; rest && l.n_urls < URLS_MAX;)
		l.urls[l.n_urls++] = strsep(&rest, ",");
	curl_global_init(CURL_GLOBAL_DEFAULT);
	read_lines(&l, argv[optind + 1]);
	run(&l);
	free(l.lines);
	free(l.text);
	curl_global_cleanup();
	return EX_OK;
}
