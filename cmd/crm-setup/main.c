/*
 * crm-setup: looks at everything that must be there before the first webhook, and says of each thing whether
 * it is, and how to mend it. It asks with the code that the other commands work with, so what it finds right
 * is right for them.
 */
#include "setup.h"
#include "conf/confine.h"
#include "conf/host.h"

#include <stdio.h>
#include <sysexits.h>

static const char usage[] = "usage: crm-setup [-nvw] [-c FILE] [-t N]\n"
							"Checks the whole set-up, and says what is missing and how to mend it: on a "
							"terminal as a table, else NDJSON.\n"
							"  -c FILE  the practice's configuration (else $PNOW_CONFIG)\n"
							"  -n       write the requests that would be sent, and send none\n"
							"  -t N     seconds that a request may take (30)\n"
							"  -v       a line on standard error for each request\n"
							"  -w       make the custom fields that the CRM lacks\n"
							"  -h, -V   this help, the version\n";

static struct column columns[] = {
	{"state", 7, CELL_TEXT},
	{"check", 16, CELL_TEXT},
	{"name", 30, CELL_TEXT},
	{"location", 0, CELL_TEXT},
	{"found", 1, CELL_TEXT},
	{"mend", 0, CELL_TEXT},
};

static void own_option(int letter, void *context)
{
	(void)letter;
	*(bool *)context = true;
}

/* -n: what would be asked of PatientNow, and of each sub-account. */
static void show_requests(struct setup *s)
{
	static const enum name_kind kinds[] = {NAME_FIELD, NAME_PIPELINE, NAME_WORKFLOW, NAME_CALENDAR};
	size_t n = conf_has_calendar(s->conf) ? COUNT(kinds) : COUNT(kinds) - 1;
	struct crm *crm = crm_open(s->conf, NULL, &s->options);
	struct profile *profile = profile_read(s->conf->patientnow.profile, s->conf->file);
	const char *const paths[] = {profile->check, profile->appointment_types.list};
	for (size_t i = 0; i < COUNT(paths); i++)
		if (paths[i])
			printf("{\"api\":\"patientnow\",\"method\":\"GET\",\"path\":\"/%s\"}\n", paths[i]);
	const struct crm_location *l;
	for (size_t i = 0; (l = crm_location_next(crm, &i));) {
		for (size_t k = 0; k < n; k++)
			printf(
				"{\"api\":\"crm\",\"method\":\"GET\",\"path\":\"%s\"}\n", names_path(&s->arena, l, kinds[k]));
		show_permits(s, l);
		if (s->write)
			show_fields(s, l);
	}
	profile_free(profile);
	crm_close(crm);
}

/* The state is open, but the limits are opened with each sub-account. */
static void confine_all(const struct setup *s)
{
	char limits[HOST_PATH];
	bool shared = s->state && conf_is_database(s->conf->state);
	const char *states[] = {
		s->conf->state, shared && host_file(limits, s->conf->state, "limits") ? limits : NULL};
	confine(CONFINE_CLIENT, states, s->state ? COUNT(states) : 0, s->options.verbose);
}

int main(int argc, char *argv[])
{
	struct setup s = {.options = {.usage = usage, .letters = "c:hnt:vVw", .parallel = 1, .seconds = 30}};
	s.options.own = own_option;
	s.options.context = &s.write;
	options_read(argc, argv, &s.options);
	s.conf = conf_read(s.options.file);
	columns[3].width = s.conf->facilities_n ? 20 : 0;
	s.table = table_of(columns, COUNT(columns));
	if (s.options.dry) {
		confine(CONFINE_CLIENT, NULL, 0, s.options.verbose);
		show_requests(&s);
	} else {
		check_here(&s);
		confine_all(&s);
		check_patientnow(&s);
		check_crm(&s);
	}
	table_end();
	profile_free(s.profile);
	state_close(s.state);
	conf_free(s.conf);
	arena_free(&s.arena);
	return s.bad ? 1 : EX_OK;
}
