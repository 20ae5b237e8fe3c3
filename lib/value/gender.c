/*
 * The words that EMRs have for gender, and the three that the CRM has. Only a word of this table counts: of
 * one that is not in it, as of "unknown" and "declined", nothing is claimed, and the CRM keeps what it has.
 */
#include "value/gender.h"
#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { WORD_MAX = 24 }; /* longer than any word of the table */

/* In lower case, letters only: "Non-Binary", "non binary" and "NonBinary" are one word. */
static const struct {
	const char *word;
	const char *crm;
} words[] = {
	{"m", "male"},
	{"male", "male"},
	{"man", "male"},
	{"boy", "male"},
	{"cismale", "male"},
	{"cisgendermale", "male"},
	{"cisman", "male"},
	{"masculino", "male"},
	{"hombre", "male"},
	{"f", "female"},
	{"female", "female"},
	{"woman", "female"},
	{"girl", "female"},
	{"cisfemale", "female"},
	{"cisgenderfemale", "female"},
	{"ciswoman", "female"},
	{"femenino", "female"},
	{"mujer", "female"},
	{"o", "other"},
	{"oth", "other"},
	{"other", "other"},
	{"otro", "other"},
	{"x", "other"},
	{"nb", "other"},
	{"enby", "other"},
	{"nonbinary", "other"},
	{"diverse", "other"},
	{"intersex", "other"},
	{"agender", "other"},
	{"bigender", "other"},
	{"genderqueer", "other"},
	{"genderfluid", "other"},
	{"gendernonconforming", "other"},
	{"twospirit", "other"},
	{"trans", "other"},
	{"transgender", "other"},
	{"transgendermale", "other"},
	{"transgenderfemale", "other"},
	{"transgenderman", "other"},
	{"transgenderwoman", "other"},
	{"transmale", "other"},
	{"transfemale", "other"},
	{"transman", "other"},
	{"transwoman", "other"},
	{"ftm", "other"},
	{"mtf", "other"},
	{"femaletomale", "other"},
	{"maletofemale", "other"},
};

/* Copies the letters of text in lower case. False where there is anything beside letters and what may stand
   between words, or too much of it. */
static bool read_word(const char *text, char word[static WORD_MAX])
{
	size_t n = 0;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (isalpha(c) && c < 0x80 && n < WORD_MAX - 1)
			word[n++] = (char)tolower(c);
		else if (!strchr(" \t-_.", c))
			return false;
	}
	word[n] = '\0';
	return true;
}

const char *gender_crm(const char *text)
{
	char word[WORD_MAX];

	if (!text || !read_word(text, word))
		return NULL;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i].word) == 0)
			return words[i].crm;
	return NULL;
}
