/*
 * The world that a fuzz target runs in. The linker puts these functions in place of those that a process
 * talks to the world by (--wrap, in the Makefile): the code under test is the programs' own, to the byte.
 */
#include "fuzz.h"
#include "conf/conf.h"
#include "conf/profile.h"
#include "net/http.h"
#include "state/cache.h"
#include "stream/stream.h"
#include "value/when.h"

#include <err.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* --- The end of a process, and words --- */

enum { LIVE_MAX = 65536 };

static struct {
	bool on;
	jmp_buf back;
	struct fuzz_end *end;
	const void *live[LIVE_MAX]; /* blocks that act has allocated */
	size_t live_n;
	bool counting; /* what is allocated is act's */
} act;

/* Of the sanitizers' runtime; without it what a process leaves behind stays. */
int __sanitizer_install_malloc_and_free_hooks(
	void (*)(const volatile void *, size_t), void (*)(const volatile void *)) __attribute__((weak));

static void on_malloc(const volatile void *block, size_t n)
{
	(void)n;
	if (act.counting && act.live_n < LIVE_MAX)
		act.live[act.live_n++] = (const void *)block;
}

static void on_free(const volatile void *block)
{
	for (size_t i = act.counting ? act.live_n : 0; i-- > 0;)
		if (act.live[i] == block) {
			act.live[i] = act.live[--act.live_n];
			return;
		}
}

bool fuzz_lives(void (*what)(void *context), void *context, struct fuzz_end *end)
{
	static bool hooked;
	if (!hooked && __sanitizer_install_malloc_and_free_hooks)
		__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	hooked = true;
	*end = (struct fuzz_end){0};
	act.end = end;
	act.live_n = 0;
	act.on = act.counting = true;
	bool lives = setjmp(act.back) == 0;
	if (lives)
		what(context);
	act.on = act.counting = false;
	for (size_t i = 0; !lives && i < act.live_n; i++)
		free((void *)act.live[i]);
	if (!lives && strchr(end->words, '\n'))
		fprintf(stderr, "%s\n", end->words);
	fuzz_require(lives || !strchr(end->words, '\n'), "the last words are one line");
	return lives;
}

void __wrap_exit(int status) __attribute__((noreturn));
void __real_exit(int status) __attribute__((noreturn));
void __wrap_exit(int status)
{
	if (!act.on)
		__real_exit(status);
	act.end->status = status;
	longjmp(act.back, 1);
}

/* The words are made, so that what is in them is read. */
static void keep(const char *format, va_list args)
{
	char words[sizeof act.end->words];
	vsnprintf(words, sizeof words, format, args);
	if (act.on)
		memcpy(act.end->words, words, sizeof words);
}

void __wrap_err(int status, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));
void __wrap_err(int status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (!act.on)
		verr(status, format, args);
	keep(format, args);
	va_end(args);
	__wrap_exit(status);
}

void __wrap_errx(int status, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));
void __wrap_errx(int status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (!act.on)
		verrx(status, format, args);
	keep(format, args);
	va_end(args);
	__wrap_exit(status);
}

void __wrap_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void __wrap_warn(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	keep(format, args);
	va_end(args);
}

void __wrap_warnx(const char *format, ...) __attribute__((format(printf, 1, 2)));
void __wrap_warnx(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	keep(format, args);
	va_end(args);
}

void __wrap_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void __wrap_say(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	keep(format, args);
	va_end(args);
}

/* --- Files --- */

static struct {
	const char *path;
	struct str bytes;
} file;

void fuzz_file(const char *path, struct str bytes)
{
	file.path = path;
	file.bytes = bytes;
}

char *__wrap_file_read(struct arena *a, const char *path, size_t *n);
char *__real_file_read(struct arena *a, const char *path, size_t *n);
char *__wrap_file_read(struct arena *a, const char *path, size_t *n)
{
	if (!file.path || strcmp(path, file.path) != 0)
		return __real_file_read(a, path, n);
	*n = file.bytes.n;
	return arena_copy(a, file.bytes);
}

