/*
 * Access tokens of the CRM, where an app was authorized (crm.oauth) instead of a private token given. A
 * refresh token is good for one use, so there is one account of them for all processes: the state file's.
 */
#ifndef OAUTH_H
#define OAUTH_H

#include "conf/conf.h"
#include "net/http.h"

struct oauth;

/* Reads the secrets, and opens the state file and its locks; ends the process with status 78, 65 or 73 where
   that cannot be. conf and http outlive it. */
struct oauth *oauth_open(const struct conf *conf, struct http *http);
void oauth_close(struct oauth *o);

/* Who a token is for: a location, whose own refresh token is in a file, or comes from the agency's (NULL). */
struct oauth_owner {
	const char *location;
	const char *refresh_token_file;
};

struct oauth_token {
	const char *access; /* lives until oauth_close; NULL: there is none, and */
	const char *error;  /* why, for people: no secret */
	const char *code;   /* and in a word: refused, unavailable, lost, bad_answer, state */
	unsigned calls;     /* that it took */
	double ms;
};

/* The token to be used now; got anew where the last one ends soon, or is refused (the text of a token that
   the CRM answered 401 to; NULL: none was). One that is refused again at once is returned again. It can be
   tried again later whatever the error is. May be called from any thread. */
struct oauth_token oauth_token(
	struct oauth *o, struct arena *a, const struct oauth_owner *owner, const char *refused);

#endif
