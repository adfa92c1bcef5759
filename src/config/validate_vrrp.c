/* What instances must be to one another: names, virtual router ids on an interface, virtual
 * addresses; and what an operator should know about their priorities. Held for every director,
 * since overrides can break it on one only. */
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "config/build.h"

#define VIRTUAL_ADDRESSES_MAX 255 /* the count in an advert is one byte, RFC 9568 section 5.2.5 */

/* The instances of one director and what they have taken so far. */
struct claims {
	struct build *build;
	struct build_instance *instances;
	struct table names, ids, addresses; /* addresses: instance × 256 + number of the address */
};

static const struct origin *place_of(struct build_instance *instance, const char *key)
{
	const struct origin *origin = origin_of(&schema_instance, instance->origins, key);

	return origin->value ? origin : &instance->self;
}

static const char *told(struct claims *claims, const struct node *first, const struct node *again)
{
	return node_place(first, again, claims->build->arena);
}

static void claim_name(struct claims *claims, uint32_t number)
{
	struct build_instance *instance = &claims->instances[number];
	const char *name = instance->model.name;
	uint64_t hash;
	uint32_t other;

	if (!name)
		return;
	hash = text_hash(TEXT_HASH, name, strlen(name));
	for (size_t step = 0; table_next(&claims->names, hash, &step, &other);)
		if (!strcmp(claims->instances[other].model.name, name)) {
			const struct origin *at = place_of(instance, "name");

			origin_report(&claims->build->reader, SEVERITY_ERROR, at, at,
				      "\"%s\" is the name of another instance "
				      "(%s)",
				      name,
				      told(claims,
					   place_of(&claims->instances[other], "name")->value,
					   at->value));
			return;
		}
	table_add(&claims->names, hash, number);
}

/* One virtual router id per interface: two of them would answer for each other. */
static void claim_id(struct claims *claims, uint32_t number)
{
	struct build_instance *instance = &claims->instances[number];
	const struct instance *model = &instance->model;
	uint64_t hash;
	uint32_t other;

	if (!model->interface || !model->virtual_router_id)
		return;
	hash = text_hash(TEXT_HASH, model->interface, strlen(model->interface));
	hash = text_hash(hash, &model->virtual_router_id, 1);
	for (size_t step = 0; table_next(&claims->ids, hash, &step, &other);) {
		struct build_instance *first = &claims->instances[other];
		const struct origin *at = place_of(instance, "virtual_router_id");

		if (strcmp(first->model.interface, model->interface) ||
		    first->model.virtual_router_id != model->virtual_router_id)
			continue;
		origin_report(&claims->build->reader, SEVERITY_ERROR, at, at,
			      "%u is the virtual_router_id of \"%s\" on the same interface (%s)",
			      model->virtual_router_id, first->model.name ? first->model.name : "?",
			      told(claims, place_of(first, "virtual_router_id")->value, at->value));
		return;
	}
	table_add(&claims->ids, hash, number);
}

/* The node and path of an instance's n-th virtual address; a list of one may be that itself. */
static struct origin address_place(struct build *build, struct build_instance *instance,
				   size_t number)
{
	const struct origin *list = place_of(instance, "virtual_addresses");
	struct origin place = *list;

	if (list->value->kind != NODE_SEQUENCE || number >= list->value->count)
		return place;
	place.value = place.key = list->value->items[number];
	place.path = path_below(&build->reader, list->path, NULL, number);
	return place;
}

static void claim_address(struct claims *claims, uint32_t number, size_t at)
{
	struct build_instance *instance = &claims->instances[number];
	const struct addr *address = &instance->model.virtual_addresses[at].address.address;
	uint64_t hash = text_hash(TEXT_HASH, address, sizeof(*address));
	char text[ADDR_TEXT];
	uint32_t other;

	if (!address->family)
		return;
	for (size_t step = 0; table_next(&claims->addresses, hash, &step, &other);) {
		struct build_instance *first = &claims->instances[other / 256];
		struct origin place, first_place;

		if (!addr_equal(&first->model.virtual_addresses[other % 256].address.address,
				address))
			continue;
		place = address_place(claims->build, instance, at);
		first_place = address_place(claims->build, first, other % 256);
		origin_report(&claims->build->reader, SEVERITY_ERROR, &place, &place,
			      "%s is an address of %s%s%s already (%s)", addr_format(address, text),
			      first == instance ? "this instance" : "\"",
			      first == instance   ? ""
			      : first->model.name ? first->model.name
						  : "?",
			      first == instance ? "" : "\"",
			      told(claims, first_place.value, place.value));
		return;
	}
	table_add(&claims->addresses, hash, (uint32_t)(number * 256 + at));
}

static void claim_addresses(struct claims *claims, uint32_t number)
{
	struct build_instance *instance = &claims->instances[number];
	size_t count = instance->model.virtual_address_count;
	const struct origin *at = place_of(instance, "virtual_addresses");

	if (count > VIRTUAL_ADDRESSES_MAX) {
		origin_report(
			&claims->build->reader, SEVERITY_ERROR, at, at,
			"has %zu addresses; an advert has room for %d: make a second instance",
			count, VIRTUAL_ADDRESSES_MAX);
		count = VIRTUAL_ADDRESSES_MAX;
	}
	for (size_t i = 0; i < count; i++)
		claim_address(claims, number, i);
}

/* A MASTER without rival is what everybody expects of the higher number: equal ones are decided by
 * address. */
static void equal_priorities(struct build *build, size_t number)
{
	struct build_instance *first = &build->instances[number];

	for (size_t d = 0; d < build->director_count; d++) {
		const struct build_instance *other =
			&build->instances[d * build->instance_count + number];

		if (!other->good || other->model.priority != first->model.priority)
			return;
	}
	origin_report(
		&build->reader, SEVERITY_WARNING, &first->self, &first->self,
		"\"%s\" has priority %u on every director; give the one that should be MASTER more",
		first->model.name, first->model.priority);
}

static void validate_director(struct build *build, struct build_instance *instances)
{
	struct claims claims = {.build = build, .instances = instances};

	if (table_init(&claims.names, build->arena, build->instance_count) ||
	    table_init(&claims.ids, build->arena, build->instance_count) ||
	    table_init(&claims.addresses, build->arena, build->instance_count * 4))
		return;
	for (uint32_t i = 0; i < build->instance_count; i++) {
		if (!instances[i].origins)
			return; /* out of memory */
		claim_name(&claims, i);
		claim_id(&claims, i);
		claim_addresses(&claims, i);
	}
}

void validate_instances(struct build *build)
{
	size_t directors = build->director_count ? build->director_count : 1;

	if (!build->instances || arena_failed(build->arena))
		return;
	for (size_t d = 0; d < directors; d++)
		validate_director(build, build->instances + d * build->instance_count);
	for (size_t i = 0; i < build->instance_count && build->director_count > 1; i++)
		equal_priorities(build, i);
}
