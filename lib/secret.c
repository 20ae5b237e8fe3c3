/* A secret's file is checked before it is read: what others can read is no secret any more, and the user must
 * know. */
#include "secret.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
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

char *secret_read(struct arena *a, const char *path, const char *conf_file, const char *key)
{
	if (!path)
		errx(EX_CONFIG, "%s: %s is missing: it must name a file of mode 0600 that holds the secret",
			conf_file, key);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		err(EX_CONFIG, "%s: %s: cannot read the secret file %s", conf_file, key, path);
	if (!S_ISREG(st.st_mode))
		errx(EX_CONFIG, "%s: %s: %s is no regular file", conf_file, key, path);
	if (is_open(path, st.st_mode))
		errx(EX_CONFIG, "%s: %s: the secret file %s has mode %04o, expected 0600 (chmod 600 %s)", conf_file,
			key, path, (unsigned)(st.st_mode & 07777), path);
	if (st.st_size > SECRET_MAX)
		errx(EX_CONFIG, "%s: %s: the secret file %s has over %d bytes", conf_file, key, path, SECRET_MAX);
	char *text = arena_alloc(a, (size_t)st.st_size + 1);
	ssize_t n = read(fd, text, (size_t)st.st_size);
	if (n < 0)
		err(EX_CONFIG, "%s: %s: cannot read the secret file %s", conf_file, key, path);
	close(fd);
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	text[n] = '\0';
	if (n == 0)
		errx(EX_CONFIG, "%s: %s: the secret file %s is empty", conf_file, key, path);
	return text;
}
