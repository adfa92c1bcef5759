/* Random IPVS tables out of few keys, so that wanted and actual ones have much in common, and the
 * rules that hold for all of them. */
#ifndef LBHA_TESTS_RANDOM_IPVS_H
#define LBHA_TESTS_RANDOM_IPVS_H

#include "ipvs/plan.h"

#define IPVS_RANDOM_KEYS 10

struct arena;

/* The i-th of IPVS_RANDOM_KEYS keys: tcp and udp, both families, and a mark. */
struct ipvs_service_key ipvs_random_key(unsigned i);
void ipvs_random_service(struct arena *arena, struct ipvs_service *out, unsigned key);
struct ipvs_table ipvs_random_table(struct arena *arena);

/* All that is wanted is owned, and some of the rest. */
struct ipvs_keys ipvs_random_owned(struct arena *arena, const struct ipvs_table *desired);

/* What the kernel should end with: what is wanted, and what is neither wanted nor ours. */
struct ipvs_table ipvs_expected(struct arena *arena, const struct ipvs_table *desired,
				const struct ipvs_table *actual, const struct ipvs_keys *owned);

/* Whether the destinations of each of these services that the rule is for were added in the order of
 * their keys: those whose scheduler fills a table by it, with two usable servers or more. */
bool ipvs_in_order(const struct ipvs_table *table);
/* Whether two tables of the same services say alike which destination was added before which. */
bool ipvs_same_order(const struct ipvs_table *a, const struct ipvs_table *b);

/* Servers with a weight. */
unsigned ipvs_usable(const struct ipvs_service *service);

/* No service that has servers before and after is without them now; with `usable`: nor without
 * usable ones. */
void ipvs_check_never_empty(const struct ipvs_table *before, const struct ipvs_table *after,
			    const struct ipvs_table *now, bool usable);

#endif
