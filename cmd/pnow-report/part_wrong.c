/* What is not as it should be: causes, types that the sheet lacks, what an audit has found. */
#include "html.h"
#include "parts.h"

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
	if (c->n > CAUSE_IDS && *command)
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

/* What gives types a category, for each practice whose sheet lacks some. */
static void write_categorize(const struct report *r, struct buf *out)
{
	for (size_t i = 0; i < r->figures->practices_n; i++) {
		const struct practice *p = r->figures->practices[i];
		const char *option = practice_option(r->arena, p);
		if (p->uncategorized)
			html_command(out,
				arena_printf(r->arena, "pnow-fetch%s appointment-types | categorize%s -s", option, option));
	}
}

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
		write_categorize(r, out);
	}
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
	} else if (!f->audit.events && !f->audit.failed) {
		html_say(out, NULL, "The audit%s found nothing: the CRM holds what it should.", when);
	} else if (f->audit.events) {
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
	if (f->audit.failed)
		html_say(out, NULL, "Could not be compared: %s. The audit's lines say why.",
			shown_count(f->audit.failed, "event"));
	html_section_end(out);
}
