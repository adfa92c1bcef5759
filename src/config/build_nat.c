/* Where translated packets pass: the interfaces of the instances that carry the addresses of nat and
 * fullnat services, and the gateways of their servers. On these a server and its client may be
 * neighbours. */
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "config/build.h"

static bool translates(const struct service *service)
{
	for (size_t i = 0; i < service_server_count(service); i++) {
		const struct real_server *server = service_server(service, i);

		if (server->address.address.family == AF_INET &&
		    (server->forwarding == FORWARDING_NAT ||
		     server->forwarding == FORWARDING_FULLNAT))
			return true;
	}
	return false;
}

static bool carries(const struct instance *instance, const struct addr *address)
{
	for (size_t i = 0; i < instance->virtual_address_count; i++)
		if (!addr_compare(&instance->virtual_addresses[i].address.address, address))
			return true;
	return false;
}

/* Many services have one gateway: it is looked for once. */
static void mark_instances(const struct model *model, bool *passed)
{
	struct addr gateway = {0};

	for (size_t s = 0; s < model->service_count; s++) {
		const struct service *service = &model->services[s];

		if (!translates(service))
			continue;
		for (size_t i = 0; i < service->instance_count; i++)
			passed[service->instances[i]] = true;
		if (!service->gateway.family || !addr_compare(&service->gateway, &gateway))
			continue;
		gateway = service->gateway;
		for (size_t i = 0; i < model->instance_count; i++)
			passed[i] |= carries(&model->instances[i], &gateway);
	}
}

/* An instance with a fault may have no interface. */
static void add_interface(struct build *build, const char *name)
{
	struct model *model = build->model;
	const char **added;

	if (!name)
		return;
	for (size_t i = 0; i < model->nat_interface_count; i++)
		if (!strcmp(model->nat_interfaces[i], name))
			return;
	added = arena_push(build->arena, &model->nat_interfaces, &model->nat_interface_count,
			   sizeof(*added));
	if (added)
		*added = name;
}

void build_nat(struct build *build)
{
	const struct model *model = build->model;
	bool *passed = arena_array(build->arena, model->instance_count + 1, sizeof(*passed));

	if (!passed)
		return;
	mark_instances(model, passed);
	for (size_t i = 0; i < model->instance_count; i++) {
		struct instance *instance = &model->instances[i];

		if (!passed[i])
			continue;
		instance->no_redirects =
			instance->virtual_mac && instance_family(instance) == AF_INET;
		add_interface(build, instance->interface);
		for (size_t v = 0; v < instance->virtual_address_count; v++)
			if (instance->virtual_addresses[v].interface)
				add_interface(build, instance->virtual_addresses[v].interface);
	}
}
