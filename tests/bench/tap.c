/* Watches what is said to IPVS over netlink, from outside: a packet socket on a link of kind nlmon,
 * which sees every netlink message of its network namespace with the kernel's own time stamp. So the
 * same eye looks at every program, and none is slowed down as a debugger would.
 *
 *   bench-tap INTERFACE
 *
 * Prints "listening". For each line that it reads it prints what has been seen since the last:
 *
 *   CHANGES READS FIRST LAST
 *
 * messages that change the table, all others to IPVS, the time at which the first change was sent and
 * that of the kernel's answer to the last (nanoseconds of the wall clock, 0: none). */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/genetlink.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip_vs.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>

#define ROOM (256 * 1024 * 1024)

struct seen {
	uint64_t changes, reads, first, last;
	bool is_open; /* the last change has no answer yet */
};

static uint16_t family;

static void fail(const char *what)
{
	fprintf(stderr, "bench-tap: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Generic netlink, and of that requests and acknowledgements only: a dump's answers are large. */
static void filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NETLINK_GENERIC, 0, 5),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4), /* nlmsg_type */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(NLMSG_ERROR), 2, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6), /* nlmsg_flags */
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, htons(NLM_F_REQUEST), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		fail("SO_ATTACH_FILTER");
}

static int listen_on(const char *interface)
{
	struct sockaddr_ll place = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				    .sll_ifindex = (int)if_nametoindex(interface)};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, room = ROOM;

	if (fd < 0 || !place.sll_ifindex)
		fail(interface);
	filter(fd);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
	    bind(fd, (const struct sockaddr *)&place, sizeof(place)))
		fail(interface);
	return fd;
}

/* ---- what is IPVS here ----------------------------------------------------------------------- */

static int take_family(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		*(uint16_t *)data = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int read_family(const struct nlmsghdr *head, void *data)
{
	return mnl_attr_parse(head, sizeof(struct genlmsghdr), take_family, data);
}

static void find_family(void)
{
	char buffer[8192];
	struct mnl_socket *netlink = mnl_socket_open(NETLINK_GENERIC);
	struct nlmsghdr *head = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *about = mnl_nlmsg_put_extra_header(head, sizeof(*about));
	ssize_t size;

	head->nlmsg_type = GENL_ID_CTRL;
	head->nlmsg_flags = NLM_F_REQUEST;
	about->cmd = CTRL_CMD_GETFAMILY;
	about->version = 1;
	mnl_attr_put_strz(head, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME);
	if (!netlink || mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) ||
	    mnl_socket_sendto(netlink, head, head->nlmsg_len) < 0)
		fail("netlink");
	size = mnl_socket_recvfrom(netlink, buffer, sizeof(buffer));
	if (size < 0 || mnl_cb_run(buffer, (size_t)size, 0, 0, read_family, &family) < 0 || !family)
		fail("IPVS");
	mnl_socket_close(netlink);
}

/* ---- what is seen ---------------------------------------------------------------------------- */

static bool is_change(uint8_t command)
{
	switch (command) {
	case IPVS_CMD_GET_SERVICE:
	case IPVS_CMD_GET_DEST:
	case IPVS_CMD_GET_DAEMON:
	case IPVS_CMD_GET_CONFIG:
	case IPVS_CMD_GET_INFO:
		return false;
	default:
		return true;
	}
}

static void take_message(struct seen *seen, const struct nlmsghdr *head, uint64_t when)
{
	const struct genlmsghdr *about = mnl_nlmsg_get_payload(head);

	if (head->nlmsg_type == NLMSG_ERROR && seen->is_open) {
		seen->last = when;
		seen->is_open = false;
	}
	if (head->nlmsg_type != family)
		return;
	if (!is_change(about->cmd)) {
		seen->reads++;
		return;
	}
	seen->changes++;
	seen->first = seen->first ? seen->first : when;
	seen->last = when;
	seen->is_open = true;
}

static uint64_t stamp_of(struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
			struct timespec at;

			memcpy(&at, CMSG_DATA(c), sizeof(at));
			return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
		}
	return 0;
}

static void take_all(int fd, struct seen *seen)
{
	static char packet[1024 * 1024];
	char control[256];

	for (;;) {
		struct iovec part = {.iov_base = packet, .iov_len = sizeof(packet)};
		struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
					 .msg_controllen = sizeof(control)};
		ssize_t size = recvmsg(fd, &message, MSG_DONTWAIT);
		const struct nlmsghdr *head = (const void *)packet;
		int left = (int)size;

		if (size < 0 && errno == EAGAIN)
			return;
		if (size < 0)
			fail("recvmsg");
		for (; mnl_nlmsg_ok(head, left); head = mnl_nlmsg_next(head, &left))
			take_message(seen, head, stamp_of(&message));
	}
}

static void refuse_losses(int fd)
{
	struct tpacket_stats stats;
	socklen_t size = sizeof(stats);

	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size))
		fail("PACKET_STATISTICS");
	if (stats.tp_drops) {
		fprintf(stderr, "bench-tap: %u messages were lost\n", stats.tp_drops);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	char line[64];
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: bench-tap INTERFACE\n");
		return 2;
	}
	find_family();
	fd = listen_on(argv[1]);
	printf("listening\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		struct seen seen = {0};

		take_all(fd, &seen);
		refuse_losses(fd);
		printf("%llu %llu %llu %llu\n", (unsigned long long)seen.changes,
		       (unsigned long long)seen.reads, (unsigned long long)seen.first,
		       (unsigned long long)seen.last);
		fflush(stdout);
	}
	return 0;
}
