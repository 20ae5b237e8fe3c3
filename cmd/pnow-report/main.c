/* pnow-report: what became of events, for the people who own the practice: a filter from results to one page,
 * a text or JSON. */
#include "report.h"
#include "conf/confine.h"
#include "conf/options.h"
#include "stream/record.h"
#include "stream/stream.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-report [-Cjt] [-a FILE]\n"
	"Makes a page (HTML) of results on standard input, as pnow-inbox results or crm-push writes them.\n"
	"  -a FILE  what the last audit (crm-push -C) found\n"
	"  -C       several practices: a table of them in front, the worst first\n"
	"  -j       JSON in place of the page\n"
	"  -t       text in place of the page, for a mail\n"
	"  -h, -V   this help, the version\n";

struct choice {
	void (*write)(const struct report *r, struct buf *out);
	const char *audit; /* a file, or NULL */
	bool compare;
};

static struct choice read_options(int argc, char *argv[])
{
	struct choice c = {.write = report_page};
	program_begin(argv[0]);
	for (int letter; (letter = options_next(argc, argv, "a:ChjtV")) != -1;) {
		switch (letter) {
		case 'a':
			c.audit = optarg;
			break;
		case 'C':
			c.compare = true;
			break;
		case 'h':
			usage_help(usage);
		case 'j':
			c.write = report_json;
			break;
		case 't':
			c.write = report_text;
			break;
		case 'V':
			usage_version();
		default:
			usage_error(usage);
		}
	}
	if (optind < argc)
		usage_error(usage);
	return c;
}

/* Everything on the stream, each line by this. */
static void read_all(
	struct stream *s, struct figures *f, bool (*take)(struct figures *f, struct arena *a, struct str line))
{
	struct arena a = {0};
	struct str line;
	enum stream_line kind;
	while ((kind = stream_read(s, &line)) != STREAM_END) {
		if (kind == STREAM_PART || (kind == STREAM_LINE && str_blank(line)))
			continue;
		if (kind == STREAM_LAST || !take(f, &a, line))
			f->passed_over++;
		arena_reset(&a);
	}
	arena_free(&a);
}

/* The file of the last audit, opened; -1: there is none. Its time is the audit's. */
static int open_audit(const char *path, struct figures *f)
{
	struct stat st;
	if (!path)
		return -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		err(EX_NOINPUT, "%s", path);
	if (S_ISDIR(st.st_mode))
		errx(EX_NOINPUT, "%s is a folder, expected the output of crm-push -C", path);
	f->audit.made = true;
	f->audit.at = (int64_t)st.st_mtime * 1000;
	return fd;
}

int main(int argc, char *argv[])
{
	struct choice choice = read_options(argc, argv);
	struct figures figures = {.first = INT32_MAX, .last = INT32_MIN};
	struct arena arena = {0};
	struct buf out = {0};
	int audit = open_audit(choice.audit, &figures);
	confine(CONFINE_FILTER, NULL, 0, false);
	struct stream *s = stream_open(RECORD_MAX);
	read_all(s, &figures, report_read);
	bool whole = stream_ended(s);
	if (audit >= 0) {
		stream_file(s, audit);
		read_all(s, &figures, report_read_audit);
		whole = whole && stream_ended(s);
	}
	figures_end(&figures);
	choice.write(&(struct report){&figures, &arena, choice.compare}, &out);
	if (whole)
		stream_write(s, buf_str(&out));
	stream_close(s);
	if (figures.passed_over)
		warnx("%lld lines are no results: they were passed over", (long long)figures.passed_over);
	int status = !whole ? EX_IOERR : figures.passed_over ? EX_DATAERR : EX_OK;
	buf_free(&out);
	arena_free(&arena);
	figures_free(&figures);
	return status;
}
