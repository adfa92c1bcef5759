/* net/address: the plan against a model of the kernel, by hand and at random. */
#include <errno.h>
#include <linux/if_addr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/arena.h"
#include "net/address.h"
#include "suite.h"

static struct address ours(uint32_t link, const char *text)
{
	struct prefix prefix;

	ck_assert_int_eq(prefix_parse(text, &prefix), 0);
	return address_ours(link, &prefix);
}

static struct address foreign(uint32_t link, const char *text)
{
	struct address address = ours(link, text);

	address.protocol = ADDRESS_PROTOCOL_NONE;
	snprintf(address.label, sizeof(address.label), "foreign");
	return address;
}

static void list_put(struct arena *arena, struct address_list *list, struct address address)
{
	ck_assert_int_eq(address_list_add(arena, list, &address), 0);
}

/* ---- the model ---- */

START_TEST(second_address_of_a_subnet_is_secondary)
{
	auto_arena *arena = arena_new(0);
	struct address_list list = {0};

	list_put(arena, &list, foreign(2, "192.168.8.10/24"));
	list_put(arena, &list, ours(2, "192.168.8.200/24"));
	list_put(arena, &list, ours(2, "192.168.8.201/32"));
	list_put(arena, &list, ours(3, "192.168.8.202/24"));
	list_put(arena, &list, ours(2, "2001:db8::1/64"));
	list_put(arena, &list, ours(2, "2001:db8::2/64"));
	for (size_t i = 0; i < list.count; i++) {
		struct address vip = ours(2, "192.168.8.200/24");

		ck_assert_int_eq(!!(list.items[i].flags & IFA_F_SECONDARY),
				 address_same(&list.items[i], &vip));
	}
}
END_TEST

START_TEST(an_address_is_there_whatever_its_link_and_prefix_length)
{
	auto_arena *arena = arena_new(0);
	struct address_list list = {0};
	struct addr there = ours(0, "192.168.8.200/32").prefix.address,
		    network = ours(0, "192.168.8.0/24").prefix.address;

	ck_assert(!address_list_has(&list, &there));
	list_put(arena, &list, foreign(2, "2001:db8::1/64"));
	list_put(arena, &list, foreign(3, "192.168.8.200/24"));
	ck_assert(address_list_has(&list, &there));
	ck_assert(!address_list_has(&list, &network));
}
END_TEST

START_TEST(primary_takes_its_secondaries_along)
{
	auto_arena *arena = arena_new(0);
	struct address_list list = {0};
	struct address first = foreign(2, "192.168.8.10/24");

	list_put(arena, &list, first);
	list_put(arena, &list, ours(2, "192.168.8.200/24"));
	list_put(arena, &list, ours(2, "192.168.8.201/32"));
	ck_assert_int_eq(address_list_remove(&list, &first, false), 0);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_uint_eq(list.items[0].prefix.length, 32);
}
END_TEST

START_TEST(promotion_keeps_the_secondaries)
{
	auto_arena *arena = arena_new(0);
	struct address_list list = {0};
	struct address first = foreign(2, "192.168.8.10/24");

	list_put(arena, &list, first);
	list_put(arena, &list, ours(2, "192.168.8.200/24"));
	list_put(arena, &list, ours(2, "192.168.8.201/24"));
	ck_assert_int_eq(address_list_remove(&list, &first, true), 0);
	ck_assert_uint_eq(list.count, 2);
	ck_assert(!(list.items[0].flags & IFA_F_SECONDARY) &&
		  (list.items[1].flags & IFA_F_SECONDARY));
}
END_TEST

/* ---- plans by hand ---- */

static struct address_list list_of(struct address *items, size_t count)
{
	return (struct address_list){.items = items, .count = count};
}

static struct address_plan plan_of(struct arena *arena, const struct address_list *desired,
				   const struct address_list *owned,
				   const struct address_list *actual)
{
	struct address_plan plan;

	ck_assert_int_eq(address_plan_build(arena, desired, owned, actual, NULL, 0, &plan), 0);
	return plan;
}

