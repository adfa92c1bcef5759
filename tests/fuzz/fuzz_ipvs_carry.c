/* Any bytes as what an ipvs worker has left: taken up by a state of two services, whose table is made then. What that
 * one leaves must be read by the next one whole. */
#include <netinet/in.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/carry.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "ipvs/inherit.h"
#include "ipvs/state.h"

#define NOW (5000 * NSTIME_S)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* As tests/states/state_ipvs.c has it, and more. */
static uint32_t numbers[] = {0, 1};
static struct probe probes[] = {{.key = 100}, {.key = 101, .initially_up = true}};
static struct real_server servers[] = {
	{.name = "a", .weight = 1, .probes = &numbers[0], .probe_count = 1},
	{.name = "b", .weight = 2, .probes = &numbers[1], .probe_count = 1},
}, sorry = {.name = "sorry", .weight = 1};
static struct endpoint listen_web, listen_dns;
static struct service services[] = {
	{.name = "web", .listen = &listen_web, .listen_count = 1, .protocols = PROTOCOL_TCP, .scheduler = "wlc",
	 .quorum = 1, .real_servers = servers, .real_server_count = 2, .sorry_server = &sorry,
	 .sorry_server_count = 1, .slow_start = 10 * NSTIME_S, .drain_timeout = 60 * NSTIME_S,
	 .panic_threshold = 30},
	{.name = "dns", .listen = &listen_dns, .listen_count = 1, .protocols = PROTOCOL_UDP, .scheduler = "rr",
	 .quorum = 1, .real_servers = servers, .real_server_count = 1, .on_failure = ON_FAILURE_REMOVE},
};
static const struct model model = {
	.probes = probes, .probe_count = 2, .services = services, .service_count = 2};

static void make_model(void)
{
	if (listen_web.port)
		return;
	if (endpoint_parse("192.168.8.200:80", &listen_web) || endpoint_parse("192.168.8.200:53", &listen_dns) ||
	    endpoint_parse("10.0.0.1:80", &servers[0].address) ||
	    endpoint_parse("10.0.0.2:80", &servers[1].address) || endpoint_parse("10.0.0.9:80", &sorry.address))
		abort();
}

static struct ipvs_state *state_new(struct arena *arena)
{
	struct ipvs_state *state = arena_alloc(arena, sizeof(*state));
	struct text why = {0};

	if (!state || ipvs_state_build(arena, &model, state, &why))
		abort();
	return state;
}

/* The destinations of web are there, and one that the model has not. */
static void start(struct arena *arena, struct ipvs_state *state)
{
	struct ipvs_dest dests[] = {
		{.key = {addr_from_ipv4(0x0a000001), 80}, .attr.weight = 100},
		{.key = {addr_from_ipv4(0x0a000007), 80}, .attr.weight = 100},
	};
	struct ipvs_service web = {.key = {.address = listen_web.address, .port = 80, .protocol = IPPROTO_TCP},
				   .dests = dests,
				   .dest_count = 2};
	const struct ipvs_table current = {&web, 1};

	if (ipvs_leavers_find(arena, state, NULL, &current, NOW))
		abort();
	ipvs_state_desire(state, &current, NOW);
	ipvs_state_counters(state, &current);
	ipvs_state_wake(state, NOW + NSTIME_S);
	ipvs_drain_look(state, NULL, NOW, NOW, NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct contests contests;
	static uint8_t left[1 << 18];
	auto_arena *arena = arena_new(0);
	struct ipvs_state *state, *next;
	struct ipvs_inherited rest;
	struct reader in = reader_of(bytes, size);
	struct writer out = writer_of(left, sizeof(left));

	make_model();
	if (!carry_start(&in))
		return 0;
	state = state_new(arena);
	if (ipvs_inherit(arena, state, &in, NOW, &rest))
		abort();
	contests_init(&contests);
	for (size_t i = 0; i < rest.contest_count; i++)
		contests_recall(&contests, rest.contests[i].object, &rest.contests[i].repair, NOW);
	start(arena, state);
	if (ipvs_leave_size(state) > sizeof(left))
		abort();
	ipvs_leave(&out, state, &rest.worker, &contests, NOW);
	in = reader_of(left, writer_used(&out));
	next = state_new(arena);
	if (out.failed || !carry_start(&in) || ipvs_inherit(arena, next, &in, NOW, &rest) || !reader_done(&in))
		abort();
	return 0;
}
