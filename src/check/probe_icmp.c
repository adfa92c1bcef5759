/* All echoes of a worker have one random id. The sequence is the flight's slot, and two bits more that
 * tell echoes of one flight apart for whoever watches the wire: a complaint that quotes eight bytes of
 * the echo still finds its flight. What makes a reply count is the flight's own random cookie, so that
 * neither a late reply to an earlier probe nor somebody who guesses is taken for one. */
#include "check/probe_icmp.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "check/echo_io.h"
#include "check/flight_io.h"
#include "check/icmp.h"
#include "config/model.h"

#define SLOT_BITS 14
#define SLOTS (1u << SLOT_BITS)
#define ROOM_FIRST 64

_Static_assert(CHECK_ICMP_COUNT_MAX <= 32, "a bit for each echo");

/* What is under way in a slot. */
struct echo {
	struct flight *flight; /* NULL: nothing */
	uint64_t cookie;
	unsigned interface; /* 0: any */
	uint32_t answered; /* a bit for each */
	char said[OUTCOME_SAID];
};

struct echoes {
	struct loop *loop;
	struct echo_socket sockets[2]; /* IPv4, IPv6 */
	struct echo *slots;
	uint32_t room;
	uint16_t id;
};

static struct echo_socket *socket_of(struct echoes *all, uint8_t family)
{
	return &all->sockets[family == AF_INET6];
}

static uint32_t count_bits(uint32_t set)
{
	return (uint32_t)__builtin_popcount(set);
}

/* ---- in ------------------------------------------------------------------------------------- */

static void echo_replied(struct echo *echo, const struct icmp_echo *reply)
{
	struct flight *flight = echo->flight;
	const uint32_t count = flight->check->count;
	struct text said = text_of(echo->said, sizeof(echo->said));
	struct outcome passed = {.reason = REASON_PASSED, .step = STEP_REPLY, .fault = echo->said};

	if (reply->cookie != echo->cookie || reply->number >= count)
		return;
	echo->answered |= 1u << reply->number;
	flight_did(flight, "reply %u of %u", count_bits(echo->answered), count);
	if (count_bits(echo->answered) < count)
		return;
	if (count == 1)
		text_add(&said, "replied");
	else
		text_add(&said, "%u of %u replies", count, count);
	flight_end(flight, &passed);
}

static void echo_complained(struct echo *echo, const struct addr *source,
			    const struct icmp_message *message)
{
	struct icmp_complaint complaint = icmp_complaint(source->family, message->type, message->code);
	struct outcome failed = {.reason = complaint.reason, .step = STEP_REPLY, .fault = echo->said};
	struct text said = text_of(echo->said, sizeof(echo->said));
	char who[ADDR_TEXT];

	if (complaint.reason == REASON_NONE || (message->has_cookie && message->echo.cookie != echo->cookie))
		return;
	text_add(&said, "%s, says %s", complaint.text, addr_format(source, who));
	flight_end(echo->flight, &failed);
}

/* As connections that are bound to an interface, an echo with one hears what comes in there, or (VRF) by
 * an interface below it. */
static bool is_from(const struct echo *echo, unsigned interface)
{
	char wanted[IF_NAMESIZE], name[IF_NAMESIZE], link[sizeof("/sys/class/net//upper_") + 2 * IF_NAMESIZE];

	if (!echo->interface || echo->interface == interface)
		return true;
	if (!if_indextoname(echo->interface, wanted) || !if_indextoname(interface, name))
		return false;
	snprintf(link, sizeof(link), "/sys/class/net/%s/upper_%s", name, wanted);
	return !access(link, F_OK);
}

static void echoes_heard(void *ctx, const struct addr *source, const struct icmp_message *message)
{
	struct echoes *all = ctx;
	uint32_t slot = message->echo.sequence & (SLOTS - 1);
	struct echo *echo = slot < all->room ? &all->slots[slot] : NULL;
	const struct addr *target = message->is_reply ? source : &message->destination;

	if (message->echo.id != all->id || !echo || !echo->flight ||
	    !addr_equal(target, &echo->flight->target.address) || !is_from(echo, message->interface))
		return;
	if (message->is_reply)
		echo_replied(echo, &message->echo);
	else
		echo_complained(echo, source, message);
}

/* ---- the flight ----------------------------------------------------------------------------- */

/* The flight's place, which is there from its first use on. */
static struct echo *echo_place(struct echoes *all, uint32_t slot)
{
	uint32_t room = all->room ? all->room : ROOM_FIRST;
	struct echo *slots;

