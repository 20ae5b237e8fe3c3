/* Reading a small file whole: configuration, profile, sheet, key. */
#ifndef FILE_H
#define FILE_H

#include "text/arena.h"

/* The file's bytes, the arena's, n of them, with a NUL behind. NULL where it cannot be read; errno says why.
 */
char *file_read(struct arena *a, const char *path, size_t *n);

/* A descriptor to read a file; -1: errno. Does not wait for somebody to write where it is a pipe. */
int file_open(const char *path);

/* The one name of a file, however it is spelled: without links, "." and "..". Of one that is not there, its
   folder's with its own; where that is not there either, path. The arena's, or path. */
const char *file_real(struct arena *a, const char *path);

/* The line of a place in a text, from 1. */
size_t file_line(struct str text, const char *at);

/* Blanks out // and slash-star comments outside of JSON strings; newlines stay, so lines keep their numbers.
 */
void file_uncomment(char *json, size_t n);

#endif
