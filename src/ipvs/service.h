/* What a service wants of the kernel's table, given the verdicts of its checks; and how it fares.
 * Pure rules, one server or one service at a time:
 *  - a server is up when all its probes are up (or it has none), down when any is down, else
 * unknown; one that the file disables is not asked and so always unknown;
 *  - up: in the table with its weight (0 is a weight like any other);
 *  - down: weight 0 and its connections stay (quiesce), or out of the table (remove);
 *  - unknown: as the table has it. A server nobody has asked yet gets no traffic, and one that has
 * traffic keeps it: a fact never known takes no weight away;
 *  - drained: as those, but with weight 0. It goes on being checked, so that a drained server that
 * dies loses its clients where on_failure says so;
 *  - drained with an end (ipvs/drain.h): likewise, but only as the table has it;
 *  - disabled: out of the table.
 *  - what its checks tell of a server beside the verdict stands over the model: a weight, or a share of
 * the configured one; drain is drained, maint is disabled, but for being asked all the time. What the
 * model drains or disables stays so. Over both stands what an operator said of the same thing.
 * Servers that are drained or disabled are no part of the quorum, whoever said so, nor are those of
 * weight 0, and a service is not degraded for want of them. A share of a weight is no smaller part of the
 * quorum: a server that is busy is up. A service that has lost its quorum is down until it has the hysteresis
 * more than that; one that has it is up until it has the hysteresis less, or nothing. At the start,
 * as long as verdicts are missing, the quorum itself counts.
 *  - panic: when fewer than panic_threshold of the enabled servers with a weight and a verdict are
 * up, those that are down are used like the others, for the checks may be wrong, and the few that
 * are left would not bear it all.
 *  - sorry: when a service has lost its quorum, and is not in panic, and its sorry server is up, that
 * one is used alone: the others are treated as if they were down. A sorry server that is not used
 * leaves like one that is down, and with quiesce for good when its last connection is gone: the next
 * time is far, and who reads the table would ask what it does there. One that is a real server, too, which is drained or disabled, is not
 * used. One that the table has with a weight when nothing is known yet says
 * that the quorum was lost. */
#ifndef LBHA_IPVS_SERVICE_H
#define LBHA_IPVS_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/facts.h"
#include "config/model.h"

/* What is in force of a server: the model's word, unless that of its checks stands over it, and over
 * that the operator's. */
struct ipvs_terms {
	enum admin_state admin;
	uint32_t weight; /* as the quorum counts it */
	bool ends; /* drained: out of the table in the end, so it is never put in */
	bool admin_is_said, weight_is_said; /* by an operator: checks are not asked */
	struct advice told; /* what of the checks' words is in force */
};

struct ipvs_terms ipvs_terms_of(const struct real_server *server);

/* Terms of the model and of operators, with what the server's checks tell. */
struct ipvs_terms ipvs_terms_with(const struct ipvs_terms *terms, const struct advice *told);

/* The weight to be programmed when nothing holds it back. A share of more than 0% is at least 1. */
uint32_t ipvs_terms_weight(const struct service *service, const struct ipvs_terms *terms);

/* `verdicts` has one element per probe of the model. */
enum verdict ipvs_server_health(const struct real_server *server, const enum verdict *verdicts);

enum ipvs_presence {
	IPVS_ABSENT,
	IPVS_PRESENT,
	IPVS_AS_FOUND, /* as the table has it, or not at all */
};

struct ipvs_want {
	enum ipvs_presence presence;
	uint32_t weight; /* of PRESENT; of AS_FOUND at most this */
	/* of PRESENT: the connections that its checks say it can bear, in place of upper_threshold */
	bool is_limited;
	uint32_t limit;
};

struct ipvs_want ipvs_server_want(const struct service *service, const struct ipvs_terms *terms,
				  enum verdict health);

/* A server as it stands. */
struct ipvs_server {
	struct ipvs_terms terms;
	enum verdict health;
	nstime ramping; /* since when it gets its weight step by step (ipvs/ramp.h); 0: it has it all */
	bool is_idle;    /* of a sorry server that is out of use: its last connection is gone */
	bool in_table;
	uint32_t weight; /* as programmed; 0 when not in the table */
};

enum ipvs_quorum {
	IPVS_QUORUM_UNDECIDED, /* there was a verdict missing ever since */
	IPVS_QUORUM_MET,
	IPVS_QUORUM_LOST,
};

/* Panic lasts so long after enough servers are up again. */
#define IPVS_PANIC_HOLD (10 * NSTIME_S)

struct ipvs_condition {
	enum service_state state;
	enum ipvs_quorum quorum; /* by weights alone, whatever is done without one */
	bool panic;
	bool sorry;        /* the sorry server answers in the place of all others */
	nstime calm_since; /* in panic: since when enough servers are up; 0: too few are */
	nstime due;        /* to be looked at then, though nothing is heard; 0: never */
	uint64_t have;     /* weights in force of the enabled servers that are up or serve as found */
	uint32_t needed;   /* the quorum */
	char reason[FACT_DETAIL];
};

/* How a service fares; `servers` stand in the order of service_server(), `before` is how it fared
 * until now (zeros: nothing is known). */
struct ipvs_condition ipvs_service_condition(const struct service *service,
					     const struct ipvs_server *servers,
					     const struct ipvs_condition *before, nstime now);

/* What a service in that condition wants of each of its servers. */
void ipvs_service_wants(const struct service *service, const struct ipvs_server *servers,
			const struct ipvs_condition *condition, nstime now, struct ipvs_want *wants);

#endif
