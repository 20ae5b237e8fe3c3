/* Bytes that grow: a line being written, a request body, an answer. */
#ifndef BUF_H
#define BUF_H

#include "str.h"
#include <stdarg.h>

struct buf {
	char *p; /* not NUL-terminated; zero-initialise */
	size_t n;
	size_t room;
};

void buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, struct str bytes);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* text as a JSON string, with its quotes. text is UTF-8; what is not becomes U+FFFD. */
void buf_json(struct buf *b, struct str text);
/* A checked JSON text without the blanks between its tokens: it fits in a line. */
void buf_dense(struct buf *b, struct str json);
/* ,"name":"text" where the object already has a member, else without the comma; nothing where text is NULL.
 */
void buf_member(struct buf *b, const char *name, const char *text);
/* The bytes in base64 (RFC 4648), padded. */
void buf_base64(struct buf *b, struct str bytes);
struct str buf_str(const struct buf *b);
void buf_free(struct buf *b);

#endif
