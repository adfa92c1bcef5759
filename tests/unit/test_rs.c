/* lbha-rs: what it wants, its plan, its journal, and that teardown restores
 * after any interruption. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/arena.h"
#include "config/model.h"
#include "rs-agent/desired.h"
#include "rs-agent/journal.h"
#include "rs-agent/plan.h"
#include "rs-agent/remark.h"
#include "rs-agent/wish.h"
#include "suite.h"

#define LO 1
#define ETH0 2

static struct addr addr_of(const char *text)
{
	struct addr address;

	ck_assert_int_eq(addr_parse(text, &address), 0);
	return address;
}

static struct address on_link(uint32_t link, const char *text, uint8_t protocol)
{
	struct prefix prefix;
	struct address address;

	ck_assert_int_eq(prefix_parse(text, &prefix), 0);
	address = address_ours(link, &prefix);
	address.protocol = protocol;
	return address;
}

static struct rs_wish dr(const char *vip)
{
	return (struct rs_wish){.forwarding = FORWARDING_DR, .vip = addr_of(vip)};
}

/* ---- desired ---- */

static struct endpoint listeners[3];
static struct real_server servers[3];

static struct model shop(struct service *services)
{
	listeners[0] = (struct endpoint){addr_of("192.168.8.200"), 80};
	listeners[1] = (struct endpoint){addr_of("192.168.8.200"), 443};
	listeners[2] = (struct endpoint){addr_of("192.168.8.201"), 25};
	servers[0] = (struct real_server){.address = {addr_of("192.168.8.20"), 80},
					  .forwarding = FORWARDING_DR};
	servers[1] = (struct real_server){.address = {addr_of("192.168.8.21"), 80},
					  .forwarding = FORWARDING_DR};
	servers[2] = (struct real_server){.address = {addr_of("192.168.8.20"), 80},
					  .forwarding = FORWARDING_NAT};
	services[0] = (struct service){.name = "web",
				       .listen = listeners,
				       .listen_count = 2,
				       .real_servers = servers,
				       .real_server_count = 2};
	services[1] = (struct service){.name = "mail",
				       .listen = listeners + 2,
				       .listen_count = 1,
				       .real_servers = servers + 1,
				       .real_server_count = 1};
	services[2] = (struct service){.name = "old",
				       .listen = listeners + 2,
				       .listen_count = 1,
				       .real_servers = servers + 2,
				       .real_server_count = 1};
	return (struct model){.services = services, .service_count = 3};
}

START_TEST(vips_are_those_of_the_services_we_serve_by_dr)
{
	auto_arena *arena = arena_new(0);
	struct service services[3];
	struct model model = shop(services);
	struct address own = on_link(ETH0, "192.168.8.20/24", 0);
	struct address_list list = {.items = &own, .count = 1};
	struct rs_wishes wishes;
	struct rs_other other;

	ck_assert_int_eq(rs_wishes_of_model(arena, &model, NULL, &list, &wishes, &other), 0);
	ck_assert_uint_eq(wishes.count, 1); /* two listeners on one address */
	ck_assert_str_eq(wishes.items[0].service, "web");
	ck_assert_uint_eq(other.count, 1);
	ck_assert_str_eq(other.services[0].name, "old");
	ck_assert_int_eq(other.services[0].forwarding, FORWARDING_NAT);
	own = on_link(ETH0, "192.168.8.21/24", 0);
	ck_assert_int_eq(rs_wishes_of_model(arena, &model, NULL, &list, &wishes, &other), 0);
	ck_assert_uint_eq(wishes.count, 2);
	ck_assert_int_eq(rs_wishes_of_model(arena, &model, "mail", &list, &wishes, &other), 0);
	ck_assert_uint_eq(wishes.count, 1);
	own = on_link(ETH0, "192.168.8.22/24", 0);
	ck_assert_int_eq(rs_wishes_of_model(arena, &model, NULL, &list, &wishes, &other), 0);
	ck_assert_uint_eq(wishes.count, 0);
}
END_TEST

