/*
 * A secret's file is checked before it is read: what others can read is no secret any more, and the user must
 * know.
 * One that may change is looked at whenever it is needed: that costs one stat(2), which a program that is
 * confined may call, and no signal or restart has to be thought of.
 */
#include "conf/secret.h"
#include "conf/mistake.h"
#include "text/file.h"
#include "text/say.h"
#include "value/digest.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_MAX = 64 * 1024 };

/* Whether others can read it. systemd gives a credential to the service's user by an access list, which shows
   as group bits; its folder is closed to everybody else. */
static bool is_open(const char *path, mode_t mode)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	size_t n = folder ? strlen(folder) : 0;
	bool credential = n && strncmp(path, folder, n) == 0 && path[n] == '/';
	return (mode & (credential ? 007 : 077)) != 0;
}

static const struct {
	size_t least; /* bytes */
	const char *source;
} uses[] = {
	[SECRET_API] = {8, "put into it, alone, what was given to you for the API"},
	[SECRET_HOOK] = {16, "make one with (umask 077; openssl rand -hex 32 >FILE), and give it to the sender"},
	[SECRET_STANDARD] = {16,
		"make one with (umask 077; echo whsec_$(openssl rand -base64 32) >FILE), and give "
		"it to the sender"},
};

/* NULL, or why n bytes of a secret are too few. after says which bytes. */
static const char *too_short(
	struct arena *a, const char *path, enum secret_use use, size_t n, const char *after)
{
	if (n >= uses[use].least)
		return NULL;
	return arena_printf(a, "the secret file %s has %zu byte%s%s, expected %zu or more: %s", path, n,
		n == 1 ? "" : "s", after, uses[use].least, uses[use].source);
}

/* NULL, or what in a text makes it no secret. A text that ends at a NUL for some and not for others, or that
   is two headers where it should be one, is none. */
static const char *is_wrong(struct arena *a, const char *path, enum secret_use use, struct str text)
{
	const char *wrong = text.n ? NULL : "is empty";
	for (size_t i = 0; !wrong && i < text.n; i++) {
		if (text.p[i] == '\0')
			wrong = "has a NUL byte in it, expected one line of text";
		else if ((unsigned char)text.p[i] < ' ' || text.p[i] == '\177')
			wrong = "has a line break or another control character in it, expected one line of text";
	}
	return wrong ? arena_printf(a, "the secret file %s %s: %s", path, wrong, uses[use].source)
				 : too_short(a, path, use, text.n, "");
}

/* Standard Webhooks: "whsec_" and base64 stand for bytes; anything else is itself the secret. */
static const char *decode(struct arena *a, const char *path, struct str *secret)
{
	static const char prefix[] = "whsec_";
	const size_t n = strlen(prefix);
	if (strncmp(secret->p, prefix, n) != 0)
		return NULL;
	unsigned char *bytes = arena_alloc(a, secret->n);
	long decoded = digest_base64((struct str){secret->p + n, secret->n - n}, bytes);
	if (decoded < 0)
		return arena_printf(a, "%s: expected base64 after whsec_", path);
	*secret = (struct str){(const char *)bytes, (size_t)decoded};
	return too_short(a, path, SECRET_STANDARD, secret->n, " after whsec_");
}

/* Why a file cannot be read, and what to do where it is another user's. */
static const char *unreadable(struct arena *a, const char *path)
{
	int problem = errno;
	struct stat st;
	const char *why = arena_printf(a, "cannot read the secret file %s: %s", path, strerror(problem));
	if (problem != EACCES || stat(path, &st) < 0 || st.st_uid == geteuid())
		return why;
	return arena_printf(a, "%s: it is user %u's, and this runs as user %u (chown %u %s)", why,
		(unsigned)st.st_uid, (unsigned)geteuid(), (unsigned)geteuid(), path);
}

