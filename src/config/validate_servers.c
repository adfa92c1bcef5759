/* Where servers are. With dr and tunnel a packet keeps the virtual address as its destination, so a server
 * must be another machine than the one that balances, and with dr on a network that the director is on
 * itself: only the MAC address is changed (ip_vs_dr_xmit() in net/netfilter/ipvs/ip_vs_xmit.c). The file
 * knows networks by the prefixes of virtual addresses alone, so of these there is a warning at most. */
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/text.h"
#include "config/build.h"

static bool keeps_destination(const struct real_server *server)
{
	return server->forwarding == FORWARDING_DR || server->forwarding == FORWARDING_TUNNEL;
}

/* The director would find that the packet is for itself. */
bool validate_own_addresses(struct build *build, const struct build_service *service)
{
	const struct service *model = service->model;
	char text[ADDR_TEXT];
	bool good = true;

	for (size_t i = 0; i < model->real_server_count; i++) {
		const struct real_server *server = &model->real_servers[i];

		if (!server->address.address.family || !keeps_destination(server))
			continue;
		for (size_t at = 0; at < service_vip_count(model); at++) {
			if (!addr_equal(service_vip(model, at), &server->address.address))
				continue;
			server_error(build, service_server_place(service, i),
				     "%s is the virtual address of \"%s\" itself: name the server by "
				     "an address of its own",
				     addr_format(&server->address.address, text), model->name);
			good = false;
			break;
		}
	}
	return good;
}

/* ---- directors that are servers ------------------------------------------------------------- */

static const char *director_with(const struct build *build, const struct addr *address)
{
	for (size_t d = 0; d < build->director_count; d++)
		if (addr_equal(&build->directors[d].model->address, address))
			return build->directors[d].model->name;
	return NULL;
}

static void warn(struct build *build, const struct build_place *place, const char *text)
{
	if (text)
		node_warning(build->reader.diagnostics, place->node, place->path, "%s", text);
}

/* One warning of each service: the key that helps stands there. A lone director hands itself nothing. */
static void warn_directors(struct build *build, const struct build_service *service)
{
	const struct service *model = service->model;

	if (build->director_count < 2 || model->program_when == WHEN_MASTER)
		return;
	for (size_t i = 0; i < model->real_server_count; i++) {
		const struct real_server *server = &model->real_servers[i];
		const char *name = director_with(build, &server->address.address);

		if (!name || !keeps_destination(server))
			continue;
		warn(build, service_server_place(service, i),
		     arena_printf(build->arena,
				  "is director %s, which balances what it is handed, too: packets "
				  "may go round in circles; \"%s\" needs program_when: master",
				  name, model->name));
		return;
	}
}

/* ---- networks ------------------------------------------------------------------------------- */

/* Those of virtual addresses with a prefix length, on all directors, each once. */
struct networks {
	struct prefix *nets;
	size_t count, last; /* where the address before was found: the next one mostly is there, too */
};

static bool is_in(struct networks *networks, const struct addr *address)
{
	if (networks->last < networks->count &&
	    prefix_contains(&networks->nets[networks->last], address))
		return true;
	for (size_t i = 0; i < networks->count; i++)
		if (prefix_contains(&networks->nets[i], address)) {
			networks->last = i;
			return true;
		}
	return false;
}

static void add_network(struct build *build, struct networks *networks, const struct prefix *vip)
{
	struct prefix *added;

	if (!vip->address.family || vip->length >= addr_bits(vip->address.family) ||
	    addr_is_link_local(&vip->address) || is_in(networks, &vip->address))
		return;
	added = arena_push(build->arena, &networks->nets, &networks->count, sizeof(*added));
	if (added)
		*added = *vip;
}

static struct networks all_networks(struct build *build)
{
	size_t directors = build->director_count ? build->director_count : 1;
	struct networks networks = {0};

	for (size_t i = 0; i < directors * build->instance_count; i++) {
		const struct instance *model = &build->instances[i].model;

		for (size_t at = 0; at < model->virtual_address_count; at++)
			add_network(build, &networks, &model->virtual_addresses[at].address);
	}
	return networks;
}

/* Whether the directors' own networks are among those that are known: else a server may be on one that
 * is not. */
static bool knows_networks(const struct build *build, struct networks *networks, uint8_t family)
{
	bool any = false;

	for (size_t d = 0; d < build->director_count; d++) {
		const struct addr *address = &build->directors[d].model->address;

		if (address->family != family)
			continue;
		if (!is_in(networks, address))
			return false;
		any = true;
	}
	return any;
}

static const char *list_networks(struct build *build, const struct networks *networks, uint8_t family)
{
	char list[256], one[PREFIX_TEXT];
	struct text text = text_of(list, sizeof(list));

	for (size_t i = 0; i < networks->count && !text.cut; i++) {
		struct prefix net = networks->nets[i];

		if (net.address.family != family)
			continue;
		for (unsigned bit = net.length; bit < addr_bits(family); bit++)
			net.address.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		text_add(&text, "%s%s", text.length ? ", " : "", prefix_format(&net, one));
	}
	return arena_strdup(build->arena, list);
}

/* One warning of each service. */
static void warn_far(struct build *build, const struct build_service *service,
		     struct networks *networks, const bool *known)
{
	const struct service *model = service->model;
	char text[ADDR_TEXT];

	for (size_t i = 0; i < model->real_server_count; i++) {
		const struct addr *address = &model->real_servers[i].address.address;

		if (model->real_servers[i].forwarding != FORWARDING_DR ||
		    !known[addr_bits(address->family) == 128] || is_in(networks, address))
			continue;
		warn(build, service_server_place(service, i),
		     arena_printf(build->arena,
				  "%s is in no network that this file has directors in (%s): "
				  "forwarding: dr reaches only servers without a router in between; "
				  "for others use forwarding: tunnel",
				  addr_format(address, text),
				  list_networks(build, networks, address->family)));
		return;
	}
}

void validate_servers(struct build *build)
{
	struct networks networks = all_networks(build);
	const bool known[] = {knows_networks(build, &networks, AF_INET),
			      knows_networks(build, &networks, AF_INET6)};

	for (size_t s = 0; s < build->service_count; s++) {
		if (!build->services[s].good || !build->services[s].model->name)
			continue;
		warn_directors(build, &build->services[s]);
		warn_far(build, &build->services[s], &networks, known);
	}
}
