/* Adverts on the wire: one raw socket per interface, family and protocol, for all virtual routers
 * that need it. It sends whole IP packets (so that each router may have a source address of its
 * own) and receives what comes in on the interface: for the groups that were joined, and for the
 * machine's own addresses.
 *
 * A flood. Sockets are read in batches and not more than ADVERT_TURN packets per turn of the loop,
 * so that timers have theirs; the socket's buffer (ADVERT_BUFFER) holds what comes meanwhile.
 * There is no filter in the kernel for foreign virtual routers: who floods can use our number as
 * well, and dropping a packet here costs as little as the filter would save, but is counted. What
 * the kernel had no room for is counted too. */
#ifndef LBHA_VRRP_ADVERT_IO_H
#define LBHA_VRRP_ADVERT_IO_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/cursor.h"
#include "vrrp/packet.h"

#define ADVERT_TURN 64
#define ADVERT_BUFFER (4 << 20) /* some thousand small packets */
#define ADVERT_DRAIN 8192       /* more than fit into it */

struct advert_hub;
struct advert_socket;
struct loop;

enum advert_kind {
	ADVERT_IPV4,
	ADVERT_IPV4_AH,
	ADVERT_IPV6,
	ADVERT_KINDS,
};

uint8_t advert_family(enum advert_kind kind);

struct advert_ops {
	/* A packet, from the loop or from advert_socket_drain; it may not close sockets. With a
	 * malformed IP header `datagram->message` is NULL. */
	void (*received)(void *ctx, enum advert_kind kind, const struct vrrp_datagram *datagram);
	/* So many more were lost because the buffer was full. */
	void (*lost)(void *ctx, enum advert_kind kind, uint32_t count);
};

/* What all sockets of a loop share: room for the packets of a batch. -ENOMEM. */
int advert_hub_new(struct loop *loop, const struct advert_ops *ops, struct advert_hub **out);
void advert_hub_free(struct advert_hub *hub); /* after its sockets; NULL is fine */

/* Bound to the interface with that index. 0 or -errno. */
int advert_socket_open(struct advert_hub *hub, enum advert_kind kind, uint32_t link, void *ctx,
		       struct advert_socket **out);
/* NULL is fine; not from within `received`. */
void advert_socket_close(struct advert_socket *socket);

/* Joining a group twice is fine. -errno. */
int advert_socket_join(struct advert_socket *socket, const struct addr *group);

/* Sending: any number of packets is put, and then they go out together, each to where its header
 * says. Never blocks.
 *
 *   out = advert_next(socket);  encode into &out;  advert_put(socket, &out);  … advert_send(…)
 *
 * A writer that has failed is not put: -EMSGSIZE. advert_send gives 0 when all went out, else the
 * first error with its destination in *where: -ENETDOWN, -EPERM (a firewall), -ENOBUFS … The others
 * are sent all the same; *sent is how many. */
struct writer advert_next(struct advert_socket *socket);
int advert_put(struct advert_socket *socket, const struct writer *packet);
int advert_send(struct advert_socket *socket, unsigned *sent, struct addr *where);

/* Takes in what waits in the socket, before a timer judges that nothing has come. At most
 * ADVERT_DRAIN packets. */
void advert_socket_drain(struct advert_socket *socket);

#endif
