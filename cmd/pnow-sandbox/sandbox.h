/*
 * pnow-sandbox: what its files tell each other. One struct sandbox holds everything; its lock is held by
 * serve.c while a request is answered, so that no other file needs to think about threads, except where it
 * says so.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "text/buf.h"
#include "text/str.h"
#include "value/when.h"
#include <json-c/json.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <time.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

enum { ID_TEXT = 21, SEGMENTS = 8, HEADERS = 12, BODY_MAX = 4 << 20 };

/* ---- text.c: small things about text and time ---- */

/* A copy; without memory the program ends with status 70, as everywhere in lib. */
char *text_copy(const char *text);
/* The text with ASCII letters in lower case; its digits only, NULL where it has none. To be freed. */
char *text_lower(const char *text);
char *text_digits(const char *text);
/* Milliseconds of a clock that never goes back, and of the day's, since 1970. */
int64_t now_ms(void);
int64_t clock_ms(void);
/* The member's text; NULL where there is none or it is no string. A number counts as text for scalar. */
const char *member_text(struct json_object *object, const char *name);
const char *member_scalar(struct json_object *object, const char *name);
struct json_object *member(struct json_object *object, const char *name);
/* Sets a member to text; nothing where text is NULL. */
void member_set(struct json_object *object, const char *name, const char *text);
/* Walks an object: m starts as {0}; false after the last member. The object must not change meanwhile. */
struct each {
	const char *name;
	struct json_object *value; /* NULL: null */
	struct lh_entry *at;
	bool begun;
};
bool each_member(struct json_object *object, struct each *m);
/* A copy that shares nothing with the original. */
struct json_object *json_copy(struct json_object *original);
/* A hash table from text that it frees to something it does not own. */
struct lh_table *index_new(void);
/* Takes key over; what the key led to before is forgotten. */
void index_put(struct lh_table *index, char *key, const void *value);
void *index_get(struct lh_table *index, const char *key);
/* Forgets the key, if it leads to value. */
void index_drop(struct lh_table *index, const char *key, const void *value);

/* ---- ids.c: ids that look like the CRM's, and are the same in every run ---- */

enum id_kind {
	ID_CONTACT,
	ID_NOTE,
	ID_OPPORTUNITY,
	ID_FIELD,
	ID_PIPELINE,
	ID_STAGE,
	ID_WORKFLOW,
	ID_TOKEN,
	ID_TRACE,
	ID_KINDS
};

struct ids {
	uint64_t made[ID_KINDS];
};

const char *id_new(struct ids *ids, enum id_kind kind, char id[static ID_TEXT]);
/* A random UUID: for deliveries, which must differ from those of the run before. */
void id_delivery(char uuid[static 37]);

/* ---- answer.c ---- */

enum api { API_PATIENTNOW, API_ENVISION, API_CRM, API_OWN, API_NONE };

struct answer {
	unsigned status; /* 0: none yet */
	const char *type;
	struct buf body;
	struct {
		const char *name;
		char value[64];
	} headers[HEADERS];
	size_t headers_n;
};

struct request {
	struct MHD_Connection *connection;
	const char *method;
	char *uri;  /* as sent, query included */
	char *path; /* decoded, cut into its segments below the API's prefix */
	const char *segments[SEGMENTS];
	size_t segments_n;
	const char *arg[3]; /* what stands for the {} of the route */
	enum api api;
	const char *below; /* of uri: what follows the API's prefix */
	bool begun, too_long, not_json;
	struct buf body;
	struct json_object *json;  /* the body, if it is JSON */
	struct location *location; /* of the token: CRM */
	struct answer answer;
	char at[WHEN_TEXT];
	int64_t began;
	const char *fault; /* the fault it met, or NULL */
	char quoted[64];   /* FAULT_QUOTE: the member whose value is to be repeated */
	size_t number;
};

const char *request_header(const struct request *r, const char *name);
const char *request_query(const struct request *r, const char *name);
/* A query parameter as a number in [low, high]; missing is what is not there, and a number outside is cut to
 * the range. */
long request_number(const struct request *r, const char *name, long missing, long low, long high);

