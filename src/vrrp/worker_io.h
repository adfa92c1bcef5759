/* The vrrp worker's living things, shared by its files:
 *
 *   vrrp_main   the frame: facts, the kernel's events, release
 *   reload_io   a new configuration is taken
 *   group_io    a sync group: what its members do together
 *   router_io   a virtual router: steps its machine, does what that asks for, tells
 *   router_life_io   it is made, changed, freed
 *   faults_io   why it cannot be MASTER now
 *   port_io     an interface that routers use: its link and the source addresses on it
 *   wire_io     its sockets: who gets which advert, and what goes out where
 *   trackers_io what the routers track: priority, and faults that are not their own
 *   leave_io    another worker goes on; what that one inherits
 *   estate_io   what a router has in the kernel, on its own interface and others
 *   routes_io   routes while MASTER: what is wanted, what is there, what to do
 *   refusals_io accept: false
 *   announcing_io  gratuitous ARP and neighbour advertisements, paced
 *   overrides_io, orders_io   what operators said, and what they want done now
 *   vlinks_io   the links of virtual MAC addresses: made, raised, lowered, removed
 *   tunes_io    sysctls of the interfaces below those
 *   vips_io     virtual addresses in the kernel: what is wanted, what is there, what to do
 *
 * Everything is allocated at a commit; in the steady state nothing is. Nothing but vips_io writes
 * addresses, and it only hands operations to the rtnl writer's thread. */
#ifndef LBHA_VRRP_WORKER_IO_H
#define LBHA_VRRP_WORKER_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nstime.h"
#include "config/facts.h"
#include "config/model.h"
#include "core/log.h"
#include "core/loop.h"
#include "net/address.h"
#include "net/link.h"
#include "net/route.h"
#include "vrrp/advert_io.h"
#include "vrrp/fsm.h"
#include "vrrp/group.h"
#include "vrrp/packet.h"
#include "net/repair.h"
#include "vrrp/rounds.h"
#include "vrrp/source.h"

struct owned_sysctl;
struct rtnl_op;
struct rtnl_writer;
struct announcer;
struct arena;
struct group;
struct monitor;
struct orders;
struct owned_set;
struct port;
struct reader;
struct router;
struct said;
struct statepage_instance;
struct sysctl_order;
struct text;
struct trackers;
struct tune;
struct vlink;
struct vrrp_counters;
struct vrrp_heirs;
struct worker;

/* A virtual address on a port. Lives while a router lists it, or it is ours in the kernel, or an
 * operation is under way. */
struct held {
	struct prefix prefix;
	struct port *port;
	const struct vip *about; /* its attributes, in the router that listed it last; NULL: none */
	struct router *router;   /* that one */
	unsigned users;       /* routers that list it */
	unsigned wants;       /* of these, masters */
	unsigned busy;        /* operations under way */
	bool owned, present;  /* written down as ours; in the kernel, */
	bool made;            /* by us, not only adopted */
	bool differs;         /* where it is not as it is wanted, */
	bool dead;            /* or failed duplicate address detection */
	bool reconfigured;    /* it differs because it is wanted otherwise now */
	bool heard;           /* the monitor told that it is there, since the last operation began */
	bool awaited;         /* in, but the kernel has not said yet that it works */
	bool lost;            /* the kernel took it, with its link */
	bool doubted;         /* the answer to the last operation was lost, so it is asked for again */
	bool lifted;          /* taken out to be put in anew */
	bool listed;          /* in the list that is being made */
	bool handed;          /* a master had it when the reload began */
	bool fresh;           /* put in since its routers were told */
	bool lent;            /* it has a lifetime that we gave it */
	int error;            /* the kernel's last refusal */
	nstime retry_at;
	nstime answered;      /* the last operation */
	struct repair repair;
};

/* What came in on an interface and names no router of it. */
struct stray {
	uint64_t count;
	struct addr from; /* the last one */
	nstime at;
};
#define PORT_STRAYS 4

