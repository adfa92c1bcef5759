/* Random wanted and actual tables against a fake kernel. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/ip_vs.h>

#include "base/arena.h"
#include "fake_ipvs.h"
#include "ipvs/plan.h"
#include "random.h"
#include "test_ipvs.h"

#define ROUNDS 3000
#define KEYS 10
#define SERVERS 7

static struct ipvs_service_key service_key(unsigned i)
{
	struct ipvs_service_key key = {.protocol = i % 2 ? IPPROTO_TCP : IPPROTO_UDP,
				       .port = (uint16_t)(80 + i / 4)};

	if (i % 5 == 4)
		return (struct ipvs_service_key){.fwmark = i, .address.family = AF_INET};
	key.address = addr_from_ipv4(0xc0a80800 + i / 2);
	if (i % 3 == 2)
		addr_parse(i < 5 ? "2001:db8::1" : "2001:db8::2", &key.address);
	return key;
}

static struct ipvs_service_attr service_attr(void)
{
	static const char *const schedulers[] = {"rr", "wlc", "sh"};
	struct ipvs_service_attr attr = {.netmask = random_below(3) ? UINT32_MAX : 0xffffff00,
					 .timeout = 60 + 60 * random_below(2)};

	attr.flags |= random_below(2) ? IP_VS_SVC_F_PERSISTENT : 0;
	attr.flags |= random_below(3) ? 0 : IP_VS_SVC_F_SCHED1;
	attr.flags |= random_below(3) ? 0 : IP_VS_SVC_F_SCHED2;
	attr.flags |= random_below(3) ? 0 : IP_VS_SVC_F_ONEPACKET;
	if (!random_below(3))
		strcpy(attr.engine, "sip");
	strcpy(attr.scheduler, schedulers[random_below(3)]);
	return attr;
}

static void random_service(struct arena *arena, struct ipvs_service *out, unsigned key)
{
	*out = (struct ipvs_service){.key = service_key(key), .attr = service_attr()};
	out->dests = arena_array(arena, SERVERS, sizeof(*out->dests));
	for (unsigned i = 0; i < SERVERS; i++) {
		if (random_below(2))
			continue;
		out->dests[out->dest_count++] = (struct ipvs_dest){
			.key = {.address = addr_from_ipv4(0x0a000001 + i),
				.port = (uint16_t)(80 + i % 2)},
			.attr = {.weight = random_below(3),
				 .upper_threshold = 10 * random_below(3),
				 .lower_threshold = 5 * random_below(2),
				 .forwarding =
					 random_below(2) ? IPVS_FORWARD_DR : IPVS_FORWARD_NAT}};
	}
}

static struct ipvs_table random_table(struct arena *arena)
{
	struct ipvs_table table = {.services = arena_array(arena, KEYS, sizeof(*table.services))};

	for (unsigned i = 0; i < KEYS; i++)
		if (random_below(2))
			random_service(arena, &table.services[table.count++], i);
	ipvs_table_sort(&table);
	return table;
}

/* All that is wanted is owned, and some of the rest. */
static struct ipvs_keys random_owned(struct arena *arena, const struct ipvs_table *desired)
{
	struct ipvs_keys owned = {.keys = arena_array(arena, KEYS, sizeof(*owned.keys))};
	struct ipvs_table all = {.services = arena_array(arena, KEYS, sizeof(*all.services))};

	for (unsigned i = 0; i < KEYS; i++) {
		struct ipvs_service_key key = service_key(i);

		if (ipvs_table_find(desired, &key) || random_below(2))
			all.services[all.count++].key = key;
	}
	ipvs_table_sort(&all);
	for (size_t i = 0; i < all.count; i++)
		owned.keys[owned.count++] = all.services[i].key;
	return owned;
}

/* What the kernel should end with: what is wanted, and what is neither wanted nor ours. */
static struct ipvs_table expected(struct arena *arena, const struct ipvs_table *desired,
				  const struct ipvs_table *actual, const struct ipvs_keys *owned)
{
	struct ipvs_table table = {.services =
					   arena_array(arena, 2 * KEYS, sizeof(*table.services))};

	for (size_t i = 0; i < desired->count; i++)
		table.services[table.count++] = desired->services[i];
	for (size_t i = 0; i < actual->count; i++)
		if (!ipvs_table_find(desired, &actual->services[i].key) &&
		    !ipvs_keys_have(owned, &actual->services[i].key))
			table.services[table.count++] = actual->services[i];
	ipvs_table_sort(&table);
	return table;
}

static unsigned usable(const struct ipvs_service *service)
{
	unsigned count = 0;

	for (size_t i = 0; i < service->dest_count; i++)
		count += service->dests[i].attr.weight > 0;
	return count;
}

