/* A look at the kernel's table in pieces, with a kernel, a clock and timers of the test's: how long a turn lasts, what
 * ends a look, and that nothing is left of one that was ended. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"
#include "ipvs/ipvs_io.h"
#include "ipvs/ipvs_worker_io.h"
#include "suite.h"

#define SERVICES 5
#define PACKETS (SERVICES + SERVICES) /* one for each service of the list, one for its destinations */

static struct {
	nstime now, cost; /* of a packet */
	nstime due;       /* of the look's timer */
	unsigned packets, fails_at;
	int error;
	bool is_open;
	unsigned listed;
	unsigned looked, read_back;
	const struct ipvs_service_key *asked;
	struct arena *arena;
	struct ipvs_worker worker;
	struct generation generation;
} test;

/* ---- the test's world ------------------------------------------------------------------------ */

nstime clock_now(void)
{
	return test.now;
}

void timer_at(struct loop_timer *timer, nstime due)
{
	if (timer == &test.worker.look.timer)
		test.due = due;
}

void timer_cancel(struct loop_timer *timer)
{
	timer_at(timer, NSTIME_NEVER);
}

void timer_fini(struct loop_timer *timer)
{
	timer_cancel(timer);
}

bool timer_armed(const struct loop_timer *timer)
{
	return timer == &test.worker.look.timer && test.due != NSTIME_NEVER;
}

int ipvs_kernel_open_reader(struct ipvs_kernel *kernel)
{
	(void)kernel;
	test.is_open = true;
	return 0;
}

void ipvs_kernel_close_reader(struct ipvs_kernel *kernel)
{
	(void)kernel;
	test.is_open = false;
}

int ipvs_io_ask_services(struct ipvs_io *io)
{
	(void)io;
	test.listed = 0;
	return 0;
}

int ipvs_io_ask_dests(struct ipvs_io *io, const struct ipvs_service_key *service)
{
	(void)io;
	test.asked = service;
	return 0;
}

/* What goes wrong with this packet. */
static int packet(void)
{
	test.now += test.cost;
	return ++test.packets == test.fails_at ? test.error : 0;
}

int ipvs_io_take_services(struct ipvs_io *io, struct ipvs_service *(*room)(void *ctx), void *ctx)
{
	int error = packet();

	(void)io;
	if (error)
		return error;
	*room(ctx) = test.generation.state.layout.virtuals[test.listed].empty;
	return ++test.listed < SERVICES;
}

int ipvs_io_take_dests(struct ipvs_io *io, struct arena *arena, struct ipvs_service *service)
{
	const struct ipvs_service *wanted =
		ipvs_table_find(&test.generation.state.programmed, test.asked);
	int error = packet();

	(void)io;
	for (size_t i = wanted->dest_count; !error && i; i--)
		*(struct ipvs_dest *)arena_push(arena, &service->dests, &service->dest_count,
						sizeof(*wanted->dests)) = wanted->dests[i - 1];
	return error;
}

bool ipvs_apply_removes_foreign(const struct model *model)
{
	(void)model;
	return false;
}

void ipvs_apply_read_back(struct ipvs_worker *ipvs)
{
	(void)ipvs;
	test.read_back++;
}

void ipvs_apply_looked(struct ipvs_worker *ipvs)
{
	(void)ipvs;
	test.looked++;
}

/* ---- a generation ---------------------------------------------------------------------------- */

static void make_model(struct model *model)
{
	model->services = arena_array(test.arena, SERVICES, sizeof(*model->services));
	model->service_count = SERVICES;
	for (uint32_t s = 0; s < SERVICES; s++) {
		struct service *service = &model->services[s];

		*service = (struct service){.name = arena_printf(test.arena, "s%u", s),
					    .protocols = PROTOCOL_TCP,
					    .scheduler = "rr",
					    .on_failure = ON_FAILURE_QUIESCE,
					    .quorum = 1,
					    .listen_count = 1,
					    .real_server_count = 3};
		service->listen = arena_array(test.arena, 1, sizeof(*service->listen));
		service->listen[0] = (struct endpoint){addr_from_ipv4(0xc0a80801 + s), 80};
		service->real_servers = arena_array(test.arena, 3, sizeof(*service->real_servers));
		for (uint32_t i = 0; i < 3; i++)
			service->real_servers[i] = (struct real_server){
				.name = "a", .weight = 1, .address.address = addr_from_ipv4(0x0a000001 + i)};
	}
}

static void setup(void)
{
	static const struct ipvs_table nothing;
	char buffer[128];
	struct text why = text_of(buffer, sizeof(buffer));
	struct model *model;

	memset(&test, 0, sizeof(test));
	test.now = 1000 * NSTIME_S;
	test.cost = 3 * NSTIME_MS;
	test.due = NSTIME_NEVER;
	test.arena = arena_new(0);
	model = arena_alloc(test.arena, sizeof(*model));
	make_model(model);
	test.generation.model = model;
	ck_assert_int_eq(ipvs_state_build(test.arena, model, &test.generation.state, &why), 0);
	ipvs_state_desire(&test.generation.state, &nothing, test.now);
	test.worker.running = &test.generation;
	test.worker.kernel.in_sync = true;
}

