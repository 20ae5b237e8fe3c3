/*
 * Runs a fuzz target over its corpus without libFuzzer, so that `make check` tries every input that was ever
 * worth keeping, with any compiler. Each input is a block of its own size: a byte read behind it does not go
 * unseen by ASan.
 */
#include "fuzz.h"

#include <dirent.h>
#include <err.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 20 };

static const char *trying; /* the file, for the report */

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

/* Sanitizers end the program by abort, so that the input is told. */
const char *__asan_default_options(void)
{
	return "abort_on_error=1";
}

const char *__ubsan_default_options(void)
{
	return "abort_on_error=1:print_stacktrace=1";
}

/* Tells the input that broke something, and ends the program the way it was ending. */
static void tell_input(int signal_number)
{
	static const char intro[] = "the input: ";
	if (write(STDERR_FILENO, intro, strlen(intro)) < 0 || write(STDERR_FILENO, trying, strlen(trying)) < 0 ||
		write(STDERR_FILENO, "\n", 1) < 0)
		_exit(1);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

/* Watches the signals that a broken program ends by, but for those that a sanitizer watches. */
static void watch_signals(void)
{
	static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	struct sigaction now, own = {.sa_handler = tell_input};
	for (size_t i = 0; i < COUNT(signals); i++)
		if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
			sigaction(signals[i], &own, NULL);
}

/* Tries what is in a file. */
static void try_file(const char *path)
{
	static uint8_t bytes[INPUT_MAX];
	FILE *f = fopen(path, "r");
	if (!f)
		err(EX_NOINPUT, "%s", path);
	size_t n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	uint8_t *block = malloc(n ? n : 1);
	if (!block)
		err(EX_OSERR, "malloc");
	memcpy(block, bytes, n);
	trying = path;
	LLVMFuzzerTestOneInput(block, n);
	trying = "";
	free(block);
}

/* Tries a file, or all files of a folder; how many. */
static size_t try_path(const char *path)
{
	struct dirent **entries;
	int found = scandir(path, &entries, NULL, alphasort);
	size_t tried = 0;
	if (found < 0) {
		try_file(path);
		return 1;
	}
	for (int i = 0; i < found; free(entries[i++])) {
		char file[PATH_MAX];
		if (entries[i]->d_name[0] == '.')
			continue;
		snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
		try_file(file);
		tried++;
	}
	free(entries);
	return tried;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
	char corpus[PATH_MAX];
	size_t tried = 0;
	snprintf(corpus, sizeof corpus, "tests/fuzz/corpus/%s", name);
	trying = "";
	watch_signals();
	if (argc == 1)
		tried += try_path(corpus);
	for (int i = 1; i < argc; i++)
		tried += try_path(argv[i]);
	printf("%sok 1 - %s keeps its promises for %zu inputs\n1..1\n", tried ? "" : "not ", name, tried);
	return !tried;
}
