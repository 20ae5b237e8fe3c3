/*
 * The configuration is read against one table of keys, so that whatever is in the file is either a row here
 * or an error with its line.
 */
#include "conf/conf.h"
#include "conf/settings.h"
#include "text/file.h"
#include "text/jtext.h"
#include "value/category.h"
#include "value/field.h"
#include "value/phone.h"
#include "value/when.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static void store_text_or_null(const struct settings *s, const char *key, struct str value, void *place)
{
	if (jtext_type(value) == JTEXT_NULL)
		*(const char **)place = NULL;
	else
		settings_store_text(s, key, value, place);
}

static void store_practice(const struct settings *s, const char *key, struct str value, void *place)
{
	const char *text = settings_text(s, key, value);
	if (text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")])
		settings_wrong(s, value,
			"%s: found \"%s\", expected letters, digits, '-', '_' and '.', since it is part of a URL", key,
			text);
	*(const char **)place = text;
}

static void store_timezone(const struct settings *s, const char *key, struct str value, void *place)
{
	const char *text = settings_text(s, key, value);
	if (!when_zone(text))
		settings_wrong(s, value,
			"%s: found \"%s\", expected a time zone that this system knows, such as America/Denver", key,
			text);
	*(const char **)place = text;
}

static void store_country(const struct settings *s, const char *key, struct str value, void *place)
{
	const char *text = settings_text(s, key, value);
	if (!phone_knows(text))
		settings_wrong(s, value,
			"%s: found \"%s\", expected two capital letters of a country whose phone numbers are known, such "
			"as US",
			key, text);
	*(const char **)place = text;
}

/* A path from the file's folder. */
static const char *path_of(const struct settings *s, const char *text)
{
	const char *slash = strrchr(s->file, '/');
	size_t folder = slash ? (size_t)(slash - s->file) + 1 : 0;
	return *text == '/' ? text : arena_printf(s->arena, "%.*s%s", (int)folder, s->file, text);
}

static void store_path(const struct settings *s, const char *key, struct str value, void *place)
{
	*(const char **)place = path_of(s, settings_text(s, key, value));
}

bool conf_is_database(const char *state)
{
	return strncmp(state, "postgresql://", 13) == 0 || strncmp(state, "postgres://", 11) == 0;
}

const char *conf_state_noun(const char *state)
{
	return conf_is_database(state) ? "state database" : "state file";
}

/* Whether a URI has a password in it: everybody who can see the configuration would. */
static bool has_password(const char *uri)
{
	const char *host = strstr(uri, "://") + 3, *end = host + strcspn(host, "/?");
	const char *user_end = memchr(host, '@', (size_t)(end - host));
	return (user_end && memchr(host, ':', (size_t)(user_end - host))) || strcasestr(end, "password=");
}

/* Where a link leads: what lies beside a state file (its log, its locks) is beside the file itself. */
static const char *without_link(const struct settings *s, const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode) ? file_real(s->arena, path) : path;
}

/* A file's path, or a database's URI, to which fill adds the practice. */
static void store_state(const struct settings *s, const char *key, struct str value, void *place)
{
	const char *text = settings_text(s, key, value);
	if (!conf_is_database(text)) {
		*(const char **)place = without_link(s, path_of(s, text));
		return;
	}
	if (has_password(text))
		settings_wrong(s, value,
			"%s: found a password in it, expected none: it belongs into a password file (~/.pgpass) or a "
			"service file",
			key);
	if (strchr(text, '#'))
		settings_wrong(s, value, "%s: found a '#', expected %%23 in a URI", key);
	*(const char **)place = text;
}

/* A secret's file; a bare name is a systemd credential where the service has one of that name. */
static const char *secret_path(const struct settings *s, const char *text)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	if (credentials && !strchr(text, '/')) {
		const char *path = arena_printf(s->arena, "%s/%s", credentials, text);
		if (access(path, F_OK) == 0)
			return path;
	}
	return path_of(s, text);
}

static void store_secret_path(const struct settings *s, const char *key, struct str value, void *place)
{
	*(const char **)place = secret_path(s, settings_text(s, key, value));
}

