/* Memory with one owner and one end: everything that is made for a record is freed with it. */
#ifndef ARENA_H
#define ARENA_H

#include "text/str.h"
#include <stdarg.h>

/* Ends the program: one line on stderr, status 70 (EX_SOFTWARE). */
void out_of_memory(void) __attribute__((noreturn));
/* What malloc(3) and its kin gave; without memory the program ends. */
void *allocated(void *memory);

struct arena_block;
struct arena {
	struct arena_block *first; /* zero-initialise an arena; it grows when first used */
};

/* n bytes, zeroed, aligned for any type. Never NULL: without memory the program ends. */
void *arena_alloc(struct arena *a, size_t n);
/* A copy with a NUL at its end. */
char *arena_copy(struct arena *a, struct str text);
/* Formatted text, as printf(3). */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
/* Forgets what was made; keeps one block for the next record. */
void arena_reset(struct arena *a);
/* What another arena has made is a's from now on; the other is empty. */
void arena_join(struct arena *a, struct arena *other);
/* Gives all memory back. */
void arena_free(struct arena *a);

#endif
