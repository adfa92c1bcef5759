/* What a service must be in itself (servers, ports, families) and to the others (names, listeners),
 * and what an operator should know about it. Nothing is repaired: what the kernel could not do is
 * an error that says what to write. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/text.h"
#include "config/build.h"

/* ---- inside one service --------------------------------------------------------------------- */

const struct origin *service_place(struct build_service *service, const char *key)
{
	const struct origin *origin = origin_of(&schema_service, service->origins, key);

	return origin->value ? origin : &service->self;
}

struct origin service_listener_place(struct build *build, struct build_service *service,
				     uint32_t number)
{
	struct origin place =
		*service_place(service, service->model->fwmark ? "addresses" : "listen");

	if (place.value->kind == NODE_SEQUENCE && number < place.value->count) {
		place.path = path_below(&build->reader, place.path, NULL, number);
		place.value = place.value->items[number];
	}
	return place;
}

/* Servers in order of what must not be there twice: for the ports, the numbers decide which was
 * first. */
struct claim {
	struct endpoint endpoint;
	const char *name;
	size_t server;
};

static int claim_order(const void *left, const void *right)
{
	const struct claim *a = left, *b = right;
	int order =
		a->name ? strcmp(a->name, b->name) : endpoint_compare(&a->endpoint, &b->endpoint);

	if (!order && a->server != b->server)
		order = a->server < b->server ? -1 : 1;
	return order;
}

static bool claims_unique(struct build *build, const struct build_service *service,
			  struct claim *claims, size_t count)
{
	char text[ENDPOINT_TEXT];
	bool unique = true;

	qsort(claims, count, sizeof(*claims), claim_order);
	for (size_t i = 1; i < count; i++) {
		const struct claim *first = &claims[i - 1], *again = &claims[i];
		const struct build_place *place = &service->servers.places[again->server];
		const struct node *other = service->servers.places[first->server].node;

		bool same_place = !endpoint_compare(&first->endpoint, &again->endpoint);

		/* servers that are wholly alike were told by their address */
		if (first->server == again->server ||
		    (first->name ? strcmp(first->name, again->name) || same_place : !same_place))
			continue;
		unique = false;
		if (first->name)
			server_error(build, place,
				     "\"%s\" is the name of another server of \"%s\" (%s)",
				     again->name, service->model->name,
				     node_place(other, place->node, build->arena));
		else
			server_error(build, place, "%s is a server of \"%s\" already (%s)",
				     endpoint_format(&again->endpoint, text), service->model->name,
				     node_place(other, place->node, build->arena));
	}
	return unique;
}

/* No two servers alike for any listener: the port of a server without one is the listener's. */
static bool servers_unique(struct build *build, const struct build_service *service)
{
	const struct service *model = service->model;
	size_t count = 0, ports = model->listen_count ? model->listen_count : 1;
	struct claim *claims;
	bool unique;

	/* with one kind of port in the list, one listener tells all */
	for (size_t i = 1; i < model->real_server_count; i++)
		if (!model->real_servers[i].address.port != !model->real_servers[0].address.port)
			count++;
	ports = count ? ports : 1;
	claims = arena_array(build->arena, model->real_server_count * ports, sizeof(*claims));
	if (!claims)
		return false;
	count = 0;
	for (size_t i = 0; i < model->real_server_count; i++)
		for (size_t port = 0; port < ports; port++) {
			const struct endpoint *address = &model->real_servers[i].address;

			if (!address->address.family || (address->port && port))
				continue;
			claims[count] = (struct claim){.endpoint = *address, .server = i};
			if (!address->port && model->listen_count)
				claims[count].endpoint.port = model->listen[port].port;
			count++;
		}
	unique = claims_unique(build, service, claims, count);
	count = 0;
	for (size_t i = 0; i < model->real_server_count; i++)
		if (model->real_servers[i].name)
			claims[count++] =
				(struct claim){.name = model->real_servers[i].name,
					       .server = i,
					       .endpoint = model->real_servers[i].address};
	return claims_unique(build, service, claims, count) && unique;
}

