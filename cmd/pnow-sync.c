/*
 * pnow-sync: the ordinary pipeline for every workflow, from events to results: what a shell would do for
 * "pnow-enrich | categorize | crm-map | pnow-push | crm-push", in two processes. A shell takes longer to
 * start than the CRM to answer, and of six processes that wake each other for an event most do so to hand it
 * on. So what comes before crm-push is done to a record in one go, by the same functions, in a process that
 * is forked; this one is crm-push, and tells how both have ended.
 */
#include "categorize/categorize.h"
#include "conf/conf.h"
#include "conf/confine.h"
#include "conf/options.h"
#include "conf/profile.h"
#include "conf/sheet.h"
#include "crm-map/map.h"
#include "crm-push/run.h"
#include "pnow-enrich/ask.h"
#include "pnow-enrich/enrich.h"
#include "pnow-push/tagged.h"
#include "state/rehearsal.h"
#include "value/event.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-sync [-nov] [-c FILE]\n"
	"Runs events (NDJSON on standard input) through pnow-enrich | categorize | crm-map | pnow-push | "
	"crm-push.\n"
	"  -c FILE  the practice's configuration (else $PNOW_CONFIG)\n"
	"  -n       show the requests that would be sent to the CRM, or why there is none, and send none\n"
	"           (PatientNow is still read)\n"
	"  -o       write results in the order of the events\n"
	"  -v       say more\n"
	"  -h, -V   this help, the version\n";

/* What the filters before crm-push have open. */
struct filters {
	struct enrich enrich;
	struct categorize categorize;
	struct map map;
	struct push push;
};

/* A record goes from filter to filter, until one has an error for it, or shows requests in its place. */
static void filter(struct record *r, void *context)
{
	struct filters *f = context;
	const struct {
		const char *name;
		record_fn *each;
		void *context;
	} filters[] = {
		{"pnow-enrich", enrich_record, &f->enrich},
		{"categorize", categorize_record, &f->categorize},
		{"crm-map", map_record, &f->map},
		{"pnow-push", tagged_record, &f->push},
	};
	for (size_t i = 0; i < COUNT(filters) && !r->failed && !r->replaced && !record_is_long(r); i++) {
		r->stage = filters[i].name;
		filters[i].each(r, filters[i].context);
	}
}

/* Whether pnow-push will have something to do for it. */
static bool is_tagged(const struct filters *f, const struct record *r)
{
	return enrich_type(r, &f->enrich) == EVENT_CONTACT_TAGGED && !record_get(r, "ignored").p;
}

/* Each filter's order: a tagged contact has none in pnow-enrich, and nothing else has one in pnow-push. */
static const char *key(const struct record *r, void *context)
{
	struct filters *f = context;
	return is_tagged(f, r) ? TAGGED_KEY : enrich_key(r, &f->enrich);
}

static bool passes(const struct record *r, void *context)
{
	struct filters *f = context;
	return !is_tagged(f, r) && enrich_passes(r, &f->enrich);
}

static void ended(void *context)
{
	struct filters *f = context;
	enrich_ended(&f->enrich);
}

/* The filters before crm-push, from standard input to standard output. Returns their exit status. */
static int run_filters(const struct conf *conf, const struct profile *profile, const struct sheet *sheet,
	const struct options *o)
{
	struct calls calls = {0};
	struct options reads = *o; /* of PatientNow, with -n, too */
	struct filters f = {.enrich = {.conf = conf, .profile = profile, .calls = &calls},
		.map = {.conf = conf, .emr = profile->emr},
		.push = {.conf = conf, .profile = profile, .options = o, .calls = &calls}};
	reads.dry = false;
	conf_need(conf, conf->crm.location_id, "crm.location_id");
	f.enrich.state = state_open(conf_need(conf, conf->state, "state"));
	if (o->dry)
		f.push.state = rehearsal_open(conf->state);
	categorize_begin(&f.categorize, conf, sheet);
	confine(CONFINE_CLIENT, (const char *[]){conf->state}, 1, o->verbose);
	f.enrich.ask = ask_open(conf, profile, f.enrich.state, &reads);
	int status = record_loop(&(struct record_loop){.stage = "pnow-enrich",
		.each = filter,
		.context = &f,
		.verbose = o->verbose,
		.parallel = o->parallel,
		.in_order = o->in_order,
		.key = key,
		.passes = passes,
		.ended = ended});
	if (o->verbose)
		calls_tell(&calls, "PatientNow");
	ask_close(f.enrich.ask);
	tagged_close(&f.push);
	categorize_end(&f.categorize);
	state_close(f.enrich.state);
	return status;
}

/* Starts the filters before crm-push, with what they write in place of standard input. They end with this
 * process. Returns theirs. */
static pid_t start_filters(const struct conf *conf, const struct profile *profile, const struct sheet *sheet,
	const struct options *o)
{
	int pipe[2];
	pid_t parent = getpid();
	if (pipe2(pipe, O_CLOEXEC) < 0)
		err(EX_OSERR, "cannot make a pipe");
	pid_t pid = fork();
	if (pid < 0)
		err(EX_OSERR, "cannot start a process");
	dup2(pipe[pid == 0], pid == 0 ? STDOUT_FILENO : STDIN_FILENO);
	close(pipe[0]);
	close(pipe[1]);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) /* it has ended already */
		raise(SIGTERM);
	exit(run_filters(conf, profile, sheet, o));
}

/* A process's exit status when it has ended, as a shell has it. */
static int status_of(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err(EX_OSERR, "cannot wait for a filter");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char *argv[])
{
	struct options o = {.usage = usage, .letters = "c:hnovV", .parallel = 8, .seconds = 30};
	options_read(argc, argv, &o);
	/* a mistake in it is told once, before anything is started */
	struct conf *conf = conf_read(o.file);
	struct sheet *sheet = sheet_read(conf->categories);
	struct profile *profile = profile_read(conf->patientnow.profile, conf->file);
	pid_t filters = start_filters(conf, profile, sheet, &o);
	int status = push_run(conf, &o, &(struct push_asked){0});
	close(STDIN_FILENO); /* who still writes there ends */
	int before = status_of(filters);
	sheet_free(sheet);
	profile_free(profile);
	conf_free(conf);
	return status ? status : before;
}