struct port {
	struct vrrp_worker *worker;
	char name[LINK_NAME];
	struct link link;     /* index 0: absent */
	struct advert_socket *sockets[ADVERT_KINDS]; /* open while a router needs them */
	int socket_errors[ADVERT_KINDS];
	bool rewire;             /* which sockets and groups are needed has changed */
	struct stray strays[2][PORT_STRAYS]; /* IPv4, IPv6 */
	uint8_t foreign[2][32];  /* virtual routers of others that were told; IPv4, IPv6 */
	struct router **routers; /* the leaving ones too; by family and virtual router id */
	size_t router_count, router_room;
	struct router **guests;  /* whose own port is another, with addresses here */
	size_t guest_count, guest_room;
	struct held **helds;  /* by prefix */
	size_t held_count, held_room;
	size_t pending;       /* operations under way on it */
	bool stale;           /* its addresses have changed: routers may have another source */
	bool touched;         /* look at it again, */
	nstime look_again;    /* and compare with the kernel then; 0: no need */
	struct log_bucket complaints;
	struct rounds rounds; /* of announcements */
	struct loop_timer announcing;
	struct vlink *vlink;     /* the interface is the link of a virtual MAC address, */
	struct router *tenant;   /* and of this router */
};

/* The addresses that a router announces on one interface. */
struct herald {
	struct round round;   /* first, so that a round is its herald */
	struct port *port;
	struct held **helds;  /* round.count of them, in the order of the file */
	bool forwards;        /* the interface did when the round began */
};

/* What was dropped. Most routers never see such an advert, and there may be thousands of routers: it
 * is made when the first one comes. */
struct drops {
	uint64_t total;
	uint64_t count[VRRP_DROP_COUNT];
	struct addr from[VRRP_DROP_COUNT]; /* the last sender of each; family 0: unknown */
	nstime at[VRRP_DROP_COUNT];        /* and when */
};

struct router {
	struct vrrp_worker *worker;
	struct port *port;             /* where it listens */
	struct port *home;             /* where its addresses are: the same, or its own link */
	struct vlink *vlink;           /* of its virtual MAC address; NULL: it has none */
	struct group *group;           /* NULL: a router of its own */
	struct arena *arena;           /* of `about` and the arrays below */
	struct instance about;
	struct vrrp_machine machine;
	struct vrrp_config config;
	struct loop_timer timer;

	/* small things together: there may be thousands of routers */
	uint32_t index;                /* of its fact */
	unsigned ordered;              /* orders that wait for it */
	unsigned refusals;             /* takeovers in a row that the kernel refused */
	uint8_t family;                /* of its adverts */
	uint8_t base_priority;         /* before the trackers: configured, or the operator's */
	bool started, leaving, released;
	bool changed;                  /* the machine is to be told of another configuration */
	bool raises;                   /* counted as wanting its vlink up */
	bool holds;                    /* counted in held.wants */
	bool waiting;                  /* the machine waits for WRITTEN */
	bool contested;                /* a repair keeps coming undone */
	bool unannounced;              /* since it became master: the next round is urgent */

	struct held **helds;           /* the virtual addresses, in the order of the file */
	struct herald *heralds;        /* by interface */
	uint8_t *wire;                 /* the advertised addresses as bytes of an advert */
	uint32_t address_count, herald_count, wire_count;
	uint64_t wire_print;           /* of `wire`, to compare (accept.h) */
	struct vrrp_source source;     /* config.source, or why there is none */
	struct vrrp_counters *counters; /* AH; else NULL */
	struct statepage_instance *page;

	uint64_t faults;
	nstime retry_at;               /* VRRP_FAULT_ADDRESS stands until then */
	char *fault_text;              /* these in words (note_text) */
	char *repair;                  /* the last one (note_text) */
	char *missing;                 /* (note_text) what a master has not in the kernel, and why */
	uint64_t repairs;              /* of its addresses and routes, undoing what others did */

