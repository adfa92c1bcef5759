/* What an instance must be on one director and on the others, so that they hear each other and one
 * of them wins. Overrides can break it for a reason (two sites in one file), so most of it is
 * warned about only. */
#include <string.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/text.h"
#include "config/build.h"
#include "config/value.h"

static struct build_instance *instance_on(struct build *build, size_t director, size_t number)
{
	return &build->instances[director * build->instance_count + number];
}

static void warn(struct build *build, const struct origin *at, const char *text)
{
	if (text)
		node_warning(build->reader.diagnostics, at->value, at->path, "%s", text);
}

/* ---- the directors themselves --------------------------------------------------------------- */

static const struct node *address_node(const struct build_director *director)
{
	const struct node_pair *pair = director->node ? node_find(director->node, "address") : NULL;

	return pair ? pair->value : NULL;
}

static void check_address(struct build *build, size_t number)
{
	const struct build_director *director = &build->directors[number];
	const struct addr *address = &director->model->address;
	struct path path = {.up = director->path, .key = "address"};
	char text[ADDR_TEXT];

	for (size_t d = 0; d < number && address->family; d++) {
		const struct build_director *other = &build->directors[d];

		if (!addr_equal(address, &other->model->address))
			continue;
		node_error(build->reader.diagnostics, address_node(director), &path,
			   "%s is the address of %s already (%s)", addr_format(address, text),
			   other->model->name,
			   node_place(address_node(other), address_node(director), build->arena));
		return;
	}
}

/* ---- one instance on all of them ------------------------------------------------------------ */

/* A MASTER without rival is what everybody expects of the higher number: equal ones are decided by
 * address. */
static void equal_priorities(struct build *build, size_t number)
{
	struct build_instance *first = instance_on(build, 0, number);

	for (size_t d = 0; d < build->director_count; d++) {
		const struct build_instance *other = instance_on(build, d, number);

		if (!other->good || other->model.priority != first->model.priority)
			return;
	}
	warn(build, &first->self,
	     arena_printf(build->arena,
			  "\"%s\" has priority %u on every director; give the one that should be "
			  "MASTER more",
			  first->model.name, first->model.priority));
}

static bool is_deaf(const struct instance *a, const struct instance *b, const char *key)
{
	if (!strcmp(key, "virtual_router_id"))
		return a->virtual_router_id != b->virtual_router_id;
	if (!strcmp(key, "version"))
		return a->version != b->version;
	if (!strcmp(key, "advert_interval")) /* version 3 takes that of the MASTER */
		return a->version == 2 && b->version == 2 &&
		       a->advert_interval != b->advert_interval;
	if (!strcmp(key, "transport"))
		return !(a->transport & b->transport);
	return (a->transport & b->transport & VRRP_TRANSPORT_MULTICAST) &&
	       !addr_equal(&a->multicast_group, &b->multicast_group);
}

static void warn_deaf(struct build *build, struct build_instance *first,
		      struct build_instance *other, const char *key)
{
	const struct schema_field *field = schema_find(&schema_instance, key);
	const struct origin *at = origin_of(&schema_instance, other->origins, key);
	char buffer[2][ADDR_TEXT + 16];
	struct text one = text_of(buffer[0], sizeof(buffer[0]));
	struct text two = text_of(buffer[1], sizeof(buffer[1]));

	if (!is_deaf(&first->model, &other->model, key))
		return;
	value_format(field, schema_value(field, &first->model), &one);
	value_format(field, schema_value(field, &other->model), &two);
	warn(build, at->value ? at : instance_place(first, key),
	     arena_printf(build->arena,
			  "\"%s\" has %s %s on %s and %s on %s: they will not hear each other, and "
			  "both be MASTER",
			  first->model.name, key, buffer[0], first->director->model->name,
			  buffer[1], other->director->model->name));
}

static void warn_authentication(struct build *build, struct build_instance *first,
				struct build_instance *other)
{
	if (first->model.version != 2 || other->model.version != 2 ||
	    schema_equal(&schema_authentication, &first->model.authentication,
			 &other->model.authentication, 0))
		return;
	warn(build, instance_place(other, "authentication"),
	     arena_printf(build->arena,
			  "\"%s\" has another type or key on %s than on %s: they will not believe "
			  "each other, and both be MASTER",
			  first->model.name, other->director->model->name,
			  first->director->model->name));
}

