/*
 * The sub-accounts of the CRM: the practice's own and each facility's. The lists of each are read (custom
 * fields, pipelines, workflows, calendars), each once; that they come shows that the token is taken.
 */
#include "setup.h"
#include "value/category.h"
#include "value/when.h"

#include <stdlib.h>

enum { CLOCK_MS = 60 * 1000 };

void check_clock(struct setup *s, int64_t there)
{
	int64_t off = when_now_ms() - there;
	if (!there || s->clock_told)
		return;
	s->clock_told = true;
	bool right = off < CLOCK_MS && off > -CLOCK_MS;
	tell(s, right ? OK : WRONG, "clock", NULL,
		arena_printf(&s->arena, "%lld s from the CRM's", (long long)(llabs(off) / 1000)),
		right ? NULL
			  : "Let the machine set its clock: timedatectl set-ntp true. By a wrong one, webhooks seem "
				"stale and "
				"are refused.");
}

/* --- Pipelines --- */

static const char *const statuses[] = {"booked", "checked_out", "cancelled", "no_show"};

/* The stages of a pipeline (by our name) that appointments of this configuration lead to, by the CRM's names
 * and each once; written into stages, which has room for CATEGORIES * 4. */
static size_t stages_of(const struct setup *s, const char *ours, const char **stages)
{
	size_t n = 0;
	for (enum category c = CATEGORY_NONE + 1; s->conf->move_opportunities && c < CATEGORIES; c++) {
		for (size_t i = 0; i < COUNT(statuses); i++) {
			const char *pipeline, *stage;
			if (!category_stage(c, statuses[i], s->conf->consult_stages, &pipeline, &stage) ||
				strcmp(pipeline, ours) != 0)
				continue;
			size_t k = 0;
			stage = conf_name(&s->conf->names.stages, stage);
			while (k < n && strcmp(stages[k], stage) != 0)
				k++;
			stages[k] = stage;
			n += k == n;
		}
	}
	return n;
}

/* The names that a list lacks, in a row: "Booked", "Patient". "": none. */
static const char *lacking(struct setup *s, struct str list, const char *const *names, size_t n)
{
	const char *text = "";
	for (size_t i = 0; i < n; i++)
		if (!entry_named(s, list, names[i]).p)
			text = arena_printf(&s->arena, "%s%s\"%s\"", text, *text ? ", " : "", names[i]);
	return text;
}

static void check_pipeline(struct setup *s, const char *ours, struct str pipelines)
{
	const char *stages[CATEGORIES * 4], *name = conf_name(&s->conf->names.pipelines, ours);
	size_t n = stages_of(s, ours, stages);
	struct str pipeline = entry_named(s, pipelines, name);
	const char *lacks = lacking(s, jtext_get(pipeline, "stages"), stages, n);
	if (!pipeline.p)
		tell(s, MISSING, "pipeline", name, "not in the CRM",
			arena_printf(&s->arena,
				"Make it in the CRM (Opportunities > Pipelines; the API cannot)%s%s, or write what it is "
				"called "
				"there as names.pipelines.%s.",
				*lacks ? ", with the stages " : "", lacks, ours));
	else if (*lacks)
		tell(s, MISSING, "pipeline", name, arena_printf(&s->arena, "lacks the stages %s", lacks),
			"Add them in the CRM (Opportunities > Pipelines; the API cannot), or write what they are called "
			"there "
			"in names.stages.");
	else
		tell(s, OK, "pipeline", name, arena_printf(&s->arena, "there, with the %zu stages that are used", n),
			NULL);
}

static void check_pipelines(struct setup *s, struct str pipelines)
{
	bool moves = s->conf->move_opportunities && s->conf->pipelines == PIPELINES_BOTH;
	check_pipeline(s, "non-surgical", pipelines); /* a bill sets its value */
	if (moves || s->conf->surgical_value)
		check_pipeline(s, "surgical", pipelines);
	else
		tell(s, SKIPPED, "pipeline", conf_name(&s->conf->names.pipelines, "surgical"), "not used", NULL);
}

/* --- Workflows --- */

static void check_workflow(struct setup *s, const char *key, const char *name, struct str workflows)
{
	if (!name) {
		tell(s, SKIPPED, "workflow", key, "none in the configuration: nobody is enrolled", NULL);
		return;
	}
	struct str workflow = entry_named(s, workflows, name);
	const char *status = jtext_string(&s->arena, jtext_get(workflow, "status"));
	if (!workflow.p)
		tell(s, MISSING, "workflow", name, "not in the CRM",
			arena_printf(&s->arena,
				"Make and publish it in the CRM (Automation > Workflows; the API cannot), write what it is "
				"called "
				"there as %s, or null there for none.",
				key));
	else if (!status || strcmp(status, "published") != 0)
		tell(s, WRONG, "workflow", name,
			arena_printf(&s->arena,
				"is %s, not published: the CRM refuses to enrol, or enrols and nothing happens",
				status ? status : "without a status"),
			"Open it in the CRM (Automation > Workflows) and switch it from Draft to Publish.");
	else
		tell(s, OK, "workflow", name, "published", NULL);
}

