/* Faults on demand. */
#ifndef SANDBOX_FAULTS_H
#define SANDBOX_FAULTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct request;
struct sandbox;

enum fault_kind {
	FAULT_DELAY,
	FAULT_401,
	FAULT_429,
	FAULT_500,
	FAULT_503,
	FAULT_RESET_BEFORE,
	FAULT_RESET_AFTER,
	FAULT_CUT,
	FAULT_HANG,
	FAULT_QUOTE,
	FAULT_NONE,
};

struct fault {
	STAILQ_ENTRY(fault) next;
	enum fault_kind kind;
	long ms, retry_after;
	long left;     /* requests it still meets; -1: all */
	long skip;     /* requests that it lets pass first */
	double chance; /* 1: always */
	char *method, *path, *api, *of;
};

struct faults {
	STAILQ_HEAD(fault_queue, fault) all;
	uint64_t dice;
};

/* Reads `delay,ms=50,…` of -f; ends the program with status 64 where it is wrong. */
void fault_option(struct faults *f, const char *text);
/* What this request meets: adds up the delays in *ms, and gives the first fault of another kind. */
enum fault_kind fault_meet(struct faults *f, struct request *r, long *ms, long *retry_after);
void faults_free(struct faults *f);

/* FAULT_QUOTE: answers 422 with a message that repeats r->quoted of the request. False where it has none. */
bool quote_answer(struct sandbox *s, struct request *r);

#endif
