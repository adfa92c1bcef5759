/* One packet socket sends for all links: the link stands in the address of each message. Protocol 0
 * means that the kernel delivers nothing to it. Frames, vectors and headers are allocated once and
 * filled anew for each batch. */
#include "net/announce_io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "net/frame.h"
#include "net/sysctl.h"
#include "net/sysctl_io.h"

struct announcer {
	int fd;
	struct sockaddr_ll arp, ipv6;
	uint8_t frames[ANNOUNCE_BATCH][FRAME_MAX];
	struct iovec parts[ANNOUNCE_BATCH];
	struct mmsghdr messages[ANNOUNCE_BATCH];
};

/* The frame says to whom it goes; the kernel wants to know the protocol (traffic control) and the
 * link. */
static struct sockaddr_ll destination(uint16_t protocol)
{
	return (struct sockaddr_ll){
		.sll_family = AF_PACKET, .sll_protocol = htons(protocol), .sll_halen = LINK_MAC};
}

static void prepare(struct announcer *announcer)
{
	announcer->arp = destination(ETHERTYPE_ARP);
	announcer->ipv6 = destination(ETHERTYPE_IPV6);
	for (size_t i = 0; i < ANNOUNCE_BATCH; i++)
		announcer->messages[i].msg_hdr = (struct msghdr){
			.msg_namelen = sizeof(announcer->arp),
			.msg_iov = &announcer->parts[i],
			.msg_iovlen = 1,
		};
}

int announcer_new(struct announcer **out)
{
	struct announcer *announcer = calloc(1, sizeof(*announcer));

	if (!announcer)
		return -ENOMEM;
	announcer->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (announcer->fd < 0) {
		int err = -errno;

		free(announcer);
		return err;
	}
	prepare(announcer);
	*out = announcer;
	return 0;
}

void announcer_free(struct announcer *announcer)
{
	if (!announcer)
		return;
	close(announcer->fd);
	free(announcer);
}

static void fill(struct announcer *announcer, size_t at, const uint8_t *mac, bool router,
		 const struct addr *address)
{
	uint8_t *frame = announcer->frames[at];

	announcer->messages[at].msg_hdr.msg_name =
		address->family == AF_INET ? &announcer->arp : &announcer->ipv6;
	announcer->parts[at] =
		(struct iovec){frame, frame_announce(frame, mac, address, router)};
}

int announce_send(struct announcer *announcer, uint32_t link, const uint8_t mac[LINK_MAC],
		  bool router, const struct addr *addresses, size_t count)
{
	size_t frames = count < ANNOUNCE_BATCH ? count : ANNOUNCE_BATCH;
	int sent;

	announcer->arp.sll_ifindex = announcer->ipv6.sll_ifindex = (int)link;
	for (size_t i = 0; i < frames; i++)
		fill(announcer, i, mac, router, &addresses[i]);
	do
		sent = sendmmsg(announcer->fd, announcer->messages, (unsigned)frames, 0);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == ENOBUFS ? -EAGAIN : -errno;
	return sent;
}

bool announce_as_router(const char *link)
{
	char path[SYSCTL_PATH];
	int64_t forwarding = 0;
	int dir = sysctl_open();

	if (dir < 0)
		return false;
	if (!sysctl_conf_path(path, "ipv6", link, "forwarding"))
		sysctl_read(dir, path, &forwarding);
	close(dir);
	return forwarding;
}
