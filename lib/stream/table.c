/* A row is written when it is there, so a list of any length takes the same memory:
 * that is why columns have a width of their own and not that of their longest text. */
#include "stream/table.h"
#include "text/buf.h"
#include "value/when.h"

#include <ctype.h>
#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

struct table table_of(const struct column *columns, size_t n)
{
	return (struct table){.columns = columns, .n = n, .people = isatty(STDOUT_FILENO)};
}

const char *table_time(int64_t ms)
{
	static char text[20];
	time_t t = (time_t)(ms / 1000);
	struct tm tm;
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", localtime_r(&t, &tm));
	return text;
}

/* How many characters a text has. */
static int length(const char *text)
{
	int n = 0;
	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

/* A text in a column, at most so many characters of it. What a sender calls an id may be anything: nothing in
 * it reaches the terminal as a command. */
static void write_padded(const char *text, int width, int most)
{
	int shown = 0;
	bool cut = length(text) > most;
	for (char c; (c = str_shown(&text));) {
		if (cut && shown == most - 1 && (c & 0xc0) != 0x80) {
			fputs("\u2026", stdout);
			return;
		}
		putchar(c);
		shown += (c & 0xc0) != 0x80;
	}
	while (shown++ < width)
		putchar(' ');
}

static void write_heading(const struct table *t)
{
	char name[32];
	for (size_t i = 0; i < t->n; i++) {
		size_t n = 0;
		if (!t->columns[i].width)
			continue;
		if (i)
			putchar(' ');
		for (const char *c = t->columns[i].name; *c && n < sizeof name - 1; c++)
			name[n++] = (char)toupper((unsigned char)*c);
		name[n] = '\0';
		write_padded(name, t->columns[i].width, INT_MAX);
	}
	putchar('\n');
}

static void write_columns(const struct table *t, const struct cell *cells)
{
	char number[24];
	for (size_t i = 0; i < t->n; i++) {
		const struct column *column = &t->columns[i];
		const char *text = cells[i].text;
		if (!column->width)
			continue;
		if (i)
			putchar(' ');
		if (column->kind == CELL_TIME && cells[i].number)
			text = table_time(cells[i].number);
		if (column->kind == CELL_NUMBER) {
			snprintf(number, sizeof number, "%lld", (long long)cells[i].number);
			text = number;
		}
		write_padded(text ? text : "-", column->width, column->kind == CELL_ID ? column->width : INT_MAX);
	}
	putchar('\n');
}

static void write_json(const struct table *t, const struct cell *cells)
{
	struct buf line = {0};
	char time[WHEN_TEXT];
	buf_putc(&line, '{');
	for (size_t i = 0; i < t->n; i++) {
		const char *name = t->columns[i].name;
		switch (t->columns[i].kind) {
		case CELL_TEXT:
		case CELL_ID:
			buf_member(&line, name, cells[i].text);
			break;
		case CELL_TIME:
			if (cells[i].number)
				when_utc(cells[i].number, time);
			buf_member(&line, name, cells[i].number ? time : NULL);
			break;
		case CELL_NUMBER:
			buf_printf(&line, "%s\"%s\":%lld", line.n > 1 ? "," : "", name, (long long)cells[i].number);
			break;
		case CELL_JSON:
			if (cells[i].text)
				buf_printf(&line, "%s\"%s\":%s", line.n > 1 ? "," : "", name, cells[i].text);
			break;
		}
	}
	buf_puts(&line, "}\n");
	fwrite(line.p, 1, line.n, stdout);
	buf_free(&line);
}

void table_row(struct table *t, const struct cell *cells)
{
	if (!t->people) {
		write_json(t, cells);
		return;
	}
	if (!t->begun)
		write_heading(t);
	t->begun = true;
	write_columns(t, cells);
}

void table_end(void)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		err(EX_CANTCREAT, "cannot write to standard output");
}
