/* The custom fields that we fill in the CRM: one row each, in the order of crm-map(1). */
#ifndef FIELD_H
#define FIELD_H

struct field {
	const char *name;
	const char *also;      /* another name that a CRM may have for it, or NULL */
	const char *data_type; /* the CRM's: TEXT, DATE, MONETORY (sic), SINGLE_OPTIONS */
};

/* Ends with a row whose name is NULL. */
extern const struct field fields[];

/* The row of a name (ours), or NULL. */
const struct field *field_find(const char *name);

#endif
