/*
 * What is known of one EMR: where its API is and how it is asked, what its events and statuses are called,
 * and where in its bodies each of our facts stands. A profile is a JSON file (lib/profiles), so that it can
 * be mended without a compiler.
 */
#ifndef PROFILE_H
#define PROFILE_H

#include "conf/conf.h"
#include "conf/place.h"
#include "text/arena.h"
#include "text/jtext.h"
#include "value/event.h"

/* A list of places (place.h), tried in order. */
struct profile_pointers {
	const char **at;
	size_t n;
};

struct profile_field {
	const char *name; /* ours: first_name */
	struct profile_pointers from;
};

struct profile_fields {
	struct profile_field *at;
	size_t n;
};

struct profile_kind { /* patient, appointment, bill, membership */
	const char *get;  /* patients/{id} */
	/* What the EMR may lack is NULL, or n 0. */
	const char *list;            /* patients: walked in pages */
	const char *create;          /* patients: takes a POST */
	const char *search;          /* patients: takes search_by */
	struct conf_names search_by; /* our fact and the query parameter that asks for it */
	struct profile_pointers
		rows; /* in an answer to list or search: its entries; n 0: the answer is the list */
	struct profile_pointers updated;     /* in an entry: when it changed last */
	struct profile_pointers merged_from; /* patient: the ids of those who were merged into it */
	struct profile_fields fields;        /* the first pointer of each is also what a create calls it */
	struct profile_fields elsewhere;     /* patient: in bodies that are about something else; n 0: fields */
	struct profile_pointers objects;     /* that the places of these two lead through, each once */
	struct profile_pointers items;       /* bill: the list of items */
	struct profile_fields item;          /* name, amount */
};

/* How a list is walked: query parameters, NULL where the API has none. */
struct profile_paging {
	const char *page;   /* from 1 */
	const char *cursor; /* what the page before told of this one; none on the first */
	const char *offset; /* how many entries are before the page's first */
	const char *rows;   /* how many on a page */
	int64_t size;       /* as many as are asked for (100); a shorter page is the last */
	const char *since, *until;
	const char *pages_header;      /* of an answer: how many pages there are, or NULL */
	struct profile_pointers next;  /* in an answer: the next page's cursor, or a link that has it */
	struct profile_pointers total; /* in an answer: how many entries there are in all */
};

/* The list of the practice's appointment types. */
struct profile_types {
	const char *list; /* NULL: the API has none */
	struct profile_pointers rows, name;
};

/* How the EMR's webhooks are signed; what the practice's configuration says comes first. NULL: as usual. */
struct profile_signature {
	const char *header, *prefix;
	const char *salt_header; /* what is signed is its value, ':' and the body */
	const char *key;         /* the secret is the key in this form: "base64", "hex" */
};

/* What the EMR wants to hear again when it asks whether the hook is there. */
struct profile_challenge {
	const char *query;            /* a parameter of a GET or HEAD, or NULL */
	struct profile_pointers body; /* a text in a body that is no event */
};

struct profile {
	const char *name;
	const char *emr;      /* what people call it: "PatientNow" */
	const char *hook;     /* the sender's name in its webhooks' path: "patientnow" */
	const char *base_url; /* NULL: it has no API that could be asked, and no kind has a get */
	const char
		*authorization; /* the header's value, with {token} in it; NULL: HTTP Basic with user and password */
	const char *practice_header; /* header that carries patientnow.practice_id, or NULL */
	const char *practice_query;  /* query parameter that carries it, or NULL */
	const char *apikey_query;    /* query parameter that carries the gateway key, or NULL */
	const char *apikey_header;   /* header that carries it, or NULL */
	const char *check; /* path, with its query, of a cheap request that shows whether secrets are taken */
	bool day_first;    /* 03/02/1984 is in February */
	bool utc;          /* a time without a zone is in UTC; else in the practice's */
	const char *epoch; /* what numbers that are times count since 1970: "seconds", "milliseconds"; NULL: none
						  is one */
	struct profile_signature signature;
	struct profile_challenge challenge;
	bool form;              /* webhooks may be forms */
	const char *compressed; /* webhooks may be compressed, and what is signed is that: "sent", or "unpacked";
							   NULL: they may not */
	bool probe;             /* GET and HEAD, by which the EMR sees whether the hook is there, are answered */
	struct profile_pointers event_list; /* several events in a body; "/": the body is the list */
	struct profile_pointers event_name, event_id, event_time, event_data;
	struct conf_names events;   /* the EMR's event names and our types ("ping": answered and forgotten) */
	struct conf_names statuses; /* the EMR's words and our appointment statuses */
	struct conf_names bill_statuses; /* the EMR's words and void, refunded */
	struct conf_names genders;       /* the EMR's words for a new patient's male, female, other */
	struct profile_paging paging;
	struct profile_kind kinds[EVENT_KINDS];
	struct profile_types appointment_types;
	struct arena arena;
};

/* Reads a profile by name or path; ends the process with status 78 and one line where it is missing or wrong.
 */
struct profile *profile_read(const char *name, const char *conf_file);
void profile_free(struct profile *p);
/* Where the file of a profile is: as named by its path; else beside the other data files, or in the checkout
   that the program was built in. */
const char *profile_path(struct arena *a, const char *name);

/* The first value that one of the pointers (PLACE_VALUE) leads to, null and "" passed over; p NULL where none
 * does. */
struct str profile_find(const struct profile_pointers *pointers, struct str body);
/* The first text that stands at one of the places (the arena's), or NULL; places may be NULL. */
const char *profile_text(const struct profile_pointers *places, struct arena *a, struct str body);
const char *profile_text_in(const struct profile_pointers *places, struct arena *a, struct place_body body);
/* Whether one of the pointers leads to a value at all, null and "" included: the EMR told that there is none.
 */
bool profile_has(const struct profile_pointers *pointers, struct str body);

/* The first name that is given twice in an object that facts of this kind are read from, or NULL; body is
   where the pointers start. */
const char *profile_twice(const struct profile *p, struct arena *a, enum event_kind kind, struct str body);

/* Whether a column of an export (Cell Phone, cell_phone) means what a pointer leads to (/cellPhone): without
   regard to case, blanks and _ - . : /. */
bool profile_is_column(const char *pointer, const char *column);

/* Where the facts of a kind stand in a body that is about body_kind. */
const struct profile_fields *profile_fields(
	const struct profile *p, enum event_kind kind, enum event_kind body_kind);

/* The pointers of a field, or NULL where the profile has none for it. */
const struct profile_pointers *profile_field(const struct profile_fields *fields, const char *name);

/* A time or date of the EMR as when.h reads it (text, or the arena's): a number is a moment, and a time
   without a zone is in UTC, where the profile says so. */
const char *profile_time(const struct profile *p, struct arena *a, const char *text);

/* The type that an event name means: one of ours, "ping", or NULL where the profile does not map it. */
const char *profile_type(const struct profile *p, const char *event_name);
/* The EMR's word for a new patient's gender; the text itself where the profile has none for it. */
const char *profile_gender(const struct profile *p, const char *text);
/* The status that the EMR's word means (booked, checked_out, cancelled, no_show), or NULL. */
const char *profile_status(const struct profile *p, const char *word);
/* Of a bill: void, refunded, or NULL. */
const char *profile_bill_status(const struct profile *p, const char *word);

#endif
