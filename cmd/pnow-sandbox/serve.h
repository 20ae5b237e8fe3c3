/* HTTP. */
#ifndef SANDBOX_SERVE_H
#define SANDBOX_SERVE_H

struct MHD_Daemon;
struct sandbox;

/* Starts serving on a socket that listens; NULL where it cannot. */
struct MHD_Daemon *serve_start(struct sandbox *s, int listening);

#endif
