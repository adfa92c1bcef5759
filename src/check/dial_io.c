/* Sockets are closed with SO_LINGER 0: the kernel sends a reset and forgets the connection. An
 * orderly close would leave each probe's port in TIME_WAIT for a minute (120 000 sockets at 2000
 * probes a second) and, at a server whose program hangs, a connection in CLOSE_WAIT per probe. A
 * server that has answered in full loses nothing by the reset.
 *
 * IP_BIND_ADDRESS_NO_PORT lets connect(2) choose the port when the target is known, so that a bound
 * source address has 28 000 ports per target and not in all. SO_BINDTODEVICE needs no capability on
 * a socket that is not bound yet (Linux 5.7, c427bfec18f2). */
#include "check/dial_io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check/flight_io.h"
#include "check/outcome.h"
#include "config/model.h"
#include "core/loop.h"

static socklen_t sockaddr_of(const struct addr *address, uint16_t port, const char *interface,
			     struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (address->family == AF_INET) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, address->bytes, sizeof(in->sin_addr));
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, address->bytes, sizeof(in6->sin6_addr));
	if (interface && addr_is_link_local(address))
		in6->sin6_scope_id = if_nametoindex(interface);
	return sizeof(*in6);
}

/* 0, or the errno with *step telling where. */
static int dial_socket(struct flight *flight, int type, enum outcome_step *step)
{
	const struct linger reset = {.l_onoff = 1};

	*step = STEP_SOCKET;
	flight->fd = socket(flight->target.address.family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (flight->fd < 0)
		return errno;
	if (type != SOCK_STREAM)
		return 0;
	return setsockopt(flight->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) ? errno : 0;
}

/* The address that this machine has towards another: that of a UDP socket, which sends nothing. */
static int own_address(const struct flight *flight, struct sockaddr_storage *out, socklen_t *size)
{
	struct sockaddr_storage server;
	socklen_t server_size = sockaddr_of(&flight->server, 9, NULL, &server);
	int fd = socket(flight->server.family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = fd < 0 || connect(fd, (struct sockaddr *)&server, server_size) ? errno : 0;

	*size = sizeof(*out);
	if (!error && getsockname(fd, (struct sockaddr *)out, size))
		error = errno;
	if (fd >= 0)
		close(fd);
	return error;
}

static bool is_at(const struct sockaddr_storage *socket, const struct addr *address)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)socket;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)socket;

	return address->family == AF_INET
		       ? !memcmp(&in->sin_addr, address->bytes, sizeof(in->sin_addr))
		       : !memcmp(&in6->sin6_addr, address->bytes, sizeof(in6->sin6_addr));
}

static int bind_to(const struct flight *flight, const struct sockaddr_storage *source, socklen_t size)
{
	const int on = 1;

	setsockopt(flight->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)); /* a hint */
	return bind(flight->fd, (const struct sockaddr *)source, size) ? errno : 0;
}

/* The kernel would give packets to a local address that address as their source, too: on a MASTER
 * the virtual one, to which no answer comes. So they get the one that faces the server. */
static int bind_facing(const struct flight *flight, enum outcome_step *step)
{
	const struct addr *vip = &flight->target.address;
	struct sockaddr_storage source;
	socklen_t size;
	int error;

	*step = STEP_MARK;
	if (flight->server.family != vip->family) /* in a tunnel: nothing faces it in that family */
		return ENONET;
	error = own_address(flight, &source, &size);
	if (error) {
		*step = STEP_CONNECT;
		return error;
	}
	return is_at(&source, vip) ? ENONET : bind_to(flight, &source, size);
}

/* What was asked of the kernel before the connection. */
static void tell_bound(const struct flight *flight)
{
	const struct check *check = flight->check;
	char address[ADDR_TEXT];

	if (flight->mark)
		flight_did(flight, "the way of the clients: mark 0x%x takes it to the server %s%s",
			   flight->mark, addr_format(&flight->server, address),
			   flight->tunnelled ? ", in a tunnel" : "");
	if (check->interface)
		flight_did(flight, "through interface %s", check->interface);
	if (check->bind.family)
		flight_did(flight, "bound to %s", addr_format(&check->bind, address));
}

/* Where a connected socket goes from and to. */
static void tell_ends(const struct flight *flight, const char *how)
{
	struct sockaddr_storage own;
	socklen_t size = sizeof(own);
	struct endpoint from = {0};
	char source[ENDPOINT_TEXT], target[ENDPOINT_TEXT];

	if (!flight->look || getsockname(flight->fd, (struct sockaddr *)&own, &size))
		return;
	if (own.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&own;

		from = (struct endpoint){addr_from_bytes(AF_INET, &in->sin_addr), ntohs(in->sin_port)};
	} else {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&own;

		from = (struct endpoint){addr_from_bytes(AF_INET6, &in6->sin6_addr), ntohs(in6->sin6_port)};
	}
	flight_did(flight, "%s %s from %s", how, endpoint_format(&flight->target, target),
		   endpoint_format(&from, source));
}

