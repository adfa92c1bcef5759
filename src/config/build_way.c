/* Checks with via: vip: probes that take the way of the clients. For each real server, and each way to
 * forward packets to it, there is one way (struct way) with a firewall mark, by which IPVS hands on
 * whatever is for one of the service's addresses, to any port. So the marks follow from the servers
 * alone, whatever listeners there are. A mark of the probe's own is what tells the server: where
 * somebody marks the service's packets (fwmark, group) the probe's would be lost. nat and fullnat have
 * no way of their own to prove: their servers have no virtual address, and answer this machine past the
 * gateway. */
#include <netinet/in.h>
#include <string.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/text.h"
#include "config/build.h"
#include "config/words.h"
#include "config/mark.h"

/* ---- rules ---------------------------------------------------------------------------------- */

bool judge_via(struct build *build, const struct build_check *check)
{
	static const char *const keys[] = {"address", "interface"};
	bool good = true;

	if (check->model.via != CHECK_VIA_VIP)
		return true;
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		const struct origin *origin = origin_of(&schema_check, check->origins, keys[i]);

		if (!origin->value)
			continue;
		origin_report(&build->reader, SEVERITY_ERROR, origin, &check->self,
			      "is for via: direct; with via: vip probes go to the service's address "
			      "and from there to each of its servers");
		good = false;
	}
	if (check->model.type == CHECK_UDP && !check->model.require_reply &&
	    !check->model.expect_bytes) {
		const struct origin *origin = origin_of(&schema_check, check->origins, "via");

		origin_report(&build->reader, SEVERITY_ERROR, origin, &check->self,
			      "vip needs require_reply or expect with type: udp: a server without "
			      "the virtual address is silent, and silence passes");
		good = false;
	}
	return good;
}

static const struct check *first_via(const struct build *build, const uint32_t *checks,
				     size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (build->checks[checks[i]].model.via == CHECK_VIA_VIP)
			return &build->checks[checks[i]].model;
	return NULL;
}

/* What a service is that no probe can go through; NULL: it is none. */
static const char *no_way_through(const struct service *service)
{
	if (service->fwmark)
		return "via: vip is for services with listeners: packets of this one are marked by "
		       "somebody else, a probe's have a mark of their own";
	if (service->group)
		return "via: vip is not for a group: all packets for its listeners get the group's "
		       "mark, so a probe would lose its own";
	return NULL;
}

static bool server_has_way(struct build *build, const struct build_service *service, size_t number)
{
	const struct real_server *server = service_server(service->model, number);

	switch (server->forwarding) {
	case FORWARDING_DR:
	case FORWARDING_TUNNEL:
		return true;
	case FORWARDING_NAT:
	case FORWARDING_FULLNAT:
		server_error(build, service_server_place(service, number),
			     "via: vip is for forwarding dr and tunnel: with %s the server has no "
			     "virtual address that could be missing, and would answer this "
			     "machine past its gateway",
			     forwarding_word(server->forwarding));
		return false;
	case FORWARDING_LOCAL:
		break;
	}
	server_error(build, service_server_place(service, number),
		     "via: vip is for forwarding dr and tunnel: local is this machine itself");
	return false;
}

/* Whom IPVS reaches by the other family of addresses nothing of ours faces in that of the probe. */
static bool probe_has_source(struct build *build, const struct build_service *service, size_t number,
			     const struct check *check)
{
	const struct addr *server = &service_server(service->model, number)->address.address;

	for (size_t i = 0; !check->bind.family && i < service->model->listen_count; i++) {
		if (service->model->listen[i].address.family == server->family)
			continue;
		server_error(build, service_server_place(service, number),
			     "via: vip needs the check's bind where listener and server are of "
			     "different families: the address of this director that answers go to");
		return false;
	}
	return true;
}

static bool servers_have_ways(struct build *build, const struct build_service *service,
			     const uint32_t *checks, size_t check_count, size_t from, size_t to)
{
	bool good = true;

	for (size_t i = from; i < to; i++) {
		bool fits = true;

		for (size_t c = 0; c < check_count && fits; c++) {
			const struct check *check = &build->checks[checks[c]].model;

			if (check->via == CHECK_VIA_VIP)
				fits = server_has_way(build, service, i) &&
				       probe_has_source(build, service, i, check);
		}
		good &= fits;
	}
	return good;
}

