/*
 * How who has made an event due wakes who waits for it, however many either are:
 *
 * - Beside each state file is STATE-wakeup, mode 0600. Whoever has made an event due writes a byte to its
 *   beginning, after the commit: one system call. The file never grows, and what is in it means nothing.
 * - Whoever waits has the system tell of writes to the file (inotify). So each of several is woken, none
 *   takes another's wake-up away, and nobody is kept waiting by one that has died.
 * - Both make the file where it is missing; neither removes it. Watching begins before the inbox is looked
 *   at, so nothing that is added in between is overlooked.
 * - Who waits to write the state file has a lock on the file's first byte, with others who do. The system
 *   frees it with the descriptor, so nobody who has died is waited for.
 * - In PostgreSQL it is a NOTIFY right behind the COMMIT that makes the event due, of which the server tells
 * all who LISTEN (wakeup_session.h): a process on one connection to each database.
 * - A wake-up says no more than: look. One too many costs a look. One too few (the sender was killed between
 *   the commit and the write; the disk is full; the file was removed) costs the time until the next slow
 *   look, which everybody who waits takes now and then.
 */
#include "state/wakeup.h"
#include "state/postgres.h"
#include "state/wakeup_session.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#else
/* Nothing of the kind: nobody is woken. */
enum { IN_MODIFY = 1, IN_CLOEXEC = 1, IN_NONBLOCK = 1 };
struct inotify_event {
	int wd;
	uint32_t mask;
};
#define inotify_init1(flags) (-1)
#define inotify_add_watch(fd, path, mask) (-1)
#define inotify_rm_watch(fd, watched) (-1)
#endif

