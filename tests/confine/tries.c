/*
 * LD_PRELOAD: what somebody would try who has got hold of a program. As soon as it reads something from
 * outside, the first byte of standard input or of a connection, everything in the table is tried once, from
 * that place and in that thread; a line on standard error tells of each: "try NAME done", "try NAME refused"
 * (EPERM, EACCES), or what else it failed with; before them, "landlock VERSION" of the kernel. TRIES_OUTSIDE
 * is a folder with the files that are tried; TRIES_STATE is the folder of the state.
 *
 * With TRIES_LANDLOCK=N the kernel's Landlock is of version N, 0: it has none; with TRIES_SECCOMP=0 it has no
 * seccomp.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	LANDLOCK_CREATE_RULESET = 444,
	LANDLOCK_VERSION = 1,
	IO_URING_SETUP = 425,
	OPENAT2 = 437,
	FCHMODAT2 = 452
};

/* The function of this name that we stand before. */
#define NEXT(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))

/* Of the call that is made now: a file of this name in the folder that a variable names. */
static const char *in(const char *folder, const char *name)
{
	static char path[4096];
	snprintf(path, sizeof path, "%s/%s", getenv(folder), name);
	return path;
}

/* Each returns 0 or more where it could be done, else -1 with errno. */

static int closed(int fd)
{
	return fd < 0 ? fd : close(fd);
}

static int read_file(void)
{
	return closed(open("/etc/passwd", O_RDONLY));
}

static int write_file(void)
{
	return closed(open(in("TRIES_OUTSIDE", "file"), O_WRONLY));
}

static int append_file(void)
{
	return closed(open(in("TRIES_OUTSIDE", "file"), O_RDWR | O_APPEND));
}

static int empty_file(void)
{
	return closed(open(in("TRIES_OUTSIDE", "file"), O_RDONLY | O_TRUNC));
}

static int make_file(void)
{
	return closed(open(in("TRIES_OUTSIDE", "new"), O_RDONLY | O_CREAT, 0600));
}

static int make_nameless_file(void)
{
	return closed(open(getenv("TRIES_OUTSIDE"), O_TMPFILE | O_RDWR, 0600));
}

static int write_file_openat2(void)
{
	uint64_t how[3] = {O_WRONLY};
	return closed((int)syscall(OPENAT2, AT_FDCWD, in("TRIES_OUTSIDE", "file"), how, sizeof how));
}

static int truncate_file(void)
{
	return truncate(in("TRIES_OUTSIDE", "file"), 0);
}

static int remove_file(void)
{
	return unlink(in("TRIES_OUTSIDE", "doomed"));
}

static int rename_file(void)
{
	char from[4096];
	snprintf(from, sizeof from, "%s", in("TRIES_OUTSIDE", "file"));
	return rename(from, in("TRIES_OUTSIDE", "renamed"));
}

static int move_file_to_state(void)
{
	char from[4096];
	snprintf(from, sizeof from, "%s", in("TRIES_OUTSIDE", "file"));
	return rename(from, in("TRIES_STATE", "moved"));
}

static int link_file(void)
{
	char from[4096];
	snprintf(from, sizeof from, "%s", in("TRIES_OUTSIDE", "file"));
	return link(from, in("TRIES_STATE", "linked"));
}

static int make_link(void)
{
	return symlink("/etc/passwd", in("TRIES_STATE", "link"));
}

static int make_folder(void)
{
	return mkdir(in("TRIES_STATE", "folder"), 0700);
}

static int make_pipe(void)
{
	return mknod(in("TRIES_STATE", "pipe"), S_IFIFO | 0600, 0);
}

static int change_mode(void)
{
	return chmod(in("TRIES_OUTSIDE", "file"), 0666);
}

static int change_mode_newly(void)
{
	return (int)syscall(FCHMODAT2, AT_FDCWD, in("TRIES_OUTSIDE", "file"), 0666, 0);
}

static int change_owner(void)
{
	return chown(in("TRIES_OUTSIDE", "file"), getuid(), getgid());
}

static int change_times(void)
{
	return utimensat(AT_FDCWD, in("TRIES_OUTSIDE", "file"), NULL, 0);
}