/* A hook's: one file, or a list of them. */
static void store_secret_paths(const struct settings *s, const char *key, struct str value, void *place)
{
	struct conf_hook *h = place;
	if (jtext_type(value) == JTEXT_ARRAY) {
		h->secret_files = settings_texts(s, key, value, &h->secret_files_n);
	} else {
		h->secret_files = arena_alloc(s->arena, sizeof *h->secret_files);
		h->secret_files[0] = settings_text(s, key, value);
		h->secret_files_n = 1;
	}
	if (!h->secret_files_n)
		settings_wrong(s, value, "%s: found an empty list, expected a file, or a list of files", key);
	for (size_t i = 0; i < h->secret_files_n; i++)
		h->secret_files[i] = secret_path(s, h->secret_files[i]);
}

/* A profile by name, or by path where there is a slash or a dot in it. */
static void store_profile(const struct settings *s, const char *key, struct str value, void *place)
{
	const char *text = settings_text(s, key, value);
	if (strpbrk(text, "/."))
		store_path(s, key, value, place);
	else
		*(const char **)place = text;
}

static void store_count(const struct settings *s, const char *key, struct str value, void *place)
{
	*(int64_t *)place = settings_number(s, key, value, 0, 1000000000);
}

static void store_seconds(const struct settings *s, const char *key, struct str value, void *place)
{
	struct conf *c = place;
	size_t n = 0;
	if (jtext_type(value) != JTEXT_ARRAY)
		settings_wrong(s, value, "%s: found %s, expected a list of seconds", key, settings_found(s, value));
	for (struct str at = {0}; jtext_next(value, &at);)
		n++;
	c->retry_seconds = arena_alloc(s->arena, (n + 1) * sizeof *c->retry_seconds);
	c->retry_seconds_n = 0;
	for (struct str at = {0}; jtext_next(value, &at);)
		store_count(s, key, at, &c->retry_seconds[c->retry_seconds_n++]);
}

static void store_tags(const struct settings *s, const char *key, struct str value, void *place)
{
	struct conf *c = place;
	c->create.tags = settings_texts(s, key, value, &c->create.tags_n);
}

static void store_required(const struct settings *s, const char *key, struct str value, void *place)
{
	struct conf *c = place;
	c->create.required = settings_texts(s, key, value, &c->create.required_n);
	for (size_t i = 0; i < c->create.required_n; i++) {
		if (!property_of(c->create.required[i]))
			settings_wrong(s, value,
				"%s: found \"%s\", expected keys of a patient, such as first_name, last_name, gender, email, "
				"phone, dob",
				key, c->create.required[i]);
	}
}

static void store_pipelines(const struct settings *s, const char *key, struct str value, void *place)
{
	const char *text = settings_text(s, key, value);
	if (strcmp(text, "both") != 0 && strcmp(text, "non-surgical") != 0)
		settings_wrong(s, value, "%s: found \"%s\", expected \"both\" or \"non-surgical\"", key, text);
	*(enum conf_pipelines *)place = strcmp(text, "both") == 0 ? PIPELINES_BOTH : PIPELINES_NON_SURGICAL;
}

static void store_calendar_as(const struct settings *s, const char *key, struct str value, void *place)
{
	const char *text = settings_text(s, key, value);
	if (strcmp(text, "block") != 0 && strcmp(text, "appointment") != 0)
		settings_wrong(s, value, "%s: found \"%s\", expected \"block\" or \"appointment\"", key, text);
	*(bool *)place = strcmp(text, "appointment") == 0;
}

static const struct {
	const char *name;
	enum conf_verify verify;
} schemes[] = {
	{"none", VERIFY_NONE},
	{"token", VERIFY_TOKEN},
	{"basic", VERIFY_BASIC},
	{"hmac-sha256", VERIFY_HMAC_SHA256},
	{"standard-webhooks", VERIFY_STANDARD_WEBHOOKS},
	{"ed25519", VERIFY_ED25519},
	{"rsa-sha256", VERIFY_RSA_SHA256},
};

