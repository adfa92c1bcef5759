/* A line that was written twice does no harm (owned.h), so after a failure all of a batch is owed. */
#include "net/owned_debt_io.h"

#include <stdlib.h>
#include <string.h>

#include "net/owned_io.h"

static bool make_room(struct owned_debt *debt, size_t count)
{
	size_t room = debt->room ? debt->room : 128;
	struct owned *grown;

	while (room < debt->count + count)
		room *= 2;
	if (room == debt->room)
		return true;
	grown = room > OWNED_DEBT_MOST ? NULL : realloc(debt->lines, room * sizeof(*grown));
	if (!grown)
		return false;
	debt->lines = grown;
	debt->room = room;
	return true;
}

static void owe(struct owned_debt *debt, const struct owned *lines, size_t count)
{
	if (!count || !make_room(debt, count))
		return;
	memcpy(debt->lines + debt->count, lines, count * sizeof(*lines));
	debt->count += count;
}

int owned_debt_append(struct owned_debt *debt, int fd, const struct owned *lines, size_t count)
{
	int err = debt->count ? owned_append(fd, debt->lines, debt->count) : 0;

	if (!err && debt->count)
		owned_debt_free(debt);
	if (!err && count)
		err = owned_append(fd, lines, count);
	if (err)
		owe(debt, lines, count);
	return err;
}

void owned_debt_free(struct owned_debt *debt)
{
	free(debt->lines);
	*debt = (struct owned_debt){0};
}
