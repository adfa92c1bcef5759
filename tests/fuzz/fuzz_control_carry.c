/* Any bytes as what a control worker has left: what is made of them is left again, and then no different. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/carry.h"
#include "daemon/control_carry.h"
#include "daemon/control_mirror.h"
#include "daemon/events.h"

#define NOW (5000 * NSTIME_S)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct real_server servers[] = {{.name = "a"}, {.name = "b"}};
static struct service services[] = {{.name = "web", .real_servers = servers, .real_server_count = 2}};
static const struct model model = {.services = services, .service_count = 1};

/* What the next one would leave, or NULL when there are no events. */
static uint8_t *pass_on(const uint8_t *bytes, size_t size, size_t *left)
{
	struct reader in = reader_of(bytes, size);
	struct control_inherited got;
	struct mirror mirror;
	uint8_t *made = NULL;

	if (!carry_start(&in))
		return NULL;
	if (endpoint_parse("10.0.0.1:80", &servers[0].address) || mirror_prepare(&mirror, &model, arena_new(0)))
		abort();
	got = control_carry_take(&in, NOW, &mirror);
	mirror_recall(&mirror, &got.reload);
	if (got.events)
		made = control_carry_make(&mirror, got.events, got.past.facts_at, left);
	events_free(got.events);
	mirror_fini(&mirror);
	return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	size_t first_size = 0, second_size = 0;
	uint8_t *first = pass_on(bytes, size, &first_size), *second;

	if (!first)
		return 0;
	second = pass_on(first, first_size, &second_size);
	if (!second || first_size != second_size || memcmp(first, second, first_size))
		abort();
	free(first);
	free(second);
	return 0;
}
