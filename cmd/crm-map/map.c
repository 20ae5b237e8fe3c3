/*
 * What is to be done in the CRM for an event, as a list of actions. What a contact gets is the tables of
 * value/field.c.
 */
#include "map.h"
#include "text/buf.h"
#include "value/category.h"
#include "value/event.h"
#include "value/field.h"
#include "value/gender.h"
#include "value/money.h"
#include "value/phone.h"
#include "value/when.h"

#include <stdlib.h>

/* What a value that is left out was not, in words. */
static const char *const forms[] = {[FIELD_EMAIL] = "e-mail address",
	[FIELD_PHONE] = "phone number",
	[FIELD_DATE] = "date",
	[FIELD_TIME] = "time",
	[FIELD_MONEY] = "amount of money"};

enum { HALF_AN_HOUR_MS = 30 * 60 * 1000 };

#define VISIT (1 << EVENT_APPOINTMENT_BOOKED | 1 << EVENT_APPOINTMENT_STATUS)

/* A record's key that an event cannot do without. */
static const struct {
	unsigned types;
	enum event_kind in;
	const char *key;
} needed[] = {
	{((1 << EVENT_TYPES) - 1) & ~(VISIT), KIND_PATIENT, "id"},
	{VISIT, KIND_APPOINTMENT, "id"},
	{VISIT, KIND_APPOINTMENT, "status"},
	{1 << EVENT_BILL_COMPLETED, KIND_BILL, "id"},
	{1 << EVENT_BILL_COMPLETED, KIND_BILL, "total"},
	{1 << EVENT_MEMBERSHIP_CREATED, KIND_MEMBERSHIP, "id"},
};

/* One event on its way. */
struct event {
	const struct map *map;
	struct record *r;
	struct buf *out; /* the actions being written */
	enum event_type type;
	struct jtext_members objects[EVENT_KINDS];
	const char *email, *phone; /* of the patient, in their forms */
	const char *status;        /* of the appointment */
	const char *stage;         /* canonical; NULL: no opportunity moves */
};

/* A value of one of the record's objects, or of the record itself. */
static struct str raw_at(const struct event *e, enum event_kind in, const char *key)
{
	return in == FIELD_IN_RECORD ? record_get(e->r, key) : jtext_member(&e->objects[in], key);
}

/* The text at a place of the record; NULL where there is none. */
static const char *text_at(const struct event *e, enum event_kind in, const char *key)
{
	const char *text = jtext_scalar(e->r->arena, raw_at(e, in, key));
	return text && *text ? text : NULL;
}

/* The names of a bill's items: Botox, Dysport, Hydrafacial. NULL where there are none. */
static const char *item_names(const struct event *e)
{
	struct buf names = {0};
	for (struct str at = {0}, items = raw_at(e, KIND_BILL, "items"); jtext_next(items, &at);) {
		const char *name = jtext_string(e->r->arena, jtext_get(at, "name"));
		if (!name || !*name)
			continue;
		if (names.n)
			buf_puts(&names, ", ");
		buf_puts(&names, name);
	}
	const char *text = names.n ? arena_copy(e->r->arena, buf_str(&names)) : NULL;
	buf_free(&names);
	return text;
}

/* Something with an @ inside: what is none ("none", "n/a") would cost the whole contact. */
static bool is_email(const char *text)
{
	const char *at = strchr(text, '@');
	return at && at > text && at[1] && !strchr(at + 1, '@') && strchr(at + 1, '.') &&
		   !strpbrk(text, " \t,;<>\"");
}

/* A value that cannot be written in its form: told, and left out. */
static const char *left_out(const struct event *e, enum field_form form, const struct field_source *from)
{
	record_warn(e->r, arena_printf(e->r->arena, "%s.%s is no %s: left out", event_kind_name(from->in),
						  from->fact, forms[form]));
	return NULL;
}

