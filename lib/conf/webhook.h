/* How a sender's webhook becomes an event. */
#ifndef WEBHOOK_H
#define WEBHOOK_H

#include "conf/canonical.h"
#include "conf/conf.h"
#include "conf/profile.h"
#include "text/buf.h"

enum webhook_sender { SENDER_PATIENTNOW, SENDER_CRM };

/* What the hook learns from a body. */
struct webhook {
	const char *id;       /* the sender's delivery id, else a hash of practice, source and body */
	bool delivery_id;     /* id is the sender's */
	const char *type;     /* NULL: a name that nothing maps */
	const char *name;     /* the event's name as sent, or NULL */
	const char *occurred; /* RFC 3339, or NULL */
	bool ping;            /* to be answered and forgotten */
	const char *patient;  /* what keeps its order: a patient's id, else appointment/88123 and the like; NULL:
							 nothing */
	const char *subject;  /* what it is about: appointment/88123; NULL: not told */
};

/* The request that a body came with. */
struct webhook_request {
	/* A header's value, or NULL; the name's case does not matter. */
	const char *(*header)(const void *transport, const char *name);
	const void *transport;
};

/* Reads body (checked by jtext_check, an object) of a sender; request is NULL where it is not known. For the
   CRM's events id, type and time are webhookId, type and timestamp; the profile may be NULL for them. */
struct webhook webhook_read(struct arena *a, const struct conf *conf, const struct profile *profile,
	enum webhook_sender sender, struct str body, const struct webhook_request *request);

/* What the sender of a body (checked) wants to hear again, as the profile (or NULL) says; NULL: nothing, as
   where it tells of events that the profile knows. request is NULL where it is not known. */
const char *webhook_challenge(
	struct arena *a, const struct profile *profile, struct str body, const struct webhook_request *request);

/* The bodies in a body that was checked (the arena's): itself, or the objects of the list of events that the
   profile (or NULL) says of. */
struct str *webhook_bodies(struct arena *a, const struct profile *profile, struct str body, size_t *n);

/* The appointment's status that an event's name says (it is among the profile's statuses), or NULL; name may
 * be NULL. */
const char *webhook_status(const struct profile *profile, enum event_kind kind, const char *name);

/* Where facts of a kind stand in the payload of an event of this type (EVENT_UNKNOWN: nobody knows); body's p
   is NULL where the payload is no object. */
struct source webhook_source(
	const struct profile *profile, enum event_type type, enum event_kind kind, struct str payload);

/* Type, patient and subject of an event's line (checked JSON): as a filter has put them there, else as its
   payload tells them. Nothing else is filled in. */
struct webhook webhook_read_line(struct arena *a, const struct profile *profile, struct str line);

/* The id of the patient whom an event's line tells of, of whatever type it is; the arena's, or NULL. */
const char *webhook_patient(struct arena *a, const struct profile *profile, struct str line);

/* Writes the event as one line without newline: id, type (or event, the name as sent, where nothing maps it),
   practice, source, received (now), occurred, payload. Blanks and newlines between the body's tokens are left
   out, everything else is as sent. */
void webhook_write(struct buf *out, const struct conf *conf, const struct webhook *event, const char *source,
	struct str body);

#endif
