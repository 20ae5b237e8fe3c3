/*
 * LD_PRELOAD: a disk that fails. Writes and flushes of files below PNOW_FAULTS_BELOW fail at random, as the
 * file PNOW_FAULTS says while the program runs: "PERCENT ERROR SEED", such as "3 ENOSPC 17" or "100 EIO 1"
 * ("any": one or the other). No file, or an empty one: the disk is well. A write that fails may have written
 * its first half, a flush that fails has flushed nothing.
 *
 * With PNOW_FAULTS_FREE every disk has so many MiB free; with PNOW_FAULTS_CLOCK the clock is so many seconds
 * ahead.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static struct {
	pthread_mutex_t lock;
	uint64_t random;
	unsigned long seed;
} faults = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A number that the seed decides. */
static unsigned draw(unsigned below)
{
	faults.random ^= faults.random << 13;
	faults.random ^= faults.random >> 7;
	faults.random ^= faults.random << 17;
	return (unsigned)(faults.random % below);
}

static bool is_below(int fd)
{
	char link[32], path[4096];
	const char *folder = getenv("PNOW_FAULTS_BELOW");
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = folder ? readlink(link, path, sizeof path - 1) : -1;
	return n > 0 && (size_t)n > strlen(folder) && strncmp(path, folder, strlen(folder)) == 0;
}

/* What to fail with: 0, or an errno. *torn: the first half of a write is to be written. */
static int fault(int fd, bool *torn)
{
	char text[64] = "", error[16];
	unsigned percent;
	unsigned long seed;
	int saved = errno, problem = 0;
	if (!is_below(fd) || !getenv("PNOW_FAULTS"))
		return 0;
	int file = open(getenv("PNOW_FAULTS"), O_RDONLY | O_CLOEXEC);
	ssize_t n = file < 0 ? -1 : read(file, text, sizeof text - 1);
	if (file >= 0)
		close(file);
	errno = saved;
	if (n <= 0 || sscanf(text, "%u %15s %lu", &percent, error, &seed) != 3)
		return 0;
	pthread_mutex_lock(&faults.lock);
	if (!faults.random || faults.seed != seed) {
		faults.seed = seed;
		faults.random = seed * 0x9e3779b97f4a7c15u + 1;
	}
	if (draw(100) < percent) {
		bool full = strcmp(error, "any") == 0 ? draw(2) : strcmp(error, "ENOSPC") == 0;
		problem = full ? ENOSPC : EIO;
		*torn = draw(2);
	}
	pthread_mutex_unlock(&faults.lock);
	return problem;
}

/* The function of this name that we stand before. */
#define NEXT(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))

/* Fails, after the first half of the write where torn says so. */
#define FAIL_OR(fd, half, whole)                                                                             \
	do {                                                                                                     \
		bool torn = false;                                                                                   \
		int problem = fault(fd, &torn);                                                                      \
		if (!problem)                                                                                        \
			return whole;                                                                                    \
		if (torn)                                                                                            \
			(void)!(half);                                                                                   \
		errno = problem;                                                                                     \
		return -1;                                                                                           \
	} while (0)

ssize_t write(int fd, const void *bytes, size_t n)
{
	FAIL_OR(fd, NEXT(write)(fd, bytes, n / 2), NEXT(write)(fd, bytes, n));
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	FAIL_OR(fd, NEXT(pwrite)(fd, bytes, n / 2, at), NEXT(pwrite)(fd, bytes, n, at));
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
	FAIL_OR(fd, NEXT(pwrite64)(fd, bytes, n / 2, at), NEXT(pwrite64)(fd, bytes, n, at));
}

int ftruncate(int fd, off_t length)
{
	FAIL_OR(fd, 0, NEXT(ftruncate)(fd, length));
}

int ftruncate64(int fd, off64_t length)
{
	FAIL_OR(fd, 0, NEXT(ftruncate64)(fd, length));
}

int fsync(int fd)
{
	FAIL_OR(fd, 0, NEXT(fsync)(fd));
}

int fdatasync(int fd)
{
	FAIL_OR(fd, 0, NEXT(fdatasync)(fd));
}

int statvfs(const char *path, struct statvfs *fs)
{
	const char *free_mib = getenv("PNOW_FAULTS_FREE");
	int result = NEXT(statvfs)(path, fs);
	if (result == 0 && free_mib)
		fs->f_bavail = (fsblkcnt_t)(strtoull(free_mib, NULL, 10) * 1024 * 1024 / fs->f_frsize);
	return result;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	const char *ahead = getenv("PNOW_FAULTS_CLOCK");
	int result = NEXT(clock_gettime)(clock, now);
	if (result == 0 && ahead && clock == CLOCK_REALTIME)
		now->tv_sec += strtol(ahead, NULL, 10);
	return result;
}