	if (slot < all->room)
		return &all->slots[slot];
	while (room <= slot)
		room *= 2;
	slots = slot < SLOTS ? reallocarray(all->slots, room, sizeof(*slots)) : NULL;
	if (!slots)
		return NULL;
	memset(slots + all->room, 0, (room - all->room) * sizeof(*slots));
	all->slots = slots;
	all->room = room;
	return &slots[slot];
}

/* 0, or an errno with *step telling where. */
static int way_of(const struct flight *flight, struct echo_way *way, enum outcome_step *step)
{
	const struct check *check = flight->check;

	*way = (struct echo_way){.target = flight->target.address, .source = check->bind};
	*step = STEP_BIND;
	if (check->bind.family && check->bind.family != flight->target.address.family)
		return EINVAL;
	*step = STEP_INTERFACE;
	if (check->interface && !(way->interface = if_nametoindex(check->interface)))
		return ENODEV;
	return 0;
}

static int echoes_send(struct echoes *all, struct echo *echo, enum outcome_step *step)
{
	const struct flight *flight = echo->flight;
	const struct echo_socket *socket = socket_of(all, flight->target.address.family);
	struct icmp_echo out = {.id = all->id, .cookie = echo->cookie};
	struct echo_way way;
	char target[ADDR_TEXT];
	int error = way_of(flight, &way, step);

	echo->interface = way.interface;
	flight_did(flight, "icmp: %u echo%s to %s", flight->check->count, flight->check->count == 1 ? "" : "es",
		   addr_format(&way.target, target));
	for (; !error && out.number < flight->check->count; out.number++) {
		out.sequence = (uint16_t)(flight->slot | out.number << SLOT_BITS);
		*step = STEP_SEND;
		error = echo_send(socket, &way, &out);
	}
	if (error && *step == STEP_SEND && way.source.family && !echo_source_is_here(&way)) {
		*step = STEP_BIND;
		return EADDRNOTAVAIL;
	}
	return error;
}

static void icmp_start(struct flight *flight)
{
	struct echoes *all = flight->client;
	const struct echo_socket *socket = all ? socket_of(all, flight->target.address.family) : NULL;
	struct echo *echo = socket && socket->fd >= 0 ? echo_place(all, flight->slot) : NULL;
	enum outcome_step step = STEP_SOCKET;
	int error = 0;

	if (!echo) {
		flight_fail(flight, STEP_SOCKET, socket && socket->fd < 0 && socket->error ? socket->error
											    : ENOMEM);
		return;
	}
	flight->request = all;
	*echo = (struct echo){.flight = flight};
	if (getrandom(&echo->cookie, sizeof(echo->cookie), GRND_NONBLOCK) != sizeof(echo->cookie))
		error = EAGAIN;
	if (!error)
		error = echoes_send(all, echo, &step);
	if (error)
		flight_fail(flight, step, error);
}

static void icmp_stop(struct flight *flight)
{
	struct echoes *all = flight->request;

	if (all)
		all->slots[flight->slot].flight = NULL;
	flight->request = NULL;
}

static struct outcome icmp_expired(const struct flight *flight)
{
	const struct echoes *all = flight->request;
	struct echo *echo = &all->slots[flight->slot];
	struct outcome out = {.reason = REASON_REPLY_TIMEOUT, .step = STEP_REPLY};
	struct text said = text_of(echo->said, sizeof(echo->said));

	if (flight->check->count == 1)
		return out;
	text_add(&said, "%u of %u replies", count_bits(echo->answered), flight->check->count);
	out.fault = echo->said;
	return out;
}

/* ---- life ----------------------------------------------------------------------------------- */

struct echoes *echoes_new(struct loop *loop)
{
	struct echoes *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->loop = loop;
	all->sockets[0].fd = all->sockets[1].fd = -1;
	if (getrandom(&all->id, sizeof(all->id), GRND_NONBLOCK) != sizeof(all->id))
		all->id = (uint16_t)getpid();
	return all;
}

void echoes_take(struct echoes *all, uint8_t family, int fd, int error)
{
	struct echo_socket *socket = socket_of(all, family);

	if (socket->fd < 0 && fd >= 0 &&
	    !echo_socket_open(socket, all->loop, family, fd, all->id, echoes_heard, all))
		return;
	if (fd >= 0)
		close(fd);
	else
		socket->error = error;
}

void echoes_close(struct echoes *all, uint8_t family)
{
	echo_socket_close(socket_of(all, family));
}

static void echoes_free(void *client)
{
	struct echoes *all = client;

	echo_socket_close(&all->sockets[0]);
	echo_socket_close(&all->sockets[1]);
	free(all->slots);
	free(all);
}

const struct probe_type probe_icmp = {.client_free = echoes_free,
				      .start = icmp_start,
				      .stop = icmp_stop,
				      .expired = icmp_expired};
