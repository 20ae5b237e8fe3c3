/*
 * The configuration is read against one table of keys, so that whatever is in the file is either a row here
 * or an error with its line. */
#include "conf/conf.h"
#include "conf/settings.h"
#include "text/jtext.h"
#include "value/category.h"
#include "value/field.h"
#include "value/phone.h"
#include "value/when.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

/* The file while it is read. */
struct reading {
	struct conf *c;
	struct settings s;
	const char *folder; /* with its slash, or "" */
};

/* Stores a value; key is its whole path, place what the row's offset leads to. */
typedef void store_fn(struct reading *, const char *key, struct str value, void *place);

struct key {
	const char *path;
	store_fn *store;
	size_t offset;
};

static void store_text(struct reading *r, const char *key, struct str value, void *place)
{
	*(const char **)place = settings_text(&r->s, key, value);
}

static void store_text_or_null(struct reading *r, const char *key, struct str value, void *place)
{
	*(const char **)place = jtext_type(value) == JTEXT_NULL ? NULL : settings_text(&r->s, key, value);
}

static void store_practice(struct reading *r, const char *key, struct str value, void *place)
{
	const char *text = settings_text(&r->s, key, value);
	if (text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")])
		settings_wrong(&r->s, value,
			"%s: found \"%s\", expected letters, digits, '-', '_' and '.', since it is part of a URL", key,
			text);
	*(const char **)place = text;
}

static void store_timezone(struct reading *r, const char *key, struct str value, void *place)
{
	const char *text = settings_text(&r->s, key, value);
	if (!when_zone(text))
		settings_wrong(&r->s, value,
			"%s: found \"%s\", expected a time zone that this system knows, such as America/Denver", key,
			text);
	*(const char **)place = text;
}

static void store_country(struct reading *r, const char *key, struct str value, void *place)
{
	const char *text = settings_text(&r->s, key, value);
	if (!phone_knows(text))
		settings_wrong(&r->s, value,
			"%s: found \"%s\", expected two capital letters of a country whose phone numbers are known, such "
			"as US",
			key, text);
	*(const char **)place = text;
}

static void store_url(struct reading *r, const char *key, struct str value, void *place)
{
	*(const char **)place = settings_url(&r->s, key, value);
}

static void store_path(struct reading *r, const char *key, struct str value, void *place)
{
	const char *text = settings_text(&r->s, key, value);
	*(const char **)place = *text == '/' ? text : arena_printf(&r->c->arena, "%s%s", r->folder, text);
}

/* A secret's file; a bare name is a systemd credential where the service has one of that name. */
static void store_secret_path(struct reading *r, const char *key, struct str value, void *place)
{
	const char *text = settings_text(&r->s, key, value);
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	if (credentials && !strchr(text, '/')) {
		const char *path = arena_printf(&r->c->arena, "%s/%s", credentials, text);
		if (access(path, F_OK) == 0) {
			*(const char **)place = path;
			return;
		}
	}
	store_path(r, key, value, place);
}

/* A profile by name, or by path where there is a slash or a dot in it. */
static void store_profile(struct reading *r, const char *key, struct str value, void *place)
{
	const char *text = settings_text(&r->s, key, value);
	if (strpbrk(text, "/."))
		store_path(r, key, value, place);
	else
		*(const char **)place = text;
}

static void store_bool(struct reading *r, const char *key, struct str value, void *place)
{
	*(bool *)place = settings_bool(&r->s, key, value);
}

static void store_count(struct reading *r, const char *key, struct str value, void *place)
{
	const char *problem = "no number";
	long long n = 0;
	if (jtext_type(value) == JTEXT_NUMBER)
		n = strtonum(arena_copy(&r->c->arena, value), 0, 1000000000, &problem);
	if (problem)
		settings_wrong(&r->s, value, "%s: found %s, expected a whole number from 0 to 1000000000", key,
			settings_found(&r->s, value));
	*(int64_t *)place = n;
}

static void store_seconds(struct reading *r, const char *key, struct str value, void *place)
{
	(void)place;
	size_t n = 0;
	if (jtext_type(value) != JTEXT_ARRAY)
		settings_wrong(
			&r->s, value, "%s: found %s, expected a list of seconds", key, settings_found(&r->s, value));
	for (struct str at = {0}; jtext_next(value, &at);)
		n++;
	r->c->retry_seconds = arena_alloc(&r->c->arena, (n + 1) * sizeof *r->c->retry_seconds);
	r->c->retry_seconds_n = 0;
	for (struct str at = {0}; jtext_next(value, &at);)
		store_count(r, key, at, &r->c->retry_seconds[r->c->retry_seconds_n++]);
}

static void store_tags(struct reading *r, const char *key, struct str value, void *place)
{
	*(const char ***)place = settings_texts(&r->s, key, value, &r->c->create.tags_n);
}

static void store_required(struct reading *r, const char *key, struct str value, void *place)
{
	static const char *const known[] = {"first_name", "last_name", "gender", "email", "phone", "dob",
		"address1", "city", "state", "postal_code", "referral_source"};
	*(const char ***)place = settings_texts(&r->s, key, value, &r->c->create.required_n);
	for (size_t i = 0; i < r->c->create.required_n; i++) {
		size_t k = 0;
		while (k < sizeof known / sizeof *known && strcmp(known[k], r->c->create.required[i]) != 0)
			k++;
		if (k == sizeof known / sizeof *known)
			settings_wrong(&r->s, value,
				"%s: found \"%s\", expected keys of a patient, such as first_name, last_name, gender, email, "
				"phone, dob",
				key, r->c->create.required[i]);
	}
}

static void store_pipelines(struct reading *r, const char *key, struct str value, void *place)
{
	const char *text = settings_text(&r->s, key, value);
	if (strcmp(text, "both") != 0 && strcmp(text, "non-surgical") != 0)
		settings_wrong(&r->s, value, "%s: found \"%s\", expected \"both\" or \"non-surgical\"", key, text);
	*(enum conf_pipelines *)place = strcmp(text, "both") == 0 ? PIPELINES_BOTH : PIPELINES_NON_SURGICAL;
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

static void store_verify(struct reading *r, const char *key, struct str value, void *place)
{
	const char *text = settings_text(&r->s, key, value);
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		if (strcmp(schemes[i].name, text) == 0) {
			*(enum conf_verify *)place = schemes[i].verify;
			return;
		}
	}
	settings_wrong(&r->s, value,
		"%s: found \"%s\", expected token, basic, hmac-sha256, standard-webhooks, ed25519, rsa-sha256, or "
		"none",
		key, text);
}

#define AT(member) offsetof(struct conf, member)
#define HOOK(name, member)                                                                                   \
	{"hooks." name ".verify", store_verify, AT(member.verify)},                                              \
		{"hooks." name ".header", store_text, AT(member.header)},                                            \
		{"hooks." name ".query", store_text, AT(member.query)},                                              \
		{"hooks." name ".prefix", store_text, AT(member.prefix)},                                            \
		{"hooks." name ".user", store_text, AT(member.user)},                                                \
		{"hooks." name ".secret_file", store_secret_path, AT(member.secret_file)},                           \
		{"hooks." name ".key_file", store_secret_path, AT(member.key_file)},                                 \
	{                                                                                                        \
		"hooks." name ".max_age", store_count, AT(member.max_age)                                            \
	}

/* Every key, in the order of design.md section 3; facilities and names, whose keys are the user's, are read
 * apart. */
static const struct key keys[] = {
	{"practice", store_practice, AT(practice)},
	{"timezone", store_timezone, AT(timezone)},
	{"country", store_country, AT(country)},
	{"state", store_path, AT(state)},
	{"patientnow.profile", store_profile, AT(patientnow.profile)},
	{"patientnow.base_url", store_url, AT(patientnow.base_url)},
	{"patientnow.practice_id", store_text, AT(patientnow.practice_id)},
	{"patientnow.token_file", store_secret_path, AT(patientnow.token_file)},
	{"patientnow.user", store_text, AT(patientnow.user)},
	{"patientnow.password_file", store_secret_path, AT(patientnow.password_file)},
	{"patientnow.apikey_file", store_secret_path, AT(patientnow.apikey_file)},
	{"patientnow.daily_limit", store_count, AT(patientnow.daily_limit)},
	{"patientnow.cache_seconds", store_count, AT(patientnow.cache_seconds)},
	{"crm.base_url", store_url, AT(crm.base_url)},
	{"crm.location_id", store_text, AT(crm.location_id)},
	{"crm.token_file", store_secret_path, AT(crm.token_file)},
	{"crm.oauth.client_id", store_text, AT(crm.oauth.client_id)},
	{"crm.oauth.client_secret_file", store_secret_path, AT(crm.oauth.client_secret_file)},
	{"crm.oauth.refresh_token_file", store_secret_path, AT(crm.oauth.refresh_token_file)},
	{"crm.oauth.company_id", store_text, AT(crm.oauth.company_id)},
	HOOK("patientnow", patientnow_hook),
	HOOK("crm", crm_hook),
	{"pipelines", store_pipelines, AT(pipelines)},
	{"categories", store_path, AT(categories)},
	{"consult_stages", store_bool, AT(consult_stages)},
	{"move_opportunities", store_bool, AT(move_opportunities)},
	{"surgical_value", store_bool, AT(surgical_value)},
	{"address", store_bool, AT(address)},
	{"membership_tag", store_text, AT(membership_tag)},
	{"workflows.appointments", store_text_or_null, AT(workflows.appointments)},
	{"workflows.order_paid", store_text_or_null, AT(workflows.order_paid)},
	{"workflows.membership", store_text_or_null, AT(workflows.membership)},
	{"workflows.birthday", store_text_or_null, AT(workflows.birthday)},
	{"retry_seconds", store_seconds, AT(retry_seconds)},
	{"lead_status.lead", store_text, AT(lead_status.lead)},
	{"lead_status.patient", store_text, AT(lead_status.patient)},
	{"create.tags", store_tags, AT(create.tags)},
	{"create.required", store_required, AT(create.required)},
};

enum { KEYS = sizeof keys / sizeof *keys };

/* How many single letters must change to make one text of the other (Levenshtein), at most 99. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[100];
	size_t n = strlen(b);
	if (n > 98)
		return 99;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; *a; a++, i++) {
		unsigned corner = row[0];
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			unsigned change = corner + (*a != b[j - 1]);
			corner = row[j];
			unsigned least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
			row[j] = least < change ? least : change;
		}
	}
	return row[n];
}

/* Ends the process: the file has a key that is no row; names the row that is most like it. */
__attribute__((noreturn)) static void unknown(struct reading *r, const char *path, struct str at)
{
	static const char *const apart[] = {"facilities", "names.fields", "names.pipelines", "names.stages"};
	const char *nearest = NULL;
	unsigned least = 1000;
	for (size_t i = 0; i < KEYS + sizeof apart / sizeof *apart; i++) {
		/* also each leading part, such as "crm" of "crm.location_id" */
		const char *known = i < KEYS ? keys[i].path : apart[i - KEYS];
		for (size_t n = 1; n <= strlen(known); n++) {
			if (known[n] != '.' && known[n] != '\0')
				continue;
			const char *part = arena_copy(&r->c->arena, (struct str){known, n});
			unsigned d = distance(path, part);
			if (d < least) {
				least = d;
				nearest = part;
			}
		}
	}
	settings_wrong(&r->s, at, "unknown key %s: the nearest known one is %s", path, nearest);
}

static void store_facilities(struct reading *r, struct str value)
{
	struct conf *c = r->c;
	struct jtext_members members = settings_members(&r->s, "facilities", value);
	c->facilities = arena_alloc(&c->arena, (members.n + 1) * sizeof *c->facilities);
	c->facilities_n = 0;
	for (size_t i = 0; i < members.n; i++) {
		struct conf_facility *f = &c->facilities[c->facilities_n++];
		f->name = settings_name(&r->s, &members.at[i]);
		const char *key = arena_printf(&c->arena, "facilities.%s", f->name);
		struct jtext_members inner = settings_members(&r->s, key, members.at[i].value);
		for (size_t k = 0; k < inner.n; k++) {
			const char *name = settings_name(&r->s, &inner.at[k]);
			const char *path = arena_printf(&c->arena, "%s.%s", key, name);
			if (strcmp(name, "location_id") == 0)
				store_text(r, path, inner.at[k].value, &f->location_id);
			else if (strcmp(name, "token_file") == 0)
				store_secret_path(r, path, inner.at[k].value, &f->token_file);
			else if (strcmp(name, "refresh_token_file") == 0)
				store_secret_path(r, path, inner.at[k].value, &f->refresh_token_file);
			else
				settings_wrong(&r->s, inner.at[k].value,
					"unknown key %s: the known ones are location_id, token_file and refresh_token_file",
					path);
		}
		if (!f->location_id)
			settings_wrong(&r->s, members.at[i].value, "%s: location_id is missing", key);
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

/* names.fields and its like: our name, and the CRM's. Names given here come before the defaults. */
static void store_names(struct reading *r, const char *key, struct str value, bool (*known)(const char *),
	const char *what, struct conf_names *names)
{
	struct jtext_members members = settings_members(&r->s, key, value);
	struct conf_names before = *names;
	names->at = arena_alloc(&r->c->arena, (members.n + before.n + 1) * sizeof *names->at);
	names->n = 0;
	for (size_t i = 0; i < members.n; i++) {
		const char *name = settings_name(&r->s, &members.at[i]);
		if (!known(name))
			settings_wrong(&r->s, members.at[i].value,
				"unknown key %s.%s: expected the name of a %s, as in pnow.conf(5)", key, name, what);
		names->at[names->n++] = (struct conf_name){
			name, settings_text(&r->s, arena_printf(&r->c->arena, "%s.%s", key, name), members.at[i].value)};
	}
	for (size_t i = 0; i < before.n; i++)
		names->at[names->n++] = before.at[i];
}

/* The objects whose keys are the user's own. False where path is none of them. */
static bool read_apart(struct reading *r, const char *path, struct str value)
{
	struct conf *c = r->c;
	bool facilities = strcmp(path, "facilities") == 0;
	bool names = strcmp(path, "names.fields") == 0 || strcmp(path, "names.pipelines") == 0 ||
				 strcmp(path, "names.stages") == 0;
	if (!facilities && !names)
		return false;
	if (facilities)
		store_facilities(r, value);
	else if (strcmp(path, "names.fields") == 0)
		store_names(r, path, value, known_field, "custom field", &c->names.fields);
	else if (strcmp(path, "names.pipelines") == 0)
		store_names(r, path, value, known_pipeline, "pipeline (surgical, non-surgical)", &c->names.pipelines);
	else
		store_names(r, path, value, category_stage_known, "stage", &c->names.stages);
	return true;
}

/* Reads an object of the file; prefix is its path with a dot, or "". */
static void read_object(struct reading *r, const char *prefix, struct str value)
{
	struct jtext_members members = settings_members(
		&r->s, arena_copy(&r->c->arena, (struct str){prefix, *prefix ? strlen(prefix) - 1 : 0}), value);
	for (size_t i = 0; i < members.n; i++) {
		const char *path = arena_printf(&r->c->arena, "%s%s", prefix, settings_name(&r->s, &members.at[i]));
		const char *inner = arena_printf(&r->c->arena, "%s.", path);
		bool group = strcmp(path, "names") == 0;
		const struct key *key = NULL;
		for (size_t k = 0; k < KEYS; k++) {
			if (strcmp(keys[k].path, path) == 0)
				key = &keys[k];
			group |= strncmp(keys[k].path, inner, strlen(inner)) == 0;
		}
		if (key)
			key->store(r, path, members.at[i].value, (char *)r->c + key->offset);
		else if (group) {
			read_object(r, inner, members.at[i].value);
		} else if (!read_apart(r, path, members.at[i].value))
			unknown(r, path, members.at[i].value);
	}
}

static void defaults(struct conf *c)
{
	static struct conf_name pipelines[] = {{"surgical", "Surgical"}, {"non-surgical", "Non-Surgical"}};
	static int64_t retry_seconds[] = {60, 300, 1800, 7200, 21600, 86400};
	static const char *tags[] = {"pnowcreate", "pnow-create"};
	static const char *required[] = {"first_name", "last_name", "gender"};
	c->country = "US";
	c->patientnow.profile = "patientnow-pro";
	c->patientnow.daily_limit = 1000;
	c->patientnow.cache_seconds = 900;
	c->crm.base_url = "https://services.leadconnectorhq.com";
	c->patientnow_hook.max_age = c->crm_hook.max_age = 300;
	c->move_opportunities = true;
	c->membership_tag = "Membership";
	c->names.pipelines = (struct conf_names){pipelines, 2};
	c->retry_seconds = retry_seconds;
	c->retry_seconds_n = sizeof retry_seconds / sizeof *retry_seconds;
	c->lead_status.lead = "Lead";
	c->lead_status.patient = "Patient";
	c->create.tags = tags;
	c->create.tags_n = 2;
	c->create.required = required;
	c->create.required_n = 3;
}

/* A scheme that lacks what it works with is an error now, not at the first webhook. */
static void check_hook(const struct conf *c, const struct conf_hook *h, const char *name)
{
	bool signature = h->verify == VERIFY_HMAC_SHA256;
	bool key = h->verify == VERIFY_ED25519 || h->verify == VERIFY_RSA_SHA256;
	bool secret = signature || h->verify == VERIFY_TOKEN || h->verify == VERIFY_BASIC ||
				  h->verify == VERIFY_STANDARD_WEBHOOKS;
	const char *missing = NULL;
	if (h->verify == VERIFY_UNSET && (h->header || h->secret_file || h->key_file || h->user || h->query))
		missing = "verify (\"none\" must be written out)";
	else if (signature && !h->header)
		missing = "header";
	else if (h->verify == VERIFY_TOKEN && !h->header && !h->query)
		missing = "header, or query";
	else if (h->verify == VERIFY_BASIC && !h->user)
		missing = "user";
	else if (secret && !h->secret_file)
		missing = "secret_file";
	else if (key && !h->key_file)
		missing = "key_file";
	if (missing)
		errx(EX_CONFIG, "%s: hooks.%s: expected %s", c->file, name, missing);
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
		errx(EX_CONFIG, "%s: crm.oauth.%s is missing", c->file, missing);
	if (client_id && c->crm.token_file)
		errx(EX_CONFIG, "%s: crm: expected token_file or oauth, found both", c->file);
	for (size_t i = 0; i < c->facilities_n; i++) {
		const struct conf_facility *f = &c->facilities[i];
		if (f->refresh_token_file && (f->token_file || !client_id))
			errx(EX_CONFIG, "%s: facilities.%s: refresh_token_file is for crm.oauth, and without token_file",
				c->file, f->name);
		if (!f->token_file && !f->refresh_token_file && !c->crm.oauth.company_id)
			errx(EX_CONFIG, "%s: facilities.%s: %s is missing", c->file, f->name,
				client_id ? "refresh_token_file" : "token_file");
	}
}

/* What must hold between keys. */
static void check(const struct conf *c)
{
	conf_need(c, c->practice, "practice");
	conf_need(c, c->timezone, "timezone");
	check_hook(c, &c->patientnow_hook, "patientnow");
	check_hook(c, &c->crm_hook, "crm");
	check_tokens(c);
	if (c->pipelines == PIPELINES_BOTH && !c->categories)
		errx(EX_CONFIG,
			"%s: categories is missing: expected the sheet of appointment types, or \"pipelines\": "
			"\"non-surgical\"",
			c->file);
}

struct conf *conf_read(const char *path)
{
	path = path ? path : getenv("PNOW_CONFIG");
	if (!path || !*path)
		errx(EX_CONFIG, "no configuration: give -c FILE, or set PNOW_CONFIG");
	struct conf *c = calloc(1, sizeof *c);
	if (!c)
		err(EX_SOFTWARE, "out of memory");
	c->file = arena_copy(&c->arena, str_of(path));
	defaults(c);
	struct reading r = {.c = c, .s = settings_read(&c->arena, c->file, "the configuration")};
	const char *slash = strrchr(path, '/');
	r.folder = arena_copy(&c->arena, (struct str){path, slash ? (size_t)(slash - path) + 1 : 0});
	read_object(&r, "", r.s.root);
	check(c);
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
		errx(EX_CONFIG, "%s: %s is missing", c->file, key);
	return value;
}

const char *conf_name(const struct conf_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->at[i].name, name) == 0)
			return names->at[i].is;
	return name;
}

const struct conf_facility *conf_facility(const struct conf *c, const char *facility)
{
	for (size_t i = 0; facility && i < c->facilities_n; i++)
		if (strcasecmp(c->facilities[i].name, facility) == 0)
			return &c->facilities[i];
	return NULL;
}
