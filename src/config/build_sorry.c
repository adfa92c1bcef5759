/* The sorry server of a service: a server with few keys and a check of its own, which stands behind
 * the real servers wherever all servers are walked (service_server()). */
#include <string.h>

#include "base/addr.h"
#include "base/arena.h"
#include "config/build.h"

#define SORRY_WEIGHT 1

const struct build_place *service_server_place(const struct build_service *service, size_t number)
{
	return number < service->servers.count ? &service->servers.places[number]
					       : &service->sorry_place;
}

/* Without a port nobody tells the check where to look. */
static bool checks_have_port(struct build *build, const struct build_service *service,
			     const struct real_server *sorry, const struct origin *origin)
{
	for (size_t i = 0; i < service->sorry_check_count; i++) {
		const struct check *check = &build->checks[service->sorry_checks[i]].model;
		bool has_listener = service->model->listen_count && service->model->listen[0].port;

		if (!check_lacks_port(check) || sorry->address.port || has_listener)
			continue;
		origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
			      "\"%s\" has no port for it: the check%s%s must name the port that it "
			      "probes",
			      service->model->name, check->name ? " " : "",
			      check->name ? check->name : "");
		return false;
	}
	return true;
}

static void name_sorry(struct build *build, struct real_server *sorry)
{
	char text[ENDPOINT_TEXT];

	sorry->name = arena_strdup(build->arena, endpoint_format(&sorry->address, text));
	sorry->weight = SORRY_WEIGHT;
}

bool build_sorry(struct build *build, struct build_service *service)
{
	struct service *model = service->model;
	const struct origin *list = origin_of(&schema_service, service->origins, "sorry_server");
	struct origin *inner = origin_inner(list, 0), at;
	const struct origin *check;

	if (!model->sorry_server_count)
		return true;
	if (model->sorry_server_count > 1) {
		at = list_item(build, list, list, 1);
		origin_report(&build->reader, SEVERITY_ERROR, &at, list,
			      "a service has one sorry server at most");
		model->sorry_server_count = 1;
	}
	at = list_item(build, list, list, 0);
	service->sorry_place = (struct build_place){.node = at.value, .path = at.path};
	if (!inner || !model->sorry_server->address.address.family) {
		model->sorry_server_count = 0; /* reported already */
		return false;
	}
	service->sorry_place.has_forwarding =
		origin_of(&schema_sorry_server, inner, "forwarding")->value;
	service->sorry_place.has_tunnel = origin_of(&schema_sorry_server, inner, "tunnel")->value;
	name_sorry(build, model->sorry_server);
	check = origin_of(&schema_sorry_server, inner, "check");
	return build_check_list(build, check, &service->sorry_checks,
				&service->sorry_check_count) &&
	       checks_have_port(build, service, model->sorry_server, check->value ? check : &at);
}
