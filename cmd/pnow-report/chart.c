/*
 * Charts over days. The shapes are SVG that is stretched to whatever width there is; all words stand beside
 * it as HTML, so that they keep their size on a phone, grow with the reader's and can wrap.
 */
#include "report.h"
#include "html.h"

enum { BIN = 10, HEIGHT = 100, LABELS = 7, FEW = 7 };

void chart_scale(struct chart *c, double most)
{
	static const double next[] = {2, 2.5, 2}; /* 1, 2, 5, 10, 20 … */
	double step = 1;
	for (size_t i = 0; most / step > 4; i++)
		step *= next[i % COUNT(next)];
	c->ticks_n = 0;
	c->top = step;
	for (double at = 0; c->ticks_n < TICKS_MAX && (at == 0 || at - step < most); at += step) {
		c->ticks[c->ticks_n].at = c->top = at;
		c->ticks[c->ticks_n++].text = shown_number((int64_t)at);
	}
	if (c->ticks_n == 1) /* nothing is drawn */
		c->top = step;
}

static double y_of(const struct chart *c, double value)
{
	return HEIGHT - value / c->top * HEIGHT;
}

void chart_bar(struct buf *out, const struct chart *c, size_t bin, double from, double to, double width,
	const char *colour)
{
	double top = y_of(c, to), bottom = y_of(c, from);
	if (c->bins->n < FEW) /* a day alone is no wall */
		width *= (double)c->bins->n / FEW;
	if (bottom - top < 0.01)
		return;
	buf_printf(out, "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>", colour,
		((double)bin + (1 - width) / 2) * BIN, top, width * BIN, bottom - top);
}

/* Every how many bins there is a label; by the day, Mondays are labelled. */
static bool is_labelled(const struct bins *bins, size_t i)
{
	size_t step = (bins->n + LABELS - 1) / LABELS;
	bool weeks = bins->step == BIN_DAY && bins->n > 2 * LABELS;
	if (!weeks)
		return i % step == 0;
	size_t monday = (size_t)((bins->at[i].first - 4) / 7); /* in weeks */
	return (bins->at[i].first - 4) % 7 == 0 && (bins->n <= 7 * LABELS || monday % 2 == 0);
}

static void write_x(struct buf *out, const struct chart *c)
{
	const struct bins *bins = c->bins;
	size_t labels = 0;
	buf_puts(out, "<div class=\"x\" aria-hidden=\"true\">");
	for (size_t i = 0; i < bins->n; i++) {
		if (!is_labelled(bins, i))
			continue;
		buf_printf(out, "<span%s style=\"left:%.2f%%\">", labels++ % 2 ? " class=\"minor\"" : "",
			((double)i + 0.5) * 100 / (double)bins->n);
		html_text(out, bin_label(c->arena, bins, i));
		buf_puts(out, "</span>");
	}
	buf_puts(out, "</div>\n");
}

static void write_y(struct buf *out, const struct chart *c)
{
	buf_puts(out, "<div class=\"y\" aria-hidden=\"true\">");
	for (size_t i = 0; i < c->ticks_n; i++)
		buf_printf(out, "<span style=\"top:%.2f%%\">%s</span>", y_of(c, c->ticks[i].at), c->ticks[i].text);
	buf_puts(out, "</div>\n");
}

static void write_lines(struct buf *out, const struct chart *c)
{
	for (size_t i = 0; i < c->ticks_n; i++)
		buf_printf(out, "<path class=\"%s\" d=\"M0 %.2fH%zu\"/>", i ? "line" : "base",
			y_of(c, c->ticks[i].at), c->bins->n * BIN);
	buf_putc(out, '\n');
}

/* Saturdays and Sundays lie on a ground of their own: few events on them are no sign of anything. */
static void write_weekend(struct buf *out, const struct chart *c, size_t i)
{
	int64_t weekday = (c->bins->at[i].first - 4) % 7;
	if (c->bins->step == BIN_DAY && weekday >= 5)
		buf_printf(out, "<rect class=\"weekend\" x=\"%zu\" y=\"0\" width=\"%d\" height=\"%d\"/>", i * BIN,
			BIN, HEIGHT);
}

void chart_write(struct buf *out, const struct chart *c)
{
	const struct bins *bins = c->bins;
	buf_puts(out, "<div class=\"chart\">\n");
	write_y(out, c);
	buf_puts(out, "<div class=\"plot\"><svg role=\"img\" preserveAspectRatio=\"none\" aria-label=\"");
	html_text(out, c->summary);
	buf_printf(out, "\" viewBox=\"0 0 %zu %d\">\n", bins->n * BIN, HEIGHT);
	for (size_t i = 0; i < bins->n; i++)
		write_weekend(out, c, i);
	write_lines(out, c);
	for (size_t i = 0; i < bins->n; i++) {
		buf_puts(out, "<g><title>");
		html_text(out, bin_name(c->arena, bins, i));
		buf_puts(out, ": ");
		html_text(out, c->tip(c, i));
		buf_printf(out, "</title><rect class=\"hit\" x=\"%zu\" y=\"0\" width=\"%d\" height=\"%d\"/>", i * BIN,
			BIN, HEIGHT);
		c->draw(out, c, i);
		buf_puts(out, "</g>\n");
	}
	if (c->mark > 0)
		buf_printf(out, "<path class=\"mark\" d=\"M0 %.2fH%zu\"/>", y_of(c, c->mark), bins->n * BIN);
	buf_puts(out, "</svg>");
	if (c->mark > 0)
		buf_printf(out, "<span class=\"marked\" style=\"top:%.2f%%\" aria-hidden=\"true\">%s</span>",
			y_of(c, c->mark), c->mark_text);
	buf_puts(out, "</div>\n");
	write_x(out, c);
	buf_puts(out, "</div>\n");
}
