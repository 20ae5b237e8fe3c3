/* The page's sections, in the order in which they stand. */
#ifndef PARTS_H
#define PARTS_H

#include "report.h"

void part_practices(const struct report *r, struct buf *out);
void part_events(const struct report *r, struct buf *out);
void part_funnels(const struct report *r, struct buf *out);
void part_value(const struct report *r, struct buf *out);
void part_causes(const struct report *r, struct buf *out);
void part_uncategorized(const struct report *r, struct buf *out);
void part_waits(const struct report *r, struct buf *out);
void part_calls(const struct report *r, struct buf *out);
void part_audit(const struct report *r, struct buf *out);

#endif
