/* A file that was there before the machine was started, or that was copied with one, must not be taken for
 * the one of now: so its name has the machine and the start in it. */
#include "conf/host.h"
#include "value/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether it is a folder that nobody else writes. */
static bool is_ours(const char *folder)
{
	struct stat st;
	if (lstat(folder, &st) < 0)
		return false;
	errno = EACCES;
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

bool host_folder(char folder[static HOST_PATH])
{
	static const char *const names[] = {"RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *value = getenv(names[i]);
		int n = value ? (int)strcspn(value, ":") : 0; /* the first of several */
		snprintf(folder, HOST_PATH, "%.*s", n, value);
		if (*folder == '/' && is_ours(folder))
			return true;
	}
	snprintf(folder, HOST_PATH, "/tmp/pnow-%ld", (long)geteuid());
	return (mkdir(folder, 0700) == 0 || errno == EEXIST) && is_ours(folder);
}

/* What differs after each start; "" where the system has no such thing. */
static void read_start(char start[static 64])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, start, 63);
	start[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

bool host_file(char path[static HOST_PATH], const char *state, const char *what)
{
	char folder[HOST_PATH], name[HOST_NAME_MAX + 1] = "", start[64], hex[65];
	if (!host_folder(folder))
		return false;
	gethostname(name, sizeof name - 1);
	read_start(start);
	digest_sha256_hex((struct str[]){str_of(state), str_of(name), str_of(start)}, 3, hex);
	if (snprintf(path, HOST_PATH, "%s/pnow-%.16s-%s", folder, hex, what) < HOST_PATH)
		return true;
	errno = ENAMETOOLONG;
	return false;
}
