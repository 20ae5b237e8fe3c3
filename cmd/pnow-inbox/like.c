/* Ids by hand: the beginning of one will do where nothing is changed, and a wrong one gets those that are
 * like it. */
#include "pnow-inbox.h"

#include <err.h>

struct likes {
	const char *at[6];
	size_t n;
};

static void take_like(const char *id, void *context)
{
	struct likes *likes = context;
	if (likes->n < sizeof likes->at / sizeof *likes->at)
		likes->at[likes->n++] = id;
}

/* The ids that begin so, or begin as this one does: the longest beginning that any has. */
static struct likes likes_of(struct inbox *in, struct arena *a, const char *id, size_t *n)
{
	struct likes likes = {0};
	for (*n = strlen(id); *n > 0 && !likes.n; *n -= !likes.n)
		if (((unsigned char)id[*n] & 0xc0) != 0x80)
			inbox_like(in->state, a, arena_copy(a, (struct str){id, *n}), take_like, &likes);
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
	struct inbox_row row;
	const char *line;
	struct likes likes = {0};
	if (inbox_event(in->state, a, id, &row, &line) == STATE_ROW)
		return row.id;
	if (strlen(id) >= LIKE_LEAST && inbox_like(in->state, a, id, take_like, &likes) && likes.n == 1)
		return likes.at[0];
	like_tell(in, a, id);
	return NULL;
}