static int make_state_file(void)
{
	int fd = open(in("TRIES_STATE", "try"), O_RDWR | O_CREAT, 0600);
	int done = fd < 0 || (write(fd, "x", 1) == 1 && ftruncate(fd, 0) == 0) ? fd : -1;
	return done < 0 ? -1 : closed(fd);
}

static int remove_state_file(void)
{
	return unlink(in("TRIES_STATE", "doomed"));
}

static int make_socket(void)
{
	return closed(socket(AF_INET, SOCK_STREAM, 0));
}

static int make_unix_socket(void)
{
	return closed(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int make_raw_socket(void)
{
	return closed(socket(AF_PACKET, SOCK_RAW, 0));
}

static int make_crypto_socket(void)
{
	return closed(socket(AF_ALG, SOCK_SEQPACKET, 0));
}

static int make_key_socket(void)
{
	return closed(socket(AF_KEY, SOCK_RAW, 2));
}

static int make_socket_pair(void)
{
	int ends[2], done = socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	if (done == 0) {
		close(ends[0]);
		close(ends[1]);
	}
	return done;
}

/* With a socket where one can be had, else with none: who may connect is told that it is none. */
static int with_socket(int (*what)(int fd))
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), done = what(fd), problem = errno;
	if (fd >= 0)
		close(fd);
	errno = problem;
	return done;
}

static int connect_it(int fd)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(1)};
	int done = connect(fd, (struct sockaddr *)&at, sizeof at);
	return done < 0 && errno == ECONNREFUSED ? 0 : done;
}

static int connect_socket(void)
{
	return with_socket(connect_it);
}

static int bind_it(int fd)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return bind(fd, (struct sockaddr *)&at, sizeof at);
}

static int bind_socket(void)
{
	return with_socket(bind_it);
}

static int listen_it(int fd)
{
	return listen(fd, 1);
}

static int listen_on_socket(void)
{
	return with_socket(listen_it);
}

/* In a child: what it does is not done to the program. */
static int in_child(int (*what)(void))
{
	int status;
	pid_t child = fork();
	if (child == 0)
		_exit(what() < 0 ? errno : 0);
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return -1;
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
	return errno ? -1 : 0;
}

