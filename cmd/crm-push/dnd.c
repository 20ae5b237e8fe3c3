/*
 * Consent: whoever has unsubscribed in PatientNow is not to be disturbed by e-mail and SMS. Only what was not
 * set is set, and only what this has set is taken back: staff and the patient may have set it for reasons of
 * their own. So the ledger has the channels, written down before the CRM is asked, since the CRM does not
 * tell whose setting it is.
 */
#include "push.h"

static const char *const channels[] = {"Email", "SMS"};

/* The channels that have this status in the contact's settings. */
static int64_t with_status(struct push_work *w, struct str settings, const char *status)
{
	int64_t found = 0;
	for (size_t i = 0; i < COUNT(channels); i++)
		if (push_has_text(w->a, jtext_get(settings, channels[i]), "status", status))
			found |= 1 << i;
	return found;
}

/* PUT /contacts/ID: these channels changed, the others as they are. */
static enum outcome put(struct push_work *w, struct str settings, int64_t changed, const char *status)
{
	struct jtext_members now = jtext_members(w->a, settings);
	struct buf body = {0};
	buf_puts(&body, "{\"dndSettings\":{");
	for (size_t i = 0; i < COUNT(channels); i++)
		if (changed & 1 << i)
			buf_printf(&body, "%s\"%s\":{\"status\":\"%s\"}", body.p[body.n - 1] == '{' ? "" : ",",
				channels[i], status);
	for (size_t i = 0; i < now.n; i++) {
		size_t k = 0;
		while (k < COUNT(channels) && !(changed & 1 << k && str_is(now.at[i].name, channels[k])))
			k++;
		if (k < COUNT(channels))
			continue;
		buf_putc(&body, ',');
		buf_json(&body, now.at[i].name);
		buf_putc(&body, ':');
		buf_add(&body, now.at[i].value);
	}
	buf_puts(&body, "}}");
	struct crm_answer answer = push_request_update(w, push_text(w->a, &body));
	if (answer.error)
		return push_result_fail_with(w, &answer);
	w->contact.now = jtext_get(answer.body, "contact");
	return OUT_DONE;
}

/* The contact's settings as the CRM has them now. */
static enum outcome read_settings(struct push_work *w, struct str *settings)
{
	if (!jtext_get(w->contact.now, "dndSettings").p)
		w->contact.now = (struct str){0}; /* not every answer tells */
	enum outcome out = push_contact_read(w);
	*settings = jtext_get(w->contact.now, "dndSettings");
	return out;
}

/* Keeps whose setting it is. */
static bool keep(struct push_work *w, int64_t ours, bool done)
{
	return !w->push->state || ledger_dnd_set(w->push->state, w->location->id, w->contact.id, ours, done);
}

/* Sets what is not set; begun: channels that an earlier try may have set. */
static enum outcome set(struct push_work *w, int64_t begun)
{
	struct str settings;
	enum outcome out = read_settings(w, &settings);
	int64_t missing = (1 << COUNT(channels)) - 1;
	if (out != OUT_DONE)
		return out;
	if (begun)
		missing = begun;
	missing &= ~(with_status(w, settings, "permanent") | (begun ? 0 : with_status(w, settings, "active")));
	if (!missing)
		return OUT_UNCHANGED;
	if (!keep(w, missing, false))
		return push_result_fail_state(w, "written");
	out = put(w, settings, missing, "active");
	if (out == OUT_DONE && !keep(w, missing, true))
		return push_result_fail_state(w, "written");
	return out;
}

/* Takes back what was set here, and is still set; in a dry run nobody looks whether it is. */
static enum outcome take_back(struct push_work *w, int64_t ours)
{
	struct str settings;
	enum outcome out = read_settings(w, &settings);
	if (out != OUT_DONE)
		return out;
	if (!w->push->dry)
		ours &= with_status(w, settings, "active");
	out = ours ? put(w, settings, ours, "inactive") : OUT_UNCHANGED;
	if (out != OUT_FAILED && !keep(w, 0, true))
		return push_result_fail_state(w, "written");
	return out;
}

enum outcome push_dnd_set(struct push_work *w)
{
	bool on = jtext_type(jtext_get(w->action, "on")) == JTEXT_TRUE, done = true;
	int64_t ours = 0;
	push_contact_lock(w);
	if (w->push->state && !ledger_dnd(w->push->state, w->location->id, w->contact.id, &ours, &done))
		return push_result_fail_state(w, "read");
	if (on && ours && done)
		return OUT_UNCHANGED;
	if (!on)
		return ours ? take_back(w, ours) : OUT_UNCHANGED;
	return set(w, ours);
}
