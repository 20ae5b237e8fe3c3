/*
 * pnow-hook: receives webhooks; each becomes an event in the inbox, or for a command. main decides by which
 * of three ways requests come, and puts the descriptors in order for it, so that nothing else need know: 1 is
 * where COMMAND's output belongs, 2 is where words go, and neither ever reaches the sender.
 */
#include "hook.h"
#include "conf/confine.h"
#include "conf/folder.h"
#include "conf/options.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-hook [-nv] [-c FILE]... [-C DIR] [-j N] [-l ADDRESS:PORT] [-p FILE] [-r DIR] [-k DAYS] [-t SECONDS]\n"
	"                 [-- COMMAND [ARG]...]\n"
	"Receives webhooks; each event is stored in the practice's inbox before its sender is answered. With "
	"COMMAND it goes\n"
	"to one run of that instead, whose exit status is the answer: 0 taken, 75 come again.\n"
	"Requests come over a listener of its own (-l), from inetd or systemd (the connection is standard "
	"input), or as CGI.\n"
	"  -c FILE          a practice's configuration; may be given several times (default $PNOW_CONFIG)\n"
	"  -C DIR           with -l: all practices whose configurations are DIR/*.json, read again at SIGHUP\n"
	"  -j N             commands at once (16); further events wait\n"
	"  -l ADDRESS:PORT  listen there; port 0: any, the first line on standard output says which\n"
	"  -n               with -l: show the events on standard output, and store nothing\n"
	"  -p FILE          with -l: write the port there\n"
	"  -r DIR           record whole requests there, for pnow-profile\n"
	"  -k DAYS          keep those for so many days (7)\n"
	"  -t SECONDS       what a command may take (300)\n"
	"  -v               a line for each request on standard error\n";

enum { COMMANDS = 16, COMMAND_SECONDS = 300, KEEP_DAYS = 7 };

enum way { LISTENER, INETD, CGI };

struct hook_options {
	char **configurations;
	size_t configurations_n;
	const char *folder; /* of configurations; NULL: none */
	const char *listen;
	const char *port_file;
	const char *record; /* folder for requests; NULL: none */
	unsigned keep_days;
	unsigned at_once;
	unsigned seconds;
	bool show;
	bool verbose;
	char **command; /* NULL: none */
};

/* n things of this size, zeroed; never NULL. */
static void *allocate(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		out_of_memory();
	return p;
}

/* A number of an option; ends the process with status 64 where it is none. */
static unsigned number(const char *option, const char *text, unsigned max)
{
	const char *problem = NULL;
	long long n = strtonum(text, 1, max, &problem);

	if (problem)
		errx(EX_USAGE, "%s %s: expected a number from 1 to %u", option, text, max);
	return (unsigned)n;
}

/* The command line; ends the process with status 64 where it is wrong. */
static struct hook_options read_options(int argc, char **argv)
{
	struct hook_options o = {.at_once = COMMANDS, .seconds = COMMAND_SECONDS, .keep_days = KEEP_DAYS};
	int option;

	o.configurations = allocate((size_t)argc + 1, sizeof *o.configurations);
	while ((option = options_next(argc, argv, "+C:c:hj:k:l:np:r:t:vV")) != -1) {
		switch (option) {
		case 'C':
			o.folder = optarg;
			break;
		case 'c':
			o.configurations[o.configurations_n++] = optarg;
			break;
		case 'j':
			o.at_once = number("-j", optarg, 10000);
			break;
		case 'k':
			o.keep_days = number("-k", optarg, 365);
			break;
		case 'l':
			o.listen = optarg;
			break;
		case 'n':
			o.show = true;
			break;
		case 'p':
			o.port_file = optarg;
			break;
		case 'r':
			o.record = optarg;
			break;
		case 't':
			o.seconds = number("-t", optarg, 86400);
			break;
		case 'v':
			o.verbose = true;
			break;
		case 'h':
			usage_help(usage);
			break;
		case 'V':
			usage_version();
			break;
		default:
			usage_error(usage);
		}
	}
	if (o.keep_days != KEEP_DAYS && !o.record)
		errx(EX_USAGE, "-k goes with -r: requests that are not recorded need not be kept");
	if (o.show && optind < argc)
		errx(EX_USAGE, "-n and COMMAND: expected one of them");
	if (o.folder && o.configurations_n)
		errx(EX_USAGE, "-C and -c: expected one of them");
	o.command = optind < argc ? argv + optind : NULL;
	return o;
}

