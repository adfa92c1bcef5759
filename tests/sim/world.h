/* Virtual wires with 2 to 8 nodes on them, in virtual time, all chances from one seed. A node has a
 * virtual router on each wire; both may be a sync group. Nodes of lbha are the real machines
 * (node.c); others behave like keepalived (keepalived.c). What is around them (wires, kernels,
 * processes, clocks) is played here.
 *
 * Each event is held against the rules that must hold at any moment; the first broken one is kept
 * in world.broken. Who may be master of what: an *entity* is a group or a single router; two are
 * neighbours when they hear each other on a wire. */
#ifndef LBHA_TESTS_SIM_WORLD_H
#define LBHA_TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "vrrp/fsm.h"
#include "vrrp/group.h"

#define NODES_MAX 8
#define WIRES 2
#define PARTS 2      /* a wire is whole, or parted in two */
#define HELD_MAX 256 /* packets that wait for a paused node, as in a socket's buffer */

struct packet {
	unsigned from, wire;
	uint8_t priority;
	nstime interval;
};

/* The state of a peer that behaves like keepalived. */
struct peer {
	enum vrrp_state state;
	bool wants;          /* its down timer has ended; its group may not be so far */
	nstime deadline;     /* adverts, down timer */
	nstime master_interval;
	nstime lesser_since; /* preempt_delay runs from here; NSTIME_NEVER: it does not */
};

struct node;

struct router {
	struct node *node;
	unsigned wire;
	struct vrrp_config config;
	struct vrrp_machine machine; /* a node of lbha */
	struct peer peer;            /* one like keepalived */
	bool link;       /* its interface has a carrier */
	unsigned part;   /* routers hear those of the same part */
	bool holds;      /* the kernel has the addresses */
	bool wanted;
	unsigned writes; /* under way */
	bool written;    /* a WRITTEN that waits for the end of a pause */
	bool added;      /* the WRITTEN to come has something to tell */
	nstime due;      /* the timer as asked for, by its node's clock, */
	nstime fire_at;  /* and with its lateness, by the world's */
	nstime sent;     /* last advert, by the world's clock; 0: none */
	uint8_t said;    /* its priority */
	nstime announced;
	bool was_master; /* the state page, */
	nstime paged;    /* last advert by its node's clock */
	nstime stepped;  /* instant of the last step, */
	unsigned spins;  /* and how many at it: a machine that spins is broken */
};

enum answer { ANSWER_NONE, ANSWER_YES, ANSWER_NO };

struct node {
	struct world *world;
	unsigned id;
	bool like_keepalived;
	bool grouped;    /* its routers are a sync group */
	int32_t rate;    /* its clock gains so many millionths */
	struct router routers[WIRES]; /* world.wires of them */
	struct vrrp_group group;
	nstime group_due, group_fire_at;
	bool settling, may_claim;
	bool running;    /* the worker lives */
	bool paused;     /* but does not get the processor */
	bool stopping;   /* a release was ordered */
	unsigned life;   /* which worker: events for an earlier one are void */
	nstime startup_delay;
	enum answer answer; /* to the operator's release: the worst of its routers' */
	struct packet held[HELD_MAX];
	unsigned held_count;
};

/* What stands or falls together: `count` routers of a node, from the wire `first`. */
struct entity {
	struct node *node;
	unsigned first, count;
};

struct event;

struct world {
	uint64_t random;
	bool trace;
	nstime now;
	struct node nodes[NODES_MAX];
	unsigned count, wires;
	/* the wires and the kernels */
	unsigned loss, duplicate; /* per thousand */
	nstime delay, jitter, write_delay, lateness;
	nstime latest, longest; /* lateness and flight of any packet, ever */
	struct event *events;
	unsigned event_count, event_room;
	uint64_t sequence;
	/* what is watched */
	nstime disturbed;    /* last change of the surroundings */
	nstime bound;        /* no longer may an entity that could hold the addresses see nobody do so */
	bool patient;        /* the bound counts from when the last holder went (groups that depose
	                      * each other), not from the disturbance */
	nstime vacant[NODES_MAX][WIRES]; /* by entity: since when it sees no holder */
	bool gapless;        /* somebody must hold the addresses of each wire at every moment */
	nstime empty_since[WIRES], longest_gap; /* nobody held them; NSTIME_NEVER: somebody does */
	uint64_t transitions, adverts, steps;
	char broken[256];
};

