/*
 * The calendar: an appointment of PatientNow as an entry in the CRM's, a block slot or an appointment there.
 *
 * - Only a booking that is not over makes one. What comes later changes it; a block slot that is cancelled is
 *   deleted.
 * - The effect is called appointment/88123/calendar.set/block/START, where START is the time that it was to
 * be made at. There the entry is looked for where the answer was lost, by the mark in its title, whatever
 * time the appointment has been moved to since. It stays what it is, whatever the practice wants of new ones.
 * - There is one such effect for an appointment, as long as it has its entry, in whichever sub-account. The
 *   patient's lock keeps other processes away.
 * - What is there is a state, and may be written any number of times.
 */
#include "push.h"
#include "state/rehearsal.h"
#include "value/when.h"

enum { BEFORE_MS = 60 * 1000, BEHIND_MS = 24 * 3600 * 1000 }; /* of a start: where its entry is looked for */

#define SET "calendar.set"
#define BLOCK "block"
#define APPOINTMENT "appointment"
#define DRY_ENTRY "{entry}" /* so a dry run calls one that only the CRM will know */

/* What an action's entry is to be, and what the ledger knows of it. */
struct entry {
	bool block;
	bool frees;       /* it is to be deleted where it is there */
	const char *mark; /* at the end of its title */
	const char *status, *start, *end;
	const char *effect; /* NULL: none is known; else */
	const char *id;     /* NULL: nobody knows whether it was made */
};

static const char *part(struct push_work *w, const char *key)
{
	return jtext_string(w->a, jtext_get(w->action, key));
}

/* Reads the action, and what the ledger has of its entry. */
static enum outcome begin(struct push_work *w, struct entry *e)
{
	int64_t moment;
	const char *as = part(w, "as"), *appointment = part(w, "appointment");
	*e = (struct entry){.status = part(w, "status"), .start = part(w, "start"), .end = part(w, "end")};
	bool times =
		e->start && when_moment(str_of(e->start), &moment) && e->end && when_moment(str_of(e->end), &moment);
	if (!as || !appointment || !e->status || !w->subject.subject || ((e->start || e->end) && !times))
		return push_result_malformed(w, SET " needs as, appointment, status, and start with end as times");
	e->block = strcmp(as, BLOCK) == 0;
	e->mark = arena_printf(w->a, "(PatientNow %s)", appointment);
	if (!w->push->state)
		return OUT_DONE;
	if (!ledger_effect_of(w->push->state, w->a, w->location->id, w->subject.subject, SET, &e->effect))
		return push_result_fail_state(w, "read");
	bool made = e->effect && ledger_happened(w->push->state, w->a, w->location->id, e->effect, &e->id);
	if (made && !e->id && w->push->dry)
		e->id = DRY_ENTRY;
	if (e->effect)
		e->block = strstr(e->effect, "/" SET "/" BLOCK "/") != NULL;
	e->frees = e->block && strcmp(e->status, "cancelled") == 0;
	return OUT_DONE;
}

/* Whether something newer of the appointment was told in another sub-account. */
static bool is_elsewhere(struct push_work *w)
{
	const struct crm_location *at;
	for (size_t i = 0; w->push->state && (at = crm_location_next(w->push->crm, &i));)
		if (strcmp(at->id, w->location->id) != 0 &&
			rehearsal_subject(w->push->state, at->id, w->subject.subject, w->event->id) &&
			ledger_moment(w->push->state, at->id, w->subject.subject) > w->subject.moment)
			return true;
	return false;
}

/* Whether there should be an entry where there is none. */
static bool is_to_come(const struct entry *e)
{
	int64_t end;
	return strcmp(e->status, "confirmed") == 0 && e->end && when_moment(str_of(e->end), &end) &&
		   end > when_now_ms();
}

