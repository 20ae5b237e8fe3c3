/*
 * What this machine and the practice's own files must have. A file that another command reads is read here as
 * that command does, in a child of its own (trial), because its mistakes end a process.
 */
#include "setup.h"
#include "conf/profile.h"
#include "conf/secret.h"
#include "conf/sheet.h"
#include "conf/verifier.h"
#include "net/limit.h"
#include "value/when.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

static void check_configuration(struct setup *s)
{
	struct stat st;
	char now[32];
	time_t t = time(NULL);
	struct tm tm;
	const char *file = s->conf->file;
	if (stat(file, &st) == 0 && (st.st_mode & 022))
		tell(s, WARNING, "configuration", NULL,
			arena_printf(
				&s->arena, "%s: others may change it (mode %04o)", file, (unsigned)st.st_mode & 07777),
			arena_printf(&s->arena, "It says where patients' records go: chmod go-w %s", file));
	else
		tell(s, OK, "configuration", NULL, file, NULL);
	strftime(now, sizeof now, "%Y-%m-%d %H:%M", localtime_r(&t, &tm));
	tell(s, OK, "time zone", NULL, arena_printf(&s->arena, "%s, where it is %s", s->conf->timezone, now),
		NULL);
	tell(s, OK, "country", NULL,
		arena_printf(&s->arena, "%s, for phone numbers without a country code", s->conf->country), NULL);
}

/* The folder of a path, the arena's. */
static const char *folder_of(struct setup *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? arena_copy(&s->arena, (struct str){path, slash == path ? 1 : (size_t)(slash - path)})
				 : ".";
}

/* Whether a state file made now would be of no use to those who work with it: root's, in another's folder. */
static bool is_wrong_user(struct setup *s, const char *folder)
{
	struct stat st;
	if (geteuid() != 0 || stat(folder, &st) < 0 || st.st_uid == 0)
		return false;
	const char *name = user_from_uid(st.st_uid, 0);
	tell(s, WRONG, "user", NULL, arena_printf(&s->arena, "root, and the folder %s is %s's", folder, name),
		arena_printf(&s->arena, "Run it as the services run: su -s /bin/sh %s -c 'crm-setup -c %s'", name,
			s->conf->file));
	return true;
}

static void check_disk(struct setup *s, const char *folder)
{
	int64_t mib = state_room(s->conf->state);
	if (mib < 0)
		return; /* then the state file cannot be opened either, and that is told */
	const char *found = arena_printf(&s->arena, "%lld MiB free in %s", (long long)mib, folder);
	if (mib >= STATE_ROOM_GOOD)
		tell(s, OK, "disk", NULL, found, NULL);
	else
		tell(s, mib < STATE_ROOM_LEAST ? WRONG : WARNING, "disk", NULL, found,
			"Make room, or move the state file to a larger disk: what cannot be stored is not accepted. "
			"pnow-inbox purge forgets old bodies.");
}

static void try_limits(struct setup *s, const void *about)
{
	(void)about;
	limits_close(limits_open(s->conf->state));
	locks_close(locks_open(s->conf->state));
}

/* Says that the state is of no use now, and forgets it, so that nothing that follows from it is told. */
static void tell_state(struct setup *s, const char *found, const char *mend)
{
	tell(s, WRONG, conf_state_noun(s->conf->state), NULL, found, mend);
	state_close(s->state);
	s->state = NULL;
}

static void check_database(struct setup *s)
{
	static const char mend[] =
		"See PostgreSQL in pnow-operations(7); psql with this URI, as the user of the services, must work first.";
	struct state_failure why = {0};
	const char *state = s->conf->state;
	s->state = state_try(state, 10000, &why);
	if (s->state && !state_can_write(s->state))
		tell_state(s, arena_copy(&s->arena, str_of(state_trouble(s->state))), mend);
	else if (s->state)
		tell(s, OK, conf_state_noun(state), NULL,
			arena_printf(&s->arena, "%s, schema %d", state, state_schema(s->state)), NULL);
	else
		tell_state(s, arena_copy(&s->arena, str_of(why.why)),
			why.status == EX_DATAERR ? "Use the newer pnow." : mend);
}

