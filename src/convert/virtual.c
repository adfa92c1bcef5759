/* See the header. The way that most servers are reached by is the service's, others say their own. */
#include "convert/virtual.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/words.h"
#include "convert/draft.h"

#define SAID 512

struct import_run import_begin(struct arena *arena, const char *file, const struct import_names *names,
			       const struct import_report *report)
{
	return (struct import_run){.arena = arena, .file = file, .names = names, .report = report,
				   .root = draft_new(arena), .here = draft_new(arena)};
}

static void remember(struct import_run *run, uint32_t line, const char *text)
{
	struct import_remark *remark =
		arena_push(run->arena, &run->remarks, &run->remark_count, sizeof(*remark));

	if (remark)
		*remark = (struct import_remark){line, text};
}

void import_say(struct import_run *run, enum import_severity severity, uint32_t line,
		struct draft *into, const char *format, ...)
{
	char buffer[SAID];
	struct text text = text_of(buffer, sizeof(buffer));
	const char *said;
	va_list list;

	va_start(list, format);
	text_addv(&text, format, list);
	va_end(list);
	text_clean(buffer);
	run->report->say(run->report->ctx, severity, run->file, line, buffer);
	if (!into)
		return;
	said = arena_printf(run->arena, "%s%s:%" PRIu32 ": %s", severity == IMPORT_WARNING ? "WARNING " : "",
			    run->file, line, buffer);
	if (said && into == run->here)
		remember(run, line, said);
	else if (said)
		draft_below(run->arena, into, "%s", said);
}

/* ---- values --------------------------------------------------------------------------------- */

bool import_number(struct import_run *run, uint32_t line, const char *what, const char *text,
		   uint32_t least, uint32_t most, uint32_t *out)
{
	char *end;
	unsigned long long number = strtoull(text, &end, 10);

	if (*text >= '0' && *text <= '9' && !*end && number >= least && number <= most) {
		*out = (uint32_t)number;
		return true;
	}
	import_say(run, IMPORT_WARNING, line, run->here, "%s \"%.64s\" is no number from %" PRIu32 " to %" PRIu32,
		   what, text, least, most);
	return false;
}

bool import_prefix(struct import_run *run, uint32_t line, const char *text, unsigned *out)
{
	struct addr mask;
	uint32_t bits, length = 0;

	if (!strchr(text, '.'))
		return import_number(run, line, "netmask", text, 1, 128, &length) && (*out = length);
	if (addr_parse(text, &mask) || mask.family != AF_INET) {
		import_say(run, IMPORT_WARNING, line, run->here, "\"%.64s\" is no netmask", text);
		return false;
	}
	bits = addr_ipv4(&mask);
	while (length < 32 && bits & (UINT32_C(1) << (31 - length)))
		length++;
	if (!length || (length < 32 && bits << length)) {
		import_say(run, IMPORT_WARNING, line, run->here,
			   "netmask %.64s: lbha knows clients by a prefix of one bit or more", text);
		return false;
	}
	*out = length;
	return true;
}

static bool read_address(struct import_run *run, uint32_t line, const char *text, uint8_t family,
			 struct addr *out)
{
	char found[ADDR_TEXT];

	if (!addr_parse(text, out))
		return true;
	if (!run->names->address(run->names->ctx, text, family, out)) {
		import_say(run, IMPORT_WARNING, line, run->here,
			   "\"%.128s\" is no address, and no host of that name is known here", text);
		return false;
	}
	import_say(run, IMPORT_NOTE, line, NULL, "host %.128s is written as the address that it has now, %s", text,
		   addr_format(out, found));
	return true;
}

static bool read_port(struct import_run *run, uint32_t line, const char *text, const char *protocol,
		      uint16_t *out)
{
	uint32_t number;

	if (*text >= '0' && *text <= '9') {
		if (!import_number(run, line, "port", text, 0, UINT16_MAX, &number))
			return false;
		*out = (uint16_t)number;
		return true;
	}
	if (run->names->port(run->names->ctx, text, protocol, out))
		return true;
	import_say(run, IMPORT_WARNING, line, run->here, "\"%.64s\" is no port of %s", text, protocol);
	return false;
}

