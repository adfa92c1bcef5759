/* Kernel: net/ipv4/raw.c, net/ipv6/raw.c. A raw IPv4 socket gives packets with their header, an ICMPv6
 * one without. IP_PKTINFO and IPV6_PKTINFO name source and interface of a single packet and need no
 * right; a source that is not ours is refused when the route is looked up. */
#include "check/echo_io.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "check/icmp.h"

#define MESSAGES_PER_TURN 64
#define PACKET_MOST 2048

/* ---- the filter ----------------------------------------------------------------------------- */

#define LOAD_BYTE(at) BPF_STMT(BPF_LD | BPF_B | BPF_ABS, at)
#define LOAD_HALF(at) BPF_STMT(BPF_LD | BPF_H | BPF_ABS, at)
#define LOAD_BYTE_X(at) BPF_STMT(BPF_LD | BPF_B | BPF_IND, at)
#define LOAD_HALF_X(at) BPF_STMT(BPF_LD | BPF_H | BPF_IND, at)
#define IF_EQUAL(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise)
#define TAKE BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)
#define DROP BPF_STMT(BPF_RET | BPF_K, 0)

/* What the filter lets through icmp_message_get() judges once more; here only floods are kept out. A
 * load beyond the packet drops it. */
static int filter_ipv4(int fd, uint16_t id)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* X: length of the IP header */
		LOAD_BYTE_X(0),
		IF_EQUAL(0, 0, 2), /* echo reply */
		LOAD_HALF_X(4),
		IF_EQUAL(id, 11, 12),
		IF_EQUAL(3, 1, 0), /* unreachable */
		IF_EQUAL(11, 0, 10), /* time exceeded */
		LOAD_BYTE_X(8), /* the quoted IP header */
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 15),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		LOAD_BYTE_X(8),
		IF_EQUAL(8, 0, 3), /* echo request */
		LOAD_HALF_X(12),
		IF_EQUAL(id, 0, 1),
		TAKE,
		DROP,
	};
	struct sock_fprog program = {.len = COUNT_OF(code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? errno : 0;
}

static int filter_ipv6(int fd, uint16_t id)
{
	struct sock_filter code[] = {
		LOAD_BYTE(0),
		IF_EQUAL(129, 0, 2), /* echo reply */
		LOAD_HALF(4),
		IF_EQUAL(id, 8, 9),
		IF_EQUAL(1, 1, 0), /* unreachable */
		IF_EQUAL(3, 0, 7), /* time exceeded */
		LOAD_BYTE(14), /* the quoted IPv6 header's next header */
		IF_EQUAL(58, 0, 5),
		LOAD_BYTE(48),
		IF_EQUAL(128, 0, 3), /* echo request */
		LOAD_HALF(52),
		IF_EQUAL(id, 0, 1),
		TAKE,
		DROP,
	};
	struct sock_fprog program = {.len = COUNT_OF(code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? errno : 0;
}

/* ---- in ------------------------------------------------------------------------------------- */

static struct addr source_of(const struct sockaddr_storage *from)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;

	return addr_from_bytes(AF_INET6, &in6->sin6_addr);
}

/* The interface that a packet came in by; 0: not told. */
static unsigned interface_of(struct msghdr *header)
{
	struct in_pktinfo info4;
	struct in6_pktinfo info6;

	for (struct cmsghdr *one = CMSG_FIRSTHDR(header); one; one = CMSG_NXTHDR(header, one)) {
		if (one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_PKTINFO) {
			memcpy(&info4, CMSG_DATA(one), sizeof(info4));
			return (unsigned)info4.ipi_ifindex;
		}
		if (one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info6, CMSG_DATA(one), sizeof(info6));
			return info6.ipi6_ifindex;
		}
	}
	return 0;
}

static bool socket_hear(struct echo_socket *socket)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct sockaddr_storage from = {0};
	struct icmp_message message;
	uint8_t packet[PACKET_MOST];
	struct iovec part = {.iov_base = packet, .iov_len = sizeof(packet)};
	struct msghdr header = {.msg_name = &from,
				.msg_namelen = sizeof(from),
				.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = sizeof(control)};
	ssize_t size = recvmsg(socket->fd, &header, 0);

	if (size < 0)
		return errno == EINTR;
	if (!icmp_message_get(socket->family, packet, (size_t)size, &message))
		return true;
	message.interface = interface_of(&header);
	if (socket->family == AF_INET6)
		message.source = source_of(&from);
	socket->heard(socket->ctx, &message.source, &message);
	return socket->fd >= 0;
}

