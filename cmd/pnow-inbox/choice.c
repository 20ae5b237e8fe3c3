/* What options name: lists of words, which SQL reads as JSON (-t patient.created,bill.completed), and
 * moments. */
#include "pnow-inbox.h"
#include "value/event.h"
#include "value/when.h"

#include <err.h>
#include <stdio.h>
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

/* The midnight at the practice that began the day so long before this one: counted from noon, where a change
   of the clock does no harm. */
static bool midnight(int64_t age, int64_t *ms)
{
	char now[WHEN_TEXT], time[WHEN_TEXT], date[WHEN_DATE + 6];
	int64_t noon;
	when_now(now);
	if (!when_local(str_of(now), false, time))
		return false;
	snprintf(date, sizeof date, "%.10s 12:00", time);
	if (!when_time(str_of(date), false, time) || !when_moment(str_of(time), &noon))
		return false;
	when_utc(noon - age, now);
	when_local(str_of(now), false, time);
	snprintf(date, sizeof date, "%.10s", time);
	return when_time(str_of(date), false, time) && when_moment(str_of(time), ms);
}

int64_t choice_of_moment(char letter, const char *text)
{
	char time[WHEN_TEXT];
	int64_t ms;
	if (when_age(text, &ms)) {
		bool days = strchr("dw", text[strlen(text) - 1]);
		if (!days || !midnight(ms, &ms))
			ms = when_now_ms() - ms;
		return ms;
	}
	if (!when_time(str_of(text), false, time) || !when_moment(str_of(time), &ms))
		errx(EX_USAGE, "-%c %s: expected a time, a date, or an age such as 7d", letter, text);
	return ms;
}
