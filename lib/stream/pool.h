/* The parallel half of the record loop, and what its parts share. For record.c, group.c and pool.c only. */
#ifndef POOL_H
#define POOL_H

#include "stream/record.h"
#include "stream/stream.h"

struct record_tally {
	size_t records;
	size_t failed; /* of them carry an error */
	size_t retry;  /* of these are worth trying again */
};

/* Reads r->line into r->members. False where it is no record, with an error record in out, or nothing but
 * blanks. */
bool record_read(struct record *r, struct buf *out);

/* Calls the loop's function and writes what has become of the record, with its newline. */
void record_work(struct record *r, const struct record_loop *loop, struct buf *out);

/* Counts a record that has been written. */
void record_count(struct record_tally *tally, const struct record *r);

/* Reads the stream to its end and works on up to loop->parallel records at once. */
void pool_run(const struct record_loop *loop, struct stream *stream, struct record_tally *tally);

#endif
