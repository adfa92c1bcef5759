/* One packet socket hears the adverts of all links, those that this machine sends, too (only a socket
 * for all protocols sees these), through a filter in the kernel. While it listens the segments are asked
 * who has the VIPs. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "ctl/exam_io.h"
#include "net/ask_io.h"
#include "vrrp/packet.h"

#define ETHERNET 14
#define IPV6_HEADER 40
#define FRAME 8192
#define VLAN_NUMBER 0x0fff
#define SPEAKERS 256
#define LISTEN_LEAST (NSTIME_S + 200 * NSTIME_MS)
#define LISTEN_MOST (3500 * NSTIME_MS)

static nstime now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * NSTIME_S + time.tv_nsec;
}

/* IPv4 with protocol 112 or 51, IPv6 with next header 112; the frame begins with Ethernet. A frame of a
 * VLAN comes by twice: on the link below with its tag taken out (skb->vlan_tci), then on the VLAN's own;
 * only there it is heard. Number 0 is a priority (IEEE 802.1Q section 6.9), for the kernel no VLAN. One with
 * the tag still in it (0x8100) has another type. */
static int only_adverts(int fd)
{
	struct sock_filter lines[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_VLAN_TAG),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, VLAN_NUMBER),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 9),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IP, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETHERNET + 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, VRRP_PROTOCOL, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, VRRP_PROTOCOL_AH, 3, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IPV6, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETHERNET + 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, VRRP_PROTOCOL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, FRAME),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = COUNT_OF(lines), .filter = lines};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

/* Deaf until it is bound, so that nothing passes the filter before it is there. */
static int ear(void)
{
	struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	err = only_adverts(fd);
	if (!err && bind(fd, (struct sockaddr *)&all, sizeof(all)))
		err = -errno;
	if (err)
		close(fd);
	return err ? err : fd;
}

/* ---- one advert ---- */

static bool open_packet(const uint8_t *frame, size_t size, struct vrrp_datagram *out)
{
	const uint8_t *packet = frame + ETHERNET;

	if (size < ETHERNET + 20)
		return false;
	if (frame[12] == 0x08)
		return vrrp_ipv4_open(packet, size - ETHERNET, out);
	if (size < ETHERNET + IPV6_HEADER)
		return false;
	*out = (struct vrrp_datagram){
		.envelope = {.source = addr_from_bytes(AF_INET6, packet + 8),
			     .destination = addr_from_bytes(AF_INET6, packet + 24),
			     .ttl = packet[7],
			     .protocol = packet[6]},
		.message = packet + IPV6_HEADER,
		.size = size - ETHERNET - IPV6_HEADER,
	};
	return true;
}

static struct exam_speaker *room_for(struct arena *arena, struct exam_sight *sight,
				     const struct exam_speaker *heard)
{
	for (size_t i = 0; i < sight->speaker_count; i++) {
		struct exam_speaker *one = &sight->speakers[i];

		if (one->link == heard->link && addr_equal(&one->source, &heard->source) &&
		    one->virtual_router_id == heard->virtual_router_id && one->ours == heard->ours)
			return one;
	}
	return sight->speaker_count == SPEAKERS
		       ? NULL
		       : arena_push(arena, &sight->speakers, &sight->speaker_count, sizeof(*heard));
}

static void hear(struct arena *arena, struct exam_sight *sight, const uint8_t *frame, size_t size,
		 const struct sockaddr_ll *from)
{
	struct vrrp_datagram datagram;
	struct vrrp_advert advert;
	enum vrrp_drop why;
	struct exam_speaker heard, *room;
	uint8_t family;

	if (!open_packet(frame, size, &datagram) || !vrrp_advert_decode(&datagram, &advert, &why) ||
	    !advert.complete)
		return;
	family = datagram.envelope.source.family;
	heard = (struct exam_speaker){
		.link = (uint32_t)from->sll_ifindex,
		.source = datagram.envelope.source,
		.ours = from->sll_pkttype == PACKET_OUTGOING ||
			exam_is_ours(sight, &datagram.envelope.source),
		.version = advert.version,
		.virtual_router_id = advert.virtual_router_id,
		.priority = advert.priority,
		.auth = datagram.envelope.protocol == VRRP_PROTOCOL_AH ? VRRP_AUTH_AH : advert.auth,
		.interval = advert.interval,
		.address_count = advert.address_count,
	};
	memcpy(heard.mac, frame + LINK_MAC, LINK_MAC);
	room = room_for(arena, sight, &heard);
	if (!room)
		return;
	heard.addresses = room->address_count >= heard.address_count && room->addresses
				  ? room->addresses
				  : arena_array(arena, heard.address_count, sizeof(*heard.addresses));
	for (size_t i = 0; i < heard.address_count && heard.addresses; i++)
		heard.addresses[i] = addr_from_bytes(family, advert.addresses + i * addr_size(family));
	if (!heard.addresses)
		heard.address_count = 0;
	*room = heard;
}

static void hear_all(struct arena *arena, struct exam_sight *sight, int fd)
{
	static uint8_t frame[FRAME];
	struct sockaddr_ll from;

	for (;;) {
		socklen_t length = sizeof(from);
		ssize_t got = recvfrom(fd, frame, sizeof(frame), 0, (struct sockaddr *)&from, &length);

		if (got < 0 && errno != EINTR && errno != ENETDOWN)
			return;
		if (got > 0)
			hear(arena, sight, frame, (size_t)got, &from);
	}
}

/* ---- all ---- */

static nstime patience(const struct model *model)
{
	nstime longest = LISTEN_LEAST;

	for (size_t i = 0; i < model->instance_count; i++) {
		nstime one = model->instances[i].advert_interval / 10 * 11 + 200 * NSTIME_MS;

		longest = one > longest ? one : longest;
	}
	return longest > LISTEN_MOST ? LISTEN_MOST : longest;
}

static int ask(struct arena *arena, const struct model *model, struct exam_sight *sight)
{
	int err = exam_questions(arena, model, sight, &sight->ask);

	if (err)
		return err;
	sight->ask_error = ask_all(arena, &sight->ask);
	return sight->ask_error == -ENOMEM ? -ENOMEM : 0;
}

int exam_listen(struct arena *arena, const struct model *model, struct exam_sight *sight)
{
	nstime start = now(), time = patience(model);
	int fd, err;

	if (!model->instance_count)
		return 0;
	fd = ear();
	err = ask(arena, model, sight);
	if (fd < 0) {
		sight->listen_error = fd;
		return err;
	}
	for (nstime left = time - (now() - start); !err && left > 0; left = time - (now() - start)) {
		struct pollfd poll_fd = {fd, POLLIN, 0};

		if (poll(&poll_fd, 1, (int)(left / NSTIME_MS) + 1) > 0)
			hear_all(arena, sight, fd);
	}
	close(fd);
	sight->listened = time;
	return err;
}
