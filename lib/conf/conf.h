/* A practice's configuration: one JSON file, comments allowed. pnow.conf(5) has the keys; conf.c their table.
 */
#ifndef CONF_H
#define CONF_H

#include "conf/mistake.h"
#include "text/arena.h"
#include <stdint.h>

enum conf_pipelines { PIPELINES_BOTH, PIPELINES_NON_SURGICAL };

enum conf_verify {
	VERIFY_UNSET, /* no hook configured: no service */
	VERIFY_NONE,
	VERIFY_TOKEN,
	VERIFY_BASIC,
	VERIFY_HMAC_SHA256,
	VERIFY_STANDARD_WEBHOOKS,
	VERIFY_ED25519,
	VERIFY_RSA_SHA256,
};

/* How one sender's webhooks are verified. Text that the file does not give is NULL. */
struct conf_hook {
	enum conf_verify verify;
	const char *header; /* token, hmac-sha256, ed25519, rsa-sha256: where the secret or signature stands */
	const char *query;  /* token: the query parameter that carries it, instead of a header */
	const char *prefix; /* hmac-sha256: before the signature, such as sha256= */
	const char *user;   /* basic */
	const char **secret_files; /* token, basic (the password), hmac-sha256, standard-webhooks: any of them */
	size_t secret_files_n;
	const char *key_file; /* ed25519, rsa-sha256: the public key, PEM; not a secret */
	int64_t max_age;      /* seconds a timestamp may be off; 300 */
};

/* A sub-account that one facility's events go to. */
struct conf_facility {
	const char *name;
	const char *location_id;
	const char *token_file;         /* NULL: its token is got by crm.oauth, */
	const char *refresh_token_file; /* with its own refresh token or, NULL, the agency's */
	const char *calendar_id;        /* NULL: as conf_calendar says */
};

/* A name of ours and what this practice's CRM calls it. */
struct conf_name {
	const char *name;
	const char *is;
};

struct conf_names {
	struct conf_name *at;
	size_t n;
};

struct conf {
	const char *file; /* as given: for messages */
	const char *practice;
	const char *timezone;
	const char *country; /* two letters, upper case */
	const char *state;   /* path */
	struct {
		const char *profile;
		const char *base_url; /* NULL: the profile's */
		const char *practice_id;
		const char *token_file;
		const char *user;
		const char *password_file;
		const char *apikey_file;
		int64_t daily_limit;
		int64_t reserve; /* of them kept for commands that people run; a twentieth unless given */
		int64_t cache_seconds;
	} patientnow;
	struct {
		const char *base_url;
		const char *location_id;
		const char *token_file;
		struct {
			const char *client_id; /* NULL: there is no crm.oauth */
			const char *client_secret_file;
			const char *refresh_token_file;
			const char *company_id; /* the agency's app; NULL: the location's */
		} oauth;
	} crm;
	struct conf_facility *facilities;
	size_t facilities_n;
	struct conf_hook patientnow_hook;
	struct conf_hook crm_hook;
	enum conf_pipelines pipelines;
	const char *categories; /* path, or NULL */
	bool consult_stages;
	bool move_opportunities;
	bool surgical_value;
	bool dnd;
	bool address;
	const char *membership_tag;
	struct {
		const char *calendar_id; /* the main sub-account's, */
		const char *name;        /* or every sub-account's; both NULL: no appointment goes into a calendar */
		bool appointments;       /* as appointments, not as block slots, */
		const char *user_id;     /* of this user, where one is given */
	} calendar;
	struct {
		const char *appointments, *order_paid, *membership, *birthday; /* NULL: not enrolled in */
	} workflows;
	struct {
		struct conf_names fields, pipelines, stages;
	} names;
	int64_t *retry_seconds;
	size_t retry_seconds_n;
	struct {
		const char *lead, *patient;
	} lead_status;
	struct {
		const char **tags;
		size_t tags_n;
		const char **required;
		size_t required_n;
	} create;
	struct arena arena; /* owns all of the above */
};

/* Reads and checks the whole file, or $PNOW_CONFIG where path is NULL, and sets the process's time zone to
   the practice's. Paths in it are relative to the file's folder. Ends the process with status 78 and one line
   that says file, place, what was found and what was expected. Free with conf_free. */
struct conf *conf_read(const char *path);
/* conf_read for who goes on without it: NULL, and why. */
struct conf *conf_try(const char *path, char why[static MISTAKE_MAX]);
void conf_free(struct conf *c);

/* Ends the process with status 78 where a value that this command needs is missing; key is its place in the
 * file. */
const char *conf_need(const struct conf *c, const char *value, const char *key);

/* Whether a state is in a PostgreSQL database: conf.state is its URI then, '#' and the practice, else the
   path of a file. */
bool conf_is_database(const char *state);
/* What a person calls it: "state file", "state database". */
const char *conf_state_noun(const char *state);

/* What the CRM calls one of our names: the configuration's, or the name itself. */
const char *conf_name(const struct conf_names *names, const char *name);

/* Whether appointments go into the CRM's calendar. */
bool conf_has_calendar(const struct conf *c);
/* The id of a sub-account's calendar; NULL: it is looked up by calendar.name. */
const char *conf_calendar(const struct conf *c, const char *location_id);

/* The sub-account of a facility, or NULL where the practice's main one serves it. Case does not matter. */
const struct conf_facility *conf_facility(const struct conf *c, const char *facility);

/* The id of the practice's next sub-account, each once, the main one first; NULL behind the last. *i is 0 at
   the start, 1 behind the main one, n + 1 behind the nth facility. */
const char *conf_location(const struct conf *c, size_t *i);

#endif
