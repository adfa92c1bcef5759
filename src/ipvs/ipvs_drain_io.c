/* See the header. */
#include "ipvs/ipvs_drain_io.h"

#include "base/arena.h"
#include "base/duration.h"
#include "core/log.h"
#include "core/loop.h"

#define LEAVERS_LOGGED 10 /* of one configuration */

static void log_ended(void *ctx, const char *service, const char *server, uint64_t connections)
{
	(void)ctx;
	if (connections)
		log_info("service %s: server %s is out of the table: its time is over, "
			 "with %llu connection%s left",
			 service, server, (unsigned long long)connections,
			 connections == 1 ? "" : "s");
	else
		log_info("service %s: server %s is out of the table: it has no connection left",
			 service, server);
}

void ipvs_drain_read(struct ipvs_kernel *kernel, struct ipvs_state *state)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_table services;
	bool is_read = arena && !ipvs_drain_services(arena, state, &services) &&
		       !ipvs_kernel_dump_dests(kernel, arena, &services);
	nstime now = clock_now();

	ipvs_drain_look(state, is_read ? &services : NULL, now, now + clock_wall_offset(),
			log_ended, NULL);
}

void ipvs_drain_log(const struct ipvs_state *state)
{
	char text[DURATION_TEXT];

	for (size_t i = 0; i < state->leaver_count && i < LEAVERS_LOGGED; i++) {
		const struct ipvs_leaver *leaver = &state->leavers[i];
		nstime left = leaver->deadline == NSTIME_NEVER ? NSTIME_NEVER
							       : leaver->deadline - clock_now();

		log_info("service %s: server %s is no longer configured: it leaves when its "
			 "connections have ended%s%s",
			 state->model->services[state->layout.virtuals[leaver->virtual].service]
				 .name,
			 leaver->name, left == NSTIME_NEVER ? "" : ", at the latest in ",
			 left == NSTIME_NEVER ? "" : duration_about(left, text));
	}
	if (state->leaver_count > LEAVERS_LOGGED)
		log_info("… and %zu servers more leave", state->leaver_count - LEAVERS_LOGGED);
}
