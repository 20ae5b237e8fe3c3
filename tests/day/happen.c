/*
 * happen BEGIN FILE – makes changes in the sandbox's PatientNow, when they are due: FILE has a line SECOND
 * METHOD URL BODY for each, in order, the seconds counted from BEGIN (a time since 1970).
 */
#include <curl/curl.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

static void wait_until(double when)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	double left = when - (double)now.tv_sec - (double)now.tv_nsec / 1e9;
	struct timespec rest = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
	if (left > 0)
		nanosleep(&rest, NULL);
}

static size_t forget(char *bytes, size_t one, size_t n, void *context)
{
	(void)bytes;
	(void)context;
	return one * n;
}

static void change(CURL *easy, const char *method, const char *url, const char *body)
{
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	CURLcode is = curl_easy_perform(easy);
	if (is != CURLE_OK)
		errx(EX_UNAVAILABLE, "%s %s: %s", method, url, curl_easy_strerror(is));
}

int main(int argc, char *argv[])
{
	char *line = NULL;
	size_t room = 0;
	if (argc != 3)
		errx(EX_USAGE, "usage: happen BEGIN FILE");
	FILE *file = fopen(argv[2], "r");
	if (!file)
		err(EX_NOINPUT, "%s", argv[2]);
	CURL *easy = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	headers = curl_slist_append(headers, "Authorization: Bearer sandbox-pnp-token");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, forget);
	curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
	while (getline(&line, &room, file) > 0) {
		char *rest = line, *second = strsep(&rest, " "), *method = strsep(&rest, " "),
			 *url = strsep(&rest, " ");
		if (!rest)
			errx(EX_DATAERR, "expected SECOND METHOD URL BODY: %s", line);
		wait_until(strtod(argv[1], NULL) + strtod(second, NULL));
		change(easy, method, url, strsep(&rest, "\n"));
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(easy);
	free(line);
	fclose(file);
	return EX_OK;
}
