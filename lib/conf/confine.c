/*
 * Two fences, since neither sees everything. seccomp refuses system calls, whatever they are about; Landlock
 * refuses files outside of some folders, however they are reached. Both hold for the threads and children
 * that come, and cannot be taken back.
 *
 * What is refused is listed, not what is allowed: a newer C library that works with calls of which nobody has
 * heard yet goes on working. It is refused, not punished: libraries try things that they can do without.
 */
#include "conf/confine.h"
#include "conf/conf.h"
#include "conf/host.h"
#include "conf/libpq.h"
#include "text/buf.h"

#include <err.h>
#include <stdio.h>

/* What stands. */
struct fences {
	bool seccomp;
	int landlock; /* its version; 0: none */
};

enum {
	PORTS = 16,
	DNS = 53, /* by TCP, too */
	POSTGRESQL = 5432,
};

/* Where a server may connect. */
struct ports {
	uint64_t at[PORTS];
	size_t n;
	bool any;
};

/* Whether a state is a file. */
static bool is_file(const char *state)
{
	return state && !conf_is_database(state);
}

/* Beside what a program may write for a state: its file or, where it is in a database, the host's account of
   the CRM's limits, which clients have. NULL: nothing. */
static const char *written(enum confinement as, const char *state, char path[static HOST_PATH])
{
	if (!state || is_file(state))
		return state;
	return as == CONFINE_CLIENT && host_file(path, state, "limits") ? path : NULL;
}

/* May be connected to. */
static void add_port(struct ports *ports, uint64_t port)
{
	size_t i = 0;
	while (i < ports->n && ports->at[i] != port)
		i++;
	ports->any |= i == PORTS;
	if (i == ports->n && i < PORTS)
		ports->at[ports->n++] = port;
}

/* The ports of a state's database, of each host one, or none for the usual one; those that a service file
 * names are not known here. */
static void find_ports(struct ports *ports, const char *state)
{
	char *uri = allocated(strndup(state, strcspn(state, "#")));
	PQconninfoOption *options = libpq_load() ? NULL : pq.conninfoParse(uri, NULL);
	const char *port = getenv("PGPORT");
	for (PQconninfoOption *o = options; o && o->keyword; o++) {
		if (o->val && strcmp(o->keyword, "port") == 0)
			port = o->val;
		ports->any |= strcmp(o->keyword, "service") == 0 && (o->val || getenv("PGSERVICE"));
	}
	for (const char *at = port ? port : "";; at++) {
		add_port(ports, *at && *at != ',' ? (uint64_t)str_number(at) : POSTGRESQL);
		at = strchr(at, ',');
		if (!at)
			break;
	}
	if (options)
		pq.conninfoFree(options);
	free(uri);
}

#ifdef __linux__

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/types.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	FILTER = 1 << CONFINE_FILTER,
	CLIENT = 1 << CONFINE_CLIENT,
	SERVER = 1 << CONFINE_SERVER,
	SERVER_OF_DATABASE = 1 << CONFINE_SERVER_OF_DATABASE,
	ALL = FILTER | CLIENT | SERVER | SERVER_OF_DATABASE,
};

/* Calls that are refused. What libseccomp or the machine does not have is passed over. */
static const struct group {
	unsigned as;
	int error;
	const char *calls;
} groups[] = {
	/* other programs */
	{ALL, EPERM, "execve execveat"},
	/* the system */
	{ALL, EPERM,
		"mount umount umount2 pivot_root chroot move_mount fsopen fsconfig fsmount fspick open_tree"
		" mount_setattr setns unshare open_by_handle_at swapon swapoff quotactl quotactl_fd acct"},
	{ALL, EPERM,
		"bpf perf_event_open userfaultfd add_key keyctl request_key init_module finit_module delete_module"
		" kexec_load kexec_file_load reboot syslog iopl ioperm settimeofday stime clock_settime"
		" clock_settime64 clock_adjtime clock_adjtime64 adjtimex sethostname setdomainname"},
	/* a way around all of this */
	{ALL, EPERM, "io_uring_setup io_uring_enter io_uring_register"},
	/* what files are called, and who may do what with them */
	{ALL, EPERM, "mkdir mkdirat rmdir mknod mknodat link linkat symlink symlinkat rename renameat renameat2"},
	{ALL, EPERM,
		"chmod fchmodat chown chown32 lchown lchown32 fchownat setxattr lsetxattr fsetxattr removexattr"
		" lremovexattr fremovexattr utime utimes futimesat utimensat utimensat_time64"},
	{FILTER, EPERM, "creat truncate truncate64 unlink unlinkat fchmod fchown fchown32"},
	{FILTER, ENOSYS, "openat2"}, /* its flags cannot be seen; openat(2) does as well */
	/* the network */
	{FILTER | SERVER, EPERM, "socket connect"},
	{FILTER | SERVER | SERVER_OF_DATABASE, EPERM, "socketpair bind"},
	{FILTER | CLIENT, EPERM, "accept accept4"},
	{ALL, EPERM, "listen"},
};

