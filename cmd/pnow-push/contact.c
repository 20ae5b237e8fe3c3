/*
 * The contact as the CRM's webhook tells it, or the CRM itself: the webhook has no gender. Its facts get the
 * names of a patient's, so that what follows does not know the CRM's.
 */
#include "tagged.h"
#include "conf/canonical.h"
#include "value/field.h"

#include <strings.h>

static void place(struct profile_fields *places, struct arena *a, const char *fact, const char *property)
{
	const char **at = arena_alloc(a, sizeof *at);
	*at = arena_printf(a, "/%s", property);
	places->at[places->n++] = (struct profile_field){fact, {at, 1}};
}

/* Where the CRM has a patient's facts: in the properties that they are written to. */
static struct profile_fields crm_places(struct arena *a)
{
	size_t n = 1;
	for (const struct field *f = properties; f->name; f++)
		n++;
	struct profile_fields places = {arena_alloc(a, n * sizeof *places.at), 0};
	place(&places, a, "id", "id");
	for (const struct field *f = properties; f->name; f++)
		place(&places, a, f->from->fact, f->name);
	return places;
}

static const char *fact_of(const struct tagged *t, const char *name)
{
	return jtext_string(t->a, jtext_get(t->facts, name));
}

/* Whether a tag is one of create.tags, in any case and with blanks around it. */
static bool asks(const struct conf *conf, const char *tag)
{
	size_t blanks = strspn(tag, " \t"), n = strlen(tag + blanks);
	while (n && strchr(" \t", tag[blanks + n - 1]))
		n--;
	for (size_t i = 0; i < conf->create.tags_n; i++)
		if (strlen(conf->create.tags[i]) == n && strncasecmp(conf->create.tags[i], tag + blanks, n) == 0)
			return true;
	return false;
}

/* Takes facts and tags from an object; ours: the facts have our own names, not the CRM's. */
static enum fate take(struct tagged *t, struct str object, bool ours, const char *otherwise)
{
	const struct profile_fields places = crm_places(t->a);
	struct sources sources = {.at = {{.body = object, .fields = ours ? NULL : &places}}};
	struct buf tags = {0};
	t->facts = canonical(t->push->profile, t->a, KIND_PATIENT, &sources, NULL);
	buf_putc(&tags, '[');
	for (struct str at = {0}, all = jtext_get(object, "tags"); jtext_next(all, &at);) {
		const char *tag = jtext_string(t->a, at);
		if (!tag || !asks(t->push->conf, tag))
			continue;
		if (tags.n > 1)
			buf_putc(&tags, ',');
		buf_json(&tags, str_of(tag));
	}
	bool none = tags.n == 1;
	buf_putc(&tags, ']');
	t->tags = buf_take(&tags, t->a);
	if (none)
		record_set_text(t->r, "ignored", otherwise);
	return none ? FATE_IGNORED : FATE_OPEN;
}

/* Whether the configuration has the sub-account. */
static bool is_ours(const struct conf *conf, const char *location)
{
	const char *at;
	for (size_t i = 0; (at = conf_location(conf, &i));)
		if (strcmp(at, location) == 0)
			return true;
	return false;
}

enum fate contact_read(struct tagged *t)
{
	struct str payload = record_get(t->r, "payload");
	bool webhook = jtext_type(payload) == JTEXT_OBJECT;
	struct jtext_members from = record_object(t->r, webhook ? "payload" : "contact");
	struct str object = webhook ? payload : record_get(t->r, "contact");
	if (t->r->failed)
		return FATE_FAILED;
	if (take(t, object, !webhook, "no tag of the contact asks for a patient: see create.tags") ==
		FATE_IGNORED)
		return FATE_IGNORED;
	t->contact = fact_of(t, "id");
	t->listed = str_is(record_get(t->r, "source"), "\"fetch\"");
	t->location = members_text(t->a, &from, webhook ? "locationId" : "location_id");
	if (!t->location)
		t->location = t->push->conf->crm.location_id;
	if (!t->contact || !t->event)
		record_fail(t->r, "malformed", false, "the event has no %s", t->event ? "contact's id" : "id");
	else if (!is_ours(t->push->conf, t->location))
		record_fail(t->r, "wrong_location", false,
			"contact %s: its sub-account %s is not in the configuration", t->contact, t->location);
	return t->r->failed ? FATE_FAILED : FATE_OPEN;
}

enum fate contact_ask(struct tagged *t)
{
	struct crm_request request = {.method = "GET",
		.path = arena_printf(t->a, "/contacts/%s", http_encode(t->a, t->contact)),
		.repeatable = true};
	struct crm_answer answer =
		crm_call(t->push->crm, t->a, crm_location_with(t->push->crm, t->location), &request);
	struct str contact = jtext_get(answer.body, "contact");
	t->crm_calls += answer.calls;
	if (crm_gone(t->a, &answer)) {
		record_set_text(t->r, "ignored", "the contact is not in the CRM any more");
		return FATE_IGNORED;
	}
	if (!answer.error && jtext_get(contact, "id").p)
		return take(t, contact, false, "the tag that asked for a patient is not on the contact any more");
	if (answer.error)
		record_fail(t->r, answer.code, answer.retry, "%s", answer.error);
	else
		record_fail(t->r, "bad_answer", true, "the CRM's answer has no contact in it");
	record_retry_after(t->r, answer.retry_after);
	return FATE_FAILED;
}

const char *contact_missing(const struct tagged *t, size_t *count)
{
	const struct conf *conf = t->push->conf;
	const char *missing = NULL;
	size_t n = 0;
	for (size_t i = 0; i < conf->create.required_n; i++) {
		const char *fact = conf->create.required[i];
		if (!fact_of(t, fact))
			missing = arena_printf(
				t->a, "%s%s%s", n++ ? missing : "", missing ? ", " : "", property_of(fact)->also);
	}
	if (count)
		*count = n;
	return missing;
}

struct str contact_filled(const struct tagged *t)
{
	const struct conf *conf = t->push->conf;
	struct buf out = {0};
	buf_add(&out, (struct str){t->facts.p, t->facts.n - 1});
	for (size_t k = 0; k < conf->create.required_n; k++)
		if (!fact_of(t, conf->create.required[k]))
			buf_member(&out, conf->create.required[k], arena_printf(t->a, "{%s}", conf->create.required[k]));
	buf_putc(&out, '}');
	struct str filled = buf_take(&out, t->a);
	return filled;
}

struct str contact_shown(const struct tagged *t)
{
	struct buf out = {0};
	buf_add(&out, (struct str){t->facts.p, t->facts.n - 1});
	buf_member(&out, "location_id", t->location);
	buf_puts(&out, ",\"tags\":");
	buf_add(&out, t->tags);
	buf_putc(&out, '}');
	struct str shown = buf_take(&out, t->a);
	return shown;
}
