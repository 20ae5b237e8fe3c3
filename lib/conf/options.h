/* The options that mean the same in every command, and what -h, -V and a wrong option print. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct options {
	const char *usage;   /* the whole help: "usage: name [-v] …", then a line for each option */
	const char *letters; /* that the command takes, as for getopt(3): of c:hj:not:vV, and its own */
	void (*own)(int letter, void *context); /* is given its own; NULL: it has none */
	void *context;

	bool arguments; /* it takes arguments: they begin at optind */

	const char *file;  /* -c, or NULL */
	unsigned parallel; /* -j; set the default before */
	unsigned seconds;  /* -t; set the default before */
	bool dry;          /* -n */
	bool in_order;     /* -o */
	bool verbose;      /* -v */
};

/* Begins the program, and reads a command's options. Ends the process for -h and -V (status 0) and
   for a mistake (status 64). */
void options_read(int argc, char *argv[], struct options *o);

/* The next option's letter, as getopt(3) has it; --help is h and --version is V. */
int options_next(int argc, char *argv[], const char *letters);

/* What every command begins with: names the program for messages; makes a write past the limit of a file's
   size (RLIMIT_FSIZE) fail like one to a full disk, with EFBIG, where it would end the process; and has
   standard input and output that are closed fail where they are used. */
void program_begin(const char *name);

void usage_help(const char *text) __attribute__((noreturn)); /* to standard output, status 0 */
void usage_error(const char *text)
	__attribute__((noreturn)); /* its first line to standard error, status 64 */
/* usage_error for a word that is none of ours, and which of them is nearest. known is the first word's place
   in a table of n rows, each of size bytes. */
void usage_unknown(const char *text, const char *word, const void *known, size_t size, size_t n)
	__attribute__((noreturn));
void usage_version(void) __attribute__((noreturn)); /* "categorize 0.1", status 0 */

#endif
