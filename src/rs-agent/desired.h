/* What a real server shall have: the VIPs of the services that send it packets by direct routing,
 * and with IPv4 ones the sysctls that keep it silent about them. Pure. */
#ifndef LBHA_RS_AGENT_DESIRED_H
#define LBHA_RS_AGENT_DESIRED_H

#include <stddef.h>

#include "base/addr.h"
#include "config/model.h"
#include "net/address.h"
#include "net/owned.h"
#include "net/sysctl.h"

struct arena;
struct model;

struct rs_vip {
	struct addr address;
	const char *service; /* NULL: given as --vip, or known from the journal only */
};

struct rs_desired {
	struct rs_vip *vips; /* each address once */
	size_t count;
};

/* What was found in the model besides: services in which we are a real server, but not by dr. */
struct rs_other {
	struct rs_other_service {
		const char *name;
		enum forwarding forwarding;
	} *services;
	size_t count;
};

/* The VIPs of all services of the model (of the one called `service`, if not NULL) that have one of
 * the addresses `own` (loopback ones do not count) as a real server with dr forwarding. -ENOMEM. */
int rs_desired_of_model(struct arena *arena, const struct model *model, const char *service,
			const struct address_list *own, struct rs_desired *out,
			struct rs_other *other);

/* All VIPs that the journal speaks of, ours and foreign. -ENOMEM. */
int rs_desired_of_journal(struct arena *arena, const struct owned_set *journal,
			  struct rs_desired *out);

/* Union and difference, by address. -ENOMEM. */
int rs_desired_add(struct arena *arena, const struct rs_desired *a, const struct rs_desired *b,
		   struct rs_desired *out);
int rs_desired_without(struct arena *arena, const struct rs_desired *a, const struct rs_desired *b,
		       struct rs_desired *out);

/* The VIP as it is put on loopback: a host prefix with our tag, never chosen as a source by itself
 * (scope host); no duplicate address detection for IPv6 (every real server has it). */
struct address rs_vip_address(const struct rs_vip *vip, uint32_t lo);

/* The sysctls that must hold; none without an IPv4 VIP (an IPv6 host does not answer for addresses
 * of its loopback). Our values are the smallest that do it; `wants` has RS_WANTS places. Returns
 * their number.
 *   - arp_ignore 1: answer only for addresses of the interface that is asked (net/ipv4/arp.c);
 *   - arp_announce 2: never name a VIP as the sender of our own requests. */
#define RS_WANTS 4
size_t rs_sysctl_wants(const struct rs_desired *desired, struct sysctl_want *wants);

#endif
