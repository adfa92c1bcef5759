/* From lbha.conf's services, --vip or the journal to a set of VIPs; see the header. Sets are small
 * (a server has few VIPs), so they are searched linearly. */
#include "rs-agent/desired.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/cleanup.h"

static bool has_vip(const struct rs_desired *set, const struct addr *address)
{
	for (size_t i = 0; i < set->count; i++)
		if (addr_equal(&set->vips[i].address, address))
			return true;
	return false;
}

static int put_vip(struct arena *arena, struct rs_desired *set, const struct addr *address,
		   const char *service)
{
	struct rs_vip *vip;

	if (has_vip(set, address))
		return 0;
	vip = arena_push(arena, &set->vips, &set->count, sizeof(*vip));
	if (!vip)
		return -ENOMEM;
	*vip = (struct rs_vip){.address = *address, .service = service};
	return 0;
}

/* ---- the model ---- */

static bool is_own(const struct address_list *own, const struct addr *address)
{
	if (addr_is_loopback(address))
		return false;
	for (size_t i = 0; i < own->count; i++)
		if (addr_equal(&own->items[i].prefix.address, address))
			return true;
	return false;
}

/* Whether we are a real server of the service with that forwarding. */
static bool serves(const struct service *service, const struct address_list *own,
		   enum forwarding forwarding)
{
	for (size_t i = 0; i < service_server_count(service); i++)
		if (service_server(service, i)->forwarding == forwarding &&
		    is_own(own, &service_server(service, i)->address.address))
			return true;
	return false;
}

static int put_service(struct arena *arena, const struct service *service, struct rs_desired *set)
{
	for (size_t i = 0; i < service_vip_count(service); i++) {
		int err = put_vip(arena, set, service_vip(service, i), service->name);

		if (err)
			return err;
	}
	return 0;
}

/* The service once for each way, other than dr, by which it reaches us. */
static int put_others(struct arena *arena, const struct service *service,
		      const struct address_list *own, struct rs_other *other)
{
	static const enum forwarding ways[] = {FORWARDING_NAT, FORWARDING_TUNNEL,
					       FORWARDING_FULLNAT};

	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		struct rs_other_service *one;

		if (!serves(service, own, ways[i]))
			continue;
		one = arena_push(arena, &other->services, &other->count, sizeof(*one));
		if (!one)
			return -ENOMEM;
		*one = (struct rs_other_service){service->name, ways[i]};
	}
	return 0;
}

int rs_desired_of_model(struct arena *arena, const struct model *model, const char *service,
			const struct address_list *own, struct rs_desired *out,
			struct rs_other *other)
{
	struct rs_desired set = {0};
	struct rs_other rest = {0};
	int err = 0;

	for (size_t i = 0; i < model->service_count && !err; i++) {
		const struct service *one = &model->services[i];

		if (service && strcmp(one->name, service))
			continue;
		if (serves(one, own, FORWARDING_DR))
			err = put_service(arena, one, &set);
		if (!err)
			err = put_others(arena, one, own, &rest);
	}
	if (err)
		return err;
	*out = set;
	*other = rest;
	return 0;
}

/* ---- sets ---- */

int rs_desired_of_journal(struct arena *arena, const struct owned_set *journal,
			  struct rs_desired *out)
{
	struct rs_desired set = {0};

	for (size_t i = 0; i < journal->count; i++) {
		const struct owned *record = &journal->items[i];

		if ((record->kind == OWNED_ADDRESS || record->kind == OWNED_FOREIGN) &&
		    put_vip(arena, &set, &record->address.prefix.address, NULL))
			return -ENOMEM;
	}
	*out = set;
	return 0;
}

int rs_desired_add(struct arena *arena, const struct rs_desired *a, const struct rs_desired *b,
		   struct rs_desired *out)
{
	struct rs_desired set = {0};

	for (size_t i = 0; i < a->count; i++)
		if (put_vip(arena, &set, &a->vips[i].address, a->vips[i].service))
			return -ENOMEM;
	for (size_t i = 0; i < b->count; i++)
		if (put_vip(arena, &set, &b->vips[i].address, b->vips[i].service))
			return -ENOMEM;
	*out = set;
	return 0;
}

int rs_desired_without(struct arena *arena, const struct rs_desired *a, const struct rs_desired *b,
		       struct rs_desired *out)
{
	struct rs_desired set = {0};

	for (size_t i = 0; i < a->count; i++)
		if (!has_vip(b, &a->vips[i].address) &&
		    put_vip(arena, &set, &a->vips[i].address, a->vips[i].service))
			return -ENOMEM;
	*out = set;
	return 0;
}

/* ---- what they mean ---- */

struct address rs_vip_address(const struct rs_vip *vip, uint32_t lo)
{
	struct prefix prefix = {.address = vip->address,
				.length = (uint8_t)addr_bits(vip->address.family)};
	struct address address = address_ours(lo, &prefix);

	if (vip->address.family == AF_INET)
		address.scope = ADDRESS_SCOPE_HOST;
	return address;
}

size_t rs_sysctl_wants(const struct rs_desired *desired, struct sysctl_want *wants)
{
	static const struct sysctl_want all[RS_WANTS] = {
		{"net/ipv4/conf/all/arp_ignore", SYSCTL_AT_LEAST, 1},
		{"net/ipv4/conf/lo/arp_ignore", SYSCTL_AT_LEAST, 1},
		{"net/ipv4/conf/all/arp_announce", SYSCTL_AT_LEAST, 2},
		{"net/ipv4/conf/lo/arp_announce", SYSCTL_AT_LEAST, 2},
	};

	for (size_t i = 0; i < desired->count; i++)
		if (desired->vips[i].address.family == AF_INET) {
			memcpy(wants, all, sizeof(all));
			return RS_WANTS;
		}
	return 0;
}
