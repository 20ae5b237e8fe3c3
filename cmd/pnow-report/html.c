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

/* On a phone a table of many columns is a list: each row its name, and below it each figure behind its head.
   What is too wide all the same scrolls by itself, by keys, too. Roles are told, since a browser may forget
   them where a table is not laid out as one. */
struct html_table html_table(
	struct buf *out, enum html_caption kind, const char *caption, const char *const *heads)
{
	struct html_table t = {.out = out, .kind = kind};
	size_t n = 0;
	for (; n < HEADS_MAX && heads[n]; n++)
		t.heads[n] = heads[n];
	if (kind == CAPTION_UNFOLDS) {
		buf_puts(out, "<details><summary>");
		html_text(out, caption);
		buf_puts(out, "</summary>\n");
	}
	buf_puts(out, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"");
	html_text(out, caption);
	buf_printf(out, "\"><table role=\"table\"%s>\n<caption%s>", n > 3 ? " class=\"wide\"" : "",
		kind == CAPTION_SHOWN ? "" : " class=\"unseen\"");
	html_text(out, caption);
	buf_puts(out, "</caption>\n<thead role=\"rowgroup\"><tr role=\"row\">");
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, "<th role=\"columnheader\" scope=\"col\">");
		html_text(out, t.heads[i]);
		buf_puts(out, "</th>");
	}
	buf_puts(out, "</tr></thead>\n<tbody role=\"rowgroup\">");
	return t;
}

/* A name may be broken behind a dot: appointment.booked. */
static void add_name(struct buf *out, const char *name)
{
	for (const char *dot; (dot = strchr(name, '.')) && dot[1]; name = dot + 1) {
		struct arena a = {0};
		html_text(out, arena_copy(&a, (struct str){name, (size_t)(dot + 1 - name)}));
		buf_puts(out, "<wbr>");
		arena_free(&a);
	}
	html_text(out, name);
}

void html_row(struct html_table *t, const char *name, double part, const char *colour)
{
	t->column = 1;
	buf_puts(t->out, "<tr role=\"row\">\n<th role=\"rowheader\" scope=\"row\">");
	add_name(t->out, name);
	if (colour)
		buf_printf(t->out,
			"<svg class=\"bar\" viewBox=\"0 0 100 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
			"<rect class=\"%s\" width=\"%.2f\" height=\"1\"/></svg>",
			colour, part > 0 ? part * 100 : 0);
	buf_puts(t->out, "</th>");
}

void html_cell(struct html_table *t, const char *text)
{
	buf_printf(t->out, "<td role=\"cell\"%s data-head=\"", strcmp(text, "–") == 0 ? " class=\"none\"" : "");
	html_text(t->out, t->heads[t->column++]);
	buf_puts(t->out, "\">");
	html_text(t->out, text);
	buf_puts(t->out, "</td>");
}

void html_table_end(struct html_table *t)
{
	buf_puts(t->out, "</tbody></table></div>\n");
	if (t->kind == CAPTION_UNFOLDS)
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
