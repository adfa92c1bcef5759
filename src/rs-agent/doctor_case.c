/* What a diagnosis is about: from services to VIPs and ports, and from those to the ways to look up
 * and the questions to ask. Sets are small and searched linearly. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "rs-agent/doctor.h"

/* ---- from the model ---- */

static void put_vip(struct arena *arena, struct doctor_case *out, const struct service *service,
		    const struct real_server *server, const struct addr *address)
{
	struct doctor_vip *room;

	for (size_t i = 0; i < out->vip_count; i++)
		if (out->vips[i].service == service->name &&
		    out->vips[i].forwarding == server->forwarding &&
		    addr_equal(&out->vips[i].local, &server->address.address) &&
		    addr_equal(&out->vips[i].address, address))
			return;
	room = arena_push(arena, &out->vips, &out->vip_count, sizeof(*room));
	if (room)
		*room = (struct doctor_vip){
			.address = *address,
			.service = service->name,
			.forwarding = server->forwarding,
			.gateway = service->gateway,
			.local = server->address.address,
			.tunnel = server->tunnel,
		};
}

static void put_port(struct arena *arena, struct doctor_case *out, const struct service *service,
		     const struct endpoint *at, enum protocol protocol)
{
	struct doctor_port *room;

	for (size_t i = 0; i < out->port_count; i++)
		if (out->ports[i].protocol == protocol && !endpoint_compare(&out->ports[i].at, at))
			return;
	room = arena_push(arena, &out->ports, &out->port_count, sizeof(*room));
	if (room)
		*room = (struct doctor_port){*at, protocol, service->name};
}

/* What is translated arrives at the server's own address, the rest at the VIP as it was. */
static void put_listener(struct arena *arena, struct doctor_case *out,
			 const struct service *service, const struct real_server *server,
			 const struct endpoint *listen)
{
	static const enum protocol protocols[] = {PROTOCOL_TCP, PROTOCOL_UDP};
	bool translated =
		server->forwarding == FORWARDING_NAT || server->forwarding == FORWARDING_FULLNAT;
	struct endpoint at = translated ? server->address : *listen;

	if (!at.port)
		at.port = listen->port;
	for (size_t i = 0; i < COUNT_OF(protocols) && at.port; i++)
		if (service->protocols & protocols[i])
			put_port(arena, out, service, &at, protocols[i]);
}

static void put_server(struct arena *arena, struct doctor_case *out, const struct service *service,
		       const struct real_server *server)
{
	for (size_t i = 0; i < service_vip_count(service); i++)
		put_vip(arena, out, service, server, service_vip(service, i));
	for (size_t i = 0; i < service->listen_count; i++)
		put_listener(arena, out, service, server, &service->listen[i]);
}

static void put_directors(struct arena *arena, struct doctor_case *out, const struct model *model)
{
	for (size_t i = 0; i < model->director_count; i++) {
		struct doctor_director *room;

		if (!model->directors[i].address.family)
			continue;
		room = arena_push(arena, &out->directors, &out->director_count, sizeof(*room));
		if (room)
			*room = (struct doctor_director){model->directors[i].name,
							 model->directors[i].address};
	}
}

int doctor_case_of_model(struct arena *arena, const struct model *model, const char *service,
			 const struct address_list *own, struct doctor_case *out)
{
	struct doctor_case wanted = {0};

	for (size_t i = 0; i < model->service_count; i++) {
		const struct service *one = &model->services[i];

		if (service && strcmp(one->name, service))
			continue;
		for (size_t j = 0; j < service_server_count(one); j++)
			if (rs_is_own(own, &service_server(one, j)->address.address))
				put_server(arena, &wanted, one, service_server(one, j));
	}
	put_directors(arena, &wanted, model);
	if (arena_failed(arena))
		return -ENOMEM;
	*out = wanted;
	return 0;
}

int doctor_case_of_wishes(struct arena *arena, const struct rs_wishes *wishes,
			  struct doctor_case *out)
{
	struct doctor_case wanted = {.vip_count = wishes->count};

	wanted.vips = arena_array(arena, wishes->count, sizeof(*wanted.vips));
	if (!wanted.vips && wishes->count)
		return -ENOMEM;
	for (size_t i = 0; i < wishes->count; i++)
		wanted.vips[i] = (struct doctor_vip){
			.address = wishes->items[i].vip,
			.service = wishes->items[i].service,
			.forwarding = wishes->items[i].forwarding,
			.gateway = wishes->items[i].gateway,
			.local = wishes->items[i].local,
			.tunnel = wishes->items[i].tunnel,
		};
	*out = wanted;
	return 0;
}

