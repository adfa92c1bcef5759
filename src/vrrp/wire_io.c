/* Between routers and their interface's sockets: which sockets are open, who gets which advert, and
 * what goes out where.
 *
 * A packet costs the same however many routers there are: the routers of a port are sorted by
 * family and virtual router id. What names no router of the interface is counted once, for the
 * interface, and shown by all routers of its family. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "vrrp/accept.h"
#include "vrrp/advert_io.h"
#include "vrrp/auth.h"
#include "vrrp/auth_io.h"
#include "vrrp/worker_io.h"

#define SOCKET_RETRY (5 * NSTIME_S)

/* ---- which sockets -------------------------------------------------------------------------- */

static bool uses_ah(const struct instance *about)
{
	return about->authentication.type == VRRP_AUTH_AH;
}

/* The kind of socket that a router sends from, and cannot do without. */
static enum advert_kind kind_of(const struct router *router)
{
	if (router->family == AF_INET6)
		return ADVERT_IPV6;
	return uses_ah(&router->about) ? ADVERT_IPV4_AH : ADVERT_IPV4;
}

/* Listening is the interface's business whatever MAC address is sent from. */
static struct advert_socket *listener(const struct router *router)
{
	return router->port->sockets[kind_of(router)];
}

/* A master's adverts to the group leave from its virtual MAC address, if it has one: that is how
 * switches learn where it is. A router that is master no more must not use it, and peers that are
 * asked one by one may be behind a gateway of the interface. */
static struct advert_socket *sender(const struct router *router)
{
	struct advert_socket *own = router->home->sockets[kind_of(router)];

	if (own && vlink_carries(router) && router->machine.state == VRRP_MASTER)
		return own;
	return listener(router);
}

/* Version 2 listens to AH and to plain adverts whatever it speaks: a peer with another
 * authentication shall be seen and counted. */
static bool listens(const struct router *router, enum advert_kind kind)
{
	return kind == kind_of(router) || (router->about.version == 2 && kind != ADVERT_IPV6);
}

static bool is_wanted(const struct port *port, enum advert_kind kind)
{
	for (size_t i = 0; i < port->router_count; i++)
		if (listens(port->routers[i], kind))
			return true;
	return port->tenant && kind_of(port->tenant) == kind;
}

/* Opens the socket if it is not, and joins the groups of those who listen to it. */
static int open_socket(struct port *port, enum advert_kind kind)
{
	struct advert_socket **socket = &port->sockets[kind];
	int err = 0;

	if (!*socket)
		err = advert_socket_open(port->worker->hub, kind, port->link.index, port, socket);
	for (size_t i = 0; i < port->router_count && !err; i++) {
		const struct router *router = port->routers[i];

		if (listens(router, kind) &&
		    (router->about.transport & VRRP_TRANSPORT_MULTICAST))
			err = advert_socket_join(*socket, &router->about.multicast_group);
	}
	if (err) {
		advert_socket_close(*socket);
		*socket = NULL;
		worker_later(port->worker, clock_now() + SOCKET_RETRY);
	}
	return err;
}

void wire_open(struct port *port)
{
	if (!port->link.index || !port->rewire)
		return;
	port->rewire = false;
	for (enum advert_kind kind = 0; kind < ADVERT_KINDS; kind++) {
		if (is_wanted(port, kind)) {
			port->socket_errors[kind] = open_socket(port, kind);
			port->rewire |= port->socket_errors[kind] != 0;
		} else {
			advert_socket_close(port->sockets[kind]);
			port->sockets[kind] = NULL;
		}
	}
}

void wire_close(struct port *port)
{
	for (enum advert_kind kind = 0; kind < ADVERT_KINDS; kind++) {
		advert_socket_close(port->sockets[kind]);
		port->sockets[kind] = NULL;
		port->socket_errors[kind] = 0;
	}
	port->rewire = true;
}

