/* A secret's file is checked before it is read: what others can read is no secret any more, and the user must
 * know. */
#include "conf/secret.h"
#include "conf/mistake.h"

#include <errno.h>
#include <fcntl.h>
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

const char *secret_too_short(
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
				 : secret_too_short(a, path, use, text.n, "");
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
	int fd = open(path, O_RDONLY | O_CLOEXEC);
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
	return is_wrong(a, path, use, *secret);
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