int __wrap_access(const char *path, int mode);
int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
	return file.path && strcmp(path, file.path) == 0 ? 0 : __real_access(path, mode);
}

const char *fuzz_secret(struct str bytes)
{
	static char path[32];
	static int fd = -1;
	if (fd < 0) {
		fd = memfd_create("secret", MFD_CLOEXEC);
		if (fd < 0 || fchmod(fd, 0600) < 0)
			err(EX_OSERR, "cannot make a file in memory");
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) < 0 || pwrite(fd, bytes.p, bytes.n, 0) < 0)
		err(EX_OSERR, "cannot write a file in memory");
	return path;
}

static char folder[PATH_MAX];

static void remove_folder(void)
{
	char all[PATH_MAX + 2];
	glob_t files;
	snprintf(all, sizeof all, "%s/*", folder);
	if (glob(all, 0, NULL, &files) == 0) {
		for (size_t i = 0; i < files.gl_pathc; i++)
			unlink(files.gl_pathv[i]);
		globfree(&files);
	}
	rmdir(folder);
}

const char *fuzz_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	if (*folder)
		return folder;
	snprintf(folder, sizeof folder, "%s/pnow-fuzz.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		err(EX_CANTCREAT, "cannot make a folder");
	atexit(remove_folder);
	return folder;
}

const char *fuzz_write(const char *name, const char *text)
{
	static char path[PATH_MAX + 64];
	snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) < 0)
		err(EX_CANTCREAT, "%s", path);
	return path;
}

static char kept_conf[PATH_MAX + 64]; /* fuzz_practice's */

const char *fuzz_practice(const char *more)
{
	static const char conf[] =
		"{\"practice\":\"glow\",\"timezone\":\"America/Denver\",\"state\":\"state\",\"address\":true,"
		"\"patientnow\":{\"practice_id\":\"4711\",\"token_file\":\"secret\"},"
		"\"facilities\":{\"Uptown\":{\"location_id\":\"up\",\"token_file\":\"secret\"}},"
		"\"hooks\":{\"patientnow\":{\"verify\":\"none\"},\"crm\":{\"verify\":\"token\",\"query\":\"key\","
		"\"secret_file\":\"secret\"}},\"categories\":\"sheet\",\"consult_stages\":true,\"surgical_value\":"
		"true,"
		"\"membership_tag\":\"Membership - "
		"{program}\",\"workflows\":{\"appointments\":\"A\",\"order_paid\":\"O\","
		"\"membership\":\"M\",\"birthday\":\"B\"},%s}\n";
	char *text = NULL;
	if (asprintf(&text, conf, more) < 0)
		out_of_memory();
	fuzz_write("secret", "6f1c2b9d8e7a4f50b3c1d2e4f5a69788\n");
	fuzz_write("sheet", "Appointment Type,Appointment Category\nRhinoplasty Consult,Surgical Consult\n"
						"Rhinoplasty,Surgical Appointment\nBotox,Non-Surgical Appointment\nLunch,Block\n"
						"Botox Consult,Non-Surgical Consult\nPost-Op Visit,Post-Op\nPre-Op,Pre-Op\n");
	snprintf(kept_conf, sizeof kept_conf, "%s", fuzz_write("glow.json", text));
	free(text);
	return kept_conf;
}

/* What conf_read sets of the process stays when the process is said to have ended. */
bool __wrap_when_zone(const char *name);
bool __real_when_zone(const char *name);
bool __wrap_when_zone(const char *name)
{
	bool counting = act.counting;
	act.counting = false;
	bool known = __real_when_zone(name);
	act.counting = counting;
	return known;
}

/* A practice of fuzz_practice's is read once, and its profile. */
static struct conf *practice;
static struct profile *emr;

