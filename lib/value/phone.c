/*
 * Phone numbers, as people type them into an EMR, to E.164. Whether somebody answers at a number only a call
 * can tell; here it is enough that the number has a calling code that exists and a length that its country
 * knows. North American numbers and Mexican ones, which nearly all are, are looked at more closely. What
 * could be two numbers is refused: a message to a stranger is worse than none.
 */
#include "value/phone.h"
#include <ctype.h>
#include <stdint.h>

enum {
	DIGITS_MAX = 24, /* in a number as it is written, with prefixes */
	E164_MAX = 15,   /* in a number as it goes out */
	EXTENSION_MAX = 9,
};

/* How the numbers of a country, or of several that share a calling code, are made. */
struct plan {
	const char *code;      /* the calling code */
	uint8_t min, max;      /* digits of a national number, without trunk prefix */
	const char *trunks;    /* prefixes of a call within the country; NULL: none */
	const char *countries; /* that have it, where a number can be read without it; else NULL */
};

/* What more there is to know of a few. */
struct custom {
	const char *code;
	const char *abroad;  /* prefix of a call abroad, beside 00 */
	const char *dropped; /* what people still write between the calling code and the number */
	bool bare;           /* the trunk prefix is often left out */
	bool (*fits)(const char *national, size_t n);
};

/* A number taken out of text. */
struct digits {
	char at[DIGITS_MAX];
	size_t n;
	bool plus;
};

/* Area code and exchange begin with 2 to 9; N11 is a service, N9X kept for longer numbers. */
static bool fits_nanp(const char *national, size_t n)
{
	bool service = national[1] == '1' && national[2] == '1';

	return n == 10 && national[0] >= '2' && national[3] >= '2' && !service && national[1] != '9';
}

static bool fits_mexico(const char *national, size_t n)
{
	return n == 10 && national[0] >= '2';
}

/* Numbers of places keep their 0; mobile ones begin with 3. */
static bool fits_italy(const char *national, size_t n)
{
	if (national[0] == '3')
		return n == 9 || n == 10;
	return national[0] == '0' || n <= 10;
}

