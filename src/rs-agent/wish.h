/* Why a real server needs anything: one wish for each VIP of a service, or of the command line, and
 * the way by which its packets come. The journal keeps the wishes besides what
 * was done for them, so that a command about one service or VIP can leave the others as they are.
 * Pure. */
#ifndef LBHA_RS_AGENT_WISH_H
#define LBHA_RS_AGENT_WISH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "config/model.h"
#include "net/address.h"
#include "net/owned.h"

struct arena;

struct rs_wish {
	enum forwarding forwarding; /* dr, tunnel, nat */
	struct addr vip;
	struct addr gateway;  /* nat */
	struct addr local;    /* tunnel: under which the directors know us */
	struct tunnel tunnel; /* only what matters to the receiver: port of gue, csum of gre */
	const char *service; /* NULL: given as --vip */
};

struct rs_wishes {
	struct rs_wish *items; /* each once */
	size_t count;
	bool arp_filter; /* silence by a table of nftables, else by sysctls */
};

/* What was found in the model besides: services in which we are a real server, but in a way that
 * nothing is done for (fullnat, local; nat without a gateway). */
struct rs_other {
	struct rs_other_service {
		const char *name;
		enum forwarding forwarding;
	} *services;
	size_t count;
};

/* Which wishes a command is about: those of one service, those for some VIPs, or all. */
struct rs_scope {
	const char *service; /* NULL: any */
	const struct addr *vips;
	size_t vip_count; /* 0: any */
};
bool rs_scope_is_all(const struct rs_scope *scope);

/* Whether an address tells the host that has the addresses `own` from others. Loopback ones do not:
 * every host has them. */
bool rs_is_own(const struct address_list *own, const struct addr *address);

/* The wishes of all services of the model (of the one called `service`, if not NULL) that have one
 * of the addresses `own` as a real server (rs_is_own). -ENOMEM. */
int rs_wishes_of_model(struct arena *arena, const struct model *model, const char *service,
		       const struct address_list *own, struct rs_wishes *out,
		       struct rs_other *other);

/* What is given on the command line instead of a model. */
struct rs_given {
	struct addr *vips;
	size_t vip_count;
	enum forwarding forwarding; /* dr, tunnel, nat */
	struct tunnel tunnel;
	struct addr gateway;
};

/* The wishes for given VIPs. Tunnels end at each address of this host of the VIP's family that can
 * be meant. -ENOMEM; -EADDRNOTAVAIL when there is none, for the VIP `lacking`. */
int rs_wishes_of_vips(struct arena *arena, const struct rs_given *given,
		      const struct address_list *own, struct rs_wishes *out,
		      const struct addr **lacking);

/* Those that the journal knows. -ENOMEM. */
int rs_wishes_of_journal(struct arena *arena, const struct owned_set *journal,
			 struct rs_wishes *out);

/* Those of `all` that are within the scope, or those that are not. -ENOMEM. */
int rs_wishes_select(struct arena *arena, const struct rs_wishes *all,
		     const struct rs_scope *scope, bool within, struct rs_wishes *out);

/* Both, each wish once. -ENOMEM. */
int rs_wishes_add(struct arena *arena, const struct rs_wishes *a, const struct rs_wishes *b,
		  struct rs_wishes *out);

/* What a receiver need not know of a tunnel is left out, so that it makes no difference. */
struct tunnel rs_tunnel_received(const struct tunnel *tunnel);

/* The text of a journal's line ("web tunnel 192.168.8.200 10.9.0.20 gue 6080"), in the arena;
 * NULL: no memory. Reading one of a kind that this build does not know is -EINVAL. */
const char *rs_wish_print(struct arena *arena, const struct rs_wish *wish);
int rs_wish_parse(struct arena *arena, const char *text, struct rs_wish *out);

#endif
