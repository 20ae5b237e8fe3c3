/* What -h, -V and a wrong option print: the same way in every command. */
#ifndef USAGE_H
#define USAGE_H

/* text is the whole help: "usage: name [-v] …", then a line for each option. Each ends the process. */
void usage_help(const char *text) __attribute__((noreturn)); /* to standard output, status 0 */
void usage_error(const char *text)
	__attribute__((noreturn));                      /* its first line to standard error, status 64 */
void usage_version(void) __attribute__((noreturn)); /* "categorize 0.1", status 0 */

#endif
