/* Text, tables, paragraphs: what the page is made of. */
#include "html.h"

#include <stdarg.h>

void html_text(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			buf_puts(out, "&lt;");
		else if (*text == '&')
			buf_puts(out, "&amp;");
		else if (*text == '"')
			buf_puts(out, "&quot;");
		else
			buf_putc(out, *text);
	}
}

static void add_text(struct buf *out, const char *format, va_list args)
{
	struct arena a = {0};
	html_text(out, arena_vprintf(&a, format, args));
	arena_free(&a);
}

void html_section(struct buf *out, const char *id, const char *heading)
{
	buf_printf(out, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">", id, id);
	html_text(out, heading);
	buf_puts(out, "</h2>\n");
}

void html_section_end(struct buf *out)
{
	buf_puts(out, "</section>\n");
}

void html_say(struct buf *out, const char *class, const char *format, ...)
{
	va_list args;
	buf_puts(out, "<p");
	if (class)
		buf_printf(out, " class=\"%s\"", class);
	buf_putc(out, '>');
	va_start(args, format);
	add_text(out, format, args);
	va_end(args);
	buf_puts(out, "</p>\n");
}

void html_command(struct buf *out, const char *command)
{
	buf_puts(out, "<pre>");
	html_text(out, command);
	buf_puts(out, "</pre>\n");
}

/* A table that is wider than a phone scrolls by itself, by keys, too. */
struct html_table html_table(struct buf *out, bool folded, const char *caption, const char *const *heads)
{
	if (folded) {
		buf_puts(out, "<details><summary>");
		html_text(out, caption);
		buf_puts(out, "</summary>\n");
	}
	buf_puts(out, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"");
	html_text(out, caption);
	buf_puts(out, "\"><table>\n");
	if (!folded) {
		buf_puts(out, "<caption>");
		html_text(out, caption);
		buf_puts(out, "</caption>\n");
	}
	buf_puts(out, "<thead><tr>");
	for (; *heads; heads++) {
		buf_puts(out, "<th scope=\"col\">");
		html_text(out, *heads);
		buf_puts(out, "</th>");
	}
	buf_puts(out, "</tr></thead>\n<tbody>");
	return (struct html_table){out, folded};
}

void html_row(struct html_table *t, const char *name, double part, const char *colour)
{
	buf_puts(t->out, "<tr>\n<th scope=\"row\">");
	html_text(t->out, name);
	if (colour)
		buf_printf(t->out,
			"<svg class=\"bar\" viewBox=\"0 0 100 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
			"<rect class=\"%s\" width=\"%.2f\" height=\"1\"/></svg>",
			colour, part > 0 ? part * 100 : 0);
	buf_puts(t->out, "</th>");
}

void html_cell(struct html_table *t, const char *text)
{
	buf_puts(t->out, "<td>");
	html_text(t->out, text);
	buf_puts(t->out, "</td>");
}

void html_table_end(struct html_table *t)
{
	buf_puts(t->out, "</tbody></table></div>\n");
	if (t->folded)
		buf_puts(t->out, "</details>\n");
}

void html_legend(struct buf *out, const char *colour, const char *format, ...)
{
	va_list args;
	buf_printf(out,
		"<li><svg viewBox=\"0 0 1 1\" aria-hidden=\"true\"><rect class=\"%s\" width=\"1\" "
		"height=\"1\"/></svg>",
		colour);
	va_start(args, format);
	add_text(out, format, args);
	va_end(args);
	buf_puts(out, "</li>\n");
}
