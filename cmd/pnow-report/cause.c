/*
 * Why events failed, wait or were left out, and the command that mends it. Causes that differ only in ids are
 * one: a word with a digit in it stands as an ellipsis.
 */
#include "report.h"

#include <ctype.h>
#include <string.h>

static const struct {
	const char *key, *shown;
} kinds[CAUSE_KINDS] = {
	[CAUSE_FAILED] = {"failed", "Failed for good"},
	[CAUSE_WAITING] = {"waiting", "Failed, and is tried again"},
	[CAUSE_SKIPPED] = {"skipped", "Left out"},
	[CAUSE_DROPPED] = {"dropped", "Dropped by hand"},
	[CAUSE_WARNED] = {"warned", "Carried out, but for a part"},
	[CAUSE_IGNORED] = {"ignored", "Ignored by design"},
};

const char *cause_kind_name(enum cause_kind kind)
{
	return kinds[kind].key;
}

const char *cause_kind_shown(enum cause_kind kind)
{
	return kinds[kind].shown;
}

/* --- What to do --- */

#define RETRY "pnow-inbox@ retry #"
#define SETUP "crm-setup@"

/* What to do about an error with this code, and the commands: @ is the option that names the configuration, #
 * the ids, ^ the newest of them. */
static const struct remedy {
	const char *code, *advice, *command;
} remedies[] = {
	{"refused", "The token is wrong, or may not do this: put a new one into its file, then try again.",
		SETUP "\n" RETRY},
	{"not_found", "It was deleted in PatientNow or the CRM. Where that is right, drop the event.",
		"pnow-inbox@ drop #"},
	{"rejected", "The request is wrong, and the answer says how. Mend what it names, then try again.", RETRY},
	{"limited", "The CRM's requests of the day were used up. Try again tomorrow (UTC).", RETRY},
	{"quota_exhausted", "PatientNow's calls of the day were used up. They begin anew at midnight, UTC.",
		RETRY},
	{"unavailable", "PatientNow or the CRM gave no answer. Once it does, try again.", RETRY},
	{"bad_answer", "The answer was not what the profile or the CRM promises. Try again; if it stays, look.",
		RETRY},
	{"lost", "The answer was lost. Trying again finds out what was done, and doubles nothing.", RETRY},
	{"gone", "The contact was deleted in the CRM. Trying again makes it anew.", RETRY},
	{"dropped", "Make the CRM's field Patient Lifetime Value a monetary one.", SETUP "\n" RETRY},
	{"bad_value", "The contact's Patient Lifetime Value is no amount: mend it in the CRM, then try again.",
		RETRY},
	{"undecided", "Somebody changed the lifetime value meanwhile: compare it with the bills, by hand.",
		"pnow-inbox@ trace ^"},
	{"other_person", "The EMR answered with another patient, and seems to mix up people: look into it there.",
		"man crm-push"},
	{"bad_money", "The bill's total is no amount: mend it in PatientNow, which sends it again.",
		"pnow-inbox@ trace ^"},
	{"incomplete", "A fact is missing that the workflow needs: add it in PatientNow, then try again.", RETRY},
	{"state", "The state could not be written: is the disk full, or the database away?", RETRY},
	{"no_result", "The pipeline gave no result. Its standard error says why.", RETRY},
	{"crashed", "The pipeline dies of this event: report it with what trace shows.", "pnow-inbox@ trace ^"},
	{"wrong_location", "The contact's sub-account is not in the configuration: add it, then try again.",
		RETRY},
	{"no_create", "The profile does not say how patients are made: add that, then try again.", RETRY},
	{"too_long", "The event is over 1 MiB: its sender has to send less.", "pnow-inbox@ trace ^"},
	{"wrong_practice", "The event is another practice's: its webhook goes to the wrong address.",
		"pnow-inbox@ trace ^"},
	{"paced", "PatientNow's calls are so few that they are spread over the day. It is tried again by itself.",
		"pnow-inbox@ stat"},
	{"locks", "The database was away for a moment. It is tried again by itself.", "pnow-inbox@ stat"},
	{"begun", "Another host may have begun it. It is tried again by itself.", "pnow-inbox@ stat"},
	{"bad_status", "The pipeline's result is not what pnow-event(5) says: mend the pipeline.", RETRY},
	{"malformed", "The event is not what pnow-event(5) says: see what its sender has sent.",
		"pnow-inbox@ show ^"},
	{"bad_type", "The profile does not know this kind of event: add its name, then try again.", RETRY},
};

static const struct remedy others[CAUSE_KINDS] = {
	[CAUSE_FAILED] = {"", "Look what happened, mend it, then try again.", "pnow-inbox@ trace ^\n" RETRY},
	[CAUSE_WAITING] = {"", "Nothing: it is tried again by itself.", "pnow-inbox@ list -s waiting"},
	[CAUSE_SKIPPED] = {"", "Add what is missing in PatientNow, then try again.", RETRY},
	[CAUSE_DROPPED] = {"", "Nothing, unless that was a mistake.", RETRY},
	[CAUSE_WARNED] = {"", "All else was done. What is to be looked at, and in which contact, trace tells.",
		"pnow-inbox@ trace ^"},
	[CAUSE_IGNORED] = {"", "Nothing: there was nothing to do.", ""},
};