START_TEST(loopback_address_makes_nobody_a_real_server)
{
	auto_arena *arena = arena_new(0);
	struct service services[3];
	struct model model = shop(services);
	struct address own = on_link(LO, "127.0.0.1/8", 0);
	struct address_list list = {.items = &own, .count = 1};
	struct rs_wishes wishes;
	struct rs_other other;

	servers[0].address.address = addr_of("127.0.0.1");
	ck_assert_int_eq(rs_wishes_of_model(arena, &model, NULL, &list, &wishes, &other), 0);
	ck_assert_uint_eq(wishes.count, 0);
}
END_TEST

START_TEST(ipv6_vips_need_no_sysctl)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish items[] = {dr("2001:db8::80"), dr("192.0.2.80")};
	struct rs_actual actual = {.lo = LO};
	struct rs_desired desired;

	ck_assert_int_eq(
		rs_desired_build(arena, &(struct rs_wishes){items, 1}, &actual, &desired), 0);
	ck_assert_uint_eq(desired.sysctl_count, 0);
	ck_assert_int_eq(
		rs_desired_build(arena, &(struct rs_wishes){items, 2}, &actual, &desired), 0);
	ck_assert_uint_eq(desired.sysctl_count, 4);
}
END_TEST

START_TEST(wishes_are_written_down_and_read_back)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish wishes[] = {dr("2001:db8::80"), dr("192.0.2.80")}, again;
	static const char *const texts[] = {"- dr 2001:db8::80", "web dr 192.0.2.80"};
	static const char *const wrong[] = {"dr 192.0.2.80",     "- dr 192.0.2", "- dr 192.0.2.80 -",
					    "web by 192.0.2.80", "web dr",       ""};

	wishes[1].service = "web";
	for (size_t i = 0; i < COUNT_OF(wishes); i++) {
		ck_assert_str_eq(rs_wish_print(arena, &wishes[i]), texts[i]);
		ck_assert_int_eq(rs_wish_parse(arena, texts[i], &again), 0);
		ck_assert_str_eq(rs_wish_print(arena, &again), texts[i]);
	}
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		ck_assert_int_eq(rs_wish_parse(arena, wrong[i], &again), -EINVAL);
}
END_TEST

START_TEST(scope_of_one_service_or_vip_leaves_the_others)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish items[] = {dr("192.0.2.80"), dr("192.0.2.80"), dr("192.0.2.81")};
	struct rs_wishes all = {items, 3}, some;
	struct addr vip = addr_of("192.0.2.80");
	struct rs_scope scope = {.service = "web"};

	items[0].service = "web";
	ck_assert_int_eq(rs_wishes_select(arena, &all, &scope, true, &some), 0);
	ck_assert_uint_eq(some.count, 1);
	ck_assert_int_eq(rs_wishes_select(arena, &all, &scope, false, &some), 0);
	ck_assert_uint_eq(some.count, 2);
	scope = (struct rs_scope){.vips = &vip, .vip_count = 1};
	ck_assert_int_eq(rs_wishes_select(arena, &all, &scope, false, &some), 0);
	ck_assert_uint_eq(some.count, 1);
	scope = (struct rs_scope){0};
	ck_assert_int_eq(rs_wishes_select(arena, &all, &scope, true, &some), 0);
	ck_assert_uint_eq(some.count, 3);
}
END_TEST

/* ---- a world to act on ---- */

static const char *const conf_links[] = {"all", "lo", "eth0"};
static const char *const conf_names[] = {"arp_ignore", "arp_announce"};
#define SYSCTLS 6

#define JOURNAL_ROOM 65536

struct world {
	struct arena *arena;
	struct link links[2];
	struct address_list addresses;
	struct sysctl_value sysctls[SYSCTLS];
	char journal[JOURNAL_ROOM];
	size_t journal_length;
	long budget; /* things that may still happen before the crash */
};

static void world_init(struct world *world, struct arena *arena)
{
	size_t count = 0;

	*world = (struct world){.arena = arena, .budget = 1000000};
	world->links[0] = (struct link){.index = LO, .name = "lo", .loopback = true};
	world->links[1] = (struct link){.index = ETH0, .name = "eth0", .arp = true};
	for (size_t i = 0; i < COUNT_OF(conf_links); i++)
		for (size_t j = 0; j < COUNT_OF(conf_names); j++)
			sysctl_conf_path(world->sysctls[count++].path, "ipv4", conf_links[i],
					 conf_names[j]);
}