bool validate_via(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	const struct check *check = first_via(build, service->checks, service->check_count),
			   *sorry = first_via(build, service->sorry_checks,
					      service->sorry_check_count);
	const struct origin *origin = service_place(service, check ? "check" : "sorry_server");
	const char *complaint = no_way_through(model);
	bool good;

	if (!check && !sorry)
		return true;
	if (complaint) {
		origin_report(&build->reader, SEVERITY_ERROR, origin, origin, "%s", complaint);
		return false;
	}
	if (!build->model->global.ipvs.mark_base) {
		origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
			      "via: vip needs marks that unmarked packets have not: "
			      "global.ipvs.mark_base may not be 0");
		return false;
	}
	good = servers_have_ways(build, service, service->checks, service->check_count, 0,
				model->real_server_count);
	good &= servers_have_ways(build, service, service->sorry_checks, service->sorry_check_count,
				 model->real_server_count, service_server_count(model));
	return good;
}

/* ---- ways ----------------------------------------------------------------------------------- */

/* What a way is known by, and its mark follows from. */
static const char *way_name(struct build *build, const struct way *way)
{
	char server[ADDR_TEXT];

	addr_format(&way->server, server);
	if (way->forwarding != FORWARDING_TUNNEL)
		return arena_printf(build->arena, "via %s for ipv%d", server,
				    way->family == AF_INET ? 4 : 6);
	return arena_printf(build->arena, "via %s for ipv%d tunnel %u %u %u", server,
			    way->family == AF_INET ? 4 : 6, (unsigned)way->tunnel.type,
			    way->tunnel.port, (unsigned)way->tunnel.checksum);
}

/* The number of a way, made when it is new; 0: no memory. */
static uint32_t find_way(struct build *build, const struct way *wanted)
{
	struct model *model = build->model;
	const char *name = way_name(build, wanted), **named;
	uint64_t hash = name ? text_hash(TEXT_HASH, name, strlen(name)) : 0;
	size_t names = model->way_count;
	struct way *way;
	uint32_t at;

	if (!name)
		return 0;
	for (size_t step = 0; table_next(&build->way_table, hash, &step, &at);)
		if (!strcmp(build->way_names[at], name))
			return at + 1;
	named = arena_push(build->arena, &build->way_names, &names, sizeof(*named));
	way = arena_push(build->arena, &model->ways, &model->way_count, sizeof(*way));
	if (!named || !way || table_add(&build->way_table, hash, (uint32_t)model->way_count - 1))
		return 0;
	*named = name;
	*way = *wanted;
	return (uint32_t)model->way_count;
}

/* Listeners of one address are one for a check with a port of its own. */
static bool is_repeated(const struct service *service, const struct check *check, size_t listener)
{
	for (size_t i = 0; check->port && i < listener; i++)
		if (!addr_compare(&service->listen[i].address, &service->listen[listener].address))
			return true;
	return false;
}

bool build_probes_through(struct build *build, const struct build_service *service,
			  struct real_server *server, uint32_t check)
{
	const struct check *about = &build->checks[check].model;
	const struct service *model = service->model;
	struct way way = {.server = server->address.address, .forwarding = server->forwarding};

	if (way.forwarding == FORWARDING_TUNNEL)
		way.tunnel = server->tunnel;
	for (size_t i = 0; i < model->listen_count; i++) {
		struct probe wanted = {.via = model->listen[i]};

		if (is_repeated(model, about, i))
			continue;
		if (about->port || !wanted.via.port)
			wanted.via.port = about->port ? about->port : server->address.port;
		wanted.target = (struct endpoint){.address = way.server, .port = wanted.via.port};
		way.family = wanted.via.address.family;
		wanted.way = find_way(build, &way);
		if (!wanted.way || !build_probe_use(build, server, check, &wanted))
			return false;
	}
	return true;
}

void settle_ways(struct build *build, const uint32_t *groups, size_t group_count)
{
	const struct ipvs_global *ipvs = &build->model->global.ipvs;
	struct model *model = build->model;
	uint32_t *marks = arena_array(build->arena, model->way_count + 1, sizeof(*marks));
	struct build_service *last = &build->services[build->service_count - 1];

	if (!marks || !model->way_count)
		return;
	if (marks_settle_beside(build->arena, ipvs->mark_base, ipvs->mark_mask, groups,
				group_count, build->way_names, model->way_count, marks)) {
		origin_report(&build->reader, SEVERITY_ERROR, &last->self, &last->self,
			      "there are more groups and servers with via: vip than marks: widen "
			      "global.ipvs.mark_mask");
		return;
	}
	for (size_t i = 0; i < model->way_count; i++)
		model->ways[i].mark = marks[i];
}
