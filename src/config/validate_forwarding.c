/* Which server can be reached in which way. Kernel: net/netfilter/ipvs/ip_vs_ctl.c
 * (ip_vs_genl_set_cmd: families may differ in a tunnel only, and not beside connection sync,
 * which has no words for that), ip_vs_xmit.c (only nat rewrites a
 * packet; local hands it to this machine, whatever address the server has). */
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "config/build.h"
#include "config/words.h"

void server_error(struct build *build, const struct build_place *place, const char *format, ...)
{
	va_list list;
	const char *text;

	va_start(list, format);
	text = arena_vprintf(build->arena, format, list);
	va_end(list);
	if (text)
		node_error(build->reader.diagnostics, place->node, place->path, "%s", text);
}

bool service_forwards(const struct service *service, enum forwarding forwarding)
{
	for (size_t i = 0; i < service_server_count(service); i++)
		if (service_server(service, i)->forwarding == forwarding)
			return true;
	return service->forwarding == forwarding;
}

static bool changes_ports(const struct real_server *server)
{
	return server->forwarding == FORWARDING_NAT || server->forwarding == FORWARDING_FULLNAT;
}

/* Families and ports of one server against one listener. */
static bool listener_fits(struct build *build, const struct service *model,
			  const struct endpoint *listen, const struct real_server *server,
			  const struct build_place *place)
{
	char address[ADDR_TEXT], listener[ENDPOINT_TEXT];

	if (listen->address.family != server->address.address.family &&
	    server->forwarding != FORWARDING_TUNNEL) {
		server_error(build, place,
			     "%s cannot serve %s of \"%s\": one is IPv4, the other IPv6, which "
			     "only forwarding: tunnel can do",
			     addr_format(&server->address.address, address),
			     endpoint_format(listen, listener), model->name);
		return false;
	}
	if (!listen->port && server->address.port) {
		server_error(build, place,
			     "\"%s\" listens on all ports, and a server gets a packet on "
			     "the port that the client chose: leave port %u out",
			     model->name, server->address.port);
		return false;
	}
	if (!changes_ports(server) && server->address.port &&
	    server->address.port != listen->port) {
		server_error(build, place,
			     "port %u is not the port %u of \"%s\", and forwarding: %s cannot "
			     "change ports: leave the port out, or use forwarding: nat",
			     server->address.port, listen->port, model->name,
			     forwarding_word(server->forwarding));
		return false;
	}
	return true;
}

/* With `local` a packet stays on whichever director has it, so the server must be an address that
 * every director has as its own. */
static bool is_of_all_directors(const struct build *build, const struct addr *address)
{
	if (addr_is_loopback(address))
		return true;
	return build->director_count == 1 &&
	       !addr_compare(&build->directors[0].model->address, address);
}

static bool local_fits(struct build *build, const struct real_server *server,
		       const struct build_place *place)
{
	char text[ADDR_TEXT];

	if (server->forwarding != FORWARDING_LOCAL || !server->address.address.family ||
	    is_of_all_directors(build, &server->address.address))
		return true;
	server_error(build, place,
		     "forwarding: local keeps packets on this machine, and %s is not its address "
		     "on every director: write %s, or use forwarding: dr",
		     addr_format(&server->address.address, text),
		     server->address.address.family == AF_INET6 ? "\"::1\"" : "127.0.0.1");
	return false;
}

/* The kernel drops what comes from outside and would be translated to a loopback address. */
static bool translation_fits(struct build *build, const struct real_server *server,
			     const struct build_place *place)
{
	char text[ADDR_TEXT];

	if (!changes_ports(server) || !addr_is_loopback(&server->address.address))
		return true;
	server_error(build, place,
		     "forwarding: %s cannot reach %s: the kernel drops packets that are translated "
		     "to a loopback address; use forwarding: local",
		     forwarding_word(server->forwarding),
		     addr_format(&server->address.address, text));
	return false;
}

static bool gre_fits(struct build *build, const struct tunnel *tunnel,
		     const struct build_place *place)
{
	if (tunnel->type != TUNNEL_GRE || tunnel->checksum != TUNNEL_CHECKSUM_REMCSUM)
		return true;
	server_error(build, place,
		     "a tunnel of type gre has no checksum: remcsum; it is for gue");
	return false;
}

static bool differs(const struct service *service, uint8_t family)
{
	if (!service->listen_count)
		return service->family && service->family != family;
	for (size_t i = 0; i < service->listen_count; i++)
		if (service->listen[i].address.family && service->listen[i].address.family != family)
			return true;
	return false;
}