static void world_put(struct world *world, struct address address)
{
	ck_assert_int_eq(address_list_add(world->arena, &world->addresses, &address), 0);
}

static struct sysctl_value *world_sysctl(struct world *world, const char *path)
{
	for (size_t i = 0; i < SYSCTLS; i++)
		if (!strcmp(world->sysctls[i].path, path))
			return &world->sysctls[i];
	ck_abort_msg("no sysctl %s", path);
}

static struct rs_actual world_actual(struct world *world)
{
	return (struct rs_actual){
		.lo = LO,
		.addresses = world->addresses,
		.links = world->links,
		.link_count = 2,
		.sysctls = world->sysctls,
		.sysctl_count = SYSCTLS,
	};
}

static struct owned_set world_journal(struct world *world)
{
	struct owned_set set;

	ck_assert_int_eq(owned_parse(world->arena, world->journal, world->journal_length, &set), 0);
	return set;
}

static struct rs_desired world_desired(struct world *world, const struct rs_wishes *wishes)
{
	struct rs_actual actual = world_actual(world);
	struct rs_desired desired;

	ck_assert_int_eq(rs_desired_build(world->arena, wishes, &actual, &desired), 0);
	return desired;
}

static struct rs_plan world_plan(struct world *world, const struct rs_wishes *wishes)
{
	struct rs_desired desired = world_desired(world, wishes);
	struct rs_actual actual = world_actual(world);
	struct owned_set journal = world_journal(world);
	struct rs_plan plan;

	ck_assert_int_eq(rs_plan_build(world->arena, &desired, &actual, &journal, &plan), 0);
	return plan;
}

/* Whether this very moment is before the crash. */
static bool world_lives(struct world *world)
{
	return world->budget > 0 && world->budget-- > 0;
}

/* As owned_append does it; the crash may cut the line anywhere. */
static bool world_append(struct world *world, const struct owned *record)
{
	char line[OWNED_LINE];
	size_t length = owned_format(record, line);
	bool lives = world_lives(world);

	ck_assert_uint_lt(world->journal_length + length + strlen(OWNED_TORN), JOURNAL_ROOM);
	if (world->journal_length && world->journal[world->journal_length - 1] != '\n') {
		memcpy(world->journal + world->journal_length, OWNED_TORN, strlen(OWNED_TORN));
		world->journal_length += strlen(OWNED_TORN);
	}
	if (!lives)
		length = (size_t)rand() % length;
	memcpy(world->journal + world->journal_length, line, length);
	world->journal_length += length;
	return lives;
}

static bool world_act(struct world *world, const struct rs_step *step)
{
	if (!world_lives(world))
		return false;
	if (step->record.kind == OWNED_SYSCTL)
		world_sysctl(world, step->record.sysctl.path)->value =
			step->action == RS_MAKE ? step->record.sysctl.set
						: step->record.sysctl.former;
	else if (step->action == RS_MAKE)
		ck_assert_int_eq(address_list_add(world->arena, &world->addresses, &step->address),
				 0);
	else
		ck_assert_int_eq(address_list_remove(&world->addresses, &step->address, false), 0);
	return true;
}

/* While a VIP of ours is there, the server is silent about it. */
static void assert_silent(struct world *world)
{
	for (size_t i = 0; i < world->addresses.count; i++) {
		const struct address *address = &world->addresses.items[i];

		if (address->protocol != ADDRESS_PROTOCOL_LBHA ||
		    address->prefix.address.family != AF_INET)
			continue;
		ck_assert_int_ge(world_sysctl(world, "net/ipv4/conf/all/arp_ignore")->value, 1);
		ck_assert_int_ge(world_sysctl(world, "net/ipv4/conf/all/arp_announce")->value, 2);
	}
}

/* One run of the program; false when it crashed on the way. */
static bool world_run(struct world *world, const struct rs_wishes *wishes)
{
	struct rs_plan plan = world_plan(world, wishes);

	for (size_t i = 0; i < plan.count; i++) {
		const struct rs_step *step = &plan.steps[i];

		if (rs_step_journals_first(step) && !world_append(world, &step->record))
			return false;
		if (rs_step_acts(step) && !world_act(world, step))
			return false;
		assert_silent(world);
		if (!rs_step_journals_first(step) && !world_append(world, &step->record))
			return false;
	}
	return true;
}

