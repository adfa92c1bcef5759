/* From which addresses adverts come. Where `source` is not given a director's general address counts
 * only on the interface that has it; on any other, one of that interface's is taken (vrrp/source.h).
 * So on a segment in which a director has not its general address nobody here knows how it is called. */
#include <sys/socket.h>

#include "ctl/exam.h"

static bool is_virtual(const void *ctx, const struct prefix *prefix)
{
	const struct model *model = ctx;

	for (size_t i = 0; i < model->instance_count; i++)
		for (size_t j = 0; j < model->instances[i].virtual_address_count; j++)
			if (addr_equal(&model->instances[i].virtual_addresses[j].address.address,
				       &prefix->address))
				return true;
	return false;
}

struct vrrp_source exam_source(const struct exam *exam, const struct instance *instance,
			       const struct link *link)
{
	return vrrp_source_choose(instance, &exam->sight->addresses, link->index, is_virtual, exam->model);
}

static bool has_network_of(const struct exam_sight *sight, const struct link *link, const struct addr *address)
{
	for (size_t i = 0; i < sight->addresses.count; i++)
		if (sight->addresses.items[i].link == link->index &&
		    prefix_contains(&sight->addresses.items[i].prefix, address))
			return true;
	return false;
}

bool exam_sends_from_address(const struct exam *exam, const struct instance *instance,
			     const struct director *director)
{
	const struct link *link = exam_link_named(exam->sight, instance->interface);
	const struct addr *address = &director->address;

	if (!link || instance->source_given || address->family != instance_family(instance))
		return false;
	if (address->family == AF_INET6 && instance->transport & VRRP_TRANSPORT_MULTICAST &&
	    !addr_is_link_local(address))
		return false;
	return has_network_of(exam->sight, link, address);
}

bool exam_is_about(const struct exam_sight *sight, const struct instance *instance,
		   const struct exam_speaker *speaker)
{
	const struct link *link = exam_link_named(sight, instance->interface);

	return link && link->index == speaker->link &&
	       speaker->virtual_router_id == instance->virtual_router_id &&
	       speaker->source.family == instance_family(instance);
}

static bool is_advertised(const struct instance *instance, const struct addr *address)
{
	for (size_t i = 0; i < instance->virtual_address_count; i++)
		if (instance->virtual_addresses[i].advertise &&
		    addr_equal(&instance->virtual_addresses[i].address.address, address))
			return true;
	return false;
}

size_t exam_shared(const struct instance *instance, const struct exam_speaker *speaker)
{
	size_t count = 0;

	for (size_t i = 0; i < speaker->address_count; i++)
		count += is_advertised(instance, &speaker->addresses[i]);
	return count;
}
