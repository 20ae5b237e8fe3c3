/*
 * All that the sandbox is: one struct holds everything. Its lock is held by serve.c while a request is
 * answered, so that no other file needs to think about threads, except where it says so.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "crm_store.h"
#include "faults.h"
#include "ids.h"
#include "patientnow.h"
#include "requests.h"
#include "webhooks.h"
#include <pthread.h>
#include <stdbool.h>

struct limits {
	long crm_burst, crm_window_ms, crm_daily, patientnow_daily; /* 0: none */
	long search_lag_ms;
};

struct sandbox {
	pthread_mutex_t lock;
	struct limits limits;
	struct ids ids;
	struct crm crm;
	struct practice practice;
	struct faults faults;
	struct requests requests;
	struct webhooks webhooks;
	const char *seed_file; /* or NULL */
	char *seed;            /* its text: /_/reset reads it again */
	int stop[2];           /* a pipe: readable when the sandbox stops, for those who wait */
	bool verbose;
};

#endif
