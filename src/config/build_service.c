/* Pools and services: real servers from a pool or in place, and their probes. A pool is read once
 * and copied for every service that uses it, since probes and ports are the service's. */
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/text.h"
#include "config/build.h"
#include "config/scheduler.h"
#include "config/value.h"

static const char *next_pool(const void *ctx, size_t index)
{
	const struct build *build = ctx;

	return index < build->pool_count ? build->pools[index].name : NULL;
}

static const struct build_pool *find_pool(const struct build *build, const char *name)
{
	uint32_t at;

	if (!build->pool_names.slots)
		return NULL;
	for (size_t step = 0;
	     table_next(&build->pool_names, text_hash(TEXT_HASH, name, strlen(name)), &step, &at);)
		if (!strcmp(build->pools[at].name, name))
			return &build->pools[at];
	return NULL;
}

/* ---- real servers --------------------------------------------------------------------------- */

/* The name a server has without one: its address as it was written. */
static const char *default_name(struct build *build, const struct real_server *server,
				const struct origin *address)
{
	char text[ENDPOINT_TEXT];

	if (address->value && address->value->kind == NODE_SCALAR)
		return address->value->text;
	return arena_strdup(build->arena, endpoint_format(&server->address, text));
}

/* As the kernel judges them (ip_vs_add_dest): a lower one alone is above an upper one of 0. */
static bool thresholds_fit(struct build *build, const struct real_server *server,
			   struct origin *origins, const struct origin *self)
{
	const struct origin *origin = origin_of(&schema_real_server, origins, "lower_threshold");

	if (server->lower_threshold <= server->upper_threshold)
		return true;
	if (!server->upper_threshold)
		origin_report(&build->reader, SEVERITY_ERROR, origin, self,
			      "a lower threshold needs an upper_threshold");
	else
		origin_report(&build->reader, SEVERITY_ERROR, origin, self,
			      "%u is above the upper_threshold of %u", server->lower_threshold,
			      server->upper_threshold);
	return false;
}

/* A mapping, or whatever else the reader has to complain about. */
static bool read_whole(struct build *build, struct build_place *place, struct real_server *server)
{
	const struct node *node = place->node;
	struct level levels[2] = {{.node = node, .path = place->path, .is_home = true},
				  build->server_defaults};
	struct origin self = {.key = node, .value = node, .path = place->path};
	struct origin *origins = build->server_origins;

	memset(origins, 0, schema_real_server.count * sizeof(*origins));
	if (!record_read(&build->reader, &schema_real_server, levels, 2, server, origins))
		return false;
	place->has_forwarding = origin_of(&schema_real_server, origins, "forwarding")->value;
	place->has_tunnel = origin_of(&schema_real_server, origins, "tunnel")->value;
	if (!thresholds_fit(build, server, origins, &self))
		return false;
	if (!server->name)
		server->name = default_name(build, server,
					    origin_of(&schema_real_server, origins, "address"));
	return true;
}

/* The short form: all but the address is as with every other one. */
static bool read_plain(struct build *build, const struct build_place *place, struct real_server *server)
{
	const struct schema_field *address = schema_find(&schema_real_server, "address");

	*server = *build->plain_server;
	server->name = place->node->text;
	return value_read(&build->reader, address, place->node, place->path, &server->address);
}

static bool read_server(struct build *build, struct build_place *place, struct real_server *server)
{
	const struct node *node = place->node;

	if (node->kind == NODE_SCALAR && find_pool(build, node->text)) {
		node_error(
			build->reader.diagnostics, node, place->path,
			"\"%s\" is a pool: it cannot stand in a list of servers (real_servers: %s)",
			node->text, node->text);
		return false;
	}
	if (node->kind == NODE_SCALAR && !node_is_null(node) && build->plain_server)
		return read_plain(build, place, server);
	return read_whole(build, place, server);
}

/* What the defaults make of a server that says only where it is. */
static void prepare_servers(struct build *build)
{
	static const struct node nowhere = {.kind = NODE_SCALAR, .plain = true, .text = "0.0.0.1"};
	struct real_server *plain = arena_alloc(build->arena, sizeof(*plain));
	struct build_place place = {.node = &nowhere};

	build->server_origins =
		arena_array(build->arena, schema_real_server.count, sizeof(*build->server_origins));
	if (!plain || !build->server_origins || !read_whole(build, &place, plain))
		return;
	plain->address = (struct endpoint){0};
	build->plain_server = plain;
}