static void check_state(struct setup *s)
{
	static const char room[] = "Make room on its disk, or mend the disk: the row above says what is free.";
	struct state_failure why = {0};
	const char *path = s->conf->state;
	if (!path) {
		tell(s, MISSING, "state file", NULL, "the configuration names none",
			"Write \"state\": \"/var/lib/pnow/PRACTICE.db\" into the configuration.");
		return;
	}
	if (conf_is_database(path)) {
		check_database(s);
		return;
	}
	const char *folder = folder_of(s, path);
	check_disk(s, folder);
	if (is_wrong_user(s, folder)) {
		tell(s, UNKNOWN, "state file", NULL, path, "Not opened as root: see the row above.");
		return;
	}
	s->state = state_try(path, 10000, &why);
	if (s->state && !state_can_write(s->state)) {
		tell_state(s, arena_copy(&s->arena, str_of(state_trouble(s->state))), room);
		return;
	}
	const char *wrong = s->state ? trial(s, try_limits, NULL) : NULL;
	if (wrong) {
		tell_state(s, wrong,
			"Make room on its disk; the user of the services must be able to write beside it, too.");
		return;
	}
	if (s->state) {
		tell(s, OK, "state file", NULL,
			arena_printf(&s->arena, "%s, schema %d", path, state_schema(s->state)), NULL);
		return;
	}
	const char *mend =
		"The user of the services must be able to write it and its folder: look at chown and chmod.";
	if (why.disk)
		mend = room;
	else if (why.status == EX_CONFIG)
		mend = arena_printf(&s->arena, "Make its folder: install -d -o pnow -m 700 %s", folder);
	else if (why.status == EX_DATAERR)
		mend = "If it is a newer pnow's, use that; if it is no state file, move it away or name another.";
	tell_state(s, arena_copy(&s->arena, str_of(why.why)), mend);
}

static void try_profile(struct setup *s, const void *about)
{
	(void)about;
	profile_free(profile_read(s->conf->patientnow.profile, s->conf->file));
}

static void check_profile(struct setup *s)
{
	const char *name = s->conf->patientnow.profile, *wrong = trial(s, try_profile, NULL);
	if (wrong) {
		tell(s, WRONG, "profile", name, wrong,
			"Mend the file, or write \"profile\": \"patientnow-pro\" or \"patientnow-essentials\".");
		return;
	}
	s->profile = profile_read(name, s->conf->file);
	tell(s, OK, "profile", name,
		s->conf->patientnow.base_url ? s->conf->patientnow.base_url : s->profile->base_url, NULL);
}

static void try_patientnow(struct setup *s, const void *about)
{
	(void)about;
	patientnow_close(patientnow_open(s->conf, s->profile, s->state, &s->options));
}

static void try_crm(struct setup *s, const void *about)
{
	(void)about;
	s->usable.facilities_n = 0; /* the child's */
	crm_close(crm_open(&s->usable, NULL, &s->options));
}

static void try_facility(struct setup *s, const void *about)
{
	const struct conf_facility *f = about;
	if (f->token_file || !s->conf->crm.oauth.client_id)
		secret_read(&s->arena, f->token_file, SECRET_API, s->conf->file,
			arena_printf(&s->arena, "facilities.%s.token_file", f->name));
	else if (f->refresh_token_file)
		secret_read(&s->arena, f->refresh_token_file, SECRET_API, s->conf->file,
			arena_printf(&s->arena, "facilities.%s.refresh_token_file", f->name));
}

/* How what a command says of a secret is mended: where it says so itself, by that. */
static const char *mended(const char *wrong, const char *otherwise)
{
	return strstr(wrong, "(ch") ? "Run the command in brackets." : otherwise;
}

/* Tells whether a secret can be read; wrong is what a command would say. */
static bool secret_is_there(struct setup *s, const char *name, const char *wrong)
{
	if (wrong)
		tell(s, WRONG, "secret", name, wrong,
			mended(wrong,
				"Put the secret, alone, into the file, as the user of the services: (umask 077; cat >FILE)"));
	else
		tell(s, OK, "secret", name, "can be read, by nobody else", NULL);
	return !wrong;
}

static void check_secrets(struct setup *s)
{
	s->usable = *s->conf;
	if (!s->state)
		s->usable.state = NULL; /* the CRM is asked all the same */
	if (s->profile)
		s->patientnow_secret = secret_is_there(s, "patientnow", trial(s, try_patientnow, NULL));
	s->crm_secret = secret_is_there(s, "crm", trial(s, try_crm, NULL));
	s->usable.facilities = arena_alloc(&s->arena, (s->conf->facilities_n + 1) * sizeof *s->usable.facilities);
	s->usable.facilities_n = 0;
	for (size_t i = 0; i < s->conf->facilities_n; i++) {
		const struct conf_facility *f = &s->conf->facilities[i];
		const char *name = arena_printf(&s->arena, "facilities.%s", f->name);
		if (secret_is_there(s, name, trial(s, try_facility, f)))
			s->usable.facilities[s->usable.facilities_n++] = *f;
	}
}

