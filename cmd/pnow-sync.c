/*
 * pnow-sync: the ordinary pipeline for every workflow, from events to results: what a shell would do for
 * "pnow-enrich | categorize | crm-map | pnow-push | crm-push", in two processes. A shell takes longer to
 * start than the CRM to answer, and of six processes that wake each other for an event most do so to hand it
 * on. So what comes before crm-push is done to a record in one go, by the same functions; crm-push is a
 * process that is forked.
 *
 * SIGTERM and SIGINT end the input of this process, as of any filter. It writes what it has then, and the
 * other ends when it has got that: nothing between the two is lost. Where one of them is killed the other
 * finishes what it has.
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
#include "stream/stream.h"
#include "value/event.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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
		.feeds = true,
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

/* One end of a pipe, and no other, in place of a descriptor. */
static void use_end(const int ends[static 2], int end, int as)
{
	dup2(ends[end], as);
	for (int i = 0; i < 2; i++)
		if (ends[i] != as)
			close(ends[i]);
}

/* Starts a process that is crm-push, and reads what this one writes from now on. A signal that ends a process
 * is for this one: the other works to the end of what it gets. */
static pid_t start_push(const struct conf *conf, const struct options *o)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		err(EX_OSERR, "cannot make a pipe");
	pid_t pid = fork();
	if (pid < 0)
		err(EX_OSERR, "cannot start a process");
	if (pid > 0) {
		use_end(ends, 1, STDOUT_FILENO);
		return pid;
	}
	use_end(ends, 0, STDIN_FILENO);
	setprogname("crm-push");
	exit(push_run(conf, o, &(struct push_asked){.drains = true}));
}

/* A process's exit status when it has ended, as a shell has it. */
static int status_of(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err(EX_OSERR, "cannot wait for crm-push");
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
	pid_t push = start_push(conf, &o);
	int status = run_filters(conf, profile, sheet, &o);
	close(STDOUT_FILENO); /* that is all */
	int last = status_of(push);
	sheet_free(sheet);
	profile_free(profile);
	conf_free(conf);
	stream_raise(); /* not all is done */
	return last ? last : status;
}
