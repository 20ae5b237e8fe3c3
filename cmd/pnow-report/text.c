/* The report as text for a mail: narrow enough for any reader, and with what needs a person first. */
#include "report.h"

enum { NAME = 40, SERVICES = 12 };

static void head(struct buf *out, const char *text)
{
	buf_printf(out, "\n%s\n", text);
	for (size_t i = 0; i < strlen(text); i++)
		buf_putc(out, '-');
	buf_putc(out, '\n');
}

/* Bytes of UTF-8 that go on with a character are no column. */
static int columns_of(const char *text)
{
	int n = 0;
	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

static void row(struct buf *out, const char *name, const char *figure, const char *more)
{
	int pad = NAME - columns_of(name);
	buf_printf(out, "  %s%*s %14s%s%s\n", name, pad > 0 ? pad : 0, "", figure, *more ? "  " : "", more);
}

static void say_sums(const struct report *r, struct buf *out)
{
	const struct figures *f = r->figures;
	int64_t all = figures_all(f);
	buf_printf(out, "%s: from PatientNow to the CRM\n%s\n\n", shown_who(r), shown_span(r));
	for (enum fate fate = 0; fate < FATES; fate++)
		if (figures_fate(f, fate))
			row(out, fates[fate].shown, shown_number(figures_fate(f, fate)),
				shown_part(figures_fate(f, fate), all));
	row(out, "Events", shown_number(all), "");
	row(out, "Lifetime value added", shown_money(f->value),
		arena_printf(r->arena, "of %s", shown_count(f->bills, "bill")));
	row(out, "Half waited no longer than", shown_wait(waits_rank(&f->waits, 50)), "");
	row(out, "99 of 100 no longer than", shown_wait(waits_rank(&f->waits, 99)), "people are used to 45 s");
}

static void say_practices(const struct report *r, struct buf *out)
{
	const struct practice **worst = figures_worst(r->figures, r->arena);
	head(out, "Practices, the worst first");
	for (size_t i = 0; i < r->figures->practices_n; i++) {
		const struct practice *p = worst[i];
		buf_printf(out,
			"  %s\n      %s events, %s failed, %s waiting, %s left out; 99 of 100 within %s; %s\n", p->name,
			shown_number(fates_sum(p->fates)), shown_number(p->fates[FATE_FAILED]),
			shown_number(p->fates[FATE_WAITING]), shown_number(p->fates[FATE_SKIPPED]),
			shown_wait(waits_rank(&p->waits, 99)), shown_money(p->value));
	}
}

static void say_command(struct buf *out, const char *command)
{
	for (size_t n; *command; command += n + (command[n] == '\n')) {
		n = strcspn(command, "\n");
		buf_printf(out, "          %.*s\n", (int)n, command);
	}
}

static void say_causes(const struct report *r, struct buf *out)
{
	const struct causes *c = &r->figures->causes;
	for (size_t i = 0; i < c->n; i++) {
		if (i == 0 || c->at[i].kind != c->at[i - 1].kind)
			head(out, cause_kind_shown(c->at[i].kind));
		buf_printf(out, "%7s %s%s%s\n        %s\n", shown_number(c->at[i].n),
			r->figures->practices_n > 1 ? c->at[i].practice->name : "",
			r->figures->practices_n > 1 ? ": " : "", c->at[i].text, cause_advice(&c->at[i]));
		say_command(out, cause_command(r->arena, &c->at[i]));
	}
	if (!c->n)
		buf_puts(out, "\nNothing failed, and nothing was left out.\n");
}

static void say_days(const struct report *r, struct buf *out)
{
	struct bins bins = bins_of(r->figures, r->arena);
	head(out, "What came in");
	for (size_t i = 0; i < bins.n; i++) {
		const struct bin *b = &bins.at[i];
		int64_t left = b->fates[FATE_SKIPPED] + b->fates[FATE_FAILED];
		row(out, bin_name(r->arena, &bins, i), shown_number(fates_sum(b->fates)),
			left ? arena_printf(r->arena, "%s failed or left out", shown_number(left)) : "");
	}
	buf_putc(out, '\n');
	for (size_t type = 0; type < TYPES; type++) {
		int64_t all = fates_sum(r->figures->events[type]);
		if (all)
			row(out, report_type(type), shown_number(all), "");
	}
}

static void say_funnels(const struct report *r, struct buf *out)
{
	const struct funnels *f = &r->figures->funnels;
	for (size_t i = 0; i < f->n; i++) {
		head(out, f->at[i].pipeline);
		for (size_t stage = 1; stage <= f->at[i].n; stage++) {
			const struct funnel_stage *s = &f->at[i].stages[stage % f->at[i].n];
			row(out, s->name, shown_number(s->came),
				s->before ? arena_printf(r->arena, "%s of %s went on to it%s%s", shown_number(s->went_on),
								shown_number(s->before), s->days < 0 ? "" : ", half within ",
								s->days < 0 ? "" : shown_within(s->days))
						  : "");
		}
	}
}

static void say_value(const struct report *r, struct buf *out)
{
	struct bins months = bins_by_month(r->figures, r->arena);
	const struct tally *s = &r->figures->services;
	int64_t others = s->others_cents;
	if (!s->n)
		return;
	head(out, "Lifetime value added");
	for (size_t i = 0; i < months.n; i++)
		row(out, bin_name(r->arena, &months, i), shown_money(months.at[i].value), "");
	buf_putc(out, '\n');
	for (size_t i = 0; i < s->n; i++) {
		if (i < SERVICES || s->at[i].cents < 0)
			row(out, s->at[i].name, shown_money(s->at[i].cents), "");
		else
			others += s->at[i].cents;
	}
	if (others)
		row(out, "All others", shown_money(others), "");
}

static void say_rest(const struct report *r, struct buf *out)
{
	const struct figures *f = r->figures;
	int64_t limit = figures_patientnow_limit(f);
	if (f->uncategorized.n)
		head(out, "Types of appointments that the sheet lacks");
	for (size_t i = 0; i < f->uncategorized.n; i++)
		row(out, f->uncategorized.at[i].name, shown_number(f->uncategorized.at[i].n), "");
	head(out, "Calls");
	row(out, "PatientNow", shown_number(f->patientnow),
		limit ? arena_printf(r->arena, "of %s a day", shown_number(limit)) : "");
	row(out, "CRM", shown_number(f->crm), "");
	if (f->audit.made)
		head(out, "The last audit");
	if (f->audit.made && !f->audit.events && !f->audit.failed)
		buf_puts(out, "  It found nothing.\n");
	if (f->audit.failed)
		row(out, "Events that could not be compared", shown_number(f->audit.failed), "");
	for (size_t i = 0; i < f->audit.names.n; i++)
		row(out, f->audit.names.at[i].name, shown_number(f->audit.names.at[i].n), "");
}

void report_text(const struct report *r, struct buf *out)
{
	say_sums(r, out);
	if (r->compare)
		say_practices(r, out);
	say_causes(r, out);
	say_days(r, out);
	say_funnels(r, out);
	say_value(r, out);
	say_rest(r, out);
}