START_TEST(wanted_address_that_is_there_is_adopted)
{
	auto_arena *arena = arena_new(0);
	struct address there = foreign(2, "192.168.8.200/32"), vip = ours(2, "192.168.8.200/32");
	struct address_list none = {0}, actual = list_of(&there, 1), desired = list_of(&vip, 1);
	struct address_plan plan = plan_of(arena, &desired, &none, &actual);

	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.ops[0].action, ADDRESS_ADOPT);
	ck_assert_str_eq(plan.ops[0].address.label, "foreign");
}
END_TEST

START_TEST(nothing_to_do_gives_an_empty_plan)
{
	auto_arena *arena = arena_new(0);
	struct address vip = ours(2, "192.168.8.200/32"), base = foreign(2, "192.168.8.10/24");
	struct address both[] = {base, vip};
	struct address_list desired = list_of(&vip, 1), actual = list_of(both, 2);

	ck_assert_uint_eq(plan_of(arena, &desired, &desired, &actual).count, 0);
}
END_TEST

START_TEST(foreign_address_is_never_removed)
{
	auto_arena *arena = arena_new(0);
	struct address tagged = ours(2, "192.168.8.200/32");
	struct address_list none = {0}, actual = list_of(&tagged, 1);

	/* even with our tag: another lbhad may have put it there */
	ck_assert_uint_eq(plan_of(arena, &none, &none, &actual).count, 0);
}
END_TEST

START_TEST(vip_that_became_primary_gives_back_what_it_takes_along)
{
	auto_arena *arena = arena_new(0);
	struct address vip = ours(2, "192.168.8.200/24");
	struct address_list none = {0}, owned = list_of(&vip, 1), actual = {0};
	struct address_plan plan;

	list_put(arena, &actual, vip);
	list_put(arena, &actual, foreign(2, "192.168.8.10/24")); /* DHCP was late */
	plan = plan_of(arena, &none, &owned, &actual);
	ck_assert_uint_eq(plan.count, 2);
	ck_assert_int_eq(plan.ops[0].action, ADDRESS_REMOVE);
	ck_assert_int_eq(plan.ops[1].action, ADDRESS_RESTORE);
	ck_assert_str_eq(plan.ops[1].address.label, "foreign");
}
END_TEST

START_TEST(promoting_link_needs_no_restore)
{
	auto_arena *arena = arena_new(0);
	struct address vip = ours(2, "192.168.8.200/24");
	struct address_list none = {0}, owned = list_of(&vip, 1), actual = {0};
	struct address_plan plan;
	uint32_t promoting = 2;

	list_put(arena, &actual, vip);
	list_put(arena, &actual, foreign(2, "192.168.8.10/24"));
	ck_assert_int_eq(address_plan_build(arena, &none, &owned, &actual, &promoting, 1, &plan),
			 0);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.ops[0].action, ADDRESS_REMOVE);
}
END_TEST

START_TEST(owned_address_that_vanished_is_forgotten_or_added_again)
{
	auto_arena *arena = arena_new(0);
	struct address vips[] = {ours(2, "192.168.8.200/32"), ours(2, "192.168.8.201/32")};
	struct address_list owned = list_of(vips, 2), desired = list_of(vips, 1), none = {0};
	struct address_plan plan = plan_of(arena, &desired, &owned, &none);

	ck_assert_uint_eq(plan.count, 2);
	ck_assert_int_eq(plan.ops[0].action, ADDRESS_ADD);
	ck_assert_int_eq(plan.ops[1].action, ADDRESS_FORGET);
}
END_TEST

/* ---- attributes ---- */

/* The one operation that makes `there`, ours, into `wanted`, and the one after it. */
static struct address_plan change_plan(struct arena *arena, struct address *there,
				       struct address *wanted)
{
	struct address_list actual = list_of(there, 1), desired = list_of(wanted, 1);

	return plan_of(arena, &desired, &actual, &actual);
}

