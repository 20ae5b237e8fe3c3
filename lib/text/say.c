/* Lines on standard error, whole. */
#include "text/say.h"
#include "text/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void say(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = allocated(NULL);
	va_end(args);
	dprintf(STDERR_FILENO, "%s: %s\n", getprogname(), text);
	free(text);
}