struct conf *__wrap_conf_read(const char *path);
struct conf *__real_conf_read(const char *path);
struct conf *__wrap_conf_read(const char *path)
{
	bool counting = act.counting, kept = !file.path && *kept_conf;
	if (!kept || strcmp(path, kept_conf) != 0)
		return __real_conf_read(path);
	act.counting = false;
	if (!practice)
		practice = __real_conf_read(path);
	act.counting = counting;
	return practice;
}

void __wrap_conf_free(struct conf *c);
void __real_conf_free(struct conf *c);
void __wrap_conf_free(struct conf *c)
{
	if (c != practice)
		__real_conf_free(c);
}

struct profile *__wrap_profile_read(const char *name, const char *conf_file);
struct profile *__real_profile_read(const char *name, const char *conf_file);
struct profile *__wrap_profile_read(const char *name, const char *conf_file)
{
	bool counting = act.counting;
	if (file.path)
		return __real_profile_read(name, conf_file);
	act.counting = false;
	if (!emr)
		emr = __real_profile_read(name, conf_file);
	act.counting = counting;
	return emr;
}

void __wrap_profile_free(struct profile *p);
void __real_profile_free(struct profile *p);
void __wrap_profile_free(struct profile *p)
{
	if (p != emr)
		__real_profile_free(p);
}

/* --- The state --- */

enum { STATES = 8, TABLES = 64 };

/* A database in memory: it is emptied where it would be closed, and opened again. */
struct database {
	sqlite3 *db;
	bool open;
	sqlite3_stmt *empty[TABLES]; /* a statement for each table */
	size_t n;
};

static struct database databases[STATES];

int __wrap_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs);
int __real_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs);
int __wrap_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs)
{
	struct database *d = databases;
	(void)path;
	while (d < databases + STATES - 1 && d->open)
		d++;
	fuzz_require(!d->open, "a target opens few states");
	int result = d->db ? SQLITE_OK : __real_sqlite3_open_v2(":memory:", &d->db, flags, vfs);
	d->open = true;
	*db = d->db;
	return result;
}

static int prepare_empty(void *database, int columns, char **values, char **names)
{
	struct database *d = database;
	char *sql = sqlite3_mprintf("DELETE FROM \"%w\"", values[0]);
	(void)columns, (void)names;
	fuzz_require(d->n < TABLES, "a state has few tables");
	sqlite3_prepare_v2(d->db, sql, -1, &d->empty[d->n++], NULL);
	sqlite3_free(sql);
	return 0;
}

static void empty(struct database *d)
{
	static const char tables[] = "SELECT name FROM sqlite_master WHERE type='table'";
	if (!d->n)
		sqlite3_exec(d->db, tables, prepare_empty, d, NULL);
	fuzz_require(sqlite3_get_autocommit(d->db), "every transaction is ended");
	for (size_t t = 0; t < d->n; t++) {
		sqlite3_step(d->empty[t]);
		sqlite3_reset(d->empty[t]);
	}
}

int __wrap_sqlite3_close(sqlite3 *db);
int __wrap_sqlite3_close(sqlite3 *db)
{
	for (struct database *d = databases; d < databases + STATES; d++)
		if (d->db && d->db == db) {
			empty(d);
			d->open = false;
		}
	return SQLITE_OK;
}

void fuzz_forget(void)
{
	for (struct database *d = databases; d < databases + STATES; d++)
		if (d->open)
			empty(d);
}

/* --- The record loop, and its streams --- */

static struct {
	struct str in;
	struct buf *out;
} stream;

void fuzz_stream(struct str in, struct buf *out)
{
	stream.in = in;
	stream.out = out;
	out->n = 0;
}

struct stream *__wrap_stream_open(size_t max);
struct stream *__wrap_stream_open(size_t max)
{
	(void)max;
	return (struct stream *)&stream; /* nobody looks into it */
}

bool __wrap_stream_ended(const struct stream *s);
bool __wrap_stream_ended(const struct stream *s)
{
	(void)s;
	return true;
}