/* Whether a descriptor is a socket. */
static bool is_socket(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* By which way requests come; ends the process with status 64 where there is none, or where the options want
 * another. */
static enum way find_way(const struct hook_options *o)
{
	const char *gateway = getenv("GATEWAY_INTERFACE");
	enum way way = o->listen ? LISTENER : gateway && *gateway ? CGI : INETD;

	if (way != LISTENER && o->folder)
		errx(EX_USAGE, "-C goes with -l only: it is read once, not for each request");
	if (way == INETD && !is_socket(STDIN_FILENO))
		errx(EX_USAGE,
			"no way for requests to come: give -l ADDRESS:PORT to listen; or have inetd or systemd start it"
			" with a connection as standard input; or run it as a CGI program (GATEWAY_INTERFACE is set)");
	if (way != LISTENER && (o->show || o->port_file))
		errx(EX_USAGE, "-n and -p go with -l only: standard output is the sender's");
	return way;
}

/* A copy of a descriptor above 2 that no command inherits. */
static int keep(int fd)
{
	int kept = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (kept < 0)
		err(EX_OSERR, "cannot copy a descriptor");
	return kept;
}

/* Makes `to` another name of fd. */
static void redirect(int fd, int to)
{
	if (dup2(fd, to) < 0)
		err(EX_OSERR, "cannot redirect a descriptor");
}

/* The end to read of the pipe that 2 is where words go to syslog(3); -1: it is none. */
static int words = -1;

/* Sends on what is in the pipe, line by line, until it is empty or the last writer has gone. */
static void log_words(void)
{
	static const char name[] = "pnow-hook: ";
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	FILE *f = words < 0 ? NULL : fdopen(words, "r");

	while (f && (n = getline(&line, &room, f)) > 0) {
		line[n - (line[n - 1] == '\n')] = '\0';
		syslog(LOG_NOTICE, "%s", strncmp(line, name, strlen(name)) == 0 ? line + strlen(name) : line);
	}
	free(line);
	if (f)
		fclose(f);
	words = -1;
}

/* Makes 2 lead to syslog(3), when the process ends: one request has few words, and mostly none. */
static void words_to_syslog(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		exit(EX_OSERR);
	words = ends[0];
	redirect(ends[1], STDERR_FILENO);
	close(ends[1]);
	openlog("pnow-hook", LOG_PID | LOG_NDELAY, LOG_DAEMON); /* at once: later, no connection is made */
	atexit(log_words);
}

/* A command may have any number of words: a process of its own sends them on, since it must outlive all that
 * write them. */
static void log_words_of_command(void)
{
	if (words < 0)
		return;
	fcntl(words, F_SETFL, 0);
	fcntl(STDERR_FILENO, F_SETFL, 0);
	pid_t child = fork();
	if (child < 0)
		exit(EX_OSERR);
	if (child == 0) {
		int null = open("/dev/null", O_RDWR);
		redirect(words, STDIN_FILENO);
		redirect(null, STDOUT_FILENO);
		redirect(null, STDERR_FILENO);
		closefrom(STDERR_FILENO + 1);
		words = STDIN_FILENO;
		log_words();
		_exit(0);
	}
	close(words);
	words = -1;
}

/* Whether two descriptors lead to the same file, pipe or socket. */
static bool same_file(int a, int b)
{
	struct stat first, second;
	return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
		   first.st_ino == second.st_ino;
}

/* inetd makes one connection all three of 0, 1 and 2: then words must go elsewhere before the first is said.
 */
static void guard_words(void)
{
	if (is_socket(STDIN_FILENO) && same_file(STDIN_FILENO, STDERR_FILENO))
		words_to_syslog();
}

/* Puts the connection (inetd) or the way back to the server (CGI) out of everybody's reach, and returns it;
   -1 for a listener. What COMMAND writes goes where words go, unless we listen. */
static int arrange_descriptors(enum way way)
{
	if (way == LISTENER)
		return -1;
	int peer = keep(way == INETD ? STDIN_FILENO : STDOUT_FILENO);
	redirect(STDERR_FILENO, STDOUT_FILENO);
	if (way == INETD) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		redirect(null, STDIN_FILENO);
		close(null);
	}
	return peer;
}

