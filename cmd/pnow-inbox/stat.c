/* pnow-inbox stat: how many events are in which state, how long the oldest waits, what is left of
 * PatientNow's quota and the CRM's limits. */
#include "pnow-inbox.h"
#include "state/told.h"
#include "value/when.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-inbox stat [-j | -m]\n"
	"Events by state and type, the requests that they took, the oldest that waits, and what is left of\n"
	"the requests to PatientNow and the CRM.\n"
	"  -j  as JSON, also on a terminal\n"
	"  -m  for Prometheus: OpenMetrics text\n";

static const struct column columns[] = {
	{"state", 9, CELL_TEXT}, {"type", 18, CELL_TEXT}, {"events", 1, CELL_NUMBER}};

/* {"waiting":{"bill.completed":2},"done":{…}}, and the sum of each. */
struct counts {
	struct buf states, sums;
	char state[16];
	int64_t sum;
};

static void end_state(struct counts *c)
{
	if (!c->states.n)
		return;
	buf_putc(&c->states, '}');
	buf_printf(&c->sums, ",\"%s\":%lld", c->state, (long long)c->sum);
	c->sum = 0;
}

static void count_json(struct counts *c, const struct inbox_count *count)
{
	if (!c->states.n || strcmp(c->state, count->state) != 0) {
		end_state(c);
		snprintf(c->state, sizeof c->state, "%s", count->state);
		if (c->states.n)
			buf_putc(&c->states, ',');
		buf_json(&c->states, str_of(count->state));
		buf_puts(&c->states, ":{");
	} else {
		buf_putc(&c->states, ',');
	}
	buf_json(&c->states, str_of(count->type ? count->type : ""));
	buf_printf(&c->states, ":%lld", (long long)count->n);
	c->sum += count->n;
}

static const struct column calls_columns[] = {{"type", 18, CELL_TEXT}, {"events", 8, CELL_NUMBER},
	{"crm", 8, CELL_NUMBER}, {"each", 8, CELL_TEXT}, {"patientnow", 10, CELL_NUMBER}, {"each", 1, CELL_TEXT}};

/* A row of the calls: how many in all, and for each event. */
static void calls_row(struct table *table, const struct inbox_calls *c)
{
	char crm[24], patientnow[24];
	snprintf(crm, sizeof crm, "%.2f", (double)c->crm / (double)c->events);
	snprintf(patientnow, sizeof patientnow, "%.2f", (double)c->patientnow / (double)c->events);
	if (!table->begun)
		printf("\nRequests that the events took:\n");
	table_row(table, (struct cell[]){{.text = c->type}, {.number = c->events}, {.number = c->crm},
						 {.text = crm}, {.number = c->patientnow}, {.text = patientnow}});
}

static void calls_json(struct buf *out, const struct inbox_calls *c)
{
	if (out->n)
		buf_putc(out, ',');
	buf_json(out, str_of(c->type));
	buf_printf(out, ":{\"events\":%lld,\"crm\":%lld,\"patientnow\":%lld}", (long long)c->events,
		(long long)c->crm, (long long)c->patientnow);
}

static void limit_json(const char *location, const struct limit_left *s, void *context)
{
	struct buf *out = context;
	buf_puts(out, out->n ? ",{" : "{");
	buf_member(out, "location_id", location);
	buf_printf(out,
		",\"interval_ms\":%lld,\"max\":%lld,\"left\":%lld,\"day_max\":%lld,\"day_left\":%lld,"
		"\"pause_seconds\":%lld}",
		(long long)s->interval_ms, (long long)s->max, (long long)s->left, (long long)s->day_max,
		(long long)s->day_left, (long long)s->pause_ms / 1000);
}

static void limit_line(const char *location, const struct limit_left *s, void *context)
{
	(void)context;
	printf("CRM location %s: %lld of %lld requests in %lld ms are left, %lld of %lld today (UTC).\n",
		location, (long long)s->left, (long long)s->max, (long long)s->interval_ms, (long long)s->day_left,
		(long long)s->day_max);
	if (s->pause_ms)
		printf("It has asked for a pause, which lasts for %lld s more.\n", (long long)s->pause_ms / 1000);
}

static void requests_json(struct buf *out, const struct requests *r)
{
	buf_printf(out,
		",\"quota\":{\"limit\":%lld,\"reserve\":%lld,\"used\":%lld,\"left\":%lld,\"lookups\":%lld,"
		"\"wait_seconds\":%lld,\"spread\":%s}",
		(long long)r->limit, (long long)r->reserve, (long long)r->used, (long long)r->left,
		(long long)r->lookups, (long long)r->wait, r->spread ? "true" : "false");
}

static void requests_lines(const struct requests *r)
{
	printf("%lld of %lld requests to PatientNow are left today (UTC), %lld of them for people.\n",
		(long long)r->left, (long long)r->limit, (long long)r->for_people);
	printf("About %lld lookups are expected until midnight (UTC)", (long long)r->lookups);
	if (r->spent)
		printf(": no request is left%s; what needs one waits until then.\n",
			r->for_people ? " but for people" : "");
	else if (r->spread)
		printf(
			": too many even if they wait for each other for %lld s; they are spread.\n", (long long)r->wait);
	else if (r->wait)
		printf(": so that the requests last, those of a list wait for each other for up to %lld s.\n",
			(long long)r->wait);
	else
		printf(": none has to wait.\n");
}