/* A director passes over what it has sent itself. */
static void warn_source(struct build *build, struct build_instance *first,
			struct build_instance *other)
{
	const struct addr *source = &first->model.source;
	char text[ADDR_TEXT];

	if (!source->family || !addr_equal(source, &other->model.source) ||
	    addr_equal(&first->director->model->address, &other->director->model->address))
		return;
	warn(build, instance_place(other, "source"),
	     arena_printf(build->arena,
			  "%s and %s both send from %s: each takes the other's adverts for its "
			  "own; give them different ones (directors.%s.vrrp.%s.source)",
			  first->director->model->name, other->director->model->name,
			  addr_format(source, text), other->director->model->name,
			  first->model.name));
}

static bool is_peer(const struct instance *instance, const struct addr *address)
{
	for (size_t i = 0; i < instance->unicast.peer_count; i++)
		if (addr_equal(&instance->unicast.peers[i], address))
			return true;
	return false;
}

/* Unicast that leaves with fewer hops than the receiver wants to see left; with the same values on
 * both this is one text, said once. By multicast they hear each other all the same. */
static void warn_hops(struct build *build, struct build_instance *sender,
		      struct build_instance *receiver)
{
	const struct instance *from = &sender->model, *to = &receiver->model;

	if (from->transport & to->transport & VRRP_TRANSPORT_MULTICAST ||
	    !is_peer(from, &to->source) || from->unicast.ttl >= to->unicast.min_ttl)
		return;
	warn(build, instance_place(sender, "unicast"),
	     arena_printf(build->arena,
			  "\"%s\" is sent with ttl %u, and taken with min_ttl %u at least: they "
			  "will not hear each other, and both be MASTER",
			  from->name, from->unicast.ttl, to->unicast.min_ttl));
}

static bool has_address(const struct instance *instance, const struct vip *wanted)
{
	for (size_t i = 0; i < instance->virtual_address_count; i++)
		if (addr_equal(&instance->virtual_addresses[i].address.address,
			       &wanted->address.address))
			return true;
	return false;
}

/* An address that only one has is gone when another is MASTER. */
static void warn_lacking(struct build *build, struct build_instance *owner,
			 struct build_instance *other)
{
	for (size_t i = 0; i < owner->model.virtual_address_count; i++) {
		const struct vip *vip = &owner->model.virtual_addresses[i];
		struct origin at = instance_item(build, owner, "virtual_addresses", i);
		char text[ADDR_TEXT];

		if (!vip->address.address.family || has_address(&other->model, vip))
			continue;
		warn(build, &at,
		     arena_printf(build->arena,
				  "%s is an address of \"%s\" on %s and not on %s: it is gone "
				  "while %s is MASTER",
				  addr_format(&vip->address.address, text), owner->model.name,
				  owner->director->model->name, other->director->model->name,
				  other->director->model->name));
	}
}

static void compare(struct build *build, struct build_instance *first,
		    struct build_instance *other)
{
	static const char *const keys[] = {"virtual_router_id", "version", "advert_interval",
					   "transport", "multicast_group"};

	if (!first->good || !other->good)
		return;
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		warn_deaf(build, first, other, keys[i]);
	warn_authentication(build, first, other);
	warn_source(build, first, other);
	warn_hops(build, first, other);
	warn_hops(build, other, first);
	warn_lacking(build, first, other);
	warn_lacking(build, other, first);
}

void validate_directors(struct build *build)
{
	if (arena_failed(build->arena) || build->director_count < 2)
		return;
	for (size_t d = 1; d < build->director_count; d++)
		check_address(build, d);
	for (size_t i = 0; i < build->instance_count; i++) {
		equal_priorities(build, i);
		for (size_t d = 1; d < build->director_count; d++)
			compare(build, instance_on(build, 0, i), instance_on(build, d, i));
	}
}
