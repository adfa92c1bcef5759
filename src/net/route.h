/* Routes that exist because of us: what shall be there (desired), what is ours (owned), what is
 * there (actual), what to do (plan). Pure.
 *
 * Identity of a route is the kernel's: table, destination, metric. A foreign route under the same
 * key is never touched: it keeps ours out (-EEXIST), and that is told. All ours bear our protocol
 * number, the witness beside the owned file; the kernel compares it when one is removed, so that a
 * removal cannot hit another's. */
#ifndef LBHA_NET_ROUTE_H
#define LBHA_NET_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct arena;

#define ROUTE_PROTOCOL_LBHA 76 /* rtm_protocol; free in /etc/iproute2/rt_protos, as for addresses */
#define ROUTE_TABLE_MAIN 254
#define ROUTE_METRIC_IPV6 1024 /* what the kernel makes of metric 0 there (IP6_RT_PRIO_USER) */

struct route {
	struct prefix to;  /* without host bits */
	uint32_t table, metric;
	struct addr via;   /* family 0: on link */
	uint32_t link;     /* interface index */
	uint8_t protocol;
	bool alone; /* IPv4: in a message, never weighed against another of its key; see plan_route.c */
};

struct route_list {
	struct route *items;
	size_t count;
};

enum route_action {
	ROUTE_ADD,    /* write it down as owned, then add it */
	ROUTE_CHANGE, /* ours is there with another next hop or link: replace it, without a gap */
	ROUTE_ADOPT,  /* it is there, with our protocol: write it down */
	ROUTE_REMOVE, /* remove it, then strike it out */
	ROUTE_FORGET, /* owned but no longer there: strike it out */
};

struct route_op {
	enum route_action action;
	struct route route;
};

struct route_plan {
	struct route_op *ops;
	size_t count;
};

/* A route of ours: tag, host bits cleared, the metric as the kernel will tell it. */
struct route route_ours(uint32_t link, const struct prefix *to, const struct addr *via,
			uint32_t metric, uint32_t table);

/* Order by key; 0: the same route, whatever its next hop. */
int route_compare(const struct route *a, const struct route *b);
/* Same key, next hop and link. */
bool route_equal(const struct route *a, const struct route *b);
/* The entry of a list with the same key; NULL when there is none. Linear. */
const struct route *route_find(const struct route_list *list, const struct route *wanted);

/* The operations that lead from `actual` (those with our protocol; foreign ones are of no concern)
 * to a state that has all of `desired` and, of `owned`, nothing else. Lists hold a key once. Adds
 * and changes come first, in the order of `desired` (a gateway may be reached by an earlier one);
 * removals after them, in reverse. -ENOMEM. */
int route_plan_build(struct arena *arena, const struct route_list *desired,
		     const struct route_list *owned, const struct route_list *actual,
		     struct route_plan *out);

/* "203.0.113.0/24 via 192.168.8.1 metric 50 table 100"; main table and metric 0 are not said.
 * ROUTE_TEXT bytes. Returns out. */
#define ROUTE_TEXT 160
const char *route_format(const struct route *route, char *out);

#endif
