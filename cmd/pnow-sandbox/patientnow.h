/* One store behind both dialects of PatientNow: patientnow.c speaks Pro, essentials.c the other one. */
#ifndef SANDBOX_PATIENTNOW_H
#define SANDBOX_PATIENTNOW_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct request;
struct sandbox;

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

#endif
