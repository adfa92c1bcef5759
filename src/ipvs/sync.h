/* The kernel's daemons for connection synchronisation: one that sends (master), one that receives
 * (backup), each at most once in a network namespace, both at once if wanted. Pure: which of them a
 * model wants, and what has to be done. The kernel changes nothing of a running one, so another
 * attribute is a stop and a start. Kernel: net/netfilter/ipvs/ip_vs_sync.c, ip_vs_ctl.c
 * (ip_vs_genl_new_daemon). */
#ifndef LBHA_IPVS_SYNC_H
#define LBHA_IPVS_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "config/roles.h"
#include "net/link.h"

struct model;
struct text;

enum ipvs_sync_role {
	IPVS_SYNC_MASTER,
	IPVS_SYNC_BACKUP,
	IPVS_SYNC_ROLES,
};

const char *ipvs_sync_role_name(enum ipvs_sync_role role); /* as in ipvsadm(8) */

struct ipvs_sync_daemon {
	bool on;
	char interface[LINK_NAME];
	uint32_t link;   /* index of the interface: a new one of the same name is another; 0: unknown,
			    or there is none */
	uint32_t id;
	uint16_t maxlen; /* 0: not given, or not known; so with the rest */
	uint16_t port;
	uint8_t ttl;
	struct addr group;
};

struct ipvs_daemons {
	struct ipvs_sync_daemon of[IPVS_SYNC_ROLES];
};

/* What a model wants (NULL, or without services: nothing). Sends while the instance that it follows is
 * MASTER, receives otherwise. Until something is known of that what runs is wanted, and the receiver
 * if nothing does. `link` is the index of the interface. */
struct ipvs_daemons ipvs_sync_wanted(const struct model *model,
				     enum mastership mastership,
				     const struct ipvs_daemons *actual, uint32_t link);

struct ipvs_sync_op {
	enum ipvs_sync_role role;
	bool is_start;
	bool is_repair; /* somebody else stopped or changed what we had started just so */
	struct ipvs_sync_daemon daemon;
};

struct ipvs_sync_plan {
	struct ipvs_sync_op ops[2 * IPVS_SYNC_ROLES];
	size_t count;
};

/* Starts come before stops: at a change of roles no message is missed, and none that could be sent
 * is not. What is wanted on an interface that does not exist is not started, nor stopped if it runs
 * there; on another interface it is. A daemon that is wanted no more is stopped if it is the one
 * that we own. */
struct ipvs_sync_plan ipvs_sync_plan(const struct ipvs_daemons *wanted,
				     const struct ipvs_daemons *actual,
				     const struct ipvs_daemons *owned);

/* "ipvsadm --start-daemon master --mcast-interface eth0 --syncid 51". */
void ipvs_sync_op_format(const struct ipvs_sync_op *op, struct text *out);
#define IPVS_SYNC_OP_TEXT 192

#endif
