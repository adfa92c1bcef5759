/* Raw sockets for ICMP echoes, one for each family, shared by all who probe: the source address and the
 * interface of an echo travel with it. The check worker may not open them; the supervisor does, and only
 * for a configuration that needs them. A filter in the kernel lets nothing up but replies to our id and
 * complaints about it. */
#ifndef LBHA_CHECK_ECHO_IO_H
#define LBHA_CHECK_ECHO_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "core/loop.h"

struct icmp_echo;
struct icmp_message;

/* A message about an echo of ours, as far as its id says so; `source`: who sent it. */
typedef void echo_heard(void *ctx, const struct addr *source, const struct icmp_message *message);

struct echo_socket {
	uint8_t family;
	int fd;    /* -1: none */
	int error; /* then: why the supervisor could not open it; 0: it has not tried */
	struct loop_io io;
	echo_heard *heard;
	void *ctx;
};

/* Takes `fd` over and listens for what concerns `id`. 0, or an errno; then nothing was taken. `heard` may
 * close the socket. */
int echo_socket_open(struct echo_socket *socket, struct loop *loop, uint8_t family, int fd, uint16_t id,
		     echo_heard *heard, void *ctx);
void echo_socket_close(struct echo_socket *socket);

/* Where an echo goes, and how: `source` of family 0 and interface 0 leave it to the routes. */
struct echo_way {
	struct addr target, source;
	unsigned interface;
};

/* 0, or an errno. */
int echo_send(const struct echo_socket *socket, const struct echo_way *way, const struct icmp_echo *echo);

/* Whether the way's source is an address of this machine; for one that is not the kernel says, depending
 * on its version, that the network is unreachable. */
bool echo_source_is_here(const struct echo_way *way);

#endif
