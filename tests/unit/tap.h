/* What a unit test needs to speak TAP (Test Anything Protocol): ok, is_text, done. */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_tests, tap_failures;

/* Prints the test's line; the name is formatted text. */
static inline void tap_line(bool pass, const char *format, va_list args)
{
	printf("%sok %d - ", pass ? "" : "not ", ++tap_tests);
	vprintf(format, args);
	putchar('\n');
	if (!pass)
		tap_failures++;
}

/* A test that passes or not. Returns pass, so that a caller can say more where it failed. */
__attribute__((format(printf, 2, 3))) static inline bool ok(bool pass, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tap_line(pass, format, args);
	va_end(args);
	return pass;
}

/* A test that got is want, either of which may be NULL; shows both where they differ. */
__attribute__((format(printf, 3, 4))) static inline bool is_text(
	const char *got, const char *want, const char *format, ...)
{
	bool same = got == want || (got && want && strcmp(got, want) == 0);
	va_list args;

	va_start(args, format);
	tap_line(same, format, args);
	va_end(args);
	if (!same)
		printf("#  got: %s\n# want: %s\n", got ? got : "(none)", want ? want : "(none)");
	return same;
}

/* Prints the plan; what main returns. */
static inline int done(void)
{
	printf("1..%d\n", tap_tests);
	return tap_failures ? 1 : 0;
}

#endif
