/* The head line of the journal; see the header. */
#include "rs-agent/journal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define HEAD "boot "
#define MIDDLE " netns "

const char *journal_head(struct arena *arena, const struct journal_place *here)
{
	return arena_printf(arena, HEAD "%s" MIDDLE "%" PRIu64, here->boot, here->netns);
}

static bool head_read(const char *line, struct journal_place *out)
{
	struct journal_place place = {0};
	const char *boot = line + strlen(HEAD), *middle;
	char *end;

	if (strncmp(line, HEAD, strlen(HEAD)))
		return false;
	middle = strstr(boot, MIDDLE);
	if (!middle || middle == boot || (size_t)(middle - boot) >= sizeof(place.boot))
		return false;
	memcpy(place.boot, boot, (size_t)(middle - boot));
	place.netns = strtoull(middle + strlen(MIDDLE), &end, 10);
	if (*end || end == middle + strlen(MIDDLE))
		return false;
	*out = place;
	return true;
}

enum journal_standing journal_judge(const struct owned_set *set, const struct journal_place *here)
{
	struct journal_place place;

	if (!set->count)
		return JOURNAL_NONE;
	for (size_t i = 0; i < set->count; i++) {
		if (set->items[i].kind != OWNED_OTHER || !head_read(set->items[i].line, &place))
			continue;
		if (strcmp(place.boot, here->boot))
			return JOURNAL_OTHER_BOOT;
		return place.netns == here->netns ? JOURNAL_CURRENT : JOURNAL_OTHER_NETNS;
	}
	return JOURNAL_UNREADABLE;
}

bool journal_is_empty(const struct owned_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].kind != OWNED_OTHER)
			return false;
	return true;
}