static void teardown(void)
{
	ipvs_reading_fini(&test.worker);
	arena_free(test.arena);
}

static void turn(void)
{
	test.now = nstime_max(test.now, test.due);
	test.due = NSTIME_NEVER;
	ipvs_reading_turn(&test.worker);
}

/* ---- rules ----------------------------------------------------------------------------------- */

START_TEST(a_turn_ends_with_the_first_packet_after_five_milliseconds)
{
	unsigned turns = 0;

	ipvs_reading_start(&test.worker, true, true);
	for (; ipvs_reading_is_under_way(&test.worker); turns++) {
		unsigned before = test.packets;

		ck_assert_int_le(test.due, test.now);
		turn();
		ck_assert_uint_le(test.packets - before, 2);
	}
	ck_assert_uint_eq(test.packets, PACKETS);
	ck_assert_uint_ge(turns, PACKETS / 2);
	ck_assert_uint_eq(test.looked, 1);
	ck_assert_uint_eq(test.read_back, 0);
	ck_assert(ipvs_reading_agrees(&test.worker.look.reading));
	ck_assert(test.is_open);
}
END_TEST

START_TEST(an_error_at_any_packet_makes_it_a_look_at_everything)
{
	for (unsigned at = 1; at <= PACKETS; at++) {
		teardown();
		setup();
		test.fails_at = at;
		test.error = -ENOBUFS;
		ipvs_reading_start(&test.worker, true, true);
		while (ipvs_reading_is_under_way(&test.worker))
			turn();
		ck_assert_uint_eq(test.packets, at);
		ck_assert_uint_eq(test.looked, 0);
		ck_assert_uint_eq(test.read_back, 1);
		ck_assert(!test.is_open && test.due == NSTIME_NEVER);
	}
}
END_TEST

/* The next one begins at the beginning, on a socket without leftovers, and knows the new generation only. */
START_TEST(a_new_generation_ends_it_at_any_packet_and_the_next_is_whole)
{
	for (unsigned at = 0; at < PACKETS; at++) {
		teardown();
		setup();
		test.cost = 6 * NSTIME_MS; /* a packet each turn */
		ipvs_reading_start(&test.worker, true, true);
		while (test.packets < at)
			turn();
		ipvs_reading_abandon(&test.worker);
		ck_assert(!ipvs_reading_is_under_way(&test.worker) && !test.is_open);
		ck_assert(test.due == NSTIME_NEVER);
		ck_assert_uint_eq(test.looked + test.read_back, 0);
		test.packets = 0;
		ipvs_reading_start(&test.worker, true, true);
		while (ipvs_reading_is_under_way(&test.worker))
			turn();
		ck_assert_uint_eq(test.packets, PACKETS);
		ck_assert_uint_eq(test.looked, 1);
		ck_assert(ipvs_reading_agrees(&test.worker.look.reading));
	}
}
END_TEST

START_TEST(a_kernel_that_is_silent_for_a_moment_is_waited_for_by_a_timer)
{
	ipvs_reading_start(&test.worker, true, true);
	test.fails_at = 4;
	test.error = -EAGAIN;
	while (ipvs_reading_is_under_way(&test.worker)) {
		turn();
		if (test.packets == 4)
			ck_assert_int_gt(test.due, test.now);
	}
	ck_assert_uint_eq(test.packets, PACKETS + 1);
	ck_assert_uint_eq(test.looked, 1);
}
END_TEST

START_TEST(a_kernel_that_stays_silent_is_left_to_a_look_at_everything)
{
	nstime begun = test.now;

	ipvs_reading_start(&test.worker, true, true);
	test.error = -EAGAIN;
	while (ipvs_reading_is_under_way(&test.worker)) {
		test.fails_at = test.packets + 1;
		turn();
	}
	ck_assert_uint_eq(test.read_back, 1);
	ck_assert_int_ge(test.now - begun, IPVS_IO_PATIENCE);
	ck_assert_int_le(test.now - begun, 2 * IPVS_IO_PATIENCE);
}
END_TEST

int main(void)
{
	TCase *tests = CASE("looks", a_turn_ends_with_the_first_packet_after_five_milliseconds,
			    an_error_at_any_packet_makes_it_a_look_at_everything,
			    a_new_generation_ends_it_at_any_packet_and_the_next_is_whole,
			    a_kernel_that_is_silent_for_a_moment_is_waited_for_by_a_timer,
			    a_kernel_that_stays_silent_is_left_to_a_look_at_everything);

	tcase_add_checked_fixture(tests, setup, teardown);
	return SUITE_RUN("ipvs reading io", tests);
}
