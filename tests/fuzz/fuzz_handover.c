/* Any bytes as what a daemon has left on disk, and as what its vrrp worker has: neither is read beyond its end, and what
 * is taken is taken again from what is made of it. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/carry.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/handover.h"
#include "vrrp/heir.h"

#define HEAD 22 /* magic and digest */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void read_heirs(const void *bytes, size_t size)
{
	auto_arena *arena = arena_new(1 << 20);
	struct reader in = reader_of(bytes, size);
	struct vrrp_heirs heirs = {0};

	if (!arena || !carry_start(&in) || vrrp_heirs_get(&in, arena, &heirs))
		return;
	for (size_t i = 0; i < heirs.count; i++)
		if (heirs.list[i].state > 3 || (i && heirs.list[i].key < heirs.list[i - 1].key))
			abort();
}

static void put_again(const struct handover *handover)
{
	size_t size = handover_size(handover), used;
	uint8_t *bytes = malloc(size);
	struct handover same;

	if (!bytes)
		return;
	used = handover_put(handover, bytes, size);
	if (!used || handover_get(bytes, used, &same) || strcmp(same.boot, handover->boot) != 0 ||
	    same.deadline != handover->deadline)
		abort();
	free(bytes);
}

/* Nothing would come through a digest that is wrong. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *right = malloc(size + 1);
	struct handover handover;
	uint64_t digest;

	if (!right)
		return 0;
	memcpy(right, bytes, size);
	read_heirs(right, size);
	if (size > HEAD) {
		digest = htobe64(text_hash(TEXT_HASH, right + HEAD, size - HEAD));
		memcpy(right + HEAD - sizeof(digest), &digest, sizeof(digest));
	}
	if (!handover_get(right, size, &handover)) {
		put_again(&handover);
		read_heirs(handover.carries[ROLE_VRRP].bytes, handover.carries[ROLE_VRRP].size);
	}
	free(right);
	return 0;
}
