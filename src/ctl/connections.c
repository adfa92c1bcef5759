/* See the header. */
#include "ctl/connections.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "ctl/grid.h"
#include "ctl/paper.h"

/* ---- lines ---------------------------------------------------------------------------- */

/* IPv4 as eight hexadecimal digits, IPv6 written out. */
static bool parse_address(const char *text, struct addr *out)
{
	char *end;
	unsigned long number;

	if (strchr(text, ':'))
		return !addr_parse(text, out);
	number = strtoul(text, &end, 16);
	if (*end || end != text + 8)
		return false;
	*out = addr_from_ipv4((uint32_t)number);
	return true;
}

static void lower(char *text)
{
	for (; *text; text++)
		*text = (char)tolower((unsigned char)*text);
}

bool connection_parse(const char *line, struct connection *out)
{
	struct connection got = {0};
	char client[40], virtual[40], server[40];
	unsigned ports[3];

	if (sscanf(line, "%7s %39s %4x %39s %4x %39s %4x %15s %u", got.protocol, client, &ports[0],
		   virtual, &ports[1], server, &ports[2], got.state, &got.expires) != 9 ||
	    !parse_address(client, &got.client.address) ||
	    !parse_address(virtual, &got.virtual.address) ||
	    !parse_address(server, &got.server.address))
		return false;
	got.client.port = (uint16_t)ports[0];
	got.virtual.port = (uint16_t)ports[1];
	got.server.port = (uint16_t)ports[2];
	got.is_template = !got.client.port;
	lower(got.protocol);
	lower(got.state);
	*out = got;
	return true;
}

/* ---- services ------------------------------------------------------------------------- */

/* In which of the kernel's states a connection stands. */
enum phase {
	PHASE_ESTABLISHED,
	PHASE_OPENING,
	PHASE_CLOSING,
	PHASE_OTHER, /* udp has no phases */
	PHASE_TEMPLATE,
	PHASES,
};

struct group {
	const char *service;	/* NULL: not known */
	struct connection like; /* the first of them */
	unsigned long long counts[PHASES];
};

struct connections {
	struct arena *arena;
	const json_t *services;
	struct table listeners, marks, servers; /* to indices of services */
	struct table index;			/* to indices of groups */
	struct group *groups;
	size_t count;
};

static uint64_t endpoint_hash(const char *protocol, const struct addr *address, uint16_t port)
{
	uint64_t hash = text_hash(TEXT_HASH, protocol, strlen(protocol));

	hash = text_hash(hash, address->bytes, sizeof(address->bytes));
	return text_hash(hash, &port, sizeof(port));
}

/* The words of "tcp,udp", one at a time. */
static bool next_protocol(const char **list, char *out, size_t size)
{
	size_t length = strcspn(*list, ",");

	if (!length || length >= size)
		return false;
	memcpy(out, *list, length);
	out[length] = '\0';
	*list += length + ((*list)[length] == ',');
	return true;
}

static void index_listeners(struct connections *all, const json_t *service, uint32_t at)
{
	const json_t *listener;
	size_t i;

	json_array_foreach (json_object_get(service, "listen"), i, listener) {
		const char *list = json_text(service, "protocol");
		struct endpoint endpoint;
		char protocol[8];

		if (!json_is_string(listener) ||
		    endpoint_parse(json_string_value(listener), &endpoint))
			continue;
		while (next_protocol(&list, protocol, sizeof(protocol)))
			table_add(&all->listeners,
				  endpoint_hash(protocol, &endpoint.address, endpoint.port), at);
	}
}

static void index_mark(struct connections *all, const json_t *service, uint32_t at)
{
	uint32_t mark = (uint32_t)json_number(service, "fwmark");
	const json_t *server;
	size_t i;

	if (!mark)
		return;
	table_add(&all->marks, mark, at);
	json_array_foreach (json_object_get(service, "real_servers"), i, server) {
		struct endpoint endpoint;

		if (!endpoint_parse(json_text(server, "address"), &endpoint))
			table_add(&all->servers, endpoint_hash("", &endpoint.address, 0), at);
	}
}

