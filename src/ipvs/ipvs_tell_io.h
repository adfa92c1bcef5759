/* What the ipvs worker says: facts for the peers that they concern, sentences for the log. Facts
 * are numbered: the table, then the services of the model, then all their servers, then
 * the services' traffic (ipvs/state.h). */
#ifndef LBHA_IPVS_IPVS_TELL_IO_H
#define LBHA_IPVS_IPVS_TELL_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "config/facts.h"
#include "ipvs/state.h"

struct worker;

struct ipvs_told {
	struct fact_table table; /* as last said */
	bool was_ready;
};

/* For worker_ops: how many facts there are, and one of them for a peer. `state` NULL: no model yet.
 */
uint32_t ipvs_told_count(const struct ipvs_state *state);
bool ipvs_told_fact(const struct ipvs_told *told, const struct ipvs_state *state, int peer,
		    uint32_t index, uint16_t *type, struct writer *out);

/* Marks the table's fact for the peers if it is a new one. */
void ipvs_tell_table(struct ipvs_told *told, struct worker *worker, const struct fact_table *table);

/* Logs what has become of servers and services and marks their facts for the peers. */
void ipvs_tell_changes(struct worker *worker, struct ipvs_state *state);

/* Marks the facts of all leavers. */
void ipvs_tell_leavers(struct worker *worker, const struct ipvs_state *state);

/* Marks the facts of ways that are not as they were told last. */
void ipvs_tell_ways(struct worker *worker, struct ipvs_state *state);

/* What a generation starts with is no news for the log; the frame sends all facts then anyway. */
void ipvs_tell_nothing_new(struct ipvs_state *state);

#endif
