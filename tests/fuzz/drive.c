/*
 * Runs a fuzz target without libFuzzer, so that every `make check` fuzzes for a moment with any compiler. It
 * mutates the target's own corpus; the seed decides everything, so that what broke can be run again. Each
 * input is a block of its own size: a byte read behind it does not go unseen by ASan. With clang's
 * -fsanitize=fuzzer the targets are linked without it.
 */
#include "fuzz.h"
#include <err.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { INPUT_MAX = 1024, COUNT = 100000 };

static const uint8_t *input; /* the one being tried, for the report */
static size_t input_n;

static uint64_t state;

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

/* Tells the input that broke something, in hex, and ends the program the way it was ending. */
static void tell_input(int signal_number)
{
	static const char hex[] = "0123456789abcdef";
	static const char intro[] = "the input, for xxd -r -p: ";
	char line[2 * INPUT_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < input_n && i < INPUT_MAX; i++) {
		line[n++] = hex[input[i] >> 4];
		line[n++] = hex[input[i] & 15];
	}
	line[n++] = '\n';
	if (write(STDERR_FILENO, intro, sizeof(intro) - 1) < 0 || write(STDERR_FILENO, line, n) < 0)
		_exit(1);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

/* Watches the signals that a broken program ends by, but for those that a sanitizer watches. */
static void watch_signals(void)
{
	static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	struct sigaction now, own = {.sa_handler = tell_input};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
			sigaction(signals[i], &own, NULL);
}

/* The next random number below a bound (splitmix64). */
static size_t below(size_t bound)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (size_t)((z ^ z >> 31) % bound);
}

/* Tries an input in a block of exactly its size. */
static void try_input(const uint8_t *bytes, size_t n)
{
	uint8_t *block = malloc(n ? n : 1);

	if (!block)
		err(EX_OSERR, "malloc");
	memcpy(block, bytes, n);
	input = block;
	input_n = n;
	LLVMFuzzerTestOneInput(n ? block : NULL, n);
	free(block);
}

static size_t corpus_n(void)
{
	size_t n = 0;

	while (fuzz_corpus[n])
		n++;
	return n;
}

/* Puts bytes at a place, moving the rest; what has no room is left out. */
static size_t insert(uint8_t *bytes, size_t n, size_t at, const void *more, size_t more_n)
{
	if (n + more_n > INPUT_MAX)
		return n;
	memmove(bytes + at + more_n, bytes + at, n - at);
	memcpy(bytes + at, more, more_n);
	return n + more_n;
}

/* Changes the input in one random way; returns its new length. */
static size_t mutate(uint8_t *bytes, size_t n)
{
	static const char *const tokens[] = {"0", "9", "-", "+", ".", ",", ":", "\"", "\\", "\\u0000", "\\ud800",
		"[", "]", "{", "}", "null", "1e9", " ", "\n", "T", "Z", "/", "x", "ext", "00", "\xc2\xa0",
		"\xe2\x80\x91", "\xff", "\xed\xa0\x80", "\xf0\x9f\x93\x9e"};
	const char *other = fuzz_corpus[below(corpus_n())];
	const char *token = tokens[below(sizeof(tokens) / sizeof(tokens[0]))];
	size_t at = below(n + 1), span = below(n - at + 1), other_at = below(strlen(other) + 1);
	uint8_t copy[INPUT_MAX];

	switch (below(7)) {
	case 0: /* another byte */
		if (at < n)
			bytes[at] = (uint8_t)below(256);
		return n;
	case 1: /* another bit */
		if (at < n)
			bytes[at] ^= (uint8_t)(1u << below(8));
		return n;
	case 2: /* something taken out */
		memmove(bytes + at, bytes + at + span, n - at - span);
		return n - span;
	case 3: /* the end cut off */
		return at;
	case 4: /* something said twice */
		memcpy(copy, bytes + at, span);
		return insert(bytes, n, at, copy, span);
	case 5: /* a piece of another input */
		return insert(bytes, n, at, other + other_at, below(strlen(other) - other_at + 1));
	default:
		return insert(bytes, n, at, token, strlen(token));
	}
}

/* Tries the corpus, then so many mutations of it. */
static void try_random(long count)
{
	uint8_t bytes[INPUT_MAX];

	for (size_t i = 0; fuzz_corpus[i]; i++)
		try_input((const uint8_t *)fuzz_corpus[i], strlen(fuzz_corpus[i]));
	for (long i = 0; i < count; i++) {
		const char *start = fuzz_corpus[below(corpus_n())];
		size_t n = strnlen(start, INPUT_MAX);
		memcpy(bytes, start, n);
		for (size_t changes = 1 + below(4); changes > 0; changes--)
			n = mutate(bytes, n);
		try_input(bytes, n);
	}
}

/* Tries what is in a file, as libFuzzer does. */
static void try_file(const char *path)
{
	static uint8_t bytes[1 << 20];
	FILE *f = fopen(path, "r");

	if (!f)
		err(EX_NOINPUT, "%s", path);
	size_t n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	try_input(bytes, n);
}

static long number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end || n < 0)
		errx(EX_USAGE, "%s: not a count", text);
	return n;
}

int main(int argc, char **argv)
{
	long seed = 1, count = COUNT;

	for (int option; (option = getopt(argc, argv, "n:r:")) != -1;)
		switch (option) {
		case 'n':
			count = number(optarg);
			break;
		case 'r':
			seed = number(optarg);
			break;
		default:
			fprintf(stderr, "usage: %s [-r seed] [-n count] [file ...]\n", argv[0]);
			return EX_USAGE;
		}
	watch_signals();
	state = (uint64_t)seed;
	for (int i = optind; i < argc; i++)
		try_file(argv[i]);
	if (optind == argc)
		try_random(count);
	const char *name = strrchr(argv[0], '/');
	printf("ok 1 - %s keeps its promises for %ld inputs (seed %ld)\n1..1\n", name ? name + 1 : argv[0],
		optind == argc ? count : argc - optind, seed);
	return 0;
}
