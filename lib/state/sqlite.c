/*
 * A practice's state in a file: SQLite in WAL mode. Statements are prepared once and found again by their
 * text's address, so that a caller writes its SQL where it uses it.
 */
#include "state/engine.h"
#include "state/sqlite_schema.h"
#include "state/wakeup.h"
#include "text/buf.h"
#include "value/when.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* A new file, or one that is written anew, is one whose space can be given back piece by piece. */
#define IN_PIECES "PRAGMA auto_vacuum=INCREMENTAL"

enum {
	SHORT_LOG = 128, /* pages; who opens a file alone reads all of its log */
	LONG_LOG = 1000,
	FULL_LOG = 4000,    /* who has written it so long moves it into the file */
	ENDLESS_LOG = 8000, /* it is so long only where somebody always writes */
	HURRY_MS = 20,      /* so long others are held up, at most, where it has to begin anew */
	TURN_MS = 5,        /* so long a transaction may hold up others for its own good */
	ASIDE_MS = 50,      /* who waits gets no more at a time */
	OLDER_MS = 2000,    /* so long a dry run waits for a file to be brought up to date */
	STATEMENTS = 64,
};

/* A statement that is kept. */
struct statement {
	struct statement *next;
	const char *sql;
	sqlite3_stmt *prepared;
	bool writes;
	bool runs; /* a query has it: another of the same text gets one of its own */
};

struct sqlite {
	sqlite3 *db;
	struct statement *prepared[STATEMENTS]; /* by the places of their texts in memory */
	bool unflushed;                         /* as it was set */
	int64_t busy_since;
	bool waits;      /* for another process's lock, which others are told */
	bool hurries;    /* waits for a moment only */
	bool leaves_log; /* to others, to move into the file */
	int log;         /* its pages, after the last commit, */
	int moved;       /* and how many of them are in the file */
	int wakeup;      /* for wakeup_send */
	bool unseen;     /* a rehearsal: no power cut can harm it */
};

/* Why, in SQLite's words; false. */
static bool unusable(struct state *s, struct state_failure *why)
{
	int code = sqlite3_errcode(s->sqlite->db) & 0xff;
	int status = code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? EX_DATAERR
				 : code == SQLITE_BUSY                           ? EX_TEMPFAIL
																 : EX_CANTCREAT;
	int disk = code == SQLITE_IOERR ? sqlite3_system_errno(s->sqlite->db) : 0;
	why->disk = code == SQLITE_FULL || code == SQLITE_IOERR;
	return state_cannot(why, status, "cannot use the state file %s: %s%s%s", s->path,
		sqlite3_errmsg(s->sqlite->db), disk ? ": " : "", disk ? strerror(disk) : "");
}

static int take_number(void *number, int columns, char **values, char **names)
{
	(void)names;
	if (columns > 0 && values[0])
		*(int *)number = atoi(values[0]);
	return 0;
}

/* Runs a statement of the opening; number, where not NULL, gets its answer. Processes that open a new file at
   once may hinder each other in ways in which SQLite does not wait, or waits in vain: so it never does here,
   and is asked again. */
static bool execute(struct state *s, const char *sql, int *number)
{
	struct timespec shortly = {0, 5000000 + getpid() % 8 * 1000000};
	for (int64_t start = when_now_ms();; nanosleep(&shortly, NULL)) {
		int result = sqlite3_exec(s->sqlite->db, sql, number ? take_number : NULL, number, NULL);
		if (result == SQLITE_OK)
			return true;
		if ((result & 0xff) != SQLITE_BUSY || when_now_ms() - start > s->busy_ms)
			return false;
	}
}

/* The schema's version; -1: it cannot be read. */
static int version(struct state *s)
{
	int n = -1;
	execute(s, "PRAGMA user_version", &n);
	return n;
}

