/* The sheet is read into a sorted table; a lookup is a binary search over folded names. */
#include "conf/sheet.h"
#include "text/file.h"
#include "text/rows.h"

#include <ctype.h>
#include <err.h>
#include <stdlib.h>
#include <sysexits.h>

struct type {
	const char *folded;
	size_t line;
	enum category category;
};

struct sheet {
	struct type *types;
	size_t n, room;
	struct arena arena;
};

/* The file while it is read. */
struct reading {
	struct sheet *sheet;
	const char *path;
	struct str left; /* lines that are still to be read */
	struct rows *rows;
};

void sheet_fold(const char *type, char *folded)
{
	for (; *type; type++)
		if (!isspace((unsigned char)*type))
			*folded++ = (char)tolower((unsigned char)*type);
	*folded = '\0';
}

/* The next line. It ends with a newline, or with a carriage return as on old Macs. */
static bool next_line(void *context, struct rows_line *line)
{
	struct str *left = &((struct reading *)context)->left;
	if (!left->n)
		return false;
	size_t n = 0;
	while (n < left->n && left->p[n] != '\n' && left->p[n] != '\r')
		n++;
	line->text = (struct str){left->p, n};
	n += n + 1 < left->n && left->p[n] == '\r' && left->p[n + 1] == '\n';
	n += n < left->n;
	*left = (struct str){left->p + n, left->n - n};
	return true;
}

/* Messages quote a field, and are one line. */
static void blank_controls(char *field)
{
	for (; *field; field++)
		if (iscntrl((unsigned char)*field))
			*field = ' ';
}

/* Whether a field is the name of a column, in any spelling. */
static bool is_column(const char *field, const char *name)
{
	char folded[64];
	if (strlen(field) >= sizeof folded)
		return false;
	sheet_fold(field, folded);
	return strcmp(folded, name) == 0;
}

/* The first row; none where the file is empty. */
static void check_header(const struct reading *r, const struct row *row)
{
	if (row->n < 2 || !is_column(row->fields[0], "appointmenttype") ||
		!is_column(row->fields[1], "appointmentcategory"))
		errx(EX_CONFIG, "%s:%zu: expected the header \"Appointment Type,Appointment Category\"", r->path,
			row->line);
}

static void add_type(struct reading *r, const struct row *row)
{
	struct sheet *s = r->sheet;
	char *type = row->fields[0], *name = row->n > 1 ? row->fields[1] : "";
	if (strspn(name, " \t\r\n") == strlen(name)) /* not filled in yet */
		return;
	blank_controls(type);
	blank_controls(name);
	enum category category = category_of(str_of(name));
	char *folded = arena_alloc(&s->arena, strlen(type) + 1);
	sheet_fold(type, folded);
	if (!*folded)
		errx(EX_CONFIG, "%s:%zu: expected an appointment type in the first column", r->path, row->line);
	if (category == CATEGORY_NONE)
		errx(EX_CONFIG,
			"%s:%zu: %s: found the category \"%s\", expected Surgical Consult, Surgical Appointment, "
			"Non-Surgical Consult, "
			"Non-Surgical Appointment, Block, Post-Op or Pre-Op",
			r->path, row->line, type, name);
	if (s->n == s->room) {
		s->room = s->room ? s->room * 2 : 256;
		s->types = allocated(reallocarray(s->types, s->room, sizeof *s->types));
	}
	s->types[s->n++] = (struct type){folded, row->line, category};
}

/* The next row; false at the end. */
static bool next_row(const struct reading *r, struct row *row)
{
	bool there = rows_next(r->rows, row);
	if (there && row->wrong)
		errx(EX_CONFIG, "%s:%zu: no CSV: %s", r->path, row->line, row->wrong);
	return there;
}

static int by_name(const void *x, const void *y)
{
	const struct type *a = x, *b = y;
	int order = strcmp(a->folded, b->folded);
	return order ? order : (a->line > b->line) - (a->line < b->line);
}

/* Ends the process where a type stands in two rows. */
static void check_twice(const struct reading *r)
{
	const struct sheet *s = r->sheet;
	for (size_t i = 1; i < s->n; i++)
		if (strcmp(s->types[i - 1].folded, s->types[i].folded) == 0)
			errx(EX_CONFIG,
				"%s:%zu: the same appointment type is on line %zu already, expected each type once", r->path,
				s->types[i].line, s->types[i - 1].line);
}

struct sheet *sheet_read(const char *path)
{
	struct sheet *s = calloc(1, sizeof *s);
	struct reading r = {.sheet = s, .path = path};
	if (!s)
		out_of_memory();
	if (!path)
		return s;
	r.left.p = file_read(&s->arena, path, &r.left.n);
	if (!r.left.p)
		err(EX_CONFIG, "categories: cannot read the sheet %s", path);
	r.rows = rows_open(next_line, &r, ROWS_ANY);
	struct row row = {.line = 1};
	next_row(&r, &row);
	check_header(&r, &row);
	while (next_row(&r, &row))
		add_type(&r, &row);
	rows_close(r.rows);
	if (s->n)
		qsort(s->types, s->n, sizeof *s->types, by_name);
	check_twice(&r);
	return s;
}

void sheet_free(struct sheet *s)
{
	if (!s)
		return;
	free(s->types);
	arena_free(&s->arena);
	free(s);
}

enum category sheet_find(const struct sheet *s, const char *type)
{
	char folded[256];
	if (!s->n || strlen(type) >= sizeof folded)
		return CATEGORY_NONE;
	sheet_fold(type, folded);
	size_t from = 0, to = s->n;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = strcmp(s->types[middle].folded, folded);
		if (order == 0)
			return s->types[middle].category;
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return CATEGORY_NONE;
}