static void store_verify(const struct settings *s, const char *key, struct str value, void *place)
{
	const char *text = settings_text(s, key, value);
	for (size_t i = 0; i < COUNT(schemes); i++) {
		if (strcmp(schemes[i].name, text) == 0) {
			*(enum conf_verify *)place = schemes[i].verify;
			return;
		}
	}
	settings_wrong(s, value,
		"%s: found \"%s\", expected token, basic, hmac-sha256, standard-webhooks, ed25519, rsa-sha256, or "
		"none",
		key, text);
}

static const struct settings_key facility_keys[] = {
	{"location_id", settings_store_text, offsetof(struct conf_facility, location_id)},
	{"token_file", store_secret_path, offsetof(struct conf_facility, token_file)},
	{"refresh_token_file", store_secret_path, offsetof(struct conf_facility, refresh_token_file)},
	{"calendar_id", settings_store_text, offsetof(struct conf_facility, calendar_id)},
};

static void store_facilities(const struct settings *s, const char *key, struct str value, void *place)
{
	struct conf *c = place;
	struct jtext_members members = settings_members(s, key, value);
	c->facilities = arena_alloc(s->arena, (members.n + 1) * sizeof *c->facilities);
	c->facilities_n = members.n;
	for (size_t i = 0; i < members.n; i++) {
		struct conf_facility *f = &c->facilities[i];
		f->name = settings_name(s, &members.at[i]);
		const char *path = arena_printf(s->arena, "%s.%s", key, f->name);
		settings_fill(s, path, members.at[i].value, facility_keys, COUNT(facility_keys), f);
		if (!f->location_id)
			settings_wrong(s, members.at[i].value, "%s: location_id is missing", path);
	}
}

static bool known_field(const char *name)
{
	return field_find(name) != NULL;
}

static bool known_pipeline(const char *name)
{
	return strcmp(name, "surgical") == 0 || strcmp(name, "non-surgical") == 0;
}

/* Our names, and the CRM's. Names given here come before the defaults. */
static void read_names(const struct settings *s, const char *key, struct str value,
	bool (*known)(const char *), const char *what, struct conf_names *names)
{
	struct jtext_members members = settings_members(s, key, value);
	struct conf_names before = *names;
	names->at = arena_alloc(s->arena, (members.n + before.n + 1) * sizeof *names->at);
	names->n = 0;
	for (size_t i = 0; i < members.n; i++) {
		const char *name = settings_name(s, &members.at[i]);
		if (!known(name))
			settings_wrong(s, members.at[i].value,
				"unknown key %s.%s: expected the name of a %s, as in pnow.conf(5)", key, name, what);
		names->at[names->n++] = (struct conf_name){
			name, settings_text(s, arena_printf(s->arena, "%s.%s", key, name), members.at[i].value)};
	}
	for (size_t i = 0; i < before.n; i++)
		names->at[names->n++] = before.at[i];
}

static void store_field_names(const struct settings *s, const char *key, struct str value, void *place)
{
	read_names(s, key, value, known_field, "custom field", place);
}

static void store_pipeline_names(const struct settings *s, const char *key, struct str value, void *place)
{
	read_names(s, key, value, known_pipeline, "pipeline (surgical, non-surgical)", place);
}

static void store_stage_names(const struct settings *s, const char *key, struct str value, void *place)
{
	read_names(s, key, value, category_stage_known, "stage", place);
}

#define AT(member) offsetof(struct conf, member)
#define WHOLE 0
#define HOOK(name, member)                                                                                   \
	{"hooks." name ".verify", store_verify, AT(member.verify)},                                              \
		{"hooks." name ".header", settings_store_text, AT(member.header)},                                   \
		{"hooks." name ".query", settings_store_text, AT(member.query)},                                     \
		{"hooks." name ".prefix", settings_store_text, AT(member.prefix)},                                   \
		{"hooks." name ".user", settings_store_text, AT(member.user)},                                       \
		{"hooks." name ".secret_file", store_secret_paths, AT(member)},                                      \
		{"hooks." name ".key_file", store_secret_path, AT(member.key_file)},                                 \
	{                                                                                                        \
		"hooks." name ".max_age", store_count, AT(member.max_age)                                            \
	}

