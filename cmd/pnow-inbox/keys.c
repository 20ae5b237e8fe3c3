/* Lists of ids that grow, as JSON for SQL. */
#include "pnow-inbox.h"

#include <stdlib.h>

bool keys_has(const struct keys *k, const char *key)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->at[i], key) == 0)
			return true;
	return false;
}

void keys_add(struct keys *k, const char *key)
{
	if (keys_has(k, key))
		return;
	k->at = allocated(reallocarray(k->at, k->n + 1, sizeof *k->at));
	k->at[k->n++] = key;
}

const char *keys_json(struct arena *a, const struct keys *k)
{
	struct buf json = {0};
	buf_putc(&json, '[');
	for (size_t i = 0; i < k->n; i++) {
		if (i)
			buf_putc(&json, ',');
		buf_json(&json, str_of(k->at[i]));
	}
	buf_putc(&json, ']');
	const char *list = buf_take(&json, a).p;
	return list;
}

void keys_free(struct keys *k)
{
	free(k->at);
}