START_TEST(lifetimes_and_an_ipv6_flag_change_in_place)
{
	auto_arena *arena = arena_new(0);
	struct address four = ours(2, "192.168.8.200/32"), six = ours(2, "2001:db8::1/128");
	struct address wanted = four;
	struct address_plan plan;

	wanted.preferred = 0;
	plan = change_plan(arena, &four, &wanted);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.ops[0].action, ADDRESS_CHANGE);
	ck_assert_uint_eq(plan.ops[0].address.preferred, 0);
	wanted = six;
	wanted.flags |= IFA_F_NOPREFIXROUTE;
	plan = change_plan(arena, &six, &wanted);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.ops[0].action, ADDRESS_CHANGE);
}
END_TEST

START_TEST(anything_else_is_put_in_anew)
{
	auto_arena *arena = arena_new(0);
	struct address there = ours(2, "192.168.8.200/32"), six = ours(2, "2001:db8::1/128");
	struct address wanted[4] = {there, there, there, ours(2, "2001:db8::1/64")};

	snprintf(wanted[0].label, sizeof(wanted[0].label), "eth0:1");
	wanted[1].scope = ADDRESS_SCOPE_LINK;
	wanted[2].flags |= IFA_F_NOPREFIXROUTE;
	for (size_t i = 0; i < COUNT_OF(wanted); i++) {
		struct address *old = i < 3 ? &there : &six;
		struct address_plan plan = change_plan(arena, old, &wanted[i]);

		ck_assert_uint_eq(plan.count, 2);
		ck_assert_int_eq(plan.ops[0].action, ADDRESS_LIFT);
		ck_assert_uint_eq(plan.ops[0].address.prefix.length, old->prefix.length);
		ck_assert_int_eq(plan.ops[1].action, ADDRESS_ADD);
		ck_assert_mem_eq(&plan.ops[1].address, &wanted[i], sizeof(wanted[i]));
	}
}
END_TEST

START_TEST(new_label_of_a_primary_gives_back_what_it_takes_along)
{
	auto_arena *arena = arena_new(0);
	struct address vip = ours(2, "192.168.8.200/24"), wanted = vip;
	struct address_list owned = list_of(&vip, 1), desired = list_of(&wanted, 1), actual = {0};
	struct address_plan plan;

	snprintf(wanted.label, sizeof(wanted.label), "eth0:1");
	list_put(arena, &actual, vip);
	list_put(arena, &actual, foreign(2, "192.168.8.10/24"));
	plan = plan_of(arena, &desired, &owned, &actual);
	ck_assert_uint_eq(plan.count, 3);
	ck_assert_int_eq(plan.ops[0].action, ADDRESS_LIFT);
	ck_assert_int_eq(plan.ops[1].action, ADDRESS_RESTORE);
	ck_assert_int_eq(plan.ops[2].action, ADDRESS_ADD);
}
END_TEST

START_TEST(adopted_address_keeps_the_attributes_it_came_with)
{
	auto_arena *arena = arena_new(0);
	struct address there = foreign(2, "2001:db8::1/64"), wanted = ours(2, "2001:db8::1/128");
	struct address_list actual = list_of(&there, 1), desired = list_of(&wanted, 1);
	struct address_list none = {0};
	struct address_plan plan = plan_of(arena, &desired, &none, &actual);

	wanted.preferred = 0;
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.ops[0].action, ADDRESS_ADOPT);
	ck_assert_uint_eq(plan.ops[0].address.prefix.length, 64);
	ck_assert_uint_eq(plan_of(arena, &desired, &actual, &actual).count, 0);
}
END_TEST

