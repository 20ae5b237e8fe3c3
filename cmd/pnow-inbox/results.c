/*
 * pnow-inbox results: what pipelines have answered for the events of a span, with what the inbox knows of
 * each event, and a line about the practice in front: for pnow-report, and for a pipeline of one's own.
 */
#include "pnow-inbox.h"
#include "value/category.h"
#include "value/when.h"

#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-inbox results [-s SINCE] [-u UNTIL]\n"
	"What pipelines have answered for the events that were received then, each a line of JSON, with when\n"
	"the event was received and what it is now; the practice first. For pnow-report.\n"
	"  -s SINCE  a time, a date (its first minute at the practice), or an age, 12h or 7d (whole days: from\n"
	"            midnight on); unless given, all\n"
	"  -u UNTIL  given in the same ways, 0d is the beginning of today; unless given, now\n";

struct span {
	const char *since, *until; /* as given, or NULL */
};

static void write_line(struct buf *line)
{
	buf_putc(line, '\n');
	fwrite(line->p, 1, line->n, stdout);
	line->n = 0;
}

static void add_time(struct buf *line, const char *name, int64_t ms)
{
	char time[WHEN_TEXT];
	when_utc(ms, time);
	buf_member(line, name, time);
}

/* --- The practice --- */

/* The stages of a pipeline in their order, and the one of those who do not come. */
static void add_pipeline(struct buf *line, const struct conf *c, const char *pipeline)
{
	static const char *const statuses[] = {"booked", "checked_out", "cancelled"};
	static const enum category categories[] = {CATEGORY_SURGICAL_CONSULT, CATEGORY_SURGICAL_APPOINTMENT,
		CATEGORY_NON_SURGICAL_CONSULT, CATEGORY_NON_SURGICAL_APPOINTMENT};
	const char *of, *stage, *lost = NULL;
	struct keys stages = {0};
	struct arena a = {0};
	for (size_t i = 0; i < COUNT(categories) * COUNT(statuses); i++) {
		size_t status = i % COUNT(statuses);
		if (!category_stage(
				categories[i / COUNT(statuses)], statuses[status], c->consult_stages, &of, &stage) ||
			strcmp(of, pipeline) != 0)
			continue;
		stage = conf_name(&c->names.stages, stage);
		if (strcmp(statuses[status], "cancelled") == 0)
			lost = stage;
		else
			keys_add(&stages, stage);
	}
	buf_puts(line, line->p[line->n - 1] == '[' ? "{" : ",{");
	buf_member(line, "name", conf_name(&c->names.pipelines, pipeline));
	buf_printf(line, ",\"stages\":%s", keys_json(&a, &stages));
	buf_member(line, "lost", lost);
	buf_putc(line, '}');
	keys_free(&stages);
	arena_free(&a);
}

static void add_limit(const char *location, const struct limit_left *left, void *context)
{
	struct buf *line = context;
	buf_puts(line, line->p[line->n - 1] == '[' ? "{" : ",{");
	buf_member(line, "location_id", location);
	buf_printf(line, ",\"day_max\":%lld}", (long long)left->day_max);
}

static void add_limits(struct buf *line, const struct inbox *in)
{
	buf_printf(
		line, ",\"patientnow_limit\":%lld,\"crm_limits\":[", (long long)in->conf->patientnow.daily_limit);
	left_of_locations(in, add_limit, line);
	buf_putc(line, ']');
}

static void write_practice(const struct inbox *in, int64_t since, int64_t until)
{
	const struct conf *c = in->conf;
	char whole[PATH_MAX];
	struct buf line = {0};
	buf_putc(&line, '{');
	buf_member(&line, "practice", c->practice);
	buf_member(&line, "configuration", realpath(c->file, whole) ? whole : c->file);
	buf_member(&line, "timezone", c->timezone);
	if (since)
		add_time(&line, "since", since);
	add_time(&line, "until", until);
	add_limits(&line, in);
	buf_puts(&line, ",\"pipelines\":[");
	if (c->pipelines == PIPELINES_BOTH)
		add_pipeline(&line, c, "surgical");
	add_pipeline(&line, c, "non-surgical");
	buf_puts(&line, "]}");
	write_line(&line);
	buf_free(&line);
}

/* --- Its results --- */

/* A member of a line that begins with a result, unless the result tells it. */
static void add_missing(struct buf *line, struct str result, const char *name, const char *text)
{
	if (!jtext_get(result, name).p)
		buf_member(line, name, text);
}

static void write_result(const struct inbox *in, const struct inbox_answer *answer, struct buf *line)
{
	struct str result = str_of(answer->result ? answer->result : "{}");
	buf_add(line, (struct str){result.p, result.n - 1});
	add_missing(line, result, "id", answer->id);
	add_missing(line, result, "type", answer->type);
	add_missing(line, result, "practice", in->conf->practice);
	add_missing(line, result, "patient_id", answer->patient);
	buf_member(line, "subject", answer->subject);
	add_time(line, "received", answer->received);
	if (answer->at)
		add_time(line, "at", answer->at);
	if (answer->last)
		buf_member(line, "state", answer->state);
	buf_putc(line, '}');
	write_line(line);
}

static int write_all(struct inbox *in, void *context)
{
	const struct span *span = context;
	struct inbox_answer answer;
	struct buf line = {0};
	int64_t since = span->since ? choice_of_moment('s', span->since) : 0;
	int64_t until = span->until ? choice_of_moment('u', span->until) : when_now_ms();
	write_practice(in, since, until);
	struct state_rows rows = inbox_results(in->state, since, until);
	while (inbox_next_result(&rows, &answer))
		write_result(in, &answer, &line);
	buf_free(&line);
	return state_done(&rows) ? EX_OK : EX_TEMPFAIL;
}

int inbox_results_of(struct inbox *in, int argc, char *argv[])
{
	struct span span = {0};
	optind = 1;
	for (int letter; (letter = options_next(argc, argv, "hs:u:")) != -1;) {
		switch (letter) {
		case 'h':
			usage_help(usage);
		case 's':
			span.since = optarg;
			break;
		case 'u':
			span.until = optarg;
			break;
		default:
			usage_error(usage);
		}
	}
	if (optind < argc)
		usage_error(usage);
	int status = inbox_each(in, write_all, &span);
	table_end();
	return status;
}
