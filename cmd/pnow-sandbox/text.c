/*
 * Small things about text, time and JSON objects that the other files share. Objects are json-c's, since
 * everything here is read from JSON and goes out as JSON; tables from ids, e-mails and phones are json-c's
 * hash tables, too.
 */
#include "text.h"
#include "text/arena.h"
#include "text/jtext.h"
#include <ctype.h>
#include <stdlib.h>

/* A copy of the text. */
char *text_copy(const char *text)
{
	char *copy = allocated(strdup(text));
	return copy;
}

/* A copy in lower case. */
char *text_lower(const char *text)
{
	char *copy = text_copy(text);
	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

/* The digits of a text: what two ways to write a phone number have in common. */
char *text_digits(const char *text)
{
	char *copy = text_copy(text);
	size_t n = 0;
	for (const char *p = text; *p; p++)
		if (isdigit((unsigned char)*p))
			copy[n++] = *p;
	copy[n] = '\0';
	if (n)
		return copy;
	free(copy);
	return NULL;
}

/* A member of an object; NULL where it is null, missing, or object is none. */
struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;
	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, name, &value);
	return value;
}

/* A member that is a string. */
const char *member_text(struct json_object *object, const char *name)
{
	struct json_object *value = member(object, name);
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

/* A member that is a string or a number: ids are written as either. */
const char *member_scalar(struct json_object *object, const char *name)
{
	struct json_object *value = member(object, name);
	if (!json_object_is_type(value, json_type_string) && !json_object_is_type(value, json_type_int))
		return NULL;
	return json_object_get_string(value);
}

/* Sets a member to text. */
void member_set(struct json_object *object, const char *name, const char *text)
{
	if (text)
		json_object_object_add(object, name, json_object_new_string(text));
}

/* The next member of an object. */
bool each_member(struct json_object *object, struct each *m)
{
	if (!m->begun && json_object_is_type(object, json_type_object))
		m->at = lh_table_head(json_object_get_object(object));
	else if (m->begun)
		m->at = lh_entry_next(m->at);
	m->begun = true;
	if (!m->at)
		return false;
	m->name = lh_entry_k(m->at);
	m->value = (struct json_object *)lh_entry_v(m->at);
	return true;
}

/* The text as json-c has it. */
struct json_object *json_parsed(struct str text)
{
	struct json_tokener *tokener = allocated(json_tokener_new_ex(JTEXT_DEPTH + 1));
	struct json_object *json = json_tokener_parse_ex(tokener, text.p, (int)text.n);
	json_tokener_free(tokener);
	return json;
}

/* A copy that shares nothing with the original. */
struct json_object *json_copy(struct json_object *original)
{
	struct json_object *copy = NULL;
	if (original && json_object_deep_copy(original, &copy, NULL) != 0)
		out_of_memory();
	return copy;
}

/* Frees the key of an entry that goes. */
static void free_key(struct lh_entry *e)
{
	free(lh_entry_k(e));
}

/* An empty table. */
struct lh_table *index_new(void)
{
	struct lh_table *index = allocated(lh_kchar_table_new(64, free_key));
	return index;
}

/* Lets key lead to value. */
void index_put(struct lh_table *index, char *key, const void *value)
{
	lh_table_delete(index, key);
	if (lh_table_insert(index, key, value) != 0)
		out_of_memory();
}

/* What key leads to. */
void *index_get(struct lh_table *index, const char *key)
{
	void *value = NULL;
	if (key)
		lh_table_lookup_ex(index, key, &value);
	return value;
}

/* Forgets key. */
void index_drop(struct lh_table *index, const char *key, const void *value)
{
	if (key && index_get(index, key) == value)
		lh_table_delete(index, key);
}