struct connections *connections_new(const json_t *services)
{
	struct connections *all = calloc(1, sizeof(*all));
	const json_t *service;
	size_t at;

	if (all)
		all->arena = arena_new(0);
	if (!all || !all->arena || table_init(&all->listeners, all->arena, 64) ||
	    table_init(&all->marks, all->arena, 16) || table_init(&all->servers, all->arena, 64) ||
	    table_init(&all->index, all->arena, 256)) {
		connections_free(all);
		return NULL;
	}
	all->services = services;
	json_array_foreach (services, at, service) {
		index_listeners(all, service, (uint32_t)at);
		index_mark(all, service, (uint32_t)at);
	}
	return all;
}

void connections_free(struct connections *all)
{
	if (!all)
		return;
	arena_free(all->arena);
	free(all);
}

static const json_t *found(const struct connections *all, const struct table *table, uint64_t hash)
{
	size_t step = 0;
	uint32_t at;

	return table_next(table, hash, &step, &at) ? json_array_get(all->services, at) : NULL;
}

/* A template of a mark has it in the place of the virtual address. */
static const json_t *of_mark(const struct connections *all, const struct connection *connection)
{
	const uint8_t *bytes = connection->virtual.address.bytes;

	if (strcmp(connection->protocol, "ip") != 0)
		return NULL;
	return found(all, &all->marks,
		     (uint64_t)bytes[0] << 24 | (uint64_t)bytes[1] << 16 | (uint64_t)bytes[2] << 8 |
			     bytes[3]);
}

const char *connections_service(const struct connections *all, const struct connection *connection)
{
	const struct endpoint *virtual = &connection->virtual;
	const char *protocol = connection->protocol;
	const json_t *service = found(all, &all->listeners,
				      endpoint_hash(protocol, &virtual->address, virtual->port));

	if (!service)
		service =
			found(all, &all->listeners, endpoint_hash(protocol, &virtual->address, 0));
	if (!service)
		service = of_mark(all, connection);
	if (!service)
		service = found(all, &all->servers,
				endpoint_hash("", &connection->server.address, 0));
	return service ? json_text(service, "name") : NULL;
}

/* ---- counting ------------------------------------------------------------------------- */

static enum phase phase_of(const struct connection *connection)
{
	static const struct {
		const char *state;
		enum phase phase;
	} rows[] = {
		{"established", PHASE_ESTABLISHED}, {"syn_sent", PHASE_OPENING},
		{"syn_recv", PHASE_OPENING},	    {"synack", PHASE_OPENING},
		{"fin_wait", PHASE_CLOSING},	    {"time_wait", PHASE_CLOSING},
		{"close", PHASE_CLOSING},	    {"close_wait", PHASE_CLOSING},
		{"last_ack", PHASE_CLOSING},	    {"closed", PHASE_CLOSING},
	};

	if (connection->is_template)
		return PHASE_TEMPLATE;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (!strcmp(rows[i].state, connection->state))
			return rows[i].phase;
	return PHASE_OTHER;
}

/* Those of a service with a name are one group per server, whatever listener they came by. */
static bool belongs(const struct group *group, const char *service,
		    const struct connection *connection)
{
	if (group->service != service ||
	    endpoint_compare(&group->like.server, &connection->server) != 0)
		return false;
	return service || (!strcmp(group->like.protocol, connection->protocol) &&
			   !endpoint_compare(&group->like.virtual, &connection->virtual));
}

static struct group *group_of(struct connections *all, const struct connection *connection)
{
	const char *service = connections_service(all, connection);
	const struct endpoint *server = &connection->server;
	uint64_t hash = endpoint_hash(service ? service : "", &server->address, server->port);
	struct group *group;
	uint32_t at;

	for (size_t step = 0; table_next(&all->index, hash, &step, &at);)
		if (belongs(&all->groups[at], service, connection))
			return &all->groups[at];
	if (table_add(&all->index, hash, (uint32_t)all->count))
		return NULL;
	group = arena_push(all->arena, &all->groups, &all->count, sizeof(*group));
	if (group)
		*group = (struct group){.service = service, .like = *connection};
	return group;
}

