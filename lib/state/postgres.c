/*
 * The state of all practices in a PostgreSQL database, which any number of hosts share:
 *
 * - Each table has the practice in its key (postgres_schema.c). A statement names no practice: it sees views
 * of the rows of one, pnow.practice, to which a connection is set when a state takes it. So a statement can
 * be the one that SQLite understands, but for what translate() puts into other words.
 * - A transaction that writes has the practice's lock, as with SQLite it has the file's: what it has read is
 * so until it ends. Those who only read wait for nobody. The server frees the lock when the transaction ends,
 *   or its session does, whatever became of the host.
 * - A process has a pool of connections to a database. A state has one of them during a transaction or a
 *   statement only, so that a thousand practices that are idle need one or two.
 * - All goes through libpq's pipelines: what gives no rows is sent, and its answer read with the next that is
 *   waited for, at the latest with that of COMMIT. Where something failed, so does the rest of the
 * transaction.
 * - A connection that was lost fails what was under way: nobody knows whether its COMMIT came to be, and
 *   whoever comes next finds out, as after a kill. The next transaction has another one.
 * - A NOTIFY goes right behind the COMMIT, in a transaction of its own: all that notify in a cluster commit
 * one after the other, so within the transaction that would be one flush of the disk after the other. Where
 * it is lost, those who wait look by themselves after a while.
 */
#include "state/postgres.h"
#include "conf/conf.h"
#include "state/engine.h"
#include "state/postgres_schema.h"
#include "text/buf.h"
#include "text/waits.h"
#include "value/when.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	ANSWER_MS = 60000, /* no statement takes longer but for those that only read */
	AGAIN_MS = 500,    /* a database that could not be reached is not tried for so long */
	TURN_MS = 20,      /* so long a transaction may hold up others for its own good */
	MOST = 32,    /* connections in use, and kept while a pool is: a new one costs as much as six events */
	WAIT_S = 2,   /* who needs one more waits so long, and no longer: others may need what it has locked */
	DUE = 128,    /* answers that may be due: they fit the buffers of both sides */
	BOOLEAN = 16, /* PostgreSQL's numbers of its types */
	BIGINT = 20,
	TEXT = 25,
};

/* What an answer is of. */
enum due_kind { DUE_WORK, DUE_CHANGES, DUE_ROWS, DUE_COMMIT, DUE_SYNC };

/* An answer that is due, in the order of what was sent. */
struct due {
	enum due_kind kind;
	struct prepared *prepared; /* NULL: of one that was */
};

struct prepared {
	struct prepared *next;
	const char *sql; /* ours */
	char name[16];
};

struct connection {
	struct connection *next; /* in its pool */
	struct pool *pool;       /* NULL: a rehearsal's */
	PGconn *pg;
	struct prepared *prepared;
	unsigned names;
	char *practice; /* that it is set to; NULL: nobody knows */
	int busy_ms;
	struct due due[DUE];
	size_t first, dues;
	bool lost;
};

/* The connections of this process to a database that nobody uses now. */
struct pool {
	struct pool *next;
	char *uri;
	pthread_mutex_t lock; /* of what follows */
	pid_t process;        /* whose they are */
	pthread_cond_t given; /* back, by who had one */
	struct connection *idle, *parents;
	size_t idles, taken, users;
	int64_t not_before; /* it could not be reached, for this reason: */
	struct state_failure why;
};

struct postgres {
	struct pool *pool;
	struct connection *connection; /* during a transaction; a rehearsal's always */
	bool begun;                    /* the transaction, at the server */
	bool failed;                   /* something of it */
	bool rehearses;
	int64_t changed;
	char problem[STATE_PROBLEM];
};

struct statement {
	PGresult *rows; /* NULL: it gives none */
	int row;
	struct connection *streams; /* where one row comes after the other */
};

static struct pool *pools;
static pthread_mutex_t pools_lock = PTHREAD_MUTEX_INITIALIZER;

/* --- Names --- */

bool postgres_is(const char *state)
{
	return conf_is_database(state);
}

const char *postgres_practice(const char *state)
{
	const char *mark = strchr(state, '#');
	return mark ? mark + 1 : "";
}

/* The URI in a state's name. */
static char *uri_of(const char *state)
{
	return allocated(strndup(state, strcspn(state, "#")));
}

/* --- Connections --- */

static void ignore(void *context, const char *notice)
{
	(void)context;
	(void)notice;
}

/* What to do, where libpq does not say it. */
static const struct {
	const char *said, *to_do;
} hints[] = {
	{"no password supplied", "give it in a password file or a service file, of mode 0600"},
	{"password authentication failed", "look at its password file or service file"},
	{"certificate verify failed", "sslrootcert must be the certificate of who signed the server's"},
	{"root certificate file", "sslrootcert must be the certificate of who signed the server's"},
	{"does not match host name", "the host must be named as its certificate names it"},
	{"permission denied", "have roles.sql run again"},
};

