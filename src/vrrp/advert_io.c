/* IP_HDRINCL: the kernel fills in the identification and the checksum of the IP header and takes
 * the rest as it is, TTL and type of service included. The route is not looked up in a table: a
 * multicast packet of a socket bound to an interface leaves there (ip(7), raw(7)). IP_MULTICAST_ALL
 * off: otherwise groups that others joined would come too. */
#include "vrrp/advert_io.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop.h"
#include "vrrp/packet.h"

#define PACKETS_PER_TURN 64
#define RECEIVE_BUFFER (1 << 20) /* a burst of 255 routers, a flood until timers had their turn */
#define PACKET_ROOM 2048 /* longer ones are cut and fail their length check */

struct advert_socket {
	struct loop_io io;
	int fd;
	uint32_t link;
	void (*received)(void *ctx, const void *packet, size_t size);
	void *ctx;
	uint8_t packet[PACKET_ROOM];
};

/* False: nothing (more) there. */
static bool receive_one(struct advert_socket *socket)
{
	ssize_t size = recv(socket->fd, socket->packet, sizeof(socket->packet), MSG_DONTWAIT);

	if (size > 0)
		socket->received(socket->ctx, socket->packet, (size_t)size);
	/* an error that was pending on the socket (ENETDOWN) was told by the link already */
	return size >= 0 || errno == EINTR;
}

static void readable(void *ctx)
{
	for (int i = 0; i < PACKETS_PER_TURN; i++)
		if (!receive_one(ctx))
			return;
}

void advert_socket_drain(struct advert_socket *socket)
{
	for (int i = 0; i < ADVERT_DRAIN; i++)
		if (!receive_one(socket))
			return;
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

/* Before it was bound the socket may have taken packets from other interfaces. */
static void forget_received(int fd)
{
	uint8_t byte;

	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC) >= 0)
		;
}

static int prepare(int fd, uint32_t link)
{
	struct ip_mreqn multicast = {.imr_ifindex = (int)link};
	int err = set(fd, SOL_SOCKET, SO_BINDTOIFINDEX, (int)link);

	if (!err)
		err = set(fd, IPPROTO_IP, IP_HDRINCL, 1);
	if (!err)
		err = set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
	if (!err)
		err = set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
	if (!err && setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &multicast, sizeof(multicast)))
		err = -errno;
	if (!err && set(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER))
		set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	if (!err)
		set(fd, SOL_SOCKET, SO_PRIORITY, 6); /* TC_PRIO_INTERACTIVE: before bulk traffic */
	if (!err)
		forget_received(fd);
	return err;
}

int advert_socket_open(struct loop *loop, uint32_t link,
		       void (*received)(void *ctx, const void *packet, size_t size), void *ctx,
		       struct advert_socket **out)
{
	struct advert_socket *created = calloc(1, sizeof(*created));
	int err;

	if (!created)
		return -ENOMEM;
	created->link = link;
	created->received = received;
	created->ctx = ctx;
	created->fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, VRRP_PROTOCOL);
	err = created->fd < 0 ? -errno : prepare(created->fd, link);
	if (!err)
		err = io_init(loop, &created->io, created->fd, LOOP_NORMAL, readable, NULL,
			      created);
	if (err)
		advert_socket_close(created);
	else
		*out = created;
	return err;
}

void advert_socket_close(struct advert_socket *socket)
{
	if (!socket)
		return;
	io_fini(&socket->io);
	if (socket->fd >= 0)
		close(socket->fd);
	free(socket);
}

int advert_socket_join(struct advert_socket *socket, const struct addr *group)
{
	struct ip_mreqn request = {.imr_ifindex = (int)socket->link};

	memcpy(&request.imr_multiaddr, group->bytes, 4);
	if (setsockopt(socket->fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)) &&
	    errno != EADDRINUSE)
		return -errno;
	return 0;
}

int advert_socket_send(struct advert_socket *socket, const void *packet, size_t size)
{
	struct reader in = reader_of(packet, size);
	struct sockaddr_in to = {.sin_family = AF_INET};
	const uint8_t *destination;

	get_bytes(&in, 16);
	destination = get_bytes(&in, 4);
	if (!destination)
		return -EINVAL;
	memcpy(&to.sin_addr, destination, 4);
	while (sendto(socket->fd, packet, size, 0, (void *)&to, sizeof(to)) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}
