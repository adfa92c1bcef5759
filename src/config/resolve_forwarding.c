/* How each real server is reached: as it says itself, else as its service says. What nobody uses is
 * all zero: the tunnel of a server with another forwarding, and one that comes from defaults. */
#include "config/build.h"

static const struct tunnel no_tunnel;

void resolve_forwarding(struct build_service *service)
{
	struct service *model = service->model;
	bool is_default =
		origin_of(&schema_service, service->origins, "tunnel")->is_default_level;

	for (size_t i = 0; i < service_server_count(model); i++) {
		const struct build_place *place = service_server_place(service, i);
		struct real_server *server = i < model->real_server_count ? &model->real_servers[i]
									  : model->sorry_server;

		if (!place->has_forwarding)
			server->forwarding = model->forwarding;
		if (server->forwarding != FORWARDING_TUNNEL)
			server->tunnel = no_tunnel;
		else if (!place->has_tunnel)
			server->tunnel = model->tunnel;
	}
	if (origin_of(&schema_service, service->origins, "source")->is_default_level &&
	    !service_forwards(model, FORWARDING_FULLNAT))
		model->source_count = 0;
	if (is_default && model->forwarding != FORWARDING_TUNNEL)
		model->tunnel = no_tunnel;
}