/* Brings the schema up to date, in one transaction, whoever comes first. */
static bool migrate(struct state *s, struct state_failure *why)
{
	if (version(s) == STATE_VERSION)
		return true;
	if (!execute(s, "BEGIN IMMEDIATE", NULL))
		return unusable(s, why);
	int from = version(s);
	if (from > STATE_VERSION)
		return state_newer(s, why, from);
	bool done = from >= 0;
	for (size_t i = 0; done && i < sqlite_steps_n; i++)
		done = sqlite_steps[i].version <= from || execute(s, sqlite_steps[i].sql, NULL);
	char set[40];
	sqlite3_snprintf(sizeof set, set, "PRAGMA user_version=%d", STATE_VERSION);
	return (done && execute(s, set, NULL) && execute(s, "COMMIT", NULL)) || unusable(s, why);
}

/* Whether a file may be ours: another one's mode is none of our business. In a database's header are the
   number of changes to its tables, at 40, and the version, at 60; what is newer is in its log. */
static bool may_be_ours(const char *path, int fd)
{
	static const char none[4], begins[] = "SQLite format 3";
	char header[64], log[PATH_MAX];
	struct stat st;
	ssize_t n = pread(fd, header, sizeof header, 0);
	if (n != sizeof header || memcmp(header, begins, sizeof begins) != 0)
		return n == 0;
	snprintf(log, sizeof log, "%s-wal", path);
	return memcmp(header + 60, none, sizeof none) != 0 || memcmp(header + 40, none, sizeof none) == 0 ||
		   (stat(log, &st) == 0 && st.st_size > 0);
}

/* SQLite gives its files the mode of the database, so that is made first, and never readable by others. One
   that is as it should be is left alone: to close it would free the locks that another connection of this
   process has on it. */
static bool create(const char *path, struct state_failure *why)
{
	struct stat st;
	bool there = stat(path, &st) == 0;
	if (there && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return state_cannot(why, EX_DATAERR, "the state file %s is no regular file", path);
	if (there && !(st.st_mode & 077) && access(path, R_OK | W_OK) == 0)
		return true;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return state_cannot(why, errno == ENOENT ? EX_CONFIG : EX_CANTCREAT,
			"cannot open the state file %s: %s", path, strerror(errno));
	bool private =
		fstat(fd, &st) < 0 || !(st.st_mode & 077) || !may_be_ours(path, fd) || fchmod(fd, 0600) == 0;
	int problem = errno;
	close(fd);
	return private || state_cannot(why, EX_CANTCREAT, "cannot make the state file %s private: %s", path,
						  strerror(problem));
}

/* Waits a moment for another process's lock. The waits of SQLite's own handler grow to a tenth of a second,
 * which is many commits of others. */
static int wait_for_lock(void *context, int waited)
{
	struct state *s = context;
	int64_t now = when_now_ms();
	if (waited == 0 || now < s->sqlite->busy_since) /* the clock may have been set back */
		s->sqlite->busy_since = now;
	if (now - s->sqlite->busy_since >= (s->sqlite->hurries ? HURRY_MS : s->busy_ms))
		return 0;
	if (!s->sqlite->waits)
		wakeup_wait(&s->sqlite->wakeup, s->path, true);
	s->sqlite->waits = true;
	struct timespec moment = {.tv_nsec = waited < 100 ? 500000 : 2000000};
	nanosleep(&moment, NULL);
	return 1;
}

/* We have the lock, or have given up. */
static void end_wait(struct state *s)
{
	if (s->sqlite->waits)
		wakeup_wait(&s->sqlite->wakeup, s->path, false);
	s->sqlite->waits = false;
}

/* What every connection is set to. A program that is confined may have no folder for what is sorted. What one
   has read is stale as soon as another writes, so little of it is kept (half a MB). In a large file each
   event changes some pages of which no other is: a transaction of many has room in memory for its own (8 MB),
   and the log gathers what many have changed (16 MB, look_at_log). Where a log was longer than it becomes
   when two write (ENDLESS_LOG), its file is cut. */
static const char *const modes[] = {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
	"PRAGMA secure_delete=ON", "PRAGMA temp_store=MEMORY", "PRAGMA cache_size=-500",
	"PRAGMA cache_spill=2000", "PRAGMA journal_size_limit=40000000"};

/* Moves what is in the log into the file, while others write. A log that was always written meanwhile would
   grow for ever: what came while it was moved is moved while nobody writes, so that the log begins anew. */
static void move_log(struct state *s)
{
	int pages = 0, moved = 0;
	if (sqlite3_wal_checkpoint_v2(s->sqlite->db, "main", SQLITE_CHECKPOINT_PASSIVE, &pages, &moved) !=
		SQLITE_OK)
		return; /* somebody else does it */
	s->sqlite->moved = moved;
	if (moved == pages || pages < ENDLESS_LOG)
		return;
	s->sqlite->hurries = true;
	sqlite3_wal_checkpoint_v2(s->sqlite->db, "main", SQLITE_CHECKPOINT_RESTART, NULL, NULL);
	s->sqlite->hurries = false;
	end_wait(s);
}

/* After a commit, with the log's length. */
static int look_at_log(void *context, sqlite3 *db, const char *name, int pages)
{
	struct state *s = context;
	(void)name;
	if (s->sqlite->leaves_log && pages >= SHORT_LOG) /* it is moved when we close if we are alone then */
		sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	s->sqlite->log = pages;
	if (pages < s->sqlite->moved) /* it has begun anew */
		s->sqlite->moved = 0;
	if (pages - s->sqlite->moved >= (s->sqlite->leaves_log ? LONG_LOG : FULL_LOG))
		move_log(s);
	return SQLITE_OK;
}

/* Nobody asks SQLite how much memory it has: to count it takes a lock at each piece. */
static void set_up(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static void begin_sqlite(struct state *s)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, set_up);
	s->sqlite = allocated(calloc(1, sizeof *s->sqlite));
	s->sqlite->wakeup = -1;
}