enum stream_line __wrap_stream_read(struct stream *s, struct str *line);
enum stream_line __wrap_stream_read(struct stream *s, struct str *line)
{
	(void)s;
	if (!stream.in.n)
		return STREAM_END;
	*line = fuzz_line(&stream.in);
	return STREAM_LINE;
}

void __wrap_stream_write(struct stream *s, struct str bytes);
void __wrap_stream_write(struct stream *s, struct str bytes)
{
	(void)s;
	buf_add(stream.out, bytes);
}

void __wrap_stream_flush(struct stream *s);
void __wrap_stream_flush(struct stream *s)
{
	(void)s;
}

int __wrap_stream_status(const struct stream *s);
int __wrap_stream_status(const struct stream *s)
{
	(void)s;
	return EX_OK;
}

int __wrap_stream_end(struct stream *s);
int __wrap_stream_end(struct stream *s)
{
	(void)s;
	return 0;
}

void __wrap_stream_close(struct stream *s);
void __wrap_stream_close(struct stream *s)
{
	(void)s;
}

/* A command that is being started. */
struct start {
	int (*entry)(int, char **);
	const char *const *arguments;
	const struct record_loop *loop;
	sem_t there;
};

static _Thread_local struct start *starting;

int __wrap_record_loop(const struct record_loop *loop);
int __real_record_loop(const struct record_loop *loop);
int __wrap_record_loop(const struct record_loop *loop)
{
	if (!starting)
		return __real_record_loop(loop);
	starting->loop = loop;
	sem_post(&starting->there);
	for (;;)
		pause();
}

static void *run_command(void *context)
{
	char *argv[16] = {0};
	int argc = 0;
	starting = context;
	for (; starting->arguments[argc]; argc++)
		argv[argc] = (char *)starting->arguments[argc];
	optind = 0; /* glibc begins anew */
	starting->entry(argc, argv);
	errx(EX_SOFTWARE, "%s has no record loop", argv[0]);
}

const struct record_loop *fuzz_command(int (*entry)(int, char **), const char *const *arguments)
{
	struct start start = {.entry = entry, .arguments = arguments};
	pthread_t thread;
	sem_init(&start.there, 0, 0);
	if (pthread_create(&thread, NULL, run_command, &start) != 0)
		errx(EX_OSERR, "cannot start a thread");
	pthread_detach(thread);
	while (sem_wait(&start.there) < 0)
		continue;
	return start.loop;
}

struct str fuzz_loop(const struct record_loop *loop, struct str lines, struct buf *out)
{
	struct record_loop serial = *loop;
	serial.parallel = 0;
	serial.verbose = false;
	if (serial.ended) /* or each lookup would wait for more of its kind to come */
		serial.ended(serial.context);
	fuzz_stream(lines, out);
	__real_record_loop(&serial);
	return buf_str(out);
}

bool fuzz_blank(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if (!memchr(" \t\r", line.p[i], 3))
			return false;
	return true;
}

size_t fuzz_count(struct str lines)
{
	size_t n = 0;
	while (lines.n)
		n += !fuzz_blank(fuzz_line(&lines));
	return n;
}

size_t fuzz_split(struct str lines, struct buf *events, struct buf *answers)
{
	events->n = answers->n = 0;
	while (lines.n) {
		struct str line = fuzz_line(&lines);
		struct buf *to = line.n && line.p[0] >= '0' && line.p[0] <= '9' ? answers : events;
		buf_add(to, line);
		buf_putc(to, '\n');
	}
	return fuzz_count(buf_str(events));
}

void fuzz_require_records(struct str text, size_t lines)
{
	static struct jtext_members members;
	struct jtext_error error;
	size_t n = 0;
	for (; text.n; n++) {
		struct str line = fuzz_line(&text);
		fuzz_require(jtext_check_object(line, &members, &error), "what goes out is JSON objects in UTF-8");
		fuzz_require(line.n <= RECORD_MAX, "no line is over 1 MiB");
	}
	fuzz_require(n == lines, "a line goes out for each that came in");
}

/* --- The network, and time --- */