/* The id of the sub-account's calendar; NULL: *out says why. */
static const char *calendar_of(struct push_work *w, enum outcome *out)
{
	const struct conf *conf = w->push->conf;
	const char *id = conf_calendar(conf, w->location->id);
	if (id || conf->calendar.name)
		return id ? id : push_name_id(w, NAME_CALENDAR, conf->calendar.name, NULL, out);
	*out = push_result_left_out(w, "the configuration has no calendar for this sub-account: left out");
	return NULL;
}

/* What stands in the calendar around a time. */
static enum outcome list(
	struct push_work *w, const struct entry *e, const char *calendar, const char *time, struct str *entries)
{
	int64_t at = 0;
	when_moment(str_of(time), &at);
	const char *path =
		arena_printf(w->a, CRM_CALENDARS "%s?locationId=%s&calendarId=%s&startTime=%lld&endTime=%lld",
			e->block ? "blocked-slots" : "events", http_encode(w->a, w->location->id),
			http_encode(w->a, calendar), (long long)(at - BEFORE_MS), (long long)(at + BEHIND_MS));
	struct crm_answer answer = push_request(w, "GET", path, (struct str){0}, true);
	if (answer.error)
		return push_result_fail_with(w, &answer);
	*entries = jtext_get(answer.body, "events");
	return OUT_DONE;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = text ? strlen(text) : 0, m = strlen(end);
	return n >= m && strcmp(text + n - m, end) == 0;
}

/* Looks for an entry by its mark; OUT_IGNORED: there is none. */
static enum outcome find(struct push_work *w, const struct entry *e, const char *time, const char **id)
{
	enum outcome out = OUT_DONE;
	struct str entries = {0};
	const char *calendar = calendar_of(w, &out);
	if (!calendar && out != OUT_FAILED)
		return push_result_fail(w, "lost", true, "the calendar that may have the entry is not in the CRM");
	if (!calendar || (out = list(w, e, calendar, time, &entries)) != OUT_DONE)
		return out;
	for (struct str at = {0}; jtext_next(entries, &at);) {
		*id = jtext_string(w->a, jtext_get(at, "id"));
		if (*id && ends_with(jtext_string(w->a, jtext_get(at, "title")), e->mark))
			return OUT_DONE;
	}
	return OUT_IGNORED;
}

/* Whether the action's entry is there: a push_look_fn. */
static enum outcome is_there(struct push_work *w, int64_t since, const char **made)
{
	struct entry e;
	(void)since;
	enum outcome out = begin(w, &e);
	return out == OUT_DONE ? find(w, &e, e.start, made) : out;
}

/* Finds out what became of an entry of which nobody knows whether it was made. */
static enum outcome settle(struct push_work *w, struct entry *e)
{
	struct state *state = w->push->state;
	const char *location = w->location->id;
	enum outcome out = find(w, e, strrchr(e->effect, '/') + 1, &e->id);
	if (out == OUT_FAILED)
		return out;
	if (out == OUT_DONE && ledger_done(state, location, e->effect, e->id))
		return OUT_DONE;
	if (out == OUT_IGNORED && ledger_undone(state, location, e->effect)) {
		e->effect = e->id = NULL;
		return OUT_DONE;
	}
	return push_result_fail_state(w, "written");
}

/* The members that both a new entry and one that is changed have. */
static void write_common(struct push_work *w, const struct entry *e, const char *calendar, struct buf *body)
{
	buf_putc(body, '{');
	buf_member(body, "calendarId", calendar);
	buf_member(body, "startTime", e->start);
	buf_member(body, "endTime", e->end);
	if (e->block)
		return;
	buf_member(body, "appointmentStatus", e->status);
	buf_member(body, "assignedUserId", w->push->conf->calendar.user_id);
	buf_puts(body, ",\"toNotify\":false,\"ignoreDateRange\":true,\"ignoreFreeSlotValidation\":true");
}

static const char *entry_path(struct push_work *w, const struct entry *e, const char *id)
{
	const char *kind = e->block ? "block-slots" : "appointments";
	return arena_printf(w->a, CRM_CALENDARS "events/%s%s%s", kind, id ? "/" : "",
		!id || strcmp(id, DRY_ENTRY) == 0 ? (id ? id : "") : http_encode(w->a, id));
}

