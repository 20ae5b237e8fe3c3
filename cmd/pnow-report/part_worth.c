/* What it has brought: patients from stage to stage, and the lifetime value. */
#include "html.h"
#include "parts.h"

enum { SERVICES = 12 };

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
		html_cell(&t, s->days < 0 ? "–" : shown_within(s->days));
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