static int dial_bind(struct flight *flight, enum outcome_step *step)
{
	const struct check *check = flight->check;
	struct sockaddr_storage source;
	socklen_t size;

	*step = STEP_MARK;
	if (flight->mark && setsockopt(flight->fd, SOL_SOCKET, SO_MARK, &flight->mark,
				       sizeof(flight->mark)))
		return errno;
	*step = STEP_INTERFACE;
	if (check->interface && setsockopt(flight->fd, SOL_SOCKET, SO_BINDTODEVICE,
					   check->interface, (socklen_t)strlen(check->interface)))
		return errno;
	*step = STEP_BIND;
	if (!check->bind.family)
		return flight->mark ? bind_facing(flight, step) : 0;
	size = sockaddr_of(&check->bind, 0, check->interface, &source);
	return bind_to(flight, &source, size);
}

static void dial_done(struct flight *flight)
{
	nstime took = clock_now() - flight->started;

	io_fini(&flight->io);
	flight->connected = took > 0 ? took : 1;
	tell_ends(flight, "connected to");
	flight->dialled(flight);
}

/* Where no tunnel ends the server says so by ICMP, which IPVS turns into a closed port's. */
static void dial_refused(struct flight *flight, int error)
{
	struct outcome outcome = outcome_of_error(STEP_CONNECT, error);

	if (flight->tunnelled && outcome.reason == REASON_REFUSED)
		outcome.fault = "connect: refused (" MODEL_TUNNEL_REFUSED ")";
	flight_end(flight, &outcome);
}

static void dial_writable(void *ctx)
{
	struct flight *flight = ctx;
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(flight->fd, SOL_SOCKET, SO_ERROR, &error, &size))
		error = errno;
	if (error)
		dial_refused(flight, error);
	else
		dial_done(flight);
}

static int dial_connect(struct flight *flight, enum outcome_step *step)
{
	struct sockaddr_storage target;
	socklen_t size = sockaddr_of(&flight->target.address, flight->target.port,
				     flight->check->interface, &target);

	*step = STEP_CONNECT;
	return connect(flight->fd, (struct sockaddr *)&target, size) ? errno : 0;
}

static void tell_start(const struct flight *flight, const char *protocol)
{
	char target[ENDPOINT_TEXT];

	if (!flight->look)
		return;
	flight_did(flight, "%s to %s", protocol, endpoint_format(&flight->target, target));
	tell_bound(flight);
}

void dial_start(struct flight *flight, void (*connected)(struct flight *flight))
{
	enum outcome_step step;
	int error = dial_socket(flight, SOCK_STREAM, &step);

	tell_start(flight, "tcp: connect");
	flight->dialled = connected;
	if (!error)
		error = dial_bind(flight, &step);
	if (!error)
		error = dial_connect(flight, &step);
	if (error && error != EINPROGRESS) {
		flight_fail(flight, step, error);
		return;
	}
	if (!error) {
		dial_done(flight);
		return;
	}
	if (io_init(flight->loop, &flight->io, flight->fd, LOOP_NORMAL, NULL, dial_writable,
		    flight)) {
		flight_fail(flight, STEP_SOCKET, ENOMEM);
		return;
	}
	io_want_write(&flight->io, true);
}

bool dial_datagram(struct flight *flight)
{
	enum outcome_step step;
	int error = dial_socket(flight, SOCK_DGRAM, &step);

	tell_start(flight, "udp:");
	if (!error)
		error = dial_bind(flight, &step);
	if (!error)
		error = dial_connect(flight, &step);
	if (error)
		flight_fail(flight, step, error);
	else
		tell_ends(flight, "to");
	return !error;
}

#define TCP_CLOSE_WAIT                                                                             \
	8 /* include/net/tcp_states.h, which user space does not get beside linux/tcp.h */

uint32_t dial_received(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		return 0;
	/* The kernel counts the FIN. Of a connection that was reset later it does not say that there was
	 * one, but that no segment held data. */
	if (!info.tcpi_data_segs_in)
		return 0;
	if (info.tcpi_state == TCP_CLOSE_WAIT && info.tcpi_bytes_received)
		info.tcpi_bytes_received--;
	return info.tcpi_bytes_received < UINT32_MAX ? (uint32_t)info.tcpi_bytes_received
						     : UINT32_MAX;
}
