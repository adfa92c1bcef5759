/* Services that the kernel knows by a firewall mark, somebody else's or (groups) lbha's: what stands in the place of listeners, and
 * what IPVS makes of ports then. A destination without a port gets a packet on the port that the
 * client chose; one with a port gets it there, but not from a persistent client
 * (ip_vs_sched_persist). */
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "config/build.h"
#include "config/mark.h"

static const struct origin *key_of(const struct build_service *service, const char *key)
{
	return origin_of(&schema_service, service->origins, key);
}

/* The service has listeners or a mark. */
static bool is_reached(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	const struct origin *fwmark = key_of(service, "fwmark"), *listen = key_of(service, "listen");

	if (model->listen_count && model->fwmark) {
		origin_report(&build->reader, SEVERITY_ERROR, fwmark, fwmark,
			      "a service has listeners or a fwmark, not both");
		return false;
	}
	if (model->listen_count || model->fwmark)
		return true;
	if (listen->value && !listen->bad)
		origin_report(&build->reader, SEVERITY_ERROR, listen, listen, "is empty");
	else if (!listen->bad && !fwmark->bad)
		node_error(build->reader.diagnostics, service->self.value, service->self.path,
			   "the key \"listen\" is missing");
	return false;
}

/* What speaks of marked packets stands beside a fwmark. */
static bool keys_belong(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	const struct origin *family = key_of(service, "family"),
			    *addresses = key_of(service, "addresses");
	bool good = true;

	if (model->fwmark || key_of(service, "fwmark")->bad)
		return true;
	if (model->family) {
		origin_report(&build->reader, SEVERITY_ERROR, family, family,
			      "is for a service with a fwmark: listeners have a family");
		good = false;
	}
	if (model->address_count) {
		origin_report(&build->reader, SEVERITY_ERROR, addresses, addresses,
			      "is for a service with a fwmark: listeners have addresses");
		good = false;
	}
	return good;
}

/* IPVS knows a mark of one family; a group without a port would take what belongs to other services
 * of the address, since the kernel looks for marks first (ip_vs_service_find). */
static bool group_fits(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	const struct origin *group = key_of(service, "group");
	bool good = true;

	if (model->group && model->fwmark) {
		origin_report(&build->reader, SEVERITY_ERROR, group, group,
			      "is for listeners, not for a fwmark");
		return false;
	}
	for (uint32_t i = 0; model->group && i < model->listen_count; i++) {
		const struct endpoint *listen = &model->listen[i];
		struct origin place = service_listener_place(build, service, i);

		if (!listen->address.family)
			continue;
		if (listen->address.family != service_family(model))
			origin_report(&build->reader, SEVERITY_ERROR, &place, &place,
				      "the listeners of a group are of one family, IPv4 or IPv6");
		else if (!listen->port)
			origin_report(&build->reader, SEVERITY_ERROR, &place, &place,
				      "a listener of a group needs a port");
		else
			continue;
		good = false;
	}
	return good;
}

/* One port for what clients sent to several is rarely meant. */
static void warn_mapping(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	size_t other = 1;

	while (other < model->listen_count && model->listen[other].port == model->listen[0].port)
		other++;
	for (size_t i = 0; other < model->listen_count && i < model->real_server_count; i++) {
		const struct build_place *place = &service->servers.places[i];
		struct origin origin = {.value = place->node, .path = place->path};

		if (!model->real_servers[i].address.port ||
		    (model->real_servers[i].forwarding != FORWARDING_NAT &&
		     model->real_servers[i].forwarding != FORWARDING_FULLNAT))
			continue;
		origin_report(&build->reader, SEVERITY_WARNING, &origin, &origin,
			      "gets all ports of \"%s\" on port %u, since they are a group",
			      model->name, model->real_servers[i].address.port);
		return;
	}
}

static const char *family_name(uint8_t family)
{
	return family == AF_INET6 ? "IPv6" : "IPv4";
}