static const struct rs_wishes nothing;

/* ---- plans by hand ---- */

static void assert_step(const struct rs_step *step, enum rs_action action, enum owned_kind kind)
{
	ck_assert_int_eq(step->action, action);
	ck_assert_int_eq(step->record.kind, kind);
}

START_TEST(setup_silences_before_it_adds_and_teardown_goes_backwards)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct rs_wishes wishes = {&vip, 1};
	struct world world;
	struct rs_plan plan;

	world_init(&world, arena);
	plan = world_plan(&world, &wishes);
	ck_assert_uint_eq(plan.count, 6);
	assert_step(&plan.steps[0], RS_NOTE, OWNED_WISH);
	for (size_t i = 1; i < 5; i++)
		assert_step(&plan.steps[i], RS_MAKE, OWNED_SYSCTL);
	assert_step(&plan.steps[5], RS_MAKE, OWNED_ADDRESS);
	ck_assert(world_run(&world, &wishes));
	ck_assert_uint_eq(world_plan(&world, &wishes).count, 0);
	plan = world_plan(&world, &nothing);
	ck_assert_uint_eq(plan.count, 6);
	assert_step(&plan.steps[0], RS_UNDO, OWNED_ADDRESS);
	ck_assert_str_eq(plan.steps[4].record.sysctl.path, "net/ipv4/conf/all/arp_ignore");
	assert_step(&plan.steps[5], RS_FORGET, OWNED_WISH);
}
END_TEST

START_TEST(higher_values_are_kept)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct world world;

	world_init(&world, arena);
	for (size_t i = 0; i < SYSCTLS; i++)
		world.sysctls[i].value = 2;
	ck_assert_uint_eq(world_plan(&world, &(struct rs_wishes){&vip, 1}).count, 2); /* wish, VIP */
}
END_TEST

START_TEST(vip_that_was_there_before_is_used_and_stays)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct rs_wishes wishes = {&vip, 1};
	struct address there = on_link(LO, "192.0.2.80/32", ADDRESS_PROTOCOL_NONE);
	struct world world;

	world_init(&world, arena);
	world_put(&world, there);
	ck_assert(world_run(&world, &wishes));
	ck_assert_uint_eq(world_plan(&world, &wishes).count, 0);
	ck_assert(world_run(&world, &nothing));
	ck_assert(!!address_find(&world.addresses, &there));
	for (size_t i = 0; i < SYSCTLS; i++)
		ck_assert_int_eq(world.sysctls[i].value, 0);
}
END_TEST

START_TEST(value_that_somebody_changed_is_left_and_told)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct world world;
	struct rs_plan plan;
	char words[RS_TEXT];
	bool told = false;

	world_init(&world, arena);
	ck_assert(world_run(&world, &(struct rs_wishes){&vip, 1}));
	world_sysctl(&world, "net/ipv4/conf/all/arp_ignore")->value = 8;
	plan = world_plan(&world, &nothing);
	for (size_t i = 0; i < plan.count; i++)
		if (plan.steps[i].action == RS_LEAVE) {
			ck_assert(strstr(rs_step_words(&plan.steps[i], words),
					 "leave net.ipv4.conf.all.arp_ignore at 8"));
			ck_assert_str_eq(rs_step_command(&plan.steps[i], words), "");
			told = true;
		}
	ck_assert(told);
	ck_assert(world_run(&world, &nothing));
	ck_assert_int_eq(world_sysctl(&world, "net/ipv4/conf/all/arp_ignore")->value, 8);
	ck_assert_int_eq(world_sysctl(&world, "net/ipv4/conf/lo/arp_ignore")->value, 0);
	ck_assert(journal_is_empty(
		&(struct owned_set){world_journal(&world).items, world_journal(&world).count}));
}
END_TEST