/* A list of servers, or one server. */
static void read_servers(struct build *build, const struct node *node, const struct path *path,
			 struct build_pool *pool)
{
	bool single = node->kind != NODE_SEQUENCE;

	pool->good = true;
	pool->count = single ? 1 : node->count;
	pool->servers = arena_array(build->arena, pool->count, sizeof(*pool->servers));
	pool->places = arena_array(build->arena, pool->count, sizeof(*pool->places));
	if (!pool->servers || !pool->places) {
		pool->count = 0;
		return;
	}
	for (size_t i = 0; i < pool->count; i++) {
		struct build_place place = {.node = single ? node : node->items[i], .path = path};

		if (!single)
			place.path = path_below(&build->reader, path, NULL, i);
		pool->places[i] = place;
		pool->good &= read_server(build, &pool->places[i], &pool->servers[i]);
	}
}

void build_pools(struct build *build)
{
	size_t count;
	struct section_item *items = section_items(build->tree, "pools", build->arena, &count);

	prepare_servers(build);
	build->pools = arena_array(build->arena, count, sizeof(*build->pools));
	if (!build->pools || !build->server_origins || table_init(&build->pool_names, build->arena, count))
		return;
	for (size_t i = 0; i < count; i++) {
		struct build_pool *pool = &build->pools[i];
		const char *name = build_name(build, items[i].key, items[i].path);

		pool->name = name ? name : items[i].key->text;
		table_add(&build->pool_names, text_hash(TEXT_HASH, pool->name, strlen(pool->name)),
			  (uint32_t)i);
		build->pool_count = i + 1;
	}
	for (size_t i = 0; i < count; i++) {
		if (node_is_null(items[i].value))
			node_error(build->reader.diagnostics, items[i].key, items[i].path,
				   "has no value");
		else
			read_servers(build, items[i].value, items[i].path, &build->pools[i]);
	}
}

/* "real_servers": a pool's name, a server, or a list of servers. */
static void service_servers(struct build *build, struct build_service *service)
{
	const struct origin *origin = origin_of(&schema_service, service->origins, "real_servers");
	const struct node *node = origin->value;
	const struct build_pool *pool;
	struct endpoint endpoint;

	if (!node)
		return;
	if (node->kind != NODE_SCALAR || !endpoint_parse(node->text, &endpoint)) {
		read_servers(build, node, origin->path, &service->servers);
		return;
	}
	pool = find_pool(build, node->text);
	if (pool)
		service->servers = *pool;
	else
		build_no_such(build, "pool", node->text, node, origin->path, next_pool, build);
}

/* ---- probes --------------------------------------------------------------------------------- */

bool build_probe_use(struct build *build, struct real_server *server, uint32_t check,
		     const struct probe *wanted)
{
	uint32_t *added;

	if (++build->probe_use_count > BUILD_PROBES_MAX)
		return false;
	added = arena_push(build->arena, &server->probes, &server->probe_count, sizeof(*added));
	return added && build_probe(build, check, wanted, added);
}

/* Adds the probe of a check at one port to a server. */
static bool add_probe(struct build *build, struct real_server *server, uint32_t check,
		      uint16_t port)
{
	struct endpoint address = {.address = server->address.address, .port = port};
	struct probe wanted = {0};

	if (!build_target(&build->checks[check].model, &address, &wanted.target))
		return true; /* the port is that of a listener, and every listener has one */
	return build_probe_use(build, server, check, &wanted);
}

/* The check's port, else the server's, else that of every listener. */
static bool check_server(struct build *build, const struct build_service *service,
			 struct real_server *server, uint32_t check)
{
	const struct check *model = &build->checks[check].model;
	uint16_t port = model->port ? model->port : server->address.port;

	if (model->via == CHECK_VIA_VIP)
		return build_probes_through(build, service, server, check);
	if (port || check_type_asks(model->type) == CHECK_ASKS_HERE ||
	    check_type_asks(model->type) == CHECK_ASKS_HOST)
		return add_probe(build, server, check, port);
	for (size_t i = 0; i < service->port_count; i++)
		if (!add_probe(build, server, check, service->ports[i]))
			return false;
	return true;
}