/* Whether none of those before it is the same. */
static bool is_new_address(struct build *build, const struct addr *addresses, size_t number,
			   const struct origin *place)
{
	char text[ADDR_TEXT];

	for (size_t i = 0; addresses[number].family && i < number; i++) {
		if (addr_compare(&addresses[i], &addresses[number]))
			continue;
		origin_report(&build->reader, SEVERITY_ERROR, place, place, "%s is there already",
			      addr_format(&addresses[number], text));
		return false;
	}
	return true;
}

static bool addresses_fit(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	const struct origin *addresses = key_of(service, "addresses");
	char text[ADDR_TEXT];
	bool good = true;

	for (size_t i = 0; i < model->address_count; i++) {
		struct origin place = list_item(build, addresses, addresses, i);

		good &= is_new_address(build, model->addresses, i, &place);
		if (!model->addresses[i].family || model->addresses[i].family == model->family)
			continue;
		origin_report(&build->reader, SEVERITY_ERROR, &place, &place,
			      "%s is not of the service's family, %s",
			      addr_format(&model->addresses[i], text), family_name(model->family));
		good = false;
	}
	return good;
}

/* What a server of a service with a mark cannot be; NULL: nothing. */
static const char *complaint(const struct service *model, const struct real_server *server)
{
	uint8_t family = server->address.address.family;

	if (family && !model->listen_count && family != model->family &&
	    server->forwarding != FORWARDING_TUNNEL)
		return "is not of the service's family (one is IPv4, the other IPv6), which only "
		       "forwarding: tunnel can serve";
	if (!server->address.port)
		return NULL;
	if (model->persistence.timeout)
		return "a persistent client of a firewall mark gets the port that it chose: leave "
		       "the port out";
	if (!model->listen_count && server->forwarding != FORWARDING_NAT &&
	    server->forwarding != FORWARDING_FULLNAT)
		return "marked packets keep their port: leave it out, or use forwarding: nat";
	return NULL;
}

static bool servers_fit(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	bool good = true;

	for (size_t i = 0; i < service_server_count(model); i++) {
		const struct build_place *place = service_server_place(service, i);
		const char *text = complaint(model, service_server(model, i));

		if (!text)
			continue;
		node_error(build->reader.diagnostics, place->node, place->path, "%s", text);
		good = false;
	}
	return good;
}

/* No listener tells a check where to look. */
static bool checks_fit(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	const struct origin *origin = service_place(service, "check");
	size_t ports = 0;

	for (size_t i = 0; i < model->real_server_count; i++)
		ports += model->real_servers[i].address.port != 0;
	if (model->listen_count || ports == model->real_server_count)
		return true;
	for (size_t i = 0; i < service->check_count; i++) {
		const struct check *check = &build->checks[service->checks[i]].model;

		if (!check_lacks_port(check))
			continue;
		origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
			      "a firewall mark has no port: the check%s%s must name the one that "
			      "it probes",
			      check->name ? " " : "", check->name ? check->name : "");
		return false;
	}
	return true;
}

void resolve_mark(struct build_service *service)
{
	struct service *model = service->model;

	model->mark = model->fwmark;
	if (!model->fwmark || model->family)
		return;
	if (model->address_count)
		model->family = model->addresses[0].family;
	else if (service->servers.count)
		model->family = service->servers.servers[0].address.address.family;
	if (!model->family)
		model->family = AF_INET;
}

bool validate_mark(struct build *build, struct build_service *service)
{
	bool good = is_reached(build, service);

	good &= keys_belong(build, service);
	good &= group_fits(build, service);
	if (!good || (!service->model->fwmark && !service->model->group))
		return good;
	good &= addresses_fit(build, service);
	good &= servers_fit(build, service);
	good &= checks_fit(build, service);
	if (good && service->model->group)
		warn_mapping(build, service);
	return good;
}

/* ---- among each other ----------------------------------------------------------------------- */