/* NULL, or why a file that is open is not to be read. */
static const char *is_unfit(struct arena *a, const char *path, int fd, off_t *size)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return unreadable(a, path);
	*size = st.st_size;
	if (!S_ISREG(st.st_mode))
		return arena_printf(a, "%s is no regular file", path);
	if (is_open(path, st.st_mode))
		return arena_printf(a, "the secret file %s has mode %04o, expected 0600 (chmod 600 %s)", path,
			(unsigned)(st.st_mode & 07777), path);
	if (st.st_size > SECRET_MAX)
		return arena_printf(a, "the secret file %s has over %d bytes", path, SECRET_MAX);
	return NULL;
}

const char *secret_try(struct arena *a, const char *path, enum secret_use use, struct str *secret)
{
	int fd = file_open(path);
	if (fd < 0)
		return unreadable(a, path);
	off_t size = 0;
	const char *wrong = is_unfit(a, path, fd, &size);
	char *text = arena_alloc(a, wrong ? 1 : (size_t)size + 1);
	ssize_t n = wrong ? 0 : read(fd, text, (size_t)size);
	if (n < 0)
		wrong = unreadable(a, path);
	close(fd);
	if (wrong)
		return wrong;
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	text[n] = '\0';
	*secret = (struct str){text, (size_t)n};
	wrong = is_wrong(a, path, use, *secret);
	return !wrong && use == SECRET_STANDARD ? decode(a, path, secret) : wrong;
}

struct str secret_read(
	struct arena *a, const char *path, enum secret_use use, const char *conf_file, const char *key)
{
	struct str secret = {0};
	if (!path)
		mistake("%s: %s is missing: it must name a file of mode 0600 that holds the secret", conf_file, key);
	const char *wrong = secret_try(a, path, use, &secret);
	if (wrong)
		mistake("%s: %s: %s", conf_file, key, wrong);
	return secret;
}

/* What a file looks like from outside; all zero where it cannot be looked at. */
struct look {
	ino_t inode;
	off_t size;
	struct timespec written, changed;
};

struct secret {
	const char *path;
	enum secret_use use;
	pthread_mutex_t lock; /* of what follows */
	struct look look;     /* of the file when it was read last */
	struct str text;
	struct arena arena; /* of a text that was read again */
};

static struct look look_at(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return (struct look){0};
	return (struct look){st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
}

static bool looks_same(const struct look *x, const struct look *y)
{
	return x->inode == y->inode && x->size == y->size && x->written.tv_sec == y->written.tv_sec &&
		   x->written.tv_nsec == y->written.tv_nsec && x->changed.tv_sec == y->changed.tv_sec &&
		   x->changed.tv_nsec == y->changed.tv_nsec;
}

struct secret *secret_open(
	struct arena *a, const char *path, enum secret_use use, const char *conf_file, const char *key)
{
	struct look look = path ? look_at(path) : (struct look){0};
	struct str text = secret_read(a, path, use, conf_file, key);
	struct secret *s = arena_alloc(a, sizeof *s);
	*s = (struct secret){.path = path, .use = use, .look = look, .text = text};
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void secret_close(struct secret *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	arena_free(&s->arena);
}

/* Reads the file anew; told: it has been said already that it cannot be used. */
static void read_again(struct secret *s, bool told)
{
	struct arena arena = {0};
	struct str text = {0};
	const char *wrong = secret_try(&arena, s->path, s->use, &text);
	if (wrong && !told)
		say("%s: what it held before counts", wrong);
	if (wrong || str_eq(text, s->text)) {
		arena_free(&arena);
		return;
	}
	say("the secret file %s has changed, and was read again", s->path);
	arena_free(&s->arena);
	s->arena = arena;
	s->text = text;
}

struct str secret_now(struct secret *s, struct arena *a, const char *refused)
{
	pthread_mutex_lock(&s->lock);
	struct look look = look_at(s->path);
	bool same = looks_same(&look, &s->look);
	s->look = look;
	if (!same || (refused && str_is(s->text, refused)))
		read_again(s, same);
	struct str text = {arena_copy(a, s->text), s->text.n};
	pthread_mutex_unlock(&s->lock);
	return text;
}
