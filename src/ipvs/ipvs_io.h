/* IPVS in the kernel, over generic netlink: read the table, carry out operations. The kernel
 * answers such requests within the send itself, so nothing here waits in the ordinary case; every
 * wait has a deadline all the same. */
#ifndef LBHA_IPVS_IPVS_IO_H
#define LBHA_IPVS_IPVS_IO_H

#include <stddef.h>

#include "base/nstime.h"
#include "ipvs/plan.h"
#include "ipvs/sync.h"
#include "ipvs/timeouts.h"

struct arena;
struct ipvs_io;

/* Opens a socket and finds IPVS in this network namespace; the kernel loads ip_vs by itself when it
 * has the module (modprobe is the kernel's, none is started here). -ENOENT: this kernel has no
 * IPVS. Other -errno of the socket. */
int ipvs_io_open(struct ipvs_io **out);
/* The same for dumps in pieces. */
int ipvs_io_open_reader(struct ipvs_io **out);
void ipvs_io_close(struct ipvs_io *io); /* NULL is fine */

/* `alive` is called between the parts of long work (each send of operations, each service of a dump):
 * a scheduler without a module alone costs a search for it per service. */
void ipvs_io_tell_alive(struct ipvs_io *io, void (*alive)(void *ctx), void *ctx);

/* The kernel has so long for each of its answers. */
#define IPVS_IO_PATIENCE (5 * NSTIME_S)

/* The whole table with counters, sorted. -ETIMEDOUT, -EBADMSG, -ENOMEM or the kernel's
 * own errno. */
int ipvs_io_dump(struct ipvs_io *io, struct arena *arena, struct ipvs_table *out);

/* The same, but the destinations of services that `known` knows are taken from there, without counters;
 * NULL: to be read. */
int ipvs_io_dump_unknown(struct ipvs_io *io, struct arena *arena, struct ipvs_table *out,
			 const struct ipvs_service *(*known)(void *ctx,
							     const struct ipvs_service_key *key),
			 void *ctx);

/* The destinations of each of these services, with counters; one that the kernel has not has none. */
int ipvs_io_dump_dests(struct ipvs_io *io, struct arena *arena, struct ipvs_table *services);

/* A dump in pieces, on a socket that does nothing else meanwhile: what is asked for is answered packet
 * by packet. Nothing here waits. */
int ipvs_io_ask_services(struct ipvs_io *io);
int ipvs_io_ask_dests(struct ipvs_io *io, const struct ipvs_service_key *service);
/* Takes one packet: services into what `room` gives (NULL: -ENOMEM), or destinations, pushed to those
 * of `service`. 1: there is more; 0: that was all; -EAGAIN: it is not there yet; other -errno, after
 * which the socket is of no use any more. A service that is gone has no destinations. */
int ipvs_io_take_services(struct ipvs_io *io, struct ipvs_service *(*room)(void *ctx), void *ctx);
int ipvs_io_take_dests(struct ipvs_io *io, struct arena *arena, struct ipvs_service *service);

/* Carries out operations in order, many per send; one that the kernel refuses does not stop the
 * next. `refused` is told each refusal. Returns how many were refused, or -errno when it is not
 * known what the kernel did (-ETIMEDOUT, -ENOBUFS, …): then a dump must tell. */
typedef void ipvs_refused(void *ctx, const struct ipvs_op *op, int error, const char *words);
int ipvs_io_apply(struct ipvs_io *io, const struct ipvs_op *ops, size_t count,
		  ipvs_refused *refused, void *ctx);

/* The timeouts, and those to set that are not 0. -errno. */
int ipvs_io_get_timeouts(struct ipvs_io *io, struct ipvs_timeouts *out);
int ipvs_io_set_timeouts(struct ipvs_io *io, const struct ipvs_timeouts *timeouts);

/* The daemons for connection synchronisation that run; starts or stops one. -errno, the kernel's own
 * among them. */
int ipvs_io_get_daemons(struct ipvs_io *io, struct ipvs_daemons *out);
int ipvs_io_sync(struct ipvs_io *io, const struct ipvs_sync_op *op);

#endif
