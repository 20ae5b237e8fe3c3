/* Help goes to standard output, because it was asked for; a mistake gets the usage line alone, and where to
 * find more. */
#include "usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

void usage_help(const char *text)
{
	fputs(text, stdout);
	exit(fflush(stdout) == 0 ? EX_OK : EX_CANTCREAT);
}

void usage_error(const char *text)
{
	fprintf(stderr, "%.*s\n%s -h tells more\n", (int)strcspn(text, "\n"), text, getprogname());
	exit(EX_USAGE);
}

void usage_version(void)
{
	printf("%s %s\n", getprogname(), PNOW_VERSION);
	exit(fflush(stdout) == 0 ? EX_OK : EX_CANTCREAT);
}
