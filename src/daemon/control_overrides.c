/* See the header. */
#include "daemon/control_overrides.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/event.h"
#include "daemon/overrides.h"

void override_mirror_fini(struct override_mirror *mirror)
{
	free(mirror->rows);
	free(mirror->told);
	*mirror = (struct override_mirror){0};
}

void override_mirror_count(struct override_mirror *mirror, size_t count)
{
	mirror->count = count < OVERRIDES_MAX ? count : OVERRIDES_MAX;
	for (size_t i = mirror->count; i < mirror->room; i++)
		mirror->rows[i].known = false;
}

static bool reserve(struct override_mirror *mirror, size_t count)
{
	size_t room = mirror->room ? mirror->room : 8;
	struct override_row *grown;

	if (count <= mirror->room)
		return true;
	while (room < count)
		room *= 2;
	grown = realloc(mirror->rows, room * sizeof(*grown));
	if (!grown)
		return false;
	memset(grown + mirror->room, 0, (room - mirror->room) * sizeof(*grown));
	mirror->rows = grown;
	mirror->room = room;
	return true;
}

bool override_mirror_take(struct override_mirror *mirror, const struct fact_override *fact)
{
	if (fact->number >= OVERRIDES_MAX || !reserve(mirror, fact->number + 1))
		return false;
	mirror->rows[fact->number] =
		(struct override_row){.known = true, .override = fact->override};
	return true;
}

const struct override *override_mirror_row(const struct override_mirror *mirror, size_t number)
{
	if (number >= mirror->room || !mirror->rows[number].known)
		return NULL;
	return &mirror->rows[number].override;
}

/* ---- events ----------------------------------------------------------------------- */

static bool is_same(const struct override *a, const struct override *b)
{
	return a->kind == b->kind && !strcmp(a->object, b->object);
}

static const struct override *told_before(const struct override_mirror *mirror,
					  const struct override *override)
{
	for (size_t i = 0; i < mirror->told_count; i++)
		if (is_same(&mirror->told[i], override))
			return &mirror->told[i];
	return NULL;
}

static bool is_there(const struct override_mirror *mirror, const struct override *override)
{
	for (size_t i = 0; i < mirror->count; i++) {
		const struct override *row = override_mirror_row(mirror, i);

		if (row && is_same(row, override))
			return true;
	}
	return false;
}

static void tell(const struct override_mirror *mirror, const struct event_sink *sink, nstime now,
		 nstime wall)
{
	for (size_t i = 0; i < mirror->told_count; i++)
		if (!is_there(mirror, &mirror->told[i]))
			event_override(sink, &mirror->told[i], NULL, now, wall);
	for (size_t i = 0; i < mirror->count; i++) {
		const struct override *row = override_mirror_row(mirror, i);

		if (row && (mirror->synced || row->since - wall > sink->started))
			event_override(sink, told_before(mirror, row), row, now, wall);
	}
}

/* Without memory what follows is compared with what was told before. */
void override_mirror_sync(struct override_mirror *mirror, const struct event_sink *sink, nstime now,
			  nstime wall)
{
	struct override *told = calloc(mirror->count + 1, sizeof(*told));
	size_t count = 0;

	if (sink)
		tell(mirror, sink, now, wall);
	if (!told)
		return;
	for (size_t i = 0; i < mirror->count; i++)
		if (override_mirror_row(mirror, i))
			told[count++] = *override_mirror_row(mirror, i);
	free(mirror->told);
	mirror->told = told;
	mirror->told_count = count;
	mirror->synced = true;
}
