/*
 * pnow-profile: makes the profile of an EMR, and shows what it does. It reads files and writes to standard
 * output; nobody is asked, nothing is stored.
 */
#include "pnow-profile.h"
#include "conf/confine.h"
#include "conf/options.h"
#include "value/when.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
	"usage: pnow-profile [-v] [-b PROFILE] [-c FILE] [-p PROFILE] explain|event|test|check|learn [ARG ...]\n"
	"Makes the profile of an EMR, and shows what it does. A BODY is a webhook's, or a request that pnow-hook -r recorded.\n"
	"  explain [BODY ...]   where each fact was found, and what nothing reads (else standard input)\n"
	"  event [BODY ...]     the event that it makes\n"
	"  test DIR ...         whether each DIR/NAME.json makes DIR/NAME.event.json\n"
	"  check [PROFILE ...]  whether a profile is sound\n"
	"  learn BODY ...       write a profile for such bodies\n"
	"  -b PROFILE  learn: take what bodies do not tell (the API) from this one\n"
	"  -c FILE     the practice's configuration (else $PNOW_CONFIG), which names the profile and the time zone\n"
	"  -p PROFILE  this profile, a path or a name; without a configuration times are in UTC\n"
	"  -v          explain: values, too\n"
	"  -h, -V      this help, the version\n";

struct arguments {
	const char *base, *profile;
};

static void take_option(int letter, void *context)
{
	struct arguments *a = context;
	*(letter == 'b' ? &a->base : &a->profile) = optarg;
}

static const struct command {
	const char *name;
	int (*run)(struct task *t, char **arguments); /* NULL: check */
	bool reads_profile, needs_argument;
} commands[] = {
	{"explain", explain, true, false},
	{"event", event, true, false},
	{"test", test, true, true},
	{"check", NULL, false, false},
	{"learn", learn, false, true},
};

static const struct command *find_command(const char *word)
{
	for (size_t i = 0; i < COUNT(commands); i++)
		if (strcmp(commands[i].name, word) == 0)
			return &commands[i];
	if (!*word)
		usage_error(usage);
	usage_unknown(usage, word, &commands[0].name, sizeof *commands, COUNT(commands));
}

int main(int argc, char *argv[])
{
	struct task t = {0};
	struct arguments a = {0};
	struct options o = {
		.usage = usage, .letters = "+b:c:hp:vV", .own = take_option, .context = &a, .arguments = true};
	options_read(argc, argv, &o);
	const char *word = optind < argc ? argv[optind++] : "";
	options_read(argc, argv, &o); /* those behind the word */
	const struct command *command = find_command(word);
	char **rest = argv + optind;
	bool checks = command->run == NULL, needs = command->reads_profile && !a.profile;
	if ((command->needs_argument && !*rest) || (a.base && command->run != learn))
		usage_error(usage);
	when_zone("UTC");
	needs |= checks && !a.profile && !*rest;
	struct conf *conf = o.file || needs || getenv("PNOW_CONFIG") ? conf_read(o.file) : NULL;
	const char *file = conf ? conf->file : "-p", *name = a.profile ? a.profile
														 : conf    ? conf->patientnow.profile
																   : NULL;
	struct profile *profile = command->reads_profile ? profile_read(name, file) : NULL;
	confine(CONFINE_FILTER, NULL, 0, false);
	t.profile = profile;
	t.base = a.base;
	t.verbose = o.verbose;
	int status = checks ? check(*rest ? rest : (char *[]){(char *)name, NULL}, file) : command->run(&t, rest);
	arena_free(&t.a);
	profile_free(profile);
	conf_free(conf);
	return status;
}