static bool gateway_fits(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	struct origin *origin = origin_of(&schema_service, service->origins, "gateway");

	if (!model->gateway.family || origin->is_default_level)
		return true;
	if (!service_forwards(model, FORWARDING_NAT)) {
		origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
			      "a gateway needs forwarding: nat: in no other way do answers pass the "
			      "director");
		return false;
	}
	if (service_family(model) && service_family(model) != model->gateway.family) {
		origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
			      "the gateway is not of the %s family (one is IPv4, the other IPv6)",
			      model->listen_count ? "listeners'" : "service's");
		return false;
	}
	return true;
}

static bool quorum_fits(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	const struct origin *quorum = service_place(service, "quorum"),
			    *hysteresis = service_place(service, "quorum_hysteresis");
	uint64_t all = 0;

	if (model->quorum_hysteresis > model->quorum) {
		origin_report(&build->reader, SEVERITY_ERROR, hysteresis, quorum,
			      "%u is above the quorum of %u", model->quorum_hysteresis,
			      model->quorum);
		return false;
	}
	for (size_t i = 0; i < model->real_server_count; i++)
		if (model->real_servers[i].state == ADMIN_ENABLED)
			all += model->real_servers[i].weight;
	if (model->quorum > 1 && all < model->quorum)
		origin_report(&build->reader, SEVERITY_WARNING, quorum, quorum,
			      "can never be met: all enabled servers together have a weight of %llu",
			      (unsigned long long)all);
	else if (model->quorum_hysteresis && all < (uint64_t)model->quorum + model->quorum_hysteresis)
		origin_report(&build->reader, SEVERITY_WARNING, hysteresis, hysteresis,
			      "the service would never come up again: all enabled servers together "
			      "have a weight of %llu",
			      (unsigned long long)all);
	return true;
}

static void warn_service(struct build *build, struct build_service *service)
{
	const struct origin *servers = service_place(service, "real_servers");

	if (!service->check_count && service->checks_good)
		origin_report(&build->reader, SEVERITY_WARNING, &service->self, &service->self,
			      "\"%s\" has no check: its servers always count as up",
			      service->model->name);
	if (!service->servers.count && service->servers.good)
		origin_report(&build->reader, SEVERITY_WARNING, servers, servers,
			      "\"%s\" has no servers", service->model->name);
}

bool validate_service(struct build *build, struct build_service *service)
{
	struct service *model = service->model;
	const struct origin *listen = service_place(service, "listen");
	bool good = true;

	if (!model->name)
		return false;
	if (model->listen_count > BUILD_LISTENERS_MAX ||
	    model->listen_count * model->real_server_count > BUILD_PAIRS_MAX) {
		origin_report(&build->reader, SEVERITY_ERROR, listen, listen,
			      "has more than %d listeners, or more than %d "
			      "pairs of listener and server",
			      BUILD_LISTENERS_MAX, BUILD_PAIRS_MAX);
		return false;
	}
	good = validate_mark(build, service);
	good &= validate_forwarding(build, service);
	good &= validate_own_addresses(build, service);
	good &= validate_sorry(build, service);
	good &= validate_via(build, service);
	good &= servers_unique(build, service);
	good &= gateway_fits(build, service);
	good &= validate_ipvs(build, service);
	good &= quorum_fits(build, service);
	good &= validate_policy(build, service);
	warn_service(build, service);
	return good;
}

/* ---- services among each other -------------------------------------------------------------- */