int connections_count(struct connections *all, const struct connection *connection)
{
	struct group *group = group_of(all, connection);

	if (!group)
		return -ENOMEM;
	group->counts[phase_of(connection)]++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	int by = strcmp(x->service ? x->service : "\x7f", y->service ? y->service : "\x7f");

	if (!by)
		by = endpoint_compare(&x->like.server, &y->like.server);
	return by ? by : endpoint_compare(&x->like.virtual, &y->like.virtual);
}

/* Afterwards nothing can be counted any more: the index is of another order. */
static void sort(struct connections *all)
{
	if (all->count)
		qsort(all->groups, all->count, sizeof(*all->groups), by_name);
}

/* ---- showing -------------------------------------------------------------------------- */

static const char *phase_name(enum phase phase)
{
	static const char *const names[] = {[PHASE_ESTABLISHED] = "established",
					    [PHASE_OPENING] = "opening",
					    [PHASE_CLOSING] = "closing",
					    [PHASE_OTHER] = "other",
					    [PHASE_TEMPLATE] = "persistent"};

	return names[phase];
}

void connections_show(struct connections *all, const struct paper *paper)
{
	static const struct grid_column columns[] = {
		{.title = "SERVICE", .folds = true},	 {.title = "SERVER"},
		{.title = "ESTAB", .is_number = true},	 {.title = "OPENING", .is_number = true},
		{.title = "CLOSING", .is_number = true}, {.title = "OTHER", .is_number = true},
		{.title = "PERSIST", .is_number = true},
	};
	struct grid *grid = grid_new(columns, COUNT_OF(columns));
	char text[ENDPOINT_TEXT];

	sort(all);
	for (size_t i = 0; i < all->count; i++) {
		const struct group *group = &all->groups[i];

		if (group->service)
			grid_cell(grid, INK_HEAD, "%s", group->service);
		else
			grid_cell(grid, INK_WARN, "%s %s", group->like.protocol,
				  endpoint_format(&group->like.virtual, text));
		grid_cell(grid, INK_PLAIN, "%s", endpoint_format(&group->like.server, text));
		for (unsigned phase = 0; phase < PHASES; phase++)
			grid_cell(grid, INK_PLAIN, "%llu", group->counts[phase]);
	}
	if (all->count)
		grid_print(grid, paper, 0);
	grid_free(grid);
}

json_t *connections_json(struct connections *all)
{
	json_t *array = json_array();
	char text[ENDPOINT_TEXT];

	sort(all);
	for (size_t i = 0; i < all->count; i++) {
		const struct group *group = &all->groups[i];
		json_t *object = json_pack("{s:s?}", "service", group->service);

		if (!group->service) {
			json_object_set_new(object, "protocol", json_string(group->like.protocol));
			json_object_set_new(
				object, "virtual",
				json_string(endpoint_format(&group->like.virtual, text)));
		}
		json_object_set_new(object, "server",
				    json_string(endpoint_format(&group->like.server, text)));
		for (unsigned phase = 0; phase < PHASES; phase++)
			json_object_set_new(object, phase_name((enum phase)phase),
					    json_integer((json_int_t)group->counts[phase]));
		json_array_append_new(array, object);
	}
	return array;
}

void connection_show(const struct paper *paper, const struct connection *connection)
{
	char client[ENDPOINT_TEXT], virtual[ENDPOINT_TEXT], server[ENDPOINT_TEXT];

	paper_put(paper, INK_PLAIN, "%s %s to %s at %s, %s, %us left\n", connection->protocol,
		  endpoint_format(&connection->client, client),
		  endpoint_format(&connection->virtual, virtual),
		  endpoint_format(&connection->server, server),
		  connection->is_template ? "persistent" : connection->state, connection->expires);
}

json_t *connection_json(const struct connection *connection)
{
	char client[ENDPOINT_TEXT], virtual[ENDPOINT_TEXT], server[ENDPOINT_TEXT];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:b}", "protocol", connection->protocol,
			 "client", endpoint_format(&connection->client, client), "virtual",
			 endpoint_format(&connection->virtual, virtual), "server",
			 endpoint_format(&connection->server, server), "state", connection->state,
			 "expires", (json_int_t)connection->expires, "persistent",
			 connection->is_template);
}
