/* Mistakes are found deep in what reads a file, where nothing can be done about them but to stop reading: so
 * there is a jump back to whoever wants to go on. */
#include "conf/mistake.h"

#include <err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

static _Thread_local struct catcher {
	jmp_buf back;
	char *why;
} * catcher;

void mistake(const char *format, ...)
{
	char text[MISTAKE_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (!catcher)
		errx(EX_CONFIG, "%s", text);
	snprintf(catcher->why, MISTAKE_MAX, "%s", text);
	longjmp(catcher->back, 1);
}

bool mistake_caught(void (*read)(void *context), void *context, char why[static MISTAKE_MAX])
{
	struct catcher mine = {.why = why}, *const outer = catcher;
	bool done = setjmp(mine.back) == 0;
	if (done) {
		catcher = &mine;
		read(context);
	}
	catcher = outer;
	return done;
}
