/*
 * libcsv goes through the file line by line, so that it is known in which line a row starts, what it looked
 * like, and where to go on behind one that is spoilt: the lines that an unclosed quote has swallowed are read
 * again. No line is lost that way: each is in a row, good or bad.
 */
#include "text/rows.h"
#include "text/arena.h"
#include "text/buf.h"
#include "text/jtext.h"

#include <csv.h>
#include <stdlib.h>

enum { ROW_MAX = 1 << 20 }; /* bytes */

struct rows {
	rows_line_fn *line;
	void *context;
	bool even; /* all rows are as wide as the header */
	struct csv_parser csv;
	unsigned char delimiter; /* 0: not known yet */
	bool utf8;               /* the byte order mark says so */
	size_t number;           /* of the line in hand */
	size_t width;            /* fields of the header; 0: it was not read yet */

	struct arena arena; /* of the row */
	struct buf text;    /* the row's lines so far */
	size_t start;       /* the first one's number */
	size_t repeated;    /* bytes of it that were read from again */
	unsigned ended;     /* rows that have ended in the line in hand */
	struct str *found;  /* the row's fields as they stand in the file */
	char **fields;      /* and in UTF-8 */
	size_t n, room;

	struct buf again; /* lines that are to be read once more, */
	size_t again_at;  /* from here on */

	bool is_again; /* the line in hand was read from there */

	struct str piece; /* of a line that is too long, to be given next; p NULL: none */
	bool inside;      /* of such a line */
};

/* libcsv is between two rows. */
static void restart(struct rows *r)
{
	csv_free(&r->csv);
	if (csv_init(&r->csv, CSV_STRICT | CSV_APPEND_NULL) != 0)
		out_of_memory();
	csv_set_delim(&r->csv, r->delimiter ? r->delimiter : ',');
	csv_set_blk_size(&r->csv, 4096);
}

struct rows *rows_open(rows_line_fn *line, void *context, enum rows_width width)
{
	struct rows *r = allocated(calloc(1, sizeof *r));
	r->line = line;
	r->context = context;
	r->even = width == ROWS_AS_HEADER;
	restart(r);
	return r;
}

void rows_close(struct rows *r)
{
	csv_free(&r->csv);
	arena_free(&r->arena);
	buf_free(&r->text);
	buf_free(&r->again);
	free(r->found);
	free(r->fields);
	free(r);
}

static void take_field(void *bytes, size_t n, void *context)
{
	struct rows *r = context;
	if (r->n == r->room) {
		r->room = r->room ? r->room * 2 : 64;
		r->found = reallocarray(r->found, r->room, sizeof *r->found);
		r->fields = reallocarray(r->fields, r->room, sizeof *r->fields);
		if (!r->found || !r->fields)
			out_of_memory();
	}
	r->found[r->n++] = (struct str){arena_copy(&r->arena, (struct str){bytes, n}), n};
}

static void end_row(int end, void *context)
{
	(void)end;
	struct rows *r = context;
	r->ended++;
}

/* The next line: one that is to be read again, else one of the file. False at the end. */
static bool next_line(struct rows *r, struct rows_line *line)
{
	r->is_again = r->again_at < r->again.n;
	r->number += !r->inside;
	if (r->is_again) {
		const char *from = r->again.p + r->again_at;
		size_t n = (size_t)((char *)memchr(from, '\n', r->again.n - r->again_at) - from);
		*line = (struct rows_line){.text = {from, n}};
		r->again_at += n + 1;
		return true;
	}
	*line = (struct rows_line){0};
	bool there = r->line(r->context, line);
	r->inside = line->more;
	return there;
}

static bool blank(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if (!strchr(" \t\r", line.p[i]) || !line.p[i])
			return false;
	return true;
}

/* How often a byte stands outside of quotes. */
static size_t count(struct str line, char c)
{
	bool quoted = false;
	size_t n = 0;
	for (size_t i = 0; i < line.n; i++) {
		quoted ^= line.p[i] == '"';
		n += !quoted && line.p[i] == c;
	}
	return n;
}

/* Learns what stands between the fields from the first line that is not blank; false where this is all that
 * the line says. */
static bool begin(struct rows *r, struct str line)
{
	static const char delimiters[] = ",;\t";
	bool said = line.n >= 5 && memcmp(line.p, "sep=", 4) == 0 && memchr(",;\t|", line.p[4], 4) &&
				blank((struct str){line.p + 5, line.n - 5});
	size_t most = 0;
	r->delimiter = said ? (unsigned char)line.p[4] : ',';
	for (const char *d = delimiters; *d && !said; d++) {
		size_t n = count(line, *d);
		if (n > most)
			r->delimiter = (unsigned char)*d;
		most = n > most ? n : most;
	}
	csv_set_delim(&r->csv, r->delimiter);
	return !said;
}

/* Windows-1252 as UTF-8; NULL where a byte is no character there. */
static char *from_1252(struct arena *a, struct str text)
{
	static const unsigned short high[32] = {0x20ac, 0, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,
		0x2030, 0x160, 0x2039, 0x152, 0, 0x17d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
		0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0, 0x17e, 0x178};
	char *utf8 = arena_alloc(a, 3 * text.n + 1), *out = utf8;
	for (size_t i = 0; i < text.n; i++) {
		unsigned c = (unsigned char)text.p[i];
		if (c >= 0x80 && c < 0xa0 && !(c = high[c - 0x80]))
			return NULL;
		if (c < 0x80) {
			*out++ = (char)c;
		} else if (c < 0x800) {
			*out++ = (char)(0xc0 | c >> 6);
			*out++ = (char)(0x80 | (c & 0x3f));
		} else {
			*out++ = (char)(0xe0 | c >> 12);
			*out++ = (char)(0x80 | (c >> 6 & 0x3f));
			*out++ = (char)(0x80 | (c & 0x3f));
		}
	}
	return utf8;
}

