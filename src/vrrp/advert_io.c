/* IP_HDRINCL: the kernel fills in the checksum of the IPv4 header, and its identification when that
 * is zero, and takes the rest as it is. IPV6_HDRINCL (Linux 4.5) takes all as it is. An IPv6 socket
 * gives no header to a receiver: addresses and hop limit come beside the packet. The route is not
 * looked up in a table: a multicast packet of a socket bound to an interface leaves there (ip(7),
 * raw(7), ipv6(7)). IP_MULTICAST_ALL off: otherwise groups that others joined would come too. */
#include "vrrp/advert_io.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop.h"

#ifndef IPV6_MULTICAST_ALL /* newer than some headers: Linux 4.20 */
#define IPV6_MULTICAST_ALL 29
#endif
#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36
#endif

#define BATCH 16
#define PACKET_ROOM (VRRP_PACKET_MAX + 64) /* and IPv4 options; longer ones are cut, and dropped */
#define CONTROL_ROOM 128
#define OUT_BATCH 8

struct advert_socket {
	struct advert_hub *hub;
	struct loop_io io;
	enum advert_kind kind;
	int fd;
	uint32_t link;
	uint32_t lost; /* the kernel's count, as it was told last */
	void *ctx;
};

struct incoming {
	struct sockaddr_in6 from; /* of IPv6 packets; the others carry it */
	struct iovec part;
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_ROOM];
	uint8_t packet[PACKET_ROOM];
};

struct outgoing {
	struct addr destination;
	struct sockaddr_storage name;
	struct iovec part;
	uint8_t packet[VRRP_PACKET_MAX];
};

struct advert_hub {
	struct loop *loop;
	const struct advert_ops *ops;
	struct mmsghdr in_heads[BATCH], out_heads[OUT_BATCH];
	struct incoming in[BATCH];
	struct outgoing out[OUT_BATCH];
	unsigned out_count;
	unsigned out_sent;
	int out_error;
	struct addr out_failed;
};

uint8_t advert_family(enum advert_kind kind)
{
	return kind == ADVERT_IPV6 ? AF_INET6 : AF_INET;
}

/* ---- receiving ------------------------------------------------------------------------------ */

static void heads_prepare(struct advert_hub *hub)
{
	for (size_t i = 0; i < BATCH; i++) {
		struct incoming *in = &hub->in[i];

		in->part = (struct iovec){.iov_base = in->packet, .iov_len = sizeof(in->packet)};
		hub->in_heads[i].msg_hdr = (struct msghdr){
			.msg_name = &in->from,
			.msg_namelen = sizeof(in->from),
			.msg_iov = &in->part,
			.msg_iovlen = 1,
			.msg_control = in->control,
			.msg_controllen = sizeof(in->control),
		};
	}
}

/* What a receiver of IPv6 is told beside the packet, and the count of lost packets. */
static void control_read(struct msghdr *head, struct vrrp_envelope *envelope, uint32_t *lost)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(head); at; at = CMSG_NXTHDR(head, at)) {
		struct in6_pktinfo info;
		int limit;

		if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SO_RXQ_OVFL) {
			memcpy(lost, CMSG_DATA(at), sizeof(*lost));
		} else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info, CMSG_DATA(at), sizeof(info));
			envelope->destination = addr_from_bytes(AF_INET6, &info.ipi6_addr);
		} else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_HOPLIMIT) {
			memcpy(&limit, CMSG_DATA(at), sizeof(limit));
			envelope->ttl = (uint8_t)limit;
		}
	}
}

static void take(struct advert_socket *socket, struct incoming *in, struct mmsghdr *head)
{
	struct vrrp_datagram datagram = {0};
	uint32_t lost = socket->lost;

	control_read(&head->msg_hdr, &datagram.envelope, &lost);
	if (lost != socket->lost) {
		socket->hub->ops->lost(socket->ctx, socket->kind, lost - socket->lost);
		socket->lost = lost;
	}
	if (socket->kind == ADVERT_IPV6) {
		datagram.envelope.source = addr_from_bytes(AF_INET6, &in->from.sin6_addr);
		datagram.envelope.protocol = VRRP_PROTOCOL;
		datagram.message = in->packet;
		datagram.size = head->msg_len;
	} else {
		vrrp_ipv4_open(in->packet, head->msg_len, &datagram);
	}
	datagram.cut = head->msg_hdr.msg_flags & MSG_TRUNC;
	socket->hub->ops->received(socket->ctx, socket->kind, &datagram);
}

