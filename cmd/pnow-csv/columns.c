/*
 * Which column of an export holds which fact: what -m says, else a column that is called like one of the
 * profile's pointers, else one that is called like the fact itself.
 */
#include "csv.h"

#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sysexits.h>

static const char blanks[] = " \t\r\n";
static const char *const item_facts[] = {"name", "amount", NULL};

/* How a fact is called in -m and in messages: bill.total, patient.email, item.amount. */
static const char *kind_name(enum event_kind kind, enum about about)
{
	return about == ABOUT_ITEM ? "item" : event_kind_name(about == ABOUT_PATIENT ? KIND_PATIENT : kind);
}

static bool has_fact(enum event_kind kind, const char *name)
{
	for (const struct event_fact *f = event_facts(kind); f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f->form != FACT_ITEMS;
	return false;
}

static bool is_about(enum event_kind kind, enum about about, const char *name)
{
	if (about == ABOUT_ITEM)
		return kind == KIND_BILL && (strcmp(name, "name") == 0 || strcmp(name, "amount") == 0);
	return has_fact(about == ABOUT_PATIENT ? KIND_PATIENT : kind, name);
}

bool fact_named(enum event_kind kind, const char *name, enum about *about, const char **fact)
{
	const char *dot = strchr(name, '.');
	*about = ABOUT_OWN;
	*fact = name;
	if (!dot)
		return is_about(kind, ABOUT_OWN, name);
	*fact = dot + 1;
	for (*about = ABOUT_OWN; *about <= ABOUT_ITEM; ++*about) {
		const char *called = kind_name(kind, *about);
		if (strlen(called) == (size_t)(dot - name) && strncmp(called, name, strlen(called)) == 0)
			return is_about(kind, *about, *fact);
	}
	return false;
}

static void add_column(struct fact_columns *f, size_t column)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->columns[i] == column)
			return;
	if (f->n < COLUMNS_EACH)
		f->columns[f->n++] = column;
}

/* The columns that a pointer fits. */
static void match(struct fact_columns *f, const char *pointer, const struct row *header)
{
	for (size_t i = 0; i < header->n; i++)
		if (profile_is_column(pointer, header->fields[i]))
			add_column(f, i);
}

/* Whether the first row seems to hold the names of columns, and not people. */
static bool is_header(const struct row *header)
{
	for (size_t i = 0; i < header->n; i++) {
		size_t digits = 0;
		for (const char *p = header->fields[i]; *p; p++)
			digits += isdigit((unsigned char)*p) != 0;
		if (digits > 2 || strchr(header->fields[i], '@'))
			return false;
	}
	return true;
}

/* What the header has, for messages: "Bill No", "Total". Nothing of a row about people. */
static const char *names_of(const struct row *header)
{
	struct buf names = {0};
	if (!is_header(header))
		return "none: its first row holds data";
	for (size_t i = 0; i < header->n; i++)
		buf_printf(&names, "%s\"%.60s\"", i ? ", " : "", header->fields[i]);
	buf_putc(&names, '\0');
	return names.p;
}

/* The columns that -m names; false where it does not speak of the fact. One of them must be there; of a fact
   about the patient in an export of something else none need: that may have been given for all exports. */
static bool match_given(const struct csv *c, struct fact_columns *f, const struct row *header)
{
	const struct given *missing = NULL;
	bool any = false;
	for (size_t i = 0; i < c->given_n; i++) {
		enum about about;
		const char *fact;
		fact_named(c->kind, c->given[i].fact, &about, &fact);
		if (about != f->about || strcmp(fact, f->name) != 0)
			continue;
		any = true;
		if (!*c->given[i].column)
			continue;
		size_t before = f->n;
		for (size_t j = 0; j < header->n; j++)
			if (strcmp(header->fields[j], c->given[i].column) == 0)
				add_column(f, j);
		if (f->n == before)
			missing = &c->given[i];
	}
	if (missing && !f->n && f->about != ABOUT_PATIENT)
		errx(EX_DATAERR, "%s: found no column \"%s\" (-m %s), the header has %s", c->file, missing->column,
			missing->fact, names_of(header));
	return any && (f->n || !missing);
}

