/* TLS between a flight's connection and libcurl, which speaks plain HTTP into a local socket. So https has
 * the contexts, rules and words of type tls; libcurl's own TLS makes a context of its own for every
 * connection. Costs two descriptors and two copies a probe.
 *
 * libcurl (before 8) connects whatever it is given, so a pair of sockets will not do: it gets one that
 * connects to a name that the kernel chose and that is gone when it has. Nobody else is let in. */
#ifndef LBHA_CHECK_HTTP_TUNNEL_IO_H
#define LBHA_CHECK_HTTP_TUNNEL_IO_H

#include <stdbool.h>
#include <stdint.h>

struct flight;
struct sockaddr;
struct http_tunnel;
struct outcome;

/* Begins the handshake. `ready` is called once, from the loop: with NULL when it is done, else with how the
 * probe has ended. NULL when out of memory, and nothing is called. */
struct http_tunnel *http_tunnel_open(struct flight *flight,
				     void (*ready)(struct flight *flight,
						   const struct outcome *failure));
/* Lets go of all but the flight's connection. NULL is fine. */
void http_tunnel_close(struct http_tunnel *tunnel);

/* libcurl's end, given once and the caller's to close, and where it is to connect to. */
int http_tunnel_end(struct http_tunnel *tunnel, struct sockaddr *name, unsigned *size);

/* What broke the connection since the handshake; NULL: nothing. */
const struct outcome *http_tunnel_failure(const struct http_tunnel *tunnel);
/* Bytes of the answer so far; whether the handshake is done. */
uint32_t http_tunnel_received(const struct http_tunnel *tunnel);
bool http_tunnel_stands(const struct http_tunnel *tunnel);

#endif