static const struct plan plans[] = {
	/* read without their calling code, too */
	{"1", 10, 10, "1", "US AG AI AS BB BM BS CA DM DO GD GU JM KN KY LC MP MS PR SX TC TT VC VG VI"},
	{"52", 10, 10, "01 044 045", "MX"},
	{"20", 8, 10, "0", "EG"},
	{"212", 9, 9, "0", "MA EH"},
	{"234", 7, 10, "0", "NG"},
	{"254", 7, 9, "0", "KE"},
	{"27", 9, 9, "0", "ZA"},
	{"30", 10, 10, NULL, "GR"},
	{"31", 9, 9, "0", "NL"},
	{"32", 8, 9, "0", "BE"},
	{"33", 9, 9, "0", "FR"},
	{"34", 9, 9, NULL, "ES"},
	{"351", 9, 9, NULL, "PT"},
	{"353", 7, 9, "0", "IE"},
	{"354", 7, 9, NULL, "IS"},
	{"356", 8, 8, NULL, "MT"},
	{"357", 8, 8, NULL, "CY"},
	{"358", 6, 10, "0", "FI AX"},
	{"359", 6, 9, "0", "BG"},
	{"36", 8, 9, "06", "HU"},
	{"370", 8, 8, "8 0", "LT"},
	{"371", 8, 8, NULL, "LV"},
	{"372", 7, 8, NULL, "EE"},
	{"380", 9, 9, "0", "UA"},
	{"385", 8, 9, "0", "HR"},
	{"386", 8, 8, "0", "SI"},
	{"39", 6, 11, NULL, "IT VA"},
	{"40", 9, 9, "0", "RO"},
	{"41", 9, 9, "0", "CH"},
	{"420", 9, 9, NULL, "CZ"},
	{"421", 9, 9, "0", "SK"},
	{"43", 7, 13, "0", "AT"},
	{"44", 9, 10, "0", "GB GG IM JE"},
	{"45", 8, 8, NULL, "DK"},
	{"46", 7, 9, "0", "SE"},
	{"47", 8, 8, NULL, "NO SJ"},
	{"48", 9, 9, NULL, "PL"},
	{"49", 7, 13, "0", "DE"},
	{"502", 8, 8, NULL, "GT"},
	{"503", 8, 8, NULL, "SV"},
	{"504", 8, 8, NULL, "HN"},
	{"505", 8, 8, NULL, "NI"},
	{"506", 8, 8, NULL, "CR"},
	{"507", 7, 8, NULL, "PA"},
	{"51", 8, 9, "0", "PE"},
	{"55", 10, 11, "0", "BR"},
	{"56", 9, 9, NULL, "CL"},
	{"57", 10, 10, "0", "CO"},
	{"58", 10, 10, "0", "VE"},
	{"591", 8, 8, NULL, "BO"},
	{"593", 8, 9, "0", "EC"},
	{"595", 7, 9, "0", "PY"},
	{"598", 8, 8, "0", "UY"},
	{"60", 8, 10, "0", "MY"},
	{"61", 9, 9, "0", "AU CC CX"},
	{"62", 8, 12, "0", "ID"},
	{"63", 8, 10, "0", "PH"},
	{"64", 8, 10, "0", "NZ"},
	{"65", 8, 8, NULL, "SG"},
	{"66", 8, 9, "0", "TH"},
	{"7", 10, 10, "8", "RU KZ"},
	{"81", 9, 10, "0", "JP"},
	{"82", 8, 10, "0", "KR"},
	{"84", 9, 10, "0", "VN"},
	{"852", 8, 8, NULL, "HK"},
	{"86", 10, 11, "0", "CN"},
	{"886", 8, 9, "0", "TW"},
	{"90", 10, 10, "0", "TR"},
	{"91", 10, 10, "0", "IN"},
	{"92", 9, 10, "0", "PK"},
	{"94", 9, 9, "0", "LK"},
	{"961", 7, 8, "0", "LB"},
	{"962", 8, 9, "0", "JO"},
	{"965", 8, 8, NULL, "KW"},
	{"966", 9, 9, "0", "SA"},
	{"968", 8, 8, NULL, "OM"},
	{"971", 8, 9, "0", "AE"},
	{"972", 8, 9, "0", "IL"},
	{"973", 8, 8, NULL, "BH"},
	{"974", 8, 8, NULL, "QA"},
	/* read with it only */
	{"211", 9, 9, "0", NULL},
	{"213", 8, 9, "0", NULL},
	{"216", 8, 8, NULL, NULL},
	{"218", 9, 9, "0", NULL},
	{"220", 7, 7, NULL, NULL},
	{"221", 9, 9, NULL, NULL},
	{"222", 8, 8, NULL, NULL},
	{"223", 8, 8, NULL, NULL},
	{"224", 8, 9, NULL, NULL},
	{"225", 10, 10, NULL, NULL},
	{"226", 8, 8, NULL, NULL},
	{"227", 8, 8, NULL, NULL},
	{"228", 8, 8, NULL, NULL},
	{"229", 8, 10, NULL, NULL},
	{"230", 7, 8, NULL, NULL},
	{"231", 7, 9, "0", NULL},
	{"232", 8, 8, "0", NULL},
	{"233", 9, 9, "0", NULL},
	{"235", 8, 8, NULL, NULL},
	{"236", 8, 8, NULL, NULL},
	{"237", 9, 9, NULL, NULL},
	{"238", 7, 7, NULL, NULL},
	{"239", 7, 7, NULL, NULL},
	{"240", 9, 9, NULL, NULL},
	{"241", 7, 8, NULL, NULL},
	{"242", 9, 9, NULL, NULL},
	{"243", 7, 9, "0", NULL},
	{"244", 9, 9, NULL, NULL},
	{"245", 7, 9, NULL, NULL},
	{"246", 7, 7, NULL, NULL},
	{"247", 5, 5, NULL, NULL},
	{"248", 7, 7, NULL, NULL},
	{"249", 9, 9, "0", NULL},
	{"250", 8, 9, "0", NULL},
	{"251", 9, 9, "0", NULL},
	{"252", 6, 9, "0", NULL},
	{"253", 8, 8, NULL, NULL},
	{"255", 9, 9, "0", NULL},
	{"256", 9, 9, "0", NULL},
	{"257", 8, 8, NULL, NULL},
	{"258", 8, 9, NULL, NULL},
	{"260", 9, 9, "0", NULL},
	{"261", 9, 9, "0", NULL},
	{"262", 9, 9, "0", NULL},
	{"263", 7, 10, "0", NULL},
	{"264", 8, 9, "0", NULL},
	{"265", 7, 9, "0", NULL},
	{"266", 8, 8, NULL, NULL},
	{"267", 7, 8, NULL, NULL},
	{"268", 8, 8, NULL, NULL},
	{"269", 7, 7, NULL, NULL},
	{"290", 4, 5, NULL, NULL},
	{"291", 7, 7, "0", NULL},
	{"297", 7, 7, NULL, NULL},
	{"298", 6, 6, NULL, NULL},
	{"299", 6, 6, NULL, NULL},
	{"350", 8, 8, NULL, NULL},
	{"352", 5, 9, NULL, NULL},
	{"355", 8, 9, "0", NULL},
	{"373", 8, 8, "0", NULL},
	{"374", 8, 8, "0", NULL},
	{"375", 9, 9, "80 8", NULL},
	{"376", 6, 9, NULL, NULL},
	{"377", 8, 9, "0", NULL},
	{"378", 8, 10, NULL, NULL},
	{"381", 7, 10, "0", NULL},
	{"382", 8, 8, "0", NULL},
	{"383", 8, 9, "0", NULL},
	{"387", 8, 9, "0", NULL},
	{"389", 8, 8, "0", NULL},
	{"423", 7, 9, "0", NULL},
	{"500", 5, 5, NULL, NULL},
	{"501", 7, 7, NULL, NULL},
	{"508", 6, 6, "0", NULL},
	{"509", 8, 8, NULL, NULL},
	{"53", 6, 10, "0", NULL},
	{"54", 10, 11, "0", NULL},
	{"590", 9, 9, "0", NULL},
	{"592", 7, 7, NULL, NULL},
	{"594", 9, 9, "0", NULL},
	{"596", 9, 9, "0", NULL},
	{"597", 6, 7, NULL, NULL},
	{"599", 7, 8, NULL, NULL},
	{"670", 7, 8, NULL, NULL},
	{"672", 6, 6, NULL, NULL},
	{"673", 7, 7, NULL, NULL},
	{"674", 7, 7, NULL, NULL},
	{"675", 7, 8, NULL, NULL},
	{"676", 5, 7, NULL, NULL},
	{"677", 5, 7, NULL, NULL},
	{"678", 5, 7, NULL, NULL},
	{"679", 7, 7, NULL, NULL},
	{"680", 7, 7, NULL, NULL},
	{"681", 6, 6, NULL, NULL},
	{"682", 5, 5, NULL, NULL},
	{"683", 4, 7, NULL, NULL},
	{"685", 5, 10, NULL, NULL},
	{"686", 5, 8, "0", NULL},
	{"687", 6, 6, NULL, NULL},
	{"688", 5, 7, NULL, NULL},
	{"689", 8, 8, NULL, NULL},
	{"690", 4, 7, NULL, NULL},
	{"691", 7, 7, NULL, NULL},
	{"692", 7, 7, "1", NULL},
	{"850", 8, 10, "0", NULL},
	{"853", 8, 8, NULL, NULL},
	{"855", 8, 9, "0", NULL},
	{"856", 8, 10, "0", NULL},
	{"880", 8, 10, "0", NULL},
	{"93", 9, 9, "0", NULL},
	{"95", 6, 10, "0", NULL},
	{"960", 7, 7, NULL, NULL},
	{"963", 8, 9, "0", NULL},
	{"964", 8, 10, "0", NULL},
	{"967", 7, 9, "0", NULL},
	{"970", 8, 9, "0", NULL},
	{"975", 7, 8, NULL, NULL},
	{"976", 8, 10, "0", NULL},
	{"977", 8, 10, "0", NULL},
	{"98", 6, 10, "0", NULL},
	{"992", 9, 9, NULL, NULL},
	{"993", 8, 8, "8", NULL},
	{"994", 9, 9, "0", NULL},
	{"995", 9, 9, "0", NULL},
	{"996", 9, 9, "0", NULL},
	{"998", 9, 9, NULL, NULL},
	/* networks of no country */
	{"800", 8, 8, NULL, NULL},
	{"808", 8, 8, NULL, NULL},
	{"870", 9, 12, NULL, NULL},
	{"878", 12, 12, NULL, NULL},
	{"881", 9, 9, NULL, NULL},
	{"882", 7, 12, NULL, NULL},
	{"883", 9, 12, NULL, NULL},
	{"888", 11, 11, NULL, NULL},
	{"979", 9, 9, NULL, NULL},
};