	uint64_t sent, received, told; /* told: sum of all counters when they were told last */
	struct drops *drops;           /* NULL: none ever */
	nstime due;                    /* of the advert that is being sent; 0: it had no time */
	uint64_t late[VRRP_LATE_COUNT], late_sum;
	uint64_t noted_print;          /* the adverts of a master that were compared with ours */
	uint64_t other_addresses;      /* adverts accepted although they list other addresses */
	struct addr noted, other_from; /* whose they were; the last sender of the others */
	struct log_bucket complaints;
};

struct vrrp_worker {
	struct worker *frame;
	struct monitor *monitor;
	struct rtnl_writer *writer;
	struct announcer *announcer;
	struct advert_hub *hub;
	bool synced;                   /* the monitor has seen the kernel once */
	bool adopted;                  /* the file of owned things was read */
	bool configured;               /* there was a commit: before it nothing is unwanted */
	bool ready;                    /* the table is programmed, or there are no services */
	bool has_services;
	bool has_peers;                /* there are other directors */
	bool maintenance;              /* nothing is claimed, nothing repaired */
	bool committing;               /* COMMITTED is to be said when the kernel has everything */
	bool stopping;
	bool departing, gone;          /* another worker goes on; all is left to it */
	bool restarted;                /* this one goes on where another daemon's left */
	unsigned lendings;             /* rounds of lending */
	nstime depart_until;           /* it comes before that; 0: it is ready */
	struct vrrp_heirs *heirs;      /* what was left to us, until our routers begin; NULL: nothing */
	struct arena *heirs_arena;
	int status;
	nstime started, ready_timeout;
	uint64_t random;

	struct port **ports;
	size_t port_count, port_room;
	struct router **routers;       /* by index of their facts */
	size_t router_count;
	struct group **groups;         /* by index of their facts, behind those of the routers */
	size_t group_count;
	bool forming;                  /* groups get new members: they are looked at afterwards */
	struct router **leaving;
	size_t leaving_count, leaving_room;

	struct routes *routes;
	struct refusals *refusals;     /* NULL: nothing was ever refused */
	struct trackers *trackers;     /* of this generation; NULL before the first */
	struct said *said;             /* overrides */
	struct orders *orders;

	struct arena *prepared_arena;
	struct model *prepared;

	struct vlink **vlinks;
	size_t vlink_count, vlink_room;
	bool unlinking;                /* one of them is on its way out */
	struct tune **tunes;           /* sysctls of the interfaces below them */
	size_t tune_count, tune_room;

	struct loop_timer settle;      /* at once: what has changed is looked at */
	struct loop_timer later;       /* repairs, retries */
	struct loop_timer tick;        /* counters */
	struct loop_timer track_due;   /* delays of trackers */
};

/* ---- vrrp_main ------------------------------------------------------------------------------ */

/* Something of a port has changed: its routers and addresses are looked at before the loop sleeps.
 * */
void worker_touch(struct vrrp_worker *worker, struct port *port);
/* The same for all ports, at a point in time. */
void worker_later(struct vrrp_worker *worker, nstime when);
uint32_t worker_random(struct vrrp_worker *worker);
/* Appends to an array of pointers that grows by doubling; false: out of memory. */
bool pointers_push(void *array, size_t *count, size_t *room, void *pointer);
void pointers_remove(void *array, size_t *count, const void *pointer);

/* A text of FACT_DETAIL bytes that most routers never have, and there may be thousands of routers:
 * room is made when there is something to keep. True if it is another one than before. */
bool note_keep(char **note, const char *words);
const char *note_text(const char *note);

/* The worker cannot go on: says so and ends; another one will be started. */
void worker_fail(struct vrrp_worker *worker, const char *what, int error);
/* Tells all machines whether they may preempt. */
void worker_tell_ready(struct vrrp_worker *worker);

/* Takes what is written down as ours, once the kernel was seen: not before we go on or end, since
 * somebody else may still be writing. -errno. */
int worker_adopt(struct vrrp_worker *worker);

/* ---- reload_io ------------------------------------------------------------------------------ */

