/* The table of custom fields; crm-map fills them, crm-push looks up their ids, and crm-setup makes what is
 * missing. */
#include "value/field.h"

#include <stddef.h>
#include <string.h>

const struct field fields[] = {
	{"PNOW ID", NULL, "TEXT"},
	{"PNOW Unsubscribed", NULL, "SINGLE_OPTIONS"},
	{"PNOW Primary Employee", NULL, "TEXT"},
	{"PNOW Location", NULL, "TEXT"},
	{"Lead Status", NULL, "TEXT"},
	{"Contact Type", NULL, "TEXT"},
	{"Appointment Category", NULL, "TEXT"},
	{"PNOW Appt Status", NULL, "TEXT"},
	{"PNOW Event Type", NULL, "TEXT"},
	{"PNOW Appt Reason", "PNOW Appointment Reason", "TEXT"},
	{"PNOW Appt Comments", "PNOW Appointment Comments", "TEXT"},
	{"PNOW Last Appt ID", "PNOW Last Appointment ID", "TEXT"},
	{"Next Visit Service", NULL, "TEXT"},
	{"Next Visit Date", NULL, "DATE"},
	{"Last Visit Date", NULL, "DATE"},
	{"Last Visit Service", NULL, "TEXT"},
	{"Invoice Paid Amount", NULL, "MONETORY"},
	{"Patient Lifetime Value", NULL, "MONETORY"},
	{"PNOW Last Order ID", NULL, "TEXT"},
	{"PNOW DOB", NULL, "DATE"},
	{"PNOW Membership ID", NULL, "TEXT"},
	{"PNOW Membership Program Name", NULL, "TEXT"},
	{"PNOW Membership Sold Date", NULL, "DATE"},
	{"PNOW Membership Amount", NULL, "MONETORY"},
	{NULL, NULL, NULL},
};

const struct field *field_find(const char *name)
{
	for (const struct field *f = fields; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}