static bool sync_fits(struct build *build, const struct service *service,
		      const struct real_server *server, const struct build_place *place)
{
	char address[ADDR_TEXT];

	if (!build->model->global.ipvs.sync_count || !server->address.address.family ||
	    !differs(service, server->address.address.family))
		return true;
	server_error(build, place,
		     "%s is of another family than \"%s\", which the kernel cannot have beside "
		     "connection sync (global.ipvs.sync)",
		     addr_format(&server->address.address, address), service->name);
	return false;
}

/* One server against all that its service listens on; one complaint is enough. */
static bool server_fits(struct build *build, const struct build_service *service, size_t number)
{
	const struct service *model = service->model;
	const struct real_server *server = service_server(model, number);
	const struct build_place *place = service_server_place(service, number);

	if (place->has_tunnel && server->forwarding != FORWARDING_TUNNEL) {
		server_error(build, place, "a tunnel needs forwarding: tunnel");
		return false;
	}
	for (size_t i = 0; i < model->listen_count; i++)
		if (model->listen[i].address.family && server->address.address.family &&
		    !listener_fits(build, model, &model->listen[i], server, place))
			return false;
	return local_fits(build, server, place) && translation_fits(build, server, place) &&
	       sync_fits(build, model, server, place) &&
	       (!place->has_tunnel || gre_fits(build, &server->tunnel, place));
}

/* What stands at the service itself. */
static bool tunnel_fits(struct build *build, struct build_service *service)
{
	const struct origin *origin = origin_of(&schema_service, service->origins, "tunnel");
	struct build_place place = {.node = origin->value, .path = origin->path};

	if (!origin->value || origin->bad ||
	    origin_of(&schema_service, service->origins, "forwarding")->bad)
		return !origin->bad;
	if (!service_forwards(service->model, FORWARDING_TUNNEL)) {
		if (!origin->is_default_level)
			server_error(build, &place, "needs forwarding: tunnel");
		return origin->is_default_level;
	}
	return gre_fits(build, &service->model->tunnel, &place);
}

/* ---- fullnat -------------------------------------------------------------------------------- */

/* One address of "source"; those before it are fine. */
static bool source_fits(struct build *build, const struct service *model, size_t number,
			const struct origin *list)
{
	const struct addr *address = &model->source[number];
	struct origin place = list_item(build, list, list, number);
	char text[ADDR_TEXT];

	addr_format(address, text);
	if (address->family && address->family != service_family(model)) {
		origin_report(&build->reader, SEVERITY_ERROR, &place, &place,
			      "%s is not of the service's family (one is IPv4, the other IPv6)",
			      text);
		return false;
	}
	for (size_t i = 0; address->family && i < number; i++)
		if (!addr_compare(&model->source[i], address)) {
			origin_report(&build->reader, SEVERITY_ERROR, &place, &place,
				      "%s is there already", text);
			return false;
		}
	return true;
}

static bool sources_fit(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	const struct origin *origin = origin_of(&schema_service, service->origins, "source");
	bool good = true;

	if (!origin->value || origin->bad || !model->source_count)
		return true;
	if (!service_forwards(model, FORWARDING_FULLNAT)) {
		origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
			      "a source needs forwarding: fullnat");
		return false;
	}
	for (size_t i = 0; i < model->source_count; i++)
		good &= source_fits(build, model, i, origin);
	return good;
}

static bool fullnat_fits(struct build *build, struct build_service *service)
{
	const struct ipvs_global *global = &build->model->global.ipvs;
	const struct origin *origin = service_place(service, "forwarding");
	bool good = sources_fit(build, service);

	for (size_t i = 0; i < global->sysctl_count; i++) {
		if (!service_forwards(service->model, FORWARDING_FULLNAT) ||
		    !global->sysctls[i].name || strcmp(global->sysctls[i].name, "conntrack") ||
		    global->sysctls[i].value == 1)
			continue;
		origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
			      "fullnat needs net.ipv4.vs.conntrack to be 1, and global.ipvs.sysctls "
			      "says %lld",
			      (long long)global->sysctls[i].value);
		good = false;
	}
	return good;
}

bool validate_forwarding(struct build *build, struct build_service *service)
{
	bool good = tunnel_fits(build, service);

	good &= fullnat_fits(build, service);
	for (size_t i = 0; i < service_server_count(service->model); i++)
		good &= server_fits(build, service, i);
	return good;
}