static void socket_readable(void *ctx)
{
	struct echo_socket *socket = ctx;

	for (int i = 0; i < MESSAGES_PER_TURN; i++)
		if (!socket_hear(socket))
			return;
}

/* ---- out ------------------------------------------------------------------------------------ */

static socklen_t sockaddr_of(const struct addr *address, unsigned interface, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	out->ss_family = address->family;
	if (address->family == AF_INET) {
		memcpy(&in->sin_addr, address->bytes, sizeof(in->sin_addr));
		return sizeof(*in);
	}
	memcpy(&in6->sin6_addr, address->bytes, sizeof(in6->sin6_addr));
	if (addr_is_link_local(address))
		in6->sin6_scope_id = interface;
	return sizeof(*in6);
}

/* The control message that names source and interface, in msg->msg_control. */
static void add_way(struct msghdr *message, const struct echo_way *way)
{
	struct in_pktinfo info4 = {.ipi_ifindex = (int)way->interface};
	struct in6_pktinfo info6 = {.ipi6_ifindex = way->interface};
	bool is_ipv4 = way->target.family == AF_INET;
	size_t size = is_ipv4 ? sizeof(info4) : sizeof(info6);
	struct cmsghdr *control = CMSG_FIRSTHDR(message);

	if (is_ipv4)
		memcpy(&info4.ipi_spec_dst, way->source.bytes, sizeof(info4.ipi_spec_dst));
	else
		memcpy(&info6.ipi6_addr, way->source.bytes, sizeof(info6.ipi6_addr));
	control->cmsg_level = is_ipv4 ? IPPROTO_IP : IPPROTO_IPV6;
	control->cmsg_type = is_ipv4 ? IP_PKTINFO : IPV6_PKTINFO;
	control->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(control), is_ipv4 ? (void *)&info4 : (void *)&info6, size);
	message->msg_controllen = CMSG_SPACE(size);
}

int echo_send(const struct echo_socket *socket, const struct echo_way *way, const struct icmp_echo *echo)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = {0};
	struct sockaddr_storage target;
	uint8_t bytes[ICMP_ECHO_SIZE];
	struct writer packet = writer_of(bytes, sizeof(bytes));
	struct iovec part = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr message = {.msg_name = &target,
				 .msg_namelen = sockaddr_of(&way->target, way->interface, &target),
				 .msg_iov = &part,
				 .msg_iovlen = 1};

	icmp_echo_put(&packet, socket->family, echo);
	if (way->source.family || way->interface) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		add_way(&message, way);
	}
	if (sendmsg(socket->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == EAGAIN ? ENOBUFS : errno;
}

bool echo_source_is_here(const struct echo_way *way)
{
	struct sockaddr_storage source;
	socklen_t size = sockaddr_of(&way->source, way->interface, &source);
	int fd = socket(way->source.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_here = fd < 0 || !bind(fd, (struct sockaddr *)&source, size) || errno != EADDRNOTAVAIL;

	if (fd >= 0)
		close(fd);
	return is_here;
}

/* ---- life ----------------------------------------------------------------------------------- */

/* With each packet the kernel shall tell where it came in. */
static int ask_for_interface(int fd, uint8_t family)
{
	const int on = 1;

	if (family == AF_INET)
		return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) ? errno : 0;
	return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) ? errno : 0;
}

int echo_socket_open(struct echo_socket *socket, struct loop *loop, uint8_t family, int fd, uint16_t id,
		     echo_heard *heard, void *ctx)
{
	int error = family == AF_INET ? filter_ipv4(fd, id) : filter_ipv6(fd, id);

	if (!error)
		error = ask_for_interface(fd, family);
	*socket = (struct echo_socket){.family = family, .fd = -1, .error = error, .heard = heard, .ctx = ctx};
	if (!error && io_init(loop, &socket->io, fd, LOOP_NORMAL, socket_readable, NULL, socket))
		error = ENOMEM;
	if (error)
		return socket->error = error;
	socket->fd = fd;
	return 0;
}

void echo_socket_close(struct echo_socket *socket)
{
	if (socket->fd < 0)
		return;
	io_fini(&socket->io);
	close(socket->fd);
	socket->fd = -1;
	socket->error = 0;
}
