/* Matching by tables, so that the cost grows with the number of instances and not with its square: by
 * who a router is on the wire, and what is left by name. */
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
	       addr_equal(&a->multicast_group, &b->multicast_group) &&
	       a->virtual_mac == b->virtual_mac &&
	       (a->authentication.type == VRRP_AUTH_AH) == (b->authentication.type == VRRP_AUTH_AH);
}

static enum vrrp_change compare(const struct instance *old, const struct instance *new)
{
	if (!is_same_router(old, new))
		return VRRP_REPLACED;
	return instance_equal(old, new) ? VRRP_SAME : VRRP_CHANGED;
}

/* No two instances of a configuration have both alike but for the family. */
static uint64_t wire_hash(const struct instance *about)
{
	return text_hash(name_hash(about->interface), &about->virtual_router_id,
			 sizeof(about->virtual_router_id));
}

static bool is_of_name(const struct instance *a, const struct instance *b)
{
	return !strcmp(a->name, b->name);
}

/* How an instance is known again: one of two ways. */
struct likeness {
	uint64_t (*hash)(const struct instance *about);
	bool (*is)(const struct instance *a, const struct instance *b);
};

static uint64_t hash_of_name(const struct instance *about)
{
	return name_hash(about->name);
}

struct matching {
	struct arena *arena;
	const struct instance *const *old;
	size_t old_count;
	bool *kept; /* by index of the old ones */
	struct vrrp_reload *plan;
};

/* Gives new instances without an old one theirs, among those that are still free. */
static int match(const struct matching *m, size_t new_count, const struct likeness *way)
{
	struct table table;
	int err = table_init(&table, m->arena, m->old_count);

	for (size_t i = 0; i < m->old_count && !err; i++)
		if (!m->kept[i])
			err = table_add(&table, way->hash(m->old[i]), (uint32_t)i);
	for (size_t i = 0; i < new_count && !err; i++) {
		struct vrrp_reload_row *row = &m->plan->rows[i];
		size_t step = 0;
		uint32_t at;

		while (!row->old && table_next(&table, way->hash(row->new), &step, &at)) {
			if (m->kept[at] || !way->is(m->old[at], row->new))
				continue;
			m->kept[at] = true;
			row->old = m->old[at];
			row->old_index = at;
			row->change = compare(row->old, row->new);
		}
	}
	return err ? -ENOMEM : 0;
}

int vrrp_reload_plan(struct arena *arena, const struct instance *const *old, size_t old_count,
		     const struct instance *new_instances, size_t new_count,
		     struct vrrp_reload *out)
{
	static const struct likeness by_wire = {wire_hash, is_same_router},
				by_name = {hash_of_name, is_of_name};
	struct vrrp_reload plan = {
		.rows = arena_array(arena, old_count + new_count + 1, sizeof(*plan.rows))};
	struct matching m = {arena, old, old_count,
			     arena_array(arena, old_count + 1, sizeof(*m.kept)), &plan};

	if (!plan.rows || !m.kept)
		return -ENOMEM;
	for (; plan.count < new_count; plan.count++)
		plan.rows[plan.count] = (struct vrrp_reload_row){.change = VRRP_ADDED,
								 .new = &new_instances[plan.count],
								 .new_index = plan.count};
	if (match(&m, new_count, &by_wire) || match(&m, new_count, &by_name))
		return -ENOMEM;
	for (size_t i = 0; i < old_count; i++)
		if (!m.kept[i])
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

static void tell_new(const struct teller *teller, const struct instance *new)
{
	tell(teller, "start virtual router %u on %s%s, priority %u, %zu address%s",
	     new->virtual_router_id, new->interface,
	     new->virtual_mac ? " with a MAC address of its own" : "", new->priority,
	     new->virtual_address_count, new->virtual_address_count == 1 ? "" : "es");
}

static void tell_old(const struct teller *teller, const struct instance *old)
{
	tell(teller, "release virtual router %u on %s", old->virtual_router_id, old->interface);
}

/* The same with nothing in the kernel: what comes and what goes with it is told by the difference. */
static struct instance without_estate(const struct instance *about)
{
	struct instance bare = *about;

	bare.virtual_address_count = bare.route_count = 0;
	return bare;
}

static void tell_changes(struct teller *teller, const struct instance *old,
			 const struct instance *new)
{
	struct instance before = *old;

	if (strcmp(old->name, new->name) != 0)
		tell(teller, "goes on with virtual router %u on %s, which was %s",
		     new->virtual_router_id, new->interface, old->name);
	before.name = new->name;
	schema_changes(&schema_instance, &before, new, tell_change, teller);
}

void vrrp_reload_tell(const struct vrrp_reload_row *row, void (*line)(void *ctx, const char *text),
		      void *ctx)
{
	struct teller teller = {
		.line = line, .ctx = ctx, .name = row->new ? row->new->name : row->old->name};
	struct instance bare = without_estate(row->new ? row->new : row->old);

	switch (row->change) {
	case VRRP_SAME:
		break;
	case VRRP_CHANGED:
		tell_changes(&teller, row->old, row->new);
		break;
	case VRRP_REPLACED:
		schema_changes(&schema_instance, row->old, row->new, tell_change, &teller);
		tell_old(&teller, row->old);
		tell_new(&teller, row->new);
		break;
	case VRRP_ADDED:
		tell_new(&teller, row->new);
		schema_changes(&schema_instance, &bare, row->new, tell_change, &teller);
		break;
	case VRRP_REMOVED:
		tell_old(&teller, row->old);
		schema_changes(&schema_instance, row->old, &bare, tell_change, &teller);
		break;
	}
}
