/* lbha-rs at random: whatever was there before, whatever is wanted, and wherever it is cut short,
 * teardown gives back what was there before. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "rs_world.h"
#include "suite.h"

#define VIPS 5

static void vip_text(unsigned number, char out[ADDR_TEXT])
{
	snprintf(out, ADDR_TEXT, number == VIPS - 1 ? "2001:db8::%u" : "192.0.2.%u", number + 80);
}

/* ---- what was there before ---- */

static void randomise_sysctls(struct world *world)
{
	static const int64_t ignore[] = {0, 0, 0, 1, 2, 8}, announce[] = {0, 0, 1, 2},
			     reverse[] = {0, 1, 2};

	for (size_t i = 0; i < world->sysctl_count; i++) {
		const char *path = world->sysctls[i].path;

		world->sysctls[i].value = strstr(path, "ignore")     ? ignore[rand() % 6]
					  : strstr(path, "announce") ? announce[rand() % 4]
								     : reverse[rand() % 3];
	}
}

static void randomise_addresses(struct world *world)
{
	world_put(world, on_link(ETH0, "10.9.0.20/24", ADDRESS_PROTOCOL_NONE));
	world_put(world, on_link(ETH0, "10.9.0.21/24", ADDRESS_PROTOCOL_NONE));
	world_put(world, on_link(ETH0, "2001:db8:9::20/64", ADDRESS_PROTOCOL_NONE));
	if (rand() % 4)
		world_put(world, on_link(LO, "::1/128", 1));
	for (unsigned i = 0; i < VIPS; i++)
		if (rand() % 4 == 0) {
			char vip[ADDR_TEXT];

			vip_text(i, vip);
			world_put(world, on_link(LO, vip, ADDRESS_PROTOCOL_NONE));
		}
}

#define STATIC 4

static void world_randomise(struct world *world)
{
	static const char *const gateways[] = {"10.9.0.1", "10.9.0.10", "10.9.0.2",
					       "2001:db8:9::1", "2001:db8:9::10"};
	static const uint32_t metrics[] = {0, 100, 7};

	randomise_sysctls(world);
	randomise_addresses(world);
	for (size_t i = 0; i < COUNT_OF(gateways); i++)
		if (rand() % 3 == 0)
			world_put_route(world, gateways[i], metrics[rand() % 3], STATIC);
	if (rand() % 8 == 0)
		world_put_route(world, "2001:db8:9::3", 1, STATIC); /* it keeps ours out */
	if (rand() % 4 == 0)
		world->ports[world->port_count++] = (struct rs_port){AF_INET, 6080};
	if (rand() % 6 == 0)
		world_put_link(world, "lbha-gre", rand() % 2 ? "theirs" : NULL);
	if (rand() % 6 == 0)
		world_put_link(world, "tunl0", NULL);
}

/* ---- what is wanted ---- */

static struct rs_wish random_tunnel(const char *vip)
{
	static const char *const locals[] = {"10.9.0.20", "10.9.0.21", "2001:db8:9::20"};
	struct rs_wish wish =
		tunnel_to(vip, locals[rand() % 3], (enum tunnel_type)(rand() % (TUNNEL_GRE + 1)));

	if (wish.tunnel.type == TUNNEL_GRE && rand() % 2)
		wish.tunnel.checksum = TUNNEL_CHECKSUM_CSUM;
	return wish;
}

static struct rs_wish random_wish(void)
{
	char vip[ADDR_TEXT];

	vip_text((unsigned)rand() % VIPS, vip);
	switch (rand() % 6) {
	case 0:
		return nat("192.0.2.80", rand() % 4 ? "10.9.0.10" : "10.9.0.11");
	case 1:
		return nat("2001:db8::80", "2001:db8:9::10");
	case 2:
	case 3:
		return random_tunnel(vip);
	default:
		return dr(vip);
	}
}

