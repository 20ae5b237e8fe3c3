/* pnow-inbox retry, drop, purge: what a person may change. An event that a run has is left alone. */
#include "pnow-inbox.h"
#include "state/body.h"
#include "state/cache.h"
#include "value/when.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

static const char retry_usage[] = "usage: pnow-inbox retry ID ... | -s STATE,...\n"
								  "Has events tried again now, as if they had never been.\n"
								  "  -s STATE  all in these states, such as dead\n";

static const char drop_usage[] = "usage: pnow-inbox drop ID ...\n"
								 "Settles waiting and dead events as dropped.\n";

static const char purge_usage[] =
	"usage: pnow-inbox purge -o AGE\n"
	"Forgets the bodies of events that were settled longer ago, and PatientNow's answers that are older.\n"
	"  -o AGE  such as 30d, 12h, 90m\n";

/* Whether it is changed; says why not. */
static bool tell(struct inbox *in, struct arena *a, const char *id, enum inbox_changed changed)
{
	switch (changed) {
	case INBOX_CHANGED:
		return true;
	case INBOX_NO_EVENT:
		like_tell(in, a, id);
		return false;
	case INBOX_IS_RUNNING:
		warnx("%s: is in a pipeline just now; nothing was changed: wait until it has settled", id);
		return false;
	case INBOX_IS_SETTLED:
		warnx("%s: was settled before; only waiting and dead events can be dropped", id);
		return false;
	case INBOX_IS_PURGED:
		warnx("%s: its body was purged, so it cannot be tried again", id);
		return false;
	case INBOX_UNWRITTEN:
		break;
	}
	errx(EX_TEMPFAIL, "%s: the state cannot be written now", id);
}

/* Changes each of the ids; the exit status. */
static int change_each(struct inbox *in, char *ids[], const char *state,
	enum inbox_changed (*change)(struct state *s, const char *id))
{
	static const struct column columns[] = {{"state", 9, CELL_TEXT}, {"id", 1, CELL_TEXT}};
	struct table table = table_of(columns, COUNT(columns));
	struct arena arena = {0};
	int status = EX_OK;
	for (; *ids; ids++) {
		if (tell(in, &arena, *ids, change(in->state, *ids)))
			table_row(&table, (struct cell[]){{.text = state}, {.text = *ids}});
		else
			status = 1;
	}
	table_end();
	arena_free(&arena);
	return status;
}

/* A row with a word and a count. */
static int show_count(const char *state, int64_t n)
{
	static const struct column columns[] = {{"state", 9, CELL_TEXT}, {"events", 1, CELL_NUMBER}};
	struct table table = table_of(columns, COUNT(columns));
	table_row(&table, (struct cell[]){{.text = state}, {.number = n}});
	table_end();
	return EX_OK;
}

int inbox_retry_events(struct inbox *in, int argc, char *argv[])
{
	struct arena arena = {0};
	const char *states = NULL;
	int64_t n = 0;
	optind = 1;
	for (int letter; (letter = options_next(argc, argv, "hs:")) != -1;) {
		if (letter == 'h')
			usage_help(retry_usage);
		if (letter != 's')
			usage_error(retry_usage);
		states = choice_of_states(&arena, optarg);
	}
	if ((optind == argc) == !states)
		usage_error(retry_usage);
	inbox_open(in);
	bool done = !states || inbox_retry_all(in->state, states, &n);
	arena_free(&arena);
	if (!done)
		errx(EX_TEMPFAIL, "the state cannot be written now");
	return states ? show_count("waiting", n) : change_each(in, argv + optind, "waiting", inbox_retry);
}

int inbox_drop_events(struct inbox *in, int argc, char *argv[])
{
	optind = 1;
	for (int letter; (letter = options_next(argc, argv, "h")) != -1;) {
		if (letter == 'h')
			usage_help(drop_usage);
		usage_error(drop_usage);
	}
	if (optind == argc)
		usage_error(drop_usage);
	inbox_open(in);
	return change_each(in, argv + optind, "dropped", inbox_drop);
}

int inbox_purge_bodies(struct inbox *in, int argc, char *argv[])
{
	int64_t age = -1, n = 0;
	optind = 1;
	for (int letter; (letter = options_next(argc, argv, "ho:")) != -1;) {
		if (letter == 'h')
			usage_help(purge_usage);
		if (letter != 'o')
			usage_error(purge_usage);
		if (!when_age(optarg, &age))
			errx(EX_USAGE, "-o %s: expected a number and s, m, h, d or w, such as 30d", optarg);
	}
	if (age < 0 || optind < argc)
		usage_error(purge_usage);
	inbox_open(in);
	int64_t before = when_now_ms() - age;
	if (!inbox_purge(in->state, before, &n) || !cache_expire(in->state, before) || !body_tidy(in->state))
		errx(EX_TEMPFAIL, "the state cannot be written now; %lld bodies are forgotten", (long long)n);
	show_count("purged", n);
	return inbox_scrubbed(in, state_give_back(in->state));
}