static void check_workflows(struct setup *s, struct str workflows)
{
	const struct conf *c = s->conf;
	check_workflow(s, "workflows.appointments", c->workflows.appointments, workflows);
	check_workflow(s, "workflows.order_paid", c->workflows.order_paid, workflows);
	check_workflow(s, "workflows.membership", c->workflows.membership, workflows);
	check_workflow(s, "workflows.birthday", c->workflows.birthday, workflows);
}

/* --- The calendar --- */

/* What calendars there are, for whoever looks for an id: "Consults" (0TkC…), …. */
static const char *listed(struct setup *s, struct str list)
{
	const char *text = "";
	for (struct str at = {0}; jtext_next(list, &at);)
		text = arena_printf(&s->arena, "%s%s\"%s\" (%s)", text, *text ? ", " : "",
			jtext_string(&s->arena, jtext_get(at, "name")), jtext_string(&s->arena, jtext_get(at, "id")));
	return *text ? text : "none";
}

static void check_calendar(struct setup *s, struct str calendars)
{
	const char *id = conf_calendar(s->conf, s->location), *name = s->conf->calendar.name;
	struct str calendar = id ? entry_with_id(s, calendars, id) : entry_named(s, calendars, name);
	if (!calendar.p)
		tell(s, MISSING, "calendar", id ? id : name,
			arena_printf(&s->arena, "not in the CRM, which has: %s", listed(s, calendars)),
			"Make it in the CRM (Settings > Calendars), or write the name of one that is there as calendar.name.");
	else if (str_is(jtext_get(calendar, "isActive"), "false"))
		tell(s, WARNING, "calendar", id ? id : name, "is a draft: nobody sees it",
			"Switch it on in the CRM (Settings > Calendars).");
	else
		tell(s, OK, "calendar", id ? id : name,
			s->conf->calendar.appointments ? "there, for appointments" : "there, for block slots", NULL);
}

/* --- A sub-account --- */

static struct crm_answer list(
	struct setup *s, struct crm *crm, const struct crm_location *location, enum name_kind kind)
{
	struct crm_request request = {
		.method = "GET", .path = names_path(&s->arena, location, kind), .repeatable = true};
	return crm_call(crm, &s->arena, location, &request);
}

/* Whether the CRM answers, and takes the token; tells it. */
static bool is_reachable(struct setup *s, const struct crm_answer *answer)
{
	if (answer->status && answer->status != 401 && answer->status != 429 && answer->status < 500) {
		tell(s, OK, "CRM", NULL, "answers, and takes the token", NULL);
		return true;
	}
	tell(s, WRONG, "CRM", NULL, answer->error,
		answer->status == 401 ? "Make a private integration in this sub-account (Settings > Private "
								"Integrations), and put its token "
								"into the location's token_file."
							  : "Look at crm.base_url and at this machine's way to the Internet; else the "
								"CRM is down: try again later.");
	tell(s, UNKNOWN, "CRM", "custom fields, pipelines, workflows", "not asked", "See the row above.");
	return false;
}

static void check_location(struct setup *s, struct crm *crm, const struct crm_location *location)
{
	s->location = location->id;
	struct crm_answer fields = list(s, crm, location, NAME_FIELD);
	if (!is_reachable(s, &fields))
		return;
	check_clock(s, http_date(fields.headers));
	if (fields.error)
		tell_refused(s, "custom field", "locations/customFields.readonly", &fields);
	else
		check_fields(s, crm, location, &fields);
	struct crm_answer pipelines = list(s, crm, location, NAME_PIPELINE);
	if (pipelines.error)
		tell_refused(s, "pipeline", "opportunities.readonly", &pipelines);
	else
		check_pipelines(s, jtext_get(pipelines.body, "pipelines"));
	struct crm_answer workflows = list(s, crm, location, NAME_WORKFLOW);
	if (workflows.error)
		tell_refused(s, "workflow", "workflows.readonly", &workflows);
	else
		check_workflows(s, jtext_get(workflows.body, "workflows"));
	struct crm_answer calendars = {0};
	if (conf_has_calendar(s->conf))
		calendars = list(s, crm, location, NAME_CALENDAR);
	if (calendars.error)
		tell_refused(s, "calendar", "calendars.readonly", &calendars);
	else if (conf_has_calendar(s->conf))
		check_calendar(s, jtext_get(calendars.body, "calendars"));
	check_permits(s, crm, location);
}

void check_crm(struct setup *s)
{
	if (!s->crm_secret) {
		tell(s, UNKNOWN, "CRM", NULL, "not asked", "Mend the secret first.");
		return;
	}
	struct crm *crm = crm_open(&s->usable, NULL, &s->options);
	const struct crm_location *at;
	for (size_t i = 0; (at = crm_location_next(crm, &i));)
		check_location(s, crm, at);
	crm_close(crm);
	s->location = NULL;
}
