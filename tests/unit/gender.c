/* Gender: the EMR's words become the CRM's three, and what is unknown is left out. */
#include "tap.h"
#include "value/gender.h"

static const struct {
	const char *text;
	const char *crm;
} cases[] = {
	{"M", "male"},
	{"m", "male"},
	{"Male", "male"},
	{"MALE", "male"},
	{" male ", "male"},
	{"Man", "male"},
	{"Masculino", "male"},
	{"F", "female"},
	{"f", "female"},
	{"Female", "female"},
	{"fEMALE", "female"},
	{"Woman", "female"},
	{"Femenino", "female"},
	{"F.", "female"},
	{"Other", "other"},
	{"O", "other"},
	{"X", "other"},
	{"Non-Binary", "other"},
	{"Nonbinary", "other"},
	{"non binary", "other"},
	{"NON_BINARY", "other"},
	{"Transgender", "other"},
	{"Transgender Female", "other"},
	{"Trans Man", "other"},
	{"Genderqueer", "other"},
	{"Gender Non-Conforming", "other"},
	{"Two-Spirit", "other"},
	{"Intersex", "other"},
	{"", NULL},
	{" ", NULL},
	{"U", NULL},
	{"UNK", NULL},
	{"Unknown", NULL},
	{"Unspecified", NULL},
	{"Not Specified", NULL},
	{"Declined", NULL},
	{"Declined to answer", NULL},
	{"Prefer not to say", NULL},
	{"N/A", NULL},
	{"M/F", NULL},
	{"0", NULL},
	{"1", NULL},
	{"2", NULL},
	{"Mal", NULL},
	{"Females", NULL},
	{"Gender Non-Conforming and a good deal more than that", NULL},
	{"m\xc3\xa4nnlich", NULL},
	{"\xff", NULL},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_text(gender_crm(cases[i].text), cases[i].crm, "\"%s\" is %s", cases[i].text,
			cases[i].crm ? cases[i].crm : "left out");
	is_text(gender_crm(NULL), NULL, "no text is left out");
	return done();
}
