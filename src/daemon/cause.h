/* Why something is not as it should be, across workers: a chain of links from the roots (a server that does not answer, a
 * link without carrier, an operator's word) over what they bring about (a service below its quorum) to the effect (an
 * instance that is BACKUP). Made of the facts in the mirror alone. Pure; bounded: what there is no room for is counted in
 * the reason of what it leads to ("; 6 more servers", "; 2 more causes"). What others lead to goes before them: no link is
 * left out of a chain for one that is further from its effect. */
#ifndef LBHA_DAEMON_CAUSE_H
#define LBHA_DAEMON_CAUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/nstime.h"

struct mirror;

#define CAUSE_LINKS 12   /* of a chain, the effect among them */
#define CAUSE_ROOTS 4    /* servers told of one service */
#define CAUSE_OBJECT 192 /* room for texts, with the zero */
#define CAUSE_STATE 32
#define CAUSE_REASON 240

enum cause_kind {
	CAUSE_SERVER,    /* SERVICE/SERVER */
	CAUSE_SERVICE,
	CAUSE_CHECK,     /* a tracked one */
	CAUSE_INTERFACE,
	CAUSE_INSTANCE,
	CAUSE_GROUP,
	CAUSE_OVERRIDE,  /* what an operator said of that object */
	CAUSE_WORKER,    /* one that does not run, so that nothing is known */
};

const char *cause_kind_name(enum cause_kind kind);

#define CAUSE_NONE SIZE_MAX

struct cause_link {
	enum cause_kind kind;
	char object[CAUSE_OBJECT];
	char state[CAUSE_STATE];
	char reason[CAUSE_REASON];
	nstime since;             /* 0: not known */
	bool is_wall;             /* since is wall time; else it is on our clock */
	struct endpoint address;  /* of a server */
	size_t leads_to;          /* which link it brings about; CAUSE_NONE: it is the effect */
};

/* In the order from the roots to the effect, which is the last. */
struct cause {
	struct cause_link links[CAUSE_LINKS];
	size_t count;
	/* while it is made: places for links that come behind what leads to them, and how many found none */
	size_t kept;
	unsigned left_out;
};

/* Each fills `out`: nothing when there is nothing to explain (a service that is up, a MASTER with its whole priority).
 * Indices are those of the model, which the mirror must have. */
void cause_of_service(const struct mirror *mirror, size_t service, struct cause *out);
void cause_of_instance(const struct mirror *mirror, size_t instance, struct cause *out);
void cause_of_group(const struct mirror *mirror, size_t group, struct cause *out);

#endif
