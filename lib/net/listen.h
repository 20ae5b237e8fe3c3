/* Listening at an address, for the servers: -l ADDRESS:PORT and -p FILE. */
#ifndef LISTEN_H
#define LISTEN_H

/* A non-blocking socket that listens at "127.0.0.1:8080" or "[::1]:0" (port 0: any). Ends the process where
   that is no address (64) or is not to be had (69). */
int listen_at(const char *address);

/* Says where a socket listens: http://ADDRESS:PORT on standard output, and the port in port_file, which
   appears whole (NULL: none). Ends the process where that cannot be written (73). */
void listen_announce(int socket, const char *port_file);

#endif
