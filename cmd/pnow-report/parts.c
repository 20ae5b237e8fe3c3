/* The page's sections. Each says in a sentence what is to be seen, shows it, and has it as a table. */
#include "html.h"
#include "parts.h"

#include <math.h>

enum { USED_TO_MS = 45000, SERVICES = 12 };

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
		html_cell(&t, shown_number(practice_all(p)));
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
	const char *text = shown_count(bin_all(b), "event");
	for (enum fate fate = 0; fate < FATES; fate++)
		if (b->fates[fate])
			text = arena_printf(c->arena, "%s, %s %s", text, shown_number(b->fates[fate]), fates[fate].key);
	return text;
}

static const char *per(const struct bins *bins)
{
	static const char *const words[] = {[BIN_DAY] = "day", [BIN_WEEK] = "week", [BIN_MONTH] = "month"};
	return words[bins->step];
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
	int64_t all = 0;
	for (enum fate fate = 0; fate < FATES; fate++)
		all += counts[fate];
	html_cell(t, shown_number(all));
	for (enum fate fate = 0; fate < FATES; fate++)
		if (figures_fate(r->figures, fate))
			html_cell(t, counts[fate] ? shown_number(counts[fate]) : "–");
}

static void events_by_type(const struct report *r, struct buf *out)
{
	struct html_table t = begin_fates(r, out, CAPTION_SHOWN, "By type", "Type");
	for (size_t type = 0; type < TYPES; type++) {
		int64_t all = 0;
		for (enum fate fate = 0; fate < FATES; fate++)
			all += r->figures->events[type][fate];
		if (!all)
			continue;
		html_row(&t, report_type(type), 0, NULL);
		fates_cells(r, &t, r->figures->events[type]);
	}
	html_table_end(&t);
}

static void events_by_day(const struct report *r, struct buf *out, const struct bins *bins)
{
	struct html_table t = begin_fates(
		r, out, CAPTION_UNFOLDS, arena_printf(r->arena, "By %s, as a table", per(bins)), "Received");
	for (size_t i = 0; i < bins->n; i++) {
		html_row(&t, bin_name(r->arena, bins, i), 0, NULL);
		fates_cells(r, &t, bins->at[i].fates);
	}
	html_table_end(&t);
}

void part_events(const struct report *r, struct buf *out)
{
	const struct figures *f = r->figures;
	struct bins bins = bins_of(f, r->arena);
	struct chart c = {.bins = &bins, .draw = draw_fates, .tip = tip_fates, .arena = r->arena};
	int64_t most = 0, all = figures_all(f);
	html_section(out, "events", "What came in, and what became of it");
	for (size_t i = 0; i < bins.n; i++)
		most = bin_all(&bins.at[i]) > most ? bin_all(&bins.at[i]) : most;
	html_say(out, "soft", "%s, by the %s that they came in.", shown_count(all, "event"), per(&bins));
	c.summary = arena_printf(r->arena,
		"Events by %s: %s in all, at most %s in one %s. The table below has the figures.", per(&bins),
		shown_number(all), shown_number(most), per(&bins));
	chart_scale(&c, (double)most);
	if (bins.n)
		chart_write(out, &c);
	buf_puts(out, "<ul class=\"legend\">\n");
	for (enum fate fate = 0; fate < FATES; fate++)
		if (figures_fate(f, fate))
			html_legend(
				out, fates[fate].key, "%s %s", fates[fate].shown, shown_number(figures_fate(f, fate)));
	buf_puts(out, "</ul>\n");
	events_by_day(r, out, &bins);
	if (all)
		events_by_type(r, out);
	html_section_end(out);
}

/* --- Pipelines --- */

static void write_funnel(const struct report *r, struct buf *out, const struct funnel *f)
{
	static const char *const heads[] = {"Stage", "Patients", "Went on", "Part", "Half within", NULL};
	int64_t most = 1;
	for (size_t i = 0; i < f->n; i++)
		most = f->stages[i].came > most ? f->stages[i].came : most;
	buf_puts(out, "<h3>");
	html_text(out, f->pipeline);
	buf_puts(out, "</h3>\n");
	struct html_table t = html_table(
		out, CAPTION_HIDDEN, arena_printf(r->arena, "Stages of the pipeline %s", f->pipeline), heads);
	for (size_t i = 1; i <= f->n; i++) {
		const struct funnel_stage *s = &f->stages[i % f->n]; /* the lost one last */
		bool lost = i == f->n;
		html_row(&t, s->name, (double)s->came / (double)most, lost ? "ignored" : "done");
		html_cell(&t, shown_number(s->came));
		bool first = i < 2 || lost || !s->before;
		html_cell(&t,
			first ? "–"
				  : arena_printf(r->arena, "%s of %s", shown_number(s->went_on), shown_number(s->before)));
		html_cell(&t, first ? "–" : shown_part(s->went_on, s->before));
		html_cell(&t, s->days < 0 ? "–" : arena_printf(r->arena, "%s days", shown_days(s->days)));
	}
	html_table_end(&t);
}