static int execute(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static int start_program(void)
{
	return in_child(execute);
}

static int execute_open_file(void)
{
	char *const none[] = {"true", NULL};
	return (int)syscall(SYS_execveat, open("/bin/true", O_RDONLY), "", none, none, AT_EMPTY_PATH);
}

static int start_open_program(void)
{
	return in_child(execute_open_file);
}

static int be_traced(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int trace(void)
{
	return in_child(be_traced);
}

static int read_parent(void)
{
	char byte;
	struct iovec here = {&byte, 1}, there = {(void *)&byte, 1};
	return (int)process_vm_readv(getpid(), &here, 1, &there, 1, 0);
}

/* Where nobody refuses, there is no such place. */
static int mount_disk(void)
{
	return mount("none", in("TRIES_OUTSIDE", "nowhere"), "tmpfs", 0, NULL);
}

static int unshare_it(void)
{
	return unshare(CLONE_NEWUSER);
}

static int make_namespace(void)
{
	return in_child(unshare_it);
}

static int make_ring(void)
{
	char parameters[120] = {0};
	return closed((int)syscall(IO_URING_SETUP, 1, parameters));
}

static int ask_keys(void)
{
	return (int)syscall(SYS_keyctl, 0, -3, 0, 0, 0); /* the id of the session's keys */
}

static int type_into_terminal(void)
{
	return ioctl(STDERR_FILENO, TIOCSTI, "x");
}

static int signal_parent(void)
{
	return kill(getppid(), 0);
}

static void *nothing(void *context)
{
	return context;
}

static int start_thread(void)
{
	pthread_t thread;
	errno = pthread_create(&thread, NULL, nothing, NULL);
	return errno ? -1 : pthread_join(thread, NULL);
}

static const struct
try {
	const char *name;
	int (*what)(void);
}
tries[] = {
	{"read-file", read_file},
	{"start-thread", start_thread},
	{"write-file", write_file},
	{"append-file", append_file},
	{"empty-file", empty_file},
	{"make-file", make_file},
	{"make-nameless-file", make_nameless_file},
	{"write-file-openat2", write_file_openat2},
	{"truncate-file", truncate_file},
	{"remove-file", remove_file},
	{"rename-file", rename_file},
	{"move-file-to-state", move_file_to_state},
	{"link-file", link_file},
	{"make-link", make_link},
	{"make-folder", make_folder},
	{"make-pipe", make_pipe},
	{"change-mode", change_mode},
	{"change-mode-newly", change_mode_newly},
	{"change-owner", change_owner},
	{"change-times", change_times},
	{"make-state-file", make_state_file},
	{"remove-state-file", remove_state_file},
	{"make-socket", make_socket},
	{"make-unix-socket", make_unix_socket},
	{"make-socket-pair", make_socket_pair},
	{"make-raw-socket", make_raw_socket},
	{"make-crypto-socket", make_crypto_socket},
	{"make-key-socket", make_key_socket},
	{"connect", connect_socket},
	{"bind", bind_socket},
	{"listen", listen_on_socket},
	{"start-program", start_program},
	{"start-open-program", start_open_program},
	{"trace", trace},
	{"read-process", read_parent},
	{"mount", mount_disk},
	{"make-namespace", make_namespace},
	{"make-ring", make_ring},
	{"ask-keys", ask_keys},
	{"type-into-terminal", type_into_terminal},
	{"signal-parent", signal_parent},
};

/* Tries everything, once, unless nothing is to be tried. */
static void try_all(void)
{
	static atomic_flag tried = ATOMIC_FLAG_INIT;
	if (!getenv("TRIES_OUTSIDE") || atomic_flag_test_and_set(&tried))
		return;
	int saved = errno;
	dprintf(
		STDERR_FILENO, "landlock %ld\n", NEXT(syscall)(LANDLOCK_CREATE_RULESET, NULL, 0, LANDLOCK_VERSION));
	for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
		errno = 0;
		bool done = tries[i].what() >= 0;
		dprintf(STDERR_FILENO, "try %s %s\n", tries[i].name,
			done                                ? "done"
			: errno == EPERM || errno == EACCES ? "refused"
												: strerrorname_np(errno));
	}
	errno = saved;
}

ssize_t read(int fd, void *bytes, size_t n)
{
	if (fd == STDIN_FILENO)
		try_all();
	return NEXT(read)(fd, bytes, n);
}

ssize_t recv(int fd, void *bytes, size_t n, int flags)
{
	try_all();
	return NEXT(recv)(fd, bytes, n, flags);
}

/* A number that a variable holds; what it is where it is not there. */
static long variable(const char *name, long absent)
{
	const char *text = getenv(name);
	return text ? atol(text) : absent;
}

long syscall(long number, ...)
{
	long a[6];
	va_list arguments;
	va_start(arguments, number);
	for (size_t i = 0; i < 6; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	bool landlock = number >= LANDLOCK_CREATE_RULESET && number < LANDLOCK_CREATE_RULESET + 3;
	if ((landlock && variable("TRIES_LANDLOCK", 1) == 0) ||
		(number == SYS_seccomp && variable("TRIES_SECCOMP", 1) == 0)) {
		errno = ENOSYS;
		return -1;
	}
	long result = NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (number == LANDLOCK_CREATE_RULESET && a[2] == LANDLOCK_VERSION && result > 0)
		return variable("TRIES_LANDLOCK", result) < result ? variable("TRIES_LANDLOCK", result) : result;
	return result;
}

int prctl(int option, ...)
{
	unsigned long a[4];
	va_list arguments;
	va_start(arguments, option);
	for (size_t i = 0; i < 4; i++)
		a[i] = va_arg(arguments, unsigned long);
	va_end(arguments);
	if (option == PR_SET_SECCOMP && variable("TRIES_SECCOMP", 1) == 0) {
		errno = EINVAL;
		return -1;
	}
	return NEXT(prctl)(option, a[0], a[1], a[2], a[3]);
}