static bool warnings_json(struct buf *out, struct state *s)
{
	struct told told;
	struct state_rows rows = told_warnings(s);
	buf_puts(out, ",\"warnings\":{");
	for (const char *comma = ""; told_next(&rows, &told); comma = ",") {
		buf_puts(out, comma);
		buf_json(out, str_of(told.cause));
		buf_printf(out, ":%lld", (long long)told.n);
	}
	buf_putc(out, '}');
	return state_done(&rows);
}

static bool warnings_lines(struct state *s)
{
	static const struct column warnings_columns[] = {{"events", 8, CELL_NUMBER}, {"warning", 1, CELL_TEXT}};
	struct table table = table_of(warnings_columns, COUNT(warnings_columns));
	struct told told;
	struct state_rows rows = told_warnings(s);
	while (told_next(&rows, &told)) {
		if (!table.begun)
			printf("\nWarnings of the last day (pnow-inbox list -w tells of which events):\n");
		table_row(&table, (struct cell[]){{.number = told.n}, {.text = told.cause}});
	}
	if (table.begun)
		printf("\n");
	return state_done(&rows);
}

static bool write_json(struct inbox *in, int64_t oldest, const struct requests *requests)
{
	struct counts c = {0};
	struct inbox_count count;
	struct inbox_calls each;
	struct buf out = {0}, calls = {0}, limits = {0};
	char time[WHEN_TEXT];
	struct state_rows rows = inbox_count(in->state);
	while (inbox_next_count(&rows, &count))
		count_json(&c, &count);
	bool read = state_done(&rows);
	rows = inbox_calls(in->state);
	while (inbox_next_calls(&rows, &each))
		calls_json(&calls, &each);
	read = state_done(&rows) && read;
	end_state(&c);
	buf_putc(&out, '{');
	buf_member(&out, "practice", in->conf->practice);
	buf_add(&out, buf_str(&c.sums));
	buf_puts(&out, ",\"types\":{");
	buf_add(&out, buf_str(&c.states));
	buf_puts(&out, "},\"calls\":{");
	buf_add(&out, buf_str(&calls));
	buf_putc(&out, '}');
	if (oldest) {
		when_utc(oldest, time);
		buf_member(&out, "oldest", time);
		buf_printf(&out, ",\"oldest_seconds\":%lld", (long long)(when_now_ms() - oldest) / 1000);
	}
	requests_json(&out, requests);
	read = warnings_json(&out, in->state) && read;
	left_of_locations(in, limit_json, &limits);
	if (limits.n)
		buf_printf(&out, ",\"limits\":[%.*s]", (int)limits.n, limits.p);
	buf_puts(&out, "}\n");
	fwrite(out.p, 1, out.n, stdout);
	buf_free(&c.states);
	buf_free(&c.sums);
	buf_free(&calls);
	buf_free(&limits);
	buf_free(&out);
	return read;
}

static bool write_columns(struct inbox *in, int64_t oldest, const struct requests *requests)
{
	struct table table = table_of(columns, COUNT(columns)),
				 calls = table_of(calls_columns, COUNT(calls_columns));
	struct inbox_count count;
	struct inbox_calls each;
	struct state_rows rows = inbox_count(in->state);
	while (inbox_next_count(&rows, &count))
		table_row(&table, (struct cell[]){{.text = count.state}, {.text = count.type}, {.number = count.n}});
	bool read = state_done(&rows);
	rows = inbox_calls(in->state);
	while (inbox_next_calls(&rows, &each))
		calls_row(&calls, &each);
	read = state_done(&rows) && read;
	if (calls.begun)
		printf("\n");
	if (oldest)
		printf("The oldest that waits was received %s, %lld s ago.\n", table_time(oldest),
			(long long)(when_now_ms() - oldest) / 1000);
	requests_lines(requests);
	read = warnings_lines(in->state) && read;
	left_of_locations(in, limit_line, NULL);
	return read;
}

/* One practice; of several on a terminal each has its name above it. */
static int stat_practice(struct inbox *in, void *context)
{
	const bool *json = context;
	struct requests requests = left_of_patientnow(in);
	int64_t oldest = inbox_oldest(in->state);
	if (in->folder && !*json)
		printf("\n%s\n\n", in->conf->practice);
	return (*json ? write_json : write_columns)(in, oldest, &requests) ? EX_OK : EX_TEMPFAIL;
}

static int stat_metrics(struct inbox *in, void *context)
{
	return metrics_of(context, in) ? EX_OK : EX_TEMPFAIL;
}

int inbox_stat(struct inbox *in, int argc, char *argv[])
{
	bool json = !isatty(STDOUT_FILENO);
	struct metrics *metrics = NULL;
	optind = 1;
	for (int letter; (letter = options_next(argc, argv, "hjm")) != -1;) {
		switch (letter) {
		case 'h':
			usage_help(usage);
		case 'j':
			json = true;
			break;
		case 'm':
			metrics = metrics ? metrics : metrics_new();
			break;
		default:
			usage_error(usage);
		}
	}
	if (optind < argc)
		usage_error(usage);
	int status = metrics ? inbox_each(in, stat_metrics, metrics) : inbox_each(in, stat_practice, &json);
	if (metrics)
		metrics_end(metrics);
	table_end();
	return status;
}