void part_funnels(const struct report *r, struct buf *out)
{
	const struct funnels *f = &r->figures->funnels;
	size_t shown = 0;
	html_section(out, "pipelines", "From stage to stage");
	html_say(out, "soft",
		"Patients who came into a stage in this time. Of those who came into a stage, how many went on to the "
		"next or past it, and the days that half of them needed at most; the latest may still be on their way.");
	if (f->sampled)
		html_say(out, "soft", "There are so many patients that one of %d was followed.", 1 << f->sampled);
	for (size_t i = 0; i < f->n; i++) {
		int64_t came = 0;
		for (size_t stage = 0; stage < f->at[i].n; stage++)
			came += f->at[i].stages[stage].came;
		if (!came)
			continue;
		write_funnel(r, out, &f->at[i]);
		shown++;
	}
	if (!shown)
		html_say(out, NULL, "No opportunity moved.");
	html_section_end(out);
}

/* --- Lifetime value --- */

static void value_by_month(const struct report *r, struct buf *out)
{
	static const char *const heads[] = {"Month", "Added", NULL};
	struct bins bins = bins_by_month(r->figures, r->arena);
	int64_t most = 1;
	for (size_t i = 0; i < bins.n; i++)
		most = bins.at[i].value > most ? bins.at[i].value : most;
	struct html_table t = html_table(out, CAPTION_SHOWN, "By month", heads);
	for (size_t i = 0; i < bins.n; i++) {
		html_row(&t, bin_name(r->arena, &bins, i), (double)bins.at[i].value / (double)most, "done");
		html_cell(&t, shown_money(bins.at[i].value));
	}
	html_table_end(&t);
}

/* The largest services by name, all others in one row. */
static void value_by_service(const struct report *r, struct buf *out)
{
	static const char *const heads[] = {"Service", "Billed", "Added", NULL};
	const struct tally *s = &r->figures->services;
	int64_t most = s->n && s->at[0].cents > 0 ? s->at[0].cents : 1;
	int64_t n = s->others, cents = s->others_cents;
	struct html_table t = html_table(out, CAPTION_SHOWN, "By service", heads);
	for (size_t i = 0; i < s->n; i++) {
		if (i >= SERVICES && s->at[i].cents >= 0) {
			n += s->at[i].n;
			cents += s->at[i].cents;
			continue;
		}
		html_row(&t, s->at[i].name, (double)s->at[i].cents / (double)most, "done");
		html_cell(&t, shown_number(s->at[i].n));
		html_cell(&t, shown_money(s->at[i].cents));
	}
	if (n) {
		html_row(&t, "All others", (double)cents / (double)most, "done");
		html_cell(&t, shown_number(n));
		html_cell(&t, shown_money(cents));
	}
	html_table_end(&t);
}

void part_value(const struct report *r, struct buf *out)
{
	const struct figures *f = r->figures;
	html_section(out, "value", "Lifetime value added");
	if (!f->services.n) {
		html_say(out, NULL, "No bill was added.");
	} else {
		html_say(out, "soft", "%s were added to the lifetime values of contacts.", shown_money(f->value));
		value_by_month(r, out);
		value_by_service(r, out);
	}
	html_section_end(out);
}

/* --- Causes --- */

static void write_cause(const struct report *r, struct buf *out, const struct cause *c)
{
	buf_printf(out, "<div class=\"cause\"><p><span class=\"count\">%s</span> ", shown_number(c->n));
	html_text(out, c->text);
	buf_puts(out, "</p>\n");
	html_say(out, "soft", "%s%s%s", r->figures->practices_n > 1 ? c->practice->name : "",
		r->figures->practices_n > 1 ? ": " : "", cause_advice(c));
	const char *command = cause_command(r->arena, c);
	if (*command)
		html_command(out, command);
	if (c->n > CAUSE_IDS && c->ids[0])
		html_say(out, "soft", "These are the newest %d.", CAUSE_IDS);
	buf_puts(out, "</div>\n");
}

void part_causes(const struct report *r, struct buf *out)
{
	const struct figures *f = r->figures;
	const struct causes *c = &f->causes;
	html_section(out, "causes", "What failed or was left out");
	for (size_t i = 0; i < c->n; i++) {
		if (i == 0 || c->at[i].kind != c->at[i - 1].kind) {
			buf_puts(out, "<h3>");
			html_text(out, cause_kind_shown(c->at[i].kind));
			buf_puts(out, "</h3>\n");
		}
		write_cause(r, out, &c->at[i]);
	}
	if (!c->n)
		html_say(out, NULL, "Nothing failed, and nothing was left out.");
	if (c->others)
		html_say(
			out, "soft", "For the causes of %s there is no room here.", shown_count(c->others, "more event"));
	if (f->tried)
		html_say(
			out, "soft", "Tried again, since they settled nothing: %s.", shown_count(f->tried, "answer"));
	html_section_end(out);
}