/* The frame's prepare, commit and abort (core/worker.h). */
int routers_prepare(void *ctx, const void *slice, size_t size, uint32_t generation);
void routers_commit(void *ctx);
void routers_abort(void *ctx);
/* All routers that have not begun do: the kernel was seen. */
void routers_begin(struct vrrp_worker *worker);

/* ---- router_life_io ------------------------------------------------------------------------- */

/* A router in INIT with a deep copy of `about`, attached to its port and addresses. NULL: out of
 * memory. */
struct router *router_new(struct vrrp_worker *worker, const struct instance *about, uint32_t index);
void router_free(struct router *router); /* NULL is fine */
/* Takes a new configuration in place. -ENOMEM: nothing changed. */
int router_change(struct router *router, const struct instance *about);
/* Tells the machine what router_change took: when all of a commit is in place. */
void router_changed(struct router *router);

/* ---- leave_io ------------------------------------------------------------------------------- */

/* The frame's leave and inherit (core/worker.h). */
void depart(void *ctx, nstime deadline);
void inherit(void *ctx, struct reader *in);
/* Instead of settling: ends when nothing is under way. */
void depart_settle(struct vrrp_worker *worker);
/* All routers have begun: what was left to them is theirs, or nobody's. */
void inherit_end(struct vrrp_worker *worker);
/* Before a router begins, and after. */
void router_inherit(struct router *router);
void router_inherited(struct router *router);
/* The cookie of a lifetime's change has this bit beside the address of its struct held. */
#define LEASE_COOKIE 2
/* Orders that what is lent and wanted on a port lasts forever. */
void leases_end(struct port *port);
void leases_done(struct vrrp_worker *worker, uint64_t cookie, const struct address_op *op,
		 int error);

/* ---- faults_io ------------------------------------------------------------------------------ */

/* The causes as they are now (VRRP_FAULT_*), appended in words. */
uint64_t router_faults(struct router *router, struct text *text);

/* ---- router_io ------------------------------------------------------------------------------ */

/* Its timer has come. */
void router_due(void *ctx);
/* Looks at its surroundings for the first time. */
void router_prepare(struct router *router);
/* Whether it can go on as master: the page says that it was a moment ago, or it has an
 * address that this reload took from a master. */
bool router_resumes(const struct router *router);
/* The worker leaves: a master advertises once more. */
void router_last_word(struct router *router);
/* From INIT: goes on as master, or listens. Once it was prepared. */
void router_start(struct router *router, bool resume, uint64_t faults);
/* One input, and then whatever that means for its group. An operator's order is one for the whole
 * group. */
void router_step(struct router *router, struct vrrp_input input);
/* Looks at its link, source and addresses again and tells the machine what has changed. */
void router_look(struct router *router);
/* Its trackers may have changed: computes the priority anew, tells the machine and looks. */
void router_tracked(struct router *router);
/* What operators said of it has changed, perhaps: its base priority, and maintenance. */
void router_said(struct router *router, uint8_t base, bool maintenance);
/* The reason of its state in words (FACT_DETAIL bytes); returns out. */
const char *router_why(const struct router *router, char *out);
/* Tells the machine whether it may preempt. */
void router_tell_ready(struct router *router);
/* An advert that is good and for this router. */
void router_hear(struct router *router, const struct vrrp_envelope *envelope,
		 const struct vrrp_advert *advert);
void router_dropped(struct router *router, enum vrrp_drop why, const struct addr *source);
void router_fact(const struct router *router, struct fact_instance *out);
/* Marks the fact when a counter has moved since it was told. */
void router_count(struct router *router);

/* ---- estate_io ------------------------------------------------------------------------------ */

/* Known to the other ports that it has addresses on. -ENOMEM. */
int estate_attach(struct router *router);
void estate_detach(struct router *router);
void estate_touch(struct router *router);
void estate_want(struct router *router, bool wanted);
/* Wants all it has, and begins to put it in; or no longer wants it. */
void estate_take(struct router *router);
void estate_leave(struct router *router);
/* An address that the kernel refuses on its own interface; NULL: none. */
const struct held *estate_refused(const struct router *router);
/* Tells the machine when all is in, and everybody what is missing. */
void estate_look(struct router *router);
/* What somebody else did to an address of it has been undone; in words. */
void router_repaired(struct router *router, const char *words);

