/* What the keys of an instance leave open, filled in for one director: the family is that of the
 * advertised addresses; the group, the source and the peers follow from it and from the directors;
 * logical names of interfaces become the kernel's; "default" as a route gets a family. A value of
 * the director or of `defaults` that is of the wrong family was not meant for this instance and is
 * passed over; one that was given for it is left to validate_instance.c. */
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/text.h"
#include "config/build.h"
#include "config/judge.h"

/* RFC 9568 sections 5.1.1.2 and 5.1.2.2 */
#define GROUP_IPV4 "224.0.0.18"
#define GROUP_IPV6 "ff02::12"

/* Faulty addresses say nothing about the family that was meant. */
static uint8_t family_of(struct build_instance *instance)
{
	if (origin_of(&schema_instance, instance->origins, "virtual_addresses")->bad)
		return 0;
	return instance_family(&instance->model);
}

/* ---- interfaces ----------------------------------------------------------------------------- */

static const char *resolve_interface(struct build *build, struct build_instance *instance,
				     const char *name, const struct origin *origin)
{
	return name ? build_interface(build, instance->director, name, origin) : NULL;
}

/* An element's own interface; that of the instance is not named twice. */
static const char *resolve_item(struct build *build, struct build_instance *instance,
				const char *list, size_t number, const char *key, const char *name)
{
	const char *own = instance->model.interface;
	struct origin origin;

	if (!name)
		return NULL;
	origin = instance_item_key(build, instance, list, number, key);
	name = resolve_interface(build, instance, name, &origin);
	return own && !strcmp(own, name) ? NULL : name;
}

static void resolve_interfaces(struct build *build, struct build_instance *instance)
{
	struct instance *model = &instance->model;

	model->interface = resolve_interface(build, instance, model->interface,
					     instance_place(instance, "interface"));
	for (size_t i = 0; i < model->virtual_address_count; i++) {
		struct vip *vip = &model->virtual_addresses[i];

		vip->interface = resolve_item(build, instance, "virtual_addresses", i, "interface",
					      vip->interface);
	}
	for (size_t i = 0; i < model->route_count; i++) {
		struct vrrp_route *route = &model->routes[i];

		route->dev = resolve_item(build, instance, "routes", i, "dev", route->dev);
	}
}

/* ---- group, source, routes ------------------------------------------------------------------ */

static void resolve_group(struct build_instance *instance)
{
	struct addr *group = &instance->model.multicast_group;
	const struct origin *origin =
		origin_of(&schema_instance, instance->origins, "multicast_group");
	bool is_general = origin->is_default_level && group->family != instance->family;

	if (!instance->family || (group->family && !is_general) || origin->bad)
		return;
	addr_parse(instance->family == AF_INET6 ? GROUP_IPV6 : GROUP_IPV4, group);
}

static bool can_be_source(const struct build_instance *instance)
{
	const struct instance *model = &instance->model;

	return model->source.family == instance->family &&
	       (model->source.family != AF_INET6 || addr_is_link_local(&model->source) ||
		!(model->transport & VRRP_TRANSPORT_MULTICAST));
}

/* A general address is no source where it cannot be one: of the other family, or, since IPv6
 * multicast comes from link-local addresses, of another scope. The director's `address` is about the
 * director; what is called source is meant. */
static void resolve_source(struct build_instance *instance)
{
	struct instance *model = &instance->model;
	const struct origin *origin = origin_of(&schema_instance, instance->origins, "source");

	if (origin->is_default_level && instance->family && !can_be_source(instance))
		model->source = (struct addr){0};
	model->source_given = model->source.family && origin->key &&
			      !strcmp(origin->key->text, "source");
}

static void resolve_routes(struct build_instance *instance)
{
	const struct origin *list = origin_of(&schema_instance, instance->origins, "routes");

	for (size_t i = 0; i < instance->model.route_count; i++) {
		struct vrrp_route *route = &instance->model.routes[i];
		struct origin *inner = origin_inner(list, i);
		const struct origin *to = inner ? origin_of(&schema_route, inner, "to") : NULL;

		if (to && to->value && !to->bad && !route->to.address.family)
			route->to.address.family =
				route->via.family ? route->via.family : instance->family;
	}
}

/* ---- peers ---------------------------------------------------------------------------------- */

/* Whether adverts to an address would come back to us: it is what they are sent from. */
static bool is_own(const struct build_instance *instance, const struct addr *address)
{
	if (instance->model.source.family)
		return addr_equal(address, &instance->model.source);
	return instance->director && addr_equal(address, &instance->director->model->address);
}

static void add_peer(struct build *build, struct build_instance *instance,
		     const struct addr *address)
{
	struct unicast *unicast = &instance->model.unicast;
	struct addr *peer = arena_push(build->arena, &unicast->peers, &unicast->peer_count,
				       sizeof(*peer));

	if (peer)
		*peer = *address;
}

