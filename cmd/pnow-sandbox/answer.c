/*
 * Reading a request's headers and query, and writing its answer. The answer is text when it leaves here:
 * json-c's objects are shared with the state, and must not be touched without the lock.
 */
#include "answer.h"
#include "text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A header of the request, or NULL. */
const char *request_header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* A parameter of the query, decoded, or NULL. */
const char *request_query(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* A parameter of the query as a number. */
long request_number(const struct request *r, const char *name, long missing, long low, long high)
{
	const char *text = request_query(r, name);
	char *end;
	if (!text || !*text)
		return missing;
	long n = strtol(text, &end, 10);
	if (*end)
		return missing;
	return n < low ? low : n > high ? high : n;
}

/* Answers with a value, and gives it up. */
void answer_json(struct request *r, unsigned status, struct json_object *value)
{
	size_t n = 0;
	const char *text =
		json_object_to_json_string_length(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);
	r->answer.status = status;
	r->answer.type = "application/json; charset=utf-8";
	r->answer.body.n = 0;
	buf_add(&r->answer.body, (struct str){text, n});
	json_object_put(value);
}

/* What a status is called in the CRM's errors. */
static const char *status_name(unsigned status)
{
	static const struct {
		unsigned status;
		const char *name;
	} names[] = {
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{422, "Unprocessable Entity"},
		{429, "Too Many Requests"},
		{500, "Internal Server Error"},
		{503, "Service Unavailable"},
	};
	for (size_t i = 0; i < COUNT(names); i++)
		if (names[i].status == status)
			return names[i].name;
	return "Error";
}

/* Answers with a message: {"statusCode","message","error"} as the CRM, {"Message"} as Essentials, {"message"}
 * else. */
void answer_error(struct request *r, unsigned status, const char *format, ...)
{
	struct json_object *value = json_object_new_object();
	char message[512];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);

	if (r->api == API_CRM)
		json_object_object_add(value, "statusCode", json_object_new_int((int)status));
	member_set(value, r->api == API_ENVISION ? "Message" : "message", message);
	if (r->api == API_CRM)
		member_set(value, "error", status_name(status));
	answer_json(r, status, value);
}

/* Adds a header to the answer. */
void answer_header(struct request *r, const char *name, const char *format, ...)
{
	if (r->answer.headers_n == HEADERS)
		return;
	va_list args;
	va_start(args, format);
	vsnprintf(r->answer.headers[r->answer.headers_n].value, sizeof r->answer.headers->value, format, args);
	va_end(args);
	r->answer.headers[r->answer.headers_n++].name = name;
}
