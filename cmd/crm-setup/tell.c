/*
 * How a finding becomes a row, and how a part of another command is asked what it finds: it ends the process
 * where something is wrong, so it runs in a child, and what it says there is the finding.
 */
#include "setup.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

void tell(struct setup *s, enum verdict verdict, const char *check, const char *name, const char *found,
	const char *mend)
{
	static const char *const words[] = {"ok", "missing", "wrong", "warning", "skipped", "unknown"};
	s->bad += verdict == MISSING || verdict == WRONG || verdict == UNKNOWN;
	table_row(&s->table, (struct cell[]){{.text = words[verdict]}, {.text = check}, {.text = name},
							 {.text = s->location}, {.text = found}, {.text = mend}});
	if (mend && s->table.people)
		printf("        -> %s\n", mend);
}

bool is_refused(const struct crm_answer *answer)
{
	return answer->status == 401 || answer->status == 403;
}

void tell_refused(struct setup *s, const char *check, const char *scope, const struct crm_answer *answer)
{
	tell(s, answer->status ? WRONG : UNKNOWN, check, NULL, answer->error,
		is_refused(answer)
			? arena_printf(&s->arena,
				  "Give the private integration the scope %s (Settings > Private Integrations in this "
				  "sub-account).",
				  scope)
			: "Try again later; if it stays, look at crm.base_url and the location's id.");
}

const char *trial(struct setup *s, void (*part)(struct setup *s, const void *about), const void *about)
{
	char said[4096];
	size_t n = 0;
	ssize_t more;
	int ends[2], status = 0;
	fflush(stdout);
	if (pipe(ends) < 0)
		err(EX_OSERR, "pipe");
	pid_t child = fork();
	if (child < 0)
		err(EX_OSERR, "fork");
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		part(s, about);
		_exit(EX_OK);
	}
	close(ends[1]);
	while (n < sizeof said && (more = read(ends[0], said + n, sizeof said - n)) > 0)
		n += (size_t)more;
	close(ends[0]);
	if (waitpid(child, &status, 0) < 0)
		err(EX_OSERR, "waitpid");
	if (status == 0)
		return NULL;
	struct str line = {said, 0};
	while (line.n < n && said[line.n] != '\n')
		line.n++;
	const char *text = arena_copy(&s->arena, line), *name = getprogname();
	bool ours = strncmp(text, name, strlen(name)) == 0 && strncmp(text + strlen(name), ": ", 2) == 0;
	return ours ? text + strlen(name) + 2 : text;
}