static bool has_peer(const struct unicast *unicast, const struct addr *address)
{
	for (size_t i = 0; i < unicast->peer_count; i++)
		if (addr_equal(&unicast->peers[i], address))
			return true;
	return false;
}

static const char *director_name(const void *ctx, size_t index)
{
	const struct build *build = ctx;

	return index < build->director_count ? build->directors[index].model->name : NULL;
}

static const struct director *find_director(const struct build *build, const char *name)
{
	for (size_t i = 0; i < build->director_count; i++)
		if (!strcmp(build->directors[i].model->name, name))
			return build->directors[i].model;
	return NULL;
}

/* A director's name or an address; what is wrong with it is reported. Our own name is no peer. */
static bool peer_address(struct build *build, struct build_instance *instance,
			 const struct node *node, const struct path *path, struct addr *out)
{
	const struct director *director;
	const char *nearest;

	if (node->bad || node->kind != NODE_SCALAR || node_is_null(node)) {
		instance->peers_bad = true;
		if (!node->bad)
			node_error(
				build->reader.diagnostics, node, path,
				"the name of a director or an address is expected, not %s",
				node_what(build->reader.diagnostics, node));
		return false;
	}
	director = find_director(build, node->text);
	if (instance->director && director == instance->director->model)
		return false;
	if (director && director->address.family) {
		*out = director->address;
		return true;
	}
	if (!director && !addr_parse(node->text, out) && !judge_host_address(out))
		return true;
	instance->peers_bad = true;
	if (director) {
		node_error(build->reader.diagnostics, node, path,
			   "\"%s\" has no address (directors.%s.address)", node->text, node->text);
		return false;
	}
	nearest = text_nearest(node->text, director_name, build);
	node_error(build->reader.diagnostics, node, path,
		   "\"%s\" is neither a director nor the address of a host%s%s%s", node->text,
		   nearest ? "; did you mean \"" : "", nearest ? nearest : "",
		   nearest ? "\"?" : "");
	return false;
}

/* One peer of the list. A list for all directors names every one of them: we are passed over. */
static void resolve_peer(struct build *build, struct build_instance *instance,
			 const struct origin *list, const struct node *node,
			 const struct path *path)
{
	struct addr address;
	char text[ADDR_TEXT];

	if (!peer_address(build, instance, node, path, &address) || is_own(instance, &address))
		return;
	if (address.family != instance->family) {
		instance->peers_bad = instance->peers_bad || !list->is_default_level;
		if (instance->family && !list->is_default_level)
			node_error(build->reader.diagnostics, node, path,
				   "%s is not of the instance's family, which is %s",
				   addr_format(&address, text),
				   instance->family == AF_INET6 ? "IPv6" : "IPv4");
		return;
	}
	if (has_peer(&instance->model.unicast, &address))
		node_error(build->reader.diagnostics, node, path, "%s is a peer already",
			   addr_format(&address, text));
	else
		add_peer(build, instance, &address);
}

static void resolve_peer_list(struct build *build, struct build_instance *instance,
			      const struct origin *list)
{
	if (list->value->kind != NODE_SEQUENCE) {
		resolve_peer(build, instance, list, list->value, list->path);
		return;
	}
	if (list->value->count > BUILD_PEERS_MAX) {
		node_error(build->reader.diagnostics, list->value, list->path,
			   "has more than %d peers", BUILD_PEERS_MAX);
		return;
	}
	for (size_t i = 0; i < list->value->count; i++)
		resolve_peer(build, instance, list, list->value->items[i],
			     path_below(&build->reader, list->path, NULL, i));
}

static void resolve_peers(struct build *build, struct build_instance *instance)
{
	struct origin *inner =
		origin_inner(origin_of(&schema_instance, instance->origins, "unicast"), 0);
	const struct origin *list = inner ? origin_of(&schema_unicast, inner, "peers") : NULL;

	if (list && list->value) {
		resolve_peer_list(build, instance, list);
		return;
	}
	if (!(instance->model.transport & VRRP_TRANSPORT_UNICAST) || (list && list->bad))
		return;
	for (size_t i = 0; i < build->director_count && i < BUILD_PEERS_MAX; i++) {
		const struct addr *address = &build->directors[i].model->address;

		if (&build->directors[i] != instance->director && address->family &&
		    address->family == instance->family && !is_own(instance, address))
			add_peer(build, instance, address);
	}
}

void resolve_instance(struct build *build, struct build_instance *instance)
{
	instance->family = family_of(instance);
	resolve_interfaces(build, instance);
	resolve_group(instance);
	resolve_source(instance);
	resolve_routes(instance);
	resolve_peers(build, instance);
}