START_TEST(address_that_somebody_put_back_is_theirs)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct rs_wishes wishes = {&vip, 1};
	struct address theirs = on_link(LO, "192.0.2.80/32", ADDRESS_PROTOCOL_NONE);
	struct world world;

	world_init(&world, arena);
	world_put(&world, on_link(LO, "::1/128", 1)); /* this kernel knows tags */
	ck_assert(world_run(&world, &wishes));
	ck_assert_int_eq(address_list_remove(&world.addresses, &theirs, false), 0);
	world_put(&world, theirs);
	ck_assert(world_run(&world, &nothing));
	ck_assert(!!address_find(&world.addresses, &theirs));
}
END_TEST

START_TEST(without_tags_the_journal_alone_counts)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct world world;

	world_init(&world, arena);
	ck_assert(world_run(&world, &(struct rs_wishes){&vip, 1}));
	world.addresses.items[0].protocol = ADDRESS_PROTOCOL_NONE; /* Linux before 5.18 */
	ck_assert(world_run(&world, &nothing));
	ck_assert_uint_eq(world.addresses.count, 0);
}
END_TEST

START_TEST(service_that_went_takes_its_vip_and_nothing_else)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vips[] = {dr("192.0.2.80"), dr("192.0.2.81")};
	struct world world;
	struct rs_plan plan;

	world_init(&world, arena);
	ck_assert(world_run(&world, &(struct rs_wishes){vips, 2}));
	plan = world_plan(&world, &(struct rs_wishes){vips, 1});
	ck_assert_uint_eq(plan.count, 2);
	assert_step(&plan.steps[0], RS_UNDO, OWNED_ADDRESS);
	assert_step(&plan.steps[1], RS_FORGET, OWNED_WISH);
}
END_TEST

START_TEST(steps_are_told_in_words_and_as_commands)
{
	static const char *const wanted[][2] = {
		{"raise net.ipv4.conf.all.arp_ignore from 0 to 1",
		 "sysctl -w net.ipv4.conf.all.arp_ignore=1"},
		{"raise net.ipv4.conf.lo.arp_ignore from 0 to 1",
		 "sysctl -w net.ipv4.conf.lo.arp_ignore=1"},
		{"raise net.ipv4.conf.all.arp_announce from 0 to 2",
		 "sysctl -w net.ipv4.conf.all.arp_announce=2"},
		{"raise net.ipv4.conf.lo.arp_announce from 0 to 2",
		 "sysctl -w net.ipv4.conf.lo.arp_announce=2"},
		{"add 192.0.2.80/32 to lo", "ip address add 192.0.2.80/32 dev lo scope host"},
		{"add 2001:db8::80/128 to lo", "ip address add 2001:db8::80/128 dev lo nodad"},
	};
	auto_arena *arena = arena_new(0);
	struct rs_wish vips[] = {dr("192.0.2.80"), dr("2001:db8::80")};
	char text[RS_TEXT];
	struct world world;
	struct rs_plan plan;

	world_init(&world, arena);
	plan = world_plan(&world, &(struct rs_wishes){vips, 2});
	ck_assert_uint_eq(plan.count, 2 + COUNT_OF(wanted));
	ck_assert(rs_step_is_silent(&plan.steps[0]) && rs_step_is_silent(&plan.steps[1]));
	for (size_t i = 0; i < COUNT_OF(wanted); i++) {
		ck_assert_str_eq(rs_step_words(&plan.steps[2 + i], text), wanted[i][0]);
		ck_assert_str_eq(rs_step_command(&plan.steps[2 + i], text), wanted[i][1]);
	}
	ck_assert(world_run(&world, &(struct rs_wishes){vips, 2}));
	plan = world_plan(&world, &nothing);
	ck_assert_str_eq(rs_step_command(&plan.steps[0], text),
			 "ip address delete 2001:db8::80/128 dev lo");
	ck_assert_str_eq(rs_step_words(&plan.steps[2], text),
			 "put net.ipv4.conf.lo.arp_announce back from 2 to 0");
}
END_TEST

/* ---- at random ---- */

#define VIPS 5

static struct rs_wish random_vip(unsigned number)
{
	char text[32];

	snprintf(text, sizeof(text), number == VIPS - 1 ? "2001:db8::%u" : "192.0.2.%u",
		 number + 80);
	return dr(text);
}

