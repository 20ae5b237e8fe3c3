/*
 * pnow-sandbox: a stand-in for PatientNow and HighLevel on this machine, to rehearse a configuration before
 * it touches patients, and to test against. State is in memory, filled from a seed; everything over real
 * HTTP. This file has the options, the listening socket, and start and stop.
 */
#include "crm_search.h"
#include "crm_store.h"
#include "faults.h"
#include "patientnow.h"
#include "sandbox.h"
#include "seed.h"
#include "serve.h"
#include "text.h"
#include "webhooks.h"
#include "conf/options.h"
#include "net/listen.h"
#include "text/arena.h"
#include "text/file.h"
#include "value/signature.h"
#include <curl/curl.h>
#include <err.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-sandbox [-iv] [-l ADDRESS:PORT] [-p FILE] [-s SEED] [-L MS] [-r MAX/MS] [-R N] [-q N] [-f "
	"FAULT]"
	" [-w URL] [-W URL] [-k KEY] [-K SECRET]\n"
	"  -l ADDRESS:PORT  listen there (127.0.0.1:0, a free port)\n"
	"  -p FILE          write the port to FILE\n"
	"  -s SEED          what there is at the start\n"
	"  -L MS            the CRM's searches lag behind writes\n"
	"  -r MAX/MS        the CRM's burst limit, such as 100/10000\n"
	"  -R N             the CRM's daily limit, such as 200000\n"
	"  -q N             PatientNow's daily quota, such as 1000\n"
	"  -f FAULT         delay, 401, 429, 500, 503, reset-before, reset-after, cut or hang, with\n"
	"                   ,ms= ,count= ,chance= ,method= ,path= ,api= ,retry_after=; may be given several "
	"times\n"
	"  -w URL           send the CRM's webhooks there\n"
	"  -W URL           send PatientNow's webhooks there\n"
	"  -k KEY           file with the Ed25519 key that signs the CRM's webhooks\n"
	"  -K SECRET        file with the secret that signs PatientNow's webhooks\n"
	"  -i               PatientNow's webhooks carry ids only\n"
	"  -v               a line for each request on standard error\n"
	"  -h, -V           this help; the version\n";

struct paths {
	const char *listen, *port_file, *key_file, *secret_file;
};

/* A number of an option; ends the program with status 64 where it is none. */
static long option_number(char option, const char *text, long long low)
{
	const char *wrong;
	long n = (long)strtonum(text, low, 1000000000, &wrong);
	if (wrong)
		errx(EX_USAGE, "-%c %s: %s", option, text, wrong);
	return n;
}

/* -r MAX/MS */
static void option_burst(struct limits *limits, char *text)
{
	char *ms = text, *max = strsep(&ms, "/");
	if (!ms)
		errx(EX_USAGE, "-r %s: MAX/MS expected, such as 100/10000", text);
	limits->crm_burst = option_number('r', max, 1);
	limits->crm_window_ms = option_number('r', ms, 1);
}

/* One option with its argument. */
static void option(struct sandbox *s, struct paths *o, int c)
{
	switch (c) {
	case 'l':
		o->listen = optarg;
		break;
	case 'p':
		o->port_file = optarg;
		break;
	case 's':
		s->seed_file = optarg;
		break;
	case 'L':
		s->limits.search_lag_ms = option_number('L', optarg, 0);
		break;
	case 'r':
		option_burst(&s->limits, optarg);
		break;
	case 'R':
		s->limits.crm_daily = option_number('R', optarg, 1);
		break;
	case 'q':
		s->limits.patientnow_daily = option_number('q', optarg, 1);
		break;
	case 'f':
		fault_option(&s->faults, optarg);
		break;
	case 'w':
		s->webhooks.url[SENDER_CRM] = optarg;
		break;
	case 'W':
		s->webhooks.url[SENDER_PATIENTNOW] = optarg;
		break;
	case 'k':
		o->key_file = optarg;
		break;
	case 'K':
		o->secret_file = optarg;
		break;
	case 'i':
		s->webhooks.ids_only = true;
		break;
	case 'v':
		s->verbose = true;
		break;
	default:
		usage_error(usage);
	}
}

/* All options. */
static void read_options(struct sandbox *s, struct paths *o, int argc, char **argv)
{
	int c;
	program_begin(argv[0]);
	while ((c = options_next(argc, argv, "hil:p:s:L:r:R:q:f:w:W:k:K:vV")) != -1) {
		if (c == 'h')
			usage_help(usage);
		if (c == 'V')
			usage_version();
		option(s, o, c);
	}
	if (argc > optind)
		errx(EX_USAGE, "%s: no argument is expected", argv[optind]);
}

/* Reads the keys that webhooks are signed with. */
static void read_keys(struct webhooks *w, const struct paths *o)
{
	struct arena arena = {0};
	size_t n = 0;
	if (o->key_file) {
		char *pem = file_read(&arena, o->key_file, &n);
		if (!pem)
			err(EX_NOINPUT, "%s", o->key_file);
		w->key = signature_key((struct str){pem, n});
		char *trial = w->key ? signature_sign(w->key, STR("trial")) : NULL;
		if (!trial)
			errx(EX_DATAERR, "%s: no private key in PEM", o->key_file);
		free(trial);
	}
	if (o->secret_file) {
		char *text = file_read(&arena, o->secret_file, &n);
		if (!text)
			err(EX_NOINPUT, "%s", o->secret_file);
		text[strcspn(text, "\r\n")] = '\0';
		if (!*text)
			errx(EX_DATAERR, "%s: no secret in it", o->secret_file);
		w->secret = text_copy(text);
	}
	arena_free(&arena);
}

/* Gives everything back. */
static void sandbox_free(struct sandbox *s)
{
	search_forget(&s->crm);
	store_close(&s->crm);
	practice_close(&s->practice);
	faults_free(&s->faults);
	buf_free(&s->requests.lines);
	if (s->webhooks.key)
		signature_key_free(s->webhooks.key);
	free(s->webhooks.secret);
	free(s->seed);
	close(s->stop[0]);
}

/* Starts, waits for SIGTERM or SIGINT, stops. */
static void run(struct sandbox *s, const struct paths *o)
{
	sigset_t ends;
	int got;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);

	int fd = listen_at(o->listen);
	webhooks_start(&s->webhooks);
	struct MHD_Daemon *daemon = serve_start(s, fd);
	if (!daemon)
		err(EX_UNAVAILABLE, "cannot serve on %s", o->listen);
	listen_announce(fd, o->port_file);
	sigwait(&ends, &got);
	close(s->stop[1]);
	MHD_stop_daemon(daemon);
	webhooks_stop(&s->webhooks);
}

int main(int argc, char **argv)
{
	static struct sandbox s = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.webhooks = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER},
	};
	struct paths o = {.listen = "127.0.0.1:0"};

	STAILQ_INIT(&s.faults.all);
	STAILQ_INIT(&s.webhooks.queue);
	read_options(&s, &o, argc, argv);
	read_keys(&s.webhooks, &o);
	store_open(&s.crm);
	practice_open(&s.practice);
	seed_read(&s);
	seed_load(&s);
	if (pipe(s.stop) != 0)
		err(EX_OSERR, "pipe");
	curl_global_init(CURL_GLOBAL_DEFAULT);
	run(&s, &o);
	sandbox_free(&s);
	curl_global_cleanup();
	return 0;
}
