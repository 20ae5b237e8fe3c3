/*
 * Whole requests in files, for whoever makes a profile (pnow-profile) and has to find out what a sender
 * sends, and which header signs it. So they are recorded before they are judged: also those that are refused.
 *
 * - A file holds one request; only its owner can read it.
 * - What is known to be a secret is left out: credentials, and the values of the query.
 * - Files are deleted after so many days, and there are never more than RECORDS_MAX: anybody can send
 * anything.
 */
#include "hook.h"
#include "text/jtext.h"
#include "value/when.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORDS_MAX = 1000, SWEEP_MS = 60000 };

static const char ending[] = ".request.json";

/* Deletes what is too old, and counts the rest, unless that was done just now. The lock is held. */
static void sweep(struct recorder *rec)
{
	int64_t now = when_now_ms();
	if (now - rec->swept <= SWEEP_MS && now >= rec->swept)
		return;
	struct dirent *file;
	struct stat st;
	DIR *folder = opendir(rec->folder);
	rec->swept = now;
	rec->files = 0;
	/* cppcheck-suppress readdirCalled ; this stream is no other thread's */
	while (folder && (file = readdir(folder))) {
		size_t n = strlen(file->d_name);
		if (n <= strlen(ending) || strcmp(file->d_name + n - strlen(ending), ending) != 0 ||
			fstatat(dirfd(folder), file->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		bool old = now / 1000 - st.st_mtime > (int64_t)rec->days * 86400;
		if (!old || unlinkat(dirfd(folder), file->d_name, 0) < 0)
			rec->files++;
	}
	if (folder)
		closedir(folder);
}

/* Whether there is room for one more; the number that it gets. */
static bool take_place(struct recorder *rec, unsigned *number)
{
	pthread_mutex_lock(&rec->lock);
	sweep(rec);
	bool room = rec->files < RECORDS_MAX;
	rec->files += room;
	*number = ++rec->number;
	if (!room)
		trouble_is(&rec->trouble, "%s: %d requests are recorded: no more until some are deleted", rec->folder,
			RECORDS_MAX);
	pthread_mutex_unlock(&rec->lock);
	return room;
}

struct headers {
	struct buf *out;
	const struct verifier *v;
};

/* Whether a header's value is a secret. */
static bool is_secret(const struct verifier *v, const char *name)
{
	static const char *const secrets[] = {"Authorization", "Proxy-Authorization", "Cookie"};
	for (size_t i = 0; i < COUNT(secrets); i++)
		if (strcasecmp(secrets[i], name) == 0)
			return true;
	bool token = v->conf && (v->conf->verify == VERIFY_TOKEN || v->conf->verify == VERIFY_BASIC);
	return token && v->header && strcasecmp(v->header, name) == 0;
}

/* A header, in the object. */
static void write_header(void *context, const char *name, const char *value)
{
	struct headers *h = context;
	char scheme[32];
	if (is_secret(h->v, name)) {
		size_t n = strcspn(value, " ");
		snprintf(scheme, sizeof scheme, "%.*s...", n < 20 && value[n] ? (int)n + 1 : 0, value);
		value = scheme;
	}
	buf_puts(h->out, h->out->p[h->out->n - 1] == '{' ? "" : ",");
	buf_json(h->out, str_of(name));
	buf_putc(h->out, ':');
	buf_json(h->out, str_of(value));
}

/* The query's names. */
static void write_query(struct buf *out, const char *query)
{
	struct buf names = {0};
	for (const char *p = query; p && *p; p += strcspn(p, "&"), p += *p == '&')
		buf_printf(&names, "%s%.*s=...", names.n ? "&" : "", (int)strcspn(p, "=&"), p);
	if (names.n) {
		buf_puts(out, ",\"query\":");
		buf_json(out, buf_str(&names));
	}
	buf_free(&names);
}

static struct str write_request(const struct request *r, struct str body)
{
	struct buf out = {0};
	struct jtext_error error;
	char now[WHEN_TEXT];
	when_now(now);
	buf_putc(&out, '{');
	buf_member(&out, "received", now);
	buf_member(&out, "method", r->method);
	buf_member(&out, "path", r->path);
	write_query(&out, r->query);
	buf_puts(&out, ",\"headers\":{");
	r->each_header(r->transport, write_header, &(struct headers){&out, &r->practice->verify[r->sender]});
	buf_puts(&out, "},\"body\":");
	if (body.n && jtext_check(body, &error))
		buf_dense(&out, body);
	else
		buf_json(&out, body.p ? body : STR(""));
	buf_puts(&out, "}\n");
	return buf_take(&out, r->arena);
}

/* False: it cannot be written, and is not there. */
static bool write_file(const char *path, struct str text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	ssize_t n = write(fd, text.p, text.n);
	bool written = n == (ssize_t)text.n;
	int saved = n < 0 ? errno : ENOSPC;
	if (!written)
		unlink(path);
	close(fd);
	errno = saved;
	return written;
}

void recorder_tend(struct recorder *rec)
{
	if (!rec->folder)
		return;
	pthread_mutex_lock(&rec->lock);
	sweep(rec);
	pthread_mutex_unlock(&rec->lock);
}

void recorder_take(struct recorder *rec, const struct request *r, struct str body)
{
	unsigned number;
	char now[WHEN_TEXT];
	if (!rec->folder || !take_place(rec, &number))
		return;
	when_now(now);
	const char *path = arena_printf(
		r->arena, "%s/%s-%s-%d-%u%s", rec->folder, r->practice->name, now, (int)getpid(), number, ending);
	bool written = write_file(path, write_request(r, body));
	int why = errno;
	pthread_mutex_lock(&rec->lock);
	if (written)
		trouble_over(&rec->trouble, "%s: requests are recorded again", rec->folder);
	else
		trouble_is(&rec->trouble, "%s: cannot record a request: %s", rec->folder, strerror(why));
	pthread_mutex_unlock(&rec->lock);
}

void recorder_open(struct recorder *rec, const char *folder, unsigned days)
{
	struct stat st;
	*rec = (struct recorder){.folder = folder, .days = days, .lock = PTHREAD_MUTEX_INITIALIZER};
	if (folder && (stat(folder, &st) < 0 || !S_ISDIR(st.st_mode)))
		mistake("-r %s: %s", folder, errno == ENOENT ? "there is no such folder" : "expected a folder");
	recorder_tend(rec);
}