/* How many packets were there, at most BATCH; fewer than that: the socket is empty now. An error
 * that was pending on the socket (ENETDOWN) was told by the link already: then once more. */
static int receive_batch(struct advert_socket *socket)
{
	struct advert_hub *hub = socket->hub;
	int count = recvmmsg(socket->fd, hub->in_heads, BATCH, MSG_DONTWAIT, NULL);

	if (count < 0)
		return errno == EAGAIN ? 0 : BATCH;
	for (int i = 0; i < count; i++) {
		struct msghdr *head = &hub->in_heads[i].msg_hdr;

		take(socket, &hub->in[i], &hub->in_heads[i]);
		head->msg_namelen = sizeof(hub->in[i].from);
		head->msg_controllen = sizeof(hub->in[i].control);
	}
	return count;
}

static void receive(struct advert_socket *socket, int most)
{
	for (int taken = 0, count = BATCH; count == BATCH && taken < most; taken += count)
		count = receive_batch(socket);
}

static void readable(void *ctx)
{
	receive(ctx, ADVERT_TURN);
}

void advert_socket_drain(struct advert_socket *socket)
{
	receive(socket, ADVERT_DRAIN);
}

/* ---- sending -------------------------------------------------------------------------------- */

/* One that cannot go out does not keep the others back. */
static void flush(struct advert_socket *socket)
{
	struct advert_hub *hub = socket->hub;
	unsigned done = 0;

	while (done < hub->out_count) {
		int count = sendmmsg(socket->fd, hub->out_heads + done, hub->out_count - done, 0);

		if (count > 0) {
			done += (unsigned)count;
			hub->out_sent += (unsigned)count;
		} else if (errno != EINTR) {
			if (!hub->out_error) {
				hub->out_error = -errno;
				hub->out_failed = hub->out[done].destination;
			}
			done++;
		}
	}
	hub->out_count = 0;
}

struct writer advert_next(struct advert_socket *socket)
{
	struct advert_hub *hub = socket->hub;

	if (hub->out_count == OUT_BATCH)
		flush(socket);
	return writer_of(hub->out[hub->out_count].packet, VRRP_PACKET_MAX);
}

static socklen_t name_of(struct advert_socket *socket, struct outgoing *out)
{
	const struct addr *to = &out->destination;

	if (to->family == AF_INET6) {
		struct sockaddr_in6 name = {.sin6_family = AF_INET6,
					    .sin6_scope_id = socket->link};

		memcpy(&name.sin6_addr, to->bytes, 16);
		memcpy(&out->name, &name, sizeof(name));
		return sizeof(name);
	} else {
		struct sockaddr_in name = {.sin_family = AF_INET};

		memcpy(&name.sin_addr, to->bytes, 4);
		memcpy(&out->name, &name, sizeof(name));
		return sizeof(name);
	}
}

int advert_put(struct advert_socket *socket, const struct writer *packet)
{
	struct advert_hub *hub = socket->hub;
	struct outgoing *out = &hub->out[hub->out_count];
	struct msghdr *head = &hub->out_heads[hub->out_count].msg_hdr;
	uint8_t family = advert_family(socket->kind);
	size_t size = writer_used(packet), at = family == AF_INET6 ? 24 : 16;

	if (packet->failed || size < at + addr_size(family))
		return -EMSGSIZE;
	out->destination = addr_from_bytes(family, out->packet + at);
	out->part = (struct iovec){.iov_base = out->packet, .iov_len = size};
	*head = (struct msghdr){.msg_name = &out->name, .msg_iov = &out->part, .msg_iovlen = 1};
	head->msg_namelen = name_of(socket, out);
	hub->out_count++;
	return 0;
}

int advert_send(struct advert_socket *socket, unsigned *sent, struct addr *where)
{
	struct advert_hub *hub = socket->hub;
	int err;

	flush(socket);
	err = hub->out_error;
	*sent = hub->out_sent;
	if (err)
		*where = hub->out_failed;
	hub->out_error = 0;
	hub->out_sent = 0;
	return err;
}

