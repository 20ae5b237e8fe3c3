/*
 * Faults on demand: what networks and servers do to a client, and what a client must live through. A fault
 * meets the requests that it names, for a number of times or for ever. Delays add up; of the others the first
 * one that meets a request is what happens to it.
 */
#include "faults.h"
#include "answer.h"
#include "route.h"
#include "sandbox.h"
#include "text.h"
#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static const char *const kinds[] = {
	[FAULT_DELAY] = "delay",
	[FAULT_401] = "401",
	[FAULT_429] = "429",
	[FAULT_500] = "500",
	[FAULT_503] = "503",
	[FAULT_RESET_BEFORE] = "reset-before",
	[FAULT_RESET_AFTER] = "reset-after",
	[FAULT_CUT] = "cut",
	[FAULT_HANG] = "hang",
	[FAULT_QUOTE] = "quote",
};

static const char *const apis[] = {
	[API_PATIENTNOW] = "patientnow", [API_ENVISION] = "envision", [API_CRM] = "crm"};

/* Whether there is an API of this name. */
static bool is_api(const char *name)
{
	for (size_t i = 0; i < COUNT(apis); i++)
		if (strcmp(apis[i], name) == 0)
			return true;
	return false;
}

static const struct {
	const char *key;
	size_t at; /* in struct fault, a long */
	long long high;
} numbers[] = {
	{"ms", offsetof(struct fault, ms), 3600000},
	{"retry_after", offsetof(struct fault, retry_after), LONG_MAX}, /* what no client may believe, too */
	{"count", offsetof(struct fault, left), 1000000000},
	{"skip", offsetof(struct fault, skip), 1000000000},
};

static const struct {
	const char *key;
	size_t at; /* in struct fault, a char * */
} texts[] = {
	{"method", offsetof(struct fault, method)},
	{"path", offsetof(struct fault, path)},
	{"api", offsetof(struct fault, api)},
	{"of", offsetof(struct fault, of)},
};

/* Reads a chance; NULL, or what is wrong. */
static const char *set_chance(struct fault *f, const char *value)
{
	char *end;
	f->chance = strtod(value, &end);
	return end == value || *end || !(f->chance >= 0 && f->chance <= 1) ? "not between 0 and 1" : NULL;
}

/* Reads a key and its value into a fault; NULL, or what is wrong. A count of 0 is no count. */
static const char *set_key(struct fault *f, const char *key, const char *value)
{
	const char *wrong = NULL;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		if (strcmp(key, numbers[i].key) != 0)
			continue;
		*(long *)(void *)((char *)f + numbers[i].at) = (long)strtonum(value, 0, numbers[i].high, &wrong);
		f->left = f->left ? f->left : -1;
		return wrong;
	}
	for (size_t i = 0; i < COUNT(texts); i++) {
		if (strcmp(key, texts[i].key) != 0)
			continue;
		char **text = (char **)(void *)((char *)f + texts[i].at);
		free(*text);
		*text = text_copy(value);
		return f->api && !is_api(f->api) ? "none of patientnow, envision, crm" : NULL;
	}
	if (strcmp(key, "chance") == 0)
		return set_chance(f, value);
	return strcmp(key, "fault") == 0
			   ? NULL
			   : "no such key (ms, count, skip, chance, method, path, api, of, retry_after)";
}

/* A fault of the kind with this name; NULL where there is none. */
static struct fault *fault_new(const char *name)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (!name || strcmp(kinds[i], name) != 0)
			continue;
		struct fault *f = allocated(calloc(1, sizeof *f));
		f->kind = (enum fault_kind)i;
		f->left = -1;
		f->chance = 1;
		f->retry_after = 1;
		return f;
	}
	return NULL;
}

/* Frees a fault. */
static void fault_free(struct fault *f)
{
	free(f->method);
	free(f->path);
	free(f->api);
	free(f->of);
	free(f);
}

/* -f: the fault, then its keys. */
void fault_option(struct faults *faults, const char *text)
{
	char *copy = text_copy(text), *rest = copy, *part = strsep(&rest, ",");
	struct fault *f = fault_new(part);
	if (!f)
		errx(EX_USAGE,
			"-f %s: no such fault (delay, 401, 429, 500, 503, reset-before, reset-after, cut, hang, quote)",
			text);
	while ((part = strsep(&rest, ","))) {
		char *key = strsep(&part, "=");
		const char *wrong = part ? set_key(f, key, part) : "key=value expected";
		if (wrong)
			errx(EX_USAGE, "-f %s: %s: %s", text, key, wrong);
	}
	STAILQ_INSERT_TAIL(&faults->all, f, next);
	free(copy);
}