/* Of a part that was left out because of the CRM's set-up, as crm-push words it. */
static const struct remedy lacking = {
	"", "All else was done. What the CRM lacks is shown by crm-setup; then try again.", SETUP "\n" RETRY};

static const struct remedy *remedy_of(const struct cause *c)
{
	if (c->kind == CAUSE_WARNED && strstr(c->text, "left out"))
		return &lacking;
	if (c->kind == CAUSE_FAILED || c->kind == CAUSE_WAITING)
		for (size_t i = 0; i < COUNT(remedies); i++)
			if (strcmp(remedies[i].code, c->code) == 0)
				return &remedies[i];
	return &others[c->kind];
}

const char *cause_advice(const struct cause *c)
{
	return remedy_of(c)->advice;
}

const char *practice_option(struct arena *a, const struct practice *p)
{
	struct buf option = {0};
	if (!p->configuration)
		return "";
	buf_puts(&option, " -c ");
	buf_shell(&option, p->configuration);
	return buf_take(&option, a).p;
}

/* An id is the EMR's: nothing in it is to mean something to a shell. */
static void add_ids(struct buf *b, const struct cause *c)
{
	for (size_t i = 0; i < CAUSE_IDS && c->ids[i]; i++) {
		buf_puts(b, i ? " " : "");
		buf_shell(b, c->ids[i]);
	}
}

const char *cause_command(struct arena *a, const struct cause *c)
{
	struct buf b = {0};
	for (const char *p = remedy_of(c)->command; *p; p++) {
		if (*p == '@')
			buf_puts(&b, practice_option(a, c->practice));
		else if (*p == '^')
			buf_shell(&b, c->ids[0] ? c->ids[0] : "ID");
		else if (*p == '#')
			add_ids(&b, c);
		else
			buf_putc(&b, *p);
	}
	return buf_take(&b, a).p;
}

/* --- Counting --- */

/* Whether a word is an id, rather than one of a sentence: it has a digit, and is no status of HTTP. */
static bool is_id(const char *word, size_t n)
{
	if (n == 3 && strchr("45", word[0]) && isdigit((unsigned char)word[1]) && isdigit((unsigned char)word[2]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (isdigit((unsigned char)word[i]))
			return true;
	return false;
}

/* The text with an ellipsis for each id. */
static void without_ids(const char *text, char *to, size_t room)
{
	static const char ends[] = " \"'(),;:";
	size_t n = 0;
	while (*text && n + 4 < room) {
		size_t word = strcspn(text, ends);
		bool id = is_id(text, word);
		if (id) {
			memcpy(to + n, "…", 3);
			n += 3;
		} else {
			size_t copied = word < room - n - 1 ? word : room - n - 1;
			memcpy(to + n, text, copied);
			n += copied;
		}
		text += word;
		if (*text && n + 1 < room)
			to[n++] = *text++;
	}
	to[n] = '\0';
}

/* The newest id first. */
static void keep_id(struct cause *c, const char *id)
{
	if (!id || (c->ids[0] && strcmp(c->ids[0], id) == 0))
		return;
	free(c->ids[CAUSE_IDS - 1]);
	memmove(c->ids + 1, c->ids, (CAUSE_IDS - 1) * sizeof *c->ids);
	c->ids[0] = allocated(strdup(id));
}

void causes_add(struct causes *c, enum cause_kind kind, const struct practice *p, const char *code,
	const char *text, const char *id)
{
	char shown[240];
	without_ids(text, shown, sizeof shown);
	uint64_t hash = str_hash(shown) ^ str_hash(code) * 31 ^ (uint64_t)kind;
	if (!c->at)
		c->at = allocated(calloc(CAUSES_MAX, sizeof *c->at));
	struct cause *at = c->at;
	while (at < c->at + c->n &&
		   (at->hash != hash || at->kind != kind || at->practice != p || strcmp(at->text, shown) != 0))
		at++;
	if (at == c->at + c->n && c->n == CAUSES_MAX) {
		c->others++;
		return;
	}
	if (at == c->at + c->n) {
		*at = (struct cause){.kind = kind,
			.practice = p,
			.code = allocated(strdup(code)),
			.text = allocated(strdup(shown)),
			.hash = hash};
		c->n++;
	}
	at->n++;
	keep_id(at, id);
}

static int compare(const void *left, const void *right)
{
	const struct cause *a = left, *b = right;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->n != b->n)
		return a->n < b->n ? 1 : -1;
	return strcmp(a->text, b->text);
}

void causes_sort(struct causes *c)
{
	if (c->n)
		qsort(c->at, c->n, sizeof *c->at, compare);
}

void causes_free(struct causes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->at[i].code);
		free(c->at[i].text);
		for (size_t id = 0; id < CAUSE_IDS; id++)
			free(c->at[i].ids[id]);
	}
	free(c->at);
}