/* ---- life ----------------------------------------------------------------------------------- */

int advert_hub_new(struct loop *loop, const struct advert_ops *ops, struct advert_hub **out)
{
	struct advert_hub *hub = calloc(1, sizeof(*hub));

	if (!hub)
		return -ENOMEM;
	hub->loop = loop;
	hub->ops = ops;
	heads_prepare(hub);
	*out = hub;
	return 0;
}

void advert_hub_free(struct advert_hub *hub)
{
	free(hub);
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

static int prepare_ipv4(int fd, uint32_t link)
{
	struct ip_mreqn multicast = {.imr_ifindex = (int)link};
	int err = set(fd, IPPROTO_IP, IP_HDRINCL, 1);

	if (!err)
		err = set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
	if (!err)
		err = set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
	if (!err && setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &multicast, sizeof(multicast)))
		err = -errno;
	return err;
}

/* AH may also carry bulk traffic of others (IPsec): only what has VRRP inside comes to us. */
static int filter_ah(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* X = length of the IP header */
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),  /* next header */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, VRRP_PROTOCOL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

/* IPV6_V6ONLY is refused once a socket has a protocol, and raw ones see nothing of IPv4 anyway. */
static int prepare_ipv6(int fd, uint32_t link)
{
	static const struct {
		int option, value;
	} options[] = {
		{IPV6_HDRINCL, 1},     {IPV6_MULTICAST_LOOP, 0}, {IPV6_MULTICAST_ALL, 0},
		{IPV6_RECVPKTINFO, 1}, {IPV6_RECVHOPLIMIT, 1},
	};
	int err = set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)link);

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]) && !err; i++)
		err = set(fd, IPPROTO_IPV6, options[i].option, options[i].value);
	return err;
}

static int prepare(int fd, enum advert_kind kind, uint32_t link)
{
	int err = set(fd, SOL_SOCKET, SO_BINDTOIFINDEX, (int)link);

	if (!err)
		err = kind == ADVERT_IPV6 ? prepare_ipv6(fd, link) : prepare_ipv4(fd, link);
	if (!err && kind == ADVERT_IPV4_AH)
		err = filter_ah(fd);
	if (!err && set(fd, SOL_SOCKET, SO_RCVBUFFORCE, ADVERT_BUFFER))
		set(fd, SOL_SOCKET, SO_RCVBUF, ADVERT_BUFFER);
	if (!err) {
		set(fd, SOL_SOCKET, SO_PRIORITY, 6); /* TC_PRIO_INTERACTIVE: before bulk traffic */
		set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
		forget_received(fd);
	}
	return err;
}

int advert_socket_open(struct advert_hub *hub, enum advert_kind kind, uint32_t link, void *ctx,
		       struct advert_socket **out)
{
	struct advert_socket *created = calloc(1, sizeof(*created));
	int protocol = kind == ADVERT_IPV4_AH ? VRRP_PROTOCOL_AH : VRRP_PROTOCOL, err;

	if (!created)
		return -ENOMEM;
	created->hub = hub;
	created->kind = kind;
	created->link = link;
	created->ctx = ctx;
	created->fd = socket(advert_family(kind), SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			     protocol);
	err = created->fd < 0 ? -errno : prepare(created->fd, kind, link);
	if (!err)
		err = io_init(hub->loop, &created->io, created->fd, LOOP_NORMAL, readable, NULL,
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
	struct group_req request = {.gr_interface = socket->link};
	bool is_ipv6 = group->family == AF_INET6;

	if (is_ipv6) {
		struct sockaddr_in6 name = {.sin6_family = AF_INET6};

		memcpy(&name.sin6_addr, group->bytes, 16);
		memcpy(&request.gr_group, &name, sizeof(name));
	} else {
		struct sockaddr_in name = {.sin_family = AF_INET};

		memcpy(&name.sin_addr, group->bytes, 4);
		memcpy(&request.gr_group, &name, sizeof(name));
	}
	if (setsockopt(socket->fd, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, MCAST_JOIN_GROUP, &request,
		       sizeof(request)) &&
	    errno != EADDRINUSE)
		return -errno;
	return 0;
}