enum { PLANS = sizeof(plans) / sizeof(plans[0]) };

static const struct custom customs[] = {
	{"1", "011", NULL, true, fits_nanp},
	{"52", NULL, "1", true, fits_mexico},
	{"39", NULL, NULL, true, fits_italy},
	{"51", NULL, NULL, true, NULL},
	{"55", NULL, NULL, true, NULL},
	{"57", NULL, NULL, true, NULL},
	{"58", NULL, NULL, true, NULL},
	{"598", NULL, NULL, true, NULL},
	{"61", "0011", NULL, false, NULL},
	{"7", "810", NULL, true, NULL},
	{"81", "010", NULL, false, NULL},
	{"86", NULL, NULL, true, NULL},
	{"90", NULL, NULL, true, NULL},
	{"91", NULL, NULL, true, NULL},
	{"961", NULL, NULL, true, NULL},
};

/* What may stand between digits: blanks, dashes, and the invisible marks that copying brings along. */
static const struct {
	uint32_t first, last;
} separators[] = {
	{'\t', '\t'}, {' ', ' '}, {'(', ')'}, {'-', '/'}, {0xa0, 0xa0}, /* no-break space */
	{0xad, 0xad},                                                   /* soft hyphen */
	{0x2000, 0x2015},                                               /* blanks, dashes, direction marks */
	{0x202a, 0x202f}, /* direction marks, narrow no-break space */
	{0x205f, 0x2069}, /* blanks, joiners, direction marks */
	{0x2212, 0x2212}, /* minus */
	{0x3000, 0x3000}, /* ideographic space */
	{0xfeff, 0xfeff}, /* byte order mark */
	{0xff0d, 0xff0d}, /* fullwidth hyphen */
};