/* ---- routes_io ------------------------------------------------------------------------------ */

int routes_init(struct vrrp_worker *worker);
void routes_fini(struct vrrp_worker *worker);
/* What is in the file of owned things. */
int routes_adopt(struct vrrp_worker *worker, const struct owned_set *set);
/* A router ends. */
void routes_forget(struct vrrp_worker *worker, const struct router *router);
/* They are evaluated when the worker settles. */
void routes_touch(struct vrrp_worker *worker);
void routes_evaluate(struct vrrp_worker *worker);
/* The worker settles if there are routes. */
void routes_wake(struct vrrp_worker *worker);
/* No address may be removed before routes were evaluated; the ports are touched then. */
bool routes_first(struct vrrp_worker *worker);
bool routes_idle(const struct vrrp_worker *worker);
/* Each of a router's was put in, or cannot be now. */
bool routes_tried(const struct router *router);
/* Which of a master's is not there, and why; nothing if all are. */
void routes_missing(const struct router *router, struct text *text);
void routes_done(struct vrrp_worker *worker, uint64_t cookie, const struct route_op *op, int error);
/* From the monitor. */
void routes_told(struct vrrp_worker *worker, const struct route *route, bool gone);
void routes_read_begins(struct vrrp_worker *worker);
void routes_read_ends(struct vrrp_worker *worker);
void routes_link(struct vrrp_worker *worker, const struct link *link, bool gone);
void routes_address(struct vrrp_worker *worker, const struct address *address, bool gone);

/* ---- refusals_io ---------------------------------------------------------------------------- */

/* The configuration is in force: accept: false of its routers, too. */
int refusals_configure(struct vrrp_worker *worker);
void refusals_free(struct vrrp_worker *worker);
/* Why a router's is not, if so. */
void refusals_missing(const struct router *router, struct text *text);

/* ---- announcing_io -------------------------------------------------------------------------- */

/* What a router announces where, in the arena. -ENOMEM. */
int heralds_make(struct arena *arena, struct held **helds, size_t count, struct herald **out,
		 size_t *out_count);
int announcing_init(struct port *port);
void announcing_fini(struct port *port);
/* One round over all addresses; several at once are done one after the other. */
void router_announce(struct router *router);
/* No more of what is under way; whether something was. */
bool router_hush(struct router *router);

/* ---- group_io ------------------------------------------------------------------------------- */

/* The groups of a new generation, of worker->routers and among those that leave. -ENOMEM. */
int groups_take(struct vrrp_worker *worker, const struct model *model);
/* The members that have not begun do, and all groups are looked at. */
void groups_begin(struct vrrp_worker *worker);
void groups_release(struct vrrp_worker *worker);
/* Tells the plan what would change in groups. -ENOMEM. */
int groups_tell(struct vrrp_worker *worker, const struct model *model);
void group_free(struct group *group); /* NULL is fine */
/* Gives members inputs until all agree. */
void group_settle(struct group *group);
/* Whether an input to a member is an order that the whole group now carries out. */
bool group_orders(struct group *group, enum vrrp_input_kind kind);
void group_dirty(struct group *group);
/* A router that is freed. */
void group_forget(struct router *router);
const char *group_name(const struct group *group);
/* Why a member is in its state. Returns out. */
const char *group_reason(const struct router *router, char *out, size_t size);
void group_fact(const struct vrrp_worker *worker, uint32_t number, struct fact_group *out);

/* ---- port_io -------------------------------------------------------------------------------- */

/* The port of that name, made if need be; NULL: out of memory. */
struct port *port_get(struct vrrp_worker *worker, const char *name);
void port_free(struct port *port);
/* The link as it is now; NULL: there is none of that name. */
void port_link(struct port *port, const struct link *link);
/* The address that adverts of a router carry, as the kernel has it now. */
struct vrrp_source port_source(const struct port *port, const struct instance *about);