struct hook {
	const char *name;
	const struct conf_hook *conf;
};

static void try_hook(struct setup *s, const void *about)
{
	const struct hook *h = about;
	struct verifier v = {0};
	bool patientnow = h->conf == &s->conf->patientnow_hook;
	verifier_open(&v, s->conf, patientnow ? s->profile : NULL, h->conf, h->name);
}

static void check_hook(struct setup *s, const struct hook *h)
{
	if (h->conf->verify == VERIFY_NONE) {
		tell(s, WARNING, "hook", h->name, "verify is \"none\": whoever reaches it is believed",
			"Let the sender sign, or send a token, and write that as verify: see pnow.conf(5).");
		return;
	}
	const char *wrong = trial(s, try_hook, h);
	if (wrong)
		tell(s, WRONG, "hook", h->name, wrong,
			mended(wrong,
				"Put what the sender gave you (its secret, or its public key) into the file that is named."));
	else
		tell(s, OK, "hook", h->name, "is verified; its secret or key can be read", NULL);
}

static void check_hooks(struct setup *s)
{
	const struct hook patientnow = {"hooks.patientnow", &s->conf->patientnow_hook};
	const struct hook crm = {"hooks.crm", &s->conf->crm_hook};
	if (patientnow.conf->verify != VERIFY_UNSET)
		check_hook(s, &patientnow);
	else
		tell(s, MISSING, "hook", patientnow.name,
			"not in the configuration: no webhook of PatientNow is taken",
			"Write hooks.patientnow with its verify into the configuration: see pnow.conf(5).");
	if (crm.conf->verify != VERIFY_UNSET)
		check_hook(s, &crm);
	else
		tell(s, SKIPPED, "hook", crm.name, "not in the configuration: no webhook of the CRM is taken", NULL);
}

static bool is_in_path(const char *program)
{
	char file[4096];
	const char *at = getenv("PATH");
	for (; at && *at; at += strcspn(at, ":"), at += *at == ':') {
		snprintf(file, sizeof file, "%.*s/%s", (int)strcspn(at, ":"), at, program);
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

static void check_programs(struct setup *s)
{
	static const char *const needed[] = {"bash", "pnow-hook", "pnow-inbox", "pnow-sync"};
	static const char *const stages[] = {
		"pnow-enrich", "categorize", "crm-map", "pnow-push", "crm-push", "jq"};
	const char *mend = "Install it, or add its folder to PATH, here and in the services' units or crontab.";
	size_t found = 0;
	for (size_t i = 0; i < COUNT(needed); i++) {
		if (is_in_path(needed[i]))
			found++;
		else
			tell(s, MISSING, "program", needed[i], "not in PATH", mend);
	}
	if (found == COUNT(needed))
		tell(s, OK, "program", NULL, "those of the pipeline are in PATH", NULL);
	for (size_t i = 0; i < COUNT(stages); i++)
		if (!is_in_path(stages[i]))
			tell(s, WARNING, "program", stages[i],
				"not in PATH: pnow-sync does without it, a pipeline of your own may not", mend);
}

static void try_sheet(struct setup *s, const void *about)
{
	(void)about;
	sheet_free(sheet_read(s->conf->categories));
}

static void check_sheet(struct setup *s)
{
	const char *wrong = s->conf->categories ? trial(s, try_sheet, NULL) : NULL;
	if (wrong)
		tell(s, WRONG, "sheet", NULL, wrong,
			"pnow-fetch appointment-types | categorize -s suggests a sheet; categorize(1) tells of it.");
	else if (s->conf->categories)
		tell(s, OK, "sheet", NULL, s->conf->categories, NULL);
	else
		tell(s, SKIPPED, "sheet", NULL, "none: every appointment counts as Non-Surgical Appointment", NULL);
	if (wrong)
		s->conf->categories = NULL;
}

void check_here(struct setup *s)
{
	check_configuration(s);
	check_programs(s);
	check_state(s);
	check_profile(s);
	check_secrets(s);
	check_hooks(s);
	check_sheet(s);
}
