/*
 * The record loop where records share a transaction. Nothing is written of a record before the transaction
 * has ended, and its line is kept until then: where that fails, each gets one of its own, so that those which
 * cannot be done are told apart from those which can.
 */
#include "stream/group.h"

#include <stdlib.h>

enum { BYTES = 16 * RECORD_MAX }; /* of a group */

struct group {
	const struct record_loop *loop;
	struct stream *stream;
	struct record_tally *tally; /* of what is written */
	struct record_tally counted;
	struct arena arena; /* of a record */
	struct jtext_members members;
	struct buf lines;     /* of the group, each with its newline */
	struct buf out;       /* what has become of them */
	size_t first, number; /* of its first line, and of the next one that is read */
};

static void work(struct group *g, struct str line, size_t number)
{
	struct record r = {
		.line = line, .number = number, .arena = &g->arena, .members = g->members, .stage = g->loop->stage};
	if (record_read(&r, &g->out))
		record_work(&r, g->loop, &g->out);
	g->members = r.members;
	record_count(&g->counted, &r);
	arena_reset(&g->arena);
}

/* Works on each line of the group again. */
static void again(struct group *g)
{
	g->out.n = 0;
	g->counted = (struct record_tally){0};
	size_t number = g->first;
	for (const char *at = g->lines.p, *end = at + g->lines.n, *newline; at < end; at = newline + 1) {
		newline = memchr(at, '\n', (size_t)(end - at));
		work(g, (struct str){at, (size_t)(newline - at)}, number++);
	}
	g->loop->commit(g->loop->context);
}

/* Ends the group, and writes what has become of its records. */
static void end(void *context)
{
	struct group *g = context;
	if (g->lines.n && !g->loop->commit(g->loop->context))
		again(g);
	stream_write(g->stream, buf_str(&g->out));
	g->tally->records += g->counted.records;
	g->tally->failed += g->counted.failed;
	g->counted = (struct record_tally){0};
	g->first = g->number;
	g->lines.n = g->out.n = 0;
}

void group_run(const struct record_loop *loop, struct stream *stream, struct record_tally *tally)
{
	struct group g = {.loop = loop, .stream = stream, .tally = tally, .first = 1, .number = 1};
	struct str line;
	enum stream_line kind;
	size_t part = 0;
	stream_on_wait(stream, end, &g);
	while ((kind = stream_read(stream, &line)) != STREAM_END) {
		if (kind == STREAM_LINE) {
			buf_add(&g.lines, line);
			buf_putc(&g.lines, '\n');
			work(&g, line, g.number++);
			part = 0;
		} else {
			end(&g);
			record_too_long(line, loop->stage, g.number, &part, &g.out);
			g.counted.failed++;
			g.number += kind == STREAM_LAST;
		}
		if (g.number - g.first >= RECORDS_TOGETHER || g.lines.n >= BYTES || loop->is_awaited(loop->context))
			end(&g);
	}
	end(&g);
	free(g.members.at);
	buf_free(&g.lines);
	buf_free(&g.out);
	arena_free(&g.arena);
}