/* An interface that loses IPv6 (its MTU fell below 1280, RFC 8200 section 5) loses all groups too,
 * and when it has IPv6 again the socket has not joined any, though it believes so: a director would
 * hear nobody. All addresses go with them; those that are not ours tell. */
void wire_address_removed(struct vrrp_worker *worker, const struct address *address)
{
	for (size_t i = 0; i < worker->port_count; i++) {
		struct port *port = worker->ports[i];

		if (port->link.index != address->link || !port->sockets[ADVERT_IPV6] ||
		    address->prefix.address.family != AF_INET6 ||
		    vips_has(port, &address->prefix))
			continue;
		advert_socket_close(port->sockets[ADVERT_IPV6]);
		port->sockets[ADVERT_IPV6] = NULL;
		port->rewire = true;
		worker_touch(worker, port);
	}
}

int wire_error(const struct router *router)
{
	return listener(router) ? 0 : router->port->socket_errors[kind_of(router)];
}

void wire_drain(const struct router *router)
{
	for (enum advert_kind kind = 0; kind < ADVERT_KINDS; kind++)
		if (listens(router, kind) && router->port->sockets[kind])
			advert_socket_drain(router->port->sockets[kind]);
}

size_t wire_size(const struct router *router)
{
	return vrrp_packet_size(router->family, router->about.version,
				router->about.authentication.type, router->wire_count);
}

/* ---- routers of a port ---------------------------------------------------------------------- */

static unsigned router_key(uint8_t family, uint8_t virtual_router_id)
{
	return (family == AF_INET6 ? 256u : 0u) + virtual_router_id;
}

