/* The monitor: links and addresses of the network namespace, as they are now and whenever they
 * change.
 *
 * A thread of its own reads the kernel's multicast groups and does the dumps (a dump waits for the
 * kernel's RTNL lock, which the protocol loop must never do) and passes the raw messages to the
 * loop; all callbacks come from the loop. The monitor keeps a mirror and reports changes of value
 * only. After an overrun (ENOBUFS) it dumps anew and reports the difference. The first dump starts
 * at once; `synced` comes when it is complete and after every later one.
 *
 * Of routes it tells those with our protocol, whenever one is added, changed or removed, and all of
 * them between routes_begin and routes_end when asked (monitor_read_routes). It keeps no mirror of
 * them. The kernel does not tell all: IPv4 routes go without a word when their link is set down, when
 * it loses its last IPv4 address, and when somebody replaces them; so one asks now and then.
 *
 * monitor_new starts the thread, which takes no signals and needs no capability. */
#ifndef LBHA_NET_MONITOR_IO_H
#define LBHA_NET_MONITOR_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/link.h"
#include "net/route.h"

struct loop;
struct monitor;

struct monitor_ops {
	/* New, or something of it changed (also its name). */
	void (*link)(void *ctx, const struct link *link);
	/* Its addresses were reported removed before. */
	void (*link_removed)(void *ctx, const struct link *link);
	/* New, or its attributes changed. */
	void (*address)(void *ctx, const struct address *address);
	void (*address_removed)(void *ctx, const struct address *address);
	void (*route)(void *ctx, const struct route *route, bool removed);
	void (*routes_begin)(void *ctx);
	void (*routes_end)(void *ctx);
	void (*synced)(void *ctx);
	void (*failed)(void *ctx, int error); /* -errno: no events come any more */
};

/* 0 or -errno. Any of the callbacks may be NULL; they may not free the monitor. */
int monitor_new(struct loop *loop, const struct monitor_ops *ops, void *ctx, struct monitor **out);
void monitor_free(struct monitor *monitor);

/* Dump our routes, now and after every overrun; does not block. */
void monitor_read_routes(struct monitor *monitor);

/* The mirror; pointers are valid until the loop goes on. */
const struct link *monitor_link_by_name(const struct monitor *monitor, const char *name);
const struct link *monitor_link_by_index(const struct monitor *monitor, uint32_t index);
/* The address of that identity (address_same) as it is; NULL: there is none. */
const struct address *monitor_address(const struct monitor *monitor, const struct address *wanted);
/* Those of a link (0: of all) in the kernel's order, until the next question. */
struct address_list monitor_addresses(struct monitor *monitor, uint32_t link);
/* How often an overrun made it dump anew. */
uint64_t monitor_resyncs(const struct monitor *monitor);

#endif