/* The pointers of the profile that lead to a fact, or NULL. */
static const struct profile_pointers *pointers_of(const struct csv *c, const struct fact_columns *f)
{
	const struct profile_kind *kinds = c->profile->kinds;
	const struct profile_fields *fields = f->about == ABOUT_ITEM ? &kinds[KIND_BILL].item
										  : f->about == ABOUT_PATIENT
											  ? profile_fields(c->profile, KIND_PATIENT, c->kind)
											  : &kinds[c->kind].fields;
	return profile_field(fields, f->name);
}

static void find_fact(struct csv *c, enum about about, const char *name, const struct row *header)
{
	char own[80];
	struct fact_columns *f = &c->facts[c->facts_n++];
	*f = (struct fact_columns){.about = about, .name = name};
	if (match_given(c, f, header))
		return;
	const struct profile_pointers *from = pointers_of(c, f);
	for (size_t i = 0; from && i < from->n; i++)
		match(f, from->at[i], header);
	snprintf(own, sizeof own, "/%s%s%s", about == ABOUT_OWN ? "" : kind_name(c->kind, about),
		about == ABOUT_OWN ? "" : "/", name);
	if (!f->n)
		match(f, own, header);
}

static bool found(const struct csv *c, enum about about, const char *name)
{
	for (size_t i = 0; i < c->facts_n; i++)
		if (c->facts[i].about == about && strcmp(c->facts[i].name, name) == 0)
			return c->facts[i].n > 0;
	return false;
}

/* Ends the process where a fact that is needed has no column. */
static void need(const struct csv *c, const struct row *header, enum about about, const char *name)
{
	static const char *const expected[EVENT_KINDS] = {"Patient ID", "Appointment ID, Patient ID and Status",
		"Bill ID, Patient ID and Total or Amount", "Membership ID and Patient ID"};
	const char *kind = kind_name(c->kind, about);
	if (found(c, about, name))
		return;
	errx(EX_DATAERR,
		"%s: found no column for %s.%s, expected a header with columns such as %s; it has %s: name the "
		"column with -m '%s.%s=COLUMN'",
		c->file, kind, name, expected[c->kind], names_of(header), kind, name);
}

/* With -v: what is made of which column. */
static void tell_found(const struct csv *c, const struct row *header)
{
	for (size_t i = 0; i < c->facts_n; i++)
		for (size_t j = 0; j < c->facts[i].n; j++)
			warnx("%s: %s.%s is \"%s\"", c->file, kind_name(c->kind, c->facts[i].about), c->facts[i].name,
				header->fields[c->facts[i].columns[j]]);
}

/* What -m says of a fact, or NULL. */
static const struct given *given_for(const struct csv *c, const struct fact_columns *f)
{
	enum about about;
	const char *fact;
	for (size_t i = 0; i < c->given_n; i++)
		if (fact_named(c->kind, c->given[i].fact, &about, &fact) && about == f->about &&
			strcmp(fact, f->name) == 0)
			return &c->given[i];
	return NULL;
}

/* Whether people should know that a fact has no column. Of a bill's total and its items' amounts one will do;
   facts about the patient are missed in an export of something else only where they were asked for. */
static bool is_missed(const struct csv *c, const struct fact_columns *f)
{
	const struct given *given = given_for(c, f);
	if (f->n || (c->kind == KIND_BILL && (strcmp(f->name, "total") == 0 || strcmp(f->name, "amount") == 0)))
		return false;
	return f->about == ABOUT_PATIENT ? given && *given->column : !given;
}

static bool is_used(const struct csv *c, size_t column)
{
	for (size_t i = 0; i < c->facts_n; i++)
		for (size_t j = 0; j < c->facts[i].n; j++)
			if (c->facts[i].columns[j] == column)
				return true;
	for (size_t i = 0; i < c->left_out_n; i++)
		if (c->left_out[i].at == column)
			return true;
	return false;
}