/* Whether the database has tables and no version of ours. Whoever makes it just now has made both when the
   tables can be seen. */
static bool is_anothers(struct state *s, const char *tables, const char *version, struct state_failure *why)
{
	int n = 0, number = 0;
	if (!execute(s, tables, &n) || !n || !execute(s, version, &number) || number)
		return false;
	state_cannot(why, EX_DATAERR,
		"the state file %s is another program's: it has tables, and no version of pnow's", s->path);
	return true;
}

static bool sqlite_open(struct state *s, struct state_failure *why)
{
	begin_sqlite(s);
	if (!create(s->path, why))
		return false;
	if (sqlite3_open_v2(s->path, &s->sqlite->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
		SQLITE_OK)
		return unusable(s, why);
	if (is_anothers(s, "SELECT count(*) FROM sqlite_master", "PRAGMA user_version", why))
		return false;
	if (version(s) == 0 && !execute(s, IN_PIECES, NULL))
		return unusable(s, why);
	for (size_t i = 0; i < COUNT(modes); i++)
		if (!execute(s, modes[i], NULL))
			return unusable(s, why);
	if (!migrate(s, why))
		return false;
	sqlite3_busy_handler(s->sqlite->db, wait_for_lock, s);
	sqlite3_wal_hook(s->sqlite->db, look_at_log, s);
	return true;
}

/* Waits until the original is of this program's version: another process may bring it up to date just now. */
static bool wait_for_version(struct state *s, struct state_failure *why)
{
	int found = 0;
	if (is_anothers(s, "SELECT count(*) FROM original.sqlite_master", "PRAGMA original.user_version", why))
		return false;
	for (int64_t start = when_now_ms(); execute(s, "PRAGMA original.user_version", &found);) {
		if (found == STATE_VERSION)
			return true;
		if (found > STATE_VERSION)
			return state_newer(s, why, found);
		if (when_now_ms() - start > OLDER_MS)
			return state_cannot(why, EX_TEMPFAIL,
				"the state file %s is of version %d, an older pnow's: whatever runs without -n, such as "
				"pnow-inbox stat, brings it up to date",
				s->path, found);
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
	return unusable(s, why);
}

/* Finds the file at path, where it is there. */
static bool attach_original(struct state *s, struct state_failure *why)
{
	struct stat st;
	s->has_original = stat(s->path, &st) == 0 && st.st_size > 0;
	if (!s->has_original)
		return true;
	struct buf sql = {0};
	buf_puts(&sql, "ATTACH 'file:");
	for (const char *c = s->path; *c; c++)
		buf_printf(&sql, strchr("%?#'", *c) ? "%%%02x" : "%c", (unsigned char)*c);
	buf_puts(&sql, "?mode=ro' AS original");
	buf_putc(&sql, '\0');
	bool done = execute(s, sql.p, NULL);
	buf_free(&sql);
	return done ? wait_for_version(s, why) : unusable(s, why);
}

/* A new file that only this process sees. */
static bool open_unseen(struct state *s, struct state_failure *why)
{
	static const char *const unseen[] = {"PRAGMA main.locking_mode=EXCLUSIVE", "PRAGMA journal_mode=MEMORY",
		"PRAGMA synchronous=OFF", "PRAGMA temp_store=MEMORY", "PRAGMA cache_size=-8000"};
	char path[4096];
	const char *folder = getenv("TMPDIR");
	snprintf(path, sizeof path, "%s/pnow.XXXXXX", folder ? folder : "/tmp");
	int fd = mkstemp(path);
	if (fd < 0)
		return state_cannot(why, EX_CANTCREAT, "cannot make the file %s: %s", path, strerror(errno));
	close(fd);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
	bool done = sqlite3_open_v2(path, &s->sqlite->db, flags, NULL) == SQLITE_OK;
	unlink(path);
	for (size_t i = 0; done && i < COUNT(unseen); i++)
		done = execute(s, unseen[i], NULL);
	return done ? migrate(s, why) : unusable(s, why);
}

static bool sqlite_rehearse(struct state *s, struct state_failure *why)
{
	begin_sqlite(s);
	s->sqlite->unseen = true;
	return open_unseen(s, why) && attach_original(s, why);
}

static void sqlite_leave_log(struct state *s)
{
	s->sqlite->leaves_log = true;
	sqlite3_db_config(s->sqlite->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

static void sqlite_write_much(struct state *s)
{
	state_do(s, "PRAGMA cache_size=-64000", "");
}

static void sqlite_close(struct state *s)
{
	for (size_t i = 0; i < STATEMENTS; i++)
		for (struct statement *at = s->sqlite->prepared[i], *next; at; at = next) {
			next = at->next;
			sqlite3_finalize(at->prepared);
			free(at);
		}
	sqlite3_close(s->sqlite->db);
	if (s->sqlite->wakeup >= 0)
		close(s->sqlite->wakeup);
	free(s->sqlite);
}

/* The statement as SQLite understands it: list(?2) is the rows of a JSON list. */
static sqlite3_stmt *translate(struct state *s, const char *sql)
{
	static const char list[] = " list(";
	struct buf text = {0};
	sqlite3_stmt *prepared = NULL;
	for (const char *at; (at = strstr(sql, list)); sql = at + 1) {
		buf_add(&text, (struct str){sql, (size_t)(at - sql)});
		at += sizeof list - 1;
		sql = at;
		at += strcspn(at, ")");
		buf_printf(&text, " (SELECT value FROM json_each(%.*s))", (int)(at - sql), sql);
	}
	buf_puts(&text, sql);
	int result =
		sqlite3_prepare_v3(s->sqlite->db, text.p, (int)text.n, SQLITE_PREPARE_PERSISTENT, &prepared, NULL);
	buf_free(&text);
	return result == SQLITE_OK ? prepared : NULL;
}

/* The statement of this text that nobody runs; NULL: it cannot be prepared. */
static struct statement *prepare(struct state *s, const char *sql)
{
	struct statement **list = &s->sqlite->prepared[(uintptr_t)sql / 8 % STATEMENTS], *found = *list;
	while (found && (found->sql != sql || found->runs))
		found = found->next;
	if (found)
		return found;
	sqlite3_stmt *prepared = translate(s, sql);
	if (!prepared)
		return NULL;
	found = allocated(calloc(1, sizeof *found));
	*found = (struct statement){
		.next = *list, .sql = sql, .prepared = prepared, .writes = !sqlite3_stmt_readonly(prepared)};
	return *list = found;
}

/* Has the commit that comes wait for the disk, or not; false: it would do the other. The pragma works when it
   is prepared, so that it cannot be kept as statements are, and not within a transaction. */
static bool set_flushing(struct state *s)
{
	const char *set = s->unflushed ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL";
	if (s->sqlite->unflushed == s->unflushed || s->sqlite->unseen)
		return true;
	if (sqlite3_exec(s->sqlite->db, set, NULL, NULL, NULL) != SQLITE_OK)
		return false;
	s->sqlite->unflushed = s->unflushed;
	return true;
}

static void bind_text(sqlite3_stmt *statement, int i, const char *text)
{
	if (text)
		sqlite3_bind_text(statement, i, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(statement, i);
}

static struct statement *sqlite_start(
	struct state *s, const char *sql, const struct state_value *values, size_t n)
{
	struct statement *statement = prepare(s, sql);
	if (!statement)
		return NULL;
	/* one that writes by itself, or BEGIN IMMEDIATE */
	if (statement->writes && sqlite3_get_autocommit(s->sqlite->db) && !set_flushing(s))
		return NULL;
	statement->runs = true;
	for (size_t i = 0; i < n; i++)
		if (values[i].type == VALUE_NUMBER)
			sqlite3_bind_int64(statement->prepared, (int)i + 1, values[i].number);
		else
			bind_text(statement->prepared, (int)i + 1, values[i].text);
	return statement;
}

static enum state_result sqlite_step(struct state *s, struct statement *statement)
{
	int step = sqlite3_step(statement->prepared);
	end_wait(s);
	return step == SQLITE_ROW ? STATE_ROW : step == SQLITE_DONE ? STATE_NONE : STATE_FAILED;
}

static int sqlite_columns(const struct statement *statement)
{
	return sqlite3_column_count(statement->prepared);
}

static const char *sqlite_text(const struct statement *statement, int column)
{
	return (const char *)sqlite3_column_text(statement->prepared, column);
}

/* The statement can be run again. */
static void sqlite_stop(struct state *s, struct statement *statement)
{
	(void)s;
	sqlite3_reset(statement->prepared);
	sqlite3_clear_bindings(statement->prepared);
	statement->runs = false;
}

static int64_t sqlite_changed(struct state *s)
{
	return sqlite3_changes(s->sqlite->db);
}

static const char *sqlite_problem(struct state *s)
{
	return sqlite3_errmsg(s->sqlite->db);
}

static bool sqlite_begin(struct state *s)
{
	return state_do(s, s->transaction == TRANSACTION_READS ? "BEGIN" : "BEGIN IMMEDIATE", "");
}

static void sqlite_wake(struct state *s)
{
	wakeup_send(&s->sqlite->wakeup, s->path);
}

static bool sqlite_end(struct state *s, bool commit)
{
	bool ended = commit && state_do(s, "COMMIT", "");
	bool over = ended || sqlite3_get_autocommit(s->sqlite->db); /* a full disk may have ended it already */
	if (!over)
		state_do(s, "ROLLBACK", "");
	if (ended && s->wakes)
		sqlite_wake(s);
	return ended;
}

static int64_t sqlite_version(struct state *s)
{
	int64_t n = -1;
	state_int(s, &n, "PRAGMA data_version", "");
	return n;
}

static int sqlite_schema(struct state *s)
{
	int64_t n = -1;
	state_int(s, &n, "PRAGMA user_version", "");
	return (int)n;
}

static bool sqlite_is_awaited(struct state *s)
{
	return when_now_ms() - s->since >= TURN_MS && wakeup_is_awaited(&s->sqlite->wakeup, s->path);
}

static int64_t sqlite_leave_to_others(struct state *s)
{
	struct sqlite *file = s->sqlite;
	bool awaited = wakeup_is_awaited(&file->wakeup, s->path);
	int64_t now = when_now_ms(), waited = now - s->since;
	int64_t until = now + 1 + (waited < ASIDE_MS / 3 ? 3 * waited : ASIDE_MS);
	if (file->log - file->moved >=
		LONG_LOG) /* or one of the others would have to, and its sender would wait */
		move_log(s);
	now = when_now_ms();
	return awaited && now < until ? until - now : 0;
}

/* Moves the log into the file and empties it. Does not wait for readers of it with the lock that writers
   need, but comes again. */
static bool empty_log(struct state *s)
{
	int64_t left = 1; /* whether something of the log is */
	bool asked = state_do(s, "PRAGMA wal_checkpoint(PASSIVE)", "");
	sqlite3_busy_handler(s->sqlite->db, NULL, NULL);
	for (int64_t start = when_now_ms(); asked; nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL)) {
		asked = state_int(s, &left, "PRAGMA wal_checkpoint(TRUNCATE)", "") == STATE_ROW;
		if (!left || when_now_ms() - start > s->busy_ms)
			break;
	}
	sqlite3_busy_handler(s->sqlite->db, wait_for_lock, s);
	return asked && !left;
}

static bool sqlite_scrub(struct state *s)
{
	bool done = execute(s, IN_PIECES, NULL) && execute(s, "PRAGMA temp_store=FILE", NULL) &&
				state_do(s, "VACUUM", "");
	return execute(s, "PRAGMA temp_store=MEMORY", NULL) && done && empty_log(s);
}

static bool sqlite_give_back(struct state *s)
{
	static const char free_pages[] = "PRAGMA freelist_count";
	int64_t mode = 0, left = 0, before = INT64_MAX;
	bool done = state_int(s, &mode, "PRAGMA auto_vacuum", "") == STATE_ROW &&
				state_int(s, &left, free_pages, "") == STATE_ROW;
	if (done && !mode)
		return state_scrub(s);
	for (; done && left && left < before; state_let_others(s)) {
		before = left;
		done = state_begin(s) && state_end(s, state_do(s, "PRAGMA incremental_vacuum(200)", "")) &&
			   state_int(s, &left, free_pages, "") == STATE_ROW;
	}
	return done && empty_log(s);
}

static bool sqlite_has_moved(struct state *s)
{
	int moved = 0;
	return sqlite3_file_control(s->sqlite->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}

const struct engine sqlite_engine = {
	.noun = "state file",
	.open = sqlite_open,
	.rehearse = sqlite_rehearse,
	.close = sqlite_close,
	.start = sqlite_start,
	.step = sqlite_step,
	.columns = sqlite_columns,
	.text = sqlite_text,
	.stop = sqlite_stop,
	.changed = sqlite_changed,
	.problem = sqlite_problem,
	.begin = sqlite_begin,
	.end = sqlite_end,
	.wake = sqlite_wake,
	.version = sqlite_version,
	.schema = sqlite_schema,
	.is_awaited = sqlite_is_awaited,
	.leave_to_others = sqlite_leave_to_others,
	.scrub = sqlite_scrub,
	.give_back = sqlite_give_back,
	.has_moved = sqlite_has_moved,
	.leave_log = sqlite_leave_log,
	.write_much = sqlite_write_much,
};
