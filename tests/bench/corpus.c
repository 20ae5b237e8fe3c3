/*
 * corpus N [SEED]: N events as pnow-enrich writes them, for make bench; the same ones for the same seed on
 * every machine. Of all types, of 500 to 2,000 bytes, with the webhook's body nested in them, names and
 * comments in several scripts, escapes, long numbers, and some of the emptiness and untidiness of real ones.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t dice;

/* A number from 0 to n - 1 (xorshift64*). */
static unsigned below(unsigned n)
{
	dice ^= dice >> 12;
	dice ^= dice << 25;
	dice ^= dice >> 27;
	return (unsigned)((dice * 2685821657736338717u >> 32) * n >> 32);
}

#define PICK(list) ((list)[below(sizeof(list) / sizeof *(list))])

static const char *const first_names[] = {"Ana", "Ben", "Chloe", "Dmitri", "Erin", "José", "Zoë", "Mei",
	"Łucja", "Søren", "Nguyễn", "Aïcha", "Anne-Marie", "小明", "Юлия"};
static const char *const last_names[] = {"Lopez", "Okafor", "Tran", "Novák", "O'Neill", "Núñez", "Müller",
	"Smith", "van der Berg", "Håkansson", "王", "Иванова"};
static const char *const genders[] = {"F", "F", "Female", "M", "Male", "Non-Binary", "", "Unknown"};
static const char *const types[] = {"Rhinoplasty Consult", "Rhinoplasty", "Facelift Consult",
	"Injectables Consult", "Botox", "Hydrafacial", "Laser", "laser", "Post-Op Visit", "Lunch"};
static const char *const statuses[] = {"booked", "checked_out", "cancelled", "no_show"};
static const char *const providers[] = {"Dr. Reyes", "Nurse Kim", "Dr. Ström", "Dr. \\\"Mac\\\" Neill"};
static const char *const facilities[] = {"Downtown", "Main", "Boulder"};
static const char *const sources[] = {"Google", "Friend", "Instagram", "Walk-in", ""};
static const char *const items[] = {"Botox", "Dysport", "Hydrafacial", "Laser", "Crème \\u00e9clat"};
static const char *const phrases[] = {"bring forms and be early", "nothing by mouth after midnight",
	"prefiere español, por favor", "allergic to lidocaine?", "called twice\\nleft a message", "très sensible",
	"パッチテスト済み", "says \\\"no needles\\\"", "follow-up in 6 weeks – see chart", "VIP ✨"};

struct event {
	unsigned n, patient;
	const char *first, *last, *gender, *source;
	char phone[32], dob[16], day[16];
	unsigned hour, cents;
	char comments[900];
};

/* So many phrases as make the event long enough. */
static void write_comments(struct event *e)
{
	size_t wanted = below(4) ? below(160) : below(500);
	e->comments[0] = '\0';
	while (strlen(e->comments) < wanted) {
		strcat(e->comments, PICK(phrases));
		strcat(e->comments, ". ");
	}
}

static struct event event(unsigned n)
{
	static const char *const phones[] = {"(303) 555-%04u", "720-555-%04u", "+1 303 555 %04u", "303.555.%04u",
		"303555%04u", "ask the husband %04u"};
	struct event e = {.n = n,
		.patient = 10000 + below(20000),
		.first = PICK(first_names),
		.last = PICK(last_names),
		.gender = PICK(genders),
		.source = PICK(sources),
		.hour = 8 + below(10),
		.cents = below(300000)};
	snprintf(e.phone, sizeof e.phone, phones[below(20) ? below(5) : 5], below(10000));
	snprintf(e.dob, sizeof e.dob, "%u-%02u-%02u", 1940 + below(65), 1 + below(12), 1 + below(28));
	snprintf(e.day, sizeof e.day, "2026-%02u-%02u", 1 + below(12), 1 + below(28));
	write_comments(&e);
	return e;
}

static void print_patient(const struct event *e)
{
	printf(
		"\"patient\":{\"id\":\"%u\",\"first_name\":\"%s\",\"last_name\":\"%s\",\"email\":\"p%u@example.com\","
		"\"phone\":\"%s\",\"gender\":\"%s\",\"dob\":\"%s\",\"address1\":\"%u Main St\",\"city\":\"Denver\","
		"\"state\":\"CO\",\"postal_code\":\"80202\",\"referral_source\":\"%s\",\"unsubscribed\":%s}",
		e->patient, e->first, e->last, e->patient, e->phone, e->gender, e->dob, e->patient % 999, e->source,
		below(9) ? "false" : "true");
}

