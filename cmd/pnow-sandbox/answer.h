/* A request, what it asks for, and its answer. */
#ifndef SANDBOX_ANSWER_H
#define SANDBOX_ANSWER_H

#include "text/buf.h"
#include "value/when.h"
#include <json-c/json.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct location;

enum { SEGMENTS = 8, HEADERS = 12, BODY_MAX = 4 << 20 };

enum api { API_PATIENTNOW, API_ENVISION, API_CRM, API_OWN, API_NONE };

struct answer {
	unsigned status; /* 0: none yet */
	const char *type;
	struct buf body;
	struct {
		const char *name;
		char value[128];
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

#endif