/* ---- wire_io -------------------------------------------------------------------------------- */

extern const struct advert_ops wire_ops;

bool port_attach(struct port *port, struct router *router);
void port_detach(struct port *port, struct router *router);
/* Opens the sockets that the routers of a port need and that are not open, joins their groups, and
 * closes what nobody needs. One that cannot be opened is tried again later. */
void wire_open(struct port *port);
void wire_close(struct port *port);
/* Looks whether the groups that were joined on an interface may have gone with an address of it. */
void wire_address_removed(struct vrrp_worker *worker, const struct address *address);
/* Why a router cannot send: -errno of its socket; 0: it can. */
int wire_error(const struct router *router);
/* Takes in what waits for a router. */
void wire_drain(const struct router *router);
/* Sends an advert to the group, the peers or both; *sent is to how many. 0 or the first error, with
 * whom it is about in *where (family 0: all). */
int wire_send(struct router *router, uint8_t priority, unsigned *sent, struct addr *where);
/* Bytes of its adverts, which must fit into the interface's MTU. */
size_t wire_size(const struct router *router);
/* Adds what was counted for the whole interface to a router's fact. */
void wire_add_strays(const struct router *router, struct fact_instance *fact);
uint64_t wire_stray_count(const struct router *router);

/* ---- trackers_io ---------------------------------------------------------------------------- */

/* The trackers of a new generation, knowing what the old ones knew; before its routers are made.
 * -ENOMEM. */
int trackers_take(struct vrrp_worker *worker, const struct model *model);
/* What they know, as records for a successor; `names` are those of the routers by index. Bytes at most. */
size_t trackers_carry_size(const struct vrrp_worker *worker, const char *const *names);
void trackers_carry(const struct vrrp_worker *worker, struct writer *out, const char *const *names);
/* Looks at all of them and tells all routers: after a commit, and at the first sight of the kernel. */
void trackers_begin(struct vrrp_worker *worker);
void trackers_free(struct trackers *trackers); /* NULL is fine */
void trackers_link(struct vrrp_worker *worker, const struct link *link); /* changed or gone */
void trackers_probe(struct vrrp_worker *worker, const struct fact_probe *fact);
void trackers_service(struct vrrp_worker *worker, const struct fact_service *fact);
/* It has become MASTER, or is no longer: what is tracked may count from now on, or not yet. Changes no
 * priority at once, so that a step of its machine may call it. */
void trackers_role(const struct router *router);
void trackers_due(void *ctx); /* worker->track_due */
/* The effective priority, by the base and what is so now. */
uint8_t trackers_priority(const struct router *router);
/* Whether any of them means FAULT; then appends the causes. */
bool trackers_fault(const struct router *router, struct text *causes);
/* Whether something was heard of all its checks. */
bool trackers_known(const struct router *router);
/* How many there are, for all instances; the fact of one. */
uint32_t trackers_count(const struct vrrp_worker *worker);

/* The number of the fact that tells the role of an instance (vrrp_main.c). */
static inline uint32_t worker_role_number(const struct vrrp_worker *worker, uint32_t instance)
{
	return (uint32_t)(worker->router_count + worker->group_count) + trackers_count(worker) +
	       instance;
}
bool trackers_fact(const struct vrrp_worker *worker, uint32_t number, struct fact_tracker *out);

/* ---- overrides_io --------------------------------------------------------------------------- */

struct said *said_new(void);   /* NULL: out of memory */
void said_free(struct said *said); /* NULL is fine */
/* RECORD_OVERRIDE, RECORD_OVERRIDES_END: the list takes effect with its end. -EBADMSG, -ENOMEM. */
int said_override(struct vrrp_worker *worker, struct reader *in);
int said_end(struct vrrp_worker *worker, struct reader *in);
/* The base priority of a router by itself; its sync group may say another. */
uint8_t said_base(const struct router *router);
/* Tells all routers; after a commit too. */
void said_apply(struct vrrp_worker *worker);