/* No service that has servers before and after is without them now; nor without usable ones. */
static void check_never_empty(const struct ipvs_table *before, const struct ipvs_table *after,
			      const struct ipvs_table *now)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct ipvs_service *was = &before->services[i];
		const struct ipvs_service *becomes = ipvs_table_find(after, &was->key);
		const struct ipvs_service *is = ipvs_table_find(now, &was->key);

		if (!becomes)
			continue;
		ck_assert_ptr_nonnull(is);
		ck_assert(is->dest_count || !was->dest_count || !becomes->dest_count);
		ck_assert(usable(is) || !usable(was) || !usable(becomes));
	}
}

/* Nothing is deleted and added: that would cut connections. */
static void check_no_replacement(const struct ipvs_plan *plan)
{
	for (size_t d = plan->removals; d < plan->count; d++)
		for (size_t a = 0; a < plan->removals; a++) {
			const struct ipvs_op *gone = &plan->ops[d], *new = &plan->ops[a];

			if (ipvs_service_key_compare(&gone->service, &new->service))
				continue;
			ck_assert(gone->kind != IPVS_DEL_SERVICE);
			ck_assert(new->kind != IPVS_ADD_SERVICE);
			ck_assert(new->kind < IPVS_ADD_DEST ||
				  ipvs_dest_key_compare(&gone->dest, &new->dest));
		}
}

static struct fake_ipvs kernel;

START_TEST(a_plan_makes_the_actual_table_the_wanted_one_and_a_second_plan_is_empty)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		auto_arena *arena = arena_new(0);
		struct ipvs_table desired = random_table(arena), actual = random_table(arena), goal;
		struct ipvs_keys owned = random_owned(arena, &desired);
		struct ipvs_plan plan, again;

		ck_assert_int_eq(ipvs_plan_build(arena, &desired, &actual, &owned, &plan), 0);
		check_no_replacement(&plan);
		goal = expected(arena, &desired, &actual, &owned);
		fake_ipvs_copy(&kernel, &actual);
		for (size_t i = 0; i < plan.count; i++) {
			ck_assert_int_eq(plan.ops[i].kind == IPVS_DEL_DEST ||
						 plan.ops[i].kind == IPVS_DEL_SERVICE,
					 i >= plan.removals);
			ck_assert_int_eq(fake_ipvs_apply(&kernel, &plan.ops[i]), 0);
			check_never_empty(&actual, &goal, &kernel.table);
		}
		ck_assert(ipvs_table_equal(&kernel.table, &goal));
		ck_assert_int_eq(ipvs_plan_build(arena, &desired, &kernel.table, &owned, &again),
				 0);
		ck_assert_uint_eq(again.count, 0);
	}
}
END_TEST

START_TEST(planning_again_heals_operations_that_failed)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		auto_arena *arena = arena_new(0);
		struct ipvs_table desired = random_table(arena), actual = random_table(arena), goal;
		struct ipvs_keys owned = random_owned(arena, &desired);
		struct ipvs_plan plan;

		goal = expected(arena, &desired, &actual, &owned);
		fake_ipvs_copy(&kernel, &actual);
		for (unsigned tries = 0; tries < 4; tries++) {
			ck_assert_int_eq(
				ipvs_plan_build(arena, &desired, &kernel.table, &owned, &plan), 0);
			for (size_t i = 0; i < plan.count; i++)
				if (tries == 3 || random_below(3))
					fake_ipvs_apply(&kernel, &plan.ops[i]);
		}
		ck_assert(ipvs_table_equal(&kernel.table, &goal));
	}
}
END_TEST

START_TEST(the_plan_of_one_service_is_that_of_a_table_with_only_it)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		auto_arena *arena = arena_new(0);
		struct ipvs_service desired, actual;
		struct ipvs_table one = {&desired, 1}, other = {&actual, 1};
		struct ipvs_plan plan = {0};

		random_service(arena, &desired, 0);
		random_service(arena, &actual, 0);
		ck_assert_int_eq(ipvs_plan_service(arena, &desired, &actual, &plan), 0);
		fake_ipvs_copy(&kernel, &other);
		for (size_t i = 0; i < plan.count; i++) {
			ck_assert_int_eq(fake_ipvs_apply(&kernel, &plan.ops[i]), 0);
			check_never_empty(&other, &one, &kernel.table);
		}
		ck_assert(ipvs_table_equal(&kernel.table, &one));
	}
}
END_TEST

TCase *ipvs_plan_property_case(void)
{
	return CASE("plan", a_plan_makes_the_actual_table_the_wanted_one_and_a_second_plan_is_empty,
		    planning_again_heals_operations_that_failed,
		    the_plan_of_one_service_is_that_of_a_table_with_only_it);
}