/* Cuts off what stands behind the last colon, unless it belongs to a bare IPv6 address. */
static char *cut_port(char *text)
{
	char *bracket = strchr(text, ']'), *colon = strrchr(text, ':');

	if (!colon || (bracket && colon < bracket) || (!bracket && strchr(text, ':') != colon))
		return NULL;
	*colon = '\0';
	return colon + 1;
}

bool import_endpoint(struct import_run *run, uint32_t line, const char *text, const char *protocol,
		     uint8_t family, struct endpoint *out)
{
	char *copy = arena_strdup(run->arena, text), *port = copy ? cut_port(copy) : NULL;
	size_t length;

	if (!copy)
		return false;
	length = strlen(copy);
	if (*copy == '[' && length > 1 && copy[length - 1] == ']') {
		copy[length - 1] = '\0';
		copy++;
	}
	*out = (struct endpoint){.port = 0};
	return read_address(run, line, copy, family, &out->address) &&
	       (!port || read_port(run, line, port, protocol, &out->port));
}

/* ---- building ------------------------------------------------------------------------------- */

struct virtual_service *import_add_service(struct import_run *run, uint32_t line)
{
	struct virtual_service *service =
		arena_push(run->arena, &run->services, &run->service_count, sizeof(*service));

	if (service)
		*service = (struct virtual_service){.protocol = PROTOCOL_TCP, .family = AF_INET,
						    .scheduler = "wlc", .line = line};
	return service;
}

struct virtual_server *import_add_server(struct import_run *run, struct virtual_service *service,
					 uint32_t line)
{
	struct virtual_server *server =
		arena_push(run->arena, &service->servers, &service->server_count, sizeof(*server));

	if (server)
		*server = (struct virtual_server){.weight = 1, .line = line};
	return server;
}

/* ---- one service ---------------------------------------------------------------------------- */

/* "tcp-192.168.8.200-80", "mark-5". */
static const char *default_name(struct import_run *run, const struct virtual_service *service)
{
	char address[ADDR_TEXT];
	const char *name;

	if (service->mark)
		name = arena_printf(run->arena, "mark-%" PRIu32 "%s", service->mark,
				    service->family == AF_INET6 ? "-ipv6" : "");
	else
		name = arena_printf(run->arena, service->at.port ? "%s-%s-%u" : "%s-%s",
				    protocol_word(service->protocol),
				    addr_format(&service->at.address, address), service->at.port);
	return name ? name : "";
}

static void put_identity(struct import_run *run, struct draft *map,
			 const struct virtual_service *service)
{
	char text[ENDPOINT_TEXT];

	draft_text(run->arena, map, "name", service->name ? service->name : default_name(run, service));
	if (service->description)
		draft_text(run->arena, map, "description", service->description);
	if (service->mark) {
		draft_value(run->arena, map, "fwmark", "%" PRIu32, service->mark);
		draft_text(run->arena, map, "family", service->family == AF_INET6 ? "ipv6" : "ipv4");
		return;
	}
	draft_text(run->arena, map, "listen", endpoint_format(&service->at, text));
	if (service->protocol != PROTOCOL_TCP)
		draft_text(run->arena, map, "protocol", protocol_word(service->protocol));
}

