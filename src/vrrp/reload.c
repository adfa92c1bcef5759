/* Matching by a table of names, so that the cost grows with the number of instances and not with
 * its square. */
#include "vrrp/reload.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "config/changes.h"
#include "config/diff.h"

#define LINE (CHANGE_TEXT + 64)

static uint64_t name_hash(const char *name)
{
	return text_hash(TEXT_HASH, name, strlen(name));
}

/* What cannot change while a router runs: who it is to its peers, and the MAC address and the IP
 * protocol that it speaks with. Its transport and its peers can: one goes from multicast to unicast
 * over `both` without a pause. */
static bool is_same_router(const struct instance *a, const struct instance *b)
{
	return !strcmp(a->interface, b->interface) &&
	       a->virtual_router_id == b->virtual_router_id && a->version == b->version &&
	       instance_family(a) == instance_family(b) &&
	       instance_family(a) == instance_family(b) &&
	       addr_equal(&a->multicast_group, &b->multicast_group) &&
	       a->virtual_mac == b->virtual_mac &&
	       (a->authentication.type == VRRP_AUTH_AH) == (b->authentication.type == VRRP_AUTH_AH);
}

static enum vrrp_change compare(const struct instance *old, const struct instance *new)
{
	if (instance_equal(old, new))
		return VRRP_SAME;
	return is_same_router(old, new) ? VRRP_CHANGED : VRRP_REPLACED;
}

/* Finds the old instance of that name. */
static bool find(const struct table *table, const struct instance *const *old, const char *name,
		 uint32_t *index)
{
	size_t step = 0;

	while (table_next(table, name_hash(name), &step, index))
		if (!strcmp(old[*index]->name, name))
			return true;
	return false;
}

int vrrp_reload_plan(struct arena *arena, const struct instance *const *old, size_t old_count,
		     const struct instance *new_instances, size_t new_count,
		     struct vrrp_reload *out)
{
	struct vrrp_reload plan = {
		.rows = arena_array(arena, old_count + new_count + 1, sizeof(*plan.rows))};
	bool *kept = arena_array(arena, old_count + 1, sizeof(*kept));
	struct table table;
	int err = table_init(&table, arena, old_count);

	if (err || !plan.rows || !kept)
		return -ENOMEM;
	for (size_t i = 0; i < old_count; i++)
		if (table_add(&table, name_hash(old[i]->name), (uint32_t)i))
			return -ENOMEM;
	for (size_t i = 0; i < new_count; i++) {
		struct vrrp_reload_row row = {
			.change = VRRP_ADDED, .new = &new_instances[i], .new_index = i};
		uint32_t index;

		if (find(&table, old, row.new->name, &index)) {
			kept[index] = true;
			row.old = old[index];
			row.old_index = index;
			row.change = compare(row.old, row.new);
		}
		plan.rows[plan.count++] = row;
	}
	for (size_t i = 0; i < old_count; i++)
		if (!kept[i])
			plan.rows[plan.count++] = (struct vrrp_reload_row){
				.change = VRRP_REMOVED, .old = old[i], .old_index = i};
	*out = plan;
	return 0;
}

/* ---- in words ------------------------------------------------------------------------------- */

struct teller {
	void (*line)(void *ctx, const char *text);
	void *ctx;
	const char *name;
};

static void tell(const struct teller *teller, const char *format, ...) PRINTF_LIKE(2, 3);

static void tell(const struct teller *teller, const char *format, ...)
{
	char buffer[LINE];
	struct text text = text_of(buffer, sizeof(buffer));
	va_list list;

	text_add(&text, "%s: ", teller->name);
	va_start(list, format);
	text_addv(&text, format, list);
	va_end(list);
	teller->line(teller->ctx, buffer);
}

static void tell_change(void *ctx, const char *text)
{
	tell(ctx, "%s", text);
}

static void tell_new(const struct teller *teller, const char *what, const struct instance *new)
{
	tell(teller, "%s virtual router %u on %s, priority %u, %zu address%s", what,
	     new->virtual_router_id, new->interface, new->priority, new->virtual_address_count,
	     new->virtual_address_count == 1 ? "" : "es");
}

void vrrp_reload_tell(const struct vrrp_reload_row *row, void (*line)(void *ctx, const char *text),
		      void *ctx)
{
	struct teller teller = {
		.line = line, .ctx = ctx, .name = row->new ? row->new->name : row->old->name};

	switch (row->change) {
	case VRRP_SAME:
		break;
	case VRRP_CHANGED:
		schema_changes(&schema_instance, row->old, row->new, tell_change, &teller);
		break;
	case VRRP_REPLACED:
		schema_changes(&schema_instance, row->old, row->new, tell_change, &teller);
		tell(&teller, "release virtual router %u on %s", row->old->virtual_router_id,
		     row->old->interface);
		tell_new(&teller, "start", row->new);
		break;
	case VRRP_ADDED:
		tell_new(&teller, "start", row->new);
		break;
	case VRRP_REMOVED:
		tell(&teller, "release virtual router %u on %s", row->old->virtual_router_id,
		     row->old->interface);
		break;
	}
}
