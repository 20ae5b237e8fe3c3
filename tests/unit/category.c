/* The table of pipelines and stages, each cell of it; the names of categories. */
#include "tap.h"
#include "value/category.h"

#define GONE "Cancelled / No-Show"

static const char *const statuses[] = {"booked", "checked_out", "cancelled", "no_show"};

/* categorize(1), row by row. */
static const struct {
	enum category category;
	bool consult_stages;
	const char *pipeline;
	const char *stages[4];
} rows[] = {
	{CATEGORY_SURGICAL_CONSULT, false, "surgical", {"Consult Booked", "Consult Complete", GONE, GONE}},
	{CATEGORY_SURGICAL_CONSULT, true, "surgical", {"Consult Booked", "Consult Complete", GONE, GONE}},
	{CATEGORY_SURGICAL_APPOINTMENT, false, "surgical", {"Surgery Scheduled", "Surgery Complete", GONE, GONE}},
	{CATEGORY_SURGICAL_APPOINTMENT, true, "surgical", {"Surgery Scheduled", "Surgery Complete", GONE, GONE}},
	{CATEGORY_NON_SURGICAL_CONSULT, false, "non-surgical", {"Booked", "Patient", GONE, GONE}},
	{CATEGORY_NON_SURGICAL_CONSULT, true, "non-surgical",
		{"Consult Booked", "Consult Completed", GONE, GONE}},
	{CATEGORY_NON_SURGICAL_APPOINTMENT, false, "non-surgical", {"Booked", "Patient", GONE, GONE}},
	{CATEGORY_NON_SURGICAL_APPOINTMENT, true, "non-surgical", {"Booked", "Patient", GONE, GONE}},
};

static void check_stages(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t s = 0; s < COUNT(statuses); s++) {
			const char *pipeline = NULL, *stage = NULL;
			bool moves =
				category_stage(rows[i].category, statuses[s], rows[i].consult_stages, &pipeline, &stage);
			bool right =
				moves && strcmp(pipeline, rows[i].pipeline) == 0 && strcmp(stage, rows[i].stages[s]) == 0;
			if (!ok(right, "%s, %s%s: %s", category_name(rows[i].category), statuses[s],
					rows[i].consult_stages ? ", consult_stages" : "", rows[i].stages[s]))
				printf("# %s: %s\n", pipeline, stage);
		}
	}
	static const enum category still[] = {CATEGORY_NONE, CATEGORY_BLOCK, CATEGORY_POST_OP, CATEGORY_PRE_OP};
	for (size_t i = 0; i < COUNT(still); i++) {
		const char *pipeline = NULL, *stage = NULL;
		bool moves = false;
		for (size_t s = 0; s < COUNT(statuses); s++)
			moves |= category_stage(still[i], statuses[s], s % 2, &pipeline, &stage);
		const char *name = category_name(still[i]);
		ok(!moves && !pipeline && !stage, "%s moves nothing", name ? name : "no category");
	}
	const char *pipeline = NULL, *stage = NULL;
	ok(!category_stage(CATEGORY_SURGICAL_CONSULT, "Booked", false, &pipeline, &stage) &&
			!category_stage(CATEGORY_SURGICAL_CONSULT, "", false, &pipeline, &stage),
		"another word is no status");
	ok(category_stage_wins("Patient") && category_stage_wins("Surgery Complete"),
		"two stages make a patient");
	ok(!category_stage_wins("Consult Complete") && !category_stage_wins("Consult Completed") &&
			!category_stage_wins("Booked") && !category_stage_wins(GONE),
		"the others do not");
	ok(category_stage_known("Consult Completed") && category_stage_known(GONE) &&
			!category_stage_known("patient"),
		"a stage is known by its name");
}

static void check_names(void)
{
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
		{" surgical CONSULT\t", CATEGORY_SURGICAL_CONSULT},
		{"", CATEGORY_NONE},
		{" ", CATEGORY_NONE},
		{"Surgical", CATEGORY_NONE},
		{"Surgical Consults", CATEGORY_NONE},
	};
	for (size_t i = 0; i < COUNT(names); i++)
		ok(category_of(str_of(names[i].name)) == names[i].category, "\"%s\" in the sheet", names[i].name);
	is_text(category_name(CATEGORY_POST_OP), "Post-Op", "the shorter name is written");
	is_text(category_name(CATEGORY_NONE), NULL, "no category has no name");
}

int main(void)
{
	check_stages();
	check_names();
	return done();
}
