/*
 * From rows to events. A row is an event; the rows of one bill, which stand together, are one, so a bill is
 * put together until a row of another comes. Where a row that cannot be read stands beside it, and nothing
 * but the sum of its rows tells the total, the bill is an error too: money is not guessed.
 */
#include "csv.h"
#include "conf/canonical.h"
#include "stream/record.h"
#include "value/money.h"
#include "value/digest.h"
#include "value/when.h"

#include <stdlib.h>

enum { SEEN_BITS = 1 << 25, SEEN_HASHES = 6 }; /* 4 MiB: with a million bills one in 50,000 is suspected */

struct draft {
	bool open;
	struct arena arena;
	size_t line;                   /* of its first row */
	const char *values[FACTS_MAX]; /* the first that a row has; the arena's */
	struct buf items;              /* a list, JSON, without its end */
	size_t amounts;                /* rows that have one */
	int64_t sum;                   /* of them, */
	bool unread;                   /* unless one is no amount, or makes it too large */
	struct buf raw;                /* its rows */
	const char *wrong;             /* why it is no event, or NULL */
	struct buf warnings;           /* a list, JSON, without its end */
	size_t doubt;                  /* line of a bad row beside it, or 0 */
	size_t doubt_next;             /* line of a bad row beside the one that comes next, or 0 */
	unsigned char *seen;           /* bills that there were: a Bloom filter */
};

void draft_open(struct csv *c)
{
	c->draft = allocated(calloc(1, sizeof *c->draft));
}

void draft_free(struct csv *c)
{
	arena_free(&c->draft->arena);
	buf_free(&c->draft->items);
	buf_free(&c->draft->raw);
	buf_free(&c->draft->warnings);
	free(c->draft->seen);
	free(c->draft);
}

void write_bad(struct csv *c, size_t line, struct str raw, const char *why)
{
	struct buf message = {0};
	buf_printf(&message, "%s, line %zu: %s", c->file, line, why);
	buf_putc(&message, '\0');
	c->out.n = 0;
	record_malformed(&c->out, "pnow-csv", message.p, raw, line);
	stream_write(c->stream, buf_str(&c->out));
	c->failed++;
	buf_free(&message);
}

/* The draft's value of a fact, NULL where it has none. */
static const char *value(const struct csv *c, enum about about, const char *name)
{
	for (size_t i = 0; i < c->facts_n; i++)
		if (c->facts[i].about == about && strcmp(c->facts[i].name, name) == 0)
			return c->draft->values[i];
	return NULL;
}

static void leave_out(struct csv *c, enum about about, const char *name)
{
	for (size_t i = 0; i < c->facts_n; i++)
		if (c->facts[i].about == about && strcmp(c->facts[i].name, name) == 0)
			c->draft->values[i] = NULL;
}

static const char *patient_id(const struct csv *c)
{
	return value(c, c->kind == KIND_PATIENT ? ABOUT_OWN : ABOUT_PATIENT, "id");
}

/* A value of the row in hand. */
static const char *value_now(const struct csv *c, enum about about, const char *name, const struct row *row)
{
	for (size_t i = 0; i < c->facts_n; i++)
		if (c->facts[i].about == about && strcmp(c->facts[i].name, name) == 0)
			return value_in_row(c, i, row);
	return NULL;
}

/* Whether two values are the same amount of money, or the same text. */
static bool same_value(const char *x, const char *y)
{
	int64_t a, b;
	return strcmp(x, y) == 0 || (money_read(str_of(x), &a) && money_read(str_of(y), &b) && a == b);
}

static void spoil(struct draft *d, const char *why)
{
	if (!d->wrong)
		d->wrong = why;
}

static void warn_of(struct draft *d, const char *why)
{
	buf_putc(&d->warnings, d->warnings.n ? ',' : '[');
	buf_json(&d->warnings, str_of(why));
}