/* ---- world.c -------------------------------------------------------------------------------- */

/* `interval` is everybody's; priorities and the rest of each node are up to the caller, before
 * node_start. */
void world_init(struct world *world, uint64_t seed, bool trace, unsigned count, unsigned wires,
		nstime interval);
void world_fini(struct world *world);

/* A number below `below` (> 0); a time below `below` (0: 0). */
uint32_t world_pick(struct world *world, uint32_t below);
nstime world_pick_time(struct world *world, nstime below);

/* Lets time pass until `until`, or until a rule is broken. */
void world_run(struct world *world, nstime until);

/* The routers of a wire on nodes with their bit set against the others. */
void world_part(struct world *world, unsigned wire, unsigned mask);
void world_disturb(struct world *world, const struct node *node, const char *what);

void world_break(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void world_note(const struct world *world, const struct router *router, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void world_note_node(const struct world *world, const struct node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What routers do: an advert; addresses in or out (and then router_written); an announcement. */
void world_send(struct router *router, uint8_t priority);
void world_write(struct router *router, bool add);
void world_announce(struct router *router);
/* After every event: is there an entity that could hold the addresses, and sees nobody who does? */
void world_watch(struct world *world);

/* ---- who is who ------------------------------------------------------------------------------ */

enum vrrp_state router_state(const struct router *router);
bool router_releasing(const struct router *router);
/* The i-th entity of a node; false: there are fewer. */
bool node_entity(struct node *node, unsigned i, struct entity *out);
/* Takes part: its node runs and is not paused or stopping, and all its links have a carrier. */
bool entity_present(const struct entity *entity);
/* Could become master: and is not in maintenance. */
bool entity_able(const struct entity *entity);
bool entity_is_master(const struct entity *entity); /* and not releasing */
bool entity_hears(const struct entity *a, const struct entity *b);
/* Masters among the present neighbours of an entity, and itself; *best: the highest priority that
 * they advertise. */
unsigned entity_masters(struct world *world, const struct entity *entity, uint8_t *best);

/* ---- node.c and keepalived.c ----------------------------------------------------------------- */

nstime node_clock(const struct node *node);                    /* its time now */
nstime node_when(const struct node *node, nstime local);       /* when its clock shows that */
void router_arm(struct router *router, nstime due);

void router_hear(struct router *router, const struct packet *packet);
void router_written(struct router *router, bool added);
void router_timer(struct router *router);
void group_timer(struct node *node);

/* What can happen to a node, now. Each is a disturbance.
 *
 * A new worker on a node that has nothing; the node crashes, addresses and all; the worker is
 * killed, addresses stay; a new worker reads the page. */
void node_start(struct node *node);
void node_crash(struct node *node);
void node_kill(struct node *node);
void node_come_back(struct node *node);
void node_pause(struct node *node);
void node_go_on(struct node *node);
void node_link(struct node *node, unsigned wire, bool up);
void node_release(struct node *node);
void node_ready(struct node *node);
void node_priority(struct node *node, uint8_t priority);
void node_bar(struct node *node, bool barred);
void node_group(struct node *node, bool grouped); /* a reload binds its routers, or unbinds them */
void node_order(struct node *node, enum vrrp_input_kind order); /* STEP_DOWN or CLAIM */

/* One like keepalived. */
void peer_start(struct router *router);
void peer_hear(struct router *router, const struct packet *packet);
void peer_timer(struct router *router);
void peer_link(struct router *router);
void peer_stop(struct node *node);

#endif