START_TEST(address_that_failed_duplicate_detection_is_put_in_anew)
{
	auto_arena *arena = arena_new(0);
	struct address there = foreign(2, "2001:db8::1/128"), wanted = ours(2, "2001:db8::1/128");
	struct address_list actual = list_of(&there, 1), desired = list_of(&wanted, 1);
	struct address_list none = {0};
	struct address_plan plan;

	there.flags = IFA_F_TENTATIVE | IFA_F_DADFAILED;
	plan = plan_of(arena, &desired, &none, &actual);
	ck_assert_uint_eq(plan.count, 2);
	ck_assert_int_eq(plan.ops[0].action, ADDRESS_LIFT);
	ck_assert_int_eq(plan.ops[1].action, ADDRESS_ADD);
	ck_assert(plan.ops[1].address.flags & IFA_F_NODAD);
	there.flags = IFA_F_TENTATIVE | IFA_F_OPTIMISTIC; /* works already */
	ck_assert_int_eq(plan_of(arena, &desired, &none, &actual).ops[0].action, ADDRESS_ADOPT);
}
END_TEST

START_TEST(ipv6_address_is_one_whatever_its_prefix_length)
{
	auto_arena *arena = arena_new(0);
	struct address host = ours(2, "2001:db8::1/128"), net = ours(2, "2001:db8::1/64");
	struct address four = ours(2, "192.168.8.200/32"), four_net = ours(2, "192.168.8.200/24");
	struct address_list list = {0};

	ck_assert(address_same(&host, &net) && !address_same(&four, &four_net));
	list_put(arena, &list, host);
	ck_assert_int_eq(address_list_add(arena, &list, &net), -EEXIST);
	list_put(arena, &list, four);
	list_put(arena, &list, four_net);
}
END_TEST

/* ---- plans at random ---- */

#define LINKS 3

static struct address random_address(void)
{
	static const uint8_t lengths[] = {32, 32, 24, 24, 24, 16, 31};
	static const uint8_t lengths6[] = {128, 64};
	uint32_t link = 1 + (uint32_t)rand() % LINKS;
	struct prefix prefix;

	if (rand() % 6 == 0) {
		addr_parse("2001:db8::", &prefix.address);
		prefix.address.bytes[15] = (uint8_t)(rand() % 8);
		prefix.length = lengths6[rand() % 2];
	} else {
		prefix.address = addr_from_ipv4(0x0a000000 | ((uint32_t)rand() % 3) << 8 |
						(uint32_t)rand() % 6);
		prefix.length = lengths[(size_t)rand() % COUNT_OF(lengths)];
	}
	return address_ours(link, &prefix);
}

/* Scopes stay as they are: the kernel refuses another one beside a sibling's. */
static void random_attributes(struct address *address)
{
	bool ipv6 = address->prefix.address.family == AF_INET6;

	address->flags = ipv6 ? IFA_F_NODAD : 0;
	if (rand() % 2)
		address->flags |= IFA_F_NOPREFIXROUTE;
	address->preferred = rand() % 2 ? 0 : ADDRESS_FOREVER;
	address->label[0] = '\0';
	if (!ipv6)
		snprintf(address->label, sizeof(address->label), "eth0:%d", rand() % 2);
}

struct world {
	struct address_list actual, owned, desired;
	bool promotes[LINKS + 1];
	uint32_t promoting[LINKS];
	size_t promoting_count;
};

static void list_drop(struct address_list *list, const struct address *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (address_same(&list->items[i], address)) {
			list->items[i] = list->items[--list->count];
			return;
		}
}

static void list_keep(struct arena *arena, struct address_list *list, const struct address *address)
{
	if (!address_find(list, address))
		*(struct address *)arena_push(arena, &list->items, &list->count,
					      sizeof(*list->items)) = *address;
}

static struct world world_random(struct arena *arena)
{
	struct world world = {0};

