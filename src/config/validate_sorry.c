/* A sorry server that is one of the real servers: the kernel has one destination for both, so what
 * they say of it must agree. */
#include "base/addr.h"
#include "config/build.h"
#include "config/words.h"

static bool ways_differ(const struct real_server *a, const struct real_server *b)
{
	return a->forwarding != b->forwarding || a->tunnel.type != b->tunnel.type ||
	       a->tunnel.port != b->tunnel.port || a->tunnel.checksum != b->tunnel.checksum;
}

/* Put in as the sorry server it would take the real server's connections the other way, too. */
static bool way_fits(struct build *build, const struct build_service *service, size_t number)
{
	const struct service *model = service->model;
	const struct real_server *real = &model->real_servers[number];
	const struct build_place *place = &service->sorry_place;
	char text[ENDPOINT_TEXT];

	if (!ways_differ(real, model->sorry_server))
		return true;
	server_error(build, place,
		     "%s is a real server of \"%s\", too (%s): as sorry server it must be reached in "
		     "the same way, with forwarding: %s%s",
		     endpoint_format(&model->sorry_server->address, text), model->name,
		     node_place(service->servers.places[number].node, place->node, build->arena),
		     forwarding_word(real->forwarding),
		     real->forwarding == model->sorry_server->forwarding ? " and the same tunnel"
									  : "");
	return false;
}

static void warn_unavailable(struct build *build, const struct build_service *service, size_t number)
{
	const struct service *model = service->model;
	const struct real_server *real = &model->real_servers[number];
	const struct build_place *place = &service->sorry_place;
	char text[ENDPOINT_TEXT];

	if (real->state == ADMIN_ENABLED)
		return;
	node_warning(build->reader.diagnostics, place->node, place->path,
		     "%s is a real server of \"%s\", too, and %s (%s): while that is so it is not "
		     "used as the sorry server, either",
		     endpoint_format(&model->sorry_server->address, text), model->name,
		     admin_state_name(real->state),
		     node_place(service->servers.places[number].node, place->node, build->arena));
}

bool validate_sorry(struct build *build, const struct build_service *service)
{
	bool good = true;

	for (size_t i = 0; i < service->model->real_server_count; i++) {
		if (!service_sorry_is(service->model, i))
			continue;
		good &= way_fits(build, service, i);
		warn_unavailable(build, service, i);
	}
	return good;
}
