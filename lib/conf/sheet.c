/* The sheet is read by libcsv into a sorted table; a lookup is a binary search over folded names. */
#include "conf/sheet.h"
#include "text/file.h"

#include <csv.h>
#include <ctype.h>
#include <err.h>
#include <stdlib.h>
#include <sysexits.h>

struct row {
	const char *folded;
	size_t line;
	enum category category;
};

struct sheet {
	struct row *rows;
	size_t n, room;
	struct arena arena;
};

/* The file while libcsv goes through it. */
struct reading {
	struct sheet *sheet;
	const char *path;
	size_t line;   /* where the row starts */
	size_t breaks; /* line breaks inside of its quotes */
	size_t column;
	bool header_read;
	const char *type;
	const char *category;
};

void sheet_fold(const char *type, char *folded)
{
	for (; *type; type++)
		if (!isspace((unsigned char)*type))
			*folded++ = (char)tolower((unsigned char)*type);
	*folded = '\0';
}

static void take_field(void *text, size_t n, void *context)
{
	struct reading *r = context;
	char *field = arena_copy(&r->sheet->arena, (struct str){text, n});
	for (size_t i = 0; i < n; i++) {
		r->breaks += field[i] == '\n';
		if (iscntrl((unsigned char)field[i]))
			field[i] = ' '; /* messages quote it, and are one line */
	}
	if (r->column == 0)
		r->type = field;
	else if (r->column == 1)
		r->category = field;
	r->column++;
}

static void check_header(struct reading *r)
{
	char name[64];
	bool right = r->type && r->category && strlen(r->type) < sizeof name && strlen(r->category) < sizeof name;
	if (right) {
		sheet_fold(r->type, name);
		right = strcmp(name, "appointmenttype") == 0;
		sheet_fold(r->category, name);
		right = right && strcmp(name, "appointmentcategory") == 0;
	}
	if (!right)
		errx(EX_CONFIG, "%s:%zu: expected the header \"Appointment Type,Appointment Category\"", r->path,
			r->line);
	r->header_read = true;
}

static void add_row(struct reading *r)
{
	struct sheet *s = r->sheet;
	char *folded = arena_alloc(&s->arena, strlen(r->type) + 1);
	sheet_fold(r->type, folded);
	struct str name = str_of(r->category ? r->category : "");
	if (strspn(name.p, " \t\r") == name.n) /* not filled in yet */
		return;
	enum category category = category_of(name);
	if (!*folded)
		errx(EX_CONFIG, "%s:%zu: expected an appointment type in the first column", r->path, r->line);
	if (category == CATEGORY_NONE)
		errx(EX_CONFIG,
			"%s:%zu: %s: found the category \"%s\", expected Surgical Consult, Surgical Appointment, "
			"Non-Surgical Consult, "
			"Non-Surgical Appointment, Block, Post-Op or Pre-Op",
			r->path, r->line, r->type, r->category);
	if (s->n == s->room) {
		s->room = s->room ? s->room * 2 : 256;
		s->rows = reallocarray(s->rows, s->room, sizeof *s->rows);
		if (!s->rows)
			err(EX_SOFTWARE, "out of memory");
	}
	s->rows[s->n++] = (struct row){folded, r->line, category};
}

static void take_row(int end, void *context)
{
	(void)end;
	struct reading *r = context;
	if (!r->header_read)
		check_header(r);
	else if (r->type)
		add_row(r);
	r->line += 1 + r->breaks;
	r->breaks = r->column = 0;
	r->type = r->category = NULL;
}

static int by_name(const void *x, const void *y)
{
	const struct row *a = x, *b = y;
	int order = strcmp(a->folded, b->folded);
	return order ? order : (a->line > b->line) - (a->line < b->line);
}

struct sheet *sheet_read(const char *path)
{
	struct sheet *s = calloc(1, sizeof *s);
	struct csv_parser csv;
	size_t n = 0;
	if (!s || csv_init(&csv, CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL | CSV_APPEND_NULL) != 0)
		err(EX_SOFTWARE, "out of memory");
	if (!path)
		return s;
	const char *text = file_read(&s->arena, path, &n);
	if (!text)
		err(EX_CONFIG, "categories: cannot read the sheet %s", path);
	size_t bom = n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	struct reading r = {.sheet = s, .path = path, .line = 1};
	if (csv_parse(&csv, text + bom, n - bom, take_field, take_row, &r) != n - bom ||
		csv_fini(&csv, take_field, take_row, &r) != 0)
		errx(EX_CONFIG, "%s:%zu: no CSV: %s", path, r.line, csv_strerror(csv_error(&csv)));
	csv_free(&csv);
	if (!r.header_read)
		errx(EX_CONFIG, "%s:1: expected the header \"Appointment Type,Appointment Category\"", path);
	if (s->n)
		qsort(s->rows, s->n, sizeof *s->rows, by_name);
	for (size_t i = 1; i < s->n; i++)
		if (strcmp(s->rows[i - 1].folded, s->rows[i].folded) == 0)
			errx(EX_CONFIG,
				"%s:%zu: the same appointment type is on line %zu already, expected each type once", path,
				s->rows[i].line, s->rows[i - 1].line);
	return s;
}

void sheet_free(struct sheet *s)
{
	if (!s)
		return;
	free(s->rows);
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
		int order = strcmp(s->rows[middle].folded, folded);
		if (order == 0)
			return s->rows[middle].category;
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return CATEGORY_NONE;
}
