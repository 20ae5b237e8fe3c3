/* What it has taken: waits, and calls of both APIs. */
#include "html.h"
#include "parts.h"

#include <math.h>

enum { USED_TO_MS = 45000 };

/* --- Waits --- */

/* Where a wait stands on an axis on which each step is ten times as long, from a tenth of a second on. */
static double place(double ms)
{
	return ms > 100 ? log10(ms / 100) : 0;
}

static void draw_waits(struct buf *out, const struct chart *c, size_t bin)
{
	const struct waits *w = &c->bins->at[bin].waits;
	if (!w->n)
		return;
	double half = place((double)waits_rank(w, 50)), most = place((double)waits_rank(w, 99)),
		   thick = c->top / 50;
	chart_bar(out, c, bin, half, most, 0.4, "range");
	chart_bar(out, c, bin, half - thick / 2, half + thick / 2, 0.76, "done");
	chart_bar(out, c, bin, most - thick / 2, most + thick / 2, 0.76,
		waits_rank(w, 99) > USED_TO_MS ? "failed" : "unchanged");
}

static const char *tip_waits(const struct chart *c, size_t bin)
{
	const struct waits *w = &c->bins->at[bin].waits;
	return w->n ? arena_printf(c->arena, "half within %s, 99 of 100 within %s", shown_wait(waits_rank(w, 50)),
					  shown_wait(waits_rank(w, 99)))
				: "no event was settled";
}

static void scale_waits(struct chart *c)
{
	static const struct {
		double ms;
		const char *text;
	} marks[] = {{100, "0.1 s"}, {1000, "1 s"}, {10000, "10 s"}, {60000, "1 min"}, {600000, "10 min"},
		{3600000, "1 h"}, {36000000, "10 h"}, {864000000, "10 days"}};
	double most = USED_TO_MS;
	for (size_t i = 0; i < c->bins->n; i++)
		if ((double)waits_rank(&c->bins->at[i].waits, 99) > most)
			most = (double)waits_rank(&c->bins->at[i].waits, 99);
	for (size_t i = 0; i < COUNT(marks) && (i == 0 || marks[i - 1].ms < most); i++) {
		c->ticks[c->ticks_n].at = c->top = place(marks[i].ms);
		c->ticks[c->ticks_n++].text = marks[i].text;
	}
}

void part_waits(const struct report *r, struct buf *out)
{
	static const char *const heads[] = {"Received", "Settled", "Half within", "99 of 100 within", NULL};
	const struct figures *f = r->figures;
	struct bins bins = bins_of(f, r->arena);
	struct chart c = {.bins = &bins,
		.draw = draw_waits,
		.tip = tip_waits,
		.mark = place(USED_TO_MS),
		.mark_text = "45 s",
		.arena = r->arena};
	html_section(out, "waits", "How long events waited");
	if (!f->waits.n) {
		html_say(out, NULL, "Nothing tells how long events waited.");
		html_section_end(out);
		return;
	}
	html_say(out, "soft",
		"From when an event was received until it was settled. Half waited no longer than %s, 99 of 100 no "
		"longer than %s; people are used to 45 s.",
		shown_wait(waits_rank(&f->waits, 50)), shown_wait(waits_rank(&f->waits, 99)));
	c.summary = arena_printf(r->arena,
		"Waits by %s, beside 45 seconds: half within %s, 99 of 100 within %s. The table below has the figures.",
		bins_per(&bins), shown_wait(waits_rank(&f->waits, 50)), shown_wait(waits_rank(&f->waits, 99)));
	scale_waits(&c);
	chart_write(out, &c);
	buf_puts(out, "<ul class=\"legend\">\n");
	html_legend(out, "done", "half waited no longer");
	html_legend(out, "unchanged", "99 of 100 waited no longer");
	html_legend(out, "failed", "over the 45 s that people are used to");
	buf_puts(out, "</ul>\n");
	struct html_table t =
		html_table(out, CAPTION_UNFOLDS, arena_printf(r->arena, "By %s, as a table", bins_per(&bins)), heads);
	for (size_t i = 0; i < bins.n; i++) {
		const struct waits *w = &bins.at[i].waits;
		html_row(&t, bin_name(r->arena, &bins, i), 0, NULL);
		html_cell(&t, shown_number(w->n));
		html_cell(&t, shown_wait(waits_rank(w, 50)));
		html_cell(&t, shown_wait(waits_rank(w, 99)));
	}
	html_table_end(&t);
	html_section_end(out);
}