/* A field's value in its form; NULL: nothing to write. */
static const char *value_of(const struct event *e, enum field_form form, const struct field_source *from)
{
	const char *text = form == FIELD_ITEMS ? item_names(e) : text_at(e, from->in, from->fact);
	char *room;
	int64_t minor;
	if (!text)
		return NULL;
	switch (form) {
	case FIELD_EMAIL:
		return is_email(text) ? text : left_out(e, form, from);
	case FIELD_PHONE:
		room = arena_alloc(e->r->arena, PHONE_TEXT);
		return phone_e164(str_of(text), e->map->conf->country, room) ? room : left_out(e, form, from);
	case FIELD_GENDER:
		return gender_crm(text);
	case FIELD_DATE:
		room = arena_alloc(e->r->arena, WHEN_DATE);
		return when_date(str_of(text), false, room) ? room : left_out(e, form, from);
	case FIELD_TIME:
		room = arena_alloc(e->r->arena, WHEN_TEXT);
		return when_time(str_of(text), false, room) ? room : left_out(e, form, from);
	case FIELD_MONEY:
		room = arena_alloc(e->r->arena, MONEY_TEXT);
		return money_read(str_of(text), &minor) ? money_text(minor, room) : left_out(e, form, from);
	case FIELD_STATUS:
		return status_shown(text);
	default:
		return text;
	}
}

/* Whether the event writes from a source now. */
static bool counts(const struct event *e, const struct field_source *from)
{
	if (!(from->types & 1u << e->type))
		return false;
	switch (from->when) {
	case FIELD_IF_ADDRESS:
		return e->map->conf->address;
	case FIELD_IF_BOOKED:
		return strcmp(e->status, "booked") == 0;
	case FIELD_IF_CHECKED_OUT:
		return strcmp(e->status, "checked_out") == 0;
	default:
		return true;
	}
}

static void comma(struct buf *out)
{
	if (out->p[out->n - 1] != '{' && out->p[out->n - 1] != '[')
		buf_putc(out, ',');
}

/* "name":{"kind":"value"} */
static void write_kind(struct buf *out, const char *name, const char *kind, const char *value)
{
	comma(out);
	buf_json(out, str_of(name));
	buf_puts(out, ":{");
	buf_member(out, kind, value);
	buf_putc(out, '}');
}

/* Lead or patient: an event that makes a patient says so, of others crm-push finds out. */
static void write_lead(const struct event *e, const char *name)
{
	const struct conf *conf = e->map->conf;
	struct buf *out = e->out;
	if (e->stage && category_stage_wins(e->stage)) {
		buf_member(out, name, conf->lead_status.patient);
		return;
	}
	comma(out);
	buf_json(out, str_of(name));
	buf_puts(out, ":{");
	buf_member(out, "lead", conf->lead_status.lead);
	buf_member(out, "patient", conf->lead_status.patient);
	buf_putc(out, '}');
}

static void write_field(const struct event *e, const struct field *f, const struct field_source *from)
{
	static const char *const kinds[] = {
		[FIELD_DATE] = "date", [FIELD_TIME] = "time", [FIELD_MONEY] = "money", [FIELD_STANDING] = NULL};
	struct buf *out = e->out;
	const char *name = f->data_type ? conf_name(&e->map->conf->names.fields, f->name) : f->name;
	if (f->form == FIELD_STANDING) {
		write_lead(e, name);
		return;
	}
	const char *value = f->form == FIELD_EMAIL   ? e->email
						: f->form == FIELD_PHONE ? e->phone
												 : value_of(e, f->form, from);
	if (value && f->data_type && kinds[f->form])
		write_kind(out, name, kinds[f->form], value);
	else
		buf_member(out, name, value);
}

static void begin(struct buf *out, const char *op)
{
	comma(out);
	buf_puts(out, "{");
	buf_member(out, "op", op);
}

/* "key":{…}: those of a table that the event writes; first: FIELD_ALWAYS, or the occasion that they are for.
 */
static void write_fields(const struct event *e, const char *key, const struct field *f, enum field_when first)
{
	struct buf *out = e->out;
	buf_putc(out, ',');
	buf_json(out, str_of(key));
	buf_puts(out, ":{");
	for (; f->name; f++)
		for (size_t i = 0; i < COUNT(f->from); i++)
			if (counts(e, &f->from[i]) &&
				(f->from[i].when < FIELD_IF_NEW ? FIELD_ALWAYS : f->from[i].when) == first)
				write_field(e, f, &f->from[i]);
	buf_putc(out, '}');
}

/* write_fields, where there is anything to write. */
static void write_if_any(const struct event *e, const char *key, const struct field *f, enum field_when first)
{
	struct buf *out = e->out;
	size_t before = out->n;
	write_fields(e, key, f, first);
	if (out->p[out->n - 2] == '{')
		out->n = before;
}

