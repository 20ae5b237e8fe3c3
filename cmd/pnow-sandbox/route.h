/* From a request to what answers it. */
#ifndef SANDBOX_ROUTE_H
#define SANDBOX_ROUTE_H

struct request;
struct sandbox;

/* Cuts the path and finds the API. */
void route_split(struct request *r, const char *url);
/* Calls what answers it; called with the lock held. */
void route_answer(struct sandbox *s, struct request *r);

typedef void handler_fn(struct sandbox *s, struct request *r);
handler_fn contact_create, contact_upsert, contact_get, contact_put, contact_remove, contact_duplicate,
	contact_search;
handler_fn notes_get, notes_add, note_remove, tags_add, tags_remove, workflow_enrol, workflow_leave;
handler_fn fields_get, fields_create, pipelines_get, workflows_get, location_get;
handler_fn opportunity_search, opportunity_create, opportunity_get, opportunity_put, opportunity_status,
	opportunity_remove;
handler_fn calendars_get, calendar_get, entries_get, blocks_get, appointment_create, appointment_get,
	appointment_put, block_create, block_put, entry_remove;
handler_fn pro_list, pro_types, pro_get, pro_create, pro_update;
handler_fn envision_status, envision_list, envision_get, envision_create, envision_update,
	envision_of_customer, envision_names, envision_services;
handler_fn own_help, own_state, own_fields, own_reset, own_merge, own_requests, own_requests_clear,
	own_faults, own_faults_add, own_faults_clear;

/* POST /_/webhook waits for another server, so it is called without the lock. */
handler_fn own_webhook;

#endif
