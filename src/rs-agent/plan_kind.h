/* One kind of object in a plan: how it is wanted and undone, and what is said about it. Each kind
 * has a file of its own, plan_<kind>.c; plan.c walks over all of them. */
#ifndef LBHA_RS_AGENT_PLAN_KIND_H
#define LBHA_RS_AGENT_PLAN_KIND_H

#include "base/text.h"
#include "rs-agent/plan.h"

struct rs_builder {
	struct arena *arena;
	const struct rs_desired *desired;
	const struct rs_actual *actual;
	const struct owned_set *journal;
	struct rs_plan plan;
};

struct rs_kind {
	unsigned records; /* set of enum owned_kind (RS_RECORD): what it finds in the journal */
	/* Steps to all that is desired of this kind. 0 or -errno. */
	int (*want)(struct rs_builder *builder);
	/* A step for something of the journal, unless it is desired. */
	void (*undo)(struct rs_builder *builder, const struct owned *record);
	/* NULL: silent. */
	void (*words)(const struct rs_step *step, struct text *out);
	void (*command)(const struct rs_step *step, struct text *out);
	void (*object)(const struct rs_step *step, struct text *out);
	const char *names[RS_ACTIONS]; /* of steps, for programs; FORGET and LEAVE need none */
};
#define RS_RECORD(kind) (1u << (kind))

extern const struct rs_kind rs_kind_wish, rs_kind_sysctl, rs_kind_table, rs_kind_link, rs_kind_port,
	rs_kind_address, rs_kind_route;

/* When memory is out the arena knows. */
void rs_builder_put(struct rs_builder *builder, const struct rs_step *step);
/* The journal's record of the same thing; NULL: none. */
const struct owned *rs_builder_known(const struct rs_builder *builder, const struct owned *record);

#endif
