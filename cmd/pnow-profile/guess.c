/*
 * What EMRs mostly call things: the one place that knows it. A name is taken apart into its words
 * (clientFirstName: client, first, name); those that tell whose it is are set apart (client), in the names
 * above it too, and what is left (firstname) is looked up. A name that fits is still no fact unless it holds
 * what the fact can be.
 */
#include "pnow-profile.h"
#include "value/gender.h"
#include "value/money.h"
#include "value/when.h"

#include <ctype.h>
#include <strings.h>

/* Whose a name is. */
enum whose { NOBODY, PATIENT, APPOINTMENT, BILL, MEMBERSHIP, PROVIDER, FACILITY, SERVICE, EVENT };

static const char *const whose_names[] = {
	NULL, "patient", "appointment", "bill", "membership", "provider", "facility", "service", "event"};

static const struct {
	enum whose whose;
	const char *words; /* each with a blank on both sides */
} owners[] = {
	{PATIENT, " patient client customer guest member person contact "},
	{APPOINTMENT, " appointment appt booking visit reservation "},
	{BILL, " bill invoice order sale receipt payment transaction checkout "},
	{MEMBERSHIP, " membership subscription plan package "},
	{PROVIDER,
		" provider staff employee practitioner doctor physician therapist technician stylist clinician "},
	{FACILITY, " facility location clinic center centre branch company "},
	{SERVICE, " service treatment procedure "},
	{EVENT, " event webhook message delivery notification "},
};

/* Words around the facts that say nothing. */
static const char wrappers[] =
	" data payload resource object body record node attributes result content details detail info meta ";

/* What holds a list or an object of the thing itself: phones/0/number is a phone. */
static const char holders[] = " number value address text ";
static const char held[] = " phone mobile cell telephone email mail ";

/* Our facts and what they are called, the likeliest first, folded. */
static const struct row {
	enum event_kind kind;
	const char *fact;
	enum whose whose;
	bool bare; /* the name alone says that it is a person's, and whose does not matter */
	const char *names;
} rows[] = {
	{KIND_PATIENT, "id", PATIENT, false,
		" id uuid guid number no key mrn recordnumber medicalrecordnumber chartnumber "},
	{KIND_PATIENT, "first_name", PATIENT, true, " firstname givenname forename fname first given "},
	{KIND_PATIENT, "last_name", PATIENT, true, " lastname surname familyname lname last family "},
	{KIND_PATIENT, "name", PATIENT, false, " fullname name displayname  "},
	{KIND_PATIENT, "email", PATIENT, true,
		" email emailaddress mail primaryemail personalemail emailprimary "},
	{KIND_PATIENT, "phone", PATIENT, true,
		" mobilephone cellphone mobile cell mobilenumber mobilephonenumber cellnumber phonemobile phonecell phone phonenumber primaryphone "
		"homephone phonehome telephone tel workphone "},
	{KIND_PATIENT, "gender", PATIENT, true, " gender sex "},
	{KIND_PATIENT, "dob", PATIENT, true, " dateofbirth dob birthdate birthday birth bornon "},
	{KIND_PATIENT, "address1", PATIENT, true,
		" address1 addressline1 street streetaddress street1 line1 address "},
	{KIND_PATIENT, "city", PATIENT, true, " city town locality "},
	{KIND_PATIENT, "state", PATIENT, false, " state stateprovince province region statecode "},
	{KIND_PATIENT, "postal_code", PATIENT, true, " postalcode zip zipcode postcode postal "},
	{KIND_PATIENT, "referral_source", PATIENT, true,
		" referralsource referredby referral leadsource howdidyouhear heardfrom source "},
	{KIND_PATIENT, "unsubscribed", PATIENT, true,
		" unsubscribed optout optedout emailoptout marketingoptout donotcontact donotemail "},
	{KIND_APPOINTMENT, "id", APPOINTMENT, false, " id uuid guid number no key "},
	{KIND_APPOINTMENT, "type", APPOINTMENT, false, " type typename appointmenttype name title treatment "},
	{KIND_APPOINTMENT, "type", SERVICE, false, " name  title type description "},
	{KIND_APPOINTMENT, "status", APPOINTMENT, false,
		" status statusname state cancelled canceled iscancelled iscanceled "},
	{KIND_APPOINTMENT, "start", APPOINTMENT, false,
		" start starttime startdatetime startat startsat startdate starts begin begintime scheduledat scheduledfor from datetime date time "},
	{KIND_APPOINTMENT, "end", APPOINTMENT, false,
		" end endtime enddatetime endat endsat enddate ends until finish finishtime to "},
	{KIND_APPOINTMENT, "provider", PROVIDER, false, " name fullname displayname  "},
	{KIND_APPOINTMENT, "first", PROVIDER, false, " firstname givenname first "},
	{KIND_APPOINTMENT, "last", PROVIDER, false, " lastname surname familyname last "},
	{KIND_APPOINTMENT, "facility", FACILITY, false, " name  displayname title id "},
	{KIND_APPOINTMENT, "reason", APPOINTMENT, false,
		" reason reasonforvisit visitreason chiefcomplaint purpose "},
	{KIND_APPOINTMENT, "comments", APPOINTMENT, false, " comments comment notes note remarks "},
	{KIND_APPOINTMENT, "event_type", EVENT, false, " type category "},
	{KIND_APPOINTMENT, "event_type", APPOINTMENT, false, " eventtype category class kind "},
	{KIND_BILL, "id", BILL, false, " id uuid guid number no key "},
	{KIND_BILL, "total", BILL, false,
		" total totalamount grandtotal amountpaid totalpaid paidamount amount gross nettotal paid totalprice "},
	{KIND_BILL, "date", BILL, false,
		" date paidat paidon completedat closedat issuedat datetime createdat createdon created "},
	{KIND_BILL, "provider", PROVIDER, false, " name fullname displayname  "},
	{KIND_BILL, "first", PROVIDER, false, " firstname givenname first "},
	{KIND_BILL, "last", PROVIDER, false, " lastname surname familyname last "},
	{KIND_BILL, "facility", FACILITY, false, " name  displayname title id "},
	{KIND_BILL, "status", BILL, false, " status statusname state paymentstatus "},
	{KIND_BILL, "refunded", BILL, false,
		" refundedamount amountrefunded refundamount refunded totalrefunded "},
	{KIND_BILL, "refund_of", BILL, false,
		" refundof refundedid originalid originalbillid originalinvoiceid originalorderid "},
	{KIND_MEMBERSHIP, "id", MEMBERSHIP, false, " id uuid guid number no key "},
	{KIND_MEMBERSHIP, "program", MEMBERSHIP, false,
		" programname program name planname plan membershipname title type product  "},
	{KIND_MEMBERSHIP, "sold_date", MEMBERSHIP, false,
		" solddate soldon soldat saledate purchasedate purchasedat startdate startedat start agreementdate createdat createdon created date "},
	{KIND_MEMBERSHIP, "amount", MEMBERSHIP, false, " amount price fee cost total monthlyfee rate "},
	{KIND_MEMBERSHIP, "status", MEMBERSHIP, false, " status state "},
};

