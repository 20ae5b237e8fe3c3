/*
 * The body that makes a patient. The profile says where each fact stands in a body that PatientNow sends; a
 * new one is made of the same places, objects inside objects included.
 */
#include "net/patientnow.h"
#include "text/buf.h"

/* A fact and where it goes in the body of a new patient: address/city. */
struct placed {
	const char *at, *text;
};

/* Writes the object of those whose place begins with within ("" or "address/"). */
static void write_placed(struct buf *out, struct arena *a, const struct placed *facts, const char *within)
{
	size_t n = strlen(within);
	buf_putc(out, '{');
	for (const struct placed *f = facts; f->at; f++) {
		if (strncmp(f->at, within, n) != 0)
			continue;
		size_t length = strcspn(f->at + n, "/");
		const char *name = arena_copy(a, (struct str){f->at + n, length});
		if (!f->at[n + length]) {
			buf_member(out, name, f->text);
			continue;
		}
		const char *inner = arena_copy(a, (struct str){f->at, n + length + 1});
		const struct placed *first = facts;
		while (strncmp(first->at, inner, strlen(inner)) != 0)
			first++;
		if (first != f)
			continue; /* written with the first that is in it */
		buf_puts(out, out->p[out->n - 1] == '{' ? "" : ",");
		buf_json(out, str_of(name));
		buf_putc(out, ':');
		write_placed(out, a, facts, inner);
	}
	buf_putc(out, '}');
}

struct str patientnow_new(const struct profile *profile, struct arena *a, struct str facts)
{
	struct placed placed[32] = {0};
	struct buf out = {0};
	size_t n = 0;
	for (const struct event_fact *f = event_facts(KIND_PATIENT); f->name; f++) {
		const struct profile_pointers *to = profile_field(&profile->kinds[KIND_PATIENT].fields, f->name);
		const char *text = jtext_scalar(a, jtext_get(facts, f->name));
		if (!to || !to->n || !text || place_wrong(to->at[0], PLACE_VALUE) || strcmp(f->name, "id") == 0)
			continue;
		if (strcmp(f->name, "gender") == 0)
			text = profile_gender(profile, text);
		placed[n++] = (struct placed){to->at[0] + 1, text};
	}
	write_placed(&out, a, placed, "");
	struct str body = buf_take(&out, a);
	return body;
}