/* The patient's e-mail address or phone number. */
static const char *reached_by(const struct event *e, const char *name)
{
	const struct field *f = property_find(name);
	return value_of(e, f->form, f->from);
}

/* contact.upsert: who it is, then the tables; without the facts of a correction, which are no visit's. */
static void write_contact_with(struct event *e, bool facts)
{
	static const struct field none[] = {{0}};
	struct buf *out = e->out;
	begin(out, "contact.upsert");
	buf_puts(out, ",\"match\":{");
	buf_member(out, "pnow_id", text_at(e, KIND_PATIENT, "id"));
	buf_member(out, "email", e->email = reached_by(e, "email"));
	buf_member(out, "phone", e->phone = reached_by(e, "phone"));
	buf_putc(out, '}');
	write_fields(e, "set", facts ? properties : none, FIELD_ALWAYS);
	write_fields(e, "fields", facts ? custom_fields : none, FIELD_ALWAYS);
	write_if_any(e, "new", properties, FIELD_IF_NEW);
	write_if_any(e, "link", custom_fields, FIELD_IF_LINK);
	buf_putc(out, '}');
}

static void write_contact(struct event *e)
{
	write_contact_with(e, true);
}

/* A patient's own facts; with "dnd", what consent they tell of. */
static void write_updated(struct event *e)
{
	struct buf *out = e->out;
	const char *unsubscribed = text_at(e, KIND_PATIENT, "unsubscribed");
	write_contact(e);
	if (!e->map->conf->dnd || !unsubscribed || e->map->backfill) /* an old consent tells nothing of today */
		return;
	begin(out, "dnd.set");
	buf_printf(out, ",\"on\":%s}", strcmp(unsubscribed, "true") == 0 ? "true" : "false");
}

static void line(struct buf *note, const char *label, const char *value)
{
	if (!value)
		return;
	buf_putc(note, '\n');
	buf_puts(note, label);
	buf_puts(note, ": ");
	buf_puts(note, value);
}

static void write_note(const struct event *e, struct buf *note)
{
	begin(e->out, "note.add");
	buf_puts(e->out, ",\"body\":");
	buf_json(e->out, buf_str(note));
	buf_putc(e->out, '}');
	buf_free(note);
}

static void write_visit_note(const struct event *e)
{
	struct buf note = {0};
	const char *category = text_at(e, FIELD_IN_RECORD, "category"),
			   *type = text_at(e, KIND_APPOINTMENT, "type");
	if (!category && type)
		category = arena_printf(e->r->arena, "none (%s is not in the sheet)", type);
	buf_printf(&note, "%s appointment", e->map->emr);
	line(&note, "Status", status_shown(e->status));
	line(&note, "Event type", text_at(e, KIND_APPOINTMENT, "event_type"));
	line(&note, "Reason", text_at(e, KIND_APPOINTMENT, "reason"));
	line(&note, "Category", category);
	line(&note, "Appointment ID", text_at(e, KIND_APPOINTMENT, "id"));
	write_note(e, &note);
}

static void write_bill_note(const struct event *e, int64_t total, const char *correction)
{
	struct buf note = {0};
	char money[MONEY_TEXT];
	money_text(total < 0 ? -total : total, money);
	buf_printf(&note, "%s bill", e->map->emr);
	line(&note, "Status", correction);
	line(&note, "Order total", arena_printf(e->r->arena, "%s$%s", total < 0 ? "-" : "", money));
	line(&note, "Items", item_names(e));
	line(&note, "Order ID", text_at(e, KIND_BILL, "id"));
	line(&note, "Refund of", text_at(e, KIND_BILL, "refund_of"));
	write_note(e, &note);
}

static void write_workflow(const struct event *e, const char *workflow)
{
	if (!workflow)
		return;
	begin(e->out, "workflow.add");
	buf_member(e->out, "workflow", workflow);
	buf_putc(e->out, '}');
}

static void write_move(const struct event *e)
{
	const struct conf *conf = e->map->conf;
	const char *pipeline = text_at(e, FIELD_IN_RECORD, "pipeline");
	if (!e->stage || !pipeline || !conf->move_opportunities)
		return;
	struct buf *out = e->out;
	begin(out, "opportunity.move");
	buf_member(out, "pipeline", conf_name(&conf->names.pipelines, pipeline));
	buf_member(out, "stage", conf_name(&conf->names.stages, e->stage));
	buf_member(out, "lead", category_stage_wins(e->stage) ? "won" : "open");
	buf_member(out, "patient", "won");
	buf_putc(out, '}');
}