/* A fact's rank in a list of names; COUNT of them where it is not there. "" stands as two blanks. */
static bool in_list(const char *list, const char *name, unsigned *rank)
{
	char sought[80];
	if (snprintf(sought, sizeof sought, " %s ", name) >= (int)sizeof sought)
		return false;
	const char *at = strstr(list, sought);
	if (!at)
		return false;
	for (*rank = 0; list < at; list++)
		*rank += *list == ' ';
	return true;
}

/* A name in its words: folded, at most 16. */
struct words {
	char at[16][32];
	size_t n;
};

static void add_letter(struct words *w, bool begins, char c)
{
	if (begins && w->n < 16)
		w->at[w->n++][0] = '\0';
	if (!w->n)
		return;
	char *word = w->at[w->n - 1];
	size_t n = strlen(word);
	if (n < 31) {
		word[n] = (char)tolower((unsigned char)c);
		word[n + 1] = '\0';
	}
}

/* clientFirstName, client_first_name, ClientID: at capitals behind small letters or before them, and at what
 * is no letter. */
static struct words words_of(const char *name, size_t length)
{
	struct words w = {0};
	bool fresh = true;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)name[i], before = i ? (unsigned char)name[i - 1] : 0;
		unsigned char after = i + 1 < length ? (unsigned char)name[i + 1] : 0;
		if (!isalnum(c)) {
			fresh = true;
			continue;
		}
		bool capital = isupper(c) && (islower(before) || (isupper(before) && islower(after)));
		add_letter(&w, fresh || capital, (char)c);
		fresh = false;
	}
	return w;
}

static bool is_word_of(const char *list, const char *word)
{
	unsigned rank;
	char singular[32];
	size_t n = strlen(word);
	if (in_list(list, word, &rank))
		return true;
	if (n < 4 || word[n - 1] != 's')
		return false;
	snprintf(singular, sizeof singular, "%.*s", (int)(n - 1), word);
	return in_list(list, singular, &rank);
}