/* --- Calls --- */

/* Few calls of many are a line, so that no day with calls looks like one without. */
static void draw_calls(struct buf *out, const struct chart *c, size_t bin)
{
	double calls = (double)c->bins->at[bin].patientnow;
	chart_bar(out, c, bin, 0, calls > 0 ? fmax(calls, c->top / 100) : 0, 0.76, "done");
}

static const char *tip_calls(const struct chart *c, size_t bin)
{
	return arena_printf(c->arena, "%s of PatientNow", shown_count(c->bins->at[bin].patientnow, "call"));
}

/* The chart of PatientNow's calls; day by day with the limit. */
static void chart_calls(const struct report *r, struct buf *out, const struct bins *bins)
{
	struct chart c = {.bins = bins, .draw = draw_calls, .tip = tip_calls, .arena = r->arena};
	int64_t most = 0, limit = bins->step == BIN_DAY ? figures_patientnow_limit(r->figures) : 0;
	for (size_t i = 0; i < bins->n; i++)
		most = bins->at[i].patientnow > most ? bins->at[i].patientnow : most;
	c.summary =
		arena_printf(r->arena, "Calls of PatientNow by %s: at most %s%s%s. The table below has the figures.",
			bins_per(bins), shown_number(most), limit ? " of " : "", limit ? shown_number(limit) : "");
	c.mark = (double)limit;
	c.mark_text = arena_printf(r->arena, "%s a day", shown_number(limit));
	chart_scale(&c, (double)(most > limit ? most : limit));
	chart_write(out, &c);
}

/* The calls day by day. */
static void calls_by_day(const struct report *r, struct buf *out, const struct bins *bins)
{
	static const char *const heads[] = {"Day (UTC)", "PatientNow", "CRM", NULL};
	struct html_table t =
		html_table(out, CAPTION_UNFOLDS, arena_printf(r->arena, "By %s, as a table", bins_per(bins)), heads);
	for (size_t i = 0; i < bins->n; i++) {
		html_row(&t, bin_name(r->arena, bins, i), 0, NULL);
		html_cell(&t, shown_number(bins->at[i].patientnow));
		html_cell(&t, shown_number(bins->at[i].crm));
	}
	html_table_end(&t);
}

void part_calls(const struct report *r, struct buf *out)
{
	const struct figures *f = r->figures;
	struct bins bins = bins_of(f, r->arena);
	int64_t crm_limit = 0, crm_most = 0;
	for (size_t i = 0; i < f->practices_n; i++)
		crm_limit += f->practices[i]->crm_limit;
	for (size_t i = 0; i < bins.n; i++)
		crm_most = bins.at[i].crm > crm_most ? bins.at[i].crm : crm_most;
	html_section(out, "calls", "Calls used");
	html_say(out, "soft", "%s of PatientNow, %s of the CRM: %.1f for each event.",
		shown_count(f->patientnow, "call"), shown_number(f->crm),
		figures_all(f) ? (double)f->crm / (double)figures_all(f) : 0);
	if (bins.n)
		chart_calls(r, out, &bins);
	if (crm_limit && bins.step == BIN_DAY)
		html_say(out, NULL, "Of the CRM's %s calls a day, %s were used on the busiest day.",
			shown_number(crm_limit), shown_part(crm_most, crm_limit));
	if (bins.n)
		calls_by_day(r, out, &bins);
	html_section_end(out);
}
