/* From a wanted and an actual IPVS table to the operations between them. What exists is changed by
 * SET, never deleted and added, so connections stay: the kernel changes all of a virtual service and
 * of a destination in place but their keys (ip_vs_edit_service, ip_vs_edit_dest), the scheduler, its
 * flags, persistence and the forwarding method included. Order: per service its own change, then what
 * brings capacity (new destinations, weights raised from 0), then all other changes; removals come
 * after all of that, over all services. So a service that has (usable) servers before and after has
 * some at every moment between, and whoever applies a plan may stop before its removals. An actual
 * service that is neither wanted nor owned is left alone.
 *
 * Some schedulers (mh, sh, dh) choose by a table that they fill walking the list of destinations,
 * which is in the order of addition. So that all directors choose alike, whatever each has been
 * through, destinations of such a service are to have been added in the order of their keys: those
 * that follow one that came too late are deleted and added again, one by one, when all else is done.
 * The kernel takes a destination that has connections out of its trash for that: they go on, with
 * its counters; a packet that comes in the very moment between is dropped, to be sent again (whoever
 * applies it sees that expire_nodest_conn is off for the moment, or its connection would end). A destination with a weight is moved only if another one
 * has a weight, too. What is not made alike: mh gives one of weight 0 the places that it had before,
 * and none if it never had a weight. */
#ifndef LBHA_IPVS_PLAN_H
#define LBHA_IPVS_PLAN_H

#include <stddef.h>

#include "ipvs/table.h"

struct arena;
struct text;

enum ipvs_op_kind {
	IPVS_ADD_SERVICE,
	IPVS_SET_SERVICE,
	IPVS_DEL_SERVICE,
	IPVS_ADD_DEST,
	IPVS_SET_DEST,
	IPVS_DEL_DEST, /* facts count them in this order (config/facts.h) */
};

struct ipvs_op {
	enum ipvs_op_kind kind;
	struct ipvs_service_key service;
	struct ipvs_service_attr service_attr; /* ADD_SERVICE and SET_SERVICE */
	struct ipvs_dest_key dest;             /* the *_DEST kinds */
	struct ipvs_dest_attr dest_attr;       /* ADD_DEST and SET_DEST */
};

struct ipvs_plan {
	struct ipvs_op *ops;
	size_t count;
	size_t removals; /* index of the first removal; count: there is none */
};

/* A set of virtual services: sorted, no key twice. */
struct ipvs_keys {
	struct ipvs_service_key *keys;
	size_t count;
};

bool ipvs_keys_have(const struct ipvs_keys *set, const struct ipvs_service_key *key);

/* The keys of all services of a table: what may be removed where nothing foreign is to stay. -ENOMEM. */
int ipvs_keys_of(struct arena *arena, const struct ipvs_table *table, struct ipvs_keys *out);

/* The whole table, but for the order of destinations. `owned` names the services that may be removed.
 * Sets the places of the desired destinations as they are when the plan has been carried out.
 * -ENOMEM. */
int ipvs_plan_build(struct arena *arena, struct ipvs_table *desired,
		    const struct ipvs_table *actual, const struct ipvs_keys *owned,
		    struct ipvs_plan *out);

/* Moves destinations of a table, whose places are those in the kernel, to where they should be;
 * appended to a plan, the places become those after it. A move is two operations: IPVS_DEL_DEST, and
 * IPVS_ADD_DEST of the same destination. -ENOMEM. */
int ipvs_plan_order(struct arena *arena, struct ipvs_table *table, struct ipvs_plan *plan);
/* Whether a move begins here. */
bool ipvs_plan_is_move(const struct ipvs_op *ops, size_t count);

/* The removals alone, for when changes were refused and `actual` is what the kernel has since: none
 * that would take the last usable servers of a service that is wanted with some. -ENOMEM. */
int ipvs_plan_safe_removals(struct arena *arena, const struct ipvs_table *desired,
			    const struct ipvs_table *actual, const struct ipvs_keys *owned,
			    struct ipvs_plan *out);

/* One service, with the same rules, moves and all, appended to a plan (whose `removals` then means
 * nothing); `desired` NULL removes it, `actual` NULL: the kernel has it not. -ENOMEM. */
int ipvs_plan_service(struct arena *arena, struct ipvs_service *desired,
		      const struct ipvs_service *actual, struct ipvs_plan *plan);

/* An operation in ipvsadm's terms: "ipvsadm -a -t 192.168.8.200:80 -r 192.168.8.20:80 -g -w 1". */
void ipvs_op_format(const struct ipvs_op *op, struct text *out);
#define IPVS_OP_TEXT 256

/* Why the kernel refused an operation: "ipvsadm -A …: this kernel has no scheduler twos
 * (ip_vs_twos, CONFIG_IP_VS_TWOS)". `error` is a negative errno, `words` the kernel's own ("" when
 * it gave none). */
void ipvs_refusal_format(const struct ipvs_op *op, int error, const char *words, struct text *out);

/* "tcp 192.168.8.200:80", "mark 7 ipv4": a virtual service for people. */
void ipvs_service_key_format(const struct ipvs_service_key *key, struct text *out);

/* "-t 192.168.8.200:80", "-f 7", "-f 7 -6": the same as ipvsadm(8) is told. */
void ipvs_service_key_words(const struct ipvs_service_key *key, struct text *out);

#endif
