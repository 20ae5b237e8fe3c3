/*
 * One table has what a state consists of: for each kind of record its members, how they are read and how they
 * are put back. What follows from the others (counts, keys of rows) is not in a dump: another engine has its
 * own.
 */
#include "state/dump.h"
#include "state/inbox.h"
#include "state/told.h"
#include "text/buf.h"
#include "value/when.h"

#include <stdarg.h>
#include <stdio.h>

enum {
	VERSION = 1,
	MEMBERS = 13, /* of a record, at most */

	/* what a member is */
	TEXT = 0,
	NUMBER = 1,
	TRUTH = 2,
	JSON = 3,     /* in a text, byte for byte as it is kept, */
	LINE = 4,     /* and in one line */
	OPTIONAL = 8, /* it may not be there */
};

#define IS(name, form)                                                                                       \
	{                                                                                                        \
		name, form, NULL                                                                                     \
	}

/* A record's members are the columns of read, and the values ?1, ?2 ... of add, whose second statement is for
   what stands apart. The first changes no row where there is one already. */
static const struct record {
	const char *name;
	struct {
		const char *name;
		int form;
		const char *words; /* the only ones, between blanks */
	} members[MEMBERS + 1];
	const char *read;
	const char *add[2];
} records[] = {
	{"contact",
		{IS("location", TEXT), IS("patient", TEXT), IS("contact", TEXT), IS("is_patient", TRUTH),
			IS("asked", NUMBER)},
		"SELECT location, patient, contact, is_patient, asked FROM contact",
		{"INSERT INTO contact(location,patient,contact,is_patient,asked) VALUES(?1,?2,?3,?4,?5)"
		 "  ON CONFLICT DO NOTHING"}},
	{"opportunity",
		{IS("location", TEXT), IS("contact", TEXT), IS("pipeline", TEXT), IS("opportunity", TEXT)},
		"SELECT location, contact, pipeline, opportunity FROM opportunity",
		{"INSERT INTO opportunity(location,contact,pipeline,opportunity) VALUES(?1,?2,?3,?4)"
		 "  ON CONFLICT DO NOTHING"}},
	{"subject",
		{IS("location", TEXT), IS("subject", TEXT), IS("state", TEXT), IS("seq", NUMBER), IS("event", TEXT),
			IS("moment", NUMBER), IS("applied", TRUTH)},
		"SELECT location, subject, state, seq, event, moment, applied FROM subject",
		{"INSERT INTO subject(location,subject,state,seq,event,moment,applied)"
		 "  VALUES(?1,?2,?3,?4,?5,?6,?7) ON CONFLICT DO NOTHING"}},
	{"applied", {IS("event", TEXT), IS("location", TEXT), IS("at", NUMBER)},
		"SELECT event, location, at FROM event",
		{"INSERT INTO event(event,location,at) VALUES(?1,?2,?3) ON CONFLICT DO NOTHING"}},
	{"effect",
		{IS("location", TEXT), IS("effect", TEXT), IS("contact", TEXT),
			{"status", TEXT, " begun done undecided "}, IS("at", NUMBER), IS("made", OPTIONAL)},
		"SELECT location, effect, contact, CASE done WHEN 0 THEN 'begun' WHEN 1 THEN 'done'"
		"  ELSE 'undecided' END, at, made FROM effect",
		{"INSERT INTO effect(location,effect,contact,done,at,made) VALUES(?1,?2,?3,"
		 "  CASE ?4 WHEN 'begun' THEN 0 WHEN 'done' THEN 1 ELSE 2 END,?5,?6) ON CONFLICT DO NOTHING"}},
	{"bill",
		{IS("location", TEXT), IS("bill", TEXT), IS("contact", TEXT), IS("counted", NUMBER),
			IS("pending", NUMBER | OPTIONAL), IS("before", NUMBER | OPTIONAL),
			IS("after", NUMBER | OPTIONAL)},
		"SELECT location, bill, contact, counted, pending, before, after FROM bill",
		{"INSERT INTO bill(location,bill,contact,counted,pending,before,after)"
		 "  VALUES(?1,?2,?3,?4,?5,?6,?7) ON CONFLICT DO NOTHING"}},
	{"lifetime", {IS("location", TEXT), IS("contact", TEXT), IS("value", NUMBER)},
		"SELECT location, contact, value FROM lifetime",
		{"INSERT INTO lifetime(location,contact,value) VALUES(?1,?2,?3) ON CONFLICT DO NOTHING"}},
	{"latest",
		{IS("location", TEXT), IS("contact", TEXT), IS("what", TEXT), IS("subject", TEXT), IS("seq", NUMBER),
			IS("at", NUMBER)},
		"SELECT location, contact, what, subject, seq, at FROM latest",
		{"INSERT INTO latest(location,contact,what,subject,seq,at) VALUES(?1,?2,?3,?4,?5,?6)"
		 "  ON CONFLICT DO NOTHING"}},
	{"dnd", {IS("location", TEXT), IS("contact", TEXT), IS("channels", NUMBER), IS("done", TRUTH)},
		"SELECT location, contact, channels, done FROM dnd",
		{"INSERT INTO dnd(location,contact,channels,done) VALUES(?1,?2,?3,?4) ON CONFLICT DO NOTHING"}},
	{"creation",
		{IS("location", TEXT), IS("contact", TEXT), IS("event", TEXT), IS("begun", NUMBER),
			IS("patient", OPTIONAL)},
		"SELECT location, contact, event, begun, patient FROM creation",
		{"INSERT INTO creation(location,contact,event,begun,patient) VALUES(?1,?2,?3,?4,?5)"
		 "  ON CONFLICT DO NOTHING"}},
	{"merged", {IS("patient", TEXT), IS("survivor", TEXT), IS("at", NUMBER)},
		"SELECT patient, survivor, at FROM merged",
		{"INSERT INTO merged(patient,survivor,at) VALUES(?1,?2,?3) ON CONFLICT DO NOTHING"}},
	{"left_contact", {IS("location", TEXT), IS("contact", TEXT), IS("patient", TEXT)},
		"SELECT location, contact, patient FROM left_contact",
		{"INSERT INTO left_contact(location,contact,patient) VALUES(?1,?2,?3) ON CONFLICT DO NOTHING"}},
	{"name", {IS("location", TEXT), IS("kind", TEXT), IS("name", TEXT), IS("id", TEXT), IS("more", OPTIONAL)},
		"SELECT location, kind, name, id, more FROM name",
		{"INSERT INTO name(location,kind,name,id,more) VALUES(?1,?2,?3,?4,?5) ON CONFLICT DO NOTHING"}},
	{"name_list", {IS("location", TEXT), IS("kind", TEXT), IS("asked", NUMBER)},
		"SELECT location, kind, asked FROM name_list",
		{"INSERT INTO name_list(location,kind,asked) VALUES(?1,?2,?3) ON CONFLICT DO NOTHING"}},
	{"token",
		{IS("name", TEXT), IS("access", OPTIONAL), IS("refresh", OPTIONAL), IS("expires", NUMBER),
			IS("file_hash", OPTIONAL)},
		"SELECT name, access, refresh, expires, file_hash FROM token",
		{"INSERT INTO token(name,access,refresh,expires,file_hash) VALUES(?1,?2,?3,?4,?5)"
		 "  ON CONFLICT DO NOTHING"}},
	{"bookmark",
		{IS("name", TEXT), IS("since", TEXT), IS("page", NUMBER), IS("began", OPTIONAL),
			IS("cursor", OPTIONAL)},
		"SELECT name, since, page, began, cursor FROM bookmark",
		{"INSERT INTO bookmark(name,since,page,began,cursor) VALUES(?1,?2,?3,?4,?5) ON CONFLICT DO NOTHING"}},
	{"quota", {IS("api", TEXT), IS("day", TEXT), IS("used", NUMBER)}, "SELECT api, day, used FROM quota",
		{"INSERT INTO quota(api,day,used) VALUES(?1,?2,?3) ON CONFLICT DO NOTHING"}},
	{"quota_turn", {IS("api", TEXT), IS("settled", NUMBER)}, "SELECT api, settled FROM quota_turn",
		{"INSERT INTO quota_turn(api,settled) VALUES(?1,?2) ON CONFLICT DO NOTHING"}},
	{"lookups", {IS("hour", NUMBER), IS("kind", TEXT), IS("n", NUMBER)}, "SELECT hour, kind, n FROM lookup",
		{"INSERT INTO lookup(hour,kind,n) VALUES(?1,?2,?3) ON CONFLICT DO NOTHING"}},
	{"outage", {IS("api", TEXT), IS("digest", TEXT), IS("since", NUMBER), IS("next", NUMBER)},
		"SELECT api, digest, since, next FROM outage",
		{"INSERT INTO outage(api,digest,since,next) VALUES(?1,?2,?3,?4) ON CONFLICT DO NOTHING"}},
	{"moment", {IS("name", TEXT), IS("at", NUMBER)}, "SELECT name, at FROM moment WHERE name<>'dumped'",
		{"INSERT INTO moment(name,at) VALUES(?1,?2) ON CONFLICT DO NOTHING"}},
	{"useless_list", {IS("kind", TEXT), IS("until", NUMBER)}, "SELECT kind, until FROM useless_list",
		{"INSERT INTO useless_list(kind,until) VALUES(?1,?2) ON CONFLICT DO NOTHING"}},
	{"answer",
		{IS("kind", TEXT), IS("id", TEXT), IS("from_list", TRUTH), IS("fetched", NUMBER), IS("body", JSON)},
		"SELECT kind, id, from_list, fetched, body FROM answer",
		{"INSERT INTO cache(kind,id,from_list,fetched,body)"
		 "  VALUES(?1,?2,?3,?4,(SELECT coalesce(max(key),0)+1 FROM body)) ON CONFLICT DO NOTHING",
			"INSERT INTO body(key,text) SELECT body, ?5 FROM cache WHERE kind=?1 AND id=?2 AND from_list=?3"}},
	/* in the order in which they came, which is what their numbers tell */
	{"event",
		{IS("id", TEXT), IS("type", OPTIONAL), IS("patient", OPTIONAL), IS("subject", OPTIONAL),
			IS("queue", OPTIONAL), {"state", TEXT, " waiting done unchanged ignored skipped dead dropped "},
			IS("attempts", NUMBER), IS("due", NUMBER), IS("received", NUMBER),
			IS("settled", NUMBER | OPTIONAL), IS("put_off", LINE | OPTIONAL), IS("failure", TEXT | OPTIONAL),
			IS("line", LINE | OPTIONAL)},
		"SELECT id, type, patient, subject, queue, CASE state WHEN 'running' THEN 'waiting' ELSE state END,"
		"  attempts, due, received, settled, put_off, failure, text"
		"  FROM inbox AS i LEFT JOIN body AS b ON b.key=i.body ORDER BY i.seq",
		{"INSERT INTO inbox(id,type,patient,subject,queue,state,attempts,due,received,settled,put_off,failure,body)"
		 "  VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,"
		 "    CASE WHEN CAST(?13 AS TEXT) IS NOT NULL THEN (SELECT coalesce(max(key),0)+1 FROM body) END)"
		 "  ON CONFLICT DO NOTHING",
			"INSERT INTO body(key,seq,text) SELECT body, seq, ?13 FROM inbox WHERE id=?1 AND body IS NOT NULL"}},
	{"attempt",
		{IS("event", TEXT), IS("at", NUMBER), IS("status", TEXT), IS("contact", OPTIONAL),
			IS("patient", OPTIONAL), IS("calls", NUMBER), IS("patientnow_calls", NUMBER), IS("result", LINE)},
		"SELECT id, at, status, a.contact, a.patient, calls, patientnow_calls, result"
		"  FROM attempt AS a JOIN inbox AS i ON i.seq=a.event_seq ORDER BY a.seq",
		{"INSERT INTO attempt(event_seq,at,status,contact,patient,calls,patientnow_calls,result)"
		 "  SELECT seq, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM inbox WHERE id=?1"}},
};