/* The first line of what libpq says, and of each further host that it tried; no value is in them. Then what
   to do. */
static bool unreachable(struct state_failure *why, const char *state, PGconn *pg)
{
	static const char host[] = "\nconnection to server ";
	const char *text = pq.errorMessage(pg);
	struct buf reasons = {0};
	buf_printf(&reasons, "%.*s", (int)strcspn(text, "\n"), text);
	for (const char *at = text; (at = strstr(at, host)); at++)
		buf_printf(&reasons, "; %.*s", (int)strcspn(at + 1, "\n"), at + 1);
	for (size_t i = 0; i < COUNT(hints); i++)
		if (strstr(text, hints[i].said))
			buf_printf(&reasons, ": %s", hints[i].to_do);
	buf_putc(&reasons, '\0');
	state_cannot(why, EX_UNAVAILABLE, "cannot use the state database %s: %s", state, reasons.p);
	buf_free(&reasons);
	return false;
}

/* Sets a new connection up, whatever its role or its database has set. */
static bool set_up(PGconn *pg, const char *state, struct state_failure *why)
{
	static const char sql[] =
		"SELECT set_config('search_path','pnow',false), set_config('pnow.practice',$1,false),"
		"  set_config('default_transaction_isolation','read committed',false),"
		"  set_config('synchronous_commit','on',false), set_config('lock_timeout','10s',false),"
		"  set_config('idle_in_transaction_session_timeout','30s',false),"
		"  set_config('tcp_keepalives_idle','4',false), set_config('tcp_keepalives_interval','2',false),"
		"  set_config('tcp_keepalives_count','3',false), set_config('tcp_user_timeout','10000',false)";
	const char *practice = postgres_practice(state), *encoding = pq.parameterStatus(pg, "server_encoding");
	if (!encoding || strcmp(encoding, "UTF8") != 0)
		return state_cannot(why, EX_CONFIG,
			"the state database %s has the encoding %s; make one with ENCODING 'UTF8' TEMPLATE template0",
			state, encoding ? encoding : "of nobody knows what");
	PGresult *set = pq.execParams(pg, sql, 1, NULL, &practice, NULL, NULL, 0);
	bool done = pq.resultStatus(set) == PGRES_TUPLES_OK;
	pq.clear(set);
	return done || unreachable(why, state, pg);
}

void postgres_disconnect(PGconn *pg)
{
	if (pg)
		pq.finish(pg);
}

PGconn *postgres_connect(const char *state, struct state_failure *why)
{
	const char *missing = libpq_load();
	if (missing) {
		state_cannot(why, EX_UNAVAILABLE, "cannot use the state database %s: %s", state, missing);
		return NULL;
	}
	char *uri = uri_of(state);
	/* what a URI says goes before what is said before it */
	const char *names[] = {"connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count",
		"tcp_user_timeout", "fallback_application_name", "dbname", "client_encoding", NULL};
	const char *values[] = {"5", "4", "2", "3", "10000", getprogname(), uri, "UTF8", NULL};
	PGconn *pg = pq.connectdbParams(names, values, 1);
	free(uri);
	if (!pg)
		out_of_memory();
	pq.setNoticeProcessor(pg, ignore, NULL);
	if (pq.status(pg) == CONNECTION_OK ? set_up(pg, state, why) : unreachable(why, state, pg))
		return pg;
	postgres_disconnect(pg);
	return NULL;
}

