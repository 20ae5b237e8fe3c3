/* How many calls of an API the events of a run took, by type of event. */
#ifndef CALLS_H
#define CALLS_H

#include "value/event.h"

#include <stdatomic.h>
#include <stddef.h>

/* Zero-initialise. */
struct calls {
	atomic_size_t events[EVENT_TYPES], calls[EVENT_TYPES];
};

/* Another event; so many calls for one. May be called from any thread; an unknown type is not counted. */
void calls_event(struct calls *c, enum event_type type);
void calls_add(struct calls *c, enum event_type type, size_t calls);

/* A line on standard error for each type that came: "crm-push: bill.completed: 12 events, 72 calls of the
 * CRM, 6.00 each". */
void calls_tell(const struct calls *c, const char *api);

#endif
