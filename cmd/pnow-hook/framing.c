/*
 * Whether the head of a request can be read in one way only. What two servers read differently is how one
 * sender hides a request inside another, behind the back of the proxy in front.
 *
 * Before its version 1.0 the library takes a NUL for the end of a line, or of the head, and tells nobody; its
 * strict mode does not look for that. But names and values stand where they were received, and it says how
 * long the head was: where each begins at the place at which the one before it must have ended, no byte is
 * left that could be hidden.
 */
#include "hook.h"

#include <strings.h>

enum { LINE_END = 2 }; /* CR and LF, in whose place the library has put NULs */

/* A head that is being looked through. */
struct look {
	const char *next; /* where the next name should stand */
	bool in_place;    /* all have so far */
	bool unclear;     /* a name or a value has characters that are none of its own */
	unsigned lengths, codings, hosts;
	bool chunked;
};

/* Whether text has only the characters of a header's name (RFC 9110, token). */
static bool is_token(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!memchr(
				"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", text[i], 77))
			return false;
	return n > 0;
}

/* Whether text has no control character but tabs. */
static bool is_plain(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
			return false;
	return true;
}

/* MHD_KeyValueIteratorN: looks at a header. */
static enum MHD_Result look_at(void *context, enum MHD_ValueKind kind, const char *name, size_t name_n,
	const char *value, size_t value_n)
{
	struct look *l = context;

	(void)kind;
	value = value ? value : "";
	l->in_place &= name == l->next;
	l->next = value + value_n + LINE_END;
	l->unclear |= !is_token(name, name_n) || !is_plain(value, value_n);
	l->lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
	l->hosts += strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0;
	if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		l->codings++;
		l->chunked = strcasecmp(value, "chunked") == 0;
	}
	return MHD_YES;
}

/* Whether this version of the library hides what stands behind a NUL. */
static bool hides_nul(void)
{
	return MHD_get_version()[0] == '0';
}

const char *framing_problem(
	struct MHD_Connection *c, const char *method, const char *uri, size_t uri_n, const char *version)
{
	const union MHD_ConnectionInfo *size =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	struct look l = {.next = version + strlen(version) + LINE_END};

	l.in_place = method + strlen(method) + 1 == uri && uri + uri_n + 1 == version;
	MHD_get_connection_values_n(c, MHD_HEADER_KIND, look_at, &l);
	l.in_place &= size && l.next + LINE_END == method + size->header_size;
	if (l.unclear || (hides_nul() && !l.in_place))
		return "the head is not well formed";
	if (l.lengths > 1 || l.hosts > 1)
		return "Content-Length or Host is given twice";
	if (l.hosts == 0 && strcmp(version, MHD_HTTP_VERSION_1_0) != 0)
		return "Host is missing";
	if (l.codings > 1 || (l.codings && !l.chunked))
		return "Transfer-Encoding may be chunked, and nothing else";
	if (l.codings && (l.lengths || strcmp(version, MHD_HTTP_VERSION_1_1) != 0))
		return "Transfer-Encoding goes with HTTP/1.1 only, and without a Content-Length";
	return NULL;
}
