/* The trackers of all instances of one generation, and what they look at. Pure.
 *
 * What several trackers look at is one source, kept once with its words; each tracker sees it
 * through its own delays. The set is made anew with every generation and takes over what was known:
 * sources by kind and name, trackers by the name of their instance too. So a check whose probe has
 * another number in the new model, or is not probed yet, goes on as it was. */
#ifndef LBHA_VRRP_TRACK_SET_H
#define LBHA_VRRP_TRACK_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nstime.h"
#include "base/table.h"
#include "vrrp/track.h"

struct arena;

#define TRACK_NONE UINT32_MAX

/* The trackers of a source and of an instance are found without a search. */
struct track_set {
	struct track_source *sources;
	uint32_t *first_user;    /* by source: its first tracker, TRACK_NONE: it has none */
	char (*words)[FACT_DETAIL]; /* by source: room for its reason */
	size_t source_count;
	struct track *list;      /* those of the first instance, of the second … */
	uint32_t *next_user;     /* by tracker: the next one of the same source */
	uint32_t *owner;         /* by tracker: its instance */
	uint64_t *key;           /* by tracker: the same in every generation */
	size_t count;
	uint32_t *first;         /* by instance, and one more: where its trackers begin */
	size_t instance_count;
	struct table names, probes, services; /* sources by name, by the number of either */
};

/* The set of a model, nothing known; all of it in the arena, nothing points into the model. -ENOMEM. */
int track_set_make(struct track_set *set, const struct model *model, struct arena *arena);

/* Takes over what an older set knows. `scratch` is for this call; -ENOMEM: some is not taken over. */
int track_set_carry(struct track_set *set, const struct track_set *old, struct arena *scratch);

/* The source of that kind and name; false: nobody tracks it. */
bool track_set_source(const struct track_set *set, enum tracker_kind kind, const char *name, uint32_t *source);
/* The key of an instance's tracker. */
uint64_t track_set_key(const char *instance, enum tracker_kind kind, const char *name);

/* The source that a probe or a service feeds; false: nobody tracks it. */
bool track_set_probe(const struct track_set *set, uint32_t probe, uint32_t *source);
bool track_set_service(const struct track_set *set, uint32_t service, uint32_t *source);

/* What a source shows now. Whether anything of it changed: then its users are to be looked at. */
bool track_set_see(struct track_set *set, uint32_t source, enum verdict seen, const char *reason,
		   nstime since);

/* The trackers of an instance; count 0 beyond the last instance. */
struct track *track_set_of(const struct track_set *set, uint32_t instance, size_t *count);

/* When some tracker's delay ends next; NSTIME_NEVER: none runs. */
nstime track_set_due(const struct track_set *set);

#endif