static void world_randomise(struct world *world)
{
	static const int64_t ignore[] = {0, 0, 0, 1, 2, 8}, announce[] = {0, 0, 1, 2};

	for (size_t i = 0; i < SYSCTLS; i++)
		world->sysctls[i].value = strstr(world->sysctls[i].path, "ignore")
						  ? ignore[rand() % 6]
						  : announce[rand() % 4];
	world_put(world, on_link(ETH0, "192.0.2.10/24", ADDRESS_PROTOCOL_NONE));
	if (rand() % 4)
		world_put(world, on_link(LO, "::1/128", 1));
	for (unsigned i = 0; i < VIPS; i++)
		if (rand() % 4 == 0) {
			struct rs_wish vip = random_vip(i);
			struct rs_desired desired = world_desired(world, &(struct rs_wishes){&vip, 1});
			struct address there = desired.vips[0].address;

			there.protocol = ADDRESS_PROTOCOL_NONE;
			world_put(world, there);
		}
}

static struct rs_wishes random_wishes(struct arena *arena)
{
	struct rs_wishes wishes = {.items = arena_array(arena, VIPS, sizeof(*wishes.items))};

	for (unsigned i = 0; i < VIPS; i++)
		if (rand() % 2)
			wishes.items[wishes.count++] = random_vip(i);
	return wishes;
}

static struct world *world_copy(struct arena *arena, const struct world *world)
{
	struct world *copy = arena_copy(arena, world, sizeof(*world));

	copy->addresses.items =
		arena_copy(arena, world->addresses.items,
			   world->addresses.count * sizeof(*world->addresses.items));
	return copy;
}

static void assert_restored(const struct world *before, struct world *after)
{
	for (size_t i = 0; i < SYSCTLS; i++)
		ck_assert_msg(before->sysctls[i].value == after->sysctls[i].value,
			      "%s: %d became %d", before->sysctls[i].path,
			      (int)before->sysctls[i].value, (int)after->sysctls[i].value);
	ck_assert_uint_eq(before->addresses.count, after->addresses.count);
	for (size_t i = 0; i < before->addresses.count; i++) {
		const struct address *there =
			address_find(&after->addresses, &before->addresses.items[i]);

		ck_assert(there && there->protocol == before->addresses.items[i].protocol);
	}
}

static void assert_in_place(struct world *world, const struct rs_wishes *wishes)
{
	struct rs_desired desired = world_desired(world, wishes);

	ck_assert_uint_eq(world_plan(world, wishes).count, 0);
	for (size_t i = 0; i < desired.vip_count; i++)
		ck_assert(!!address_find(&world->addresses, &desired.vips[i].address));
}