/* Other processes. The leak check of a sanitizer needs these. */
static const struct group others = {
	ALL, EPERM, "ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp"};
extern void __lsan_do_leak_check(void) __attribute__((weak));

/* Calls that libseccomp may be too old for: fchmodat2, setxattrat, removexattrat, open_tree_attr,
   file_setattr. */
static const int newer_calls[] = {452, 463, 466, 467, 469};

/* Calls that are refused with some arguments only. */
static const struct rule {
	unsigned as;
	const char *call;
	struct scmp_arg_cmp argument;
} rules[] = {
	{FILTER, "open", {1, SCMP_CMP_MASKED_EQ, O_WRONLY, O_WRONLY}},
	{FILTER, "open", {1, SCMP_CMP_MASKED_EQ, O_RDWR, O_RDWR}},
	{FILTER, "open", {1, SCMP_CMP_MASKED_EQ, O_CREAT, O_CREAT}},
	{FILTER, "open", {1, SCMP_CMP_MASKED_EQ, O_TRUNC, O_TRUNC}},
	{FILTER, "openat", {2, SCMP_CMP_MASKED_EQ, O_WRONLY, O_WRONLY}},
	{FILTER, "openat", {2, SCMP_CMP_MASKED_EQ, O_RDWR, O_RDWR}},
	{FILTER, "openat", {2, SCMP_CMP_MASKED_EQ, O_CREAT, O_CREAT}},
	{FILTER, "openat", {2, SCMP_CMP_MASKED_EQ, O_TRUNC, O_TRUNC}},
	/* sockets but unix, IPv4, IPv6, and that by which the C library asks for our addresses */
	{CLIENT | SERVER_OF_DATABASE, "socket", {0, SCMP_CMP_GT, AF_NETLINK, 0}},
	{CLIENT | SERVER_OF_DATABASE, "socket", {0, SCMP_CMP_EQ, AF_AX25, 0}},
	{CLIENT | SERVER_OF_DATABASE, "socket", {0, SCMP_CMP_EQ, AF_IPX, 0}},
	{CLIENT | SERVER_OF_DATABASE, "socket", {0, SCMP_CMP_EQ, AF_APPLETALK, 0}},
	{CLIENT | SERVER_OF_DATABASE, "socket", {0, SCMP_CMP_EQ, AF_NETROM, 0}},
	{CLIENT | SERVER_OF_DATABASE, "socket", {0, SCMP_CMP_EQ, AF_X25, 0}},
	{CLIENT | SERVER_OF_DATABASE, "socket", {0, SCMP_CMP_EQ, AF_ROSE, 0}},
	{CLIENT | SERVER_OF_DATABASE, "socket", {0, SCMP_CMP_EQ, AF_KEY, 0}},
	/* nobody types into our terminal */
	{ALL, "ioctl", {1, SCMP_CMP_MASKED_EQ, UINT32_MAX, TIOCSTI}},
};

static void refuse_group(scmp_filter_ctx filter, const struct group *g)
{
	char name[64];
	for (const char *at = g->calls; *at; at += strcspn(at, " "), at += *at == ' ') {
		snprintf(name, sizeof name, "%.*s", (int)strcspn(at, " "), at);
		int call = seccomp_syscall_resolve_name(name);
		if (call != __NR_SCMP_ERROR)
			seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)g->error), call, 0);
	}
}

