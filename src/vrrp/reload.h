/* What a new configuration means for the virtual routers that run: which stay as they are, which
 * change in place, which begin anew, which end. A virtual router is known by what it is to its peers
 * (interface, number, family …): that it gets another name, or that two instances swap their numbers,
 * moves names and addresses between routers that go on. Pure. */
#ifndef LBHA_VRRP_RELOAD_H
#define LBHA_VRRP_RELOAD_H

#include <stddef.h>

#include "config/model.h"

struct arena;

enum vrrp_change {
	VRRP_SAME,     /* in all it does; keeps machine, timers, counters, addresses */
	VRRP_CHANGED,  /* in place: priority, addresses, times … */
	VRRP_REPLACED, /* another virtual router (interface, VRID, version, family, group, virtual_mac, AH) */
	VRRP_ADDED,
	VRRP_REMOVED,
};

struct vrrp_reload_row {
	enum vrrp_change change;
	const struct instance *old, *new; /* NULL: none */
	size_t old_index, new_index;
};

struct vrrp_reload {
	struct vrrp_reload_row *rows; /* the new instances in their order, then the removed ones */
	size_t count;
};

/* `old` are the instances of the running routers. -ENOMEM. */
int vrrp_reload_plan(struct arena *arena, const struct instance *const *old, size_t old_count,
		     const struct instance *new_instances, size_t new_count,
		     struct vrrp_reload *out);

/* Tells a row in lines for people ("public: priority 150 → 100"), none for VRRP_SAME. */
void vrrp_reload_tell(const struct vrrp_reload_row *row, void (*line)(void *ctx, const char *text),
		      void *ctx);

#endif
