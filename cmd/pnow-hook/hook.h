/* What the parts of pnow-hook tell each other: a request comes from httpd.c or cgi.c, request.c makes the
 * answer. */
#ifndef HOOK_H
#define HOOK_H

#include "conf/conf.h"
#include "conf/mistake.h"
#include "conf/profile.h"
#include "conf/verifier.h"
#include "conf/webhook.h"
#include "stream/trouble.h"
#include "text/arena.h"
#include "text/buf.h"

#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <time.h>

enum {
	HOOK_BODY_MAX = 1 << 20, /* bytes of a body; more is refused */
	HOOK_DISCARD =
		16 << 20, /* bytes of a refused body that are read, so that the sender gets to see the answer */
	HOOK_EVENTS_MAX = 1000, /* in a body */
	HOOK_COME_AGAIN = 60,   /* seconds, in Retry-After */
	HOOK_RECEIVE = 60,      /* seconds that a request may take to arrive */
	HOOK_IDLE = 30,         /* seconds without a byte */
	WORKERS_MAX = 256,      /* requests that are carried out at once */
	LINGERERS_MAX = 64,     /* refused senders that are listened to for a while */
	HOOK_SENDERS = SENDER_CRM + 1,
};

/* What became of an event: what decides the answer. PENDING: nobody knows yet. */
enum delivery { DELIVERED, COME_AGAIN, UNDELIVERABLE, PENDING };

/* A request, whatever it came by. Texts live until the answer is out. */
struct request {
	const char *method;
	const char *path;  /* decoded: /hook/PRACTICE/SENDER */
	const char *query; /* as sent, without the '?'; NULL: none */
	/* A header's value, or NULL; the name's case does not matter. */
	const char *(*header)(const void *transport, const char *name);
	/* Calls take for each of its headers. */
	void (*each_header)(const void *transport,
		void (*take)(void *context, const char *name, const char *value), void *context);
	const void *transport;
	struct arena *arena;
	/* Called, in any thread, when an answer is there that request_body did not give. NULL: nobody waits for
	   such a one. */
	void (*answered)(const void *transport);
	bool health;       /* set by request_head: a monitor asks for /healthz */
	const char *unfit; /* set by request_head: why the body, which is to be recorded, is not taken */
	/* Set by request_head: who asks for whom. Left by request_end. */
	struct practice *practice;
	enum webhook_sender sender;
	/* The bodies of events that the body holds, and how many have been looked at. */
	struct str *bodies;
	size_t bodies_n, next;
	struct hook *hook;
	const char *last_id; /* as the sender told it */
	/* Set by request_body: what is delivered, and who is told what became of it where that was PENDING. */
	struct webhook event;
	struct answer *answer;
	void (*delivered)(struct request *r, enum delivery outcome);
};

/* What is answered, with the headers that its status asks for. Texts that are NULL are left out. */
struct answer {
	unsigned status;
	const char *text; /* JSON, */
	bool plain;       /* or what the sender wants to hear, and nothing that anybody may take for a page */
	const char *id;   /* of the event */
	const char *allow;
	const char *challenge;   /* WWW-Authenticate */
	const char *retry_after; /* seconds */
};

struct practice {
	const char *name;
	const char *file;                     /* its configuration */
	struct conf *conf;                    /* NULL: it is broken, and has nothing of what follows */
	struct profile *profile;              /* NULL where PatientNow's hook is not configured */
	struct verifier verify[HOOK_SENDERS]; /* by enum webhook_sender */
	struct store *store;                  /* NULL where events go to a command */
	unsigned users;                       /* requests that have taken it */
	struct practice *next;                /* of those that have retired */
	struct arena arena;
};

struct practices {
	const char *folder;   /* of the configurations; NULL: they were named one by one */
	bool stores;          /* events go to inboxes, */
	bool listening;       /* of many requests at once */
	pthread_mutex_t lock; /* of what follows, and of practice.users */
	struct practice **at; /* by name */
	size_t n;
	struct practice *retired;
	pthread_mutex_t zone; /* of the process's time zone */
	bool zones;           /* that is now one practice's, now another's */
	char in_zone[64];     /* whose; "": nobody knows */
};

/* COMMAND, and the runs of it that are on their way. */
struct command {
	char **argv;
	char **environment;
	unsigned at_once;
	unsigned seconds; /* a run may take */
	pthread_mutex_t lock;
	pthread_cond_t ended;   /* a run has */
	pthread_cond_t changed; /* a run has begun: the watcher's next deadline may be another */
	struct command_run *runs;
	unsigned running;
	pthread_t watcher;
	bool watched;
	bool closing;
};