/* Without flags lbha gives sh its fallback; a table that has none says so. */
static void put_scheduler(struct import_run *run, struct draft *map,
			  const struct virtual_service *service)
{
	static const struct {
		uint32_t flag;
		const char *word;
	} words[] = {
		{SCHEDULER_SH_FALLBACK, "sh-fallback"}, {SCHEDULER_SH_PORT, "sh-port"},
		{SCHEDULER_MH_FALLBACK, "mh-fallback"}, {SCHEDULER_MH_PORT, "mh-port"},
	};
	struct draft *list;

	draft_text(run->arena, map, "scheduler", service->scheduler);
	if (!service->flags && strcmp(service->scheduler, "sh") != 0)
		return;
	list = draft_list(run->arena, map, "flags");
	if (list)
		list->is_short = true;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (service->flags & words[i].flag)
			draft_text(run->arena, list, NULL, words[i].word);
}

static void put_persistence(struct import_run *run, struct draft *map,
			    const struct virtual_service *service)
{
	struct draft *persistence;

	if (service->one_packet)
		draft_value(run->arena, map, "one_packet", "true");
	if (!service->persistence)
		return;
	if (!service->prefix && !service->engine) {
		draft_textf(run->arena, map, "persistence", "%" PRIu32 "s", service->persistence);
		return;
	}
	persistence = draft_map(run->arena, map, "persistence");
	if (persistence)
		persistence->is_short = true;
	draft_textf(run->arena, persistence, "timeout", "%" PRIu32 "s", service->persistence);
	if (service->prefix)
		draft_value(run->arena, persistence, "prefix", "%u", service->prefix);
	if (service->engine)
		draft_text(run->arena, persistence, "engine", service->engine);
}

/* ---- servers -------------------------------------------------------------------------------- */

static bool same_tunnel(const struct tunnel *a, const struct tunnel *b)
{
	return a->type == b->type && a->port == b->port && a->checksum == b->checksum;
}

static bool same_way(const struct virtual_server *a, const struct virtual_server *b)
{
	return a->forwarding == b->forwarding &&
	       (a->forwarding != FORWARDING_TUNNEL || same_tunnel(&a->tunnel, &b->tunnel));
}

/* The one whose way most have. NULL: there is none. */
static const struct virtual_server *most(const struct virtual_service *service)
{
	const struct virtual_server *best = NULL;
	size_t best_count = 0;

	for (size_t i = 0; i < service->server_count; i++) {
		size_t count = 0;

		for (size_t j = 0; j < service->server_count; j++)
			count += same_way(&service->servers[i], &service->servers[j]);
		if (count > best_count) {
			best = &service->servers[i];
			best_count = count;
		}
	}
	return best;
}

static void put_tunnel(struct import_run *run, struct draft *map, const struct tunnel *tunnel)
{
	static const char *const types[] = {[TUNNEL_IPIP] = "ipip", [TUNNEL_GUE] = "gue", [TUNNEL_GRE] = "gre"};
	static const char *const checksums[] = {[TUNNEL_CHECKSUM_NONE] = "none",
						[TUNNEL_CHECKSUM_CSUM] = "csum",
						[TUNNEL_CHECKSUM_REMCSUM] = "remcsum"};
	struct draft *into = draft_map(run->arena, map, "tunnel");

	if (into)
		into->is_short = true;
	draft_text(run->arena, into, "type", types[tunnel->type]);
	if (tunnel->type == TUNNEL_GUE)
		draft_value(run->arena, into, "port", "%u", tunnel->port);
	if (tunnel->type != TUNNEL_IPIP && tunnel->checksum)
		draft_text(run->arena, into, "checksum", checksums[tunnel->checksum]);
}

static void put_way(struct import_run *run, struct draft *map, const struct virtual_server *server)
{
	draft_text(run->arena, map, "forwarding", forwarding_word(server->forwarding));
	if (server->forwarding == FORWARDING_TUNNEL && server->tunnel.type != TUNNEL_IPIP)
		put_tunnel(run, map, &server->tunnel);
}