/* Every key, in the order of pnow.conf(5). Where a value has more than one place, the row leads to the whole.
 */
static const struct settings_key keys[] = {
	{"practice", store_practice, AT(practice)},
	{"timezone", store_timezone, AT(timezone)},
	{"country", store_country, AT(country)},
	{"state", store_state, AT(state)},
	{"patientnow.profile", store_profile, AT(patientnow.profile)},
	{"patientnow.base_url", settings_store_url, AT(patientnow.base_url)},
	{"patientnow.practice_id", settings_store_text, AT(patientnow.practice_id)},
	{"patientnow.token_file", store_secret_path, AT(patientnow.token_file)},
	{"patientnow.user", settings_store_text, AT(patientnow.user)},
	{"patientnow.password_file", store_secret_path, AT(patientnow.password_file)},
	{"patientnow.apikey_file", store_secret_path, AT(patientnow.apikey_file)},
	{"patientnow.daily_limit", store_count, AT(patientnow.daily_limit)},
	{"patientnow.reserve", store_count, AT(patientnow.reserve)},
	{"patientnow.cache_seconds", store_count, AT(patientnow.cache_seconds)},
	{"crm.base_url", settings_store_url, AT(crm.base_url)},
	{"crm.location_id", settings_store_text, AT(crm.location_id)},
	{"crm.token_file", store_secret_path, AT(crm.token_file)},
	{"crm.oauth.client_id", settings_store_text, AT(crm.oauth.client_id)},
	{"crm.oauth.client_secret_file", store_secret_path, AT(crm.oauth.client_secret_file)},
	{"crm.oauth.refresh_token_file", store_secret_path, AT(crm.oauth.refresh_token_file)},
	{"crm.oauth.company_id", settings_store_text, AT(crm.oauth.company_id)},
	HOOK("patientnow", patientnow_hook),
	HOOK("crm", crm_hook),
	{"facilities", store_facilities, WHOLE},
	{"pipelines", store_pipelines, AT(pipelines)},
	{"categories", store_path, AT(categories)},
	{"consult_stages", settings_store_bool, AT(consult_stages)},
	{"move_opportunities", settings_store_bool, AT(move_opportunities)},
	{"surgical_value", settings_store_bool, AT(surgical_value)},
	{"dnd", settings_store_bool, AT(dnd)},
	{"address", settings_store_bool, AT(address)},
	{"membership_tag", settings_store_text, AT(membership_tag)},
	{"calendar.calendar_id", settings_store_text, AT(calendar.calendar_id)},
	{"calendar.name", settings_store_text, AT(calendar.name)},
	{"calendar.as", store_calendar_as, AT(calendar.appointments)},
	{"calendar.user_id", settings_store_text, AT(calendar.user_id)},
	{"workflows.appointments", store_text_or_null, AT(workflows.appointments)},
	{"workflows.order_paid", store_text_or_null, AT(workflows.order_paid)},
	{"workflows.membership", store_text_or_null, AT(workflows.membership)},
	{"workflows.birthday", store_text_or_null, AT(workflows.birthday)},
	{"names.fields", store_field_names, AT(names.fields)},
	{"names.pipelines", store_pipeline_names, AT(names.pipelines)},
	{"names.stages", store_stage_names, AT(names.stages)},
	{"retry_seconds", store_seconds, WHOLE},
	{"lead_status.lead", settings_store_text, AT(lead_status.lead)},
	{"lead_status.patient", settings_store_text, AT(lead_status.patient)},
	{"create.tags", store_tags, WHOLE},
	{"create.required", store_required, WHOLE},
};