/* Where whole requests are recorded. */
struct recorder {
	const char *folder;   /* NULL: nowhere */
	unsigned days;        /* until they are deleted */
	pthread_mutex_t lock; /* of what follows */
	int64_t swept;        /* when old files were deleted, last */
	size_t files;
	unsigned number;
	struct trouble trouble;
};

struct hook {
	struct recorder recorder;
	struct practices practices;
	bool verbose;
	/* Where events go: r->event, as a line that ends with a newline and lives as long as the request. Tells
	   on stderr why an event was not delivered. May give the event another id, the one that it is kept under.
	 */
	enum delivery (*deliver)(struct hook *h, struct request *r, struct str line);
	struct command command;
	struct workers *workers; /* NULL: there is one request, carried out where it arrives */
};

/* practices.c: found and left by any thread, the rest is the main thread's */

void practices_open(struct practices *ps);
void practices_close(struct practices *ps);
/* Adds the practice of a configuration (NULL: $PNOW_CONFIG). Ends the process with status 78 where it is
   wrong. */
void practices_add(struct practices *ps, const char *file);
/* Reads the folder, again where it was read before; tells what is wrong with each practice that is broken.
   False: it cannot be read, and why; then all is as before. */
bool practices_read(struct practices *ps, char why[static MISTAKE_MAX]);
/* The practice of this name, for a request that must leave it again; or NULL. */
struct practice *practices_take(struct practices *ps, struct str name);
void practices_leave(struct practices *ps, struct practice *p);
/* NULL where the events of all of them can be stored now; else why not, in words that name no practice and no
   file. May take a moment. */
const char *practices_trouble(struct practices *ps, struct arena *a);
/* The process's time zone is this practice's until it is left: a process has only one at a time. */
void practices_enter_zone(struct practices *ps, const struct practice *p);
void practices_leave_zone(struct practices *ps);
/* Frees what nobody has any more, and lets the stores rest. */
void practices_tend(struct practices *ps);

/* request.c */

/* Judges what stands before the body: path, method, length, type. True: *answer is there, and no body is
 * wanted. */
bool request_head(struct hook *h, struct request *r, struct answer *answer);
/* Judges signature and body, and delivers the event. False: r->answered will be called, perhaps it was
   already; the request may be gone. */
bool request_body(struct hook *h, struct request *r, struct str body, struct answer *answer);
/* A sender's text as a log may hold it: printable ASCII, not too long. */
const char *request_shown(struct arena *a, const char *text);
/* The answer to a request that nobody should make sense of; why must need no escapes. */
void request_malformed(struct request *r, struct answer *answer, const char *why);
/* The answer to a request that there is no room for now: come again. */
void request_crowded(struct request *r, struct answer *answer);
/* The answer to a body that turns out too long, or that ends before its time. */
void request_too_long(struct request *r, struct answer *answer);
void request_cut_short(struct request *r, struct answer *answer);
/* When its answer is out. */
void request_end(struct hook *h, struct request *r);
/* With -v, the line on stderr about an answered request; started is when it began to arrive. */
void request_told(
	const struct hook *h, const struct request *r, const struct answer *answer, struct timespec started);

/* body.c */

/* The profile of the request's sender, or NULL. */
const struct profile *body_profile(const struct request *r);
/* NULL where the body is of a type, and packed in a way, that this sender may use; else what was expected,
   and in *mend what may be done about it, for whoever runs the hook, or NULL. */
const char *body_unfit(const struct request *r, const char **mend);
/* The body, unpacked (the arena's) where it is compressed. *status is 400 where it cannot be, 413 where that
 * is too long, else 0. */
struct str body_unpacked(const struct request *r, struct str body, unsigned *status);
/* Which of the two the sender has signed. */
struct str body_signed(const struct request *r, struct str sent, struct str unpacked);
/* An unpacked body as JSON; p NULL where a form is none, and why. What should be JSON is not looked at. */
struct str body_json(const struct request *r, struct str body, const char **wrong);

/* recorder.c */

/* Whether requests are recorded. */
static inline bool recorder_records(const struct recorder *rec)
{
	return rec->folder != NULL;
}

