/* The categories and stages as data: a practice's pipeline is a lookup here, never a branch elsewhere. */
#include "value/category.h"

#include <stdlib.h>
#include <strings.h>

static const struct {
	const char *name;
	enum category category;
} names[] = {
	{"Surgical Consult", CATEGORY_SURGICAL_CONSULT},
	{"Surgical Appointment", CATEGORY_SURGICAL_APPOINTMENT},
	{"Non-Surgical Consult", CATEGORY_NON_SURGICAL_CONSULT},
	{"Non-Surgical Appointment", CATEGORY_NON_SURGICAL_APPOINTMENT},
	{"Block", CATEGORY_BLOCK},
	{"Post-Op", CATEGORY_POST_OP},
	{"Pre-Op", CATEGORY_PRE_OP},
	{"Post-Op Appointment", CATEGORY_POST_OP},
	{"Pre-Op Appointment", CATEGORY_PRE_OP},
};

static const char *const statuses[] = {"booked", "checked_out", "cancelled", "no_show"};

enum { STATUSES = COUNT(statuses) };

#define GONE "Cancelled / No-Show"

static const struct {
	enum category category;
	bool consult_stages; /* the row for practices that have them set */
	const char *pipeline;
	const char *stages[STATUSES];
} table[] = {
	{CATEGORY_SURGICAL_CONSULT, false, "surgical", {"Consult Booked", "Consult Complete", GONE, GONE}},
	{CATEGORY_SURGICAL_APPOINTMENT, false, "surgical", {"Surgery Scheduled", "Surgery Complete", GONE, GONE}},
	{CATEGORY_NON_SURGICAL_CONSULT, true, "non-surgical",
		{"Consult Booked", "Consult Completed", GONE, GONE}},
	{CATEGORY_NON_SURGICAL_CONSULT, false, "non-surgical", {"Booked", "Patient", GONE, GONE}},
	{CATEGORY_NON_SURGICAL_APPOINTMENT, false, "non-surgical", {"Booked", "Patient", GONE, GONE}},
};

enum { ROWS = COUNT(table) };

const char *category_name(enum category category)
{
	for (size_t i = 0; i < COUNT(names); i++)
		if (names[i].category == category)
			return names[i].name;
	return NULL;
}

enum category category_of(struct str name)
{
	while (name.n && (name.p[0] == ' ' || name.p[0] == '\t')) {
		name.p++;
		name.n--;
	}
	while (name.n && strchr(" \t\r", name.p[name.n - 1]))
		name.n--;
	for (size_t i = 0; i < COUNT(names); i++)
		if (strlen(names[i].name) == name.n && strncasecmp(names[i].name, name.p, name.n) == 0)
			return names[i].category;
	return CATEGORY_NONE;
}

bool category_stage(enum category category, const char *status, bool consult_stages, const char **pipeline,
	const char **stage)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (table[i].category != category || (table[i].consult_stages && !consult_stages))
			continue;
		for (size_t s = 0; s < STATUSES; s++) {
			if (strcmp(statuses[s], status) == 0) {
				*pipeline = table[i].pipeline;
				*stage = table[i].stages[s];
				return true;
			}
		}
		return false;
	}
	return false;
}

bool category_stage_known(const char *stage)
{
	for (size_t i = 0; i < ROWS; i++)
		for (size_t s = 0; s < STATUSES; s++)
			if (strcmp(table[i].stages[s], stage) == 0)
				return true;
	return false;
}

bool category_stage_wins(const char *stage)
{
	return strcmp(stage, "Patient") == 0 || strcmp(stage, "Surgery Complete") == 0;
}
