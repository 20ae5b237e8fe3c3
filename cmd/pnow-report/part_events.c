/* What came in, and what became of it: of each practice, and in all. */
#include "html.h"
#include "parts.h"

/* --- Practices --- */

void part_practices(const struct report *r, struct buf *out)
{
	static const char *const heads[] = {
		"Practice", "Events", "Failed", "Waiting", "Left out", "99 of 100 within", "Value added", NULL};
	const struct figures *f = r->figures;
	const struct practice **worst = figures_worst(f, r->arena);
	html_section(out, "practices", "Practices");
	html_say(out, "soft", "The worst first: what failed, then what waits, then what was left out.");
	struct html_table t = html_table(out, CAPTION_HIDDEN, "Practices", heads);
	for (size_t i = 0; i < f->practices_n; i++) {
		const struct practice *p = worst[i];
		html_row(&t, p->name, 0, NULL);
		html_cell(&t, shown_number(fates_sum(p->fates)));
		html_cell(&t, shown_number(p->fates[FATE_FAILED]));
		html_cell(&t, shown_number(p->fates[FATE_WAITING]));
		html_cell(&t, shown_number(p->fates[FATE_SKIPPED]));
		html_cell(&t, shown_wait(waits_rank(&p->waits, 99)));
		html_cell(&t, shown_money(p->value));
	}
	html_table_end(&t);
	html_section_end(out);
}

/* --- What came in --- */

static void draw_fates(struct buf *out, const struct chart *c, size_t bin)
{
	double from = 0;
	for (enum fate fate = 0; fate < FATES; fate++) {
		double to = from + (double)c->bins->at[bin].fates[fate];
		chart_bar(out, c, bin, from, to, 0.76, fates[fate].key);
		from = to;
	}
}

static const char *tip_fates(const struct chart *c, size_t bin)
{
	const struct bin *b = &c->bins->at[bin];
	const char *text = shown_count(fates_sum(b->fates), "event");
	for (enum fate fate = 0; fate < FATES; fate++)
		if (b->fates[fate])
			text = arena_printf(c->arena, "%s, %s %s", text, shown_number(b->fates[fate]), fates[fate].key);
	return text;
}

/* Rows of bins, or of types: their events by what became of them. Fates that nothing came to have no column.
 */
static struct html_table begin_fates(
	const struct report *r, struct buf *out, enum html_caption kind, const char *caption, const char *first)
{
	const char *heads[FATES + 3] = {first, "Events"};
	size_t n = 2;
	for (enum fate fate = 0; fate < FATES; fate++)
		if (figures_fate(r->figures, fate))
			heads[n++] = fates[fate].shown;
	return html_table(out, kind, caption, heads);
}

static void fates_cells(const struct report *r, struct html_table *t, const int64_t *counts)
{
	html_cell(t, shown_number(fates_sum(counts)));
	for (enum fate fate = 0; fate < FATES; fate++)
		if (figures_fate(r->figures, fate))
			html_cell(t, counts[fate] ? shown_number(counts[fate]) : "–");
}

static void events_by_type(const struct report *r, struct buf *out)
{
	struct html_table t = begin_fates(r, out, CAPTION_SHOWN, "By type", "Type");
	for (size_t type = 0; type < TYPES; type++) {
		if (!fates_sum(r->figures->events[type]))
			continue;
		html_row(&t, report_type(type), 0, NULL);
		fates_cells(r, &t, r->figures->events[type]);
	}
	html_table_end(&t);
}

static void events_by_day(const struct report *r, struct buf *out, const struct bins *bins)
{
	struct html_table t = begin_fates(
		r, out, CAPTION_UNFOLDS, arena_printf(r->arena, "By %s, as a table", bins_per(bins)), "Received");
	for (size_t i = 0; i < bins->n; i++) {
		html_row(&t, bin_name(r->arena, bins, i), 0, NULL);
		fates_cells(r, &t, bins->at[i].fates);
	}
	html_table_end(&t);
}

static void write_legend(const struct figures *f, struct buf *out)
{
	buf_puts(out, "<ul class=\"legend\">\n");
	for (enum fate fate = 0; fate < FATES; fate++)
		if (figures_fate(f, fate))
			html_legend(
				out, fates[fate].key, "%s %s", fates[fate].shown, shown_number(figures_fate(f, fate)));
	buf_puts(out, "</ul>\n");
}

void part_events(const struct report *r, struct buf *out)
{
	const struct figures *f = r->figures;
	struct bins bins = bins_of(f, r->arena);
	struct chart c = {.bins = &bins, .draw = draw_fates, .tip = tip_fates, .arena = r->arena};
	int64_t most = 0, all = figures_all(f);
	html_section(out, "events", "What came in, and what became of it");
	for (size_t i = 0; i < bins.n; i++)
		most = fates_sum(bins.at[i].fates) > most ? fates_sum(bins.at[i].fates) : most;
	html_say(out, "soft", "%s, by the %s that they came in.", shown_count(all, "event"), bins_per(&bins));
	c.summary = arena_printf(r->arena,
		"Events by %s: %s in all, at most %s in one %s. The table below has the figures.", bins_per(&bins),
		shown_number(all), shown_number(most), bins_per(&bins));
	chart_scale(&c, (double)most);
	if (bins.n) {
		chart_write(out, &c);
		if (all)
			write_legend(f, out);
		events_by_day(r, out, &bins);
	}
	if (all)
		events_by_type(r, out);
	html_section_end(out);
}
