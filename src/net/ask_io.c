/* One packet socket for ARP and one for IPv6, on all links. A filter in the kernel lets neighbour
 * advertisements through and nothing else, so that a busy server's traffic does not come here. */
#include "net/ask_io.h"

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
#include "net/frame.h"

#define FRAME 256 /* of what comes in is looked at */

struct ears {
	struct arena *arena;
	struct ask *ask;
	int arp, ipv6;
	int deaf; /* -errno: an answer could not be kept */
};

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* IPv6, next header ICMPv6, type neighbour advertisement; the frame begins with Ethernet. */
static int only_advertisements(int fd)
{
	struct sock_filter lines[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14 + 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 58, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14 + 40),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 136, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, FRAME),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = COUNT_OF(lines), .filter = lines};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno
										       : 0;
}

/* Deaf until it is bound to its protocol, so that nothing passes the filter before it is there. */
static int ear(uint16_t protocol)
{
	struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(protocol)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;

	if (fd < 0)
		return -errno;
	if (protocol == ETHERTYPE_IPV6)
		err = only_advertisements(fd);
	if (!err && bind(fd, (struct sockaddr *)&all, sizeof(all)))
		err = -errno;
	if (err)
		close(fd);
	return err ? err : fd;
}

static const struct link *find_link(const struct ask *ask, uint32_t index)
{
	for (size_t i = 0; i < ask->link_count; i++)
		if (ask->links[i].index == index)
			return &ask->links[i];
	return NULL;
}

static void send_question(const struct ears *ears, const struct ask_question *question)
{
	const struct link *link = find_link(ears->ask, question->link);
	bool ipv4 = question->target.family == AF_INET;
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ipv4 ? ETHERTYPE_ARP : ETHERTYPE_IPV6),
				 .sll_ifindex = (int)question->link,
				 .sll_halen = LINK_MAC};
	uint8_t frame[FRAME_MAX];
	size_t size = link ? frame_question(frame, link->mac, &question->source, &question->target)
			   : 0;

	if (size) /* one that is lost is asked again; a link that has gone answers nothing */
		(void)!sendto(ears->ipv6 >= 0 && !ipv4 ? ears->ipv6 : ears->arp, frame, size, 0,
			      (struct sockaddr *)&to, sizeof(to));
}

static void send_questions(const struct ears *ears)
{
	for (size_t i = 0; i < ears->ask->question_count; i++)
		send_question(ears, &ears->ask->questions[i]);
}

static bool was_asked(const struct ask *ask, const struct ask_answer *answer)
{
	for (size_t i = 0; i < ask->question_count; i++)
		if (ask->questions[i].link == answer->link &&
		    addr_equal(&ask->questions[i].target, &answer->address))
			return true;
	return false;
}

static bool is_known(const struct ask *ask, const struct ask_answer *answer)
{
	for (size_t i = 0; i < ask->answer_count; i++)
		if (ask->answers[i].link == answer->link &&
		    addr_equal(&ask->answers[i].address, &answer->address) &&
		    !memcmp(ask->answers[i].mac, answer->mac, LINK_MAC))
			return true;
	return false;
}

static void keep(struct ears *ears, const struct ask_answer *answer)
{
	struct ask *ask = ears->ask;
	struct ask_answer *room;

	if (!was_asked(ask, answer) || is_known(ask, answer) ||
	    ask->answer_count >= 4 * ASK_QUESTIONS)
		return;
	room = arena_push(ears->arena, &ask->answers, &ask->answer_count, sizeof(*room));
	if (room)
		*room = *answer;
	else
		ears->deaf = -ENOMEM;
}

/* All that has come by now. What a VLAN without a link of its own brings is told as another host's. */
static void hear(struct ears *ears, int fd)
{
	struct sockaddr_ll from;
	struct ask_answer answer;
	uint8_t frame[FRAME];

	for (;;) {
		socklen_t length = sizeof(from);
		ssize_t got = recvfrom(fd, frame, sizeof(frame), 0, (struct sockaddr *)&from,
				       &length);

		if (got < 0 && errno != EINTR && errno != ENETDOWN)
			return;
		if (got <= 0 || from.sll_pkttype == PACKET_OUTGOING ||
		    from.sll_pkttype == PACKET_OTHERHOST ||
		    frame_read_answer(frame, (size_t)got, &answer.address, answer.mac))
			continue;
		answer.link = (uint32_t)from.sll_ifindex;
		keep(ears, &answer);
	}
}

static bool all_answered(const struct ask *ask)
{
	for (size_t i = 0; i < ask->question_count; i++) {
		size_t j = 0;

		while (j < ask->answer_count &&
		       (ask->answers[j].link != ask->questions[i].link ||
			!addr_equal(&ask->answers[j].address, &ask->questions[i].target)))
			j++;
		if (j == ask->answer_count)
			return false;
	}
	return true;
}

static void listen_until(struct ears *ears, long long end)
{
	struct pollfd fds[] = {{ears->arp, POLLIN, 0}, {ears->ipv6, POLLIN, 0}};

	for (long long left = end - now_ms(); left > 0 && !ears->deaf; left = end - now_ms()) {
		if (poll(fds, COUNT_OF(fds), (int)left) <= 0)
			continue;
		hear(ears, ears->arp);
		if (ears->ipv6 >= 0)
			hear(ears, ears->ipv6);
	}
}

static void talk(struct ears *ears)
{
	long long start = now_ms();

	send_questions(ears);
	listen_until(ears, start + ASK_AGAIN_MS);
	send_questions(ears);
	listen_until(ears, start + ASK_LEAST_MS);
	if (!all_answered(ears->ask))
		listen_until(ears, start + ASK_MS);
}

static bool asks_ipv6(const struct ask *ask)
{
	for (size_t i = 0; i < ask->question_count; i++)
		if (ask->questions[i].target.family == AF_INET6)
			return true;
	return false;
}

int ask_all(struct arena *arena, struct ask *ask)
{
	struct ears ears = {.arena = arena, .ask = ask, .ipv6 = -1};

	if (!ask->question_count)
		return 0;
	ears.arp = ear(ETHERTYPE_ARP);
	if (ears.arp < 0)
		return ears.arp;
	if (asks_ipv6(ask)) {
		ears.ipv6 = ear(ETHERTYPE_IPV6);
		ears.deaf = ears.ipv6 < 0 ? ears.ipv6 : 0;
	}
	talk(&ears);
	close(ears.arp);
	if (ears.ipv6 >= 0)
		close(ears.ipv6);
	return ears.deaf;
}
