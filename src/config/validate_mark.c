/* Services that the kernel knows by a firewall mark: what stands in the place of listeners, and
 * what IPVS makes of ports then. A destination without a port gets a packet on the port that the
 * client chose; one with a port gets it there, but not from a persistent client
 * (ip_vs_sched_persist). */
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "config/build.h"

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

static const char *family_name(uint8_t family)
{
	return family == AF_INET6 ? "IPv6" : "IPv4";
}

static bool addresses_fit(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	const struct origin *addresses = key_of(service, "addresses");
	char text[ADDR_TEXT];
	bool good = true;

	for (size_t i = 0; i < model->address_count; i++) {
		struct origin place = list_item(build, addresses, addresses, i);

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

		if (check->port || (check->type != CHECK_TCP && check->type != CHECK_HTTP))
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
	if (!good || !service->model->mark)
		return good;
	good &= addresses_fit(build, service);
	good &= servers_fit(build, service);
	good &= checks_fit(build, service);
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

void validate_marks(struct build *build)
{
	struct table taken;
	uint32_t other;

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
