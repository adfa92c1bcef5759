/* What trackers know, from one vrrp worker to the next (base/carry.h; the records beside those of vrrp/heir.h): what each
 * source shows, and what of that counts for each tracker, so that no priority rises for the moment until its check
 * has spoken again. Both are known again by their names. The numbers of enum tracker_kind and verdict are part of it:
 * they never change. */
#ifndef LBHA_VRRP_TRACK_CARRY_H
#define LBHA_VRRP_TRACK_CARRY_H

#include "base/cursor.h"
#include "vrrp/track_set.h"

struct arena;

/* Appends the records; `instances` are the names of the set's, by index. Of what is not known there is none. */
void track_carry_put(struct writer *out, const struct track_set *set, const char *const *instances);
/* How many bytes that takes at most. */
size_t track_carry_size(const struct track_set *set, const char *const *instances);

/* Takes up the records behind the head of a carry; what is malformed or of nobody is passed over. `scratch` is for
 * this call; -ENOMEM. */
int track_carry_get(struct reader *in, struct track_set *set, nstime now, struct arena *scratch);

#endif