/* --- Writing --- */

static void put_member(struct buf *line, const char *name, int form, const char *text)
{
	if (form == NUMBER || form == TRUTH)
		buf_printf(line, ",\"%s\":%s", name, form == NUMBER ? text : *text == '1' ? "true" : "false");
	else
		buf_member(line, name, text);
}

static void put_record(struct buf *line, const struct record *r, const struct state_rows *rows)
{
	line->n = 0;
	buf_putc(line, '{');
	buf_member(line, "record", r->name);
	for (int i = 0; r->members[i].name; i++) {
		const char *text = state_text(rows, i);
		if (text)
			put_member(line, r->members[i].name, r->members[i].form & ~OPTIONAL, text);
	}
	buf_putc(line, '}');
}

bool dump_write(struct state *s, const char *practice, bool (*write)(struct str line, void *context),
	void *context, int64_t *made)
{
	struct buf line = {0};
	int64_t n = 0;
	*made = when_now_ms();
	if (!state_begin_reading(s))
		return false;
	buf_puts(&line, "{\"record\":\"dump\"");
	buf_member(&line, "practice", practice);
	buf_printf(&line, ",\"version\":%d,\"made\":%lld}", VERSION, (long long)*made);
	bool done = write(buf_str(&line), context);
	for (size_t i = 0; done && i < COUNT(records); i++) {
		struct state_rows rows = state_query(s, records[i].read, "");
		for (; done && state_next(&rows); n++) {
			put_record(&line, &records[i], &rows);
			done = write(buf_str(&line), context);
		}
		done = state_done(&rows) && done;
	}
	line.n = 0;
	buf_printf(&line, "{\"record\":\"end\",\"records\":%lld}", (long long)n);
	done = done && write(buf_str(&line), context);
	buf_free(&line);
	return state_end(s, true) && done;
}

