/*
 * Rows are taken from the practice's file when an event needs them, unless they are there already: those may
 * have been changed since. An opportunity is kept by what a dry run calls its pipeline, {pipeline:Surgical}.
 */
#include "state/rehearsal.h"

#define UNLESS_THERE " ON CONFLICT DO NOTHING"

struct state *rehearsal_open(const char *path)
{
	return state_rehearse(path);
}

bool rehearsal_merged(struct state *s, const char *patient)
{
	return !state_has_original(s) ||
		   state_do(s,
			   "INSERT INTO merged SELECT * FROM original.merged WHERE patient=?1 OR survivor=?1" UNLESS_THERE,
			   "t", patient);
}

bool rehearsal_patient(struct state *s, const char *location, const char *patient)
{
	return !state_has_original(s) ||
		   (state_do(s,
				"INSERT INTO contact SELECT * FROM original.contact WHERE location=? AND patient=?" UNLESS_THERE,
				"tt", location, patient) &&
			   state_do(s,
				   "INSERT INTO subject SELECT * FROM original.subject"
				   "  WHERE location=? AND subject='patient/'||?" UNLESS_THERE,
				   "tt", location, patient));
}

/* What events wrote into a contact last, with the states of what those were about, the patient made of it,
 * and the do-not-disturb that was set. */
static bool take_history(struct state *s, const char *location, const char *contact)
{
	return state_do(s,
			   "INSERT INTO latest SELECT * FROM original.latest WHERE location=? AND contact=?" UNLESS_THERE,
			   "tt", location, contact) &&
		   state_do(s,
			   "INSERT INTO lifetime SELECT * FROM original.lifetime WHERE location=? AND contact=?" UNLESS_THERE,
			   "tt", location, contact) &&
		   state_do(s,
			   "INSERT INTO creation SELECT * FROM original.creation WHERE location=? AND contact=?" UNLESS_THERE,
			   "tt", location, contact) &&
		   state_do(s,
			   "INSERT INTO dnd SELECT * FROM original.dnd WHERE location=? AND contact=?" UNLESS_THERE, "tt",
			   location, contact) &&
		   state_do(s,
			   "INSERT INTO subject SELECT u.* FROM original.latest AS l"
			   "  JOIN original.subject AS u ON u.location=l.location AND u.subject=l.subject"
			   "  WHERE l.location=? AND l.contact=?" UNLESS_THERE,
			   "tt", location, contact);
}

bool rehearsal_contact(struct state *s, const char *location, const char *contact)
{
	return !state_has_original(s) ||
		   (state_do(s,
				"INSERT INTO contact SELECT * FROM original.contact WHERE location=? AND contact=?" UNLESS_THERE,
				"tt", location, contact) &&
			   state_do(s,
				   "INSERT INTO opportunity SELECT o.location, o.contact,"
				   "  coalesce('{pipeline:'||n.name||'}', o.pipeline), o.opportunity"
				   "  FROM original.opportunity AS o LEFT JOIN original.name AS n"
				   "  ON n.location=o.location AND n.kind='pipeline' AND n.id=o.pipeline"
				   "  WHERE o.location=? AND o.contact=?" UNLESS_THERE,
				   "tt", location, contact) &&
			   take_history(s, location, contact));
}

bool rehearsal_subject(struct state *s, const char *location, const char *subject, const char *event)
{
	return !state_has_original(s) ||
		   (state_do(s,
				"INSERT INTO subject SELECT * FROM original.subject WHERE location=? AND subject=?" UNLESS_THERE,
				"tt", location, subject) &&
			   state_do(s,
				   "INSERT INTO effect SELECT * FROM original.effect"
				   "  WHERE location=?1 AND effect>?2||'/' AND effect<?2||'0'" UNLESS_THERE,
				   "tt", location, subject) &&
			   state_do(s,
				   "INSERT INTO event SELECT * FROM original.event"
				   "  WHERE event=? AND location IN (?,'')" UNLESS_THERE,
				   "tt", event, location));
}

bool rehearsal_bill(struct state *s, const char *location, const char *bill)
{
	return !state_has_original(s) ||
		   state_do(s,
			   "INSERT INTO bill SELECT * FROM original.bill WHERE location=? AND bill=?" UNLESS_THERE, "tt",
			   location, bill);
}