/* Takes over the values that the rows before do not have. What a bill is must be the same in each. */
static void take_values(struct csv *c, const struct row *row)
{
	struct draft *d = c->draft;
	for (size_t i = 0; i < c->facts_n; i++) {
		const struct fact_columns *f = &c->facts[i];
		const char *text = f->about == ABOUT_ITEM ? NULL : value_in_row(c, i, row);
		if (!text)
			continue;
		if (!d->values[i])
			d->values[i] = arena_copy(&d->arena, str_of(text));
		else if (f->about == ABOUT_PATIENT && strcmp(f->name, "id") == 0 && strcmp(d->values[i], text) != 0)
			spoil(d, "the bill's rows name different patients");
		else if (f->about == ABOUT_OWN && strcmp(f->name, "total") == 0 && !same_value(d->values[i], text))
			spoil(d, "the bill's rows have different totals: if they are the items' amounts, give "
					 "-m total= -m 'item.amount=COLUMN'");
	}
}

static void take_item(struct csv *c, const struct row *row)
{
	struct draft *d = c->draft;
	int64_t minor = 0;
	const char *name = value_now(c, ABOUT_ITEM, "name", row);
	const char *amount = value_now(c, ABOUT_ITEM, "amount", row);
	if (name || amount) {
		buf_puts(&d->items, d->items.n ? ",{" : "[{");
		buf_member(&d->items, "name", name);
		buf_member(&d->items, "amount", amount);
		buf_putc(&d->items, '}');
	}
	if (!amount)
		return;
	d->unread |= !money_read(str_of(amount), &minor) || __builtin_add_overflow(d->sum, minor, &d->sum);
	d->amounts++;
}

/* Keeps the row for an error record; a bill that is too long is written in pieces. */
static void take_raw(struct csv *c, const struct row *row)
{
	struct draft *d = c->draft;
	if (d->raw.n + row->raw.n + 1 > RECORD_MAX) {
		spoil(d, "the bill's rows are over 1 MiB");
		write_bad(c, d->line, buf_str(&d->raw), d->wrong);
		d->raw.n = d->items.n = 0;
	}
	if (d->raw.n)
		buf_putc(&d->raw, '\n');
	buf_add(&d->raw, row->raw);
}

static void begin(struct csv *c, size_t line)
{
	struct draft *d = c->draft;
	arena_reset(&d->arena);
	memset(d->values, 0, sizeof d->values);
	d->items.n = d->raw.n = d->warnings.n = d->amounts = 0;
	d->sum = 0;
	d->unread = false;
	d->open = true;
	d->line = line;
	d->wrong = NULL;
	d->doubt = d->doubt_next;
	d->doubt_next = 0;
}

void draft_doubt(struct csv *c, size_t line)
{
	if (c->draft->open)
		c->draft->doubt = line;
	c->draft->doubt_next = line;
}

void draft_add(struct csv *c, const struct row *row)
{
	const char *id = value_now(c, ABOUT_OWN, "id", row), *before = value(c, ABOUT_OWN, "id");
	bool more = c->draft->open && c->kind == KIND_BILL && id && before && strcmp(id, before) == 0;
	if (!more) {
		draft_finish(c);
		begin(c, row->line);
	}
	c->draft->doubt_next = 0;
	take_raw(c, row);
	take_values(c, row);
	if (c->kind == KIND_BILL)
		take_item(c, row);
	else
		draft_finish(c);
}

