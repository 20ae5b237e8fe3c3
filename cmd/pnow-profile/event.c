/* The event of a body, as pnow-hook and pnow-enrich make it where nobody need be asked. */
#include "pnow-profile.h"
#include "text/buf.h"

static void add_facts(struct arena *a, struct buf *out, const struct profile *p, const struct webhook *w,
	enum event_kind kind, struct str payload)
{
	enum event_type type = event_type_of(w->type);
	struct sources sources = {
		.at = {webhook_source(p, type, kind, payload)}, .status = webhook_status(p, kind, w->name)};
	struct str facts = canonical(p, a, kind, &sources, type == EVENT_APPOINTMENT_BOOKED ? "booked" : NULL);
	if (!facts.p)
		return;
	buf_printf(out, ",\"%s\":", event_kind_name(kind));
	buf_add(out, facts);
}

struct str event_of(struct arena *a, const struct profile *p, const struct sample *s)
{
	static const struct conf conf = {.practice = ""};
	struct webhook w = webhook_read(a, &conf, p, SENDER_PATIENTNOW, s->body, sample_request(s));
	enum event_type type = event_type_of(w.type);
	struct buf out = {0};
	buf_putc(&out, '{');
	buf_member(&out, "type", w.ping ? "ping" : w.type);
	buf_member(&out, "event", w.type || w.ping ? NULL : w.name);
	buf_member(&out, "id", w.delivery_id ? w.id : NULL);
	buf_member(&out, "occurred", w.occurred);
	if (type != EVENT_UNKNOWN) {
		add_facts(a, &out, p, &w, KIND_PATIENT, s->body);
		if (event_kind_of(type) != KIND_PATIENT)
			add_facts(a, &out, p, &w, event_kind_of(type), s->body);
	}
	buf_putc(&out, '}');
	return buf_take(&out, a);
}