/* ---- ways ---- */

struct addr doctor_client(uint8_t family)
{
	static const uint8_t documentation[16] = {0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff, [15] = 1};

	return family == AF_INET6 ? addr_from_bytes(AF_INET6, documentation)
				  : addr_from_ipv4(0xc6336401); /* 198.51.100.1 */
}

static void put_way(struct arena *arena, struct doctor_sight *sight, const struct addr *from,
		    const struct addr *to)
{
	struct route_way *room;

	if (doctor_way(sight, from, to))
		return;
	room = arena_push(arena, &sight->ways, &sight->way_count, sizeof(*room));
	if (room)
		*room = (struct route_way){.from = *from, .to = *to};
}

int doctor_ways(struct arena *arena, const struct doctor_case *wanted, struct doctor_sight *sight)
{
	static const struct addr any;

	for (size_t i = 0; i < wanted->vip_count; i++) {
		const struct doctor_vip *vip = &wanted->vips[i];
		struct addr client = doctor_client(vip->address.family);

		/* of a VIP that is not ours the kernel would tell nothing */
		put_way(arena, sight,
			doctor_needs_vip(vip) && rs_is_own(&sight->addresses, &vip->address)
				? &vip->address
				: &any,
			&client);
	}
	for (size_t i = 0; i < wanted->director_count; i++)
		put_way(arena, sight, &any, &wanted->directors[i].address);
	return arena_failed(arena) ? -ENOMEM : 0;
}

/* ---- questions ---- */

struct asker {
	struct arena *arena;
	const struct doctor_case *wanted;
	struct doctor_sight *sight;
};

/* Our address to ask from: one whose network has the target, else any; NULL: we have none there. */
static const struct address *source_on(const struct asker *asker, uint32_t link,
				       const struct addr *target, bool *native)
{
	const struct address_list *list = &asker->sight->addresses;
	const struct address *any = NULL;

	*native = false;
	for (size_t i = 0; i < list->count; i++) {
		const struct address *one = &list->items[i];

		if (one->link != link || one->prefix.address.family != target->family ||
		    address_is_dead(one) || doctor_is_vip(asker->wanted, &one->prefix.address))
			continue;
		if (prefix_contains(&one->prefix, target)) {
			*native = true;
			return one;
		}
		any = any ? any : one;
	}
	return any;
}

static bool leads_to_a_director(const struct asker *asker, uint32_t link)
{
	static const struct addr any;

	for (size_t i = 0; i < asker->wanted->director_count; i++) {
		const struct route_way *way =
			doctor_way(asker->sight, &any, &asker->wanted->directors[i].address);

		if (way && !way->error && way->link == link)
			return true;
	}
	return false;
}

static void put_question(struct asker *asker, const struct link *link, const struct addr *target,
			 bool anywhere)
{
	struct doctor_sight *sight = asker->sight;
	struct ask_question *room;
	bool native;
	const struct address *source = source_on(asker, link->index, target, &native);

	if (!source || (!native && !anywhere) || sight->question_count == ASK_QUESTIONS ||
	    addr_equal(&source->prefix.address, target))
		return;
	for (size_t i = 0; i < sight->question_count; i++)
		if (sight->questions[i].link == link->index &&
		    addr_equal(&sight->questions[i].target, target))
			return;
	room = arena_push(asker->arena, &sight->questions, &sight->question_count, sizeof(*room));
	if (room)
		*room = (struct ask_question){link->index, *target, source->prefix.address,
						 native};
}

static void ask_on(struct asker *asker, const struct link *link)
{
	const struct doctor_case *wanted = asker->wanted;
	bool director = leads_to_a_director(asker, link->index);

	for (size_t i = 0; i < wanted->vip_count; i++) {
		if (doctor_needs_vip(&wanted->vips[i]))
			put_question(asker, link, &wanted->vips[i].address, director);
		else if (wanted->vips[i].gateway.family)
			put_question(asker, link, &wanted->vips[i].gateway, false);
	}
	for (size_t i = 0; i < wanted->director_count; i++)
		put_question(asker, link, &wanted->directors[i].address, false);
}

int doctor_questions(struct arena *arena, const struct doctor_case *wanted,
		     struct doctor_sight *sight)
{
	struct asker asker = {arena, wanted, sight};

	for (size_t i = 0; i < sight->link_count; i++)
		if (doctor_link_asks(&sight->links[i]))
			ask_on(&asker, &sight->links[i]);
	return arena_failed(arena) ? -ENOMEM : 0;
}