/* Notes a bill's id; whether it was (almost certainly) noted before. */
static bool seen_before(struct draft *d, const char *id)
{
	uint64_t hash = 0xcbf29ce484222325;
	bool seen = true;
	if (!d->seen && !(d->seen = calloc(SEEN_BITS / 8, 1)))
		out_of_memory();
	for (const char *p = id; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3;
	hash ^= hash >> 29;
	hash *= 0xbf58476d1ce4e5b9;
	for (uint64_t i = 0; i < SEEN_HASHES; i++) {
		uint64_t bit = ((hash >> 32) + i * (hash | 1)) % SEEN_BITS;
		seen &= d->seen[bit / 8] >> bit % 8 & 1;
		d->seen[bit / 8] |= (unsigned char)(1u << bit % 8);
	}
	return seen;
}

/* The bill's total: as its rows say, else the sum of their amounts. NULL: the bill is spoilt. */
static const char *total_of(struct csv *c)
{
	struct draft *d = c->draft;
	char money[MONEY_TEXT];
	int64_t minor;
	const char *total = value(c, ABOUT_OWN, "total");
	bool again = seen_before(d, value(c, ABOUT_OWN, "id"));
	if (total && !money_read(str_of(total), &minor)) {
		spoil(d, "the bill's total is no amount of money");
	} else if (total) {
		if (d->doubt)
			warn_of(d, arena_printf(&d->arena,
						   "line %zu of the export, beside this bill, cannot be read: it may lack an item",
						   d->doubt));
		else if (d->amounts && !d->unread && d->sum != minor)
			warn_of(
				d, arena_printf(&d->arena, "the items make %s, and not the bill's total: the total counts",
					   money_text(d->sum, money)));
		return total;
	} else if (d->unread) {
		spoil(d, "an item's amount is no amount of money, and the bill has no total");
	} else if (!d->amounts) {
		spoil(d, "the bill has neither a total nor an amount");
	} else if (again) {
		spoil(d,
			"rows of this bill stood elsewhere before: without a total they must stand together; sort the "
			"file by bill");
	} else if (d->doubt) {
		spoil(d,
			arena_printf(&d->arena,
				"line %zu, beside this bill, cannot be read and may be one of its items: mend it", d->doubt));
	} else {
		return money_text(d->sum, arena_alloc(&d->arena, MONEY_TEXT));
	}
	return NULL;
}

/* The facts about something, under our names, as JSON. */
static struct str object_of(struct csv *c, enum about about, const char *total)
{
	struct draft *d = c->draft;
	struct buf out = {0};
	buf_putc(&out, '{');
	for (size_t i = 0; i < c->facts_n; i++)
		if (c->facts[i].about == about)
			buf_member(&out, c->facts[i].name,
				total && strcmp(c->facts[i].name, "total") == 0 ? total : d->values[i]);
	if (about == ABOUT_OWN && d->items.n) {
		buf_puts(&out, ",\"items\":");
		buf_add(&out, buf_str(&d->items));
		buf_putc(&out, ']');
	}
	buf_putc(&out, '}');
	struct str object = buf_take(&out, &d->arena);
	bool own_patient = about == ABOUT_OWN && c->kind == KIND_PATIENT;
	return canonical(c->profile, &d->arena, about == ABOUT_PATIENT || own_patient ? KIND_PATIENT : c->kind,
		&(struct sources){.at = {{.body = object}}}, c->type == EVENT_APPOINTMENT_BOOKED ? "booked" : NULL);
}

/* The fact that says when it happened. */
static const char *const dates[EVENT_KINDS] = {
	[KIND_APPOINTMENT] = "start", [KIND_BILL] = "date", [KIND_MEMBERSHIP] = "sold_date"};

/* When it happened, NULL where the record does not say, or lies ahead: when a visit to come was booked,
   nobody knows. */
static const char *occurred(struct csv *c)
{
	char time[WHEN_TEXT];
	int64_t ms;
	const char *text = dates[c->kind] ? value(c, ABOUT_OWN, dates[c->kind]) : NULL;
	text = profile_time(c->profile, &c->draft->arena, text);
	if (!text || !when_local(str_of(text), c->profile->day_first, time) || !when_moment(str_of(time), &ms) ||
		ms > when_now_ms())
		return NULL;
	char *utc = arena_alloc(&c->draft->arena, WHEN_TEXT);
	when_utc(ms, utc);
	return utc;
}

/* The type that fits the record. */
static const char *type_of(const struct csv *c)
{
	static const enum event_type fits[EVENT_KINDS] = {
		EVENT_PATIENT_CREATED, EVENT_APPOINTMENT_STATUS, EVENT_BILL_COMPLETED, EVENT_MEMBERSHIP_CREATED};
	enum event_type type = c->type == EVENT_UNKNOWN ? fits[c->kind] : c->type;
	const char *status = c->kind == KIND_APPOINTMENT ? value(c, ABOUT_OWN, "status") : NULL;
	status = status ? profile_status(c->profile, status) : NULL;
	if (c->type == EVENT_UNKNOWN && status && strcmp(status, "booked") == 0)
		type = EVENT_APPOINTMENT_BOOKED;
	return event_type_name(type);
}

static void write_event(struct csv *c, struct str own, struct str patient)
{
	struct buf *out = &c->out;
	char now[WHEN_TEXT], id[65];
	const char *type = type_of(c);
	digest_sha256_hex(
		(struct str[]){str_of(c->conf->practice), STR("csv"), str_of(type), own, patient}, 5, id);
	when_now(now);
	out->n = 0;
	buf_putc(out, '{');
	buf_member(out, "id", id);
	buf_member(out, "type", type);
	buf_member(out, "practice", c->conf->practice);
	buf_member(out, "source", "csv");
	buf_member(out, "received", now);
	buf_member(out, "occurred", occurred(c));
	buf_puts(out, ",\"row\":{");
	buf_member(out, "file", c->file);
	buf_printf(out, ",\"line\":%zu},\"%s\":", c->draft->line, event_kind_name(c->kind));
	buf_add(out, own);
	if (patient.p) {
		buf_puts(out, ",\"patient\":");
		buf_add(out, patient);
	}
	if (c->draft->warnings.n) {
		buf_puts(out, ",\"warnings\":");
		buf_add(out, buf_str(&c->draft->warnings));
		buf_putc(out, ']');
	}
	buf_puts(out, "}\n");
	if (out->n - 1 > RECORD_MAX) {
		write_bad(c, c->draft->line, buf_str(&c->draft->raw), "its event would be over 1 MiB");
		return;
	}
	stream_write(c->stream, buf_str(out));
	c->events++;
}

/* A date or time that cannot be read. Where it says when the record happened it is an error: taken for the
   newest, an old record would write over what is true now. Others are left out. */
static void check_date(struct csv *c, const struct event_fact *f, enum about about)
{
	struct draft *d = c->draft;
	bool day_first = c->profile->day_first, own = about == ABOUT_OWN;
	const char *text = value(c, about, f->name), *kind = event_kind_name(own ? c->kind : KIND_PATIENT);
	char time[WHEN_TEXT];
	if (!text || (f->form != FACT_DATE && f->form != FACT_TIME) ||
		when_time(str_of(profile_time(c->profile, &d->arena, text)), day_first, time))
		return;
	const char *why = arena_printf(&d->arena, "%s.%s: %s, expected %s or 2026-12-31%s", kind, f->name,
		when_wrong(str_of(text), day_first), day_first ? "31/12/2026" : "12/31/2026",
		f->form == FACT_TIME ? ", and a time" : "");
	if (own && dates[c->kind] && strcmp(dates[c->kind], f->name) == 0)
		spoil(d, why);
	else {
		warn_of(d, why);
		leave_out(c, about, f->name);
	}
}

static void check_dates(struct csv *c)
{
	struct draft *d = c->draft;
	const char *date = dates[c->kind];
	for (const struct event_fact *f = event_facts(c->kind); f->name; f++)
		check_date(c, f, ABOUT_OWN);
	for (const struct event_fact *f = event_facts(KIND_PATIENT); c->kind != KIND_PATIENT && f->name; f++)
		check_date(c, f, ABOUT_PATIENT);
	if (date && !value(c, ABOUT_OWN, date))
		warn_of(d, arena_printf(&d->arena, "%s.%s is missing: it is taken for the newest",
					   event_kind_name(c->kind), date));
}

/* What no event of the kind can do without. */
static void check(struct csv *c)
{
	struct draft *d = c->draft;
	const char *kind = event_kind_name(c->kind);
	if (!value(c, ABOUT_OWN, "id"))
		spoil(d, arena_printf(&d->arena, "it has no %s id", kind));
	else if (!patient_id(c) && c->kind != KIND_APPOINTMENT)
		spoil(d, "it has no patient id");
	else if (c->kind == KIND_APPOINTMENT && c->type != EVENT_APPOINTMENT_BOOKED &&
			 !value(c, ABOUT_OWN, "status"))
		spoil(d, "the appointment has no status");
	check_dates(c);
}

void draft_finish(struct csv *c)
{
	struct draft *d = c->draft;
	const char *total = NULL;
	if (!d->open)
		return;
	d->open = false;
	check(c);
	if (c->kind == KIND_BILL && !d->wrong)
		total = total_of(c);
	if (d->wrong) {
		write_bad(c, d->line, buf_str(&d->raw), d->wrong);
		return;
	}
	struct str own = object_of(c, ABOUT_OWN, total);
	struct str patient = {0};
	if (c->kind != KIND_PATIENT)
		patient = object_of(c, ABOUT_PATIENT, NULL);
	write_event(c, own, patient);
}
