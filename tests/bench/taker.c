/* The bare takeover: the least that the move of many addresses costs on this kernel. It waits for an
 * advert of priority 0, puts the addresses into the kernel, many with one send, and announces each
 * once. It is scheduled as the others are.
 *
 *   bench-taker INTERFACE FIRST-ADDRESS COUNT */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define AT_ONCE 128
#define FRAME 42

struct message {
	struct nlmsghdr head;
	struct ifaddrmsg body;
	struct rtattr local_head;
	uint32_t local;
};

static void fail(const char *what)
{
	fprintf(stderr, "bench-taker: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void wait_for_farewell(int link)
{
	struct ip_mreqn group = {.imr_ifindex = link};
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 112);
	uint8_t packet[2048];
	ssize_t size;

	group.imr_multiaddr.s_addr = htonl(0xe0000012);
	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)))
		fail("socket for adverts");
	puts("listening");
	fflush(stdout);
	do
		size = recv(fd, packet, sizeof(packet), 0);
	while (size < 28 || packet[22]);
}

static void add_addresses(int link, uint32_t first, int count)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct message messages[AT_ONCE];
	uint8_t answer[8192];

	if (fd < 0)
		fail("rtnetlink");
	for (int done = 0, some; done < count; done += some) {
		some = count - done < AT_ONCE ? count - done : AT_ONCE;
		for (int i = 0; i < some; i++)
			messages[i] = (struct message){
				.head = {.nlmsg_len = sizeof(struct message),
					 .nlmsg_type = RTM_NEWADDR,
					 .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE |
							(i == some - 1 ? NLM_F_ACK : 0)},
				.body = {.ifa_family = AF_INET,
					 .ifa_prefixlen = 32,
					 .ifa_index = (unsigned)link},
				.local_head = {.rta_len = 8, .rta_type = IFA_LOCAL},
				.local = htonl(first + (uint32_t)(done + i)),
			};
		if (sendto(fd, messages, (size_t)some * sizeof(*messages), 0, (void *)&kernel,
			   sizeof(kernel)) < 0 ||
		    recv(fd, answer, sizeof(answer), 0) < 0)
			fail("addresses");
	}
	close(fd);
}

static void make_frame(uint8_t *frame, const uint8_t *mac, uint32_t address)
{
	static const uint8_t head[] = {0, 1, 8, 0, 6, 4, 0, 1};

	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	frame[12] = 8;
	frame[13] = 6;
	memcpy(frame + 14, head, sizeof(head));
	memcpy(frame + 22, mac, 6);
	memcpy(frame + 28, &address, 4);
	memset(frame + 32, 0xff, 6);
	memcpy(frame + 38, &address, 4);
}

static void announce(int fd, int link, const uint8_t *mac, uint32_t first, int count)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_ifindex = link,
				 .sll_protocol = htons(ETH_P_ARP),
				 .sll_halen = 6,
				 .sll_addr = {255, 255, 255, 255, 255, 255}};
	static uint8_t frames[AT_ONCE][FRAME];
	static struct iovec parts[AT_ONCE];
	static struct mmsghdr all[AT_ONCE];

	for (int done = 0, some; done < count; done += some) {
		some = count - done < AT_ONCE ? count - done : AT_ONCE;
		for (int i = 0; i < some; i++) {
			make_frame(frames[i], mac, htonl(first + (uint32_t)(done + i)));
			parts[i] = (struct iovec){frames[i], FRAME};
			all[i].msg_hdr = (struct msghdr){.msg_name = &to,
							 .msg_namelen = sizeof(to),
							 .msg_iov = &parts[i],
							 .msg_iovlen = 1};
		}
		some = sendmmsg(fd, all, (unsigned)some, 0);
		if (some < 0)
			fail("announcements");
	}
}

int main(int argc, char **argv)
{
	int count = argc == 4 ? atoi(argv[3]) : 0, fd = socket(AF_PACKET, SOCK_RAW, 0), link;
	struct ifreq request = {0};
	struct in_addr first;

	if (count < 1 || !inet_aton(argv[2], &first)) {
		fprintf(stderr, "usage: bench-taker INTERFACE FIRST-ADDRESS COUNT\n");
		return 2;
	}
	link = (int)if_nametoindex(argv[1]);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", argv[1]);
	if (!link || fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request))
		fail(argv[1]);
	mlockall(MCL_CURRENT);
	sched_setscheduler(0, SCHED_RR, &(struct sched_param){.sched_priority = 50});
	wait_for_farewell(link);
	add_addresses(link, ntohl(first.s_addr), count);
	announce(fd, link, (uint8_t *)request.ifr_hwaddr.sa_data, ntohl(first.s_addr), count);
	pause();
}
