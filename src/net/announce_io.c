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

struct announcer {
	int fd;
	struct sockaddr_ll to;
	uint8_t frames[ANNOUNCE_BATCH][FRAME_ARP_SIZE];
	struct iovec parts[ANNOUNCE_BATCH];
	struct mmsghdr messages[ANNOUNCE_BATCH];
};

static void prepare(struct announcer *announcer)
{
	announcer->to = (struct sockaddr_ll){
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE_ARP),
		.sll_halen = LINK_MAC,
	};
	memset(announcer->to.sll_addr, 0xff, LINK_MAC);
	for (size_t i = 0; i < ANNOUNCE_BATCH; i++) {
		announcer->parts[i] = (struct iovec){announcer->frames[i], FRAME_ARP_SIZE};
		announcer->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &announcer->to,
			.msg_namelen = sizeof(announcer->to),
			.msg_iov = &announcer->parts[i],
			.msg_iovlen = 1,
		};
	}
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

/* Frames for as many of the addresses as one batch takes; says how many addresses were used up. */
static unsigned fill(struct announcer *announcer, const uint8_t *mac, const struct addr *addresses,
		     size_t count, size_t *used)
{
	unsigned frames = 0;

	for (*used = 0; *used < count && frames < ANNOUNCE_BATCH; (*used)++)
		if (frame_arp_announce(announcer->frames[frames], mac, &addresses[*used]))
			frames++;
	return frames;
}

/* The number of addresses that the first `sent` frames stand for: those passed over in between
 * count too. */
static size_t used_by(const struct addr *addresses, size_t count, unsigned sent)
{
	size_t used = 0;

	for (; used < count; used++)
		if (addresses[used].family == AF_INET && !sent--)
			break;
	return used;
}

int announce_send(struct announcer *announcer, uint32_t link, const uint8_t mac[LINK_MAC],
		  const struct addr *addresses, size_t count)
{
	size_t done = 0, used;

	announcer->to.sll_ifindex = (int)link;
	while (done < count) {
		unsigned frames = fill(announcer, mac, addresses + done, count - done, &used);
		int sent = frames ? sendmmsg(announcer->fd, announcer->messages, frames, 0) : 0;

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return done ? (int)done : errno == ENOBUFS ? -EAGAIN : -errno;
		if ((unsigned)sent < frames)
			return (int)(done + used_by(addresses + done, used, (unsigned)sent));
		done += used;
	}
	return (int)done;
}
