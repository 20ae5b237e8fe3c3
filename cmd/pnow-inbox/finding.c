/* How pnow-inbox check says what it has found: a line for people, or NDJSON. */
#include "check.h"
#include "value/when.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

const char *finding_command(struct check *c, const char *program, const char *rest)
{
	char whole[PATH_MAX];
	struct buf command = {0};
	const char *file = c->in->conf->file;
	buf_printf(&command, "%s -c ", program);
	buf_shell(&command, realpath(file, whole) ? whole : file);
	buf_puts(&command, rest);
	return buf_take(&command, &c->arena).p;
}

static void tell_json(const struct check *c, const struct finding *f)
{
	struct buf line = {0};
	char since[WHEN_TEXT];
	buf_putc(&line, '{');
	buf_member(&line, "practice", c->in->conf->practice);
	buf_member(&line, "finding", f->what);
	if (f->since)
		when_utc(f->since, since);
	buf_member(&line, "since", f->since ? since : NULL);
	if (f->events)
		buf_printf(&line, ",\"events\":%lld", (long long)f->events);
	buf_member(&line, "detail", f->detail);
	buf_member(&line, "command", f->command);
	buf_puts(&line, "}\n");
	fwrite(line.p, 1, line.n, stdout);
	buf_free(&line);
}

/* A sender may have written some of it: a character that would end the line, or move the cursor, is a '?'. */
static void tell_text(const char *before, const char *text)
{
	fputs(before, stdout);
	for (char c; (c = str_shown(&text));)
		putchar(c);
}

void finding_tell(struct check *c, const struct finding *f)
{
	c->found++;
	if (c->bounds->json) {
		tell_json(c, f);
		return;
	}
	printf("%s: %s", c->in->conf->practice, f->what);
	if (f->since)
		printf(" since %s", table_time(f->since));
	if (f->events)
		printf(": %lld event%s", (long long)f->events, f->events == 1 ? "" : "s");
	tell_text(": ", f->detail);
	tell_text("; type: ", f->command);
	putchar('\n');
}
