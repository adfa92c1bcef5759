/* A virtual wire with 2 to 5 routers on it, in virtual time, all chances from one seed. The routers
 * are the real state machine; what is around it (wire, kernel, process, clock) is played here.
 * Every step is held against the rules that must hold at any moment; the first broken one is kept
 * in world.broken. */
#ifndef LBHA_TESTS_SIM_WORLD_H
#define LBHA_TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "vrrp/fsm.h"

#define ROUTERS_MAX 5
#define HELD_MAX 256 /* packets that wait for a paused router, as in a socket's buffer */

struct packet {
	unsigned from;
	uint8_t priority;
	nstime interval;
};

struct router {
	unsigned id;
	struct vrrp_machine machine;
	struct vrrp_config config;
	bool running;    /* the worker lives */
	bool paused;     /* but does not get the processor */
	bool link;       /* its interface has a carrier */
	bool stopping;   /* a release was ordered */
	unsigned part;   /* routers hear those of the same part */
	unsigned life;   /* which worker: events for an earlier one are void */
	bool holds;      /* the kernel has the addresses */
	bool wanted;
	unsigned writes; /* under way */
	bool written;    /* a WRITTEN that waits for the end of a pause */
	bool added;      /* the WRITTEN to come has something to tell */
	nstime due;      /* the timer as asked for, */
	nstime fire_at;  /* and with its lateness */
	nstime sent;     /* last advert: the state page */
	nstime announced;
	bool was_master; /* the state page */
	struct packet held[HELD_MAX];
	unsigned held_count;
	nstime stepped;  /* instant of the last step, */
	unsigned spins;  /* and how many at it: a machine that spins is broken */
};

struct event;

struct world {
	uint64_t random;
	bool trace;
	nstime now;
	struct router routers[ROUTERS_MAX];
	unsigned count;
	/* the wire and the kernel */
	unsigned loss, duplicate; /* per thousand */
	nstime delay, jitter, write_delay, lateness, latest;
	struct event *events;
	unsigned event_count, event_room;
	uint64_t sequence;
	/* what is watched */
	nstime disturbed;    /* last change of the surroundings */
	nstime bound;        /* a part with somebody able has a holder so long after it, */
	nstime vacant[2];    /* but for as long as a slow kernel takes: since when it has none */
	bool gapless;        /* somebody must hold the addresses at every moment */
	nstime empty_since, longest_gap; /* nobody held them; NSTIME_NEVER: somebody does */
	uint64_t transitions, adverts, steps;
	char broken[256];
};

/* `interval` is everybody's; priorities and the rest of each router are up to the caller, before
 * world_start. */
void world_init(struct world *world, uint64_t seed, bool trace, unsigned count, nstime interval);
void world_fini(struct world *world);

/* A number below `below` (> 0). */
uint32_t world_pick(struct world *world, uint32_t below);

/* Lets time pass until `until`, or until a rule is broken. */
void world_run(struct world *world, nstime until);

/* What can happen to a router, now. Each is a disturbance. */
/* A new worker on a node that has nothing; the node crashes, addresses and all; the worker is
 * killed, addresses stay; a new worker reads the page. */
void router_start(struct world *world, struct router *router);
void router_crash(struct world *world, struct router *router);
void router_kill(struct world *world, struct router *router);
void router_come_back(struct world *world, struct router *router);
void router_pause(struct world *world, struct router *router);
void router_go_on(struct world *world, struct router *router);
void router_link(struct world *world, struct router *router, bool up);
void router_release(struct world *world, struct router *router);
void router_ready(struct world *world, struct router *router);
void router_priority(struct world *world, struct router *router, uint8_t priority);
/* The routers with their bit set against the others. */
void world_part(struct world *world, unsigned mask);

/* Running, not paused, with a link, not stopping. */
bool router_able(const struct router *router);
/* Masters (not releasing) in a part. */
unsigned world_masters(struct world *world, unsigned part, struct router **last);
void world_break(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void world_note(const struct world *world, const struct router *router, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
