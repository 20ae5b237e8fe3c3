/*
 * crowd [-i IDLE] [-d DRIPPING] [-n GOOD] PORT PATH HEADER – a crowd of hostile senders around good ones, at
 * 127.0.0.1: so many connections that say nothing, and so many that send a head or a body, a byte a second.
 * Those that are hung up on come again within a second. When all of them have been there, good senders, one
 * after another, each with a connection of its own, post events good-1, good-2 and so on, with HEADER.
 *
 * Writes one line: how many were answered 200, the times from connect to answer in milliseconds (median, 99
 * %, longest), and how many hostile connections were made.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
	SWEEPS = 20,
	ANSWER_S = 10,
	EACH_MAX = 100000
}; /* sweeps a second; each looks after a part of the crowd */

struct crowd {
	struct sockaddr_in at;
	const char *path, *header;
	unsigned idle, dripping, good;
	int *sockets; /* idle ones first; -1: not there */
	atomic_uint made;
	atomic_bool all_there, over;
};

/* How many milliseconds have passed. */
static double ms_since(struct timespec then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	timespecsub(&now, &then, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* What a dripping sender begins with, and what it then says over and over. */
static const char *const beginnings[][2] = {
	{"POST %s HTTP/1.1\r\nHost: x\r\n%s\r\nX-Long: ", "x"},
	{"POST %s HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n",
		"{"},
	{"POST %s HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Type: application/json\r\nTransfer-Encoding: "
	 "chunked\r\n\r\n",
		"1\r\n{\r\n"},
};

/* Says a part; false where the connection is gone. */
static bool says(int socket, const char *text)
{
	return send(socket, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno == EAGAIN ||
		   errno == ENOTCONN;
}

/* Number i of the crowd comes, or comes again. */
static void come(struct crowd *c, unsigned i)
{
	char text[1024];
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (s < 0)
		err(EX_OSERR, "socket");
	/* No port waits for a while when we close it. */
	setsockopt(s, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
	if (connect(s, (struct sockaddr *)&c->at, sizeof c->at) < 0 && errno != EINPROGRESS)
		err(EX_UNAVAILABLE, "connect");
	if (i >= c->idle) {
		snprintf(text, sizeof text, beginnings[i % 3][0], c->path, c->header);
		says(s, text);
	}
	c->sockets[i] = s;
	c->made++;
}

/* Number i does what it does once a second. */
static void look_after(struct crowd *c, unsigned i)
{
	char byte;
	int s = c->sockets[i];

	bool gone = s < 0 || recv(s, &byte, 1, MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != ENOTCONN);
	if (!gone && i >= c->idle)
		gone = !says(s, beginnings[i % 3][1]);
	if (!gone)
		return;
	if (s >= 0)
		close(s);
	come(c, i);
}

/* The crowd. */
static void *press(void *context)
{
	struct crowd *c = context;
	unsigned n = c->idle + c->dripping;

	for (unsigned sweep = 0; !c->over; sweep++) {
		for (unsigned i = sweep % SWEEPS; i < n; i += SWEEPS)
			look_after(c, i);
		c->all_there = sweep >= SWEEPS;
		nanosleep(&(struct timespec){0, 1000000000 / SWEEPS}, NULL);
	}
	return NULL;
}

/* A good sender; whether it was answered 200, and in how many milliseconds. */
static bool post(const struct crowd *c, unsigned number, double *ms)
{
	char body[128], text[1024], answer[1024] = "";
	struct timespec began;
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval patience = {.tv_sec = ANSWER_S};

	clock_gettime(CLOCK_MONOTONIC, &began);
	snprintf(body, sizeof body,
		"{\"event\":\"PatientUpdated\",\"eventId\":\"good-%u\",\"data\":{\"patientId\":\"%u\"}}", number,
		number);
	int n = snprintf(text, sizeof text,
		"POST %s HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Type: application/json\r\nConnection: close\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		c->path, c->header, strlen(body), body);
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	bool answered = connect(s, (const struct sockaddr *)&c->at, sizeof c->at) == 0 &&
					send(s, text, (size_t)n, MSG_NOSIGNAL) == n && recv(s, answer, sizeof answer - 1, 0) > 0;
	*ms = ms_since(began);
	close(s);
	return answered && strncmp(answer, "HTTP/1.1 200", strlen("HTTP/1.1 200")) == 0;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* All of the good senders, and what became of them. */
static void post_all(struct crowd *c)
{
	double *ms = calloc(c->good, sizeof *ms);
	unsigned answered = 0;

	if (!ms)
		err(EX_OSERR, "out of memory");
	for (unsigned i = 0; i < c->good; i++) {
		answered += post(c, i + 1, &ms[i]);
		nanosleep(&(struct timespec){0, 10000000}, NULL);
	}
	qsort(ms, c->good, sizeof *ms, by_size);
	printf("%u answered of %u median_ms %.1f p99_ms %.1f longest_ms %.1f hostile %u\n", answered, c->good,
		ms[c->good / 2], ms[c->good * 99 / 100], ms[c->good - 1], c->made);
	fflush(stdout);
	free(ms);
}

/* As many files as we may open; ends the process where they are too few. */
static void raise_descriptors(unsigned wanted)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < wanted)
		errx(EX_OSERR, "%u files must be open at once, and only %llu may be", wanted,
			(unsigned long long)limit.rlim_cur);
}

int main(int argc, char *argv[])
{
	static struct crowd c = {.good = 100};
	const char *problem = NULL;
	pthread_t thread;

	for (int letter; (letter = getopt(argc, argv, "d:i:n:")) != -1;) {
		unsigned *number = letter == 'd' ? &c.dripping : letter == 'i' ? &c.idle : &c.good;
		*number = letter == '?' ? 0 : (unsigned)strtonum(optarg, 0, EACH_MAX, &problem);
		if (letter == '?' || problem)
			errx(EX_USAGE, "usage: crowd [-i IDLE] [-d DRIPPING] [-n GOOD] PORT PATH HEADER");
	}
	if (argc - optind != 3 || c.good == 0)
		errx(EX_USAGE, "usage: crowd [-i IDLE] [-d DRIPPING] [-n GOOD] PORT PATH HEADER");
	c.at = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtonum(argv[optind], 1, 65535, &problem)),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	c.path = argv[optind + 1];
	c.header = argv[optind + 2];
	raise_descriptors(c.idle + c.dripping + 64);
	c.sockets = malloc((c.idle + c.dripping + 1) * sizeof *c.sockets);
	if (!c.sockets)
		err(EX_OSERR, "out of memory");
	memset(c.sockets, -1, (c.idle + c.dripping + 1) * sizeof *c.sockets);
	if (pthread_create(&thread, NULL, press, &c) != 0)
		errx(EX_OSERR, "cannot start a thread");
	while (!c.all_there)
		nanosleep(&(struct timespec){0, 10000000}, NULL);
	post_all(&c);
	c.over = true;
	pthread_join(thread, NULL);
	free(c.sockets);
	return EX_OK;
}