static void defaults(struct conf *c)
{
	static struct conf_name pipelines[] = {{"surgical", "Surgical"}, {"non-surgical", "Non-Surgical"}};
	static int64_t retry_seconds[] = {60, 300, 1800, 7200, 21600, 86400};
	static const char *tags[] = {"pnowcreate", "pnow-create"};
	static const char *required[] = {"first_name", "last_name", "gender"};
	c->country = "US";
	c->patientnow.profile = "patientnow-pro";
	c->patientnow.daily_limit = 1000;
	c->patientnow.reserve = -1;
	c->patientnow.cache_seconds = 900;
	c->crm.base_url = "https://services.leadconnectorhq.com";
	c->patientnow_hook.max_age = c->crm_hook.max_age = 300;
	c->move_opportunities = true;
	c->membership_tag = "Membership";
	c->names.pipelines = (struct conf_names){pipelines, 2};
	c->retry_seconds = retry_seconds;
	c->retry_seconds_n = COUNT(retry_seconds);
	c->lead_status.lead = "Lead";
	c->lead_status.patient = "Patient";
	c->create.tags = tags;
	c->create.tags_n = 2;
	c->create.required = required;
	c->create.required_n = 3;
}

/* A scheme that lacks what it works with is an error now, not at the first webhook. Where its signature
   stands may be in the profile: verifier_open sees to that. */
static void check_hook(const struct conf *c, const struct conf_hook *h, const char *name)
{
	bool key = h->verify == VERIFY_ED25519 || h->verify == VERIFY_RSA_SHA256;
	bool secret = h->verify == VERIFY_HMAC_SHA256 || h->verify == VERIFY_TOKEN || h->verify == VERIFY_BASIC ||
				  h->verify == VERIFY_STANDARD_WEBHOOKS;
	const char *missing = NULL;
	if (h->verify == VERIFY_UNSET && (h->header || h->secret_files_n || h->key_file || h->user || h->query))
		missing = "verify (\"none\" must be written out)";
	else if (h->verify == VERIFY_BASIC && !h->user)
		missing = "user";
	else if (secret && !h->secret_files_n)
		missing = "secret_file";
	else if (key && !h->key_file)
		missing = "key_file";
	if (missing)
		mistake("%s: hooks.%s: expected %s", c->file, name, missing);
}

/* Each location has one way to its token. */
static void check_tokens(const struct conf *c)
{
	const char *client_id = c->crm.oauth.client_id, *missing = NULL;
	if (!client_id &&
		(c->crm.oauth.client_secret_file || c->crm.oauth.refresh_token_file || c->crm.oauth.company_id))
		missing = "client_id";
	else if (client_id && !c->crm.oauth.client_secret_file)
		missing = "client_secret_file";
	else if (client_id && !c->crm.oauth.refresh_token_file)
		missing = "refresh_token_file";
	if (missing)
		mistake("%s: crm.oauth.%s is missing", c->file, missing);
	if (client_id && c->crm.token_file)
		mistake("%s: crm: expected token_file or oauth, found both", c->file);
	for (size_t i = 0; i < c->facilities_n; i++) {
		const struct conf_facility *f = &c->facilities[i];
		if (f->refresh_token_file && (f->token_file || !client_id))
			mistake("%s: facilities.%s: refresh_token_file is for crm.oauth, and without token_file", c->file,
				f->name);
		if (!f->token_file && !f->refresh_token_file && !c->crm.oauth.company_id)
			mistake("%s: facilities.%s: %s is missing", c->file, f->name,
				client_id ? "refresh_token_file" : "token_file");
	}
}

/* Each sub-account has one calendar, or none has one. */
static void check_calendar(const struct conf *c)
{
	const char *id = c->calendar.calendar_id, *name = c->calendar.name;
	if (id && name)
		mistake("%s: calendar: expected calendar_id or name, found both", c->file);
	if (!id && !name && (c->calendar.appointments || c->calendar.user_id))
		mistake("%s: calendar: expected calendar_id or name", c->file);
	if (c->calendar.user_id && !c->calendar.appointments)
		mistake("%s: calendar.user_id is for \"as\": \"appointment\": a block slot has no user", c->file);
	for (size_t i = 0; i < c->facilities_n; i++) {
		const struct conf_facility *f = &c->facilities[i];
		if (f->calendar_id && !conf_has_calendar(c))
			mistake("%s: facilities.%s.calendar_id: expected calendar.calendar_id or calendar.name, too",
				c->file, f->name);
		if (f->calendar_id && strcmp(f->calendar_id, conf_calendar(c, f->location_id)) != 0)
			mistake(
				"%s: facilities.%s.calendar_id: its sub-account has another one already", c->file, f->name);
		if (id && !conf_calendar(c, f->location_id))
			mistake("%s: facilities.%s: calendar_id is missing: calendar.calendar_id is the main "
					"sub-account's; or give calendar.name",
				c->file, f->name);
	}
}