static const char *effect_of(struct push_work *w, const struct entry *e)
{
	return arena_printf(
		w->a, "%s/" SET "/%s/%s", w->subject.subject, e->block ? BLOCK : APPOINTMENT, e->start);
}

static enum outcome create(struct push_work *w, const struct entry *e, const char *calendar)
{
	struct buf body = {0};
	const char *title = part(w, "title");
	write_common(w, e, calendar, &body);
	buf_member(&body, "locationId", w->location->id);
	buf_member(&body, "contactId", e->block ? NULL : push_contact_shown(w));
	buf_member(&body, "title", arena_printf(w->a, "%s %s", title ? title : "Appointment", e->mark));
	buf_putc(&body, '}');
	enum outcome out =
		push_attach_once(w, effect_of(w, e), entry_path(w, e, NULL), buf_str(&body), NULL, is_there);
	buf_free(&body);
	return out;
}

/* Whether "not found" was said of something else than the entry: of a user, a calendar. Who cannot tell says
 * yes. */
static bool is_held(struct push_work *w, const struct entry *e, const char *calendar)
{
	const char *path = e->block ? arena_printf(w->a, CRM_CALENDARS "%s", http_encode(w->a, calendar))
								: entry_path(w, e, e->id);
	struct crm_answer answer = push_request(w, "GET", path, (struct str){0}, true);
	bool gone = crm_gone(w->a, &answer);
	return e->block ? gone || answer.error : !gone;
}

/* Changes the entry that is there, or deletes it; OUT_IGNORED: the CRM does not have it any more. Its title
 * stays as it is: staff may have added to it. */
static enum outcome change(struct push_work *w, const struct entry *e, const char *calendar)
{
	struct buf body = {0};
	struct crm_answer answer;
	if (e->block && !e->frees && !e->start)
		return OUT_UNCHANGED; /* a block slot is its times, and nothing else */
	if (e->frees) {
		const char *id = strcmp(e->id, DRY_ENTRY) == 0 ? e->id : http_encode(w->a, e->id);
		answer =
			push_request(w, "DELETE", arena_printf(w->a, CRM_CALENDARS "events/%s", id), STR("{}"), true);
	} else {
		write_common(w, e, calendar, &body);
		buf_member(&body, "locationId", e->block ? w->location->id : NULL);
		buf_putc(&body, '}');
		answer = push_request(w, "PUT", entry_path(w, e, e->id), buf_str(&body), true);
		buf_free(&body);
	}
	bool gone = crm_gone(w->a, &answer) && (e->frees || !is_held(w, e, calendar));
	w->result.http = answer.status;
	if (answer.error && !gone)
		return push_result_fail_with(w, &answer);
	if ((e->frees || gone) && !ledger_undone(w->push->state, w->location->id, e->effect))
		return push_result_fail_state(w, "written");
	return gone ? OUT_IGNORED : OUT_DONE;
}

/* Where the ledger has a gap, an entry may have been made in it, of which a booking that is told again would
   know (push_attach_once): what makes none looks for it. */
static enum outcome look_in_gap(struct push_work *w, struct entry *e)
{
	int64_t began = w->push->dry || !w->push->state ? 0 : ledger_gap(w->push->state, 0), end = 0, since;
	if (!began || is_to_come(e) || !e->end || !when_moment(str_of(e->end), &end) || end < began)
		return OUT_DONE;
	const char *effect = effect_of(w, e);
	if (ledger_effect(w->push->state, w->location->id, effect, w->contact.id, began, &since) != EFFECT_BEGUN)
		return push_result_fail_state(w, "written");
	e->effect = effect;
	return settle(w, e);
}

/* Reads the action, and finds out whether there is an entry: e->id. */
static enum outcome begin_settled(struct push_work *w, struct entry *e)
{
	enum outcome out = begin(w, e);
	if (out != OUT_DONE || e->id)
		return out;
	return e->effect ? settle(w, e) : look_in_gap(w, e);
}

