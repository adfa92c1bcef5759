/* See the header. Finding a server costs a look at the names of its service; a
 * new list costs a walk over all servers, which an operator pays for and no
 * packet. */
#include "ipvs/said.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"
#include "ipvs/state.h"

/* What is to be in force of each server, by its place. */
struct said_server {
	struct ipvs_terms terms;
	nstime deadline;
};

struct saying {
	struct ipvs_state *state;
	struct table services; /* by name */
	struct said_server *servers;
};

static uint64_t hash_of(const char *name, size_t length)
{
	return text_hash(TEXT_HASH, name, length);
}

static int index_services(struct arena *arena, struct saying *saying)
{
	const struct model *model = saying->state->model;

	if (table_init(&saying->services, arena, model->service_count))
		return -ENOMEM;
	for (uint32_t s = 0; s < model->service_count; s++) {
		const char *name = model->services[s].name;

		if (table_add(&saying->services, hash_of(name, strlen(name)), s))
			return -ENOMEM;
	}
	return 0;
}

static void start_from_the_model(struct saying *saying)
{
	const struct ipvs_state *state = saying->state;

	for (uint32_t s = 0; s < state->model->service_count; s++) {
		const struct service *service = &state->model->services[s];

		for (uint32_t i = 0; i < service_server_count(service); i++)
			saying->servers[state->server_first[s] + i].terms =
				ipvs_terms_of(service_server(service, i));
	}
}

static void say(struct saying *saying, uint32_t s, uint32_t i, const struct override *override)
{
	const struct ipvs_state *state = saying->state;
	struct said_server *server = &saying->servers[state->server_first[s] + i];
	enum admin_state configured = state->model->services[s].real_servers[i].state;

	if (override->kind == OVERRIDE_WEIGHT) {
		server->terms.weight = override_weight(override);
		server->terms.weight_is_said = true;
		return;
	}
	server->terms.admin = override_admin(configured, override);
	/* to enable a server is to leave it to its checks */
	server->terms.admin_is_said = override_state(override) != ADMIN_ENABLED;
	server->terms.ends = server->terms.admin == ADMIN_DRAINED && override->deadline;
	server->deadline = server->terms.ends ? override->deadline : 0;
}

static void say_in(struct saying *saying, uint32_t s, const struct override *override)
{
	const struct service *service = &saying->state->model->services[s];
	const char *name = override_server(override->object, service->name);

	for (uint32_t i = 0; name && i < service->real_server_count; i++)
		if (!strcmp(service->real_servers[i].name, name))
			say(saying, s, i, override);
}

/* The service's name ends at any of the slashes. */
static void say_one(struct saying *saying, const struct override *override)
{
	const char *object = override->object;

	for (const char *slash = strchr(object, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t step = 0;
		uint32_t s;

		while (table_next(&saying->services, hash_of(object, (size_t)(slash - object)),
				  &step, &s))
			if (strlen(saying->state->model->services[s].name) ==
			    (size_t)(slash - object))
				say_in(saying, s, override);
	}
}

static bool terms_equal(const struct ipvs_terms *a, const struct ipvs_terms *b)
{
	return a->admin == b->admin && a->weight == b->weight && a->ends == b->ends &&
	       a->admin_is_said == b->admin_is_said && a->weight_is_said == b->weight_is_said;
}

static void put_in_force(struct saying *saying)
{
	struct ipvs_state *state = saying->state;
	uint32_t count = state->server_first[state->model->service_count];

	state->draining_count = 0;
	for (uint32_t place = 0; place < count; place++) {
		const struct said_server *said = &saying->servers[place];
		struct ipvs_server_state *server = &state->servers[place];

		if (!terms_equal(&server->said, &said->terms) ||
		    server->deadline != said->deadline) {
			server->said = said->terms;
			server->deadline = said->deadline;
			ipvs_state_terms(state, place, &said->terms);
		}
		if (server->said.ends && server->now.terms.admin == ADMIN_DRAINED)
			state->draining[state->draining_count++] = place;
	}
}

int ipvs_said_apply(struct arena *arena, struct ipvs_state *state, const struct override *list,
		    size_t count)
{
	struct saying saying = {.state = state};

	saying.servers = arena_array(arena, state->server_first[state->model->service_count],
				     sizeof(*saying.servers));
	if (!saying.servers || index_services(arena, &saying))
		return -ENOMEM;
	start_from_the_model(&saying);
	for (size_t i = 0; i < count; i++)
		if (override_is_of_servers(list[i].kind))
			say_one(&saying, &list[i]);
	put_in_force(&saying);
	return 0;
}
