/*
 * What crm-push has open, and its loop: several events at once, one patient's in order.
 */
#include "run.h"
#include "conf/confine.h"
#include "push.h"
#include "state/rehearsal.h"

/* One patient's events are never worked on at once; nor are those of one contact that is tagged. */
static const char *patient_key(const struct record *r, void *context)
{
	const struct push *p = context;
	if (event_type_of(record_text(r, "type")) == EVENT_CONTACT_TAGGED)
		return jtext_scalar(r->arena, jtext_get(record_get(r, "contact"), "id"));
	const char *patient = jtext_scalar(r->arena, jtext_get(record_get(r, "patient"), "id"));
	return patient && p->state ? ledger_survivor(p->state, r->arena, patient) : patient;
}

int push_run(const struct conf *conf, const struct options *o, const struct push_asked *asked)
{
	struct push p = {.conf = conf,
		.dry = o->dry,
		.in_turn = o->dry || o->parallel == 1,
		.seconds = o->seconds,
		.values = o->verbose,
		.keeps = asked->keeps,
		.mending = asked->mending};
	if (!p.dry)
		p.state = state_open(conf_need(conf, conf->state, "state"));
	p.crm = crm_open(conf, p.state, o);
	p.crew = crew_open(PUSH_STRANDS);
	if (asked->compares || asked->mending)
		p.mirror = push_mirror_open(RECORDS_AT_ONCE);
	if (p.dry && conf->state)
		p.state = rehearsal_open(conf->state);
	if (!p.dry) {
		p.locks = locks_open(conf->state);
		p.names = names_open(p.crm, p.state);
	}
	confine(CONFINE_CLIENT, (const char *[]){conf->state}, !o->dry, o->verbose);
	int status = record_loop(&(struct record_loop){.stage = "crm-push",
		.each = push_record,
		.context = &p,
		.errors = true,
		.drains = asked->drains,
		.verbose = o->verbose,
		.parallel = o->dry ? 0 : o->parallel,
		.in_order = o->in_order,
		.key = patient_key});
	if (o->verbose && !o->dry)
		calls_tell(&p.calls, "the CRM");
	crew_close(p.crew);
	push_mirror_close(p.mirror);
	names_close(p.names);
	locks_close(p.locks);
	state_close(p.state);
	crm_close(p.crm);
	return status;
}
