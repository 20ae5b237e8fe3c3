/* What there is at the start. */
#ifndef SANDBOX_SEED_H
#define SANDBOX_SEED_H

struct sandbox;

/* Reads the seed file's text, and fills the state. Ends the program with status 65 (66: no such file) where
 * it is wrong. */
void seed_read(struct sandbox *s);
void seed_load(struct sandbox *s);

#endif