/* --- Types that the sheet lacks --- */

void part_uncategorized(const struct report *r, struct buf *out)
{
	static const char *const heads[] = {"Type", "Appointments", "Last event", NULL};
	const struct tally *u = &r->figures->uncategorized;
	html_section(out, "sheet", "Types of appointments that the sheet lacks");
	if (!u->n) {
		html_say(out, NULL, "None.");
	} else {
		html_say(out, "soft",
			"Such an appointment moves no opportunity. Give each type a category in the sheet: it holds from "
			"the next event on.");
		struct html_table t = html_table(out, CAPTION_HIDDEN, "Types without a category", heads);
		for (size_t i = 0; i < u->n; i++) {
			html_row(&t, u->at[i].name, (double)u->at[i].n / (double)u->at[0].n, "skipped");
			html_cell(&t, shown_number(u->at[i].n));
			html_cell(&t, u->at[i].last ? u->at[i].last : "–");
		}
		html_table_end(&t);
		const char *option = practice_option(r->arena, r->figures->practices[0]);
		html_command(
			out, arena_printf(r->arena, "pnow-fetch%s appointment-types | categorize%s -s", option, option));
	}
	html_section_end(out);
}

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
		per(&bins), shown_wait(waits_rank(&f->waits, 50)), shown_wait(waits_rank(&f->waits, 99)));
	scale_waits(&c);
	chart_write(out, &c);
	buf_puts(out, "<ul class=\"legend\">\n");
	html_legend(out, "done", "half waited no longer");
	html_legend(out, "unchanged", "99 of 100 waited no longer");
	html_legend(out, "failed", "over the 45 s that people are used to");
	buf_puts(out, "</ul>\n");
	struct html_table t =
		html_table(out, CAPTION_UNFOLDS, arena_printf(r->arena, "By %s, as a table", per(&bins)), heads);
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

static void draw_calls(struct buf *out, const struct chart *c, size_t bin)
{
	chart_bar(out, c, bin, 0, (double)c->bins->at[bin].patientnow, 0.76, "done");
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
			per(bins), shown_number(most), limit ? " of " : "", limit ? shown_number(limit) : "");
	c.mark = (double)limit;
	c.mark_text = arena_printf(r->arena, "%s a day", shown_number(limit));
	chart_scale(&c, (double)(most > limit ? most : limit));
	chart_write(out, &c);
}

void part_calls(const struct report *r, struct buf *out)
{
	static const char *const heads[] = {"Day (UTC)", "PatientNow", "CRM", NULL};
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
	struct html_table t =
		html_table(out, CAPTION_UNFOLDS, arena_printf(r->arena, "By %s, as a table", per(&bins)), heads);
	for (size_t i = 0; i < bins.n; i++) {
		html_row(&t, bin_name(r->arena, &bins, i), 0, NULL);
		html_cell(&t, shown_number(bins.at[i].patientnow));
		html_cell(&t, shown_number(bins.at[i].crm));
	}
	html_table_end(&t);
	html_section_end(out);
}

/* --- The audit --- */

void part_audit(const struct report *r, struct buf *out)
{
	static const char *const heads[] = {"What differs", "Events", "Last event", NULL};
	const struct figures *f = r->figures;
	const char *when =
		f->audit.at ? arena_printf(r->arena, " of %s", day_text(day_of(f->audit.at), "%-d %B %Y")) : "";
	html_section(out, "audit", "What the last audit found");
	if (!f->audit.made) {
		html_say(out, NULL, "No audit was given to this report: see crm-push -C, and pnow-report -a.");
	} else if (!f->audit.events) {
		html_say(out, NULL, "The audit%s found nothing: the CRM holds what it should.", when);
	} else {
		html_say(out, "soft", "The audit%s found %s events with which the CRM does not agree.", when,
			shown_number(f->audit.events));
		struct html_table t = html_table(out, CAPTION_HIDDEN, "Differences", heads);
		for (size_t i = 0; i < f->audit.names.n; i++) {
			const struct tally_row *row = &f->audit.names.at[i];
			html_row(&t, row->name, (double)row->n / (double)f->audit.names.at[0].n, "skipped");
			html_cell(&t, shown_number(row->n));
			html_cell(&t, row->last ? row->last : "–");
		}
		html_table_end(&t);
	}
	html_section_end(out);
}
