/* The floor of json-c: each line of standard input is parsed and printed, and nothing else. Strict, as a
 * filter must be. */
#include <err.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

int main(void)
{
	struct json_tokener *tokener = json_tokener_new();
	char *line = NULL;
	size_t room = 0;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
		json_tokener_reset(tokener);
		struct json_object *object = json_tokener_parse_ex(tokener, line, (int)n);
		if (!object)
			errx(EX_DATAERR, "%s", json_tokener_error_desc(json_tokener_get_error(tokener)));
		puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(object);
	}
	free(line);
	json_tokener_free(tokener);
	return fflush(stdout) == 0 ? 0 : EX_CANTCREAT;
}