/* When the appointment ends. Where that is not told, or is before its start: a booking takes half an hour; of
 * another nobody knows (NULL). */
static const char *end_of(const struct event *e, const char *start)
{
	const char *told = text_at(e, KIND_APPOINTMENT, "end");
	char *end = arena_alloc(e->r->arena, WHEN_TEXT), utc[WHEN_TEXT];
	int64_t from, to;
	when_moment(str_of(start), &from);
	if (told && when_time(str_of(told), false, end) && when_moment(str_of(end), &to) && to > from)
		return end;
	if (strcmp(e->status, "booked") != 0)
		return NULL;
	when_utc(from + HALF_AN_HOUR_MS, utc);
	when_local(str_of(utc), false, end);
	return end;
}

/* The appointment in the CRM's calendar. One without times keeps those that it has there. */
static void write_calendar(const struct event *e)
{
	const struct conf *conf = e->map->conf;
	const char *told = text_at(e, KIND_APPOINTMENT, "start");
	char start[WHEN_TEXT];
	struct buf *out = e->out;
	if (!conf_has_calendar(conf))
		return;
	const char *end = told && when_time(str_of(told), false, start) ? end_of(e, start) : NULL;
	begin(out, "calendar.set");
	buf_member(out, "as", conf->calendar.appointments ? "appointment" : "block");
	buf_member(out, "appointment", text_at(e, KIND_APPOINTMENT, "id"));
	buf_member(out, "title", text_at(e, KIND_APPOINTMENT, "type"));
	buf_member(out, "status", status_in_calendar(e->status));
	buf_member(out, "start", end ? start : NULL);
	buf_member(out, "end", end);
	buf_putc(out, '}');
}

static void write_visit(struct event *e)
{
	write_contact(e);
	if (!e->map->backfill) {
		write_visit_note(e);
		write_workflow(e, e->map->conf->workflows.appointments);
		write_move(e);
	}
	write_calendar(e);
}

/* An amount of the bill, minor units; 0 where there is none. False where it is no amount, with the error. */
static bool read_amount(const struct event *e, const char *fact, int64_t *amount)
{
	const char *text = text_at(e, KIND_BILL, fact);
	*amount = 0;
	if (!text || money_read(str_of(text), amount))
		return true;
	record_fail(
		e->r, "bad_money", false, "bill %s: its %s is no amount of money", text_at(e, KIND_BILL, "id"), fact);
	return false;
}

/* What of a bill counts: the rest of a refunded one, nothing of a void one, less than nothing of one that
   gives back what another has brought. *correction: the word for people, or NULL. */
static int64_t counted(const struct event *e, int64_t total, int64_t refunded, const char **correction)
{
	const char *status = text_at(e, KIND_BILL, "status"), *of = text_at(e, KIND_BILL, "refund_of");
	bool is_void = status && strcmp(status, "void") == 0;
	bool is_refunded = status && strcmp(status, "refunded") == 0;
	bool gives_back = of && strcmp(of, text_at(e, KIND_BILL, "id")) != 0;
	*correction = is_void ? "Void" : is_refunded || gives_back || refunded || total < 0 ? "Refunded" : NULL;
	if (is_void)
		return 0;
	if (gives_back)
		return total < 0 ? total : -total;
	if (refunded)
		return total - (refunded < 0 ? -refunded : refunded);
	return is_refunded && total > 0 ? 0 : total;
}

static void write_bill(struct event *e)
{
	const struct conf *conf = e->map->conf;
	struct buf *out = e->out;
	const char *correction;
	char money[MONEY_TEXT];
	int64_t total, refunded;
	if (!read_amount(e, "total", &total) || !read_amount(e, "refunded", &refunded))
		return;
	int64_t amount = counted(e, total, refunded, &correction);
	write_contact_with(e, !correction);
	begin(out, "ltv.add");
	buf_member(out, "bill", text_at(e, KIND_BILL, "id"));
	buf_member(out, "amount", money_text(amount, money));
	buf_putc(out, '}');
	if (e->map->backfill)
		return;
	write_bill_note(e, total, correction);
	write_workflow(e, correction ? NULL : conf->workflows.order_paid);
	write_workflow(e, correction ? NULL : conf->workflows.birthday);
	begin(out, "opportunity.value");
	buf_puts(out, ",\"pipelines\":[");
	buf_json(out, str_of(conf_name(&conf->names.pipelines, "non-surgical")));
	if (conf->surgical_value) {
		buf_putc(out, ',');
		buf_json(out, str_of(conf_name(&conf->names.pipelines, "surgical")));
	}
	buf_puts(out, "]}");
}

