/* Firewall marks of lbha's own, for services that are groups and for ways to servers: base, with a number in the bits of the
 * mask. Which number follows from the names in the file and nothing else, so that every director has
 * the same: each name hashes to one, and in the order of names whoever finds it taken goes on to the
 * next. Pure. */
#ifndef LBHA_CONFIG_MARK_H
#define LBHA_CONFIG_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* So many marks there are; 0 is none. */
uint64_t mark_room(uint32_t base, uint32_t mask);
/* Whether it is one of them. */
bool mark_is_own(uint32_t base, uint32_t mask, uint32_t mark);

/* A mark for each name, in out[i] for names[i]; no two alike. Base and mask have no bit in common;
 * equal names get different marks, which may depend on their order. -ENOSPC when there are too few;
 * -ENOMEM (the arena is for scratch). */
int marks_settle(struct arena *arena, uint32_t base, uint32_t mask, const char *const *names,
		 size_t count, uint32_t *out);

/* The same, and none of those that are taken already. */
int marks_settle_beside(struct arena *arena, uint32_t base, uint32_t mask, const uint32_t *taken,
			size_t taken_count, const char *const *names, size_t count, uint32_t *out);

#endif
