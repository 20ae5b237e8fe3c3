/* What is left of the calls of both APIs. */
#include "pnow-inbox.h"
#include "state/forecast.h"
#include "state/quota.h"
#include "value/when.h"

struct requests left_of_patientnow(struct inbox *in)
{
	const struct conf *c = in->conf;
	int64_t now = when_now_ms();
	struct forecast f = forecast_read(in->state, now);
	struct requests r = {.limit = c->patientnow.daily_limit,
		.reserve = c->patientnow.reserve,
		.used = quota_used(in->state, "patientnow"),
		.lookups = (int64_t)(forecast_lookups(&f) + 0.5)};
	r.left = r.used < r.limit ? r.limit - r.used : 0;
	r.for_people = r.left < r.reserve ? r.left : r.reserve;
	r.spent = r.left == r.for_people;
	if (r.spent)
		r.wait = when_seconds_until(now + quota_day_left(now));
	else
		r.wait = (int64_t)(forecast_wait(&f, r.left - r.for_people, &r.spread) + 0.5);
	return r;
}

void left_of_locations(const struct inbox *in,
	void (*each)(const char *location, const struct limit_left *, void *), void *context)
{
	struct limit_left left;
	const char *location;
	for (size_t i = 0; (location = conf_location(in->conf, &i));)
		if (limits_look(in->conf->state, in->state, location, &left) && (left.told || left.pause_ms))
			each(location, &left, context);
}