static unsigned seed_random(const char *what)
{
	const char *given = getenv("LBHA_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);

	printf("%s: LBHA_SEED=%u\n", what, seed);
	fflush(stdout);
	srand(seed);
	return seed;
}

START_TEST(teardown_restores_after_setup_was_cut_at_any_moment)
{
	seed_random("cut once");
	for (int round = 0; round < 150; round++) {
		auto_arena *world_arena = arena_new(0);
		struct world *world = arena_alloc(world_arena, sizeof(*world)), *before;
		struct rs_wishes wishes;
		bool finished = false;

		world_init(world, world_arena);
		world_randomise(world);
		before = world_copy(world_arena, world);
		wishes = random_wishes(world_arena);
		for (long cut = 0; !finished; cut++) {
			auto_arena *arena = arena_new(0);
			struct world *one = world_copy(arena, before);

			one->arena = arena;
			one->budget = cut;
			finished = world_run(one, &wishes);
			one->budget = 1000000;
			if (finished)
				assert_in_place(one, &wishes);
			ck_assert(world_run(one, &nothing));
			assert_restored(before, one);
			ck_assert_uint_eq(world_plan(one, &nothing).count, 0);
		}
	}
}
END_TEST

START_TEST(any_runs_cut_anywhere_then_teardown_restores)
{
	seed_random("many cuts");
	for (int round = 0; round < 4000; round++) {
		auto_arena *arena = arena_new(0);
		struct world *world = arena_alloc(arena, sizeof(*world)), *before;

		world_init(world, arena);
		world_randomise(world);
		before = world_copy(arena, world);
		for (int runs = rand() % 8; runs > 0; runs--) {
			struct rs_wishes wishes = random_wishes(arena);
			bool whole = rand() % 3 == 0;

			world->budget = whole ? 1000000 : rand() % 24;
			if (world_run(world, rand() % 3 ? &wishes : &nothing) && whole)
				world->budget = 1000000;
		}
		world->budget = 1000000;
		if (rand() % 2) {
			struct rs_wishes wishes = random_wishes(arena);

			ck_assert(world_run(world, &wishes));
			assert_in_place(world, &wishes);
		}
		ck_assert(world_run(world, &nothing));
		assert_restored(before, world);
		ck_assert_uint_eq(world_plan(world, &nothing).count, 0);
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
		size_t changed = (size_t)rand() % SYSCTLS;

		world_init(world, arena);
		world_randomise(world);
		before = world_copy(arena, world);
		ck_assert(world_run(world, &wishes));
		world->sysctls[changed].value = 77;
		before->sysctls[changed].value = 77;
		ck_assert(world_run(world, &nothing));
		assert_restored(before, world);
	}
}
END_TEST

/* ---- remarks ---- */

static size_t fatal_remarks(struct world *world, const struct rs_wishes *wishes)
{
	struct rs_desired desired = world_desired(world, wishes);
	struct rs_actual actual = world_actual(world);
	struct rs_remarks remarks;
	size_t fatal = 0;

	ck_assert_int_eq(rs_remarks_build(world->arena, &desired, &actual, &(struct owned_set){0}, &remarks), 0);
	for (size_t i = 0; i < remarks.count; i++)
		fatal += remarks.items[i].fatal;
	return fatal;
}

START_TEST(interface_whose_own_value_overrules_all_is_told)
{
	static const bool ignore_bad[] = {false, false, false, false, true,
					  true,  true,  true,  false, true};
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct rs_wishes wishes = {&vip, 1};
	struct world world;

	world_init(&world, arena);
	for (int i = 0; i < 10; i++) {
		world_sysctl(&world, "net/ipv4/conf/eth0/arp_ignore")->value = i;
		ck_assert_msg(fatal_remarks(&world, &wishes) == ignore_bad[i], "arp_ignore %d", i);
	}
	world_sysctl(&world, "net/ipv4/conf/eth0/arp_ignore")->value = 0;
	for (int i = 0; i < 5; i++) {
		world_sysctl(&world, "net/ipv4/conf/all/arp_announce")->value = i;
		ck_assert_msg(fatal_remarks(&world, &wishes) == (i > 2), "arp_announce %d", i);
	}
}
END_TEST

START_TEST(arp_ignore_3_hides_only_addresses_of_scope_host)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct rs_wishes wishes = {&vip, 1};
	struct world world;

	world_init(&world, arena);
	world_sysctl(&world, "net/ipv4/conf/eth0/arp_ignore")->value = 3;
	ck_assert_uint_eq(fatal_remarks(&world, &wishes), 0);
	world_put(&world, on_link(LO, "192.0.2.80/32", ADDRESS_PROTOCOL_NONE));
	ck_assert_uint_eq(fatal_remarks(&world, &wishes), 1);
}
END_TEST

START_TEST(vip_on_another_interface_is_told)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct rs_wishes wishes = {&vip, 1};
	struct rs_desired desired;
	struct rs_remarks remarks;
	struct rs_actual actual;
	struct world world;

	world_init(&world, arena);
	world_put(&world, on_link(ETH0, "192.0.2.80/24", ADDRESS_PROTOCOL_NONE));
	actual = world_actual(&world);
	desired = world_desired(&world, &wishes);
	ck_assert_int_eq(rs_remarks_build(arena, &desired, &actual, &(struct owned_set){0}, &remarks), 0);
	ck_assert_uint_eq(remarks.count, 1);
	ck_assert(!remarks.items[0].fatal &&
		  strstr(remarks.items[0].text, "192.0.2.80 is on eth0 too"));
}
END_TEST

static enum rs_standing standing(struct world *world, const struct rs_wishes *wishes)
{
	struct rs_desired desired = world_desired(world, wishes);
	struct rs_actual actual = world_actual(world);
	struct owned_set journal = world_journal(world);
	struct rs_plan plan = world_plan(world, wishes);
	struct rs_remarks remarks;