/* Whether a variable tells of a request: CGI's own, which hold what the sender sent, tokens too. */
static bool is_of_request(const char *variable)
{
	static const char *const names[] = {"HTTP_",
		"AUTH_TYPE=", "CONTENT_LENGTH=", "CONTENT_TYPE=", "DOCUMENT_", "FCGI_",
		"GATEWAY_INTERFACE=", "PATH_INFO=", "PATH_TRANSLATED=", "QUERY_STRING=", "REDIRECT_", "REMOTE_",
		"REQUEST_", "SCRIPT_", "SERVER_"};
	for (size_t i = 0; i < COUNT(names); i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* The environment that COMMAND gets: ours as it is now, before a practice sets the time zone, without CGI's.
 */
static char **command_environment(enum way way)
{
	extern char **environ;
	size_t n = 0, kept = 0;

	while (environ[n])
		n++;
	char **environment = allocate(n + 1, sizeof *environment);
	for (size_t i = 0; i < n; i++)
		if (way != CGI || !is_of_request(environ[i]))
			environment[kept++] = environ[i];
	return environment;
}

/* Reads the configurations of all practices; ends the process with status 78 where one of those that were
   named is wrong, or comes twice. */
static void open_practices(struct practices *ps, const struct hook_options *o, enum way way)
{
	char why[MISTAKE_MAX];

	practices_open(ps);
	ps->folder = o->folder;
	ps->stores = !o->show && !o->command;
	ps->listening = way == LISTENER;
	if (ps->folder && !practices_read(ps, why))
		mistake("%s", why);
	for (size_t i = 0; i < o->configurations_n; i++)
		practices_add(ps, o->configurations[i]);
	if (!ps->folder && !o->configurations_n)
		practices_add(ps, NULL);
}

/* The folder above those of the state files where that is one, and the configurations are not in it: a
   practice that comes later has its folder there. NULL: there is none such. */
static const char *folder_of_later(const struct practices *ps, struct arena *a)
{
	char first[PATH_MAX], conf[PATH_MAX], own[PATH_MAX];
	const char *above = NULL;
	bool several = false;

	if (!ps->folder || !realpath(ps->folder, conf))
		return NULL;
	for (size_t i = 0; i < ps->n; i++) {
		if (!ps->at[i]->conf || conf_is_database(ps->at[i]->conf->state))
			continue;
		const char *state = ps->at[i]->conf->state, *slash = strrchr(state, '/');
		const char *folder = slash ? arena_copy(a, (struct str){state, (size_t)(slash - state)}) : ".";
		char *end = realpath(folder, own) ? strrchr(own, '/') : NULL;
		if (!end || end == own)
			return NULL;
		several |= above && strcmp(first, own) != 0;
		if (!above)
			memcpy(first, own, sizeof first);
		*end = '\0';
		if (above && strcmp(above, own) != 0)
			return NULL;
		above = above ? above : arena_copy(a, str_of(own));
	}
	bool apart = above && (strncmp(conf, above, strlen(above)) != 0 || !strchr("/", conf[strlen(above)]));
	return several && apart ? arena_printf(a, "%s/x", above) : NULL;
}

/* Gives up what is not needed to store events, or to show them. A command may need anything. */
static void confine_all(const struct practices *ps, const struct hook_options *o)
{
	struct arena a = {0};
	size_t n = 0;

	if (o->command)
		return;
	const char **states = arena_alloc(&a, (ps->n + 2) * sizeof *states);
	for (size_t i = 0; i < ps->n && !o->show; i++)
		if (ps->at[i]->conf)
			states[n++] = ps->at[i]->conf->state;
	if (!o->show)
		states[n++] = folder_of_later(ps, &a);
	states[n++] = o->record ? arena_printf(&a, "%s/x", o->record) : NULL;
	confine(CONFINE_SERVER, states, n, o->verbose);
	arena_free(&a);
}

/* hook.deliver of -n: the event on stdout instead of into the inbox. */
static enum delivery show(struct hook *h, struct request *r, struct str line)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	(void)h;
	pthread_mutex_lock(&lock);
	bool shown = fwrite(line.p, 1, line.n, stdout) == line.n && fflush(stdout) == 0;
	pthread_mutex_unlock(&lock);
	if (!shown)
		warn("event %s: cannot write to standard output", request_shown(r->arena, r->event.id));
	return shown ? DELIVERED : COME_AGAIN;
}

int main(int argc, char **argv)
{
	static struct hook h;

	program_begin(argv[0]);
	closefrom(STDERR_FILENO + 1); /* all that we were left */
	guard_words();
	struct hook_options o = read_options(argc, argv);
	if (o.folder)
		folder_hold_reload(true);
	if (o.command)
		log_words_of_command();
	enum way way = find_way(&o);
	int peer = arrange_descriptors(way);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	if (way != LISTENER) {
		/* There is one request, and it will be finished. */
		signal(SIGTERM, SIG_IGN);
		signal(SIGINT, SIG_IGN);
	}
	command_open(&h.command, o.command, command_environment(way), o.at_once, o.seconds);
	h.deliver = o.show ? show : o.command ? command_deliver : store_deliver;
	h.verbose = o.verbose;
	recorder_open(&h.recorder, o.record, o.keep_days);
	open_practices(&h.practices, &o, way);
	int listening = way == LISTENER ? httpd_open(&h, o.listen, o.port_file) : -1;
	confine_all(&h.practices, &o);
	int status = way == LISTENER ? httpd_listen(&h, listening)
				 : way == INETD  ? httpd_inetd(&h, peer)
								 : cgi_answer(&h, peer);
	command_close(&h.command);
	practices_close(&h.practices);
	free(h.command.environment);
	free(o.configurations);
	return status;
}
