/* pnow-inbox dump and load: the whole state into a file that is nobody else's to read, and back. */
#include "pnow-inbox.h"
#include "state/dump.h"
#include "stream/stream.h"
#include "value/when.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static const char dump_usage[] =
	"usage: pnow-inbox dump [-o OUTPUT]\n"
	"Writes all that the state remembers as it is now, NDJSON, while everything runs. It holds\n"
	"people's facts, and the CRM's tokens.\n"
	"  -o OUTPUT  into a file of mode 0600, which is there when it is whole; else on standard output\n"
	"             with -C: a folder, for a file PRACTICE.ndjson of each practice\n";

static const char load_usage[] =
	"usage: pnow-inbox load [-m | -u TIME] [FILE]\n"
	"Reads what dump wrote (else on standard input) into a state in which nothing is yet: all of it,\n"
	"or, where a line is wrong, nothing. What may have been done in the CRM since the dump is looked for\n"
	"before it is done again.\n"
	"  -m       a move: nothing was done since the dump\n"
	"  -u TIME  until when it may have been: a time, a date, or an age such as 2h; now unless given\n";

enum { LONGEST = 80 << 20 }; /* the longest answer of PatientNow, with each quote escaped */

/* Where a dump goes. */
struct target {
	const char *path; /* NULL: standard output */
	const char *part; /* the file while it is not whole */
	FILE *file;
	int problem; /* the errno of what could not be written */
};

/* Says that it cannot be written, for the reason that errno has; gives the status. */
static int unwritable(const struct target *t)
{
	warn("cannot write %s", t->path ? t->path : "standard output");
	return EX_CANTCREAT;
}

/* Opens it, so that nobody else can read it. */
static bool open_target(struct target *t)
{
	struct stat st;
	int fd = t->path ? open(t->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : STDOUT_FILENO;
	if (fd < 0 || fstat(fd, &st) != 0)
		return false;
	if (S_ISREG(st.st_mode) && fchmod(fd, 0600) != 0) {
		warnx("the dump's file is another user's, who could read it: give -o FILE, or write into a pipe");
		return false;
	}
	return (t->file = fdopen(fd, "w"));
}

static bool write_line(struct str line, void *context)
{
	struct target *t = context;
	bool written = fwrite(line.p, 1, line.n, t->file) == line.n && putc('\n', t->file) != EOF;
	if (!written)
		t->problem = errno;
	return written;
}

/* Whether the entries of a file's folder are on the disk. */
static bool flush_folder(struct arena *a, const char *path)
{
	int fd = open(dirname(arena_copy(a, str_of(path))), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return done;
}

/* Ends a file, which gets its place where the dump is whole. Whether it is, and all is written and, in a
 * file, on the disk and in its place. */
static bool close_target(struct arena *a, const struct target *t, bool whole)
{
	bool done = fflush(t->file) == 0 && whole;
	if (!t->path)
		return done;
	done = done && fsync(fileno(t->file)) == 0;
	return fclose(t->file) == 0 && done && rename(t->part, t->path) == 0 && flush_folder(a, t->path);
}

/* Dumps into a target; gives the status. */
static int dump(struct inbox *in, struct arena *a, struct target *t)
{
	int64_t made;
	if (!open_target(t))
		return unwritable(t);
	bool read = dump_write(in->state, in->conf->practice, write_line, t, &made);
	bool unread = !read && !ferror(t->file), written = close_target(a, t, read);
	if (unread) {
		warnx("the %s %s cannot be read now", conf_state_noun(in->conf->state), in->conf->state);
		return EX_TEMPFAIL;
	}
	if (!written) {
		errno = t->problem ? t->problem : errno;
		return unwritable(t);
	}
	if (dump_keep(in->state, made))
		return EX_OK;
	warnx("the dump is whole, but the %s %s cannot be written, to say that there is one",
		conf_state_noun(in->conf->state), in->conf->state);
	return EX_CANTCREAT;
}

/* Of a practice; output: the file or, with -C, its folder; NULL: standard output. */
static int dump_practice(struct inbox *in, void *output)
{
	struct arena a = {0};
	struct target t = {.path = output};
	if (in->folder)
		t.path = arena_printf(&a, "%s/%s.ndjson", t.path, in->conf->practice);
	if (t.path)
		t.part = arena_printf(&a, "%s.part", t.path);
	int status = dump(in, &a, &t);
	if (status != EX_OK && t.file && t.path)
		unlink(t.part);
	arena_free(&a);
	return status;
}

int inbox_dump(struct inbox *in, int argc, char *argv[])
{
	char *output = NULL;
	optind = 1;
	for (int letter; (letter = options_next(argc, argv, "ho:")) != -1;) {
		if (letter == 'h')
			usage_help(dump_usage);
		if (letter != 'o')
			usage_error(dump_usage);
		output = optarg;
	}
	if (optind < argc || (in->folder && !output))
		usage_error(dump_usage);
	return inbox_each(in, dump_practice, output);
}

/* Reads lines into the state until one is wrong. */
static bool load_lines(struct dump_load *load, struct stream *stream)
{
	enum stream_line kind;
	struct str line;
	while ((kind = stream_read(stream, &line)) == STREAM_LINE)
		if (!dump_load_line(load, line))
			return false;
	if (kind == STREAM_END)
		return true;
	load->lines++;
	snprintf(load->why, sizeof load->why, "it is longer than %d MB", LONGEST >> 20);
	return false;
}

int inbox_load(struct inbox *in, int argc, char *argv[])
{
	struct dump_load load;
	bool move = false;
	const char *until = NULL;
	optind = 1;
	for (int letter; (letter = options_next(argc, argv, "hmu:")) != -1;) {
		if (letter == 'h')
			usage_help(load_usage);
		if (letter == 'm')
			move = true;
		else if (letter == 'u')
			until = optarg;
		else
			usage_error(load_usage);
	}
	if (optind + 1 < argc || (move && until))
		usage_error(load_usage);
	const char *name = optind < argc ? argv[optind] : "standard input";
	int fd = optind < argc ? open(name, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (fd < 0)
		err(EX_NOINPUT, "cannot read %s", name);
	inbox_open(in);
	int64_t worked = move ? 0 : until ? choice_of_moment('u', until) : when_now_ms();
	if (!dump_load_begin(&load, in->state, in->conf->practice))
		errx(EX_CANTCREAT, "nothing is loaded into the %s %s: %s", conf_state_noun(in->conf->state),
			in->conf->state, load.why);
	struct stream *stream = stream_open(LONGEST);
	stream_file(stream, fd);
	bool done = dump_load_end(&load, load_lines(&load, stream), worked);
	int broken = stream_status(stream);
	stream_close(stream);
	if (!done)
		warnx("nothing is loaded: %s, line %lld: %s", name, (long long)load.lines, load.why);
	else if (in->verbose)
		warnx("%lld records are loaded", (long long)load.records);
	return done ? EX_OK : broken ? broken : EX_DATAERR;
}
