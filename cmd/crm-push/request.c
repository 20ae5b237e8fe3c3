/* What every action needs: a request made or shown, a name made an id, a failure or a warning put down. */
#include "push.h"
#include "value/field.h"

struct crm_answer request(
	struct work *w, const char *method, const char *path, struct str body, bool repeatable)
{
	if (w->push->dry) {
		if (w->shown.n)
			buf_putc(&w->shown, '\n');
		buf_putc(&w->shown, '{');
		buf_member(&w->shown, "id", w->id);
		buf_member(&w->shown, "method", method);
		buf_member(&w->shown, "path", path);
		if (body.p) {
			buf_puts(&w->shown, w->shown.p[w->shown.n - 1] == '{' ? "\"body\":" : ",\"body\":");
			buf_add(&w->shown, body);
		}
		buf_putc(&w->shown, '}');
		return (struct crm_answer){.outcome = HTTP_ANSWERED, .status = 200, .body = STR("{}")};
	}
	struct crm_request made = {
		.method = method, .path = path, .body = body, .repeatable = repeatable, .yields = w->backfill};
	struct crm_answer answer = crm_call(w->push->crm, w->a, w->location, &made);
	w->calls += answer.calls;
	w->ms += answer.ms;
	w->http = answer.status;
	return answer;
}

enum outcome fail(struct work *w, const char *code, bool retry, const char *message)
{
	w->code = code;
	w->retry = retry;
	w->error = message;
	return OUT_FAILED;
}

enum outcome fail_with(struct work *w, const struct crm_answer *answer)
{
	return fail(w, answer->code, answer->retry, answer->error);
}

bool refused(const struct work *w)
{
	return w->http == 400 || w->http == 404 || w->http == 422;
}

void changed(struct work *w, const char *what)
{
	for (size_t i = 0; i < w->changes; i++)
		if (strcmp(w->change[i], what) == 0)
			return;
	if (w->changes < sizeof w->change / sizeof *w->change)
		w->change[w->changes++] = what;
}

void warning(struct work *w, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	const char *text = arena_vprintf(w->a, format, args);
	va_end(args);
	if (w->is_one_of)
		text = arena_printf(w->a, "sub-account %s: %s", w->location->id, text);
	if (w->warnings.n)
		buf_putc(&w->warnings, ',');
	buf_json(&w->warnings, str_of(text));
}

/* The dataType that a field has in a CRM that crm-setup has seen to; for dry runs. */
static const char *usual_type(const struct conf *conf, const char *name)
{
	for (const struct field *f = fields; f->name; f++)
		if (strcmp(conf_name(&conf->names.fields, f->name), name) == 0)
			return f->data_type;
	return "TEXT";
}

/* The field's other name, as design.md section 4 has it in brackets. */
static const char *other_name(const char *name)
{
	const struct field *f = field_find(name);
	return f ? f->also : NULL;
}

const char *id_of(struct work *w, enum name_kind kind, const char *name, const char **more, enum outcome *out)
{
	static const char *const called[] = {"field", "pipeline", "stage", "workflow"};
	static const char *const titles[] = {"custom field", "pipeline", "stage", "workflow"};
	if (w->push->dry) {
		if (more)
			*more = usual_type(w->push->conf, name);
		return arena_printf(w->a, "{%s:%s}", called[kind], name);
	}
	struct name found = names_find(w->push->names, w->a, w->location, kind, name);
	w->calls += found.calls;
	const char *also = kind == NAME_FIELD ? other_name(name) : NULL;
	if (!found.id && !found.error && also)
		found = names_find(w->push->names, w->a, w->location, kind, also);
	if (more)
		*more = found.more;
	if (found.id)
		return found.id;
	if (found.error) {
		*out = fail(w, found.code, found.retry, found.error);
		return NULL;
	}
	warning(w, "the CRM has no %s \"%s\": left out", titles[kind], name);
	w->incomplete = true;
	*out = OUT_SKIPPED;
	return NULL;
}

const char *contact_path(struct work *w, const char *behind)
{
	return arena_printf(
		w->a, "/contacts/%s%s", w->push->dry ? "{contact}" : http_encode(w->a, w->contact), behind);
}
