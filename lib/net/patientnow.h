/* The API of PatientNow, as the practice's profile describes it: authenticated, within the daily quota,
 * through the cache. */
#ifndef PATIENTNOW_H
#define PATIENTNOW_H

#include "conf/conf.h"
#include "conf/options.h"
#include "conf/profile.h"
#include "state/state.h"

struct patientnow;

/* Reads the secrets where the profile has an API, and again where their files change (ends the process with
   status 78 where they are missing). options: requests at once, time-out, -v. While it is open, what has
   become too old in the cache is forgotten. state is NULL where nothing is asked. */
struct patientnow *patientnow_open(const struct conf *conf, const struct profile *profile,
	struct state *state, const struct options *options);
void patientnow_close(struct patientnow *p);

/* How many of today's calls this command may still make; 0 or less: none. patientnow.reserve of them are for
   commands that people run. */
int64_t patientnow_calls_left(const struct conf *conf, struct state *state);

/* Whether it has asked for a long pause: nothing is sent then, and each request is answered with its 429. */
bool patientnow_is_paused(const struct patientnow *p);

struct patientnow_answer {
	struct str body; /* a JSON object, checked; the arena's. p NULL: there is none */
	const char
		*code; /* then: not_found, refused, rejected, quota_exhausted, state, unavailable, bad_answer */
	const char *message; /* for people, names ids only */
	bool retry;          /* whether it can work later */
	int64_t retry_after; /* in so many seconds; 0: not said */
	unsigned calls;      /* that it took */
	bool without_effect; /* it certainly changed nothing */
};

/* One resource. A cached body that was fetched at not_before (milliseconds since 1970) or later saves the
 * call. */
struct patientnow_answer patientnow_get(
	struct patientnow *p, struct arena *a, enum event_kind kind, const char *id, int64_t not_before);

/* The profile's check: a request whose answer shows whether PatientNow is there and takes the secrets; made
   even while they are refused. Counts as a call. code NULL: it does; the body is left out. */
struct patientnow_answer patientnow_check(struct patientnow *p, struct arena *a);

/* Each name in the practice's list of appointment types, in its order, page by page. code NULL: that were all
   of them; not_found where the profile has no such list. */
struct patientnow_answer patientnow_appointment_types(
	struct patientnow *p, struct arena *a, void (*each)(const char *name, void *context), void *context);

/* The path of a resource: patients/10234. */
const char *patientnow_path(
	const struct profile *profile, struct arena *a, enum event_kind kind, const char *id);

enum { PATIENTNOW_CURSOR = 1024 }; /* bytes of a cursor; what is longer is none */

/* Where a walk by cursors stands, for APIs that have them. */
struct patientnow_cursor {
	char at[PATIENTNOW_CURSOR + 1];   /* of the next page; "": the first */
	char mark[PATIENTNOW_CURSOR + 1]; /* of a page that was there before: it must not come again */
};

/* A list, and which part of it. */
struct patientnow_list {
	const char *path;                    /* patients; the profile's, */
	const struct profile_pointers *rows; /* as its rows are */
	const char *since, *until;           /* changed then or later, and before that: RFC 3339; NULL: ever */
	struct patientnow_cursor cursor;
	char before[65]; /* a digest of the last page's entries; "": there was none */
};

struct patientnow_page {
	struct str rows; /* the entries: a JSON list, checked; the arena's. p NULL: there is none */
	struct patientnow_answer failure; /* then: why */
	size_t n;                         /* entries */
	unsigned calls;                   /* that it took */
	int64_t pages;                    /* that the list has, where PatientNow tells; else 0 */
	bool last;
};

/* A page of a list, from 1; its cursor then stands at the next. since and until are sent where the profile
   has a parameter for them. */
struct patientnow_page patientnow_list(
	struct patientnow *p, struct arena *a, struct patientnow_list *list, int64_t page);

/* Its path with the query, but for secrets and the practice's id. */
const char *patientnow_list_path(
	const struct profile *profile, struct arena *a, const struct patientnow_list *list, int64_t page);

/* The list of patients that PatientNow finds by the last name in facts (a patient, as in pnow-event(5)) and
   one more of them (email, phone). Whether they have these is for the caller to see. False where facts or
   profile lack one of the two. */
bool patientnow_search(const struct profile *profile, struct arena *a, struct str facts, const char *by,
	struct patientnow_list *list);

/* Makes a patient, and never twice: it is not repeated where it may have had its effect. new is
   patientnow_new's; the answer's body is the patient as PatientNow tells it. */
struct patientnow_answer patientnow_create(struct patientnow *p, struct arena *a, struct str new);

/* The body that makes a patient of facts: each but the id, at its first place in the profile. */
struct str patientnow_new(const struct profile *profile, struct arena *a, struct str facts);

#endif
