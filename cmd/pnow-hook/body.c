/*
 * What a body is, as its head says: JSON, or, where the sender's profile says that it sends such, a form, and
 * compressed. Nothing here believes a length that is told: what is unpacked is cut off at HOOK_BODY_MAX.
 */
#include "hook.h"
#include "text/form.h"

#include <strings.h>
#include <zlib.h>

const struct profile *body_profile(const struct request *r)
{
	return r->sender == SENDER_PATIENTNOW ? r->practice->profile : NULL;
}

/* Whether a Content-Type, with or without parameters, is this one, or ends in this suffix. */
static bool is_type(const char *type, const char *wanted, const char *suffix)
{
	size_t n = type ? strcspn(type, ";") : 0, end = strlen(suffix);
	while (n > 0 && (type[n - 1] == ' ' || type[n - 1] == '\t'))
		n--;
	if (n == strlen(wanted) && strncasecmp(type, wanted, n) == 0)
		return true;
	return end && n > end && strncasecmp(type + n - end, suffix, end) == 0;
}

static const char *type_of(const struct request *r)
{
	return r->header(r->transport, "Content-Type");
}

static bool is_form(const struct request *r)
{
	return is_type(type_of(r), "application/x-www-form-urlencoded", "");
}

/* How the body is packed, or NULL. */
static const char *packed(const struct request *r)
{
	const char *encoding = r->header(r->transport, "Content-Encoding");
	return encoding && strcasecmp(encoding, "identity") != 0 ? encoding : NULL;
}

static bool is_gzip(const char *encoding)
{
	return strcasecmp(encoding, "gzip") == 0 || strcasecmp(encoding, "x-gzip") == 0;
}

const char *body_unfit(const struct request *r, const char **mend)
{
	const struct profile *profile = body_profile(r);
	bool forms = profile && profile->form, packs = profile && profile->compressed;
	const char *encoding = packed(r);
	*mend = NULL;
	if (is_form(r) && !forms) {
		*mend = "; where the EMR sends forms, write \"form\": true into its profile";
		return "Content-Type must be application/json";
	}
	if (!is_form(r) && !is_type(type_of(r), "application/json", "+json"))
		return forms ? "Content-Type must be application/json or application/x-www-form-urlencoded"
					 : "Content-Type must be application/json";
	if (!encoding || (packs && (is_gzip(encoding) || strcasecmp(encoding, "deflate") == 0)))
		return NULL;
	if (packs)
		return "Content-Encoding must be gzip or deflate, or none";
	*mend = "; where the EMR compresses, see \"compressed\" of its profile in pnow.conf(5)";
	return "Content-Encoding must be none";
}

/* Unpacks into room for one byte more than a body may have; how many bytes that were, or -1: it is packed in
   another way, or is not whole. window: inflateInit2(3). */
static long inflate_into(char *out, struct str body, int window)
{
	z_stream z = {.next_in = (Bytef *)body.p,
		.avail_in = (uInt)body.n,
		.next_out = (Bytef *)out,
		.avail_out = HOOK_BODY_MAX + 1};
	if (inflateInit2(&z, window) != Z_OK)
		out_of_memory();
	int ended = inflate(&z, Z_FINISH);
	long n = (long)(HOOK_BODY_MAX + 1 - z.avail_out);
	bool whole = (ended == Z_STREAM_END && z.avail_in == 0) || n > HOOK_BODY_MAX;
	inflateEnd(&z);
	return whole ? n : -1;
}

struct str body_unpacked(const struct request *r, struct str body, unsigned *status)
{
	enum { GZIP = 15 + 16, ZLIB = 15, RAW = -15 };
	const char *encoding = packed(r);
	*status = 0;
	if (!encoding)
		return body;
	char *out = arena_alloc(r->arena, HOOK_BODY_MAX + 1);
	long n = inflate_into(out, body, is_gzip(encoding) ? GZIP : ZLIB);
	if (n < 0 && !is_gzip(encoding)) /* as some have always understood "deflate" */
		n = inflate_into(out, body, RAW);
	*status = n < 0 ? 400 : n > HOOK_BODY_MAX ? 413 : 0;
	return (struct str){out, *status ? 0 : (size_t)n};
}

struct str body_signed(const struct request *r, struct str sent, struct str unpacked)
{
	const struct profile *profile = body_profile(r);
	return profile && profile->compressed && strcmp(profile->compressed, "sent") == 0 ? sent : unpacked;
}

struct str body_json(const struct request *r, struct str body, const char **wrong)
{
	*wrong = NULL;
	return is_form(r) ? form_json(r->arena, body, wrong) : body;
}