/* ---- orders_io ------------------------------------------------------------------------------ */

int orders_new(struct vrrp_worker *worker); /* -ENOMEM */
void orders_free(struct orders *orders);    /* NULL is fine */
void orders_record(struct vrrp_worker *worker, struct reader *in); /* RECORD_ORDER */
/* VRRP_ACTION_STEPPED_DOWN; after any step, while router.ordered; before it goes. */
void orders_stepped_down(struct router *router, bool yes);
void orders_look(struct router *router);
void orders_leave(struct router *router);

/* ---- vlinks_io ------------------------------------------------------------------------------ */

/* Gives a router its home, and its own link if it is to have one. -ENOMEM. */
int vlink_attach(struct router *router, const struct instance *about);
/* The router's configuration has changed. */
void vlink_configure(struct router *router, const struct instance *about);
void vlink_detach(struct router *router); /* it needs it no more */
/* Up while the router has its addresses, and down as soon as a successor was heard. To be called
 * before its addresses are ordered, and after each step of its machine. */
void vlink_follow(struct router *router);
/* Whether its adverts can leave from there: it is up and wanted so. */
bool vlink_carries(const struct router *router);
/* Appends what is wrong with it, if anything. */
void vlink_fault(const struct router *router, struct text *text);
/* The link of its port has changed. */
void vlink_seen(struct vlink *vlink);
void vlinks_settle(struct vrrp_worker *worker);
bool vlinks_idle(const struct vrrp_worker *worker);
void vlinks_done(struct vrrp_worker *worker, uint64_t cookie, const struct rtnl_op *op, int error);
/* What is in the file of owned things. */
int vlinks_adopt(struct vrrp_worker *worker, int owned_fd);
void vlinks_free(struct vrrp_worker *worker);

/* ---- tunes_io ------------------------------------------------------------------------------- */

/* The cookie of an order for such a sysctl has this bit; that of a link is its address. */
#define VLINK_COOKIE_TUNE 1

/* A look at all: each interface that is needed is named, and then the others are given back. */
void tunes_need(struct vrrp_worker *worker, const struct port *parent);
void tunes_settle(struct vrrp_worker *worker);
bool tunes_idle(const struct vrrp_worker *worker);
void tunes_done(uint64_t cookie, const struct sysctl_order *done, int error);
int tunes_adopt(struct vrrp_worker *worker, const struct owned_sysctl *owned);
void tunes_free(struct vrrp_worker *worker);

/* ---- vips_io -------------------------------------------------------------------------------- */

/* Made if need be, users + 1 (NULL: out of memory, or no port); users - 1, freed when nothing holds it any more. `vip` must live as
 * long as it is listed. */
struct held *held_get(struct port *port, const struct vip *vip);
void held_put(struct held *held, const struct vip *vip);
/* A reload begins: remembers what masters have. */
void vips_hand_over(struct vrrp_worker *worker);
/* Whether masters had any of a router's addresses when the reload began: it would be gone while the
 * router listens. */
bool vips_handed(const struct router *router);
bool vips_has(const struct port *port, const struct prefix *prefix);
/* As the monitor knows it; NULL: it is not there. */
const struct address *vips_told(const struct held *held);
/* What is in the file of owned things belongs to its port from now on. */
int vips_adopt(struct vrrp_worker *worker, int owned_fd);
/* Compares with the kernel, as the monitor sees it. */
void vips_refresh(struct port *port);
void vips_forget(struct port *port); /* the link has gone, and its addresses with it */
void vips_link_down(struct port *port); /* it was set down */
/* The monitor has told of one of that identity. */
void vips_seen(struct vrrp_worker *worker, const struct address *address);
/* Puts operations for what is wanted and not there. */
void vips_add(struct port *port);
/* The same, and for what is ours and not wanted: only when every router has begun. */
void vips_evaluate(struct port *port);
bool vips_idle(const struct vrrp_worker *worker);
void vips_done(struct vrrp_worker *worker, uint64_t cookie, const struct address_op *op,
	       int error);

#endif
