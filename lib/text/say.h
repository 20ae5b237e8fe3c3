/* What a program tells on standard error while it works. */
#ifndef SAY_H
#define SAY_H

/* One line: the program's name, and the text. As warnx(3), but for one thing: it is written at once, so that
   what other threads, and the other programs of a pipeline, say in the same moment is not in the middle of
   it. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
