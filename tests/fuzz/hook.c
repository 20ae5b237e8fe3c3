/* Whatever a sender writes to the hook's connection, as inetd hands it over: it is answered in HTTP, and an
   event is delivered as one whole JSON line. Each way to verify is a practice of its own, so that the path
   chooses; nobody without the secret gets past a signature. */
#include "fuzz.h"
#include "../../cmd/pnow-hook/hook.h"

#include <err.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

static struct hook hook;
static size_t delivered;

static enum delivery deliver(struct hook *h, struct request *r, struct str line)
{
	static struct jtext_members members;
	struct jtext_error error;
	(void)h;
	enum conf_verify verify = r->practice->conf->crm_hook.verify;
	fuzz_require(verify < VERIFY_HMAC_SHA256, "nobody signs without the secret");
	fuzz_require(line.n && line.p[line.n - 1] == '\n', "an event is a line");
	fuzz_require(!memchr(line.p, '\n', line.n - 1), "an event is one line");
	bool json = jtext_check_object(line, &members, &error);
	fuzz_require(json && line.n <= RECORD_MAX + 512, "an event is a JSON object");
	fuzz_require(r->event.id && *r->event.id, "an event has an id");
	delivered++;
	return line.n % 16 == 0 ? COME_AGAIN : DELIVERED;
}

/* A practice named after its way to verify. */
static const struct {
	const char *name;
	const char *hook;
} practices[] = {
	{"none", "\"verify\":\"none\""},
	{"token", "\"verify\":\"token\",\"header\":\"X-Token\",\"query\":\"key\",\"prefix\":\"p=\","
			  "\"secret_file\":\"secret\""},
	{"basic", "\"verify\":\"basic\",\"user\":\"u\",\"secret_file\":\"secret\""},
	{"hmac", "\"verify\":\"hmac-sha256\",\"header\":\"X-Signature\",\"prefix\":\"sha256=\","
			 "\"secret_file\":\"secret\""},
	{"standard", "\"verify\":\"standard-webhooks\",\"secret_file\":\"secret\""},
	{"ed25519", "\"verify\":\"ed25519\",\"key_file\":\"key\""},
};

enum { PRACTICES = COUNT(practices) };

static void open_practice(const char *name, const char *verify)
{
	char text[1024];
	snprintf(text, sizeof text,
		"{\"practice\":\"%s\",\"timezone\":\"America/Denver\",\"pipelines\":\"non-surgical\","
		"\"crm\":{\"location_id\":\"l\"},\"hooks\":{\"patientnow\":{%s},\"crm\":{%s}}}",
		name, verify, verify);
	practices_add(&hook.practices, fuzz_write("hook.json", text));
}

static void start(void)
{
	fuzz_write("secret", "6f1c2b9d8e7a4f50b3c1d2e4f5a69788\n");
	fuzz_write("key", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n");
	hook = (struct hook){.deliver = deliver};
	practices_open(&hook.practices);
	for (size_t i = 0; i < PRACTICES; i++)
		open_practice(practices[i].name, practices[i].hook);
	/* what any profile may say, of the one that they all have */
	static const char *challenge[] = {"/challenge"};
	struct profile *profile = hook.practices.at[0]->profile;
	profile->form = profile->probe = true;
	profile->compressed = "unpacked";
	profile->challenge = (struct profile_challenge){"challenge", {challenge, COUNT(challenge)}};
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char answer[8192];
	int ends[2];
	ssize_t answered;
	if (!hook.deliver)
		start();
	if (n > 16384)
		return 0; /* more than a socket takes before it is read */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 || write(ends[1], bytes, n) < 0 ||
		shutdown(ends[1], SHUT_WR) < 0)
		err(EX_OSERR, "cannot send a request");
	delivered = 0;
	httpd_inetd(&hook, ends[0]);
	answered = read(ends[1], answer, sizeof answer - 1);
	close(ends[1]);
	fuzz_require(delivered <= 1, "a connection brings one event at most");
	if (answered > 0) {
		answer[answered] = '\0';
		fuzz_require(strncmp(answer, "HTTP/1.", 7) == 0, "what is answered is HTTP");
	}
	fuzz_require(answered > 0 || !delivered, "who brought an event is answered");
	return 0;
}
