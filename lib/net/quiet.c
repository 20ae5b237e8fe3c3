/*
 * An API repeats in its messages what was sent to it, and tells of what it holds: names, in any spelling and
 * of any length. So no word of a message is passed on but those that are known to say nothing of anybody. A
 * word is what stands between blanks; quotes and full stops around it do not count.
 */
#include "net/quiet.h"
#include "text/buf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 40 };

/* In the order of strcmp(3). Words that are names, too (will, may, mark, bill), are not among them. */
static const char *const words[] = {"a", "abandoned", "access", "active", "allow", "allowed", "already", "an",
	"and", "are", "array", "as", "at", "authorization", "authorized", "bad", "be", "been", "body", "boolean",
	"calendar", "can", "can't", "cannot", "contact", "contactId", "contacts", "create", "created", "custom",
	"customFields", "date", "deleted", "disabled", "do", "does", "duplicate", "duplicated", "each", "email",
	"empty", "enabled", "error", "exceeded", "exist", "exists", "expired", "failed", "field", "fields",
	"following", "for", "forbidden", "found", "has", "have", "header", "id", "in", "inactive", "integer",
	"internal", "invalid", "is", "it", "json", "jwt", "length", "limit", "location", "locationId",
	"location_id", "locked", "long", "longer", "lost", "missing", "more", "must", "name", "named", "no",
	"not", "note", "null", "number", "object", "of", "on", "one", "only", "open", "opportunity", "or",
	"parameter", "permission", "phone", "pipeline", "property", "published", "query", "request", "requests",
	"required", "resource", "scope", "server", "service", "short", "should", "shorter", "stage", "status",
	"string", "tag", "tags", "than", "that", "the", "there", "this", "to", "token", "too", "type",
	"unauthorized", "unavailable", "undefined", "unprocessable", "url", "valid", "value", "values", "version",
	"was", "were", "with", "won", "workflow", "wrong"};

static int compare(const void *word, const void *known)
{
	return strcmp(word, *(const char *const *)known);
}

/* Whether the word stands in the table. The first of a message may begin with a capital; short ones with a
   capital may be a name (An, Do, Can). */
static bool is_usual(const char *word, bool first)
{
	char small[16];
	if (strlcpy(small, word, sizeof small) >= sizeof small)
		return false;
	if (first && strlen(word) > 4)
		*small = (char)tolower((unsigned char)*small);
	return bsearch(small, words, COUNT(words), sizeof *words, compare);
}

/* Whether a member of the body has this name. Inside a text a quote has a backslash before it, so "word": is
   a name. */
static bool is_member(struct arena *a, struct str body, const char *word)
{
	const char *name = arena_printf(a, "\"%s\":", word);
	return !strpbrk(word, "\"\\") && body.p && memmem(body.p, body.n, name, strlen(name));
}

const char *quiet_words(struct arena *a, struct str body, const char *text)
{
	static const char blanks[] = " \t\r\n", around[] = "\"'`.,:;!?()[]{}";
	struct buf out = {0};
	bool hidden = false;
	size_t n = 0;
	for (text += strspn(text, blanks); *text && n < WORDS_MAX; text += strspn(text, blanks), n++) {
		struct str whole = {text, strcspn(text, blanks)}, core = whole;
		text += whole.n;
		while (core.n && strchr(around, core.p[0]))
			core.p++, core.n--;
		while (core.n && strchr(around, core.p[core.n - 1]))
			core.n--;
		const char *word = arena_copy(a, core);
		bool known = core.n && (is_usual(word, n == 0) || is_member(a, body, word));
		if (known || !hidden)
			buf_puts(&out, n ? " " : "");
		if (known)
			buf_add(&out, whole);
		else if (!hidden)
			buf_puts(&out, "…");
		hidden = !known;
	}
	const char *quiet = buf_take(&out, a).p;
	return quiet;
}
