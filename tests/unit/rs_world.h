/* A small kernel and journal in memory, on which plans of lbha-rs are carried out, and which can crash
 * at any moment. */
#ifndef LBHA_TESTS_RS_WORLD_H
#define LBHA_TESTS_RS_WORLD_H

#include <stdbool.h>

#include "rs-agent/journal.h"
#include "rs-agent/plan.h"

#define LO 1
#define ETH0 2

#define WORLD_LINKS 12
#define WORLD_SYSCTLS 48
#define WORLD_PORTS 8
#define WORLD_ROUTES 12
#define JOURNAL_ROOM 65536
#define FOR_EVER 1000000

struct world {
	struct arena *arena;
	struct link links[WORLD_LINKS];
	size_t link_count;
	uint32_t last_index;
	struct address_list addresses;
	struct sysctl_value sysctls[WORLD_SYSCTLS];
	size_t sysctl_count;
	struct rs_port ports[WORLD_PORTS];
	size_t port_count;
	struct route routes[WORLD_ROUTES]; /* in the kernel's order */
	size_t route_count;
	const char *table; /* the ARP filter; "": none */
	char journal[JOURNAL_ROOM];
	size_t journal_length;
	long budget; /* things that may still happen before the crash */
};

struct addr addr_of(const char *text);
struct address on_link(uint32_t link, const char *text, uint8_t protocol);
struct rs_wish dr(const char *vip);
struct rs_wish tunnel_to(const char *vip, const char *local, enum tunnel_type type);
struct rs_wish nat(const char *vip, const char *gateway);
extern const struct rs_wishes nothing;

/* lo and eth0, without addresses; all sysctls 0. */
void world_init(struct world *world, struct arena *arena);
struct world *world_copy(struct arena *arena, const struct world *world);
void world_put(struct world *world, struct address address);
/* As `ip route prepend default via`. */
void world_put_route(struct world *world, const char *via, uint32_t metric, uint8_t protocol);
/* Made by somebody else. */
void world_put_link(struct world *world, const char *name, const char *alias);
struct sysctl_value *world_sysctl(struct world *world, const char *path);

struct rs_actual world_actual(struct world *world);
struct owned_set world_journal(struct world *world);
struct rs_desired world_desired(struct world *world, const struct rs_wishes *wishes);
struct rs_plan world_plan(struct world *world, const struct rs_wishes *wishes);

enum world_end {
	WORLD_DONE,
	WORLD_CRASHED,
	WORLD_REFUSED, /* something is in the place of ours */
};
/* One run of the program. */
enum world_end world_run(struct world *world, const struct rs_wishes *wishes);

#endif