static bool execute(PGconn *pg, const char *sql)
{
	PGresult *result = pq.exec(pg, sql);
	ExecStatusType status = pq.resultStatus(result);
	pq.clear(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* The schema's version; 0: there is none; -1: it cannot be told. */
static int version(PGconn *pg)
{
	PGresult *result = pq.exec(pg, "SELECT to_regclass('pnow_rows.schema') IS NOT NULL");
	bool told = pq.resultStatus(result) == PGRES_TUPLES_OK, there = told && *pq.getvalue(result, 0, 0) == 't';
	pq.clear(result);
	if (!told || !there)
		return told ? 0 : -1;
	result = pq.exec(pg, "SELECT version FROM pnow_rows.schema");
	int n = pq.resultStatus(result) == PGRES_TUPLES_OK ? (int)state_number(pq.getvalue(result, 0, 0)) : -1;
	pq.clear(result);
	return n;
}

/* Makes the schema or brings it up to date, in one transaction, whoever comes first. */
static bool migrate(struct state *s, PGconn *pg, struct state_failure *why)
{
	int from = version(pg);
	if (from == STATE_VERSION)
		return true;
	if (from > STATE_VERSION)
		return state_newer(s, why, from);
	bool done = from >= 0 && execute(pg, "BEGIN; SELECT pg_advisory_xact_lock(1886285687, 0)") &&
				(from = version(pg)) >= 0;
	if (from > STATE_VERSION)
		return state_newer(s, why, from);
	for (size_t i = 0; done && i < postgres_steps_n; i++)
		done = postgres_steps[i].version <= from || execute(pg, postgres_steps[i].sql);
	char set[80];
	snprintf(set, sizeof set, "UPDATE pnow_rows.schema SET version=%d; COMMIT", STATE_VERSION);
	return (done && (from == STATE_VERSION ? execute(pg, "COMMIT") : execute(pg, set))) ||
		   unreachable(why, s->path, pg);
}

static void discard(struct connection *c)
{
	for (struct prepared *p = c->prepared, *next; p; p = next) {
		next = p->next;
		free(p);
	}
	postgres_disconnect(c->pg);
	free(c->practice);
	free(c);
}

/* A connection of which nobody knows yet. */
static struct connection *connection_new(struct pool *pool, PGconn *pg)
{
	struct connection *c = allocated(calloc(1, sizeof *c));
	c->pool = pool;
	c->pg = pg;
	pq.enterPipelineMode(pg);
	return c;
}

static struct connection *connect_to(struct state *s, struct state_failure *why)
{
	PGconn *pg = postgres_connect(s->path, why);
	if (pg && migrate(s, pg, why))
		return connection_new(s->postgres->pool, pg);
	postgres_disconnect(pg);
	return NULL;
}

/* Whether the server is still there, as far as it can be told without asking it. */
static bool is_alive(struct connection *c)
{
	struct pollfd told = {.fd = pq.socket(c->pg), .events = POLLIN};
	return poll(&told, 1, 0) == 0 ||
		   (pq.consumeInput(c->pg) && pq.status(c->pg) == CONNECTION_OK && poll(&told, 1, 0) == 0);
}

/* What a parent has opened is its own: a child neither uses it nor tells the server that it ends. */
static void leave_parents(struct pool *pool)
{
	if (pool->process == getpid())
		return;
	if (pool->process)
		pool->parents = pool->idle;
	pool->idle = NULL;
	pool->idles = pool->taken = 0;
	pool->process = getpid();
}

/* The reason in what is said of a state in the database, which holds for all of them. */
static const char *reason_in(const char *said)
{
	const char *colon = strstr(said, ": ");
	return colon ? colon + 2 : said;
}

/* One more is in use. The lock is held. */
static void wait_for_turn(struct pool *pool)
{
	const struct timespec until = waits_after((int64_t)WAIT_S * 1000);
	while (pool->taken >= MOST && pthread_cond_timedwait(&pool->given, &pool->lock, &until) == 0)
		;
	pool->taken++;
}

static void end_turn(struct pool *pool)
{
	pool->taken--;
	pthread_cond_signal(&pool->given);
}

/* A connection for the state. NULL, and why. */
static struct connection *take(struct state *s, struct state_failure *why)
{
	struct pool *pool = s->postgres->pool;
	pthread_mutex_lock(&pool->lock);
	leave_parents(pool);
	wait_for_turn(pool);
	struct connection *c;
	while ((c = pool->idle)) {
		pool->idle = c->next;
		pool->idles--;
		if (is_alive(c))
			break;
		discard(c);
	}
	bool soon = !c && when_now_ms() < pool->not_before && pool->not_before - when_now_ms() <= AGAIN_MS;
	if (soon) {
		state_cannot(
			why, pool->why.status, "cannot use the state database %s: %s", s->path, reason_in(pool->why.why));
		end_turn(pool);
	}
	pthread_mutex_unlock(&pool->lock);
	if (c || soon || (c = connect_to(s, why)))
		return c;
	pthread_mutex_lock(&pool->lock);
	pool->not_before = when_now_ms() + AGAIN_MS;
	pool->why = *why;
	end_turn(pool);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static void give_back(struct connection *c)
{
	struct pool *pool = c->pool;
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	bool keep = !c->dues && !c->lost && pq.status(c->pg) == CONNECTION_OK &&
				pq.transactionStatus(c->pg) == PQTRANS_IDLE && pool->idles < MOST;
	if (keep) {
		c->next = pool->idle;
		pool->idle = c;
		pool->idles++;
	}
	end_turn(pool);
	pthread_mutex_unlock(&pool->lock);
	if (!keep)
		discard(c);
}

static struct pool *pool_of(const char *state)
{
	char *uri = uri_of(state);
	pthread_mutex_lock(&pools_lock);
	struct pool *pool = pools;
	while (pool && strcmp(pool->uri, uri) != 0)
		pool = pool->next;
	if (!pool) {
		pool = allocated(calloc(1, sizeof *pool));
		pool->uri = uri;
		pthread_mutex_init(&pool->lock, NULL);
		waits_open(&pool->given);
		pool->next = pools;
		pools = pool;
	} else {
		free(uri);
	}
	pool->users++;
	pthread_mutex_unlock(&pools_lock);
	return pool;
}

static void pool_leave(struct pool *pool)
{
	pthread_mutex_lock(&pools_lock);
	struct connection *idle = NULL;
	if (--pool->users == 0) {
		idle = pool->idle;
		pool->idle = NULL;
		pool->idles = 0;
	}
	pthread_mutex_unlock(&pools_lock);
	for (struct connection *next; idle; idle = next) {
		next = idle->next;
		discard(idle);
	}
}

/* --- Our SQL as PostgreSQL understands it --- */

/* What is said in other words. The piece up to a word's end, or up to stop and it, goes between the two. */
static const struct wording {
	const char *ours, *before, *stop, *after; /* before NULL: it is left out */
} wordings[] = {
	{" list(", " (SELECT value FROM jsonb_array_elements_text((", ")", ")::jsonb) AS rows(value))"},
	{" INDEXED BY ", NULL, " ", " "},
	{"ON CONFLICT(", "ON CONFLICT(practice,", "", ""},
	{" original.", " pnow.", "", ""},
};

/* A parameter, ?n or the next one, which then stands there; where it ends. */
static const char *put_parameter(struct buf *out, const char *at, size_t *n, bool stands[static STATE_VALUES])
{
	char *end;
	size_t given = (size_t)strtoul(at + 1, &end, 10);
	given = given ? given : *n + 1;
	*n = given > *n ? given : *n;
	buf_printf(out, "$%zu", given);
	if (given <= STATE_VALUES)
		stands[given - 1] = true;
	return at[1] >= '0' && at[1] <= '9' ? end : at + 1;
}

static void translate(struct buf *out, const char *sql, bool stands[static STATE_VALUES])
{
	size_t n = 0;
	const char *after = NULL, *stop = NULL;
	bool omits = false, quoted = false;
	for (const char *at = sql; *at;) {
		if (stop && strncmp(at, stop, strlen(stop)) == 0) {
			buf_puts(out, after);
			at += strlen(stop);
			stop = NULL;
			omits = false;
			continue;
		}
		size_t i = 0;
		while (i < COUNT(wordings) && strncmp(at, wordings[i].ours, strlen(wordings[i].ours)) != 0)
			i++;
		if (!quoted && i < COUNT(wordings)) {
			at += strlen(wordings[i].ours);
			omits = !wordings[i].before;
			buf_puts(out, omits ? "" : wordings[i].before);
			stop = *wordings[i].stop ? wordings[i].stop : NULL;
			after = wordings[i].after;
		} else if (!quoted && *at == '?') {
			at = put_parameter(out, at, &n, stands);
		} else {
			quoted ^= *at == '\'';
			if (!omits)
				buf_putc(out, *at);
			at++;
		}
	}
	buf_putc(out, '\0');
}

/* --- What is sent, and what is answered --- */

/* Keeps what has failed. A value of somebody's may be in what is said of some kinds of failure: those are
   told by their number. */
static void keep_problem(struct postgres *p, PGconn *pg, const PGresult *result)
{
	static const char *const harmless[] = {"08", "25", "26", "28", "40", "42", "53", "54", "55", "57", "58"};
	const char *code = result ? pq.resultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *text = code ? pq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : pq.errorMessage(pg);
	size_t i = 0;
	while (code && i < COUNT(harmless) && strncmp(code, harmless[i], 2) != 0)
		i++;
	if (code && i == COUNT(harmless))
		snprintf(p->problem, sizeof p->problem, "it refuses a statement, SQLSTATE %s", code);
	else if (text && *text)
		snprintf(p->problem, sizeof p->problem, "%.*s", (int)strcspn(text, "\n"), text);
	else
		snprintf(p->problem, sizeof p->problem, "the connection was lost");
}

static bool is_lost(const struct connection *c)
{
	return c->lost || pq.status(c->pg) != CONNECTION_OK;
}

/* The next result; NULL: the statement gives no more, or the connection is lost. Waits ms at most; -1: for
   ever. */
static PGresult *next_result(struct postgres *p, struct connection *c, int ms)
{
	int64_t until = when_now_ms() + ms;
	struct pollfd told = {.fd = pq.socket(c->pg), .events = POLLIN};
	while (!is_lost(c) && pq.isBusy(c->pg)) {
		int64_t left = ms < 0 ? -1 : until - when_now_ms();
		c->lost = (ms >= 0 && left <= 0) || (poll(&told, 1, (int)left) >= 0 && !pq.consumeInput(c->pg));
		if (ms >= 0 && left <= 0)
			snprintf(p->problem, sizeof p->problem, "it has not answered for %d s", ms / 1000);
	}
	return is_lost(c) ? NULL : pq.getResult(c->pg);
}

/* What was set may have been taken back. */
static void forget_practice(struct connection *c)
{
	free(c->practice);
	c->practice = NULL;
}

/* Takes what a statement was answered, its one result. The result is the caller's where rows are due. */
static PGresult *take_answer(
	struct postgres *p, struct connection *c, const struct due *due, PGresult *result)
{
	ExecStatusType status = pq.resultStatus(result); /* of no result: PGRES_FATAL_ERROR */
	bool worked = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
	if (!worked)
		forget_practice(c);
	if (due->prepared && !worked)
		due->prepared->sql = NULL; /* nobody finds it any more */
	if (!worked && !p->failed && status != PGRES_PIPELINE_ABORTED && *p->problem == '\0')
		keep_problem(p, c->pg, result);
	p->failed = p->failed || !worked;
	if (worked && due->kind == DUE_CHANGES)
		p->changed = state_number(pq.cmdTuples(result));
	/* COMMIT of a transaction that has failed works, and is answered so */
	if (worked && due->kind == DUE_COMMIT && strcmp(pq.cmdStatus(result), "COMMIT") != 0)
		p->failed = true;
	if (worked && due->kind == DUE_ROWS)
		return result;
	pq.clear(result);
	return NULL;
}

/* Takes all that is due; the rows of the last that gives some. When the server has said that it has
   committed, nothing that comes after it makes the transaction fail: a wake-up, or the loss of the
   connection. */
static PGresult *take_all(struct postgres *p, struct connection *c)
{
	PGresult *rows = NULL;
	bool committed = false;
	*p->problem = '\0';
	for (; c->dues; c->first++, c->dues--) {
		struct due *due = &c->due[c->first];
		PGresult *result = next_result(p, c, ANSWER_MS);
		if (due->kind == DUE_SYNC) {
			pq.clear(result);
			continue;
		}
		PGresult *own = take_answer(p, c, due, result);
		committed |= due->kind == DUE_COMMIT && !p->failed;
		if (own) {
			pq.clear(rows);
			rows = own;
		}
		if (result)
			pq.clear(next_result(p, c, ANSWER_MS)); /* NULL: the end of its results */
	}
	c->first = 0;
	if (is_lost(c)) {
		if (!*p->problem)
			keep_problem(p, c->pg, NULL);
		p->failed = true;
	}
	p->failed = p->failed && !committed;
	return rows;
}

static void expect(struct connection *c, enum due_kind kind, struct prepared *prepared)
{
	c->due[c->first + c->dues++] = (struct due){kind, prepared};
}

static void sync_with(struct connection *c)
{
	pq.pipelineSync(c->pg);
	expect(c, DUE_SYNC, NULL);
}

/* The statement of this text at the server; it is prepared, where it is not. A parameter that does not stand
   in a statement must have a type all the same. */
static struct prepared *prepare(
	struct connection *c, const char *sql, const struct state_value *values, size_t n)
{
	struct prepared *found = c->prepared;
	while (found && found->sql != sql)
		found = found->next;
	if (found)
		return found;
	struct buf text = {0};
	bool stands[STATE_VALUES] = {false};
	Oid types[STATE_VALUES];
	translate(&text, sql, stands);
	for (size_t i = 0; i < n; i++)
		types[i] = values[i].type == VALUE_NUMBER                 ? BIGINT
				   : values[i].type == VALUE_UNTYPED && stands[i] ? 0
																  : TEXT;
	found = allocated(calloc(1, sizeof *found));
	*found = (struct prepared){.next = c->prepared, .sql = sql};
	snprintf(found->name, sizeof found->name, "s%u", c->names++);
	c->prepared = found;
	pq.sendPrepare(c->pg, found->name, text.p, (int)n, types);
	expect(c, DUE_WORK, found);
	buf_free(&text);
	return found;
}

static void submit(
	struct connection *c, enum due_kind due, const char *sql, const struct state_value *values, size_t n)
{
	const char *texts[STATE_VALUES];
	char numbers[STATE_VALUES][24];
	for (size_t i = 0; i < n; i++) {
		snprintf(numbers[i], sizeof numbers[i], "%" PRId64, values[i].number);
		texts[i] = values[i].type == VALUE_NUMBER ? numbers[i] : values[i].text;
	}
	struct prepared *prepared = prepare(c, sql, values, n);
	pq.sendQueryPrepared(c->pg, prepared->name, (int)n, texts, NULL, NULL, 0);
	expect(c, due, NULL);
}

static void submit_plain(struct connection *c, enum due_kind due, const char *sql)
{
	submit(c, due, sql, NULL, 0);
}

/* --- Transactions --- */

/* Sets a connection to the state's practice, in the transaction of what follows: where that cannot be,
   nothing of it is done, lest it be done to another practice. */
static void set_practice(struct state *s, struct connection *c)
{
	const char *practice = postgres_practice(s->path);
	if (c->practice && strcmp(c->practice, practice) == 0 && c->busy_ms == s->busy_ms)
		return;
	char busy[24];
	snprintf(busy, sizeof busy, "%d", s->busy_ms);
	struct state_value values[] = {{VALUE_TEXT, practice, 0}, {VALUE_TEXT, busy, 0}};
	submit(c, DUE_WORK, "SELECT set_config('pnow.practice',?,false), set_config('lock_timeout',?,false)",
		values, 2);
	forget_practice(c);
	c->practice = allocated(strdup(practice));
	c->busy_ms = s->busy_ms;
}

/* The state has a connection for what comes. False: there is none, which p->problem tells. */
static bool have_connection(struct state *s)
{
	struct postgres *p = s->postgres;
	struct state_failure why = {0};
	if (!p->connection && !(p->connection = take(s, &why)))
		strlcpy(p->problem, reason_in(why.why), sizeof p->problem);
	return p->connection;
}

static void let_go(struct postgres *p)
{
	if (!p->rehearses && p->connection) {
		give_back(p->connection);
		p->connection = NULL;
	}
}

static void send_begin(struct state *s)
{
	struct connection *c = s->postgres->connection;
	bool reads = s->transaction == TRANSACTION_READS;
	submit_plain(c, DUE_WORK, reads ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" : "BEGIN");
	set_practice(s, c);
	if (!reads && !s->postgres->rehearses)
		submit_plain(c, DUE_WORK,
			"SELECT pg_advisory_xact_lock(1886285687, hashtext(current_setting('pnow.practice')))");
	if (reads) /* whoever takes the rows may take them slowly */
		submit_plain(c, DUE_WORK, "SET LOCAL idle_in_transaction_session_timeout=0");
	if (s->unflushed)
		submit_plain(c, DUE_WORK, "SET LOCAL synchronous_commit=off");
}

/* The transaction begins at the server with its first statement. */
static bool begin_now(struct state *s)
{
	struct postgres *p = s->postgres;
	if (p->failed || p->begun)
		return !p->failed;
	p->failed = !have_connection(s);
	if (p->failed)
		return false;
	send_begin(s);
	return p->begun = true;
}

static bool postgres_begin(struct state *s)
{
	s->postgres->begun = s->postgres->failed = false;
	return true;
}

static void send_wake(struct connection *c)
{
	submit_plain(c, DUE_WORK, "SELECT pg_notify('pnow', current_setting('pnow.practice'))");
}

static void postgres_wake(struct state *s)
{
	struct postgres *p = s->postgres;
	if (have_connection(s)) {
		set_practice(s, p->connection);
		send_wake(p->connection);
		sync_with(p->connection);
		pq.clear(take_all(p, p->connection));
	}
	p->failed = false; /* who is not woken looks by himself */
	let_go(p);
}

/* Takes back what the server has begun. */
static void roll_back(struct postgres *p, struct connection *c)
{
	if (is_lost(c))
		return;
	sync_with(c); /* what failed leaves out the rest up to here */
	pq.clear(take_all(p, c));
	forget_practice(c);
	submit_plain(c, DUE_WORK, "ROLLBACK");
	sync_with(c);
	pq.clear(take_all(p, c));
}

static bool postgres_end(struct state *s, bool commit)
{
	struct postgres *p = s->postgres;
	bool ends = commit && !p->failed;
	if (p->begun && ends) {
		submit_plain(p->connection, DUE_COMMIT, "COMMIT");
		if (s->wakes)
			send_wake(p->connection);
		sync_with(p->connection);
		pq.clear(take_all(p, p->connection));
	} else if (ends && s->wakes) {
		postgres_wake(s);
	}
	if (p->failed)
		state_failed(s);
	if (p->begun && (p->failed || !ends))
		roll_back(p, p->connection);
	p->begun = false;
	let_go(p);
	return ends && !p->failed;
}

/* --- Statements --- */

/* Whether a statement changes nothing. */
static bool only_reads(const char *sql)
{
	return strncmp(sql, "SELECT", 6) == 0 || strncmp(sql, "WITH", 4) == 0;
}

/* Sends a statement with its transaction around it, where it has none. */
static void send_whole(
	struct state *s, enum due_kind due, const char *sql, const struct state_value *values, size_t n)
{
	struct connection *c = s->postgres->connection;
	bool apart = !s->transaction && !only_reads(sql);
	if (apart)
		send_begin(s);
	else if (!s->transaction)
		set_practice(s, c);
	submit(c, due, sql, values, n);
	if (apart)
		submit_plain(c, DUE_COMMIT, "COMMIT");
}

/* Takes back a statement's own transaction, and keeps why. */
static void roll_back_apart(struct postgres *p)
{
	char problem[sizeof p->problem];
	memcpy(problem, p->problem, sizeof problem);
	if (pq.transactionStatus(p->connection->pg) != PQTRANS_IDLE)
		roll_back(p, p->connection);
	memcpy(p->problem, problem, sizeof problem);
	p->failed = true;
}

/* The answer to a statement that nobody else must have asked for. */
static struct statement *ask(
	struct state *s, enum due_kind due, const char *sql, const struct state_value *values, size_t n)
{
	struct postgres *p = s->postgres;
	send_whole(s, due, sql, values, n);
	sync_with(p->connection);
	PGresult *rows = take_all(p, p->connection);
	if (!s->transaction && p->failed)
		roll_back_apart(p);
	if (p->failed) {
		pq.clear(rows);
		return NULL;
	}
	struct statement *statement = allocated(calloc(1, sizeof *statement));
	*statement = (struct statement){.rows = rows, .row = -1};
	return statement;
}

/* A statement whose rows come one by one; nothing else is asked meanwhile. */
static struct statement *stream(struct state *s, const char *sql, const struct state_value *values, size_t n)
{
	struct postgres *p = s->postgres;
	struct connection *c = p->connection;
	sync_with(c);
	pq.clear(take_all(p, c));
	if (p->failed)
		return NULL;
	submit(c, DUE_ROWS, sql, values, n);
	sync_with(c);
	if (c->dues == 3) { /* it is prepared first */
		struct due due = c->due[0];
		take_answer(p, c, &due, next_result(p, c, ANSWER_MS));
		pq.clear(next_result(p, c, ANSWER_MS));
	}
	c->dues = c->first = 0;
	pq.setSingleRowMode(c->pg);
	struct statement *statement = allocated(calloc(1, sizeof *statement));
	*statement = (struct statement){.streams = c};
	return statement;
}

static struct statement *postgres_start(
	struct state *s, const char *sql, const struct state_value *values, size_t n)
{
	struct postgres *p = s->postgres;
	bool changes = !only_reads(sql) && !strstr(sql, "RETURNING");
	enum due_kind due = changes ? DUE_CHANGES : DUE_ROWS;
	if (s->transaction && !begin_now(s))
		return NULL;
	if (s->transaction == TRANSACTION_READS)
		return stream(s, sql, values, n);
	if (s->transaction && changes && p->connection->dues < DUE / 2) {
		submit(p->connection, due, sql, values, n);
		return allocated(calloc(1, sizeof(struct statement)));
	}
	if (!s->transaction) {
		p->failed = !have_connection(s);
		if (p->failed)
			return NULL;
	}
	struct statement *statement = ask(s, due, sql, values, n);
	if (!s->transaction)
		let_go(p);
	return statement;
}

/* The next row of those that come one by one; afterwards, what ends them. */
static enum state_result step_stream(struct postgres *p, struct statement *statement)
{
	struct connection *c = statement->streams;
	pq.clear(statement->rows);
	statement->rows = next_result(p, c, -1);
	ExecStatusType status = pq.resultStatus(statement->rows);
	if (status == PGRES_SINGLE_TUPLE) {
		statement->row = 0;
		return STATE_ROW;
	}
	if (status != PGRES_TUPLES_OK && !p->failed)
		keep_problem(p, c->pg, statement->rows);
	p->failed = p->failed || status != PGRES_TUPLES_OK;
	for (int ends = 0; ends < 2 && !is_lost(c); ends++) { /* its end, and the sync's answer */
		pq.clear(statement->rows);
		statement->rows = next_result(p, c, -1);
	}
	statement->streams = NULL;
	return p->failed ? STATE_FAILED : STATE_NONE;
}

static enum state_result postgres_step(struct state *s, struct statement *statement)
{
	if (statement->streams)
		return step_stream(s->postgres, statement);
	return statement->rows && ++statement->row < pq.ntuples(statement->rows) ? STATE_ROW : STATE_NONE;
}

static int postgres_columns(const struct statement *statement)
{
	return pq.nfields(statement->rows);
}

static const char *postgres_text(const struct statement *statement, int column)
{
	if (pq.getisnull(statement->rows, statement->row, column))
		return NULL;
	const char *text = pq.getvalue(statement->rows, statement->row, column);
	if (pq.ftype(statement->rows, column) == BOOLEAN)
		return *text == 't' ? "1" : "0";
	return text;
}

static void postgres_stop(struct state *s, struct statement *statement)
{
	while (statement->streams)
		step_stream(s->postgres, statement);
	pq.clear(statement->rows);
	free(statement);
}

static int64_t postgres_changed(struct state *s)
{
	struct postgres *p = s->postgres;
	if (p->connection && p->connection->dues) {
		sync_with(p->connection);
		pq.clear(take_all(p, p->connection));
	}
	return p->failed ? -1 : p->changed;
}

static const char *postgres_problem(struct state *s)
{
	return s->postgres->problem;
}

/* --- Opening and closing --- */

static void begin_postgres(struct state *s)
{
	s->postgres = allocated(calloc(1, sizeof *s->postgres));
	s->postgres->pool = pool_of(s->path);
}

static bool postgres_open(struct state *s, struct state_failure *why)
{
	begin_postgres(s);
	s->postgres->connection = take(s, why);
	bool done = s->postgres->connection != NULL;
	let_go(s->postgres);
	return done;
}

/* Of each table an empty one that only this connection sees, and finds before the practice's rows. */
static const char rehearsal_sql[] =
	"SELECT pnow_rows.rehearse(); SET search_path=pg_temp,pnow;"
	"CREATE TEMP VIEW answer AS SELECT kind, id, from_list, fetched, b.text AS body, b.practice"
	"  FROM pg_temp.cache AS c JOIN pg_temp.body AS b ON b.key=c.body;"
	"CREATE FUNCTION pg_temp.answer_added() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE k BIGINT; BEGIN"
	"  INSERT INTO pg_temp.body(key,text) SELECT coalesce(max(key),0)+1, new.body FROM pg_temp.body"
	"    RETURNING key INTO k;"
	"  INSERT INTO pg_temp.cache(kind,id,from_list,fetched,body) VALUES(new.kind,new.id,new.from_list,"
	"    new.fetched,k) ON CONFLICT(practice,kind,id,from_list)"
	"    DO UPDATE SET fetched=excluded.fetched, body=excluded.body; RETURN new; END $$;"
	"CREATE TRIGGER answer_added INSTEAD OF INSERT ON pg_temp.answer FOR EACH ROW"
	"  EXECUTE FUNCTION pg_temp.answer_added()";

static bool postgres_rehearse(struct state *s, struct state_failure *why)
{
	begin_postgres(s);
	s->postgres->rehearses = s->has_original = true;
	PGconn *pg = postgres_connect(s->path, why);
	bool done = pg && migrate(s, pg, why);
	if (done && !(done = execute(pg, rehearsal_sql)))
		unreachable(why, s->path, pg);
	if (done)
		s->postgres->connection = connection_new(NULL, pg);
	else
		postgres_disconnect(pg);
	return done;
}

static void postgres_close(struct state *s)
{
	struct postgres *p = s->postgres;
	if (p->rehearses && p->connection)
		discard(p->connection);
	pool_leave(p->pool);
	free(p);
}

static int postgres_schema(struct state *s)
{
	int64_t n = -1;
	state_int(s, &n, "SELECT version FROM pnow_rows.schema", "");
	return (int)n;
}

static bool postgres_is_awaited(struct state *s)
{
	return when_now_ms() - s->since >= TURN_MS;
}

/* What was deleted goes with the server's next VACUUM, which is asked for here. */
static bool postgres_scrub(struct state *s)
{
	struct state_failure why = {0};
	PGconn *pg = postgres_connect(s->path, &why);
	bool done =
		pg && execute(pg, "VACUUM pnow_rows.inbox, pnow_rows.body, pnow_rows.attempt, pnow_rows.cache");
	postgres_disconnect(pg);
	return done;
}

const struct engine postgres_engine = {
	.noun = "state database",
	.open = postgres_open,
	.rehearse = postgres_rehearse,
	.close = postgres_close,
	.start = postgres_start,
	.step = postgres_step,
	.columns = postgres_columns,
	.text = postgres_text,
	.stop = postgres_stop,
	.changed = postgres_changed,
	.problem = postgres_problem,
	.begin = postgres_begin,
	.end = postgres_end,
	.wake = postgres_wake,
	.schema = postgres_schema,
	.is_awaited = postgres_is_awaited,
	.scrub = postgres_scrub,
	.give_back = postgres_scrub,
};