static void refuse_calls(scmp_filter_ctx filter, enum confinement as)
{
	for (size_t i = 0; i < COUNT(groups); i++)
		if (groups[i].as & 1u << as)
			refuse_group(filter, &groups[i]);
	if (!__lsan_do_leak_check)
		refuse_group(filter, &others);
	for (size_t i = 0; i < COUNT(newer_calls); i++)
		seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), newer_calls[i], 0);
	for (size_t i = 0; i < COUNT(rules); i++)
		if (rules[i].as & 1u << as)
			seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), seccomp_syscall_resolve_name(rules[i].call),
				1, &rules[i].argument);
}

/* Refuses system calls; false where the kernel cannot. */
static bool confine_calls(enum confinement as)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		return false;
	seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
	refuse_calls(filter, as);
	bool done = seccomp_load(filter) == 0;
	seccomp_release(filter);
	return done;
}

/* Of landlock(7), which the system's headers may not know, or only in part. A right comes with a version. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum {
	LANDLOCK_VERSION = 1,      /* the flag that asks for it */
	LANDLOCK_PATH_BENEATH = 1, /* a kind of rule, */
	LANDLOCK_NET_PORT = 2,     /* and another */
};

struct landlock_ruleset {
	uint64_t files, net, scope;
};

struct landlock_port {
	uint64_t allowed, port;
};

struct landlock_folder {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

enum {
	FILE_EXECUTE = 1 << 0,
	FILE_WRITE = 1 << 1,
	FILE_REMOVE = 1 << 5,
	FILE_MAKE = 1 << 8, /* a regular one */
	FILE_OTHER =
		0x1ff << 4 & ~(FILE_REMOVE | FILE_MAKE), /* folders, devices, sockets, pipes, links: made, removed */
	FILE_MOVE = 1 << 13,                         /* from folder to folder */
	FILE_TRUNCATE = 1 << 14,
	NET_BIND = 1 << 0, /* TCP */
	NET_CONNECT = 1 << 1,
	SCOPE_UNIX = 1 << 0,   /* sockets that are no file, */
	SCOPE_SIGNAL = 1 << 1, /* and signals: only among ourselves */
};

/* What we refuse of what each version brought. */
static const struct landlock_ruleset brought[] = {
	[1] = {.files = FILE_EXECUTE | FILE_WRITE | FILE_REMOVE | FILE_MAKE | FILE_OTHER},
	[2] = {.files = FILE_MOVE},
	[3] = {.files = FILE_TRUNCATE},
	[4] = {.net = NET_BIND | NET_CONNECT},
	[6] = {.scope = SCOPE_UNIX | SCOPE_SIGNAL},
};

static struct landlock_ruleset refused(enum confinement as, const struct ports *ports, long version)
{
	struct landlock_ruleset r = {0};
	for (long v = 1; v <= version && v < (long)COUNT(brought); v++) {
		r.files |= brought[v].files;
		r.net |= brought[v].net;
		r.scope |= brought[v].scope;
	}
	if (as == CONFINE_CLIENT || (as == CONFINE_SERVER_OF_DATABASE && ports->any))
		r.net &= ~(uint64_t)NET_CONNECT;
	return r;
}

/* Opens the folder of a path, or the nearest above it that is there. */
static int open_folder(const char *path)
{
	char folder[PATH_MAX], *slash;
	int fd = -1;
	if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
		return -1;
	while (fd < 0 && (slash = strrchr(folder, '/')) && slash != folder) {
		*slash = '\0';
		fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	return fd < 0 ? open(*folder == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC) : fd;
}

static void allow_folder(int rules_fd, const char *path, uint64_t handled)
{
	struct landlock_folder folder = {
		(FILE_WRITE | FILE_REMOVE | FILE_MAKE | FILE_TRUNCATE) & handled, open_folder(path)};
	if (folder.fd < 0)
		return;
	syscall(SYS_landlock_add_rule, rules_fd, LANDLOCK_PATH_BENEATH, &folder, 0);
	close(folder.fd);
}

static void allow_port(int rules_fd, uint64_t port, uint64_t handled)
{
	struct landlock_port rule = {NET_CONNECT & handled, port};
	if (rule.allowed)
		syscall(SYS_landlock_add_rule, rules_fd, LANDLOCK_NET_PORT, &rule, 0);
}

/* Refuses files and ports; returns Landlock's version, or 0 where the kernel has none. A state file that is a
   link has some of its files beside what it leads to. */
static int confine_files(enum confinement as, const char **states, size_t n, const struct ports *ports)
{
	char file[PATH_MAX], of_host[HOST_PATH];
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
	if (version <= 0)
		return 0;
	struct landlock_ruleset r = refused(as, ports, version);
	int fd = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof r, 0);
	if (fd < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		const char *path = written(as, states[i], of_host);
		if (!path)
			continue;
		allow_folder(fd, path, r.files);
		if (realpath(path, file))
			allow_folder(fd, file, r.files);
	}
	for (size_t i = 0; i < ports->n; i++)
		allow_port(fd, ports->at[i], r.net);
	bool done = syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	close(fd);
	return done ? (int)version : 0;
}

static struct fences raise_fences(
	enum confinement as, const char **states, size_t n, const struct ports *ports)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return (struct fences){0};
	int files = confine_files(as, states, n, ports);
	return (struct fences){confine_calls(as), files};
}