/* The entry that the appointment has in this sub-account, though it is told of in another: it goes where the
 * appointment is booked in that. */
static enum outcome leave(struct push_work *w)
{
	struct entry e;
	enum outcome out = begin_settled(w, &e);
	if (out != OUT_DONE || !e.id)
		return out == OUT_DONE ? OUT_UNCHANGED : out;
	e.frees |= strcmp(e.status, "confirmed") == 0;
	const char *calendar = e.frees ? NULL : calendar_of(w, &out);
	return calendar || e.frees ? change(w, &e, calendar) : out;
}

/* OUT_UNCHANGED: there is none. */
static enum outcome leave_others(struct push_work *w)
{
	enum outcome all = OUT_UNCHANGED;
	const struct crm_location *here = w->location, *at;
	for (size_t i = 0; w->push->state && (at = crm_location_next(w->push->crm, &i));) {
		if (strcmp(at->id, here->id) == 0)
			continue;
		w->location = at;
		enum outcome out = leave(w);
		if (out != OUT_UNCHANGED)
			all = out;
		if (out == OUT_FAILED)
			break;
	}
	w->location = here;
	return all;
}

/* Brings the entry into the action's state. */
static enum outcome place(struct push_work *w)
{
	struct entry e;
	enum outcome out = begin_settled(w, &e), left;
	if (out != OUT_DONE || is_elsewhere(w))
		return out == OUT_DONE ? OUT_UNCHANGED : out;
	left = leave_others(w);
	if (left == OUT_FAILED || (!e.id && !is_to_come(&e)))
		return left;
	const char *calendar = e.frees ? NULL : calendar_of(w, &out);
	if (!calendar && !e.frees)
		return out;
	out = e.id ? change(w, &e, calendar) : OUT_IGNORED;
	if (out != OUT_IGNORED || !is_to_come(&e))
		return out;
	out = begin(w, &e); /* there is none now, and what is new is of the kind that is wanted now */
	return out == OUT_DONE ? create(w, &e, calendar) : out;
}

/* An entry that the CRM refuses does not keep the rest of the event from being done. */
enum outcome push_calendar_set(struct push_work *w)
{
	enum outcome out = place(w);
	if (out == OUT_FAILED && push_request_refused(w) &&
		names_doubt(w->push->names, w->location, NAME_CALENDAR))
		out = place(w);
	if (out != OUT_FAILED || !push_request_refused(w))
		return out;
	return push_result_left_out(
		w, "the CRM refused the entry in the calendar: left out (%s)", w->result.error);
}

bool push_calendar_lacks(struct push_work *w)
{
	struct entry e;
	return begin(w, &e) == OUT_DONE && !e.effect && is_to_come(&e) && !is_elsewhere(w);
}

enum outcome push_calendar_read(struct push_work *w, struct str *entry)
{
	struct entry e;
	struct str entries = {0};
	enum outcome out = begin(w, &e);
	*entry = (struct str){0};
	if (out != OUT_DONE || !e.id)
		return out == OUT_DONE ? OUT_IGNORED : out;
	if (e.block) {
		const char *calendar = e.start ? calendar_of(w, &out) : NULL;
		if (!calendar || (out = list(w, &e, calendar, e.start, &entries)) != OUT_DONE)
			return out == OUT_DONE ? OUT_IGNORED : out;
		for (struct str at = {0}; !entry->p && jtext_next(entries, &at);)
			if (push_has_text(w->a, at, "id", e.id))
				*entry = at;
	} else {
		struct crm_answer answer = push_request(w, "GET", entry_path(w, &e, e.id), (struct str){0}, true);
		if (answer.error && !crm_gone(w->a, &answer))
			return push_result_fail_with(w, &answer);
		*entry = answer.error ? *entry : jtext_get(answer.body, "event");
	}
	return entry->p || is_to_come(&e) ? OUT_DONE : OUT_IGNORED;
}