/* The kernel maps ports by nat alone. */
static struct endpoint endpoint_for(struct import_run *run, struct draft *map,
				    const struct virtual_service *service,
				    const struct virtual_server *server)
{
	struct endpoint at = server->at;
	bool maps = server->forwarding == FORWARDING_NAT;

	if (at.port == service->at.port && !service->mark)
		at.port = 0;
	if (at.port && !maps && !service->mark && server->forwarding != FORWARDING_LOCAL)
		import_say(run, IMPORT_WARNING, server->line, map,
			   "port %u of a server is left out: only nat maps ports", at.port);
	if (!maps)
		at.port = 0;
	return at;
}

static bool is_repeated(const struct virtual_service *service, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (!endpoint_compare(&service->servers[i].at, &service->servers[index].at))
			return true;
	return false;
}

static void put_server(struct import_run *run, struct draft *map, struct draft *list,
		       const struct virtual_service *service, const struct virtual_server *server,
		       const struct virtual_server *common)
{
	struct endpoint at = endpoint_for(run, map, service, server);
	char text[ENDPOINT_TEXT];
	struct draft *item;

	endpoint_format(&at, text);
	if (server->weight == 1 && !server->upper_threshold && !server->lower_threshold &&
	    !server->is_disabled && same_way(server, common)) {
		draft_text(run->arena, list, NULL, text);
		return;
	}
	item = draft_item(run->arena, list, DRAFT_MAP);
	if (item)
		item->is_short = true;
	draft_text(run->arena, item, "address", text);
	if (server->weight != 1)
		draft_value(run->arena, item, "weight", "%" PRIu32, server->weight);
	if (server->upper_threshold)
		draft_value(run->arena, item, "upper_threshold", "%" PRIu32, server->upper_threshold);
	if (server->lower_threshold && server->upper_threshold)
		draft_value(run->arena, item, "lower_threshold", "%" PRIu32, server->lower_threshold);
	else if (server->lower_threshold)
		import_say(run, IMPORT_WARNING, server->line, map,
			   "a lower threshold without an upper one does nothing and is left out");
	if (server->is_disabled)
		draft_text(run->arena, item, "state", "disabled");
	if (!same_way(server, common))
		put_way(run, item, server);
}

static void put_sorry(struct import_run *run, struct draft *map, const struct virtual_service *service)
{
	struct endpoint at;
	struct draft *sorry;
	char text[ENDPOINT_TEXT];

	if (!service->sorry.at.address.family)
		return;
	at = endpoint_for(run, map, service, &service->sorry);
	sorry = draft_map(run->arena, map, "sorry_server");
	if (sorry)
		sorry->is_short = true;
	draft_text(run->arena, sorry, "address", endpoint_format(&at, text));
	put_way(run, sorry, &service->sorry);
}

/* What was said of lines before the first service stands above them all. */
static void put_remarks(struct import_run *run, struct draft *list, struct draft *map, uint32_t first,
			uint32_t next)
{
	for (size_t i = 0; i < run->remark_count; i++) {
		const struct import_remark *remark = &run->remarks[i];

		if (remark->line < first && draft_count(list) == 1)
			draft_above(run->arena, list, "%s", remark->text);
		else if (remark->line >= first && (!next || remark->line < next))
			draft_below(run->arena, map, "%s", remark->text);
	}
}

struct draft *virtual_draft(struct import_run *run, const struct virtual_service *service, uint32_t next)
{
	struct draft *list = draft_list(run->arena, run->root, "services"),
		     *map = draft_item(run->arena, list, DRAFT_MAP), *servers;
	const struct virtual_server *common = most(service);

	if (!map)
		return NULL;
	put_remarks(run, list, map, service->line, next);
	put_identity(run, map, service);
	put_scheduler(run, map, service);
	if (common)
		put_way(run, map, common);
	put_persistence(run, map, service);
	put_sorry(run, map, service);
	servers = draft_list(run->arena, map, "real_servers");
	for (size_t i = 0; i < service->server_count; i++)
		if (is_repeated(service, i))
			import_say(run, IMPORT_WARNING, service->servers[i].line, map,
				   "the service has this server already");
		else
			put_server(run, map, servers, service, &service->servers[i], common);
	return map;
}
