/* Days put together so that they can be drawn: up to two months day by day, up to two years by the week, then
 * by the month. */
#include "report.h"

enum { BY_DAY = 62, BY_WEEK = 2 * 366, MONDAY = 4 }; /* 1970 began on a Thursday: day 4 was a Monday */

static int64_t week_of(int64_t day)
{
	return day - (day - MONDAY) % 7;
}

static int64_t first_of(int64_t day, enum bin_step step)
{
	return step == BIN_DAY ? day : step == BIN_WEEK ? week_of(day) : day_month(day);
}

static void add(struct bin *to, const struct day *day)
{
	for (size_t type = 0; type < TYPES; type++)
		for (enum fate fate = 0; fate < FATES; fate++)
			to->fates[fate] += day->events[type][fate];
	waits_join(&to->waits, &day->waits);
	to->value += day->value;
	to->crm += day->crm;
	to->patientnow += day->patientnow;
}

static struct bins bins_by(const struct figures *f, struct arena *a, enum bin_step step)
{
	struct bins bins = {.step = step};
	if (f->first > f->last)
		return bins;
	static const int64_t least[] = {[BIN_DAY] = 1, [BIN_WEEK] = 7, [BIN_MONTH] = 28};
	bins.at = arena_alloc(a, (size_t)((f->last - f->first) / least[step] + 2) * sizeof *bins.at);
	for (int64_t number = f->first; number <= f->last; number++) {
		const struct day *day = days_look(&f->days, number);
		if (!bins.n || first_of(number, step) > bins.at[bins.n - 1].last)
			bins.at[bins.n++] = (struct bin){.first = number};
		struct bin *bin = &bins.at[bins.n - 1];
		bin->last = number;
		if (day)
			add(bin, day);
	}
	return bins;
}

struct bins bins_of(const struct figures *f, struct arena *a)
{
	int64_t days = f->last - f->first + 1;
	return bins_by(f, a, days <= BY_DAY ? BIN_DAY : days <= BY_WEEK ? BIN_WEEK : BIN_MONTH);
}

struct bins bins_by_month(const struct figures *f, struct arena *a)
{
	return bins_by(f, a, BIN_MONTH);
}

const char *bins_per(const struct bins *bins)
{
	static const char *const words[] = {[BIN_DAY] = "day", [BIN_WEEK] = "week", [BIN_MONTH] = "month"};
	return words[bins->step];
}

const char *bin_name(struct arena *a, const struct bins *bins, size_t i)
{
	const struct bin *b = &bins->at[i];
	if (bins->step == BIN_DAY)
		return arena_copy(a, str_of(day_text(b->first, "%a %-d %b %Y")));
	if (bins->step == BIN_MONTH)
		return arena_copy(a, str_of(day_text(b->first, "%B %Y")));
	return arena_printf(a, "%s to %s", day_text(b->first, "%-d %b"), day_text(b->last, "%-d %b %Y"));
}

const char *bin_label(struct arena *a, const struct bins *bins, size_t i)
{
	static const char *const formats[] = {[BIN_DAY] = "%-d %b", [BIN_WEEK] = "%-d %b", [BIN_MONTH] = "%b %Y"};
	const char *format = bins->step == BIN_DAY && bins->n <= 7 ? "%a %-d" : formats[bins->step];
	return arena_copy(a, str_of(day_text(bins->at[i].first, format)));
}
