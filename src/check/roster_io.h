/* What the engine keeps of one generation: of each probe of its model, and what its checks need. All memory is
 * had before the commit, so that nothing can fail after it. Shared by engine_io.c and its maker only. */
#ifndef LBHA_CHECK_ROSTER_IO_H
#define LBHA_CHECK_ROSTER_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "check/merge.h"
#include "check/outcome.h"
#include "check/schedule.h"

struct arena;
struct model;
struct patterns;
struct subject;
struct tls_store;

#define NOT_FLYING UINT32_MAX

/* Words of a predecessor's outcomes that are constants there; they go from roster to roster. */
struct heirlooms {
	size_t count;
	char words[64][OUTCOME_SAID];
};

struct roster {
	struct arena *arena;
	const struct model *model;
	struct subject *subjects;
	struct patterns *patterns; /* by check */
	char *said;      /* OUTCOME_SAID bytes for each subject whose type has words of its own */
	uint32_t *slots; /* by probe: its flight, or NOT_FLYING */
	bool *held;      /* by probe */
	bool *hurried;   /* by probe: its next start is one of many at once; the one after that is not */
	struct schedule starts;
	struct tls_store *tls;
	struct heirlooms *heirlooms; /* NULL: none */
	struct arena *scratch; /* of the merge: until the commit */
	struct merge merge;
	nstime *recalled; /* in scratch, by probe: when its predecessor was to start it; 0: nothing is known of it. NULL: of none */
};

/* Of a model in `arena`, which is taken over on success; `old` (NULL: none) is the one before. Freed by
 * roster_free(). NULL when out of memory. */
struct roster *roster_new(const struct roster *old, struct arena *arena, const struct model *model);

/* At the commit: a probe that was not there before gets its first start, or goes on where its predecessor's was. */
void roster_begin(struct roster *roster, uint32_t index, nstime now);

#endif