static enum whose owner(const char *word)
{
	for (size_t i = 0; i < COUNT(owners); i++)
		if (is_word_of(owners[i].words, word))
			return owners[i].whose;
	return NOBODY;
}

/* What a leaf's path says of it. */
struct name {
	enum whose whose;
	char what[160]; /* firstname; "": the owner's name is all */
};

/* Whose the names in an object are. */
static enum whose owner_of_object(const struct words *w, enum whose outer)
{
	enum whose whose = outer;
	for (size_t i = 0; i < w->n; i++) {
		if (is_word_of(wrappers, w->at[i]) && w->n > 1)
			return outer;
		enum whose own = is_word_of(wrappers, w->at[i]) ? NOBODY : owner(w->at[i]);
		whose = own ? own : whose;
	}
	return whose;
}

static struct name name_of(const struct leaf *leaf)
{
	struct name name = {0};
	struct words w = {0}, above = {0};
	const char *at = leaf->path + (*leaf->path == '/'), *slash;
	for (; (slash = strchr(at, '/')); at = slash + 1) {
		struct words object = words_of(at, (size_t)(slash - at));
		if (object.n && isdigit((unsigned char)object.at[0][0]))
			continue;
		name.whose = owner_of_object(&object, name.whose);
		above = object;
	}
	w = words_of(at, strlen(at));
	if (w.n && isdigit((unsigned char)w.at[0][0]) && above.n)
		w = above; /* the first of several values */
	size_t first = 0;
	while (first < w.n && owner(w.at[first]))
		name.whose = owner(w.at[first++]);
	for (size_t i = first; i < w.n; i++)
		strlcat(name.what, w.at[i], sizeof name.what);
	if (is_word_of(holders, name.what) && above.n && is_word_of(held, above.at[above.n - 1]))
		strlcpy(name.what, above.at[above.n - 1], sizeof name.what);
	size_t n = strlen(name.what);
	if (n > 5 && is_word_of(held, name.what) && name.what[n - 1] == 's')
		name.what[n - 1] = '\0';
	return name;
}

static enum whose own_of(enum event_kind kind)
{
	static const enum whose own[] = {PATIENT, APPOINTMENT, BILL, MEMBERSHIP, NOBODY};
	return own[kind];
}

static bool is_number(const char *text)
{
	return *text && !text[strspn(text, "0123456789.-")];
}

static bool is_email(const char *text)
{
	const char *at = strchr(text, '@');
	return at && at > text && strchr(at, '.') && !strchr(text, ' ');
}

static bool is_phone(const char *text)
{
	size_t digits = 0;
	for (const char *c = text; *c; c++)
		digits += isdigit((unsigned char)*c) != 0;
	return digits >= 7 && digits <= 15 && !text[strspn(text, "+0123456789 ()-.x/")];
}

/* A moment since 1970 in seconds or milliseconds, of these decades. */
static bool is_epoch(const char *text)
{
	size_t n = strlen(text);
	return (n == 10 || n == 13) && !text[strspn(text, "0123456789")] && *text == '1';
}

static bool is_time(const char *text)
{
	char time[WHEN_TEXT];
	return is_epoch(text) || when_time(str_of(text), false, time) || when_time(str_of(text), true, time);
}

static bool is_flag(const char *text)
{
	unsigned rank;
	return strlen(text) < 8 && in_list(" true false 0 1 yes no y n ", text, &rank);
}

bool guess_fits(enum event_kind kind, const char *fact, const char *text)
{
	int64_t minor;
	if (!text || !*text)
		return true;
	if (strcmp(fact, "email") == 0)
		return is_email(text);
	if (strcmp(fact, "phone") == 0)
		return is_phone(text);
	if (strcmp(fact, "gender") == 0)
		return gender_crm(text) != NULL;
	if (strcmp(fact, "state") == 0)
		return !guess_status(text) && !is_number(text);
	if (strcmp(fact, "id") == 0)
		return !strchr(text, ' ') && !is_email(text) && strcmp(text, "true") != 0 &&
			   strcmp(text, "false") != 0;
	if (strcmp(fact, "facility") == 0)
		return true;
	enum fact_form form = FACT_TEXT;
	for (const struct event_fact *f = event_facts(kind); f->name; f++)
		if (strcmp(f->name, fact) == 0)
			form = f->form;
	switch (form) {
	case FACT_TIME:
	case FACT_DATE:
		return is_time(text);
	case FACT_MONEY:
		return money_read(str_of(text), &minor) && !is_epoch(text);
	case FACT_FLAG:
		return is_flag(text);
	case FACT_STATUS:
		return !is_number(text) && !is_time(text);
	default:
		return (!is_number(text) || strcmp(fact, "postal_code") == 0 || strcmp(fact, "address1") == 0) &&
			   !is_flag(text) && !is_email(text) && !(strchr(text, ':') && is_time(text));
	}
}