/* The fields in UTF-8. What is wrong with them, or NULL. */
static const char *decode(struct rows *r)
{
	bool utf8 = jtext_is_utf8(buf_str(&r->text));
	if (memchr(r->text.p, 0, r->text.n))
		return "a NUL byte stands in it: is the file text (CSV UTF-8)?";
	if (!utf8 && r->utf8)
		return "it is no valid UTF-8, and the file says that it is";
	for (size_t i = 0; i < r->n; i++) {
		r->fields[i] = utf8 ? (char *)r->found[i].p : from_1252(&r->arena, r->found[i]);
		if (!r->fields[i])
			return "it is neither UTF-8 nor Windows-1252";
	}
	return NULL;
}

static bool empty(const struct rows *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (!blank(r->found[i]))
			return false;
	return true;
}

/* Drops empty fields behind those of the header; what is wrong with their number, or NULL. */
static const char *fit(struct rows *r)
{
	if (!r->even)
		return NULL;
	if (!r->width)
		r->width = r->n;
	while (r->n > r->width && blank(r->found[r->n - 1]))
		r->n--;
	return r->n == r->width ? NULL
							: arena_printf(&r->arena, "found %zu field%s, expected %zu as in the header",
								  r->n, r->n == 1 ? "" : "s", r->width);
}

/* The text's first n bytes are given as a row. */
static bool give(struct rows *r, struct row *row, size_t n, const char *wrong)
{
	n--; /* its newline */
	n -= n && r->text.p[n - 1] == '\r';
	*row = (struct row){
		.line = r->start, .raw = {r->text.p, n}, .fields = r->fields, .n = wrong ? 0 : r->n, .wrong = wrong};
	return true;
}

/* The row's first line is given as a bad row; the lines behind it are read again. */
static bool spoil(struct rows *r, struct row *row, const char *wrong)
{
	size_t first = (size_t)((char *)memchr(r->text.p, '\n', r->text.n) - r->text.p) + 1;
	struct str rest = {r->text.p + first, r->text.n - first};
	if (r->repeated >= r->text.n) {
		r->again_at -= rest.n;
	} else {
		r->again.n = r->again_at = 0;
		buf_add(&r->again, rest);
	}
	r->number = r->start;
	restart(r);
	return give(r, row, first, wrong);
}

/* A piece of a line that is over 1 MiB; the open row before it, if there is one, is given first. */
static bool give_piece(struct rows *r, struct row *row)
{
	if (r->text.n) {
		restart(r);
		return give(r, row, r->text.n, "a quote is opened and not closed within 1 MiB");
	}
	*row = (struct row){.line = r->number, .raw = r->piece, .wrong = "it is over 1 MiB", .piece = true};
	r->piece = (struct str){0};
	return true;
}

/* Puts a line into the row. NULL, or what is wrong with it. */
static const char *add(struct rows *r, struct str line)
{
	if (!r->text.n)
		r->start = r->number;
	buf_add(&r->text, line);
	buf_putc(&r->text, '\n');
	r->repeated += r->is_again ? line.n + 1 : 0;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (r->number == 1 && line.n >= 2 &&
		(memcmp(line.p, "\xff\xfe", 2) == 0 || memcmp(line.p, "\xfe\xff", 2) == 0))
		return "it is UTF-16: save the file as CSV UTF-8";
	r->ended = 0;
	if (csv_parse(&r->csv, line.p, line.n, take_field, end_row, r) != line.n)
		return "a quote stands where none may: in a quoted field it is written twice";
	if (r->ended)
		return "a carriage return stands in it: a line ends with a newline";
	if (csv_parse(&r->csv, "\n", 1, take_field, end_row, r) != 1)
		return "a quote stands where none may";
	if (!r->ended && r->text.n > ROW_MAX)
		return "a quote is opened and not closed within 1 MiB";
	return NULL;
}

/* Forgets the row before. */
static void forget(struct rows *r)
{
	arena_reset(&r->arena);
	r->text.n = r->n = r->repeated = 0;
}

/* Passes over the byte order mark. */
static void read_mark(struct rows *r, struct str *line)
{
	if (r->number != 1 || line->n < 3 || memcmp(line->p, "\xef\xbb\xbf", 3) != 0)
		return;
	*line = (struct str){line->p + 3, line->n - 3};
	r->utf8 = true;
}

bool rows_next(struct rows *r, struct row *row)
{
	struct rows_line line;
	forget(r);
	if (r->piece.p)
		return give_piece(r, row);
	for (;;) {
		if (!next_line(r, &line))
			return r->text.n ? spoil(r, row, "a quote is opened and never closed") : false;
		if (line.piece) {
			r->piece = line.text;
			return give_piece(r, row);
		}
		read_mark(r, &line.text);
		if (!r->text.n && (blank(line.text) || (!r->delimiter && !begin(r, line.text))))
			continue;
		const char *wrong = add(r, line.text);
		if (wrong)
			return spoil(r, row, wrong);
		if (!r->ended)
			continue;
		if (!empty(r)) {
			wrong = decode(r);
			return give(r, row, r->text.n, wrong ? wrong : fit(r));
		}
		forget(r);
	}
}