/* --- What is remembered of dumps --- */

static bool keep_moment(struct state *s, const char *name, int64_t at)
{
	return state_do(s,
		"INSERT INTO moment(name,at) VALUES(?,?) ON CONFLICT(name) DO UPDATE SET at=excluded.at", "ti", name,
		at);
}

bool dump_keep(struct state *s, int64_t made)
{
	return keep_moment(s, "dumped", made);
}

bool dump_last(struct state *s, int64_t *made)
{
	*made = 0;
	return state_int(s, made, "SELECT at FROM moment WHERE name='dumped'", "") != STATE_FAILED;
}

/* --- Reading --- */

static bool wrong(struct dump_load *load, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says what is wrong; always false. */
static bool wrong(struct dump_load *load, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(load->why, sizeof load->why, format, args);
	va_end(args);
	return false;
}

static bool unwritten(struct dump_load *load)
{
	return wrong(load, "the state cannot be written");
}

/* A member's text as the state has it; NULL: it has another form. */
static const char *in_form(struct arena *a, struct str value, int form)
{
	struct jtext_error error;
	enum jtext_type type = jtext_type(value);
	const char *text = jtext_scalar(a, value), *unfit = NULL;
	if (form == TRUTH)
		return type == JTEXT_TRUE ? "1" : type == JTEXT_FALSE ? "0" : NULL;
	if (type != (form == NUMBER ? JTEXT_NUMBER : JTEXT_STRING))
		return NULL;
	if (form == NUMBER)
		strtonum(text, INT64_MIN, INT64_MAX, &unfit);
	if (form == LINE && strchr(text, '\n'))
		return NULL;
	return unfit || (form >= JSON && !jtext_check(str_of(text), &error)) ? NULL : text;
}

/* A member of the line in this form; else says what is wrong with it, and gives NULL. */
static const char *take(struct dump_load *load, const char *record, const char *name, int form)
{
	static const char *const forms[] = {
		"a text", "a whole number", "true or false", "JSON in a text", "JSON in a text of one line"};
	struct str value = jtext_member(&load->members, name);
	const char *text = in_form(&load->arena, value, form);
	if (!value.p)
		wrong(load, "%s: \"%s\" is missing", record, name);
	else if (!text)
		wrong(load, "%s: \"%s\" is not %s", record, name, forms[form]);
	return text;
}

/* Whether the line has no member that the record has not. */
static bool has_only(struct dump_load *load, const struct record *r)
{
	for (size_t m = 0; m < load->members.n; m++) {
		struct str name = load->members.at[m].name;
		int i = 0;
		while (r->members[i].name && !jtext_named(name, r->members[i].name))
			i++;
		if (!r->members[i].name && !jtext_named(name, "record"))
			return wrong(load, "%s: \"%.*s\" is nothing that it has", r->name,
				(int)(name.n < 60 ? name.n : 60), name.p);
	}
	return true;
}

/* The values of a record's members, as its statements want them. */
static bool take_all(struct dump_load *load, const struct record *r, const char **values)
{
	for (int i = 0; r->members[i].name; i++) {
		const char *name = r->members[i].name, *words = r->members[i].words;
		int form = r->members[i].form;
		if (form & OPTIONAL && !jtext_member(&load->members, name).p)
			continue;
		if (!(values[i] = take(load, r->name, name, form & ~OPTIONAL)))
			return false;
		if (words &&
			(strchr(values[i], ' ') || !strstr(words, arena_printf(&load->arena, " %s ", values[i]))))
			return wrong(load, "%s: \"%s\" is none of:%s", r->name, name, words);
	}
	return true;
}

/* Puts the line's record into the state. */
static bool add(struct dump_load *load, const struct record *r)
{
	const char *values[MEMBERS] = {0};
	if (!has_only(load, r) || !take_all(load, r, values))
		return false;
	for (size_t i = 0; i < COUNT(r->add) && r->add[i]; i++) {
		if (!state_do_texts(load->state, r->add[i], values))
			return unwritten(load);
		if (i == 0 && state_changed(load->state) == 0)
			return wrong(load, "%s: there is one already, or nothing that it belongs to", r->name);
	}
	load->records++;
	return true;
}

/* The first line. */
static bool take_header(struct dump_load *load)
{
	const char *version, *made, *practice;
	if (!(version = take(load, "dump", "version", NUMBER)))
		return false;
	if (state_number(version) != VERSION)
		return wrong(load, "the dump is of version %s, this pnow reads version %d", version, VERSION);
	if (!(practice = take(load, "dump", "practice", 0)) || !(made = take(load, "dump", "made", NUMBER)))
		return false;
	load->made = state_number(made);
	return strcmp(practice, load->practice) == 0 ||
		   wrong(load, "the dump is of practice %s, the configuration of %s", practice, load->practice);
}

/* The last one. */
static bool take_end(struct dump_load *load)
{
	const char *told = take(load, "end", "records", NUMBER);
	load->ended = told && state_number(told) == load->records;
	return load->ended || !told ||
		   wrong(load, "%s records should have come before, and %lld did", told, (long long)load->records);
}

static bool take_record(struct dump_load *load)
{
	const char *name = in_form(&load->arena, jtext_member(&load->members, "record"), 0);
	size_t i = 0;
	if (load->lines == 1)
		return name && strcmp(name, "dump") == 0 ? take_header(load) : wrong(load, "this is no dump");
	if (!name)
		return wrong(load, "it does not say what \"record\" it is");
	if (load->ended)
		return wrong(load, "something comes behind the end");
	if (strcmp(name, "end") == 0)
		return take_end(load);
	while (i < COUNT(records) && strcmp(name, records[i].name) != 0)
		i++;
	return i < COUNT(records) ? add(load, &records[i])
							  : wrong(load, "\"%.60s\" is no record that this pnow knows", name);
}

bool dump_load_line(struct dump_load *load, struct str line)
{
	struct jtext_error error;
	load->lines++;
	arena_reset(&load->arena);
	if (!jtext_check_object(line, &load->members, &error))
		return wrong(load, "this is no JSON object: %s, at byte %zu", error.what, error.at + 1);
	const char *twice = jtext_twice(&load->arena, &load->members);
	return twice ? wrong(load, "\"%.60s\" is there twice", twice) : take_record(load);
}

/* Whether nothing is in the state; says what is. */
static bool is_empty(struct dump_load *load)
{
	for (size_t i = 0; i < COUNT(records); i++) {
		struct state_rows rows = state_query(load->state, records[i].read, "");
		bool some = state_next(&rows);
		if (!state_done(&rows))
			return wrong(load, "the state cannot be read");
		if (some)
			return wrong(load,
				"it is not empty (%s); a dump goes into a new one: stop what uses this one, and move it away",
				records[i].name);
	}
	return true;
}

bool dump_load_begin(struct dump_load *load, struct state *s, const char *practice)
{
	*load = (struct dump_load){.state = s, .practice = practice};
	if (!state_begin(s))
		return unwritten(load);
	return is_empty(load) || (state_end(s, false), false);
}

/* What the state has to remember of its dump. */
static bool keep_moments(struct dump_load *load, int64_t worked)
{
	int64_t began = load->made;
	state_int(load->state, &began, "SELECT at FROM moment WHERE name='gap began' AND at<?", "i", load->made);
	bool kept = keep_moment(load->state, "dumped", load->made) &&
				(worked < load->made || (keep_moment(load->state, "gap began", began) &&
											keep_moment(load->state, "gap ended", worked)));
	return kept || unwritten(load);
}

bool dump_load_end(struct dump_load *load, bool done, int64_t worked)
{
	if (done && !load->ended)
		done = wrong(load, "its end is missing: it was cut off");
	else if (done)
		done = keep_moments(load, worked) &&
			   ((inbox_count_all(load->state) && told_count_all(load->state)) || unwritten(load));
	if (done)
		state_wake(load->state);
	bool ended = state_end(load->state, done);
	arena_free(&load->arena);
	free(load->members.at);
	return ended || (done && unwritten(load));
}
