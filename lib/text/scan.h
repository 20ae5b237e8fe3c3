/*
 * The questions that whoever reads or writes a JSON string asks of its bytes, here so that they are
 * answered in line: most of a record is strings, and most of a string is plain.
 */
#ifndef SCAN_H
#define SCAN_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The first byte from p on, end if there is none, that is not plain: a quote, a backslash, a control
   character, or not ASCII. Eight bytes are looked at at once. The borrow of a subtraction can mark a byte
   wrongly, but only one that stands behind the first. */
static inline const char *scan_plain(const char *p, const char *end)
{
	const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
	for (uint64_t eight; end - p >= 8; p += 8) {
		memcpy(&eight, p, sizeof eight);
		eight = le64toh(eight);
		uint64_t quote = eight ^ ones * '"', slash = eight ^ ones * '\\';
		uint64_t marks =
			(eight | (eight - ones * 0x20) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & high;
		if (marks)
			return p + __builtin_ctzll(marks) / 8;
	}
	while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* The length of the UTF-8 sequence at p, which is before end; 0 where it is none (RFC 3629, table 3-7 of
 * Unicode). */
static inline size_t scan_utf8(const char *p, const char *end)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t n = (size_t)(end - p);
	if (u[0] < 0x80)
		return 1;
	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		return n >= 2 && (u[1] & 0xc0) == 0x80 ? 2 : 0;
	if (u[0] >= 0xe0 && u[0] <= 0xef) {
		unsigned low = u[0] == 0xe0 ? 0xa0 : 0x80, top = u[0] == 0xed ? 0x9f : 0xbf;
		return n >= 3 && u[1] >= low && u[1] <= top && (u[2] & 0xc0) == 0x80 ? 3 : 0;
	}
	if (u[0] >= 0xf0 && u[0] <= 0xf4) {
		unsigned low = u[0] == 0xf0 ? 0x90 : 0x80, top = u[0] == 0xf4 ? 0x8f : 0xbf;
		return n >= 4 && u[1] >= low && u[1] <= top && (u[2] & 0xc0) == 0x80 && (u[3] & 0xc0) == 0x80 ? 4 : 0;
	}
	return 0;
}

/* Behind the string whose opening quote is at p, in a text that was checked; never behind end. */
static inline const char *scan_string(const char *p, const char *end)
{
	const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
	for (p++; end - p >= 8;) {
		uint64_t eight;
		memcpy(&eight, p, sizeof eight);
		eight = le64toh(eight);
		uint64_t quote = eight ^ ones * '"', slash = eight ^ ones * '\\';
		uint64_t marks = (((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & high;
		if (!marks) {
			p += 8;
			continue;
		}
		p += __builtin_ctzll(marks) / 8;
		if (*p == '"')
			return p + 1;
		p += 2;
	}
	while (p < end && *p != '"')
		p += *p == '\\' ? 2 : 1;
	return p < end ? p + 1 : end;
}

#endif
