/* Whatever the CRM answers where a token should come: there is a token, or an error in a word and for people,
   which repeats no secret. The first byte's bits choose whether the app is the agency's, and whether the
   first token is refused. */
#include "fuzz.h"
#include "net/oauth.h"
#include "state/state.h"

static struct conf *location, *agency;

static struct conf *practice(const char *name, const char *more)
{
	char text[1024];
	snprintf(text, sizeof text,
		"{\"practice\":\"glow\",\"timezone\":\"UTC\",\"pipelines\":\"non-surgical\",\"state\":\"state\","
		"\"crm\":{\"location_id\":\"loc\",\"oauth\":{\"client_id\":\"app\",\"client_secret_file\":\"secret\","
		"\"refresh_token_file\":\"refresh\"%s}}}",
		more);
	return conf_read(fuzz_write(name, text));
}

static void start(void)
{
	fuzz_write("secret", "6f1c2b9d8e7a4f50b3c1d2e4f5a69788\n");
	fuzz_write("refresh", "first-refresh-token-of-the-app\n");
	location = practice("location.json", "");
	agency = practice("agency.json", ",\"company_id\":\"co\"");
}

static void require_told(const struct oauth_token *token)
{
	if (token->access) {
		fuzz_require(*token->access, "a token is no empty text");
		return;
	}
	fuzz_require(token->error && token->code, "without a token there is an error");
	fuzz_require(!strstr(token->error, "6f1c2b9d8e7a4f50b3c1d2e4f5a69788"), "an error repeats no secret");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct http *http;
	struct arena a = {0};
	if (!location) {
		start();
		http = http_open(&(struct http_options){0});
	}
	if (!n)
		return 0;
	struct conf *conf = bytes[0] & 1 ? agency : location;
	fuzz_answers((struct str){(const char *)bytes + 1, n - 1});
	struct oauth *o = oauth_open(conf, http);
	struct oauth_owner owner = {"loc", conf == agency ? NULL : conf->crm.oauth.refresh_token_file};
	struct oauth_token first = oauth_token(o, &a, &owner, NULL);
	require_told(&first);
	struct oauth_token second = oauth_token(o, &a, &owner, bytes[0] & 2 ? first.access : NULL);
	require_told(&second);
	if (first.access && !(bytes[0] & 2))
		fuzz_require(second.access && !second.calls, "a token that is good is used again");
	oauth_close(o);
	arena_free(&a);
	return 0;
}
