/* The part of the record loop where records share an end. For record.c only. */
#ifndef GROUP_H
#define GROUP_H

#include "stream/pool.h"

/* Reads the stream to its end; what has become of a record is written after loop->commit. */
void group_run(const struct record_loop *loop, struct stream *stream, struct record_tally *tally);

#endif
