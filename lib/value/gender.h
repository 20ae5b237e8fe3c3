/* The CRM's words for gender. */
#ifndef GENDER_H
#define GENDER_H

/* "male", "female" or "other" for what an EMR says (M, Female, Non-Binary …, in any case); NULL: unknown,
 * leave it out. */
const char *gender_crm(const char *text);

#endif
