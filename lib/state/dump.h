/*
 * The whole state as lines of JSON, and back: for backups, and for another machine or engine. The first line
 * tells whose it is and when it was made, the last how many there are; each between them is one thing that is
 * remembered, named after what it is: an event, an effect, a bill. Times are milliseconds since 1970.
 */
#ifndef DUMP_H
#define DUMP_H

#include "state/state.h"
#include "text/jtext.h"

/* Gives everything that is remembered at one moment to write(), line by line, without newlines; others read
   and write meanwhile. An event that is in a pipeline waits there: whoever loads it has no such pipeline.
   *made: that moment. False where the state cannot be read, or write() was false. */
bool dump_write(struct state *s, const char *practice, bool (*write)(struct str line, void *context),
	void *context, int64_t *made);

/* Writes down that a dump made then is whole and kept. False where the state cannot be written. */
bool dump_keep(struct state *s, int64_t made);
/* When the last such dump was made; 0: never. False where that cannot be told. */
bool dump_last(struct state *s, int64_t *made);

/* A dump that is being read into a state where nothing is, in one transaction. */
struct dump_load {
	struct state *state;
	const char *practice;
	int64_t made;  /* as the dump's first line tells */
	int64_t lines; /* that were read */
	char why[256]; /* what is wrong, where a function is false: with the last of them, if any was read */
	int64_t records;
	bool ended; /* its last line was read */
	struct arena arena;
	struct jtext_members members; /* of the line */
};

/* Begins; false: something is in the state already, or it cannot be written. */
bool dump_load_begin(struct dump_load *load, struct state *s, const char *practice);
/* Takes the next line; false: it is no line of a dump, or cannot follow those before. */
bool dump_load_line(struct dump_load *load, struct str line);
/* Must follow dump_load_begin that was true: everything is in the state; with done false, or where the dump
   was cut off, nothing. worked: until when things may have been done of which the dump does not know, for
   ledger_gap; before it was made: none were. */
bool dump_load_end(struct dump_load *load, bool done, int64_t worked);

#endif
