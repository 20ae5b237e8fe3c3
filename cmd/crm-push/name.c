/* The ids of what an action calls by its name. */
#include "push.h"
#include "value/field.h"

/* The dataType that a field has in a CRM that crm-setup has seen to; for dry runs. */
static const char *usual_type(const struct conf *conf, const char *name)
{
	for (const struct field *f = fields; f->name; f++)
		if (strcmp(conf_name(&conf->names.fields, f->name), name) == 0)
			return f->data_type;
	return "TEXT";
}

const char *push_name_id(
	struct push_work *w, enum name_kind kind, const char *name, const char **more, enum outcome *out)
{
	static const char *const called[] = {"field", "pipeline", "stage", "workflow"};
	static const char *const titles[] = {"custom field", "pipeline", "stage", "workflow"};
	if (w->push->dry) {
		if (more)
			*more = usual_type(w->push->conf, name);
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