static void claim_names(struct build *build)
{
	struct table names;
	uint32_t other;

	if (table_init(&names, build->arena, build->service_count))
		return;
	for (uint32_t i = 0; i < build->service_count; i++) {
		struct build_service *service = &build->services[i];
		const char *name = service->model->name;
		const struct node *first = NULL;
		uint64_t hash;

		if (!name)
			continue;
		hash = text_hash(TEXT_HASH, name, strlen(name));
		for (size_t step = 0; !first && table_next(&names, hash, &step, &other);)
			if (!strcmp(build->services[other].model->name, name))
				first = service_place(&build->services[other], "name")->value;
		if (first)
			origin_report(&build->reader, SEVERITY_ERROR, service_place(service, "name"),
				      &service->self, "\"%s\" is the name of another service (%s)",
				      name,
				      node_place(first, service_place(service, "name")->value,
						 build->arena));
		else
			table_add(&names, hash, i);
	}
}

/* A listener of a service: one virtual service of the kernel for each of its protocols. */
struct listener {
	struct endpoint endpoint;
	uint32_t protocols, service, number;
};

static struct origin listener_place(struct build *build, const struct listener *listener)
{
	return service_listener_place(build, &build->services[listener->service], listener->number);
}

static uint64_t addr_hash(const struct addr *address)
{
	return text_hash(TEXT_HASH, address, sizeof(*address));
}

static uint64_t endpoint_hash(const struct endpoint *endpoint)
{
	return text_hash(addr_hash(&endpoint->address), &endpoint->port, sizeof(endpoint->port));
}

static void listener_taken(struct build *build, const struct listener *listener,
			   const struct listener *first)
{
	struct origin place = listener_place(build, listener), other = listener_place(build, first);
	bool same = first->service == listener->service;
	char text[ENDPOINT_TEXT];
	const char *protocol = "";

	for (const struct schema_word *word = schema_find(&schema_service, "protocol")->words;
	     word->text && !*protocol; word++)
		if (listener->protocols & first->protocols & word->value)
			protocol = word->text;

	origin_report(&build->reader, SEVERITY_ERROR, &place, &place,
		      "%s/%s is a listener of %s%s%s already (%s)",
		      endpoint_format(&listener->endpoint, text), protocol,
		      same ? "this service" : "\"",
		      same ? "" : build->services[first->service].model->name, same ? "" : "\"",
		      node_place(other.value, place.value, build->arena));
}

static void claim_listeners(struct build *build)
{
	struct listener *listeners = NULL, *added;
	struct table taken;
	size_t count = 0;
	uint32_t other;

	if (table_init(&taken, build->arena, build->service_count))
		return;
	for (uint32_t i = 0; i < build->service_count; i++) {
		const struct service *model = build->services[i].model;

		for (uint32_t at = 0;
		     model->name && at < model->listen_count && at < BUILD_LISTENERS_MAX; at++) {
			struct listener listener = {.endpoint = model->listen[at],
						    .protocols = model->protocols,
						    .service = i,
						    .number = at};
			uint64_t hash = endpoint_hash(&listener.endpoint);
			const struct listener *first = NULL;

			if (!listener.endpoint.address.family)
				continue;
			for (size_t step = 0; !first && table_next(&taken, hash, &step, &other);)
				if (!endpoint_compare(&listeners[other].endpoint,
						      &listener.endpoint) &&
				    (listeners[other].protocols & listener.protocols))
					first = &listeners[other];
			if (first)
				listener_taken(build, &listener, first);
			if (first && !(listener.protocols & ~first->protocols))
				continue;
			added = arena_push(build->arena, &listeners, &count, sizeof(*added));
			if (!added || table_add(&taken, hash, (uint32_t)count - 1))
				return;
			*added = listener;
		}
	}
}

/* The addresses that the instances of one director carry. */
static int carried_addresses(struct build *build, const struct build_instance *instances,
			     struct table *carried)
{
	int err = table_init(carried, build->arena, build->instance_count * 2);

	for (size_t i = 0; !err && i < build->instance_count; i++)
		for (size_t at = 0; at < instances[i].model.virtual_address_count; at++) {
			const struct prefix *vip = &instances[i].model.virtual_addresses[at].address;

			err = table_add(carried, addr_hash(&vip->address), 0);
		}
	return err;
}

/* What each director carries by its instances. */
struct carriers {
	struct table *carried; /* of each director */
	size_t count;
};