/* Of the first router with that key, or of where it would be. */
static size_t router_place(const struct port *port, unsigned key)
{
	size_t low = 0, high = port->router_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct router *router = port->routers[middle];

		if (router_key(router->family, router->about.virtual_router_id) < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool port_attach(struct port *port, struct router *router)
{
	size_t place =
		router_place(port, router_key(router->family, router->about.virtual_router_id));

	if (!pointers_push(&port->routers, &port->router_count, &port->router_room, router))
		return false;
	memmove(port->routers + place + 1, port->routers + place,
		(port->router_count - 1 - place) * sizeof(struct router *));
	port->routers[place] = router;
	port->rewire = true;
	return true;
}

void port_detach(struct port *port, struct router *router)
{
	pointers_remove(&port->routers, &port->router_count, router);
	port->rewire = true;
}

/* ---- what nobody can be named for ----------------------------------------------------------- */

static const enum vrrp_drop stray_reasons[PORT_STRAYS] = {VRRP_DROP_VRID, VRRP_DROP_LENGTH,
							  VRRP_DROP_HEADER, VRRP_DROP_QUEUE};

static void count_stray(struct port *port, uint8_t family, enum vrrp_drop why, uint64_t count,
			const struct addr *source)
{
	for (size_t i = 0; i < PORT_STRAYS; i++) {
		struct stray *stray = &port->strays[family == AF_INET6][i];

		if (stray_reasons[i] != why)
			continue;
		stray->count += count;
		stray->at = clock_now();
		stray->from = *source;
	}
}

void wire_add_strays(const struct router *router, struct fact_instance *fact)
{
	const struct stray *strays = router->port->strays[router->family == AF_INET6];

	for (size_t i = 0; i < PORT_STRAYS; i++) {
		enum vrrp_drop why = stray_reasons[i];

		fact->dropped[why] += strays[i].count;
		if (strays[i].at < fact->dropped_at[why] || !strays[i].count)
			continue;
		fact->dropped_at[why] = strays[i].at;
		fact->dropped_from[why] = strays[i].from;
	}
}

uint64_t wire_stray_count(const struct router *router)
{
	const struct stray *strays = router->port->strays[router->family == AF_INET6];
	uint64_t sum = 0;

	for (size_t i = 0; i < PORT_STRAYS; i++)
		sum += strays[i].count;
	return sum;
}

/* Other virtual routers on a segment are nothing unusual: each is told once. */
static void tell_foreign(struct port *port, uint8_t family, uint8_t id, const struct addr *source)
{
	uint8_t *heard = &port->foreign[family == AF_INET6][id / 8], bit = (uint8_t)(1 << id % 8);
	char from[ADDR_TEXT];
	unsigned suppressed;

	if ((*heard & bit) || !log_limit(&port->complaints, clock_now(), &suppressed))
		return;
	*heard |= bit;
	log_info("%s: %s advertises virtual router %u, which no instance here has", port->name,
		 addr_format(source, from), id);
}

static void tell_stray(struct port *port, enum vrrp_drop why, const struct addr *source)
{
	char from[ADDR_TEXT];
	unsigned suppressed;

	if (log_limit(&port->complaints, clock_now(), &suppressed))
		log_warning("%s: dropped an advert from %s (%s)%s", port->name,
			    addr_format(source, from), vrrp_drop_name(why),
			    suppressed ? " (and more)" : "");
}

/* ---- receiving ------------------------------------------------------------------------------ */

/* Older than this a peer's counter means nothing: its adverts have been missing for a down timer
 * (version 2: RFC 3768 section 6.1). */
static nstime silence(const struct router *router)
{
	return 3 * router->about.advert_interval +
	       (256 - router->config.priority) * (NSTIME_S / 256);
}

static bool is_authentic(struct router *router, const struct vrrp_datagram *datagram,
			 const struct vrrp_advert *advert, enum vrrp_drop *why)
{
	const struct addr *source = &datagram->envelope.source;
	bool unicast = !addr_is_multicast(&datagram->envelope.destination);
	uint8_t covered[VRRP_PACKET_MAX], icv[VRRP_ICV];

	*why = VRRP_DROP_AUTH;
	if (datagram->packet_size > sizeof(covered) || !router->counters)
		return false;
	vrrp_ah_cover(datagram->packet, datagram->packet_size, advert->icv, unicast, covered);
	if (ah_icv(router->about.authentication.key, covered, datagram->packet_size, icv) ||
	    !vrrp_icv_equal(icv, advert->icv))
		return false;
	*why = VRRP_DROP_REPLAY;
	return vrrp_counter_accept(router->counters, source, advert->sequence, clock_now(),
				   silence(router));
}

static void give(struct router *router, const struct vrrp_datagram *datagram,
		 const struct vrrp_advert *advert)
{
	enum vrrp_drop why;

	if (vrrp_accept(&router->about, &router->config.source, datagram, advert, &why) &&
	    (!uses_ah(&router->about) || is_authentic(router, datagram, advert, &why)))
		router_hear(router, &datagram->envelope, advert);
	else
		router_dropped(router, why, &datagram->envelope.source);
}

static void received(void *ctx, enum advert_kind kind, const struct vrrp_datagram *datagram)
{
	const struct addr *source = &datagram->envelope.source;
	enum vrrp_drop why = datagram->cut ? VRRP_DROP_LENGTH : VRRP_DROP_HEADER;
	uint8_t family = advert_family(kind);
	struct port *port = ctx;
	struct vrrp_advert advert;
	bool known = false;
	unsigned key;

	if (!datagram->message || !vrrp_advert_decode(datagram, &advert, &why)) {
		count_stray(port, family, why, 1, source);
		tell_stray(port, why, source);
		return;
	}
	key = router_key(family, advert.virtual_router_id);
	for (size_t i = router_place(port, key); i < port->router_count; i++) {
		struct router *router = port->routers[i];

		if (router_key(router->family, router->about.virtual_router_id) != key)
			break;
		known = true;
		give(router, datagram, &advert);
	}
	if (!known) {
		count_stray(port, family, VRRP_DROP_VRID, 1, source);
		tell_foreign(port, family, advert.virtual_router_id, source);
	}
}

static void lost(void *ctx, enum advert_kind kind, uint32_t count)
{
	struct port *port = ctx;
	unsigned suppressed;

	count_stray(port, advert_family(kind), VRRP_DROP_QUEUE, count, &(struct addr){0});
	if (log_limit(&port->complaints, clock_now(), &suppressed))
		log_warning("%s: %u adverts were lost, they came faster than they could be read",
			    port->name, count);
}

const struct advert_ops wire_ops = {.received = received, .lost = lost};

/* ---- sending -------------------------------------------------------------------------------- */

/* Puts the integrity check value into an encoded packet. */
static int seal(const struct router *router, const struct writer *packet, bool unicast)
{
	uint8_t covered[VRRP_PACKET_MAX], *icv = packet->start + VRRP_AH_ICV_AT;

	vrrp_ah_cover(packet->start, writer_used(packet), icv, unicast, covered);
	return ah_icv(router->about.authentication.key, covered, writer_used(packet), icv);
}

static int put_packet(const struct router *router, struct advert_socket *socket,
		      const struct addr *destination, uint8_t ttl, const struct vrrp_advert *advert)
{
	struct vrrp_envelope envelope = {
		.source = router->config.source, .destination = *destination, .ttl = ttl};
	struct writer out = advert_next(socket);
	int err = 0;

	vrrp_packet_encode(&out, &envelope, advert, router->about.checksum);
	if (out.failed)
		return -EMSGSIZE;
	if (uses_ah(&router->about))
		err = seal(router, &out, !addr_is_multicast(destination));
	return err ? err : advert_put(socket, &out);
}

static uint32_t next_counter(struct router *router)
{
	if (!router->counters)
		return 0;
	return vrrp_counter_next(router->counters, clock_now() + clock_wall_offset());
}

/* All that was put goes out; *sent grows by what did. */
static int send_put(struct advert_socket *socket, unsigned *sent, struct addr *where)
{
	unsigned count = 0;
	int err = advert_send(socket, &count, where);

	*sent += count;
	return err;
}

static int send_to_group(struct router *router, struct vrrp_advert *advert, unsigned *sent,
			 struct addr *where)
{
	struct advert_socket *socket = sender(router);
	int err;

	advert->sequence = next_counter(router);
	err = put_packet(router, socket, &router->about.multicast_group, VRRP_TTL, advert);
	return err ? err : send_put(socket, sent, where);
}

static int send_to_peers(struct router *router, struct vrrp_advert *advert, unsigned *sent,
			 struct addr *where)
{
	const struct unicast *unicast = &router->about.unicast;
	struct advert_socket *socket = listener(router);
	int err = 0, sending;

	advert->sequence = next_counter(router); /* that of the group again would be a replay */
	for (size_t i = 0; i < unicast->peer_count && !err; i++)
		err = put_packet(router, socket, &unicast->peers[i], unicast->ttl, advert);
	sending = send_put(socket, sent, where);
	return err ? err : sending;
}

int wire_send(struct router *router, uint8_t priority, unsigned *sent, struct addr *where)
{
	const struct instance *about = &router->about;
	struct vrrp_advert advert = {
		.version = about->version,
		.virtual_router_id = about->virtual_router_id,
		.priority = priority,
		.interval = about->advert_interval,
		.auth = (uint8_t)about->authentication.type,
		.addresses = router->wire,
		.address_count = (uint8_t)router->wire_count,
	};
	int err = 0, sending;

	*where = (struct addr){0};
	*sent = 0;
	if (!listener(router))
		return -ENETDOWN;
	if (about->authentication.type == VRRP_AUTH_PASS)
		vrrp_password(about->authentication.key, advert.password);
	if (about->transport & VRRP_TRANSPORT_MULTICAST)
		err = send_to_group(router, &advert, sent, where);
	if (!(about->transport & VRRP_TRANSPORT_UNICAST))
		return err;
	sending = send_to_peers(router, &advert, sent, where);
	return err ? err : sending;
}
