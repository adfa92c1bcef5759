/* The bare sender: the least that adverts cost on this kernel. One raw socket per interface, one
 * ready-made packet per virtual router, and nothing else: every 10 ms, the unit of the protocol's
 * intervals, those that are due are sent; nothing is heard or counted.
 *
 *   bench-sender INTERVAL-MS ROUTERS-PER-INTERFACE INTERFACE=ADDRESS... */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#define STEP_MS 10
#define PACKET 32 /* IPv4 and a version 3 advert with one address */

struct router {
	int fd;
	uint8_t packet[PACKET];
};

static void fail(const char *what)
{
	fprintf(stderr, "bench-sender: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int socket_on(const char *interface)
{
	struct ip_mreqn out = {.imr_ifindex = (int)if_nametoindex(interface)};
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 112), one = 1, none = 0;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &out.imr_ifindex, sizeof(int)) ||
	    setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &none, sizeof(none)) ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof(out)))
		fail(interface);
	return fd;
}

/* The checksum is left out: nobody listens. */
static void make_packet(uint8_t *packet, struct in_addr source, unsigned virtual_router_id,
			unsigned interval_ms)
{
	unsigned centiseconds = interval_ms / 10;
	const uint8_t made[PACKET] = {
		0x45, 0xc0, 0, PACKET, 0, 0, 0, 0, 255, 112, 0, 0, 0, 0, 0, 0, 224, 0, 0, 18,
		0x31, (uint8_t)virtual_router_id, 100, 1,
		(uint8_t)(centiseconds >> 8), (uint8_t)centiseconds, 0, 0, 10, 0, 1,
		(uint8_t)virtual_router_id,
	};

	memcpy(packet, made, PACKET);
	memcpy(packet + 12, &source, 4);
}

static struct router *make_routers(char **interfaces, int count, int each, unsigned interval_ms)
{
	struct router *routers = calloc((size_t)count * (size_t)each, sizeof(*routers));

	if (!routers)
		fail("memory");
	for (int i = 0; i < count; i++) {
		char *address = strchr(interfaces[i], '=');
		struct in_addr source;
		int fd;

		if (!address || !inet_aton(address + 1, &source))
			fail(interfaces[i]);
		*address = 0;
		fd = socket_on(interfaces[i]);
		for (int j = 0; j < each; j++) {
			struct router *router = &routers[j * count + i];

			router->fd = fd;
			make_packet(router->packet, source, (unsigned)j + 1, interval_ms);
		}
	}
	return routers;
}

static void add_nanoseconds(struct timespec *time, int64_t nanoseconds)
{
	int64_t all = time->tv_nsec + nanoseconds;

	time->tv_sec += all / 1000000000;
	time->tv_nsec = all % 1000000000;
}

int main(int argc, char **argv)
{
	struct sockaddr_in group = {.sin_family = AF_INET};
	unsigned interval_ms = argc > 3 ? (unsigned)atoi(argv[1]) : 0;
	int each = argc > 3 ? atoi(argv[2]) : 0, count = (argc - 3) * each;
	int steps = (int)interval_ms / STEP_MS;
	struct router *routers;
	struct timespec due;

	if (steps < 1 || each < 1 || each > 255) {
		fprintf(stderr, "usage: bench-sender MS ROUTERS INTERFACE=ADDRESS...\n");
		return 2;
	}
	routers = make_routers(argv + 3, argc - 3, each, interval_ms);
	inet_aton("224.0.0.18", &group.sin_addr);
	mlockall(MCL_CURRENT);
	clock_gettime(CLOCK_MONOTONIC, &due);
	for (int next = 0, step = 0;; step = (step + 1) % steps) {
		add_nanoseconds(&due, STEP_MS * INT64_C(1000000));
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
		for (int end = (int)((int64_t)count * (step + 1) / steps); next < end; next++)
			sendto(routers[next].fd, routers[next].packet, PACKET, 0, (void *)&group,
			       sizeof(group));
		next %= count;
	}
}
