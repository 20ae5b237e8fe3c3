/* One line for a trouble, however many meet it. */
#include "stream/trouble.h"
#include "text/say.h"
#include "text/waits.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { QUIET_MS = 900 };

/* Whether something may be said now; then nothing may for a while. */
static bool may_speak(struct trouble *t)
{
	int64_t ms = waits_now();
	if (ms < t->until)
		return false;
	t->until = ms + QUIET_MS;
	return true;
}

void trouble_is(struct trouble *t, const char *what, ...)
{
	char text[sizeof t->said];
	va_list args;
	va_start(args, what);
	vsnprintf(text, sizeof text, what, args);
	va_end(args);
	if (strcmp(text, t->said) == 0 || !may_speak(t))
		return;
	memcpy(t->said, text, sizeof text);
	say("%s", text);
}

void trouble_over(struct trouble *t, const char *what, ...)
{
	char text[sizeof t->said];
	va_list args;
	if (!*t->said || !may_speak(t))
		return;
	*t->said = '\0';
	va_start(args, what);
	vsnprintf(text, sizeof text, what, args);
	va_end(args);
	say("%s", text);
}
