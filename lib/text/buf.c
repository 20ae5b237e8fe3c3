/*
 * A buffer doubles when it is full, so that writing a line of n bytes costs n. Running out of memory ends the
 * process: there is no record that could be written without any.
 */
#include "text/buf.h"
#include "text/scan.h"

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

void buf_grow(struct buf *b, size_t more)
{
	size_t room = b->room ? b->room : 512;
	while (room - b->n < more)
		room *= 2;
	char *p = allocated(realloc(b->p, room));
	b->p = p;
	b->room = room;
}

void buf_printf(struct buf *b, const char *format, ...)
{
	size_t room = b->room - b->n;
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(room ? b->p + b->n : NULL, room, format, args);
	if (n < 0)
		err(EX_SOFTWARE, "cannot format \"%s\"", format);
	if ((size_t)n >= room) { /* it did not fit */
		buf_reserve(b, (size_t)n + 1);
		vsnprintf(b->p + b->n, (size_t)n + 1, format, again);
	}
	va_end(again);
	va_end(args);
	b->n += (size_t)n;
}

/* One character that cannot stand in a JSON string as it is. */
static void escape(struct buf *b, unsigned char c)
{
	static const char *const shorts[] = {['\b'] = "\\b",
		['\f'] = "\\f",
		['\n'] = "\\n",
		['\r'] = "\\r",
		['\t'] = "\\t",
		['"'] = "\\\"",
		['\\'] = "\\\\"};
	if (shorts[c])
		buf_puts(b, shorts[c]);
	else
		buf_printf(b, "\\u%04x", c);
}

void buf_json(struct buf *b, struct str text)
{
	const char *p = text.p, *end = p + text.n;
	buf_reserve(b, text.n + 2);
	buf_putc(b, '"');
	while (p < end) {
		const char *start = p;
		size_t n = 1;
		for (p = scan_plain(p, end); p < end && (unsigned char)*p >= 0x80; p = scan_plain(p + n, end))
			if ((n = scan_utf8(p, end)) == 0)
				break;
		buf_add(b, (struct str){start, (size_t)(p - start)});
		if (p == end)
			break;
		if (n == 0)
			buf_puts(b, "\xef\xbf\xbd");
		else
			escape(b, (unsigned char)*p);
		p++;
	}
	buf_putc(b, '"');
}

void buf_dense(struct buf *b, struct str json)
{
	const char *end = json.p + json.n, *from = json.p;
	for (const char *p = json.p; p < end;)
		if (*p == '"') {
			p = scan_string(p, end);
		} else if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r') {
			buf_add(b, (struct str){from, (size_t)(p - from)});
			from = ++p;
		} else {
			p++;
		}
	buf_add(b, (struct str){from, (size_t)(end - from)});
}

void buf_shell(struct buf *b, const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+,:@%";
	bool quoted = !*word || word[strspn(word, plain)];
	if (quoted)
		buf_putc(b, '\'');
	for (; *word; word++)
		if (*word == '\'')
			buf_puts(b, "'\\''");
		else
			buf_putc(b, *word);
	if (quoted)
		buf_putc(b, '\'');
}

void buf_member(struct buf *b, const char *name, const char *text)
{
	if (!text)
		return;
	if (b->n && b->p[b->n - 1] != '{')
		buf_putc(b, ',');
	buf_json(b, str_of(name));
	buf_putc(b, ':');
	buf_json(b, str_of(text));
}

void buf_base64(struct buf *b, struct str bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)bytes.p;
	buf_reserve(b, (bytes.n + 2) / 3 * 4);
	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t left = bytes.n - i;
		uint32_t three =
			(uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
		buf_putc(b, digits[three >> 18]);
		buf_putc(b, digits[three >> 12 & 63]);
		buf_putc(b, left > 1 ? digits[three >> 6 & 63] : '=');
		buf_putc(b, left > 2 ? digits[three & 63] : '=');
	}
}

struct str buf_str(const struct buf *b)
{
	return (struct str){b->p, b->n};
}

void buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){0};
}

struct str buf_take(struct buf *b, struct arena *a)
{
	struct str taken = {arena_copy(a, buf_str(b)), b->n};
	buf_free(b);
	return taken;
}
