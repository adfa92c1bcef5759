/* Where servers are. With dr and tunnel a packet keeps the virtual address as its destination, so a server
 * must be another machine than the one that balances, and with dr on a network that the director is on
 * itself: only the MAC address is changed (ip_vs_dr_xmit() in net/netfilter/ipvs/ip_vs_xmit.c). The file
 * knows networks by the prefixes of virtual addresses alone, so of these there is a warning at most. */
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/table.h"
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

/* Those of virtual addresses with a prefix length, on all directors, each once and without host bits; found by
 * their hashes, one try for each length that there is. */
struct networks {
	struct prefix *nets;
	size_t count;
	uint8_t *lengths;
	size_t length_count;
	struct table table;
};

static struct prefix network_of(const struct addr *address, uint8_t length)
{
	struct prefix net = {.address = *address, .length = length};

	for (unsigned bit = length; bit < addr_bits(address->family); bit++)
		net.address.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return net;
}

static bool is_known(const struct networks *networks, const struct prefix *net)
{
	uint64_t hash = text_hash(TEXT_HASH, &net->address, sizeof(net->address));
	uint32_t at;

	for (size_t step = 0; table_next(&networks->table, hash, &step, &at);)
		if (!prefix_compare(&networks->nets[at], net))
			return true;
	return false;
}

static bool is_in(const struct networks *networks, const struct addr *address)
{
	for (size_t i = 0; i < networks->length_count; i++) {
		struct prefix net = network_of(address, networks->lengths[i]);

		if (networks->lengths[i] < addr_bits(address->family) && is_known(networks, &net))
			return true;
	}
	return false;
}

static void add_length(struct build *build, struct networks *networks, uint8_t length)
{
	uint8_t *added;

	for (size_t i = 0; i < networks->length_count; i++)
		if (networks->lengths[i] == length)
			return;
	added = arena_push(build->arena, &networks->lengths, &networks->length_count, sizeof(*added));
	if (added)
		*added = length;
}

static void add_network(struct build *build, struct networks *networks, const struct prefix *vip)
{
	struct prefix *added, net = network_of(&vip->address, vip->length);

	if (!vip->address.family || vip->length >= addr_bits(vip->address.family) ||
	    addr_is_link_local(&vip->address) || is_known(networks, &net))
		return;
	added = arena_push(build->arena, &networks->nets, &networks->count, sizeof(*added));
	if (!added)
		return;
	*added = net;
	table_add(&networks->table, text_hash(TEXT_HASH, &net.address, sizeof(net.address)),
		  (uint32_t)networks->count - 1);
	add_length(build, networks, net.length);
}

static int all_networks(struct build *build, struct networks *networks)
{
	size_t directors = build->director_count ? build->director_count : 1;
	int error = table_init(&networks->table, build->arena, build->instance_count);

	for (size_t i = 0; !error && i < directors * build->instance_count; i++) {
		const struct instance *model = &build->instances[i].model;

		for (size_t at = 0; at < model->virtual_address_count; at++)
			add_network(build, networks, &model->virtual_addresses[at].address);
	}
	return error;
}

/* Whether the directors' own networks are among those that are known: else a server may be on one that
 * is not. */
static bool knows_networks(const struct build *build, const struct networks *networks, uint8_t family)
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

	for (size_t i = 0; i < networks->count && !text.cut; i++)
		if (networks->nets[i].address.family == family)
			text_add(&text, "%s%s", text.length ? ", " : "",
				 prefix_format(&networks->nets[i], one));
	return arena_strdup(build->arena, list);
}

/* One warning of each service. */
static void warn_far(struct build *build, const struct build_service *service,
		     const struct networks *networks, const bool *known)
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
	struct networks networks = {0};
	bool known[2];

	if (all_networks(build, &networks))
		return;
	known[0] = knows_networks(build, &networks, AF_INET);
	known[1] = knows_networks(build, &networks, AF_INET6);
	for (size_t s = 0; s < build->service_count; s++) {
		if (!build->services[s].good || !build->services[s].model->name)
			continue;
		warn_directors(build, &build->services[s]);
		warn_far(build, &build->services[s], &networks, known);
	}
}
