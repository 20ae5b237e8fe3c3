/* PatientNow: whether it answers and takes the secrets, what of the day's calls is left, and whether the
 * sheet has every appointment type that it knows. Two calls, and one more for each further page of types. */
#include "setup.h"
#include "conf/profile.h"
#include "conf/sheet.h"
#include "state/quota.h"

#include <stdio.h>

/* How to mend what a request to PatientNow came to. */
static const struct {
	const char *code, *mend;
} mends[] = {
	{"refused",
		"Ask PatientNow for a new token (Essentials: user, password and apikey), put it into its file, and "
		"look at patientnow.practice_id."},
	{"not_found",
		"The profile asks for a path that PatientNow does not have: mend a copy of it, see pnow.conf(5)."},
	{"rejected",
		"The profile asks in a way that PatientNow does not take: mend a copy of it, see pnow.conf(5)."},
	{"quota_exhausted", "Wait for tomorrow (UTC), or raise patientnow.daily_limit if your plan has more."},
	{"state", "Make room on the state's disk, or mend its database."},
	{"unavailable",
		"Look at patientnow.base_url and at this machine's way to the Internet; else PatientNow is down: "
		"try again later."},
	{"bad_answer", "Look at patientnow.base_url: what answers there is not PatientNow's API."},
};

static const char *mend_of(const char *code)
{
	for (size_t i = 0; i < COUNT(mends); i++)
		if (strcmp(mends[i].code, code) == 0)
			return mends[i].mend;
	return NULL;
}

static void check_quota(struct setup *s)
{
	int64_t limit = s->conf->patientnow.daily_limit, left = limit - quota_used(s->state, "patientnow");
	bool few = left * 10 <= limit;
	tell(s,
		left <= 0 ? WRONG
		: few     ? WARNING
				  : OK,
		"quota", NULL,
		arena_printf(&s->arena, "%lld of %lld PatientNow calls are left today (UTC)",
			(long long)(left < 0 ? 0 : left), (long long)limit),
		few ? mend_of("quota_exhausted") : NULL);
}

/* The types of PatientNow's list while it is walked. */
struct types {
	struct setup *s;
	struct sheet *sheet;
	size_t all, there;
};

static void check_type(const char *name, void *context)
{
	struct types *t = context;
	bool there = sheet_find(t->sheet, name) != CATEGORY_NONE;
	t->all++;
	t->there += there;
	if (!there)
		tell(t->s, MISSING, "appointment type", name,
			"not in the sheet: such appointments move no opportunity",
			arena_printf(&t->s->arena, "Add a line to %s: %s,CATEGORY", t->s->conf->categories, name));
}

static void check_types(struct setup *s, struct patientnow *p)
{
	struct types t = {.s = s};
	if (!s->conf->categories || s->conf->pipelines == PIPELINES_NON_SURGICAL)
		return; /* told with the sheet, or whatever is not in it counts as Non-Surgical Appointment */
	t.sheet = sheet_read(s->conf->categories);
	struct patientnow_answer answer = patientnow_appointment_types(p, &s->arena, check_type, &t);
	if (answer.code)
		tell(s, strcmp(answer.code, "not_found") == 0 ? WARNING : UNKNOWN, "appointment type", NULL,
			arena_printf(&s->arena, "%s: the sheet cannot be compared", answer.message),
			strcmp(answer.code, "not_found") == 0 ? "If your PatientNow has such a list, name it in the "
													"profile: appointment_types, see pnow.conf(5)."
												  : mend_of(answer.code));
	else if (t.there)
		tell(s, OK, "appointment type", NULL,
			arena_printf(&s->arena, "%zu of PatientNow's %zu are in the sheet", t.there, t.all), NULL);
	sheet_free(t.sheet);
}

void check_patientnow(struct setup *s)
{
	if (!s->profile || !s->state || !s->patientnow_secret) {
		tell(s, UNKNOWN, "PatientNow", NULL, "not asked", "Mend the state, profile or secret first.");
		return;
	}
	if (!s->profile->base_url) {
		tell(s, SKIPPED, "PatientNow", NULL, "the profile has no base_url: nothing is asked", NULL);
		return;
	}
	struct patientnow *p = patientnow_open(s->conf, s->profile, s->state, &s->options);
	struct patientnow_answer answer = {0};
	if (s->profile->check)
		answer = patientnow_check(p, &s->arena);
	if (answer.code)
		tell(s,
			strcmp(answer.code, "quota_exhausted") == 0 || strcmp(answer.code, "state") == 0 ? UNKNOWN
																							 : WRONG,
			"PatientNow", NULL, answer.message, mend_of(answer.code));
	else if (s->profile->check)
		tell(s, OK, "PatientNow", NULL, "answers, and takes the secrets", NULL);
	else
		tell(s, UNKNOWN, "PatientNow", NULL, "the profile has neither check nor patient.list",
			"Give the profile a path to ask: check, see pnow.conf(5).");
	if (!answer.code)
		check_types(s, p);
	check_quota(s);
	patientnow_close(p);
}