static struct rs_wishes random_wishes(struct arena *arena)
{
	struct rs_wishes some = {.items = arena_array(arena, VIPS, sizeof(*some.items))}, wishes;

	some.count = (size_t)rand() % (VIPS + 1);
	for (size_t i = 0; i < some.count; i++)
		some.items[i] = random_wish();
	ck_assert_int_eq(rs_wishes_add(arena, &some, &nothing, &wishes), 0); /* each once */
	wishes.arp_filter = rand() % 2;
	return wishes;
}

/* ---- what must hold ---- */

static void assert_sysctls_restored(const struct world *before, const struct world *after)
{
	ck_assert_uint_eq(before->sysctl_count, after->sysctl_count);
	for (size_t i = 0; i < before->sysctl_count; i++) {
		ck_assert_str_eq(before->sysctls[i].path, after->sysctls[i].path);
		ck_assert_msg(before->sysctls[i].value == after->sysctls[i].value,
			      "%s: %d became %d", before->sysctls[i].path,
			      (int)before->sysctls[i].value, (int)after->sysctls[i].value);
	}
}

static void assert_restored(const struct world *before, const struct world *after)
{
	assert_sysctls_restored(before, after);
	ck_assert_uint_eq(before->addresses.count, after->addresses.count);
	for (size_t i = 0; i < before->addresses.count; i++) {
		const struct address *there =
			address_find(&after->addresses, &before->addresses.items[i]);

		ck_assert(there && there->protocol == before->addresses.items[i].protocol);
	}
	ck_assert_uint_eq(before->link_count, after->link_count);
	for (size_t i = 0; i < before->link_count; i++)
		ck_assert(link_equal(&before->links[i], &after->links[i]));
	ck_assert_str_eq(before->table, after->table);
	ck_assert_uint_eq(before->port_count, after->port_count);
	ck_assert_uint_eq(before->route_count, after->route_count);
	for (size_t i = 0; i < before->route_count; i++) {
		ck_assert(route_equal(&before->routes[i], &after->routes[i]));
		ck_assert_uint_eq(before->routes[i].protocol, after->routes[i].protocol);
	}
}

static void assert_in_place(struct world *world, const struct rs_wishes *wishes)
{
	struct rs_desired desired = world_desired(world, wishes);
	struct rs_actual actual = world_actual(world);

	ck_assert_uint_eq(world_plan(world, wishes).count, 0);
	for (size_t i = 0; i < desired.vip_count; i++)
		ck_assert(!!address_find(&world->addresses, &desired.vips[i].address));
	for (size_t i = 0; i < desired.link_count; i++)
		ck_assert(desired.links[i].index != 0);
	for (size_t i = 0; i < desired.route_count; i++)
		ck_assert(rs_actual_leads(&actual, &desired.routes[i].route));
}

static void assert_torn_down(struct world *world, const struct world *before)
{
	struct owned_set journal;

	world->budget = FOR_EVER;
	ck_assert_int_eq(world_run(world, &nothing), WORLD_DONE);
	assert_restored(before, world);
	ck_assert_uint_eq(world_plan(world, &nothing).count, 0);
	journal = world_journal(world);
	ck_assert(journal_is_empty(&journal));
}

