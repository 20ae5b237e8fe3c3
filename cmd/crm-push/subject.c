/*
 * What an event is about, and the state that it brings: by these the ledger tells what is new (crm-push(1),
 * "Once is once").
 */
#include "push.h"
#include "value/money.h"
#include "value/digest.h"
#include "value/when.h"

enum { ON_ITS_WAY_MS = 7 * 86400 * 1000 };

/* The time at key, milliseconds since 1970; otherwise where the event does not tell it. */
static int64_t time_at(const struct push_event *e, const char *key, int64_t otherwise)
{
	int64_t at;
	const char *text = record_text(e->r, key);
	return text && when_moment(str_of(text), &at) ? at : otherwise;
}

/* When the event occurred, milliseconds since 1970; by our clock where the sender's is ahead of it, lest
   everything that comes later seem older. 0: nobody knows; when a backfilled one was read does not tell. */
static int64_t moment_of(const struct push_event *e)
{
	int64_t at = time_at(e, "occurred", INT64_MAX);
	int64_t here = e->backfill ? INT64_MAX : time_at(e, "received", INT64_MAX);
	at = at < here ? at : here;
	return at == INT64_MAX ? 0 : at;
}

/* One that does not say when it occurred, or says a moment that is still to come, may have been on its way
   for as long as a sender tries. */
int64_t push_subject_earliest(const struct push_work *w, bool *told)
{
	int64_t at = time_at(w->event, "occurred", INT64_MAX);
	int64_t here = time_at(w->event, "received", when_now_ms());
	*told = at <= here;
	if (*told)
		return at;
	return w->event->backfill ? 0 : here - ON_ITS_WAY_MS;
}

/* A text of the event's object: appointment.status. "" where there is none. */
static const char *part(const struct push_work *w, const char *key)
{
	struct str object = record_get(w->event->r, event_kind_name(w->event->kind));
	const char *text = jtext_scalar(w->a, jtext_get(object, key));
	return text ? text : "";
}

/* A text of the event's object as the ledger may hold it, which holds nothing of a person: what is no status,
 * time, date or amount is free text, and only a digest of it is kept. */
static const char *kept(const struct push_work *w, const char *key)
{
	const char *text = part(w, key);
	char time[WHEN_TEXT], hex[65];
	int64_t minor;
	if (!*text || status_shown(text) || when_time(str_of(text), false, time) ||
		when_date(str_of(text), false, time) || money_read(str_of(text), &minor))
		return text;
	digest_sha256_hex((struct str[]){str_of(text)}, 1, hex);
	return arena_copy(w->a, (struct str){hex, 32});
}

void push_subject_find(struct push_work *w)
{
	const struct push_event *e = w->event;
	const char *id = part(w, "id"), *state = NULL;
	bool dated = record_get(e->r, "occurred").p != NULL;
	int64_t total = 0, moment = moment_of(e);
	switch (e->kind) {
	case KIND_PATIENT:
		id = e->patient;
		state = push_person_state(w);
		break;
	case KIND_APPOINTMENT:
		state = arena_printf(w->a, "%s %s", kept(w, "status"), kept(w, "start"));
		break;
	case KIND_BILL: /* what of it counts */
		for (struct str at = {0}; jtext_next(e->actions, &at);)
			if (push_has_text(w->a, at, "op", "ltv.add"))
				money_read(str_of(jtext_string(w->a, jtext_get(at, "amount"))), &total);
		state = arena_printf(w->a, "%lld", (long long)total);
		break;
	case KIND_MEMBERSHIP:
		state = arena_printf(w->a, "%s %s", kept(w, "sold_date"), kept(w, "amount"));
		break;
	case KIND_CONTACT: /* a tag may be set again, so each event stands alone; a hash names one only with its
						  time */
		id = arena_printf(w->a, "%s/%s/%lld", id, e->id, dated ? 0LL : (long long)moment);
		state = "tagged";
		break;
	default:
		break;
	}
	w->subject = (struct ledger_subject){.location = w->location->id,
		.subject = arena_printf(w->a, "%s/%s", event_kind_name(e->kind), id),
		.state = state,
		.event = e->id,
		.moment = moment,
		.yields = e->backfill,
		.dated = dated};
}

/* Who has written the contact since the last event about the patient or appointment did: another appointment,
 * or another patient with that contact; subject NULL: nobody. */
static struct ledger_latest written_since(struct push_work *w)
{
	enum event_kind kind = w->event->kind;
	if (!w->contact.id || (kind != KIND_PATIENT && kind != KIND_APPOINTMENT))
		return (struct ledger_latest){0};
	struct ledger_latest last = push_latest(w, event_kind_name(kind));
	if (last.subject && strcmp(last.subject, w->subject.subject) != 0)
		return last;
	struct ledger_latest visit = push_latest(w, CHANGE_PERSON);
	return kind == KIND_PATIENT && visit.at > last.at ? visit : (struct ledger_latest){0};
}

/* A state that was applied is news again where it was written over before the event occurred: an appointment
 * that was asked for late has come in the state that only this event tells of. One that does not say when it
 * occurred does not tell that, and from a list it may come every night. */
void push_subject_compare(struct push_work *w)
{
	struct ledger_latest since = written_since(w);
	w->subject.again = since.subject && w->subject.dated && w->subject.moment > since.moment;
	w->contact.person_is_known &= !since.subject;
}