	for (uint32_t link = 1; link <= LINKS; link++) {
		world.promotes[link] = rand() % 3 == 0;
		if (world.promotes[link])
			world.promoting[world.promoting_count++] = link;
	}
	for (int i = rand() % 25; i > 0; i--) {
		struct address address = random_address();

		random_attributes(&address);
		if (rand() % 2)
			address.protocol = ADDRESS_PROTOCOL_NONE;
		if (address.prefix.address.family == AF_INET6 && rand() % 4 == 0)
			address.flags |= IFA_F_TENTATIVE | IFA_F_DADFAILED;
		if (!address_list_add(arena, &world.actual, &address) && rand() % 2)
			list_keep(arena, &world.owned, &address);
	}
	for (int i = rand() % 4; i > 0; i--) {
		struct address stale = random_address();

		list_keep(arena, &world.owned, &stale);
	}
	for (int i = rand() % 12; i > 0; i--) {
		struct address wanted = random_address();

		if (world.actual.count && rand() % 2)
			wanted = world.actual.items[(size_t)rand() % world.actual.count];
		random_attributes(&wanted);
		wanted.protocol = ADDRESS_PROTOCOL_LBHA;
		list_keep(arena, &world.desired, &wanted);
	}
	return world;
}

/* What the kernel and the owned file make of one operation. */
static void world_apply(struct arena *arena, struct world *world, const struct address_op *op)
{
	const struct address *address = &op->address;

	switch (op->action) {
	case ADDRESS_ADD:
		ck_assert(!!address_find(&world->desired, address));
		list_keep(arena, &world->owned, address);
		ck_assert_int_eq(address_list_add(arena, &world->actual, address), 0);
		return;
	case ADDRESS_ADOPT:
		ck_assert(!!address_find(&world->actual, address));
		list_keep(arena, &world->owned, address);
		return;
	case ADDRESS_CHANGE:
		ck_assert(!!address_find(&world->owned, address));
		ck_assert_int_eq(address_difference(address_find(&world->actual, address), address),
				 ADDRESS_IN_PLACE);
		ck_assert_int_eq(address_list_change(&world->actual, address), 0);
		return;
	case ADDRESS_LIFT:
		ck_assert(!!address_find(&world->desired, address));
		ck_assert(address->protocol == ADDRESS_PROTOCOL_LBHA || address_is_dead(address));
		ck_assert_int_eq(address_list_remove(&world->actual, address,
						     world->promotes[address->link]),
				 0);
		return;
	case ADDRESS_REMOVE:
		ck_assert(!!address_find(&world->owned, address));
		ck_assert_int_eq(address_list_remove(&world->actual, address,
						     world->promotes[address->link]),
				 0);
		list_drop(&world->owned, address);
		return;
	case ADDRESS_FORGET:
		ck_assert(!address_find(&world->actual, address));
		list_drop(&world->owned, address);
		return;
	case ADDRESS_RESTORE:
		ck_assert_int_eq(address_list_add(arena, &world->actual, address), 0);
		return;
	}
}

static bool attributes_equal(const struct address *a, const struct address *b)
{
	const uint32_t kept = IFA_F_NOPREFIXROUTE | IFA_F_DADFAILED;

	return a->protocol == b->protocol && a->scope == b->scope && a->valid == b->valid &&
	       a->preferred == b->preferred && a->prefix.length == b->prefix.length &&
	       !((a->flags ^ b->flags) & kept) && !strcmp(a->label, b->label);
}

/* Only what is ours, or dead, is changed; then it is as it is wanted. */
static void check_desired(const struct world *before, const struct world *after,
			  const struct address *wanted)
{
	const struct address *old = address_find(&before->actual, wanted),
			     *now = address_find(&after->actual, wanted);
	bool ours = old && old->protocol == ADDRESS_PROTOCOL_LBHA;

	ck_assert(now && address_find(&after->owned, wanted));
	if (!old || ours || address_is_dead(old))
		ck_assert_int_eq(address_difference(now, wanted), ADDRESS_ALIKE);
	else
		ck_assert(attributes_equal(old, now));
}