/* The ports of the listeners in order, each once; 0 for a service without one. */
static bool distinct_ports(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	uint8_t *seen = arena_alloc(build->arena, model->listen_count > 1 ? 65536 / 8 : 1);

	service->ports = arena_array(build->arena, model->listen_count + 1, sizeof(*service->ports));
	if (!seen || !service->ports)
		return false;
	service->port_count = !model->listen_count;
	for (size_t i = 0; i < model->listen_count; i++) {
		uint16_t port = model->listen[i].port;

		if (model->listen_count > 1 && (seen[port / 8] & 1 << port % 8))
			continue;
		if (model->listen_count > 1)
			seen[port / 8] |= (uint8_t)(1 << port % 8);
		service->ports[service->port_count++] = port;
	}
	return true;
}

/* Then weights are programmed times 100, if the scheduler sees nothing but shares in them. */
static void note_percent(struct build *build, const struct build_service *service)
{
	struct service *model = service->model;

	for (size_t at = 0; at < service->check_count; at++)
		model->weight_in_percent |= check_tells_percent(&build->checks[service->checks[at]].model) &&
					    scheduler_may_ramp(model->scheduler);
}

static bool check_servers(struct build *build, const struct build_service *service)
{
	struct service *model = service->model;

	note_percent(build, service);

	for (size_t i = 0; i < model->real_server_count; i++)
		for (size_t at = 0; at < service->check_count; at++)
			if (model->real_servers[i].state != ADMIN_DISABLED &&
			    !check_server(build, service, &model->real_servers[i],
					  service->checks[at]))
				return false;
	for (size_t at = 0; at < service->sorry_check_count; at++)
		if (!check_server(build, service, model->sorry_server, service->sorry_checks[at]))
			return false;
	return true;
}

static void build_probes(struct build *build, struct build_service *service)
{
	if (distinct_ports(build, service) && !check_servers(build, service))
		origin_report(&build->reader, SEVERITY_ERROR, &service->self, &service->self,
			      "the checks of all services make more than %d probes",
			      BUILD_PROBES_MAX);
}

/* ---- services ------------------------------------------------------------------------------- */

static bool copy_servers(struct build *build, struct build_service *service)
{
	struct service *model = service->model;
	const struct build_pool *from = &service->servers;

	build->server_count += from->count;
	if (build->server_count > BUILD_SERVERS_MAX) {
		origin_report(&build->reader, SEVERITY_ERROR, &service->self, &service->self,
			      "all services together have more than %d real servers",
			      BUILD_SERVERS_MAX);
		return false;
	}
	if (!from->count)
		return true;
	model->real_servers = from->servers;
	if (from->name)
		model->real_servers =
			arena_copy(build->arena, from->servers, from->count * sizeof(*from->servers));
	if (model->real_servers)
		model->real_server_count = from->count;
	return model->real_servers != NULL;
}

static void build_service(struct build *build, const struct section_item *item,
			  struct build_service *service, struct service *model)
{
	struct level levels[2] = {{.node = item->value, .path = item->path, .is_home = true},
				  build->service_defaults};

	service->model = model;
	service->self =
		(struct origin){.key = item->value, .value = item->value, .path = item->path};
	service->origins =
		arena_array(build->arena, schema_service.count, sizeof(*service->origins));
	if (!service->origins)
		return;
	service->good =
		record_read(&build->reader, &schema_service, levels, 2, model, service->origins);
	if (model->scheduler)
		resolve_service(service);
	service_servers(build, service);
	resolve_mark(service);
	service->checks_good =
		build_check_list(build, origin_of(&schema_service, service->origins, "check"),
				 &service->checks, &service->check_count);
	service->good &= build_sorry(build, service);
	if (!copy_servers(build, service))
		return;
	resolve_forwarding(service);
	if (validate_service(build, service) && service->good && service->checks_good &&
	    service->servers.good)
		build_probes(build, service);
}

void build_services(struct build *build)
{
	struct model *model = build->model;
	struct section_item *items =
		section_items(build->tree, "services", build->arena, &build->service_count);

	model->services = arena_array(build->arena, build->service_count, sizeof(*model->services));
	build->services = arena_array(build->arena, build->service_count, sizeof(*build->services));
	if (!model->services || !build->services) {
		build->service_count = 0;
		return;
	}
	model->service_count = build->service_count;
	for (size_t i = 0; i < build->service_count; i++)
		build_service(build, &items[i], &build->services[i], &model->services[i]);
}