/* On how many directors no instance carries an address, and the last of them; a director's own address
 * counts if it is `own_too`. */
static size_t missing_on(const struct build *build, const struct carriers *carriers,
			 const struct addr *address, bool own_too, const char **missing)
{
	size_t without = 0;
	uint32_t unused;

	for (size_t d = 0; d < carriers->count; d++) {
		const struct director *director =
			build->director_count ? build->directors[d].model : NULL;
		size_t step = 0;

		if (table_next(&carriers->carried[d], addr_hash(address), &step, &unused) ||
		    (own_too && director && !addr_compare(&director->address, address)))
			continue;
		*missing = director ? director->name : "";
		without++;
	}
	return without;
}

/* Packets for a listener come only where its address is: on every director an instance should carry
 * it. */
static void warn_uncarried(struct build *build, const struct listener *listener,
			   const struct carriers *carriers)
{
	const struct addr *address = &listener->endpoint.address;
	const char *missing = NULL;
	size_t without = missing_on(build, carriers, address, false, &missing);
	char text[ADDR_TEXT];
	struct origin place;

	if (!without)
		return;
	place = listener_place(build, listener);
	origin_report(&build->reader, SEVERITY_WARNING, &place, &place,
		      "no instance of vrrp has the address %s%s%s", addr_format(address, text),
		      without < carriers->count ? " on " : "",
		      without < carriers->count ? missing : "");
}

/* So do the answers of servers to a gateway or a source; on an address of a director of its own, too. */
static void warn_unanswered(struct build *build, const struct origin *place,
			    const struct addr *address, const struct carriers *carriers)
{
	const char *missing = NULL;
	size_t without = address->family ? missing_on(build, carriers, address, true, &missing) : 0;
	char text[ADDR_TEXT];

	if (without)
		origin_report(&build->reader, SEVERITY_WARNING, place, place,
			      "neither an instance of vrrp nor %s%s has the address %s, which the "
			      "servers answer to",
			      without < carriers->count ? "director " : "a director",
			      without < carriers->count ? missing : "",
			      addr_format(address, text));
}

static void warn_of_answers(struct build *build, struct build_service *service,
			    const struct carriers *carriers)
{
	const struct service *model = service->model;
	const struct origin *source = origin_of(&schema_service, service->origins, "source");
	struct origin *gateway = origin_of(&schema_service, service->origins, "gateway");

	if (gateway->value && !gateway->is_default_level &&
	    service_forwards(model, FORWARDING_NAT))
		warn_unanswered(build, gateway, &model->gateway, carriers);
	for (size_t i = 0; source->value && !source->is_default_level && i < model->source_count;
	     i++) {
		struct origin place = list_item(build, source, source, i);

		warn_unanswered(build, &place, &model->source[i], carriers);
	}
}

static void warn_all_uncarried(struct build *build)
{
	struct carriers carriers = {.count = build->director_count ? build->director_count : 1};

	carriers.carried = arena_array(build->arena, carriers.count, sizeof(*carriers.carried));
	for (size_t d = 0; carriers.carried && d < carriers.count; d++)
		if (carried_addresses(build, build->instances + d * build->instance_count,
				      &carriers.carried[d]))
			return;
	for (uint32_t i = 0; carriers.carried && i < build->service_count; i++) {
		const struct service *model = build->services[i].model;

		if (build->services[i].origins)
			warn_of_answers(build, &build->services[i], &carriers);
		for (uint32_t at = 0; build->services[i].origins && at < service_vip_count(model);
		     at++) {
			struct listener listener = {.endpoint.address = *service_vip(model, at),
						    .service = i,
						    .number = at};

			if (listener.endpoint.address.family)
				warn_uncarried(build, &listener, &carriers);
		}
	}
}

void validate_services(struct build *build)
{
	if (arena_failed(build->arena))
		return;
	claim_names(build);
	claim_listeners(build);
	validate_marks(build);
	warn_all_uncarried(build);
	validate_servers(build);
}