/* What must hold between keys. */
static void check(const struct conf *c)
{
	conf_need(c, c->practice, "practice");
	conf_need(c, c->timezone, "timezone");
	if (c->patientnow.reserve > c->patientnow.daily_limit)
		mistake("%s: patientnow.reserve: expected no more than patientnow.daily_limit (%lld)", c->file,
			(long long)c->patientnow.daily_limit);
	check_hook(c, &c->patientnow_hook, "patientnow");
	check_hook(c, &c->crm_hook, "crm");
	check_tokens(c);
	check_calendar(c);
	if (c->pipelines == PIPELINES_BOTH && !c->categories)
		mistake("%s: categories is missing: expected the sheet of appointment types, or \"pipelines\": "
				"\"non-surgical\"",
			c->file);
}

static void fill(void *context)
{
	struct conf *c = context;
	defaults(c);
	struct settings settings = settings_read(&c->arena, c->file, "the configuration");
	settings_fill(&settings, "", settings.root, keys, COUNT(keys), c);
	if (c->patientnow.reserve < 0)
		c->patientnow.reserve = c->patientnow.daily_limit / 20;
	check(c);
	if (c->state && conf_is_database(c->state))
		c->state = arena_printf(&c->arena, "%s#%s", c->state, c->practice);
}

struct conf *conf_try(const char *path, char why[static MISTAKE_MAX])
{
	struct conf *c = allocated(calloc(1, sizeof *c));
	c->file = arena_copy(&c->arena, str_of(path));
	if (mistake_caught(fill, c, why))
		return c;
	conf_free(c);
	return NULL;
}

struct conf *conf_read(const char *path)
{
	char why[MISTAKE_MAX];
	path = path ? path : getenv("PNOW_CONFIG");
	if (!path || !*path)
		mistake("no configuration: give -c FILE, or set PNOW_CONFIG");
	struct conf *c = conf_try(path, why);
	if (!c)
		mistake("%s", why);
	return c;
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	struct arena arena = c->arena;
	free(c);
	arena_free(&arena);
}

const char *conf_need(const struct conf *c, const char *value, const char *key)
{
	if (!value)
		mistake("%s: %s is missing", c->file, key);
	return value;
}

const char *conf_name(const struct conf_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->at[i].name, name) == 0)
			return names->at[i].is;
	return name;
}

bool conf_has_calendar(const struct conf *c)
{
	return c->calendar.calendar_id || c->calendar.name;
}

const char *conf_calendar(const struct conf *c, const char *location_id)
{
	for (size_t i = 0; i < c->facilities_n; i++)
		if (c->facilities[i].calendar_id && strcmp(c->facilities[i].location_id, location_id) == 0)
			return c->facilities[i].calendar_id;
	bool main = c->crm.location_id && strcmp(c->crm.location_id, location_id) == 0;
	return main ? c->calendar.calendar_id : NULL;
}

const struct conf_facility *conf_facility(const struct conf *c, const char *facility)
{
	for (size_t i = 0; facility && i < c->facilities_n; i++)
		if (strcasecmp(c->facilities[i].name, facility) == 0)
			return &c->facilities[i];
	return NULL;
}

/* The main sub-account's id (0), or a facility's. */
static const char *location_at(const struct conf *c, size_t i)
{
	return i ? c->facilities[i - 1].location_id : c->crm.location_id;
}

const char *conf_location(const struct conf *c, size_t *i)
{
	while (*i <= c->facilities_n) {
		const char *id = location_at(c, (*i)++);
		bool before = false;
		for (size_t k = 0; id && k + 1 < *i; k++)
			before |= location_at(c, k) && strcmp(location_at(c, k), id) == 0;
		if (id && !before)
			return id;
	}
	return NULL;
}