struct guess guess_fact(const struct leaf *leaf, enum event_kind about)
{
	struct name name = name_of(leaf);
	struct guess best = {.kind = about, .rank = UINT16_MAX};
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];
		unsigned rank;
		bool own = name.whose == NOBODY || (name.whose == EVENT && r->bare);
		bool named = name.whose == r->whose;
		if ((r->kind != about && r->kind != KIND_PATIENT && about != EVENT_KINDS) ||
			!in_list(r->names, name.what, &rank))
			continue;
		if (!named &&
			!(own && r->whose == own_of(r->kind) && (r->kind == about || about == EVENT_KINDS || r->bare)))
			continue;
		if (!guess_fits(r->kind, r->fact, leaf->text))
			continue;
		rank += named ? 0 : 100;
		if (rank < best.rank)
			best = (struct guess){r->kind, r->fact, rank, named};
	}
	return best;
}

struct guess guess_by_value(const struct leaf *leaf, const char **what)
{
	const char *text = leaf->text ? leaf->text : "";
	enum whose whose = name_of(leaf).whose;
	char time[WHEN_TEXT];
	bool person = whose != PROVIDER && whose != FACILITY;
	if (person && is_email(text)) {
		*what = "an e-mail address";
		return (struct guess){KIND_PATIENT, "email", 0, false};
	}
	if (person && is_phone(text) && strpbrk(text, "+( -") && !when_time(str_of(text), false, time)) {
		*what = "a phone number";
		return (struct guess){KIND_PATIENT, "phone", 0, false};
	}
	if (person && gender_crm(text) && strlen(text) > 1) {
		*what = "a gender";
		return (struct guess){KIND_PATIENT, "gender", 0, false};
	}
	*what = when_time(str_of(text), false, time) ? strchr(text, ':') ? "a time" : "a date" : NULL;
	if (!*what && strlen(text) > 3 && strchr(text, '.') && is_number(text))
		*what = "an amount";
	return (struct guess){EVENT_KINDS, NULL, 0, false};
}

const char *guess_other(const struct leaf *leaf, enum event_kind kind)
{
	enum whose whose = name_of(leaf).whose;
	bool other = whose != NOBODY && whose != EVENT && whose != own_of(kind);
	return other ? whose_names[whose] : NULL;
}

/* Whether one of a name's words is of a list. */
static bool has_word(const struct words *w, const char *list)
{
	unsigned rank;
	for (size_t i = 0; i < w->n; i++)
		if (in_list(list, w->at[i], &rank))
			return true;
	return false;
}

const char *guess_type(const char *text)
{
	static const char begun[] =
		" created create new added add booked scheduled made sold purchased started registered opened insert inserted activated assigned ";
	static const char ended[] = " deleted delete removed merged archived draft refunded voided ";
	static const char changed[] =
		" updated update changed change modified edited rescheduled cancelled canceled completed noshow "
		"checkedout checkout checkedin confirmed status moved arrived no show checked ";
	static const char paid[] =
		" completed complete paid closed finalized finalised settled succeeded posted checkout ";
	struct words w = words_of(text, strlen(text));
	enum whose whose = NOBODY;
	if (w.n <= 2 && has_word(&w, " ping test verification challenge "))
		return "ping";
	for (size_t i = 0; i < w.n && whose <= PATIENT; i++) {
		enum whose own = owner(w.at[i]); /* PatientBillCompleted is about the bill */
		whose = own && own <= MEMBERSHIP ? own : whose;
	}
	bool new = has_word(&w, begun), other = has_word(&w, changed);
	if (w.n < 2 || has_word(&w, ended))
		return NULL;
	if (whose == PATIENT && (new || other))
		return event_type_name(new ? EVENT_PATIENT_CREATED : EVENT_PATIENT_UPDATED);
	if (whose == APPOINTMENT && (new || other))
		return event_type_name(new ? EVENT_APPOINTMENT_BOOKED : EVENT_APPOINTMENT_STATUS);
	if (whose == BILL && (new || has_word(&w, paid)))
		return event_type_name(EVENT_BILL_COMPLETED);
	if (whose == MEMBERSHIP && new)
		return event_type_name(EVENT_MEMBERSHIP_CREATED);
	return NULL;
}