#else

static struct fences raise_fences(
	enum confinement as, const char **states, size_t n, const struct ports *ports)
{
	(void)as, (void)states, (void)n, (void)ports;
	return (struct fences){0};
}

#endif

/* What a program that is confined so cannot do, by each of the two. */
static const struct words {
	const char *calls, *files;
} words[] = {
	[CONFINE_FILTER] = {"starts no program, makes no socket", "writes no file"},
	[CONFINE_CLIENT] = {"starts no program, takes no connection", "writes no file"},
	[CONFINE_SERVER] = {"starts no program, makes no connection", "writes no file"},
	[CONFINE_SERVER_OF_DATABASE] = {"starts no program, listens nowhere else", "writes no file"},
};

/* "connects to no port but 5432, 53; ", where that holds. */
static void tell_ports(struct buf *line, const struct ports *ports, int landlock)
{
	enum { SEES_PORTS = 4 }; /* Landlock's version */
	for (size_t i = 0; i < ports->n && !ports->any && landlock >= SEES_PORTS; i++)
		buf_printf(line, "%s%llu", i ? ", " : "connects to no port but ", (unsigned long long)ports->at[i]);
	if (ports->n && !ports->any && landlock >= SEES_PORTS)
		buf_puts(line, "; ");
}

/* "confined: starts no program, takes no connection; writes no file but beside glow.db (seccomp, Landlock
   7)", or what of it holds. */
static void tell(
	enum confinement as, struct fences f, const char **states, size_t n, const struct ports *ports)
{
	struct buf line = {0};
	const char *but = " but beside ";
	if (f.seccomp)
		buf_puts(&line, words[as].calls);
	if (f.seccomp && f.landlock)
		buf_puts(&line, "; ");
	tell_ports(&line, ports, f.landlock);
	if (f.landlock)
		buf_puts(&line, words[as].files);
	for (size_t i = 0; i < n && f.landlock; i++) {
		char of_host[HOST_PATH];
		const char *path = written(as, states[i], of_host);
		if (path) {
			buf_printf(&line, "%s%s", but, path);
			but = ", ";
		}
	}
	if (!f.seccomp && !f.landlock)
		warnx("not confined: no seccomp here, no Landlock here");
	else if (!f.landlock)
		warnx("confined: %.*s (seccomp, no Landlock here)", (int)line.n, line.p);
	else
		warnx("confined: %.*s (%s, Landlock %d)", (int)line.n, line.p,
			f.seccomp ? "seccomp" : "no seccomp here", f.landlock);
	buf_free(&line);
}

void confine(enum confinement as, const char **states, size_t n, bool verbose)
{
	struct ports ports = {0};
	for (size_t i = 0; i < n && as != CONFINE_FILTER && as != CONFINE_CLIENT; i++) {
		if (!states[i] || is_file(states[i]))
			continue;
		as = CONFINE_SERVER_OF_DATABASE;
		find_ports(&ports, states[i]);
	}
	if (as == CONFINE_SERVER_OF_DATABASE)
		add_port(&ports, DNS);
	struct fences f = raise_fences(as, states, n, &ports);
	if (verbose)
		tell(as, f, states, n, &ports);
}
