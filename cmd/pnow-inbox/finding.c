/* How pnow-inbox check says what it has found: a line for people, or NDJSON. */
#include "check.h"
#include "value/when.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* A word as a shell takes it. */
static const char *shell_word(struct arena *a, const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+,:@%";
	struct buf quoted = {0};
	if (*word && !word[strspn(word, plain)])
		return word;
	buf_putc(&quoted, '\'');
	for (; *word; word++)
		if (*word == '\'')
			buf_puts(&quoted, "'\\''");
		else
			buf_putc(&quoted, *word);
	buf_putc(&quoted, '\'');
	return buf_take(&quoted, a).p;
}

const char *finding_command(struct check *c, const char *program, const char *rest)
{
	char whole[PATH_MAX];
	const char *file = realpath(c->in->conf->file, whole) ? whole : c->in->conf->file;
	return arena_printf(&c->arena, "%s -c %s%s", program, shell_word(&c->arena, file), rest);
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
	printf(": %s; type: %s\n", f->detail, f->command);
}