/* The membership tag, with the program's name in place of {program}. */
static const char *membership_tag(const struct event *e)
{
	const char *tag = e->map->conf->membership_tag, *at = strstr(tag, "{program}");
	const char *program = text_at(e, KIND_MEMBERSHIP, "program");
	if (!at)
		return tag;
	if (!program) {
		record_warn(e->r, "membership.program is missing: the tag that names it is left out");
		return NULL;
	}
	return arena_printf(e->r->arena, "%.*s%s%s", (int)(at - tag), tag, program, at + strlen("{program}"));
}

static void write_membership(struct event *e)
{
	struct buf *out = e->out;
	write_contact(e);
	if (e->map->backfill)
		return;
	const char *tag = membership_tag(e);
	if (tag) {
		begin(out, "tag.add");
		buf_puts(out, ",\"tags\":[");
		buf_json(out, str_of(tag));
		buf_puts(out, "]}");
	}
	write_workflow(e, e->map->conf->workflows.membership);
}

/* Why nothing is to be done for an event, or NULL. */
static const char *reason_to_ignore(struct event *e)
{
	if (e->type != EVENT_APPOINTMENT_BOOKED && e->type != EVENT_APPOINTMENT_STATUS)
		return NULL;
	if (!text_at(e, KIND_PATIENT, "id"))
		return "an appointment without a patient (a block)";
	if (e->status && !status_shown(e->status))
		return "the appointment's status is not one that the profile maps";
	return NULL;
}

/* Whether the record has what its event cannot do without; if not, it fails. */
static bool complete(const struct event *e)
{
	for (size_t i = 0; i < COUNT(needed); i++) {
		if (needed[i].types & 1u << e->type && !text_at(e, needed[i].in, needed[i].key)) {
			record_fail(e->r, "incomplete", false, "%s needs %s.%s: see pnow-event(5)",
				event_type_name(e->type), event_kind_name(needed[i].in), needed[i].key);
			return false;
		}
	}
	return true;
}

static void write_actions(struct event *e)
{
	static void (*const writers[EVENT_TYPES])(struct event *) = {
		[EVENT_PATIENT_UPDATED] = write_updated,
		[EVENT_PATIENT_CREATED] = write_contact,
		[EVENT_APPOINTMENT_BOOKED] = write_visit,
		[EVENT_APPOINTMENT_STATUS] = write_visit,
		[EVENT_BILL_COMPLETED] = write_bill,
		[EVENT_MEMBERSHIP_CREATED] = write_membership,
	};
	const char *ignore = reason_to_ignore(e);
	if (!ignore && !complete(e))
		return;
	buf_putc(e->out, '[');
	if (ignore)
		record_set_text(e->r, "ignored", ignore);
	else
		writers[e->type](e);
	buf_putc(e->out, ']');
	struct str actions = buf_take(e->out, e->r->arena);
	if (!e->r->failed)
		record_set(e->r, "actions", actions);
	if (!e->r->failed && e->map->backfill)
		record_set(e->r, "backfill", STR("true"));
}

void map_record(struct record *r, void *context)
{
	const char *type = record_text(r, "type");
	struct buf out = {0};
	struct event e = {.map = context, .r = r, .out = &out, .type = event_type_of(type)};
	if (record_get(r, "ignored").p || e.type == EVENT_CONTACT_TAGGED)
		return; /* pnow-push has written the actions of a tagged contact */
	if (e.type == EVENT_UNKNOWN) {
		record_fail(r, "bad_type", false, "type: found %s, expected a type of pnow-event(5)",
			type ? "another" : "none");
		return;
	}
	for (enum event_kind kind = 0; kind < EVENT_KINDS; kind++)
		e.objects[kind] = record_object(r, event_kind_name(kind));
	e.status = text_at(&e, KIND_APPOINTMENT, "status");
	e.stage = text_at(&e, FIELD_IN_RECORD, "stage");
	if (!r->failed)
		write_actions(&e);
}
