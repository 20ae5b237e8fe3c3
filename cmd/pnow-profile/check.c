/*
 * Whether a profile is sound. What is wrong in its grammar ends the process when it is read; what is left is
 * what a profile says that will not do what somebody meant.
 */
#include "pnow-profile.h"
#include "stream/table.h"

#include <stdio.h>

/* Tells something of a profile, in a line. */
static void tell(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell(const char *name, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	printf("%s: ", name);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
}

/* Which of a kind's own facts stands at this place, or NULL. */
static const char *fact_at(const struct profile_fields *fields, const char *place)
{
	for (size_t i = 0; i < fields->n; i++)
		for (size_t j = 0; j < fields->at[i].from.n; j++)
			if (place_same(str_of(fields->at[i].from.at[j]), str_of(place), false))
				return fields->at[i].name;
	return NULL;
}

/* Facts of the patient that are looked for where those of another kind stand. */
static unsigned tell_caught(const struct profile *p, const char *name, enum event_kind kind)
{
	const struct profile_fields *patient = profile_fields(p, KIND_PATIENT, kind);
	unsigned told = 0;
	for (size_t i = 0; i < patient->n; i++)
		for (size_t j = 0; j < patient->at[i].from.n; j++) {
			const char *place = patient->at[i].from.at[j], *fact = fact_at(&p->kinds[kind].fields, place);
			if (fact && *place == '/')
				told++,
					tell(name,
						"patient.%s is looked for at %s, where %s.%s stands: say in patient.elsewhere where it is in such bodies",
						patient->at[i].name, place, event_kind_name(kind), fact);
		}
	return told;
}

static bool has_word(const struct conf_names *names, const char *is)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->at[i].is, is) == 0)
			return true;
	return false;
}

static bool has_event_about(const struct profile *p, enum event_kind kind)
{
	for (size_t i = 0; i < p->events.n; i++)
		if (event_type_of(p->events.at[i].is) != EVENT_UNKNOWN &&
			event_kind_of(event_type_of(p->events.at[i].is)) == kind)
			return true;
	return false;
}

static unsigned check_one(const char *name, const struct profile *p)
{
	static const char *const statuses[] = {"booked", "checked_out", "cancelled", "no_show"};
	unsigned told = 0;
	for (enum event_kind kind = KIND_PATIENT; kind < EVENT_KINDS; kind++) {
		bool used = has_event_about(p, kind);
		if (!used)
			tell(name, "note: events has no name of what happens to this: %s", event_kind_name(kind));
		else if (!profile_field(&p->kinds[kind].fields, "id"))
			told++, tell(name, "%s.fields.id is missing", event_kind_name(kind));
		if (kind != KIND_PATIENT)
			told += tell_caught(p, name, kind);
	}
	for (size_t i = 0; i < COUNT(statuses) && has_event_about(p, KIND_APPOINTMENT); i++)
		if (!has_word(&p->statuses, statuses[i]))
			tell(name, "note: statuses has no word for %s", statuses[i]);
	return told;
}

int check(char **profiles, const char *conf_file)
{
	unsigned told = 0;
	for (; *profiles; profiles++) {
		struct profile *p = profile_read(*profiles, conf_file);
		unsigned more = check_one(*profiles, p);
		if (!more)
			printf("%s: sound\n", *profiles);
		told += more;
		profile_free(p);
	}
	table_end();
	return told > 0;
}
