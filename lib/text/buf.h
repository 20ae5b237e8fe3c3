/* Bytes that grow: a line being written, a request body, an answer. */
#ifndef BUF_H
#define BUF_H

#include "text/arena.h"
#include "text/str.h"
#include <stdarg.h>

struct buf {
	char *p; /* not NUL-terminated; zero-initialise */
	size_t n;
	size_t room;
};

/* Gives a buffer more room than it has; buf_reserve asks for it where it must. */
void buf_grow(struct buf *b, size_t more);

static inline void buf_reserve(struct buf *b, size_t more)
{
	if (b->room - b->n < more)
		buf_grow(b, more);
}

static inline void buf_add(struct buf *b, struct str bytes)
{
	if (!bytes.n)
		return;
	buf_reserve(b, bytes.n);
	memcpy(b->p + b->n, bytes.p, bytes.n);
	b->n += bytes.n;
}

static inline void buf_puts(struct buf *b, const char *text)
{
	buf_add(b, str_of(text));
}

static inline void buf_putc(struct buf *b, char c)
{
	buf_reserve(b, 1);
	b->p[b->n++] = c;
}

void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* text as a JSON string, with its quotes. text is UTF-8; what is not becomes U+FFFD. */
void buf_json(struct buf *b, struct str text);
/* A word as a shell takes it: in quotes where it needs them. */
void buf_shell(struct buf *b, const char *word);
/* A checked JSON text without the blanks between its tokens: it fits in a line. */
void buf_dense(struct buf *b, struct str json);
/* ,"name":"text" where the object already has a member, else without the comma; nothing where text is NULL.
 */
void buf_member(struct buf *b, const char *name, const char *text);
/* The bytes in base64 (RFC 4648), padded. */
void buf_base64(struct buf *b, struct str bytes);
struct str buf_str(const struct buf *b);
void buf_free(struct buf *b);
/* Ends a buffer: its bytes become the arena's, with a NUL after them, and what the buffer had is freed. */
struct str buf_take(struct buf *b, struct arena *a);

#endif
