/*
 * pnow-csv: exports of patients, appointments, bills and memberships to events. An event is complete: the
 * facts of the row are in it, so PatientNow need not be asked. Memory is that of one row, or one bill.
 */
#include "csv.h"
#include "conf/confine.h"
#include "conf/options.h"
#include "stream/record.h"
#include "value/when.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-csv [-v] [-c FILE] [-m FACT=COLUMN]... [-x COLUMN=VALUE]... -e TYPE [CSV...]\n"
	"Makes events (NDJSON) of exports: CSV files, or standard input.\n"
	"  -c FILE  the practice's configuration (else $PNOW_CONFIG)\n"
	"  -e TYPE  what they hold: patient, appointment, bill, membership; or a type of event\n"
	"  -m FACT=COLUMN  the column that holds a fact, such as bill.total=Net; again: another one\n"
	"  -x COLUMN=VALUE  leave out rows such as Status=Void; COLUMN!=VALUE: all but those\n"
	"  -v       say which columns are taken, and at the end how many rows there were\n"
	"  -h, -V   this help, the version\n";

enum { PROGRESS_MS = 500 };

/* -e TYPE: a kind, or a type of event. */
static bool read_type(struct csv *c, const char *text)
{
	for (c->kind = 0; c->kind < EVENT_KINDS; c->kind++)
		if (strcmp(event_kind_name(c->kind), text) == 0)
			return true;
	c->type = event_type_of(text);
	if (c->type == EVENT_UNKNOWN || c->type == EVENT_CONTACT_TAGGED)
		return false;
	c->kind = event_kind_of(c->type);
	return true;
}

struct arguments {
	struct csv *csv;
	const char *type;
};

/* -m FACT=COLUMN; the fact is looked at when the type is known. */
static void take_given(struct csv *c, char *text)
{
	char *equals = strchr(text, '=');
	if (!equals) {
		warnx("-m %s: expected FACT=COLUMN, such as bill.total=Net", text);
		usage_error(usage);
	}
	*equals = '\0';
	c->given = allocated(reallocarray(c->given, c->given_n + 1, sizeof *c->given));
	c->given[c->given_n++] = (struct given){text, equals + 1};
}

/* -x COLUMN=VALUE, COLUMN!=VALUE */
static void take_left_out(struct csv *c, char *text)
{
	char *equals = strchr(text, '=');
	if (!equals || equals == text) {
		warnx("-x %s: expected COLUMN=VALUE, such as Status=Void, or COLUMN!=VALUE", text);
		usage_error(usage);
	}
	bool unless = equals[-1] == '!';
	equals[unless ? -1 : 0] = '\0';
	c->left_out = allocated(reallocarray(c->left_out, c->left_out_n + 1, sizeof *c->left_out));
	c->left_out[c->left_out_n++] = (struct left_out){.column = text, .value = equals + 1, .unless = unless};
}

static void take_option(int letter, void *context)
{
	struct arguments *a = context;
	if (letter == 'e')
		a->type = optarg;
	else if (letter == 'm')
		take_given(a->csv, optarg);
	else
		take_left_out(a->csv, optarg);
}

/* Ends the process where the options do not make sense together. */
static void check_options(struct csv *c, const char *type)
{
	enum about about;
	const char *fact;
	if (!type || !read_type(c, type)) {
		warnx("-e %s: expected patient, appointment, bill, membership, or a type of pnow-event(5)",
			type ? type : "is missing");
		usage_error(usage);
	}
	for (size_t i = 0; i < c->given_n; i++) {
		if (!fact_named(c->kind, c->given[i].fact, &about, &fact)) {
			warnx("-m %s: expected a fact of pnow-event(5), such as %s.id, patient.email or item.amount",
				c->given[i].fact, event_kind_name(c->kind));
			usage_error(usage);
		}
	}
}

/* On a terminal, how far it is. */
static void show_progress(const struct csv *c, bool last)
{
	static int64_t shown;
	if (c->verbose || c->rows % 1024 || !isatty(STDERR_FILENO))
		if (!last || !shown)
			return;
	int64_t now = when_now_ms();
	if (!last && now - shown < PROGRESS_MS)
		return;
	fprintf(stderr, "\r%s: %zu rows, %zu events, %zu bad%s", c->file, c->rows, c->events, c->failed,
		last ? "\n" : "  ");
	shown = last ? 0 : now;
}

