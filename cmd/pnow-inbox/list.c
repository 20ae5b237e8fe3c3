/* pnow-inbox list and show: what is in the inbox, without and with its body. */
#include "pnow-inbox.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

static const char list_usage[] =
	"usage: pnow-inbox list [-w] [-n N] [-s STATE,...] [-t TYPE,...]\n"
	"The events, the newest last; on a terminal in columns, else NDJSON.\n"
	"  -n N      the newest N only\n"
	"  -s STATE  waiting, running, done, unchanged, ignored, skipped, dead, dropped\n"
	"  -t TYPE   only events of these types: patient.updated, patient.created, appointment.booked,\n"
	"            appointment.status, bill.completed, membership.created, contact.tagged\n"
	"  -w        only events whose last result has warnings\n";

static const char show_usage[] = "usage: pnow-inbox show ID\n"
								 "The event, as a pipeline reads it. The beginning of an id will do.\n";

static const struct column columns[] = {
	{"practice", 16, CELL_TEXT}, /* of several */
	{"received", 19, CELL_TIME},
	{"state", 9, CELL_TEXT},
	{"attempts", 8, CELL_NUMBER},
	{"due", 19, CELL_TIME},
	{"settled", 0, CELL_TIME},
	{"type", 18, CELL_TEXT},
	{"patient", 10, CELL_ID},
	{"subject", 20, CELL_ID},
	{"id", 18, CELL_ID},
	{"detail", 1, CELL_TEXT},
};

/* What to show of each practice. */
struct listing {
	struct inbox_choice choice;
	struct table table;
};

static void list_row(struct table *table, const struct inbox_row *row, const struct inbox *in)
{
	struct arena a = {0};
	bool waits = strcmp(row->state, "waiting") == 0;
	const struct cell cells[] = {{.text = in->conf->practice}, {.number = row->received},
		{.text = row->state}, {.number = row->attempts}, {.number = waits ? row->due : 0},
		{.number = row->settled}, {.text = row->type}, {.text = row->patient}, {.text = row->subject},
		{.text = row->id}, {.text = row->result ? detail_why(&a, str_of(row->result)) : NULL}};
	table_row(table, cells + !in->folder);
	arena_free(&a);
}

/* The rows of one practice. */
static int list_practice(struct inbox *in, void *context)
{
	struct listing *l = context;
	struct inbox_row row;
	struct state_rows rows = inbox_events(in->state, &l->choice);
	while (inbox_next_event(&rows, &row))
		list_row(&l->table, &row, in);
	return state_done(&rows) ? EX_OK : EX_TEMPFAIL;
}

int inbox_list(struct inbox *in, int argc, char *argv[])
{
	struct arena arena = {0};
	const char *problem = NULL;
	struct listing l = {.choice = {.states = "[]", .types = "[]", .newest = -1}};
	optind = 1;
	for (int letter; (letter = options_next(argc, argv, "hn:s:t:w")) != -1;) {
		switch (letter) {
		case 'h':
			usage_help(list_usage);
		case 'n':
			l.choice.newest = strtonum(optarg, 1, INT64_MAX, &problem);
			if (problem)
				errx(EX_USAGE, "-n %s: expected a number from 1", optarg);
			break;
		case 's':
			l.choice.states = choice_of_states(&arena, optarg);
			break;
		case 't':
			l.choice.types = choice_of_types(&arena, optarg);
			break;
		case 'w':
			l.choice.warned = true;
			break;
		default:
			usage_error(list_usage);
		}
	}
	if (optind < argc)
		usage_error(list_usage);
	l.table = table_of(columns + !in->folder, COUNT(columns) - !in->folder);
	int status = inbox_each(in, list_practice, &l);
	table_end();
	arena_free(&arena);
	return status;
}

int inbox_show(struct inbox *in, int argc, char *argv[])
{
	struct arena arena = {0};
	struct inbox_found event = {0};
	optind = 1;
	for (int letter; (letter = options_next(argc, argv, "h")) != -1;) {
		if (letter == 'h')
			usage_help(show_usage);
		usage_error(show_usage);
	}
	if (optind + 1 != argc)
		usage_error(show_usage);
	inbox_open(in);
	const char *id = like_one(in, &arena, argv[optind]);
	enum state_result found = id ? inbox_event(in->state, &arena, id, &event) : STATE_NONE;
	if (found == STATE_ROW && event.body)
		puts(event.body);
	else if (found == STATE_ROW)
		warnx("the body of event %s was purged; pnow-inbox trace %s tells what is known of it", id, id);
	table_end();
	arena_free(&arena);
	return found == STATE_FAILED ? EX_TEMPFAIL : event.body ? EX_OK : 1;
}