/* What an extension begins with; longer ones first. */
static const char *const extensions[] = {";ext=", "extension", "extn", "ext", "x", "#"};

/* The character at the front of text and its length, where it has one to three bytes; else 0. */
static uint32_t character(struct str text, size_t *n)
{
	const unsigned char *u = (const unsigned char *)text.p;
	uint32_t c = 0;

	*n = 1;
	if (u[0] < 0x80)
		return u[0];
	*n = u[0] >= 0xe0 ? 3 : 2;
	if (u[0] < 0xc2 || u[0] >= 0xf0 || text.n < *n)
		return 0;
	for (size_t i = 1; i < *n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	return *n == 2 ? (u[0] & 0x1fu) << 6 | c : (u[0] & 0x0fu) << 12 | c;
}

static bool is_separator(uint32_t c)
{
	for (size_t i = 0; i < sizeof(separators) / sizeof(separators[0]); i++)
		if (c >= separators[i].first && c <= separators[i].last)
			return true;
	return false;
}

/* The length of word where text begins with it in any case, else 0. */
static size_t begins(struct str text, const char *word)
{
	size_t n = 0;

	for (; word[n]; n++)
		if (n == text.n || tolower((unsigned char)text.p[n]) != word[n])
			return 0;
	return n;
}

/* Whether text is an extension and nothing else; its digits may be missing, as in "303-555-0142 x". */
static bool is_extension(struct str text)
{
	size_t n = 0, digits = 0;

	for (size_t i = 0; n == 0 && i < sizeof(extensions) / sizeof(extensions[0]); i++)
		n = begins(text, extensions[i]);
	if (n == 0)
		return false;
	for (; n < text.n; n++) {
		if (isdigit((unsigned char)text.p[n]))
			digits++;
		else if (!strchr(" .:#", text.p[n]) || text.p[n] == '\0')
			return false;
	}
	return digits <= EXTENSION_MAX;
}

/* Takes the digits out of text. False where anything stands there that does not belong to a number. */
static bool read_digits(struct str text, struct digits *number)
{
	size_t n;

	*number = (struct digits){0};
	for (size_t i = begins(text, "tel:"); i < text.n; i += n) {
		struct str rest = {text.p + i, text.n - i};
		uint32_t c = character(rest, &n);
		if (n == 1 && isdigit((int)c)) {
			if (number->n == DIGITS_MAX)
				return false;
			number->at[number->n++] = (char)c;
		} else if (c == '+' && !number->plus && number->n == 0) {
			number->plus = true;
		} else if (!is_separator(c)) {
			return number->n > 0 && is_extension(rest);
		}
	}
	return number->n > 0;
}

/* Whether the digits begin with a prefix; NULL is none. */
static bool prefixed(struct str digits, const char *prefix)
{
	return prefix && digits.n >= strlen(prefix) && memcmp(digits.p, prefix, strlen(prefix)) == 0;
}

static struct str without(struct str digits, size_t n)
{
	return (struct str){digits.p + n, digits.n - n};
}

/* Ten equal digits and more are what people type who have no number. */
static bool is_filler(struct str national)
{
	for (size_t i = 1; i < national.n; i++)
		if (national.p[i] != national.p[0])
			return false;
	return national.n >= 10;
}

/* What more there is to know of a plan; nothing for most. */
static const struct custom *custom_of(const struct plan *plan)
{
	static const struct custom none;

	for (size_t i = 0; i < sizeof(customs) / sizeof(customs[0]); i++)
		if (strcmp(plan->code, customs[i].code) == 0)
			return &customs[i];
	return &none;
}

/* Whether these digits can be a national number of the plan. */
static bool fits(const struct plan *plan, struct str national)
{
	if (national.n < plan->min || national.n > plan->max || strlen(plan->code) + national.n > E164_MAX)
		return false;
	/* where 0 is the trunk prefix, no number begins with it */
	if (plan->trunks && plan->trunks[0] == '0' && national.p[0] == '0')
		return false;
	const struct custom *custom = custom_of(plan);
	return !is_filler(national) && (!custom->fits || custom->fits(national.p, national.n));
}

/* Takes one of the prefixes, a list with blanks between, off the digits where the rest fits the plan. */
static bool drop(const struct plan *plan, const char *prefixes, struct str *digits)
{
	while (prefixes && *prefixes) {
		size_t n = strcspn(prefixes, " ");
		if (digits->n > n && memcmp(digits->p, prefixes, n) == 0 && fits(plan, without(*digits, n))) {
			*digits = without(*digits, n);
			return true;
		}
		prefixes += n + strspn(prefixes + n, " ");
	}
	return false;
}

static bool write_e164(const struct plan *plan, struct str national, char e164[static PHONE_TEXT])
{
	size_t n = strlen(plan->code);

	e164[0] = '+';
	memcpy(e164 + 1, plan->code, n);
	memcpy(e164 + 1 + n, national.p, national.n);
	e164[1 + n + national.n] = '\0';
	return true;
}

/* A number whose calling code was read. */
static bool behind_code(const struct plan *plan, struct str digits, char e164[static PHONE_TEXT])
{
	if (drop(plan, plan->trunks, &digits) || drop(plan, custom_of(plan)->dropped, &digits) ||
		fits(plan, digits))
		return write_e164(plan, digits, e164);
	return false;
}

/* A number that begins with its calling code. */
static bool international(struct str digits, char e164[static PHONE_TEXT])
{
	for (size_t i = 0; i < PLANS; i++)
		if (prefixed(digits, plans[i].code))
			return behind_code(&plans[i], without(digits, strlen(plans[i].code)), e164);
	return false;
}

/* A number as it is dialled within its country, or with the calling code but nothing that says so. */
static bool national(const struct plan *plan, struct str digits, char e164[static PHONE_TEXT])
{
	if (drop(plan, plan->trunks, &digits) || ((!plan->trunks || custom_of(plan)->bare) && fits(plan, digits)))
		return write_e164(plan, digits, e164);
	return prefixed(digits, plan->code) && behind_code(plan, without(digits, strlen(plan->code)), e164);
}

/* The plan of a country whose numbers can be read without calling code, or NULL. */
static const struct plan *plan_of(const char *country)
{
	if (!country || strlen(country) != 2)
		return NULL;
	for (size_t i = 0; i < PLANS; i++)
		for (const char *c = plans[i].countries; c && *c; c += strspn(c + 2, " ") + 2)
			if (c[0] == toupper((unsigned char)country[0]) && c[1] == toupper((unsigned char)country[1]))
				return &plans[i];
	return NULL;
}

bool phone_e164(struct str text, const char *country, char e164[static PHONE_TEXT])
{
	const struct plan *plan = plan_of(country);
	struct digits number;

	if (!read_digits(text, &number))
		return false;
	struct str digits = {number.at, number.n};
	if (number.plus)
		return international(digits, e164);
	const char *abroad = plan ? custom_of(plan)->abroad : NULL;
	if (prefixed(digits, abroad))
		return international(without(digits, strlen(abroad)), e164);
	if (prefixed(digits, "00"))
		return international(without(digits, 2), e164);
	return plan && national(plan, digits, e164);
}

bool phone_knows(const char *country)
{
	return plan_of(country) != NULL;
}
