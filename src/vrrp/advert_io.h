/* Adverts on the wire: one raw socket per interface, for all virtual routers on it. It sends whole
 * IP packets (so that each router may have a source address of its own) and receives those for the
 * groups that were joined. */
#ifndef LBHA_VRRP_ADVERT_IO_H
#define LBHA_VRRP_ADVERT_IO_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct loop;
struct advert_socket;

/* Bound to the interface with that index. `received` gets each IP packet of protocol 112 that comes
 * in on it, from the loop or from advert_socket_drain. 0 or -errno. */
int advert_socket_open(struct loop *loop, uint32_t link,
		       void (*received)(void *ctx, const void *packet, size_t size), void *ctx,
		       struct advert_socket **out);
/* NULL is fine; not from within `received`. */
void advert_socket_close(struct advert_socket *socket);

/* Joining a group twice is fine. -errno. */
int advert_socket_join(struct advert_socket *socket, const struct addr *group);

/* Sends a packet to where its header says; never blocks. -errno: -ENETDOWN, -EPERM (a firewall),
 * -ENOBUFS … */
int advert_socket_send(struct advert_socket *socket, const void *packet, size_t size);

/* Takes in what waits in the socket, before a timer judges that nothing has come. At most
 * ADVERT_DRAIN packets. */
#define ADVERT_DRAIN 1024
void advert_socket_drain(struct advert_socket *socket);

#endif
