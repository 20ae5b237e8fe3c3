/* Lists of words in options: -t patient.created,bill.completed. SQL reads them as JSON. */
#include "pnow-inbox.h"
#include "value/event.h"

#include <err.h>
#include <sysexits.h>

static const char *list_of(
	struct arena *a, const char *text, char letter, bool (*is)(const char *word), const char *expected)
{
	struct buf json = {0};
	buf_putc(&json, '[');
	do {
		size_t n = strcspn(text, ",");
		const char *word = arena_copy(a, (struct str){text, n});
		if (!is(word))
			errx(EX_USAGE, "-%c %s: expected %s", letter, word, expected);
		if (json.n > 1)
			buf_putc(&json, ',');
		buf_json(&json, str_of(word));
		text += n + (text[n] == ',');
	} while (*text);
	buf_putc(&json, ']');
	const char *list = buf_take(&json, a).p;
	return list;
}

static bool is_type(const char *word)
{
	return event_type_of(word) != EVENT_UNKNOWN;
}

const char *choice_of_types(struct arena *a, const char *text)
{
	return list_of(a, text, 't', is_type, "a type of event, such as patient.created: see pnow-event(5)");
}

const char *choice_of_states(struct arena *a, const char *text)
{
	return list_of(a, text, 's', inbox_is_state,
		"a state: waiting, running, done, unchanged, ignored, skipped, dead or dropped");
}
