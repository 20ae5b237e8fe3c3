/*
 * JSON as text: checked strictly once, then read where it stands. No tree is built, so what a filter does not
 * read it passes on byte for byte (12.10 stays 12.10, a 20-digit id stays whole), which no parser that makes
 * numbers can. For JSON that we build or take apart at leisure (configuration, answers of the CRM) there is
 * json-c.
 */
#ifndef JTEXT_H
#define JTEXT_H

#include "text/arena.h"
#include "text/str.h"

enum { JTEXT_DEPTH = 128 }; /* deeper nesting is refused */

enum jtext_type {
	JTEXT_NONE, /* no value: p is NULL */
	JTEXT_OBJECT,
	JTEXT_ARRAY,
	JTEXT_STRING,
	JTEXT_NUMBER,
	JTEXT_TRUE,
	JTEXT_FALSE,
	JTEXT_NULL,
};

struct jtext_error {
	size_t at;        /* offset of the first byte that does not fit */
	const char *what; /* what is wrong there; a constant */
};

struct jtext_member {
	struct str name;  /* between the quotes, escapes as written */
	struct str value; /* the value's text, without surrounding blanks */
};

struct jtext_members {
	struct jtext_member *at;
	size_t n;
	size_t room;
};

/* Whether bytes are valid UTF-8. */
bool jtext_is_utf8(struct str bytes);

/* Whether text is exactly one JSON value (RFC 8259) in valid UTF-8. Where not, *error says what and where. */
bool jtext_check(struct str text, struct jtext_error *error);

/* jtext_check for a value that is to stand that many levels deep inside another, which must not become too
 * deep by it. */
bool jtext_check_inside(struct str text, int levels, struct jtext_error *error);

/* As jtext_check, for an object; collects its members in the same pass. members->at is kept and grown with
   realloc(3) between calls: free(3) it at the end. */
bool jtext_check_object(struct str text, struct jtext_members *members, struct jtext_error *error);

/* The members of an object inside a text that was checked; the array is the arena's. An empty list if it is
 * no object. */
struct jtext_members jtext_members(struct arena *a, struct str object);

/* Walks an object (checked before): at starts as NULL; returns false after the last member. */
bool jtext_next_member(struct str object, const char **at, struct jtext_member *member);

/* The first name that is given twice, or NULL. Names are compared decoded ("i\u0064" is "id"). */
const char *jtext_twice(struct arena *a, const struct jtext_members *members);

/* Whether a member's name as written is this one. */
bool jtext_named(struct str written, const char *name);

/* The member's value; p NULL where there is none. */
struct str jtext_member(const struct jtext_members *members, const char *name);

/* A member's value, straight from the object's text (checked before). */
struct str jtext_get(struct str object, const char *name);

/* Walks an array: at starts as {0}; returns false after the last element. */
bool jtext_next(struct str array, struct str *at);

enum jtext_type jtext_type(struct str value);

/* A string's text, decoded, with a NUL at its end; a lone surrogate and U+0000 become U+FFFD. NULL if it is
 * no string. */
char *jtext_string(struct arena *a, struct str value);

/* A string's text, a number's text as written, or "true"/"false": what an id or a name may come as. Else
 * NULL. */
char *jtext_scalar(struct arena *a, struct str value);

#endif
