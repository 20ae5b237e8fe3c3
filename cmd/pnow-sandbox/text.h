/* Small things about text, time and JSON. */
#ifndef SANDBOX_TEXT_H
#define SANDBOX_TEXT_H

#include "text/str.h"
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* A copy; without memory the program ends with status 70, as everywhere in lib. */
char *text_copy(const char *text);
/* The text with ASCII letters in lower case; its digits only, NULL where it has none. To be freed. */
char *text_lower(const char *text);
char *text_digits(const char *text);
/* The member's text; NULL where there is none or it is no string. A number counts as text for scalar. */
const char *member_text(struct json_object *object, const char *name);
const char *member_scalar(struct json_object *object, const char *name);
struct json_object *member(struct json_object *object, const char *name);
/* Sets a member to text; nothing where text is NULL. */
void member_set(struct json_object *object, const char *name, const char *text);
/* Walks an object: m starts as {0}; false after the last member. The object must not change meanwhile. */
struct each {
	const char *name;
	struct json_object *value; /* NULL: null */
	struct lh_entry *at;
	bool begun;
};
bool each_member(struct json_object *object, struct each *m);
/* What jtext_check has found to be JSON; NULL for null, and for a number alone. Of json-c's own strict mode
 * some versions let control characters pass, and 0.18 refuses all that is not ASCII. */
struct json_object *json_parsed(struct str text);
/* A copy that shares nothing with the original. */
struct json_object *json_copy(struct json_object *original);
/* A hash table from text that it frees to something it does not own. */
struct lh_table *index_new(void);
/* Takes key over; what the key led to before is forgotten. */
void index_put(struct lh_table *index, char *key, const void *value);
void *index_get(struct lh_table *index, const char *key);
/* Forgets the key, if it leads to value. */
void index_drop(struct lh_table *index, const char *key, const void *value);

#endif
