/* Whatever stands where CSV should: every line of the file is in a row, good or bad, once and in order, but
   for lines without a word in them. */
#include "fuzz.h"
#include "text/jtext.h"
#include "text/rows.h"

struct lines {
	struct str left;
};

static bool next_of(struct lines *l, struct str *line)
{
	if (!l->left.n)
		return false;
	const char *newline = memchr(l->left.p, '\n', l->left.n);
	size_t n = newline ? (size_t)(newline - l->left.p) : l->left.n;
	*line = (struct str){l->left.p, n};
	size_t taken = n + (newline != NULL);
	l->left = (struct str){l->left.p + taken, l->left.n - taken};
	return true;
}

static bool next(void *context, struct rows_line *line)
{
	return next_of(context, &line->text);
}

static size_t newlines(struct str text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

/* Whether a line holds nothing but what may stand between fields. */
static bool wordless(struct str line)
{
	if (line.n >= 3 && memcmp(line.p, "\xef\xbb\xbf", 3) == 0)
		line = (struct str){line.p + 3, line.n - 3};
	for (size_t i = 0; i < line.n; i++)
		if (!memchr("\xef\xbb\xbf,;\t\r \"", line.p[i], 9))
			return line.n >= 4 && memcmp(line.p, "sep=", 4) == 0;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct lines file = {{(const char *)bytes, n}}, check = file;
	struct rows *rows = rows_open(next, &file, ROWS_AS_HEADER);
	struct row row;
	struct str line;
	size_t number = 1;
	while (rows_next(rows, &row)) {
		fuzz_require(row.line >= number, "rows come in the order of their lines");
		for (; number < row.line; number++)
			fuzz_require(next_of(&check, &line) && (wordless(line) || number == 1),
				"only lines without a word are passed over");
		for (size_t i = 0; i < row.n; i++)
			fuzz_require(jtext_is_utf8(str_of(row.fields[i])), "fields are UTF-8");
		for (size_t left = newlines(row.raw) + 1; left > 0; left--, number++)
			fuzz_require(next_of(&check, &line), "a row's lines are the file's");
		/* the first line may lack its byte order mark, each its carriage return */
		fuzz_require(row.raw.n <= n, "a row is no longer than the file");
	}
	while (next_of(&check, &line))
		fuzz_require(wordless(line), "nothing is left at the end");
	rows_close(rows);
	return 0;
}
