/* Which instances carry the addresses of a service: what is done with it, and its probes, "while
 * MASTER" depends on them. */
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

static void add_to(struct build *build, uint32_t **instances, size_t *count, uint32_t instance)
{
	uint32_t *added;

	for (size_t i = 0; i < *count; i++)
		if ((*instances)[i] == instance)
			return;
	added = arena_push(build->arena, instances, count, sizeof(*added));
	if (added)
		*added = instance;
}

static void add_carriers(struct build *build, const struct table *by_address,
			 struct service *service, const struct addr *address)
{
	uint32_t instance;

	for (size_t step = 0; table_next(by_address, addr_hash(address), &step, &instance);)
		if (carries(&build->model->instances[instance], address))
			add_to(build, &service->instances, &service->instance_count, instance);
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
static void judge_when(struct build *build)
{
	const struct model *model = build->model;

	if (build->director_count && !build->self)
		return;
	for (size_t s = 0; s < model->service_count; s++) {
		if (model->services[s].program_when == WHEN_MASTER)
			need_instance(build, s, "program_when");
		if (model->services[s].check_when == WHEN_MASTER)
			need_instance(build, s, "check_when");
	}
}

/* A probe that others need, too, always runs. */
static void use_probes(struct build *build, const struct service *service,
		       const struct real_server *server, bool *always)
{
	for (size_t i = 0; i < server->probe_count; i++) {
		struct probe *probe = &build->model->probes[server->probes[i]];

		if (service->check_when == WHEN_ALWAYS || probe->tracked)
			always[server->probes[i]] = true;
		for (size_t at = 0; at < service->instance_count && !always[server->probes[i]]; at++)
			add_to(build, &probe->instances, &probe->instance_count,
			       service->instances[at]);
	}
}

static void limit_probes(struct build *build)
{
	struct model *model = build->model;
	bool *always = arena_array(build->arena, model->probe_count + 1, sizeof(*always));

	for (size_t s = 0; always && s < model->service_count; s++)
		for (size_t i = 0; i < service_server_count(&model->services[s]); i++)
			use_probes(build, &model->services[s],
				   service_server(&model->services[s], i), always);
	for (size_t p = 0; always && p < model->probe_count; p++)
		if (always[p])
			model->probes[p].instance_count = 0;
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
	judge_when(build);
	limit_probes(build);
}

/* An instance with a fault may have no name. */
void build_instance_names(struct build *build)
{
	struct model *model = build->model;

	model->instance_names =
		arena_array(build->arena, model->instance_count, sizeof(*model->instance_names));
	if (!model->instance_names)
		return;
	model->instance_name_count = model->instance_count;
	for (size_t i = 0; i < model->instance_count; i++)
		model->instance_names[i] =
			model->instances[i].name ? model->instances[i].name : "";
}