static void world_check(const struct world *before, const struct world *after)
{
	for (size_t i = 0; i < after->desired.count; i++)
		check_desired(before, after, &after->desired.items[i]);
	for (size_t i = 0; i < after->owned.count; i++)
		ck_assert(!!address_find(&after->desired, &after->owned.items[i]));
	for (size_t i = 0; i < before->actual.count; i++) {
		const struct address *old = &before->actual.items[i],
				     *now = address_find(&after->actual, old);
		bool goes =
			address_find(&before->owned, old) && !address_find(&before->desired, old);

		if (!address_find(&before->desired, old))
			ck_assert(goes ? !now : now && attributes_equal(old, now));
	}
	for (size_t i = 0; i < after->actual.count; i++)
		ck_assert(address_find(&before->actual, &after->actual.items[i]) ||
			  address_find(&after->desired, &after->actual.items[i]));
}

static struct address_list list_copy(struct arena *arena, const struct address_list *list)
{
	return list_of(arena_copy(arena, list->items, list->count * sizeof(*list->items)),
		       list->count);
}

START_TEST(apply_of_the_plan_gives_what_is_desired)
{
	const char *given = getenv("LBHA_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);

	printf("address plan: LBHA_SEED=%u\n", seed);
	fflush(stdout);
	srand(seed);
	for (int round = 0; round < 20000; round++) {
		auto_arena *arena = arena_new(0);
		struct world world = world_random(arena), before = world;
		struct address_plan plan;

		before.actual = list_copy(arena, &world.actual);
		before.owned = list_copy(arena, &world.owned);
		ck_assert_int_eq(address_plan_build(arena, &world.desired, &before.owned,
						    &before.actual, world.promoting,
						    world.promoting_count, &plan),
				 0);
		for (size_t i = 0; i < plan.count; i++)
			world_apply(arena, &world, &plan.ops[i]);
		world_check(&before, &world);
		ck_assert_int_eq(address_plan_build(arena, &world.desired, &world.owned,
						    &world.actual, world.promoting,
						    world.promoting_count, &plan),
				 0);
		ck_assert_uint_eq(plan.count, 0);
	}
}
END_TEST

START_TEST(plan_for_thousands_of_addresses_is_quick)
{
	enum { VIPS = 4000 };
	auto_arena *arena = arena_new(0);
	struct address_list desired = {.items = arena_array(arena, VIPS, sizeof(struct address)),
				       .count = VIPS};
	struct address_list none = {0};
	struct address_plan plan;
	clock_t start;

	for (uint32_t i = 0; i < VIPS; i++) {
		struct prefix vip = {.address = addr_from_ipv4(0x0a000000 + i),
				     .length = i % 2 ? 16 : 32};

		desired.items[i] = address_ours(2, &vip);
	}
	start = clock();
	plan = plan_of(arena, &desired, &none, &none);
	ck_assert_uint_eq(plan.count, VIPS);
	plan = plan_of(arena, &none, &desired, &desired);
	ck_assert_uint_eq(plan.count, VIPS);
	/* n log n takes about 10 ms; n² would take seconds */
	ck_assert_int_lt((clock() - start) * 1000 / CLOCKS_PER_SEC, 1000);
}
END_TEST

int main(void)
{
	return SUITE_RUN("net/address",
			 CASE("model", second_address_of_a_subnet_is_secondary,
			      an_address_is_there_whatever_its_link_and_prefix_length,
			      primary_takes_its_secondaries_along, promotion_keeps_the_secondaries),
			 CASE("plan", wanted_address_that_is_there_is_adopted,
			      nothing_to_do_gives_an_empty_plan, foreign_address_is_never_removed,
			      vip_that_became_primary_gives_back_what_it_takes_along,
			      promoting_link_needs_no_restore,
			      owned_address_that_vanished_is_forgotten_or_added_again),
			 CASE("attributes", lifetimes_and_an_ipv6_flag_change_in_place,
			      anything_else_is_put_in_anew,
			      new_label_of_a_primary_gives_back_what_it_takes_along,
			      adopted_address_keeps_the_attributes_it_came_with,
			      address_that_failed_duplicate_detection_is_put_in_anew,
			      ipv6_address_is_one_whatever_its_prefix_length),
			 CASE("property", apply_of_the_plan_gives_what_is_desired,
			      plan_for_thousands_of_addresses_is_quick),
			 NULL);
}
