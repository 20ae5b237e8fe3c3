/* Last names, compared as people would: whether two texts are the same family's. */
#ifndef LAST_NAME_H
#define LAST_NAME_H

#include <stdbool.h>

/* Whether two last names (UTF-8) are the same but for case, for what is neither letter nor digit (blanks,
   hyphens, apostrophes), and for marks that only one of them has on a Latin or Greek letter: Muñoz is Munoz,
   Weiß is Weiss, Östman is Ostman, and neither Åstman nor Óstman. A name without a letter or digit, or that
   is no UTF-8, is only what has the same bytes; an empty one is nobody's, not even the same as itself. */
bool last_name_same(const char *x, const char *y);

#endif
