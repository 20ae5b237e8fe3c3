/* Files that people write are read whole, so that a message about them can name the line. */
#include "text/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 16 * 1024 * 1024 };

int file_open(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

const char *file_real(struct arena *a, const char *path)
{
	char real[PATH_MAX];
	if (realpath(path, real))
		return arena_copy(a, str_of(real));
	bool missing = errno == ENOENT;
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *folder = slash ? arena_copy(a, (struct str){path, (size_t)(name - path)}) : "./";
	ssize_t n = missing ? readlink(path, real, sizeof real) : -1;
	if (n > 0 && n < PATH_MAX) /* a link to what is not there */
		return file_real(a, arena_printf(a, "%s%.*s", *real == '/' ? "" : folder, (int)n, real));
	return realpath(folder, real) ? arena_printf(a, "%s/%s", real[1] ? real : "", name) : path;
}

char *file_read(struct arena *a, const char *path, size_t *n)
{
	char *text = NULL;
	struct stat st;
	int fd = file_open(path);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0) {
		if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
			errno = S_ISDIR(st.st_mode) ? EISDIR : S_ISREG(st.st_mode) ? EFBIG : EINVAL;
		} else {
			text = arena_alloc(a, (size_t)st.st_size + 1);
			ssize_t got = read(fd, text, (size_t)st.st_size);
			if (got < 0)
				text = NULL;
			else
				*n = (size_t)got;
		}
	}
	int saved = errno;
	close(fd);
	errno = saved;
	return text;
}

size_t file_line(struct str text, const char *at)
{
	size_t line = 1;
	for (const char *p = text.p; p < at && p < text.p + text.n; p++)
		line += *p == '\n';
	return line;
}

/* Behind the string, or the comment that was blanked out, at p; p itself where neither starts there. */
static char *pass(char *p, char *end)
{
	if (*p == '"') {
		for (p++; p < end && *p != '"' && *p != '\n'; p++)
			if (*p == '\\' && p + 1 < end)
				p++;
		return p < end ? p + 1 : p;
	}
	if (end - p < 2 || *p != '/' || (p[1] != '/' && p[1] != '*'))
		return p;
	bool line = p[1] == '/';
	*p++ = ' ';
	*p++ = ' ';
	for (; p < end; p++) {
		if (line && *p == '\n')
			return p;
		if (!line && *p == '*' && p + 1 < end && p[1] == '/') {
			p[0] = p[1] = ' ';
			return p + 2;
		}
		if (*p != '\n')
			*p = ' ';
	}
	return p;
}

void file_uncomment(char *json, size_t n)
{
	char *end = json + n;
	for (char *p = json; p < end;) {
		char *next = pass(p, end);
		p = next == p ? p + 1 : next;
	}
}