	ck_assert_int_eq(rs_remarks_build(world->arena, &desired, &actual, &(struct owned_set){0}, &remarks), 0);
	return rs_standing(&desired, &actual, &journal, &plan, &remarks);
}

START_TEST(standing_goes_from_not_through_partly_to_in_place)
{
	auto_arena *arena = arena_new(0);
	struct rs_wish vip = dr("192.0.2.80");
	struct rs_wishes wishes = {&vip, 1};
	struct world world;

	world_init(&world, arena);
	ck_assert_int_eq(standing(&world, &wishes), RS_NOT_SET_UP);
	world.budget = 6;
	ck_assert(!world_run(&world, &wishes));
	world.budget = 1000000;
	ck_assert_int_eq(standing(&world, &wishes), RS_PARTLY);
	ck_assert(world_run(&world, &wishes));
	ck_assert_int_eq(standing(&world, &wishes), RS_IN_PLACE);
	ck_assert_int_eq(standing(&world, &nothing), RS_PARTLY); /* no longer wanted, still there */
	world_sysctl(&world, "net/ipv4/conf/eth0/arp_ignore")->value = 5;
	ck_assert_int_eq(standing(&world, &wishes), RS_PARTLY);
	ck_assert(world_run(&world, &nothing));
	ck_assert_int_eq(standing(&world, &wishes), RS_NOT_SET_UP);
}
END_TEST

/* ---- the journal's head ---- */

START_TEST(journal_of_another_boot_or_namespace_is_recognised)
{
	auto_arena *arena = arena_new(0);
	struct journal_place here = {"6c0a-1", 4026531840}, boot = {"7d0b-2", 4026531840},
			     netns = {"6c0a-1", 99};
	struct owned records[] = {{.kind = OWNED_OTHER, .line = "what is this"},
				  {.kind = OWNED_OTHER}};
	struct owned_set set = {records, 2};

	records[1].line = journal_head(arena, &here);
	ck_assert_int_eq(journal_judge(&set, &here), JOURNAL_CURRENT);
	ck_assert_int_eq(journal_judge(&set, &boot), JOURNAL_OTHER_BOOT);
	ck_assert_int_eq(journal_judge(&set, &netns), JOURNAL_OTHER_NETNS);
	ck_assert(journal_is_empty(&set));
	set.count = 1;
	ck_assert_int_eq(journal_judge(&set, &here), JOURNAL_UNREADABLE);
	set.count = 0;
	ck_assert_int_eq(journal_judge(&set, &here), JOURNAL_NONE);
	records[0].line = "boot x netns 1x";
	set.count = 1;
	ck_assert_int_eq(journal_judge(&set, &here), JOURNAL_UNREADABLE);
}
END_TEST

int main(void)
{
	return SUITE_RUN("lbha-rs",
			 CASE("desired", vips_are_those_of_the_services_we_serve_by_dr,
			      loopback_address_makes_nobody_a_real_server,
			      ipv6_vips_need_no_sysctl, wishes_are_written_down_and_read_back,
			      scope_of_one_service_or_vip_leaves_the_others),
			 CASE("plan", setup_silences_before_it_adds_and_teardown_goes_backwards,
			      higher_values_are_kept, vip_that_was_there_before_is_used_and_stays,
			      value_that_somebody_changed_is_left_and_told,
			      address_that_somebody_put_back_is_theirs,
			      without_tags_the_journal_alone_counts,
			      service_that_went_takes_its_vip_and_nothing_else,
			      steps_are_told_in_words_and_as_commands),
			 CASE("property", teardown_restores_after_setup_was_cut_at_any_moment,
			      any_runs_cut_anywhere_then_teardown_restores,
			      teardown_leaves_what_others_changed_and_restores_the_rest),
			 CASE("remark", interface_whose_own_value_overrules_all_is_told,
			      arp_ignore_3_hides_only_addresses_of_scope_host,
			      vip_on_another_interface_is_told,
			      standing_goes_from_not_through_partly_to_in_place),
			 CASE("journal", journal_of_another_boot_or_namespace_is_recognised), NULL);
}
