/* Two counters for each type of event, which threads add to without a lock. */
#include "stream/calls.h"
#include "text/say.h"

void calls_event(struct calls *c, enum event_type type)
{
	if (type < EVENT_TYPES)
		c->events[type]++;
}

void calls_add(struct calls *c, enum event_type type, size_t calls)
{
	if (type < EVENT_TYPES)
		c->calls[type] += calls;
}

void calls_tell(const struct calls *c, const char *api)
{
	for (enum event_type type = 0; type < EVENT_TYPES; type++) {
		size_t events = c->events[type], calls = c->calls[type],
			   hundredths = events ? calls * 100 / events : 0;
		if (events)
			say("%s: %zu events, %zu calls of %s, %zu.%02zu each", event_type_name(type), events, calls, api,
				hundredths / 100, hundredths % 100);
	}
}