static bool next_line(void *context, struct rows_line *line)
{
	struct csv *c = context;
	enum stream_line kind = stream_read(c->stream, &line->text);
	c->interrupted = kind == STREAM_END && !stream_ended(c->stream);
	line->piece = kind != STREAM_LINE;
	line->more = kind == STREAM_PART;
	return kind != STREAM_END;
}

/* A row that is none: an error record. A line that is too long comes in pieces. */
static void take_bad(struct csv *c, const struct row *row, size_t *part)
{
	draft_doubt(c, row->line);
	if (!row->piece) {
		write_bad(c, row->line, row->raw, row->wrong);
		return;
	}
	c->out.n = 0;
	record_too_long(row->raw, "pnow-csv", row->line, part, &c->out);
	stream_write(c->stream, buf_str(&c->out));
	c->failed += *part == 1;
}

/* One file from its header to its end. */
static void read_rows(struct csv *c)
{
	c->lines = rows_open(next_line, c, ROWS_AS_HEADER);
	struct row row;
	size_t part = 0;
	if (rows_next(c->lines, &row)) {
		if (row.wrong)
			errx(EX_DATAERR, "%s:%zu: no header of a CSV file: %s", c->file, row.line, row.wrong);
		find_columns(c, &row);
	} else if (!c->interrupted) {
		errx(EX_DATAERR, "%s: it is empty: expected the header of a CSV file", c->file);
	}
	while (rows_next(c->lines, &row) && !c->interrupted) {
		c->rows++;
		if (row.wrong)
			take_bad(c, &row, &part);
		else if (row_left_out(c, &row))
			c->left++;
		else
			draft_add(c, &row);
		part = row.piece ? part : 0;
		show_progress(c, false);
	}
	if (!c->interrupted) /* else rows of the last bill may be missing */
		draft_finish(c);
	show_progress(c, true);
	rows_close(c->lines);
}

/* Opens a file; ends the process where that cannot be. */
static int open_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		err(EX_DATAERR, "cannot read %s", path);
	if (S_ISDIR(st.st_mode))
		errx(EX_DATAERR, "%s is a folder, expected a CSV file", path);
	return fd;
}

static void read_files(struct csv *c, char **paths)
{
	c->file = "standard input";
	if (!*paths)
		read_rows(c);
	for (; *paths && !c->interrupted; paths++) {
		const char *slash = strrchr(*paths, '/');
		c->file = slash ? slash + 1 : *paths;
		stream_flush(c->stream); /* whatever the next one holds */
		stream_file(c->stream, open_file(*paths));
		read_rows(c);
	}
}

int main(int argc, char *argv[])
{
	struct csv c = {.type = EVENT_UNKNOWN};
	struct arguments a = {.csv = &c};
	struct options o = {
		.usage = usage, .letters = "c:e:hm:vVx:", .own = take_option, .context = &a, .arguments = true};
	options_read(argc, argv, &o);
	check_options(&c, a.type);
	for (int i = optind; i < argc; i++)
		close(open_file(argv[i]));
	struct conf *conf = conf_read(o.file);
	struct profile *profile = profile_read(conf->patientnow.profile, conf->file);
	c.conf = conf;
	c.profile = profile;
	c.verbose = o.verbose;
	c.stream = stream_open(RECORD_MAX);
	draft_open(&c);
	confine(CONFINE_FILTER, NULL, 0, o.verbose);
	read_files(&c, argv + optind);
	int broken = stream_status(c.stream);
	stream_close(c.stream);
	if (c.interrupted)
		warnx("%s was not read to its end", c.file);
	if (c.left)
		warnx("%zu row%s left out (-x)", c.left, c.left == 1 ? "" : "s");
	if (c.verbose)
		warnx("%zu rows, %zu events, %zu with an error", c.rows, c.events, c.failed);
	draft_free(&c);
	buf_free(&c.out);
	free(c.given);
	free(c.left_out);
	profile_free(profile);
	conf_free(conf);
	return broken ? broken : c.failed > 0;
}
