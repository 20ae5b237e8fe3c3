/* A folder of configurations: the practices that one service is for. */
#ifndef FOLDER_H
#define FOLDER_H

#include "conf/conf.h"

struct folder {
	struct folder_practice {
		const char *file;
		const char *name;  /* the practice's; of a file that tells none, the file's without .json */
		struct conf *conf; /* NULL: it cannot be read; who takes it sets this */
		const char *wrong; /* then: why, with the file's name */
		const char *state; /* of folder_need_states: file_real */
	} * at;
	size_t n;
	struct arena arena; /* owns the texts */
};

/* Reads every *.json of a folder but hidden ones, in the order of their names. A practice whose name another
   file has before is wrong. False: the folder cannot be read, and why. */
bool folder_read(struct folder *f, const char *path, char why[static MISTAKE_MAX]);
/* A practice without a state file is wrong, and one whose state file another one has before. */
void folder_need_states(struct folder *f);
/* SIGHUP asks for the folder to be read again: held, it waits until who serves lets it in. */
void folder_hold_reload(bool held);

/* What is said of a folder (%s) without practices. */
#define FOLDER_EMPTY "there is no practice: %s has no file *.json"

/* Gives back what nobody has taken. */
void folder_free(struct folder *f);

#endif
