/* Which instances carry the addresses of a service: what it does "while MASTER" depends on them. */
#include <string.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "config/build.h"

static uint64_t addr_hash(const struct addr *address)
{
	return text_hash(TEXT_HASH, address, sizeof(*address));
}

static bool carries(const struct instance *instance, const struct addr *address)
{
	for (size_t i = 0; i < instance->virtual_address_count; i++)
		if (!addr_compare(&instance->virtual_addresses[i].address.address, address))
			return true;
	return false;
}

/* Instances by the hashes of their addresses. */
static int index_addresses(const struct model *model, struct arena *arena, struct table *out)
{
	int error = table_init(out, arena, model->instance_count * 2);

	for (uint32_t i = 0; !error && i < model->instance_count; i++) {
		const struct instance *instance = &model->instances[i];

		for (size_t at = 0; !error && at < instance->virtual_address_count; at++)
			error = table_add(out,
					  addr_hash(&instance->virtual_addresses[at].address.address),
					  i);
	}
	return error;
}

static void add_instance(struct build *build, struct service *service, uint32_t instance)
{
	uint32_t *added;

	for (size_t i = 0; i < service->instance_count; i++)
		if (service->instances[i] == instance)
			return;
	added = arena_push(build->arena, &service->instances, &service->instance_count,
			   sizeof(*added));
	if (added)
		*added = instance;
}

static void add_carriers(struct build *build, const struct table *by_address,
			 struct service *service, const struct addr *address)
{
	uint32_t instance;

	for (size_t step = 0; table_next(by_address, addr_hash(address), &step, &instance);)
		if (carries(&build->model->instances[instance], address))
			add_instance(build, service, instance);
}

/* What waits for an instance to become MASTER needs one. */
static void need_instance(struct build *build, size_t s, const char *key)
{
	const struct service *service = &build->model->services[s];
	const struct origin *place = service_place(&build->services[s], key);

	if (service->instance_count || !service->name)
		return;
	if (service->fwmark && !service->address_count)
		origin_report(&build->reader, SEVERITY_ERROR, place, place,
			      "of a firewall mark nobody knows whose addresses it is about: list "
			      "them as addresses");
	else
		origin_report(&build->reader, SEVERITY_ERROR, place, place,
			      "no instance of vrrp carries an address of \"%s\", so it would never "
			      "be",
			      service->name);
}

/* A model for nobody in particular has no instances. */
static void check_when(struct build *build)
{
	const struct model *model = build->model;

	if (build->director_count && !build->self)
		return;
	for (size_t s = 0; s < model->service_count; s++)
		if (model->services[s].program_when == WHEN_MASTER)
			need_instance(build, s, "program_when");
}

void build_carried(struct build *build)
{
	struct model *model = build->model;
	struct table by_address;

	if (index_addresses(model, build->arena, &by_address))
		return;
	for (size_t s = 0; s < model->service_count; s++) {
		struct service *service = &model->services[s];

		for (size_t i = 0; i < service_vip_count(service); i++)
			add_carriers(build, &by_address, service, service_vip(service, i));
	}
	check_when(build);
}
