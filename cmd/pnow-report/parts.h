/* The page's sections. Each says in a sentence what is to be seen, shows it, and has it as a table. */
#ifndef PARTS_H
#define PARTS_H

#include "report.h"

/* part_events.c */
void part_practices(const struct report *r, struct buf *out);
void part_events(const struct report *r, struct buf *out);

/* part_worth.c */
void part_funnels(const struct report *r, struct buf *out);
void part_value(const struct report *r, struct buf *out);

/* part_wrong.c */
void part_causes(const struct report *r, struct buf *out);
void part_uncategorized(const struct report *r, struct buf *out);
void part_audit(const struct report *r, struct buf *out);

/* part_cost.c */
void part_waits(const struct report *r, struct buf *out);
void part_calls(const struct report *r, struct buf *out);

#endif