/* Whether a fault names this request. */
static bool names(const struct fault *f, const struct request *r)
{
	return (!f->method || strcmp(f->method, r->method) == 0) && (!f->path || strstr(r->below, f->path)) &&
		   (!f->api || strcmp(f->api, apis[r->api]) == 0);
}

/* Whether a die with this chance falls well; the same dice in every run. */
static bool chance_meets(struct faults *faults, double chance)
{
	faults->dice = faults->dice * 6364136223846793005u + 1442695040888963407u;
	return (double)(faults->dice >> 33) / (double)(1u << 31) < chance;
}

/* What a request meets. */
enum fault_kind fault_meet(struct faults *faults, struct request *r, long *ms, long *retry_after)
{
	enum fault_kind met = FAULT_NONE;
	struct fault *f;
	*ms = 0;
	if (r->api >= API_OWN)
		return met;
	for (f = STAILQ_FIRST(&faults->all); f; f = STAILQ_NEXT(f, next)) {
		bool other = f->kind != FAULT_DELAY;
		if ((other && met != FAULT_NONE) || f->left == 0 || !names(f, r))
			continue;
		if (f->chance < 1 && !chance_meets(faults, f->chance))
			continue;
		if (f->skip > 0) {
			f->skip--;
			continue;
		}
		if (f->left > 0)
			f->left--;
		if (other) {
			met = f->kind;
			*retry_after = f->retry_after;
			strlcpy(r->quoted, f->of ? f->of : "email", sizeof r->quoted);
		} else {
			*ms += f->ms;
		}
		if (other || !r->fault)
			r->fault = kinds[f->kind];
	}
	return met;
}

/* Forgets all faults. */
void faults_free(struct faults *faults)
{
	struct fault *f;
	while ((f = STAILQ_FIRST(&faults->all))) {
		STAILQ_REMOVE_HEAD(&faults->all, next);
		fault_free(f);
	}
}

/* A fault as JSON. */
static struct json_object *fault_shown(const struct fault *f)
{
	struct json_object *shown = json_object_new_object();
	member_set(shown, "fault", kinds[f->kind]);
	member_set(shown, "api", f->api);
	member_set(shown, "method", f->method);
	member_set(shown, "path", f->path);
	member_set(shown, "of", f->of);
	if (f->kind == FAULT_DELAY)
		json_object_object_add(shown, "ms", json_object_new_int64(f->ms));
	if (f->kind == FAULT_429)
		json_object_object_add(shown, "retry_after", json_object_new_int64(f->retry_after));
	if (f->chance < 1)
		json_object_object_add(shown, "chance", json_object_new_double(f->chance));
	if (f->skip > 0)
		json_object_object_add(shown, "skip", json_object_new_int64(f->skip));
	if (f->left >= 0)
		json_object_object_add(shown, "left", json_object_new_int64(f->left));
	return shown;
}

/* GET /_/faults: those that are set, spent ones included. */
void own_faults(struct sandbox *s, struct request *r)
{
	struct json_object *list = json_object_new_array();
	struct fault *f;
	for (f = STAILQ_FIRST(&s->faults.all); f; f = STAILQ_NEXT(f, next))
		json_object_array_add(list, fault_shown(f));
	answer_json(r, 200, list);
}

/* POST /_/faults */
void own_faults_add(struct sandbox *s, struct request *r)
{
	struct fault *f = fault_new(member_scalar(r->json, "fault"));
	if (!f) {
		answer_error(
			r, 400, "fault: one of delay, 401, 429, 500, 503, reset-before, reset-after, cut, hang, quote");
		return;
	}
	for (struct each m = {0}; each_member(r->json, &m);) {
		const char *wrong =
			set_key(f, m.name, json_object_get_string(m.value) ? json_object_get_string(m.value) : "");
		if (wrong) {
			answer_error(r, 400, "%s: %s", m.name, wrong);
			fault_free(f);
			return;
		}
	}
	STAILQ_INSERT_TAIL(&s->faults.all, f, next);
	answer_json(r, 201, fault_shown(f));
}

/* DELETE /_/faults */
void own_faults_clear(struct sandbox *s, struct request *r)
{
	faults_free(&s->faults);
	answer_json(r, 200, json_object_new_object());
}