/* Answers with a JSON value, which is taken over. */
void answer_json(struct request *r, unsigned status, struct json_object *value);
/* Answers with a message in the API's way of saying it. */
void answer_error(struct request *r, unsigned status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void answer_header(struct request *r, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- crm_store.c: contacts and opportunities of all locations ---- */

struct contact {
	TAILQ_ENTRY(contact) next;
	struct location *location;
	char *id;
	struct json_object *own;         /* firstName, email … : the properties that the contract names */
	struct json_object *fields;      /* custom field id: value */
	struct json_object *tags;        /* array */
	struct json_object *more_emails; /* array */
	struct json_object *notes;       /* array, oldest first */
	struct json_object *workflows;   /* array of names, in order of enrolment */
	TAILQ_HEAD(opportunity_list, opportunity) opportunities;
	struct json_object *seen; /* what searches see, while they lag; see crm_search.c */
	char added[WHEN_TEXT], updated[WHEN_TEXT];
};

struct opportunity {
	TAILQ_ENTRY(opportunity) next, next_of_contact;
	struct contact *contact;
	const char *id; /* own's */
	struct json_object *own;
	struct json_object *seen;
};

struct location {
	TAILQ_ENTRY(location) next;
	char *id;
	bool one_opportunity; /* a second opportunity of a contact in a pipeline is refused */
	struct json_object *fields, *pipelines, *workflows; /* arrays, as the API shows them */
	struct lh_table *field_by_id, *field_by_name;       /* to what fields owns */
	struct lh_table *by_email, *by_phone;               /* contacts */
	struct lh_table *seen_email, *seen_phone;           /* the same, as searches see them */
	int64_t window_began;
	long window_used, day_used;
};

/* A change that searches do not see yet. */
struct unseen {
	STAILQ_ENTRY(unseen) next;
	int64_t due;
	char *contact, *opportunity; /* the id of one of them */
	struct json_object *shown;
};

/* What an access token is good for. */
struct access {
	STAILQ_ENTRY(access) next;
	struct location *location; /* NULL: revoked */
	int64_t expires;           /* of now_ms(); 0: never, since it is no OAuth's */
};

struct crm {
	TAILQ_HEAD(location_list, location) locations;
	TAILQ_HEAD(contact_list, contact) contacts;
	struct opportunity_list opportunities;
	STAILQ_HEAD(unseen_queue, unseen) unseen;
	struct lh_table *contact_by_id, *opportunity_by_id;
	struct lh_table *tokens; /* access token: its struct access */
	STAILQ_HEAD(access_list, access) accesses;
	struct lh_table *refresh_tokens; /* the same, while unused */
	char *client_id, *client_secret, *company_id;
	struct location company; /* stands for the agency in tokens; holds nothing */
	long expires_in;
	long day;
};

struct sandbox;
void store_open(struct crm *crm);
void store_close(struct crm *crm);
struct location *location_new(struct crm *crm, const char *id);
struct location *location_by_id(struct crm *crm, const char *id);
/* Adds an access token that is good for life seconds, 0: for ever. */
void token_add(struct crm *crm, const char *token, struct location *l, long life);
/* Its location; NULL where the token is none, has expired or was revoked. */
struct location *token_location(struct crm *crm, const char *token);

struct contact *contact_new(struct sandbox *s, struct location *l, const char *id);
void contact_delete(struct crm *crm, struct contact *c);
struct contact *contact_by_id(struct crm *crm, const char *id);
struct contact *contact_by_email(struct location *l, const char *email);
struct contact *contact_by_phone(struct location *l, const char *phone);
/* What searches find (e-mail first), and what they see of a contact from now on; shown is taken over. */
struct contact *contact_seen(struct location *l, const char *email, const char *phone);
void contact_see(struct contact *c, struct json_object *shown);
void contact_add_email(struct contact *c, const char *email);
/* Sets one of the contact's own properties, and keeps the indexes right; NULL or "" takes it away. */
void contact_set(struct contact *c, const char *name, struct json_object *value);
/* The property's text, or NULL. */
const char *contact_text(const struct contact *c, const char *name);
/* Sets a custom field, if the CRM would: an unknown id, and a value that does not fit the field, are dropped.
 */
void contact_set_field(struct contact *c, const char *field_id, struct json_object *value);
/* The contact as the API shows it; a new object. */
struct json_object *contact_shown(const struct contact *c);

struct opportunity *opportunity_new(struct sandbox *s, struct contact *c, const char *id);
void opportunity_delete(struct crm *crm, struct opportunity *o);
struct opportunity *opportunity_by_id(struct crm *crm, const char *id);
struct json_object *opportunity_shown(const struct opportunity *o);

/* The pipeline with this member (id, name) of this text; the same for a stage of it. NULL where there is
 * none. */
struct json_object *pipeline_with(const struct location *l, const char *member, const char *text);
struct json_object *stage_with(struct json_object *pipeline, const char *member, const char *text);
struct json_object *workflow_with(const struct location *l, const char *member, const char *text);

struct json_object *field_add(struct sandbox *s, struct location *l, const char *id, const char *name,
	const char *type, const char *model, struct json_object *options);
void pipeline_add(
	struct sandbox *s, struct location *l, const char *id, const char *name, struct json_object *stages);
void workflow_add(
	struct sandbox *s, struct location *l, const char *id, const char *name, const char *status);

/* ---- crm_search.c: searches that lag behind writes ---- */

/* To be called after every change. */
void contact_written(struct sandbox *s, struct contact *c);
void opportunity_written(struct sandbox *s, struct opportunity *o);
/* The contact found, as it was when searches saw it last; a new reference, or NULL. */
struct json_object *search_contact(
	struct sandbox *s, struct location *l, const char *email, const char *phone);
/* The opportunity as searches see it: its own properties (NULL: they do not see it), not a new reference;
   and, where they do, the whole, a new one. */
struct json_object *search_own(struct sandbox *s, const struct opportunity *o);
struct json_object *search_opportunity(struct sandbox *s, const struct opportunity *o);
void search_forget(struct crm *crm);

/* ---- crm_contract.c: the bodies and queries that the published contract allows ---- */

enum contract {
	CONTRACT_CONTACT_CREATE,
	CONTRACT_CONTACT_UPDATE,
	CONTRACT_CONTACT_UPSERT,
	CONTRACT_NOTE,
	CONTRACT_TAGS,
	CONTRACT_ENROL,
	CONTRACT_FIELD,
	CONTRACT_OPPORTUNITY_CREATE,
	CONTRACT_OPPORTUNITY_UPDATE,
	CONTRACT_OPPORTUNITY_STATUS,
};

/* Whether the request's body keeps to the contract; answers 400 or 422 where it does not. */
bool contract_body(struct request *r, enum contract contract);
/* What is wrong with a property of a body; NULL if nothing is. */
const char *contract_wrong(enum contract contract, const char *name, struct json_object *value);
/* Whether the query has nothing but these names (NULL-terminated), and the first of them; answers 422 where
 * not. */
bool contract_query(struct request *r, const char *const *names);

/* ---- crm.c: what every request to the CRM goes through ---- */

/* Token, version and limits; false where the request has been answered. */
bool crm_enter(struct sandbox *s, struct request *r);
/* What follows "Bearer " in the Authorization header, or NULL. */
const char *request_bearer(const struct request *r);
/* Whether the token may see this location; answers 403 where not. NULL answers 422. */
bool crm_allowed(struct request *r, const char *location_id);

/* oauth.c: answers POST /oauth/token and /oauth/locationToken; false for other paths. */
bool oauth_answer(struct sandbox *s, struct request *r);
/* POST /_/revoke: what OAuth has given. */
void own_revoke(struct sandbox *s, struct request *r);

/* The contact that the path names, if the token may see it; answers where not. */
struct contact *contact_of_path(struct sandbox *s, struct request *r);
/* Answers {"succeded":true}, as the CRM spells it. */
void answer_succeeded(struct request *r);

/* ---- patientnow.c: one store, the Pro API; essentials.c: the same in the other dialect ---- */

enum shelf_kind { SHELF_PATIENT, SHELF_APPOINTMENT, SHELF_BILL, SHELF_MEMBERSHIP, SHELVES };

struct entry {
	TAILQ_ENTRY(entry) next;
	struct json_object *own;
	int64_t updated; /* ms since 1970 */
};

/* Where the last page of a list ended: the next one goes on there instead of from the start. */
struct walk {
	char query[256]; /* what was asked for; "": there is no such walk */
	long page, rows; /* that come next */
	struct entry *at;
	long total; /* that the query picks */
};

struct shelf {
	TAILQ_HEAD(entry_list, entry) entries;
	struct lh_table *by_id;
	long highest; /* number used as an id */
	struct walk walk;
};

struct practice {
	struct shelf shelves[SHELVES];
	char *token, *practice_id, *user, *password, *apikey;
	struct json_object *types; /* the names of appointment types, a list */
	long day, used;
};

struct shelf_names {
	const char *pro, *envision;    /* resource */
	const char *id;                /* property */
	const char *created, *changed; /* webhook event; NULL: none */
};

enum { QUERY_TEXTS = 5 };

/* What a list is asked for. */
struct query {
	const char *texts[QUERY_TEXTS]; /* values of properties; NULL: any */
	char *phone;                    /* digits, or NULL */
	int64_t since, until;           /* ms since 1970 */
};

extern const struct shelf_names shelf_names[SHELVES]; /* shelves.c */

void practice_open(struct practice *p);
void practice_close(struct practice *p);
/* Adds an entry, which is taken over; makes its id where it has none. NULL where the id is taken. */
struct entry *shelf_add(struct practice *p, enum shelf_kind kind, struct json_object *own);
struct entry *shelf_get(struct practice *p, enum shelf_kind kind, const char *id);
/* Writes through POST and PUT, webhook included; the body's reference is not taken over. */
struct entry *shelf_create(struct sandbox *s, enum shelf_kind kind, struct json_object *body);
void shelf_update(struct sandbox *s, enum shelf_kind kind, struct entry *e, struct json_object *body);
/* Whether a body can be written: an object, with what it needs; answers 400 where not. */
bool entry_body(struct sandbox *s, struct request *r, enum shelf_kind kind, struct json_object *body);
/* Reads a list's query in the API's dialect; answers 400 and is false where it is wrong. phone is to be
 * freed. */
bool query_read(struct query *q, struct request *r);
/* The page of a shelf's list that a query picks, as a new array of new references; *total is how many it
 * picks in all. */
struct json_object *shelf_page(
	struct practice *p, enum shelf_kind kind, const struct query *q, long page, long rows, long *total);
/* The practice's appointment types, a new array of names: those of the seed, and those that appointments
 * have.
 */
struct json_object *type_names(struct practice *p);
bool pro_enter(struct sandbox *s, struct request *r);
bool envision_enter(struct sandbox *s, struct request *r);
/* The practice's daily quota; false where it is used up, and the request answered. */
bool practice_quota(struct sandbox *s, struct request *r);
/* RFC 3339, or a date alone, in milliseconds since 1970; false where it is neither. */
bool moment_read(const char *text, int64_t *ms);

/* ---- faults.c ---- */

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

/* ---- quote.c ---- */

/* FAULT_QUOTE: answers 422 with a message that repeats r->quoted of the request. False where it has none. */
bool quote_answer(struct sandbox *s, struct request *r);

/* ---- requests.c: the log that GET /_/requests shows ---- */

struct requests {
	struct buf lines;
	size_t n;
};

void requests_add(struct requests *log, const struct request *r, bool verbose);

/* ---- webhooks.c: sends what the sandbox's own changes cause, from a thread of its own ---- */

enum sender { SENDER_CRM, SENDER_PATIENTNOW, SENDERS };

struct delivery {
	STAILQ_ENTRY(delivery) next;
	enum sender sender;
	char *body;
	int64_t due; /* of now_ms */
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

/* ---- the sandbox ---- */

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

/* ---- seed.c ---- */

/* Reads the seed file's text, and fills the state. Ends the program with status 65 (66: no such file) where
 * it is wrong. */
void seed_read(struct sandbox *s);
void seed_load(struct sandbox *s);

/* ---- route.c: from a request to what answers it ---- */

/* Cuts the path and finds the API. */
void route_split(struct request *r, const char *url);
/* Calls what answers it; called with the lock held. */
void route_answer(struct sandbox *s, struct request *r);

typedef void handler_fn(struct sandbox *s, struct request *r);
handler_fn contact_create, contact_upsert, contact_get, contact_put, contact_remove, contact_duplicate;
handler_fn notes_get, notes_add, note_remove, tags_add, tags_remove, workflow_enrol, workflow_leave;
handler_fn fields_get, fields_create, pipelines_get, workflows_get, location_get;
handler_fn opportunity_search, opportunity_create, opportunity_get, opportunity_put, opportunity_status,
	opportunity_remove;
handler_fn pro_list, pro_types, pro_get, pro_create, pro_update;
handler_fn envision_status, envision_list, envision_get, envision_create, envision_update,
	envision_of_customer, envision_names, envision_services;
handler_fn own_help, own_state, own_fields, own_reset, own_requests, own_requests_clear, own_faults,
	own_faults_add, own_faults_clear;

/* POST /_/webhook waits for another server, so it is called without the lock. */
handler_fn own_webhook;

/* ---- serve.c ---- */

struct MHD_Daemon *serve_start(struct sandbox *s, int listening);

#endif