/* What is not there, and what might be it: facts without a column, columns without a fact. */
static void tell_missed(const struct csv *c, const struct row *header)
{
	struct buf facts = {0}, columns = {0};
	for (size_t i = 0; i < c->facts_n; i++)
		if (is_missed(c, &c->facts[i]))
			buf_printf(&facts, "%s%s.%s", facts.n ? ", " : "", kind_name(c->kind, c->facts[i].about),
				c->facts[i].name);
	for (size_t i = 0; i < header->n; i++)
		if (!is_used(c, i))
			buf_printf(&columns, "%s\"%.60s\"", columns.n ? ", " : "", header->fields[i]);
	if (facts.n)
		warnx("%s: no column for %.*s", c->file, (int)facts.n, facts.p);
	if (columns.n && (facts.n || c->verbose))
		warnx("%s: nothing is made of %.*s", c->file, (int)columns.n, columns.p);
	buf_free(&facts);
	buf_free(&columns);
}

/* The columns that -x looks into. */
static void find_left_out(struct csv *c, const struct row *header)
{
	for (size_t i = 0; i < c->left_out_n; i++) {
		struct left_out *x = &c->left_out[i];
		for (x->at = 0; x->at < header->n && strcmp(header->fields[x->at], x->column) != 0;)
			x->at++;
		if (x->at == header->n)
			errx(EX_DATAERR, "%s: found no column \"%s\" (-x), the header has %s", c->file, x->column,
				names_of(header));
	}
}

/* A column's name as it is told and asked for: in one line. */
static void make_one_line(char *name)
{
	for (; *name; name++)
		if (iscntrl((unsigned char)*name))
			*name = ' ';
}

void find_columns(struct csv *c, const struct row *header)
{
	for (size_t i = 0; i < header->n; i++)
		make_one_line(header->fields[i]);
	c->facts_n = 0;
	for (const struct event_fact *f = event_facts(c->kind); f->name; f++)
		if (f->form != FACT_ITEMS)
			find_fact(c, ABOUT_OWN, f->name, header);
	for (const struct event_fact *f = event_facts(KIND_PATIENT); c->kind != KIND_PATIENT && f->name; f++)
		find_fact(c, ABOUT_PATIENT, f->name, header);
	for (size_t i = 0; c->kind == KIND_BILL && item_facts[i]; i++)
		find_fact(c, ABOUT_ITEM, item_facts[i], header);
	need(c, header, ABOUT_OWN, "id");
	if (c->kind != KIND_PATIENT)
		need(c, header, ABOUT_PATIENT, "id");
	if (c->kind == KIND_APPOINTMENT && c->type != EVENT_APPOINTMENT_BOOKED)
		need(c, header, ABOUT_OWN, "status");
	if (c->kind == KIND_BILL && !found(c, ABOUT_OWN, "total"))
		need(c, header, ABOUT_ITEM, "amount");
	find_left_out(c, header);
	if (c->verbose)
		tell_found(c, header);
	tell_missed(c, header);
}

/* A field without the blanks around it. */
static const char *field(const struct row *row, size_t column)
{
	char *text = row->fields[column] + strspn(row->fields[column], blanks);
	size_t n = strlen(text);
	while (n && strchr(blanks, text[n - 1]))
		n--;
	text[n] = '\0';
	return text;
}

const char *value_in_row(const struct csv *c, size_t fact, const struct row *row)
{
	const struct fact_columns *f = &c->facts[fact];
	for (size_t i = 0; i < f->n; i++) {
		const char *text = field(row, f->columns[i]);
		if (*text)
			return text;
	}
	return NULL;
}

bool row_left_out(const struct csv *c, const struct row *row)
{
	for (size_t i = 0; i < c->left_out_n; i++) {
		const struct left_out *x = &c->left_out[i];
		if ((strcasecmp(field(row, x->at), x->value) == 0) != x->unless)
			return true;
	}
	return false;
}
