/* The ids of what an action calls by its name. */
#include "push.h"

const struct field *push_name_row(const struct push_work *w, const char *name)
{
	const struct field *property = property_find(name);
	if (property)
		return property;
	for (const struct field *f = custom_fields; f->name; f++)
		if (strcmp(conf_name(&w->push->conf->names.fields, f->name), name) == 0)
			return f;
	return NULL;
}

struct str push_name_value(const struct push_work *w, const char *name, struct str value)
{
	if (!w->event->patient || strcmp(name, conf_name(&w->push->conf->names.fields, PATIENT_ID)) != 0)
		return value;
	struct buf quoted = {0};
	buf_json(&quoted, str_of(w->event->patient));
	return push_text(w->a, &quoted);
}

/* The dataType that a field has in a CRM that crm-setup has seen to; for dry runs. */
static const char *usual_type(const struct push_work *w, const char *name)
{
	const struct field *f = push_name_row(w, name);
	return f && f->data_type ? f->data_type : "TEXT";
}

const char *push_name_id(
	struct push_work *w, enum name_kind kind, const char *name, const char **more, enum outcome *out)
{
	static const char *const called[] = {"field", "pipeline", "stage", "workflow", "calendar"};
	static const char *const titles[] = {"custom field", "pipeline", "stage", "workflow", "calendar"};
	if (w->push->dry) {
		if (more)
			*more = usual_type(w, name);
		return arena_printf(w->a, "{%s:%s}", called[kind], name);
	}
	struct name found = names_find(w->push->names, w->a, w->location, kind, name);
	w->result.calls += found.calls;
	const struct field *field = kind == NAME_FIELD ? field_find(name) : NULL;
	if (!found.id && !found.error && field && field->also)
		found = names_find(w->push->names, w->a, w->location, kind, field->also);
	if (more)
		*more = found.more;
	if (!found.id)
		*out = found.error
				   ? push_result_fail(w, found.code, found.retry, found.error)
				   : push_result_left_out(w, "the CRM has no %s \"%s\": left out", titles[kind], name);
	if (found.error)
		w->result.retry_after = found.retry_after;
	return found.id;
}

const char *push_name_stage(
	struct push_work *w, const char *pipeline, const char *stage, const char **pipeline_id, enum outcome *out)
{
	*pipeline_id = push_name_id(w, NAME_PIPELINE, pipeline, NULL, out);
	if (!*pipeline_id)
		return NULL;
	if (!w->push->dry)
		stage = arena_printf(w->a, "%s/%s", pipeline, stage);
	return push_name_id(w, NAME_STAGE, stage, NULL, out);
}
