/*
 * Files that people write in JSON with comments: configuration and profiles. Every mistake ends the process
 * with status 78 and one line: file, line, place, what was found, what was expected.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "text/arena.h"
#include "text/jtext.h"

#include <stdint.h>

struct settings {
	const char *file;    /* as given */
	struct str text;     /* the whole file, comments blanked out */
	struct str root;     /* the object it holds */
	struct arena *arena; /* owns what is read */
};

/* Reads a file that holds one object; what names it in messages ("the configuration"). */
struct settings settings_read(struct arena *arena, const char *file, const char *what);

/* Ends the process: the value at this place is wrong. */
void settings_wrong(const struct settings *s, struct str at, const char *format, ...)
	__attribute__((format(printf, 3, 4), noreturn));

/* What a value is, in words ("a list"). Never its text, which may be a secret in the wrong place. */
const char *settings_found(const struct settings *s, struct str value);

/* The members of the object at key; no object, a name given twice, or with a control character, is wrong. */
struct jtext_members settings_members(const struct settings *s, const char *key, struct str value);

/* A member's name, decoded. */
const char *settings_name(const struct settings *s, const struct jtext_member *member);

/* The text at key; anything else, "", and a control character in it are wrong. */
const char *settings_text(const struct settings *s, const char *key, struct str value);

/* A list of texts, n of them; anything else is wrong. */
const char **settings_texts(const struct settings *s, const char *key, struct str value, size_t *n);

/* A whole number at key; anything else, and one that is not in this range, is wrong. */
int64_t settings_number(
	const struct settings *s, const char *key, struct str value, int64_t least, int64_t most);

/* Stores the value at key in place, or ends the process where it is wrong. */
typedef void settings_store(const struct settings *s, const char *key, struct str value, void *place);

settings_store settings_store_text; /* const char * */
settings_store settings_store_bool; /* bool */
/* const char *, without slashes at its end: https://, or http:// to this machine, where nobody can listen in.
 */
settings_store settings_store_url;

/* A key that an object may have: its path in there, with dots (oauth.client_id), and where its value goes. */
struct settings_key {
	const char *path;
	settings_store *store;
	size_t offset; /* in what is filled */
};

/* Fills what is at place from the object at key ("": the file's root). Ends the process at a key that is no
   row, and names the row that is most like it. */
void settings_fill(const struct settings *s, const char *key, struct str value,
	const struct settings_key *keys, size_t n, void *place);

#endif
