/* A server's own door: where -l and -p lead. */
#include "net/listen.h"
#include "text/str.h"

#include <err.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>

/* Takes "host:port" and "[::1]:port" apart; ends the process with status 64 where it is neither. */
static void split_address(const char *address, char host[static NI_MAXHOST], const char **port)
{
	const char *colon = strrchr(address, ':');
	const char *problem = NULL;
	struct str name = {address, colon ? (size_t)(colon - address) : 0};

	if (name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
		name = (struct str){name.p + 1, name.n - 2};
	else if (memchr(name.p, ':', name.n))
		name.n = 0; /* an IPv6 address wants brackets */
	if (colon)
		strtonum(colon + 1, 0, 65535, &problem);
	if (name.n == 0 || name.n >= NI_MAXHOST || problem)
		errx(EX_USAGE, "-l %s: expected ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080", address);
	memcpy(host, name.p, name.n);
	host[name.n] = '\0';
	*port = colon + 1;
}

int listen_at(const char *address)
{
	char host[NI_MAXHOST];
	const char *port;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found;

	split_address(address, host, &port);
	int problem = getaddrinfo(host, port, &hints, &found);
	if (problem)
		errx(EX_USAGE, "-l %s: %s", address, gai_strerror(problem));
	int s = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, found->ai_protocol);
	if (s < 0)
		err(EX_UNAVAILABLE, "cannot listen on %s", address);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(s, found->ai_addr, found->ai_addrlen) < 0 || listen(s, SOMAXCONN) < 0)
		err(EX_UNAVAILABLE, "cannot listen on %s", address);
	freeaddrinfo(found);
	return s;
}

/* Writes the port into a file that is there whole or not at all. */
static void write_port(const char *file, const char *port)
{
	char new[PATH_MAX];

	if (snprintf(new, sizeof new, "%s.new", file) >= (int)sizeof new)
		errx(EX_CANTCREAT, "-p %s: too long a name", file);
	FILE *f = fopen(new, "we");
	if (!f || fprintf(f, "%s\n", port) < 0 || fclose(f) != 0 || rename(new, file) < 0)
		err(EX_CANTCREAT, "-p %s", file);
}

void listen_announce(int socket, const char *port_file)
{
	struct sockaddr_storage at;
	socklen_t n = sizeof at;
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getsockname(socket, (struct sockaddr *)&at, &n) < 0 ||
		getnameinfo(
			(struct sockaddr *)&at, n, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV))
		errx(EX_UNAVAILABLE, "cannot tell the address we listen at");
	if (port_file)
		write_port(port_file, port);
	printf(at.ss_family == AF_INET6 ? "http://[%s]:%s\n" : "http://%s:%s\n", host, port);
	if (fflush(stdout) != 0)
		err(EX_CANTCREAT, "standard output");
}
