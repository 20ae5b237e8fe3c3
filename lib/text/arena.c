/*
 * An arena is a chain of blocks. The first block stays from record to record, so a stream of ordinary records
 * allocates nothing after its first; a record that needed more gives the rest back when it is done.
 */
#include "text/arena.h"

#include <err.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum { BLOCK = 8 * 1024 };

struct arena_block {
	struct arena_block *next; /* older blocks */
	size_t used;
	size_t room;
	alignas(max_align_t) char bytes[];
};

void out_of_memory(void)
{
	errx(EX_SOFTWARE, "out of memory");
}

void *allocated(void *memory)
{
	if (!memory)
		out_of_memory();
	return memory;
}

/* A block with room for n bytes becomes the arena's first. */
static struct arena_block *grow(struct arena *a, size_t n)
{
	size_t room = n > BLOCK ? n : BLOCK;
	struct arena_block *block = allocated(malloc(sizeof *block + room));
	*block = (struct arena_block){.next = a->first, .room = room};
	a->first = block;
	return block;
}

static void *take(struct arena *a, size_t n)
{
	n = (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	struct arena_block *block = a->first;
	if (!block || block->room - block->used < n)
		block = grow(a, n);
	void *p = block->bytes + block->used;
	block->used += n;
	return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
	return memset(take(a, n), 0, n);
}

char *arena_copy(struct arena *a, struct str text)
{
	char *p = take(a, text.n + 1);
	if (text.n)
		memcpy(p, text.p, text.n);
	p[text.n] = '\0';
	return p;
}

/* Text is written where the next allocation would be; only where it must go elsewhere is it formatted twice.
 */
char *arena_vprintf(struct arena *a, const char *format, va_list args)
{
	struct arena_block *block = a->first;
	char *next = block ? block->bytes + block->used : NULL;
	va_list again;
	va_copy(again, args);
	int n = vsnprintf(next, block ? block->room - block->used : 0, format, args);
	if (n < 0)
		err(EX_SOFTWARE, "cannot format \"%s\"", format);
	char *p = take(a, (size_t)n + 1);
	if (p != next)
		vsnprintf(p, (size_t)n + 1, format, again);
	va_end(again);
	return p;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *p = arena_vprintf(a, format, args);
	va_end(args);
	return p;
}

void arena_reset(struct arena *a)
{
	struct arena_block *block = a->first;
	if (!block)
		return;
	while (block->next) {
		struct arena_block *next = block->next;
		free(block);
		block = next;
	}
	if (block->room > BLOCK) {
		free(block);
		block = NULL;
	} else {
		block->used = 0;
	}
	a->first = block;
}

void arena_join(struct arena *a, struct arena *other)
{
	struct arena_block **last = &a->first;
	while (*last)
		last = &(*last)->next;
	*last = other->first;
	other->first = NULL;
}

void arena_free(struct arena *a)
{
	while (a->first) {
		struct arena_block *next = a->first->next;
		free(a->first);
		a->first = next;
	}
}
