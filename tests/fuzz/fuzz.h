/*
 * What a fuzz target is, and the world that it runs in: world.c stands in for what a process has around it.
 * Nothing is printed, no network is asked, nobody sleeps, and a function that ends the process comes back.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "stream/record.h"
#include "text/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Tries one input; aborts where a promise is broken. libFuzzer calls it, or drive.c. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Aborts, saying which promise was broken. */
static inline void fuzz_require(bool kept, const char *promise)
{
	if (kept)
		return;
	fprintf(stderr, "broken: %s\n", promise);
	abort();
}

/* Takes the first line, without its newline, off a text. */
static inline struct str fuzz_line(struct str *text)
{
	if (!text->n)
		return (struct str){"", 0};
	const char *newline = memchr(text->p, '\n', text->n);
	struct str line = {text->p, newline ? (size_t)(newline - text->p) : text->n};
	size_t taken = line.n + (newline != NULL);
	*text = (struct str){text->p + taken, text->n - taken};
	return line;
}

/* Calls act; false where it ended the process: *status is its exit status then, the message is in words, and
   what it had allocated is freed. Requires that the message is one line. */
struct fuzz_end {
	int status;
	char words[1024];
};
bool fuzz_lives(void (*act)(void *context), void *context, struct fuzz_end *end);

/* What file_read gives for a path from now on, until the next one; the bytes stay the caller's. */
void fuzz_file(const char *path, struct str bytes);

/* The bytes as a file that a secret may be in (mode 0600); its path, valid until the next call. */
const char *fuzz_secret(struct str bytes);

/* A command up to its record loop, which it stays in: its main runs in a thread of its own. arguments ends
   with NULL; its first is the command's name. */
const struct record_loop *fuzz_command(int (*entry)(int, char **), const char *const *arguments);

/* Runs a record loop over these lines, one record at a time; what it writes stands until the loop runs again
 * over something. */
struct str fuzz_loop(const struct record_loop *loop, struct str lines, struct buf *out);

/* What stream_read gives, and where stream_write writes. */
void fuzz_stream(struct str in, struct buf *out);

/* Answers that the next calls of http_do get, one after another, a line each: STATUS, tab, headers with a tab
   behind each, body. The last one stands for all that follow; a status that is none means that no answer
   came. With FUZZ_SHOW in the environment the requests are shown. */
void fuzz_answers(struct str lines);

/* A folder for what must be in files; it is removed at the end. */
const char *fuzz_folder(void);
/* Writes a file there, of mode 0600; its path, valid until the next call. */
const char *fuzz_write(const char *name, const char *text);
/* Writes a practice's configuration, sheet and secret there; more is more of its members, at least "crm". The
   configuration's path; it is read once. */
const char *fuzz_practice(const char *more);

/* The "crm" of a practice with a private token. */
#define FUZZ_CRM "\"crm\":{\"location_id\":\"loc\",\"token_file\":\"secret\"}"

/* Empties the state files that were opened: they are in memory. */
void fuzz_forget(void);

/* Whether a line is blanks only, which is no record; how many of the lines are records. */
bool fuzz_blank(struct str line);
size_t fuzz_count(struct str lines);

/* Parts an input: lines that begin with a digit are answers, all others events; how many records these are.
 */
size_t fuzz_split(struct str lines, struct buf *events, struct buf *answers);

/* Requires that text is lines of JSON objects, in valid UTF-8, this many. */
void fuzz_require_records(struct str text, size_t lines);

#endif