/* Ends the process with status 78 where the folder is none. */
void recorder_open(struct recorder *rec, const char *folder, unsigned days);
/* Deletes what has become too old, about once a minute. */
void recorder_tend(struct recorder *rec);
/* Records a request of a known practice, where requests are recorded; body's p NULL: it was not read. */
void recorder_take(struct recorder *rec, const struct request *r, struct str body);

/* verify.c */

/* NULL where body really comes from the sender; else why not, in words that hold no secret. */
const char *verifier_refuses(const struct verifier *v, const struct request *r, struct str body);
/* NULL where the time is right that a signed body itself states, else why not; body has been checked to be an
 * object. */
const char *verifier_stale(const struct verifier *v, const struct request *r, struct str body);
/* The delivery id that the scheme carries outside of the body, or NULL. */
const char *verifier_delivery_id(const struct verifier *v, const struct request *r);
/* What WWW-Authenticate must say, or NULL. */
const char *verifier_challenge(const struct verifier *v);

/* command.c */

void command_open(struct command *c, char **argv, char **environment, unsigned at_once, unsigned seconds);
/* When no run is on its way any more. */
void command_close(struct command *c);
/* hook.deliver: runs COMMAND once, with the event on its standard input, and waits for its end. */
enum delivery command_deliver(struct hook *h, struct request *r, struct str line);

/* store.c */

/* The inbox of a practice, not opened yet. listening: there are many requests, else one. Ends the process
   with status 78 where the configuration names no state file. */
struct store *store_new(struct conf *conf, bool listening);
/* Opens the file if it can be, so that what is wrong with it is said now, and closes it until it is needed.
 */
void store_try(struct store *s);
/* NULL where an event can be stored, as of a second ago at most; else why not, in words that name no file.
 */
const char *store_trouble(struct store *s);
/* Closes the file where it has not been needed for a while. */
void store_rest(struct store *s);
/* When no request is on its way any more; s may be NULL. */
void store_free(struct store *s);
/* hook.deliver: stores the event in the inbox of its practice; DELIVERED when it is on the disk. With workers
   it is PENDING until then. */
enum delivery store_deliver(struct hook *h, struct request *r, struct str line);

/* framing.c */

/* NULL where the head of a request says one thing only about where it ends; else what is wrong with it. uri
   (not looked at) and its length are what MHD_OPTION_URI_LOG_CALLBACK got, method and version what the
   handler did. */
const char *framing_problem(
	struct MHD_Connection *c, const char *method, const char *uri, size_t uri_n, const char *version);

/* workers.c */

/* Something to do in a thread of its own. */
struct errand {
	void (*run)(void *context);
	void *context;
	STAILQ_ENTRY(errand) next;
};

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t more;
	STAILQ_HEAD(errands, errand) queue;
	pthread_t threads[WORKERS_MAX];
	unsigned n, idle, waiting; /* threads, those without work, errands in the queue */
	bool closing;
};

void workers_open(struct workers *w);
/* Has e->run called, soon; e stays the caller's. Ends the process with status 71 where there is no thread at
 * all. */
void workers_add(struct workers *w, struct errand *e);
/* When all is done. */
void workers_close(struct workers *w);

/* linger.c: one thread at a time */

struct lingerers {
	struct lingerer {
		int socket;
		struct timespec since;
		size_t received;
	} at[LINGERERS_MAX];
	size_t n;
};

/* Keeps a copy of a socket whose sender was answered, and ends our side of it. The one that was kept longest
   goes where there are too many. */
void linger_add(struct lingerers *l, int socket);
/* Reads on, and closes those that are silent or have had their time. */
void linger_read(struct lingerers *l);
/* What poll(2) is to wait for; how many. */
size_t linger_polled(const struct lingerers *l, struct pollfd fds[static LINGERERS_MAX]);

/* httpd.c */

/* Listens at ADDRESS:PORT, and says where; port_file (or NULL) gets the port. Who connects waits, and from
   now on SIGTERM ends httpd_listen, and, where the practices are a folder's, SIGHUP has it read again.
   Returns the socket. */
int httpd_open(struct hook *h, const char *address, const char *port_file);
/* Answers what comes to that socket until SIGTERM. Returns the exit status. */
int httpd_listen(struct hook *h, int listening);
/* Answers one request on a connected socket. */
int httpd_inetd(struct hook *h, int socket);

/* cgi.c */

/* Answers the request that environment and standard input hold, on the descriptor out. */
int cgi_answer(struct hook *h, int out);

#endif
