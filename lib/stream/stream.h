/* Lines in from standard input or a file, bytes out to standard output, and the signals that end a filter:
 * once per process. */
#ifndef STREAM_H
#define STREAM_H

#include "text/buf.h"

struct stream;

/* Opens both ends. The longest line is max bytes; SIGTERM and SIGINT end the input, SIGPIPE is an error of
 * stream_write. */
struct stream *stream_open(size_t max);

/* Goes on with another file in place of standard input; fd is the stream's from now on. */
void stream_file(struct stream *s, int fd);
/* Whether the input has come to its end by itself: without a signal or an error, and with a reader of the
   output still there. */
bool stream_ended(const struct stream *s);
/* The exit status that tells how the input went: 74 where it could not be read to its end, which has been
 * said; else 0. */
int stream_status(const struct stream *s);

enum stream_line {
	STREAM_END,  /* end of file, a signal, or the output has failed */
	STREAM_LINE, /* a whole line, without its newline; valid until the next call */
	STREAM_PART, /* a piece of a line that is longer than max; more pieces follow */
	STREAM_LAST, /* its last piece */
};

/* The next line. Before waiting for one it flushes the output. */
enum stream_line stream_read(struct stream *s, struct str *line);

/* Appends to the output; may be called from any thread. Where the reader waits for input, it goes out at
 * once. */
void stream_write(struct stream *s, struct str bytes);

/* Has called() called whenever there is nothing to read for now, before the output is flushed. */
void stream_on_wait(struct stream *s, void (*called)(void *context), void *context);

/* SIGTERM and SIGINT do not end the input: who feeds it hears them, and ends it. To be called before it is
 * read. */
void stream_drains(void);

/* Ends the process by the signal that has ended the input, if one has. */
void stream_raise(void);

/* What was written goes out. */
void stream_flush(struct stream *s);

/* The reader waits for something else than input: what is written meanwhile goes out at once. */
void stream_waits(struct stream *s, bool waits);

/* Writes the rest, and frees the stream. Returns the errno of what could not be written, or 0. */
int stream_end(struct stream *s);

/* Ends the process, whose output could not be written: status 73, quietly by SIGPIPE if its reader has
 * gone. */
_Noreturn void stream_die(int failed);

/* stream_end, and stream_die where there is cause. */
void stream_close(struct stream *s);

#endif
