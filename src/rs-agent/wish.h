/* Why a real server needs anything: one wish for each VIP that a service, or the command line, wants
 * to have here and for the way by which its packets come. The journal keeps the wishes besides what
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
	enum forwarding forwarding; /* dr */
	struct addr vip;
	const char *service; /* NULL: given as --vip */
};

struct rs_wishes {
	struct rs_wish *items; /* each once */
	size_t count;
	bool arp_filter; /* silence by a table of nftables, else by sysctls */
};

/* What was found in the model besides: services in which we are a real server, but in a way that
 * nothing is done for. */
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

/* The wishes of all services of the model (of the one called `service`, if not NULL) that have one
 * of the addresses `own` (loopback ones do not count) as a real server. -ENOMEM. */
int rs_wishes_of_model(struct arena *arena, const struct model *model, const char *service,
		       const struct address_list *own, struct rs_wishes *out,
		       struct rs_other *other);

/* Those that the journal knows. -ENOMEM. */
int rs_wishes_of_journal(struct arena *arena, const struct owned_set *journal,
			 struct rs_wishes *out);

/* Those of `all` that are within the scope, or those that are not. -ENOMEM. */
int rs_wishes_select(struct arena *arena, const struct rs_wishes *all,
		     const struct rs_scope *scope, bool within, struct rs_wishes *out);

/* Both, each wish once. -ENOMEM. */
int rs_wishes_add(struct arena *arena, const struct rs_wishes *a, const struct rs_wishes *b,
		  struct rs_wishes *out);

/* The text of a journal's line ("web dr 192.168.8.200"), in the arena; NULL: no memory. Reading one
 * of a kind that this build does not know is -EINVAL. */
const char *rs_wish_print(struct arena *arena, const struct rs_wish *wish);
int rs_wish_parse(struct arena *arena, const char *text, struct rs_wish *out);

#endif
