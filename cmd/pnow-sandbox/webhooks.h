/* Webhooks out: what the sandbox's own changes cause, sent by a thread of its own. */
#ifndef SANDBOX_WEBHOOKS_H
#define SANDBOX_WEBHOOKS_H

#include "patientnow.h"
#include "text/str.h"
#include <json-c/json.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct buf;
struct contact;
struct opportunity;
struct sandbox;

enum sender { SENDER_CRM, SENDER_PATIENTNOW, SENDERS };

struct delivery {
	STAILQ_ENTRY(delivery) next;
	enum sender sender;
	char *body;
	int64_t due; /* of waits_now */
	unsigned tries;
};

struct webhooks {
	const char *url[SENDERS]; /* NULL: none are sent */
	struct evp_pkey_st *key;  /* CRM: signs */
	char *secret;             /* PatientNow: signs */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	STAILQ_HEAD(delivery_queue, delivery) queue;
	bool ids_only; /* PatientNow: no other facts */
	bool running, stopping;
};

/* Starts the thread, if there is an address to send to. */
void webhooks_start(struct webhooks *w);
/* Ends it; what is still queued is not sent. */
void webhooks_stop(struct webhooks *w);
/* Queues a body, whose reference is taken over. */
void webhook_send(struct webhooks *w, enum sender sender, struct json_object *body);
/* Sends a body now and waits; the hook's status, or 0 with *error saying why there is none. Not under the
 * lock. */
long webhook_post(
	struct webhooks *w, enum sender sender, struct str body, struct buf *answer, const char **error);
void webhook_contact(struct sandbox *s, const char *type, const struct contact *c);
void webhook_opportunity(struct sandbox *s, const char *type, const struct opportunity *o);
void webhook_entry(struct sandbox *s, enum shelf_kind kind, const char *event, const struct entry *e);

#endif
