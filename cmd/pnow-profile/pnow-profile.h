/* What the parts of pnow-profile tell each other. */
#ifndef PNOW_PROFILE_H
#define PNOW_PROFILE_H

#include "conf/profile.h"
#include "conf/webhook.h"

/* A name in a body that holds a single value: of a list's entries the first stands for all. */
struct leaf {
	const char *path; /* /data/client/email; of a header @X-Event */
	size_t outer;     /* bytes of it that lead to a body inside of a form: /payload; else 0 */
	struct str value; /* in the body; p NULL: a header's */
	const char *text; /* decoded; NULL: null, or an empty object or list */
	bool known;       /* the profile reads it, or would if what it tries before were not there */
};

/* A webhook: its body, or a request as pnow-hook -r has recorded it. */
struct sample {
	const char *file;   /* for people */
	struct str body;    /* an object */
	struct str headers; /* p NULL: they are not known */
	struct webhook_request request;
	struct leaf *leaves;
	size_t n;
	bool form;         /* the body was one */
	const char *query; /* of the request, names without values; or NULL */
	const char *list;  /* where the list of events seems to be that it is one of; NULL: it is the body */
	struct arena *a;
};

struct samples {
	struct sample *at; /* to be freed */
	size_t n;
	bool probed;       /* there was a question without a body, or with a challenge, too: it is no sample; */
	const char *query; /* its query, names without values, or NULL */
};

/* body.c */

/* Reads each file, or standard input where there is none ("-" is that, too). One that holds several events,
   as the profile says, or as it seems where that is NULL, makes so many samples. Ends the process with status
   65 where a file cannot be read, or holds no JSON object and no form, or one that the profile does not
   take, or where a profile is given and no file has a body.
 */
struct samples samples_read(struct arena *a, char **files, const struct profile *profile);
/* Its headers, where they are known; else NULL. */
const struct webhook_request *sample_request(const struct sample *s);
/* The leaf that a pointer of a place in this object leads to, or NULL. */
struct leaf *sample_leaf(const struct sample *s, struct str pointer, struct str object);

/* guess.c: what things are mostly called. A body is about a kind; EVENT_KINDS: nobody knows. */

struct guess {
	enum event_kind kind;
	const char *fact; /* one of pnow-event(5); NULL: none */
	unsigned rank;    /* 0 is the likeliest of a fact's names */
	bool named;       /* its name says whose it is */
};

/* The fact that a name might stand for; fact "name" is a person's whole name, "first" and "last" the halves
 * of the provider's. */
struct guess guess_fact(const struct leaf *leaf, enum event_kind about);
/* That it might stand for by what it holds; and in words what that is. */
struct guess guess_by_value(const struct leaf *leaf, const char **what);
/* Whether a text can be such a fact. */
bool guess_fits(enum event_kind kind, const char *fact, const char *text);
/* What an event of this name might mean: a type, "ping", or NULL. */
const char *guess_type(const char *name);
/* Whose a name is (patient, facility), where it says so and this is not the kind; else NULL. */
const char *guess_other(const struct leaf *leaf, enum event_kind kind);
/* The status that a word might mean, or NULL. */
const char *guess_status(const char *word);
/* The status that the name of an event about an appointment says (appointment.cancelled), or NULL. */
const char *guess_name_status(const char *name);
/* Which of event.name, event.id and event.time ("name", "id", "time") a name outside of the facts might be;
 * its rank. NULL: none. */
const char *guess_event(const struct leaf *leaf, unsigned *rank);

/* Whether an object of this name says nothing of what is in it: data, payload. */
bool guess_wraps(const char *name, size_t n);
/* The rank of a leaf's name, its pointer given, in a list of folded names with a blank around each;
   UINT16_MAX: it is not there. */
unsigned guess_in(const char *names, const char *pointer);

/* event.c */

/* The event that a profile makes of a sample without asking anybody: its type or name, its id where the
   sender gave one, when it occurred, its facts. */
struct str event_of(struct arena *a, const struct profile *p, const struct sample *s);

/* The commands: their exit status. */
struct task {
	const struct profile *profile;
	const char *base; /* -b, or NULL */
	bool verbose;
	struct arena a;
};

int explain(struct task *t, char **files);
int learn(struct task *t, char **files);
int event(struct task *t, char **files);
int test(struct task *t, char **folders);
int check(char **profiles, const char *conf_file);

#endif