static struct str answers;

struct http {
	struct http_options options;
};

void fuzz_answers(struct str lines)
{
	answers = lines;
}

struct http *__wrap_http_open(const struct http_options *options);
struct http *__wrap_http_open(const struct http_options *options)
{
	struct http *h = allocated(calloc(1, sizeof *h));
	h->options = *options;
	return h;
}

void __wrap_http_close(struct http *h);
void __wrap_http_close(struct http *h)
{
	free(h);
}

/* Takes what stands before the first tab, or newline of the rest, off a text. */
static struct str field(struct str *line)
{
	const char *tab = line->n ? memchr(line->p, '\t', line->n) : NULL;
	struct str field = {line->p, tab ? (size_t)(tab - line->p) : line->n};
	size_t taken = field.n + (tab != NULL);
	*line = (struct str){line->p + taken, line->n - taken};
	return field;
}

/* The next line of the answers as what http_do gives. */
static struct http_answer next_answer(struct arena *a)
{
	struct str last = answers, line = fuzz_line(&answers);
	if (!answers.n)
		answers = last;
	struct http_answer answer = {.outcome = HTTP_LOST, .error = "no answer came", .calls = 1, .ms = 1};
	const char *problem = NULL, *status = line.n ? arena_copy(a, field(&line)) : "0";
	struct buf headers = {0};
	answer.status = (long)strtonum(status, 100, 599, &problem);
	if (problem)
		return answer;
	while (line.n && memchr(line.p, '\t', line.n)) {
		buf_add(&headers, field(&line));
		buf_puts(&headers, "\r\n");
	}
	answer.outcome = HTTP_ANSWERED;
	answer.error = NULL;
	answer.headers = (struct str){arena_copy(a, buf_str(&headers)), headers.n};
	answer.body = (struct str){arena_copy(a, line), line.n};
	buf_free(&headers);
	const char *wait = http_header(a, answer.headers, "Retry-After");
	/* a longer pause is kept, and would outlast this input */
	answer.retry_after = wait ? (long)strtonum(wait, 0, 60, NULL) : 0;
	return answer;
}

struct http_answer __wrap_http_do(struct http *h, struct arena *a, const struct http_request *request);
struct http_answer __wrap_http_do(struct http *h, struct arena *a, const struct http_request *request)
{
	struct http_answer answer = {.outcome = HTTP_UNSENT, .error = "not allowed"};
	struct jtext_error error;
	if (getenv("FUZZ_SHOW"))
		fprintf(stderr, "%s %s %.*s\n", request->method, request->url, (int)request->body.n,
			request->body.p ? request->body.p : "");
	fuzz_require(!strpbrk(request->url, " \r\n") && !strpbrk(request->method, " \r\n"), "a URL is one word");
	for (const char *const *header = request->headers; header && *header; header++)
		fuzz_require(!strpbrk(*header, "\r\n"), "a header is one line");
	bool form = strstr(request->url, "/oauth/") != NULL;
	fuzz_require(!request->body.p || form || jtext_check(request->body, &error), "what is sent is JSON");
	if (h->options.allow && !h->options.allow(h->options.context, request))
		return answer;
	answer = next_answer(a);
	if (h->options.tried)
		h->options.tried(h->options.context, request, &answer);
	return answer;
}

/* What is old is removed by a thread of its own, whose transaction would be under way while the state is
   emptied: here nothing grows old. */
struct cache_expiry *__wrap_cache_expiry_begin(struct state *s, int64_t keep_ms);
struct cache_expiry *__wrap_cache_expiry_begin(struct state *s, int64_t keep_ms)
{
	(void)s;
	(void)keep_ms;
	return NULL;
}

/* Limits are kept in a file that other processes see, and by the clock: here there are none. */
struct limits *__wrap_limits_open(const char *state_path);
struct limits *__wrap_limits_open(const char *state_path)
{
	(void)state_path;
	return NULL;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)time, (void)left;
	return 0;
}