/* The file, opened; its path, too. -1: it cannot be. */
static int open_file(const char *state_path, char path[static PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s-wakeup", state_path) >= PATH_MAX)
		return -1;
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/* Whether the sender's file is open. */
static bool is_open(int *fd, const char *state_path)
{
	char path[PATH_MAX];
	if (*fd < 0)
		*fd = open_file(state_path, path);
	return *fd >= 0;
}

void wakeup_send(int *fd, const char *state_path)
{
	if (is_open(fd, state_path))
		(void)!pwrite(*fd, "w", 1, 0);
}

#ifdef F_OFD_SETLK
void wakeup_wait(int *fd, const char *state_path, bool waits)
{
	struct flock lock = {.l_type = waits ? F_RDLCK : F_UNLCK, .l_whence = SEEK_SET, .l_len = 1};
	if (is_open(fd, state_path))
		fcntl(*fd, F_OFD_SETLK, &lock);
}

bool wakeup_is_awaited(int *fd, const char *state_path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	return !is_open(fd, state_path) || fcntl(*fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}
#else
void wakeup_wait(int *fd, const char *state_path, bool waits)
{
	(void)fd;
	(void)state_path;
	(void)waits;
}

bool wakeup_is_awaited(int *fd, const char *state_path)
{
	(void)fd;
	(void)state_path;
	return true;
}
#endif

enum { FIRST_PRACTICE = 1 << 30 }; /* a number: those below are inotify's */

/* A practice whose state is in a database; its number is its place. */
struct practice {
	char *state; /* NULL: the place is free */
	uint64_t hash;
	const struct wakeup_session *session;
	bool woken;
};

struct wakeups {
	int files; /* inotify's descriptor; -1: this system has nothing of the kind */
	struct wakeup_session **sessions;
	size_t sessions_n;
	struct practice *practices;
	size_t practices_n;
	bool woken; /* a practice may be */
};

struct wakeups *wakeups_open(void)
{
	struct wakeups *w = allocated(calloc(1, sizeof *w));
	w->files = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	return w;
}

void wakeups_close(struct wakeups *w)
{
	if (w->files >= 0)
		close(w->files);
	for (size_t i = 0; i < w->sessions_n; i++)
		wakeup_session_close(w->sessions[i]);
	for (size_t i = 0; i < w->practices_n; i++)
		free(w->practices[i].state);
	free(w->sessions);
	free(w->practices);
	free(w);
}

bool wakeups_tell_of_files(const struct wakeups *w)
{
	return w->files >= 0;
}

/* Closes a session that no practice needs any more: there are never more of them than practices. */
static void leave_session(struct wakeups *w, const struct wakeup_session *session)
{
	size_t i = 0;
	for (size_t k = 0; k < w->practices_n; k++)
		if (w->practices[k].session == session)
			return;
	while (w->sessions[i] != session)
		i++;
	wakeup_session_close(w->sessions[i]);
	w->sessions[i] = w->sessions[--w->sessions_n];
}

static const struct wakeup_session *session_of(struct wakeups *w, const char *state)
{
	for (size_t i = 0; i < w->sessions_n; i++)
		if (wakeup_session_is_of(w->sessions[i], state))
			return w->sessions[i];
	w->sessions = allocated(reallocarray(w->sessions, w->sessions_n + 1, sizeof *w->sessions));
	return w->sessions[w->sessions_n++] = wakeup_session_open(state);
}

static int watch_practice(struct wakeups *w, const char *state)
{
	uint64_t hash = str_hash(state);
	size_t place = w->practices_n;
	for (size_t i = 0; i < w->practices_n; i++) {
		struct practice *p = &w->practices[i];
		if (!p->state)
			place = i;
		else if (p->hash == hash && strcmp(p->state, state) == 0)
			return FIRST_PRACTICE + (int)i;
	}
	if (place == w->practices_n)
		w->practices = allocated(reallocarray(w->practices, ++w->practices_n, sizeof *w->practices));
	w->practices[place] =
		(struct practice){.state = allocated(strdup(state)), .hash = hash, .session = session_of(w, state)};
	return FIRST_PRACTICE + (int)place;
}

int wakeups_watch(struct wakeups *w, const char *state)
{
	char path[PATH_MAX];
	if (postgres_is(state))
		return watch_practice(w, state);
	int file = w->files < 0 ? -1 : open_file(state, path);
	if (file < 0)
		return -1;
	close(file);
	return inotify_add_watch(w->files, path, IN_MODIFY);
}

void wakeups_forget(struct wakeups *w, int watched)
{
	if (watched >= FIRST_PRACTICE) {
		struct practice *p = &w->practices[watched - FIRST_PRACTICE], was = *p;
		*p = (struct practice){0};
		leave_session(w, was.session);
		free(was.state);
	} else if (watched >= 0) {
		inotify_rm_watch(w->files, watched);
	}
}

size_t wakeups_polled(const struct wakeups *w, struct pollfd *fds)
{
	size_t n = 0;
	fds[n++] = (struct pollfd){.fd = w->files, .events = POLLIN};
	for (size_t i = 0; i < w->sessions_n; i++)
		fds[n++] = (struct pollfd){.fd = wakeup_session_fd(w->sessions[i]), .events = POLLIN};
	return n;
}

/* A session that hears something. */
struct hearing {
	struct wakeups *wakeups;
	const struct wakeup_session *session;
};

/* That a practice was woken; NULL: all may have been. */
static void note(const char *practice, void *context)
{
	const struct hearing *h = context;
	struct wakeups *w = h->wakeups;
	for (size_t i = 0; i < w->practices_n; i++) {
		struct practice *p = &w->practices[i];
		if (p->session == h->session && (!practice || strcmp(postgres_practice(p->state), practice) == 0))
			p->woken = w->woken = true;
	}
}

/* The next practice that was woken. */
static int next_practice(struct wakeups *w)
{
	for (size_t i = 0; w->woken && i < w->practices_n; i++) {
		if (w->practices[i].woken) {
			w->practices[i].woken = false;
			return FIRST_PRACTICE + (int)i;
		}
	}
	w->woken = false;
	return -1;
}

int wakeups_next(struct wakeups *w)
{
	struct inotify_event e; /* of a file that is watched itself: nothing follows it */
	while (w->files >= 0 && read(w->files, &e, sizeof e) == (ssize_t)sizeof e)
		if (e.mask & IN_MODIFY)
			return e.wd;
	for (size_t i = 0; !w->woken && i < w->sessions_n; i++)
		wakeup_session_hear(w->sessions[i], note, &(struct hearing){w, w->sessions[i]});
	return next_practice(w);
}