const char *guess_status(const char *word)
{
	static const char *const words[][2] = {
		{"booked",
			" booked scheduled confirmed unconfirmed rescheduled pending new requested active upcoming open accepted "},
		{"checked_out",
			" checkedout checkout completed complete fulfilled finished closed done serviced paid "},
		{"cancelled", " cancelled canceled cancellation latecancelled latecanceled voided declined "},
		{"no_show", " noshow noshowed missed noshown didnotarrive "},
	};
	struct words w = words_of(word, strlen(word));
	char joined[160] = "";
	unsigned rank;
	for (size_t i = 0; i < w.n; i++)
		strlcat(joined, w.at[i], sizeof joined);
	for (size_t i = 0; i < COUNT(words); i++)
		if (in_list(words[i][1], joined, &rank))
			return words[i][0];
	return NULL;
}

bool guess_wraps(const char *name, size_t n)
{
	struct words w = words_of(name, n);
	for (size_t i = 0; i < w.n; i++)
		if (is_word_of(wrappers, w.at[i]))
			return true;
	return false;
}

unsigned guess_in(const char *names, const char *pointer)
{
	struct name name = name_of(&(struct leaf){.path = pointer});
	const char *last = strrchr(pointer, '/') + 1;
	struct words w = words_of(last, strlen(last));
	char joined[160] = "";
	unsigned rank;
	for (size_t i = 0; i < w.n; i++)
		strlcat(joined, w.at[i], sizeof joined);
	return in_list(names, joined, &rank) || in_list(names, name.what, &rank) ? rank : UINT16_MAX;
}

const char *guess_name_status(const char *name)
{
	struct words w = words_of(name, strlen(name));
	char rest[160] = "";
	for (size_t i = 0; i < w.n; i++)
		if (!owner(w.at[i]))
			strlcat(rest, w.at[i], sizeof rest);
	const char *status = guess_status(rest);
	return status && strcmp(status, "booked") != 0 ? status : NULL;
}

/* Whether a name is one of those around the facts: at the top, or in an object about the event itself. */
static bool is_around(const struct leaf *leaf)
{
	const char *path = leaf->path + leaf->outer;
	enum whose whose = name_of(leaf).whose;
	const char *slash = strchr(path + 1, '/');
	if (whose != NOBODY && whose != EVENT)
		return false;
	if (!slash)
		return true;
	struct words above = words_of(path + 1, (size_t)(slash - path - 1));
	return !strchr(slash + 1, '/') && !guess_wraps(path + 1, (size_t)(slash - path - 1)) &&
		   has_word(&above, " event webhook metadata header headers ");
}

const char *guess_event(const struct leaf *leaf, unsigned *rank)
{
	static const char ids[] =
		" eventid webhookid messageid deliveryid notificationid idempotencykey id uuid guid requestid eventuuid ";
	static const char names[] =
		" event eventname eventtype type topic action trigger name hook kind eventid ";
	static const char times[] =
		" timestamp occurredat eventtime eventdate eventtimestamp createdat created triggeredat sentat at when time date datetime ";
	const char *name = strrchr(leaf->path, '/'), *text = leaf->text;
	struct words w = words_of(name ? name + 1 : leaf->path + 1, strlen(name ? name + 1 : leaf->path + 1));
	size_t first = *leaf->path == '@' && w.n > 1 && strlen(w.at[0]) == 1 ? 1 : 0; /* X-Event */
	char joined[160] = "";
	if (!text || !*text || !is_around(leaf))
		return NULL;
	for (size_t i = first; i < w.n; i++)
		strlcat(joined, w.at[i], sizeof joined);
	*rank = 50;
	if (guess_type(text)) {
		in_list(names, joined, rank);
		return "name";
	}
	if (in_list(ids, joined, rank) ||
		(w.n > 2 && strcmp(w.at[w.n - 1], "id") == 0 && has_word(&w, " delivery event webhook message ")))
		return is_time(text) || strchr(text, ' ') ? NULL : "id";
	if (*leaf->path == '/' && is_time(text) &&
		(in_list(times, joined, rank) || (w.n > 1 && has_word(&w, " time timestamp "))))
		return "time";
	return NULL;
}
