/* The page: one file with all that it needs, that asks nothing of anybody and runs no script. What it is made
 * of is here, what it says in parts.c. */
#include "html.h"
#include "parts.h"
#include "style.h"

static void key_figure(struct buf *out, const char *name, const char *figure, const char *more)
{
	buf_puts(out, "<div><dt>");
	html_text(out, name);
	buf_puts(out, "</dt><dd>");
	html_text(out, figure);
	buf_puts(out, " <small>");
	html_text(out, more);
	buf_puts(out, "</small></dd></div>\n");
}

/* The one thing to know. */
static void write_state(const struct figures *f, struct buf *out)
{
	int64_t failed = figures_fate(f, FATE_FAILED);
	if (failed)
		buf_printf(out, "<p class=\"state bad\"><a href=\"#causes\">%s %s</a></p>\n", shown_number(failed),
			failed == 1 ? "event failed and needs a person" : "events failed and need a person");
	else
		buf_puts(out, figures_all(f) ? "<p class=\"state\">Nothing failed</p>\n"
									 : "<p class=\"state none\">No event came in</p>\n");
}

static void write_key(const struct report *r, struct buf *out)
{
	const struct figures *f = r->figures;
	struct arena *a = r->arena;
	int64_t all = figures_all(f), waiting = figures_fate(f, FATE_WAITING),
			failed = figures_fate(f, FATE_FAILED), skipped = figures_fate(f, FATE_SKIPPED);
	buf_puts(out, "<dl class=\"key\">\n");
	key_figure(out, "Events", shown_number(all),
		all ? arena_printf(a, "%s settled", shown_part(all - waiting - failed, all)) : "");
	key_figure(out, "Lifetime value added", shown_dollars(f->value),
		arena_printf(a, "of %s", shown_count(f->bills, "bill")));
	key_figure(out, "Typical wait", shown_wait(waits_rank(&f->waits, 50)),
		f->waits.n ? arena_printf(a, "99 of 100 within %s", shown_wait(waits_rank(&f->waits, 99))) : "");
	key_figure(out, "Left out", shown_number(skipped), arena_printf(a, "%s waiting", shown_number(waiting)));
	buf_puts(out, "</dl>\n");
}

static void write_head(const struct report *r, struct buf *out)
{
	const char *title = arena_printf(r->arena, "%s, %s", shown_who(r), shown_span(r));
	buf_puts(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
				  "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
				  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
				  "'unsafe-inline'; img-src data:\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
				  "<link rel=\"icon\" href=\"data:,\">\n<title>");
	html_text(out, title);
	buf_puts(out, "</title>\n<style>\n");
	for (size_t i = 0; i < COUNT(style); i++)
		buf_puts(out, style[i]);
	buf_puts(out, "</style>\n</head>\n<body>\n<header>\n<h1>");
	html_text(out, shown_who(r));
	buf_puts(out, "</h1>\n");
	html_say(out, "soft", "From PatientNow to the CRM, %s", shown_span(r));
	write_state(r->figures, out);
	write_key(r, out);
	buf_puts(out, "</header>\n<main>\n");
}

static void write_foot(const struct report *r, struct buf *out)
{
	const struct figures *f = r->figures;
	buf_puts(out, "</main>\n<footer>\n");
	if (f->practices_n == 1 && f->practices[0]->zone)
		html_say(
			out, NULL, "Days are those of %s; calls are counted by the day in UTC.", f->practices[0]->zone);
	if (f->undated)
		html_say(out, NULL, "In no chart, since no time is told: %s.", shown_count(f->undated, "event"));
	if (f->passed_over)
		html_say(
			out, NULL, "Passed over, since they are no results: %s.", shown_count(f->passed_over, "line"));
	html_say(out, NULL,
		"Made by pnow-report of ids, times and amounts: it names no person. pnow-inbox trace tells all that "
		"is known of an id.");
	buf_puts(out, "</footer>\n</body>\n</html>\n");
}

void report_page(const struct report *r, struct buf *out)
{
	write_head(r, out);
	if (r->compare)
		part_practices(r, out);
	part_events(r, out);
	part_funnels(r, out);
	part_value(r, out);
	part_causes(r, out);
	part_uncategorized(r, out);
	part_waits(r, out);
	part_calls(r, out);
	part_audit(r, out);
	write_foot(r, out);
}