static void mark_taken(struct build *build, struct build_service *service,
		       struct build_service *first)
{
	const struct origin *origin = service_place(service, "fwmark");

	origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
		      "0x%x is the mark of \"%s\" already (%s); two services may share one when "
		      "their families differ",
		      service->model->fwmark, first->model->name,
		      node_place(service_place(first, "fwmark")->value, origin->value, build->arena));
}

/* Anywhere in their range: whether a name hashes to the very mark must not decide. */
static void keep_range_free(struct build *build)
{
	const struct ipvs_global *ipvs = &build->model->global.ipvs;

	for (uint32_t i = 0; i < build->service_count; i++) {
		struct build_service *service = &build->services[i];
		const struct origin *origin = service_place(service, "fwmark");

		if (!mark_is_own(ipvs->mark_base, ipvs->mark_mask, service->model->fwmark))
			continue;
		origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
			      "0x%x is among the marks that lbha gives out (0x%x and the bits "
			      "0x%x): choose another, or another global.ipvs.mark_base",
			      service->model->fwmark, ipvs->mark_base, ipvs->mark_mask);
	}
}

static void settle_groups(struct build *build)
{
	const struct ipvs_global *ipvs = &build->model->global.ipvs;
	struct service *services = build->model->services;
	const char **names = arena_array(build->arena, build->service_count + 1, sizeof(*names));
	uint32_t *marks = arena_array(build->arena, build->service_count + 1, sizeof(*marks));
	size_t count = 0;

	for (uint32_t i = 0; names && i < build->service_count; i++)
		if (services[i].group && services[i].name)
			names[count++] = services[i].name;
	if (!(count || build->model->way_count) || !marks || (ipvs->mark_base & ipvs->mark_mask))
		return;
	keep_range_free(build);
	if (marks_settle(build->arena, ipvs->mark_base, ipvs->mark_mask, names, count, marks)) {
		struct build_service *last = &build->services[build->service_count - 1];

		origin_report(&build->reader, SEVERITY_ERROR, &last->self, &last->self,
			      "there are more groups than marks: widen global.ipvs.mark_mask");
		return;
	}
	for (uint32_t i = 0, at = 0; i < build->service_count; i++)
		if (services[i].group && services[i].name)
			services[i].mark = marks[at++];
	settle_ways(build, marks, count);
}

void validate_mark_base(struct build *build, const struct origin *ipvs)
{
	const struct ipvs_global *model = &build->model->global.ipvs;
	const struct schema_record *record = schema_find(&schema_global, "ipvs")->record;
	struct origin *inner = ipvs->value ? origin_inner(ipvs, 0) : NULL;
	const struct origin *given = inner ? origin_of(record, inner, "mark_base") : ipvs;

	if (inner && !given->value)
		given = origin_of(record, inner, "mark_mask");
	if (model->mark_base & model->mark_mask)
		origin_report(&build->reader, SEVERITY_ERROR, given, ipvs,
			      "the mark_base 0x%x and the mark_mask 0x%x have bits in common: the mask's are for "
			      "lbha to set",
			      model->mark_base, model->mark_mask);
}

void validate_marks(struct build *build)
{
	struct table taken;
	uint32_t other;

	settle_groups(build);
	if (table_init(&taken, build->arena, build->service_count))
		return;
	for (uint32_t i = 0; i < build->service_count; i++) {
		const struct service *model = build->services[i].model;
		struct build_service *first = NULL;
		uint64_t hash = text_hash(TEXT_HASH, &model->fwmark, sizeof(model->fwmark));

		if (!model->fwmark || !model->name)
			continue;
		for (size_t step = 0; !first && table_next(&taken, hash, &step, &other);)
			if (build->services[other].model->fwmark == model->fwmark &&
			    build->services[other].model->family == model->family)
				first = &build->services[other];
		if (first)
			mark_taken(build, &build->services[i], first);
		else if (table_add(&taken, hash, i))
			return;
	}
}
