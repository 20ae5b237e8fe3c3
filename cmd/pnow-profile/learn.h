/* What was learnt of an EMR from its bodies, and how it is written down. */
#ifndef LEARN_H
#define LEARN_H

#include "conf/profile.h"

struct learned_place {
	const char *place;
	unsigned rank;    /* the likeliest first */
	const char *note; /* why it is a guess; NULL: it is none */
};

struct learned_list {
	struct learned_place at[6];
	size_t n;
};

struct learned_names {
	struct conf_name at[64];
	size_t n;
};

struct learned_kind {
	struct learned_list fields[16], elsewhere[16]; /* in the order of event_facts */
};

struct learned {
	struct arena *a;
	struct {
		struct learned_list list, name, id, time, data;
	} event;
	struct learned_names events, statuses;
	bool day_first, form, compressed, probe;
	const char *challenge_query, *challenge_body; /* or NULL */
	const char *epoch;                            /* or NULL */
	struct learned_kind kinds[EVENT_KINDS];
	bool seen[EVENT_KINDS]; /* a body was about one */
	struct learned_list items, item_name, item_amount;
	const char *signature; /* what a header's value shows of it; or NULL */
	const char *questions[32];
	size_t questions_n;
};

/* Writes a profile to standard output; what bodies do not tell is taken from the profile base, unless that is
 * NULL. */
void learn_write(struct learned *l, const char *base);

#endif
