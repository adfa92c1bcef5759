/* See the header. A record that cannot be taken is missing from the count at
 * the end. */
#include "ipvs/ipvs_overrides_io.h"

#include <stdlib.h>

#include "base/cursor.h"

static bool push(struct ipvs_override_list *list, const struct override *override)
{
	size_t room = list->room ? 2 * list->room : 16;
	struct override *rows;

	if (list->count == list->room) {
		rows = realloc(list->rows, room * sizeof(*rows));
		if (!rows)
			return false;
		list->rows = rows;
		list->room = room;
	}
	list->rows[list->count++] = *override;
	return true;
}

static void clear(struct ipvs_override_list *list)
{
	free(list->rows);
	*list = (struct ipvs_override_list){0};
}

void ipvs_overrides_take(struct ipvs_overrides *overrides, struct reader *in)
{
	struct ipvs_override_list *next = &overrides->next;
	struct override override;

	if (!override_get(in, &override))
		return;
	next->maintenance |= override.kind == OVERRIDE_MAINTENANCE;
	if (!override_is_of_servers(override.kind) || push(next, &override))
		next->records++;
}

bool ipvs_overrides_end(struct ipvs_overrides *overrides, struct reader *in)
{
	uint32_t count = get_u32(in);

	if (!reader_done(in) || count != overrides->next.records) {
		clear(&overrides->next);
		return false;
	}
	clear(&overrides->now);
	overrides->now = overrides->next;
	overrides->next = (struct ipvs_override_list){0};
	return true;
}

void ipvs_overrides_fini(struct ipvs_overrides *overrides)
{
	clear(&overrides->now);
	clear(&overrides->next);
}
