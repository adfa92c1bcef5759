/* See the header. */
#include "ipvs/nft.h"

#include <errno.h>
#include <netinet/in.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/transport.h"
#include "ipvs/drain.h"
#include "ipvs/state.h"

/* ---- marks ----------------------------------------------------------------------------------- */

static int add_marks(struct arena *arena, const struct service *service, struct nft_rules *rules)
{
	for (size_t i = 0; service->group && i < service->listen_count; i++)
		for (size_t p = 0; p < TRANSPORTS; p++) {
			struct nft_mark *mark;

			if (!(service->protocols & 1u << p))
				continue;
			mark = arena_push(arena, &rules->marks, &rules->mark_count, sizeof(*mark));
			if (!mark)
				return -ENOMEM;
			*mark = (struct nft_mark){.protocol = transports[p].number,
						  .listen = service->listen[i],
						  .mark = service->mark};
		}
	return 0;
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* Connections of one service: `to` has all but the server. */
static int add_server(struct arena *arena, const struct service *service,
		      const struct real_server *server, struct nft_snat to, struct nft_rules *rules)
{
	struct nft_snat *snat;

	if (server->forwarding != FORWARDING_FULLNAT)
		return 0;
	snat = arena_push(arena, &rules->snats, &rules->snat_count, sizeof(*snat));
	if (!snat)
		return -ENOMEM;
	*snat = to;
	snat->server = server->address;
	if (!snat->server.port)
		snat->server.port = to.listen.port;
	snat->source = service->source;
	snat->source_count = service->source_count;
	return 0;
}

static int add_servers(struct arena *arena, const struct service *service, struct nft_snat to,
		       struct nft_rules *rules)
{
	int error = 0;

	for (size_t i = 0; i < service->real_server_count && !error; i++)
		error = add_server(arena, service, &service->real_servers[i], to, rules);
	for (size_t i = 0; i < service->sorry_server_count && !error; i++)
		error = add_server(arena, service, &service->sorry_server[i], to, rules);
	return error;
}

static int add_snats(struct arena *arena, const struct service *service, struct nft_rules *rules)
{
	struct nft_snat to = {.mark = service->mark};
	int error = 0;

	if (service->mark) {
		to.listen.address.family = service_family(service);
		return add_servers(arena, service, to, rules);
	}
	for (size_t i = 0; i < service->listen_count; i++)
		for (size_t p = 0; p < TRANSPORTS && !error; p++) {
			if (!(service->protocols & 1u << p))
				continue;
			to.protocol = transports[p].number;
			to.listen = service->listen[i];
			error = add_servers(arena, service, to, rules);
		}
	return error;
}

/* Persistent clients make new connections to servers that leave, too. What the kernel calls nat may be
 * fullnat, so the service's own way counts. */
static int add_leavers(struct arena *arena, const struct ipvs_state *state,
		       struct nft_rules *rules)
{
	for (size_t i = 0; i < state->leaver_count; i++) {
		const struct ipvs_leaver *leaver = &state->leavers[i];
		const struct ipvs_virtual *about = &state->layout.virtuals[leaver->virtual];
		const struct service *service = &state->model->services[about->service];
		const struct ipvs_service_key *key = &about->empty.key;
		const struct real_server server = {
			.address = {leaver->dest.key.address, leaver->dest.key.port},
			.forwarding = FORWARDING_FULLNAT};
		struct nft_snat to = {.mark = key->fwmark,
				      .protocol = key->protocol,
				      .listen = {key->address, key->port}};
		int error;

		if (leaver->gone || service->forwarding != FORWARDING_FULLNAT ||
		    leaver->dest.attr.forwarding != IPVS_FORWARD_NAT)
			continue;
		error = add_server(arena, service, &server, to, rules);
		if (error)
			return error;
	}
	return 0;
}

/* ---- ways ------------------------------------------------------------------------------------ */

static int add_ways(struct arena *arena, const struct model *model, struct nft_rules *rules)
{
	struct nft_way *ways;

	if (!model->way_count)
		return 0;
	ways = arena_array(arena, model->way_count, sizeof(*ways));
	if (!ways)
		return -ENOMEM;
	for (size_t i = 0; i < model->way_count; i++)
		ways[i] = (struct nft_way){
			.mark = model->ways[i].mark,
			.server = model->ways[i].server,
			.wrapped = model->ways[i].forwarding == FORWARDING_TUNNEL};
	rules->ways = ways;
	rules->way_count = model->way_count;
	rules->way_base = model->global.ipvs.mark_base;
	rules->way_mask = ~model->global.ipvs.mark_mask;
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------- */

int ipvs_nft_build(struct arena *arena, const struct ipvs_state *state, struct nft_rules *out)
{
	const struct model *model = state ? state->model : NULL;
	struct nft_rules rules = {0};
	int error = 0;

	for (size_t s = 0; model && s < model->service_count && !error; s++) {
		error = add_marks(arena, &model->services[s], &rules);
		if (!error)
			error = add_snats(arena, &model->services[s], &rules);
	}
	if (model && !error)
		error = add_leavers(arena, state, &rules);
	if (model && !error)
		error = add_ways(arena, model, &rules);
	if (error)
		return error;
	nft_rules_sort(&rules);
	*out = rules;
	return 0;
}

int ipvs_nft_between(struct arena *arena, const struct ipvs_state *from,
		     const struct ipvs_state *to, bool is_programmed, struct nft_rules *out)
{
	struct nft_rules before, after, rules;
	int error = ipvs_nft_build(arena, from, &before);

	if (!error)
		error = ipvs_nft_build(arena, to, &after);
	if (error)
		return error;
	rules = is_programmed ? after : before;
	error = nft_snats_merge(arena, &after, &before, &rules);
	if (!error)
		*out = rules;
	return error;
}
