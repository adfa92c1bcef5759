/* What the running lbhad has in force, as it tells over the control socket: the file may have been
 * changed since. */
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/transport.h"
#include "ctl/exam_force.h"

static void add(struct arena *arena, struct exam_sight *sight, const struct exam_service *service)
{
	struct exam_service *room =
		arena_push(arena, &sight->in_force, &sight->in_force_count, sizeof(*room));

	if (room)
		*room = *service;
}

/* Of "tcp,udp". */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; at && *at; at += *at == ',') {
		size_t size = strcspn(at, ",");

		if (size == length && !strncmp(at, word, length))
			return true;
		at += size;
	}
	return false;
}

static void add_listener(struct arena *arena, struct exam_sight *sight, const char *protocols,
			 const char *listener)
{
	struct exam_service service = {0};

	if (!listener || endpoint_parse(listener, &service.at))
		return;
	for (size_t i = 0; i < TRANSPORTS; i++) {
		service.protocol = (enum protocol)(1u << i);
		if (has_word(protocols, transports[i].name))
			add(arena, sight, &service);
	}
}

int exam_in_force(struct arena *arena, const json_t *services, struct exam_sight *sight)
{
	const json_t *one, *listener;
	size_t i, j;

	if (!json_is_array(services))
		return -EBADMSG;
	json_array_foreach (services, i, one) {
		json_int_t mark = json_integer_value(json_object_get(one, "fwmark"));
		const char *protocols = json_string_value(json_object_get(one, "protocol"));

		if (mark > 0)
			add(arena, sight, &(struct exam_service){.mark = (uint32_t)mark});
		json_array_foreach (json_object_get(one, "listen"), j, listener)
			add_listener(arena, sight, protocols, json_string_value(listener));
	}
	sight->is_in_force_known = true;
	return arena_failed(arena) ? -ENOMEM : 0;
}