static void seed_random(const char *what)
{
	const char *given = getenv("LBHA_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);

	printf("%s: LBHA_SEED=%u\n", what, seed);
	fflush(stdout);
	srand(seed);
}

START_TEST(teardown_restores_after_setup_was_cut_at_any_moment)
{
	seed_random("cut once");
	for (int round = 0; round < 150; round++) {
		auto_arena *world_arena = arena_new(0);
		struct world *before = arena_alloc(world_arena, sizeof(*before));
		struct rs_wishes wishes = random_wishes(world_arena);
		enum world_end end = WORLD_CRASHED;

		world_init(before, world_arena);
		world_randomise(before);
		for (long cut = 0; end == WORLD_CRASHED; cut++) {
			auto_arena *arena = arena_new(0);
			struct world *one = world_copy(arena, before);

			one->budget = cut;
			end = world_run(one, &wishes);
			if (end == WORLD_DONE)
				assert_in_place(one, &wishes);
			assert_torn_down(one, before);
		}
	}
}
END_TEST

START_TEST(teardown_goes_on_after_it_was_cut_at_any_moment)
{
	seed_random("cut teardown");
	for (int round = 0; round < 150; round++) {
		auto_arena *world_arena = arena_new(0);
		struct world *before = arena_alloc(world_arena, sizeof(*before)), *set_up;
		struct rs_wishes wishes = random_wishes(world_arena);
		enum world_end end = WORLD_CRASHED;

		world_init(before, world_arena);
		world_randomise(before);
		set_up = world_copy(world_arena, before);
		world_run(set_up, &wishes);
		for (long cut = 0; end == WORLD_CRASHED; cut++) {
			auto_arena *arena = arena_new(0);
			struct world *one = world_copy(arena, set_up);

			one->budget = cut;
			end = world_run(one, &nothing);
			assert_torn_down(one, before);
		}
	}
}
END_TEST

START_TEST(any_runs_cut_anywhere_then_teardown_restores)
{
	seed_random("many cuts");
	for (int round = 0; round < 3000; round++) {
		auto_arena *arena = arena_new(0);
		struct world *world = arena_alloc(arena, sizeof(*world)), *before;

		world_init(world, arena);
		world_randomise(world);
		before = world_copy(arena, world);
		for (int runs = rand() % 8; runs > 0; runs--) {
			struct rs_wishes wishes = random_wishes(arena);

			world->budget = rand() % 3 == 0 ? FOR_EVER : rand() % 40;
			world_run(world, rand() % 3 ? &wishes : &nothing);
		}
		world->budget = FOR_EVER;
		if (rand() % 2) {
			struct rs_wishes wishes = random_wishes(arena);

			if (world_run(world, &wishes) == WORLD_DONE)
				assert_in_place(world, &wishes);
		}
		assert_torn_down(world, before);
	}
}
END_TEST

START_TEST(setup_converges_from_wherever_it_was_cut)
{
	seed_random("converge");
	for (int round = 0; round < 1000; round++) {
		auto_arena *arena = arena_new(0);
		struct world *world = arena_alloc(arena, sizeof(*world));
		struct rs_wishes first = random_wishes(arena), then = random_wishes(arena);

		world_init(world, arena);
		world_randomise(world);
		world->budget = rand() % 60;
		world_run(world, &first);
		world->budget = FOR_EVER;
		if (world_run(world, &then) == WORLD_DONE)
			assert_in_place(world, &then);
	}
}
END_TEST

START_TEST(teardown_leaves_what_others_changed_and_restores_the_rest)
{
	seed_random("others");
	for (int round = 0; round < 2000; round++) {
		auto_arena *arena = arena_new(0);
		struct world *world = arena_alloc(arena, sizeof(*world)), *before;
		struct rs_wishes wishes = random_wishes(arena);
		size_t changed;

		world_init(world, arena);
		changed = (size_t)rand() % world->sysctl_count;
		world_randomise(world);
		before = world_copy(arena, world);
		world_run(world, &wishes);
		world->sysctls[changed].value = 77;
		before->sysctls[changed].value = 77;
		assert_torn_down(world, before);
	}
}
END_TEST

int main(void)
{
	return SUITE_RUN("lbha-rs at random",
			 CASE("property", teardown_restores_after_setup_was_cut_at_any_moment,
			      teardown_goes_on_after_it_was_cut_at_any_moment,
			      any_runs_cut_anywhere_then_teardown_restores,
			      setup_converges_from_wherever_it_was_cut,
			      teardown_leaves_what_others_changed_and_restores_the_rest),
			 NULL);
}