/* What PatientNow sent: often with an object that nobody reads. */
static void print_payload(const struct event *e, const char *name, const char *id, const char *numbers)
{
	printf(
		"\"payload\":{\"event\":\"%s\",\"eventId\":\"evt-%u\",\"data\":{\"%s\":\"%u\",\"patientId\":\"%u\",%s"
		"\"comments\":\"%s\"",
		name, e->n, id, 80000 + e->n, e->patient, numbers, e->comments);
	if (below(4))
		printf(",\"meta\":{\"trace\":[%" PRIu64 ",[true,null,{\"v\":-1.50e+3}]],\"tags\":[\"%s\",\"a/b\"]}",
			UINT64_C(9007199254740993) + e->n, PICK(facilities));
	printf("}},");
}

static void print_appointment(const struct event *e, const char *status)
{
	print_payload(e, *status == 'b' ? "AppointmentCreated" : "AppointmentStatusChanged", "appointmentId",
		"\"duration\":30,");
	printf(
		"\"appointment\":{\"id\":\"%u\",\"type\":\"%s\",\"status\":\"%s\",\"start\":\"%sT%02u:30:00-07:00\","
		"\"end\":\"%sT%02u:00:00-07:00\",\"provider\":\"%s\",\"facility\":\"%s\",\"reason\":\"%s\","
		"\"comments\":\"%s\",\"event_type\":\"Office Visit\"},",
		80000 + e->n, below(50) ? PICK(types) : "Massage", status, e->day, e->hour, e->day, e->hour + 1,
		PICK(providers), PICK(facilities), PICK(phrases), e->comments);
}

static void print_bill(const struct event *e)
{
	unsigned half = e->cents / 2;
	char amount[32];
	snprintf(amount, sizeof amount, "\"total\":%u.%02u,", e->cents / 100, e->cents % 100);
	print_payload(e, "PatientBillCompleted", "billId", amount);
	printf("\"bill\":{\"id\":\"%u\",\"total\":\"%u.%02u\",\"date\":\"%s\",\"provider\":\"%s\",\"facility\":"
		   "\"%s\","
		   "\"items\":[{\"name\":\"%s\",\"amount\":\"%u.%02u\"},{\"name\":\"%s\",\"amount\":\"%u.%02u\"}]},",
		80000 + e->n, e->cents / 100, e->cents % 100, e->day, PICK(providers), PICK(facilities), PICK(items),
		half / 100, half % 100, PICK(items), (e->cents - half) / 100, (e->cents - half) % 100);
}

static void print_membership(const struct event *e)
{
	print_payload(e, "MembershipCreated", "membershipId", "\"amount\":99.00,");
	printf("\"membership\":{\"id\":\"%u\",\"program\":\"%s\",\"sold_date\":\"%s\",\"amount\":\"99.00\","
		   "\"status\":\"Active\"},",
		80000 + e->n, below(2) ? "Glow Club" : "Skin Circle", e->day);
}

/* From the CRM, where somebody has set a tag. */
static void print_contact(const struct event *e)
{
	const char *const format =
		"\"%s\":{\"type\":\"ContactTagUpdate\",\"id\":\"c%uXq81Zr\",\"firstName\":\"%s\","
		"\"lastName\":\"%s\",\"email\":\"p%u@example.com\",\"tags\":[\"vip\",\"pnowcreate\"]}";
	printf(format, "payload", e->patient, e->first, e->last, e->patient);
	putchar(',');
	printf(format, "contact", e->patient, e->first, e->last, e->patient);
	puts("}");
}

static void print_event(unsigned n)
{
	static const char *const names[] = {"patient.updated", "patient.created", "appointment.booked",
		"appointment.booked", "appointment.booked", "appointment.status", "appointment.status",
		"appointment.status", "bill.completed", "membership.created"};
	struct event e = event(n);
	const char *name = below(40) ? PICK(names) : "contact.tagged";
	printf("{\"id\":\"evt-%u\",\"type\":\"%s\",\"practice\":\"glow-denver\",\"source\":\"webhook\","
		   "\"received\":\"%sT16:05:01.123Z\",\"occurred\":\"%sT16:05:00Z\",",
		n, name, e.day, e.day);
	if (*name == 'c') {
		print_contact(&e);
		return;
	}
	if (strcmp(name, "appointment.booked") == 0)
		print_appointment(&e, "booked");
	else if (strcmp(name, "appointment.status") == 0)
		print_appointment(&e, PICK(statuses));
	else if (*name == 'b')
		print_bill(&e);
	else if (*name == 'm')
		print_membership(&e);
	else
		print_payload(&e, name[8] == 'c' ? "PatientCreated" : "PatientUpdated", "chart", "");
	print_patient(&e);
	puts("}");
}

int main(int argc, char *argv[])
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100000;
	dice = argc > 2 ? strtoull(argv[2], NULL, 10) | 1 : 20261122;
	for (unsigned i = 1; i <= n; i++)
		print_event(i);
	return fflush(stdout) == 0 ? 0 : 1;
}
