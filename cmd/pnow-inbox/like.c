/* Ids by hand: the beginning of one will do where nothing is changed, and a wrong one gets those that are
 * like it. */
#include "pnow-inbox.h"

#include <err.h>

struct likes {
	const char *at[6];
	size_t n;
};

/* The ids that begin so; none where the file cannot be read. */
static struct likes begin_so(struct inbox *in, struct arena *a, const char *prefix)
{
	struct likes likes = {0};
	struct state_rows rows = inbox_like(in->state, a, prefix);
	while (likes.n < COUNT(likes.at) && state_next(&rows))
		likes.at[likes.n++] = state_copy(&rows, a, 0);
	if (!state_done(&rows))
		likes.n = 0;
	return likes;
}

/* The ids that begin so, or begin as this one does: the longest beginning that any has. */
static struct likes likes_of(struct inbox *in, struct arena *a, const char *id, size_t *n)
{
	struct likes likes = {0};
	for (*n = strlen(id); *n > 0 && !likes.n; *n -= !likes.n)
		if (((unsigned char)id[*n] & 0xc0) != 0x80)
			likes = begin_so(in, a, arena_copy(a, (struct str){id, *n}));
	return likes;
}

void like_tell(struct inbox *in, struct arena *a, const char *id)
{
	size_t n = 0;
	struct likes likes = likes_of(in, a, id, &n);
	struct buf text = {0};
	for (size_t i = 0; i < likes.n && i < 5; i++)
		buf_printf(&text, "%s%s", i ? ", " : "", likes.at[i]);
	if (likes.n > 5)
		buf_puts(&text, ", ...");
	buf_putc(&text, '\0');
	if (n == strlen(id) && likes.n)
		warnx("%s: no event of %s has this id; there is %s", id, in->conf->practice, text.p);
	else if (n >= 3 || n * 2 > strlen(id))
		warnx("%s: no event of %s has this id; like it is %s", id, in->conf->practice, text.p);
	else
		warnx("%s: no event of %s has this id, or one like it: see pnow-inbox list", id, in->conf->practice);
	buf_free(&text);
}

const char *like_one(struct inbox *in, struct arena *a, const char *id)
{
	struct inbox_found event;
	struct likes likes = {0};
	if (inbox_event(in->state, a, id, &event) == STATE_ROW)
		return event.id;
	if (strlen(id) >= LIKE_LEAST)
		likes = begin_so(in, a, id);
	if (likes.n == 1)
		return likes.at[0];
	like_tell(in, a, id);
	return NULL;
}
