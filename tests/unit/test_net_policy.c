/* net/policy: the plan against a model of the kernel, by hand and at random. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/arena.h"
#include "base/text.h"
#include "net/policy.h"
#include "suite.h"

static struct addr local(unsigned number)
{
	char text[ADDR_TEXT];
	struct addr addr;

	snprintf(text, sizeof(text), "192.0.2.%u", number);
	ck_assert_int_eq(addr_parse(text, &addr), 0);
	return addr;
}

static const char *plan_text(const struct policy_set *desired, const struct policy_set *actual,
			     uint8_t family)
{
	static char buffer[2048];
	struct text text = text_of(buffer, sizeof(buffer));
	auto_arena *arena = arena_new(0);
	struct policy_plan plan;

	buffer[0] = '\0';
	ck_assert_int_eq(policy_plan_build(arena, family, desired, actual, &plan), 0);
	for (size_t i = 0; i < plan.count; i++) {
		text_add(&text, "%s", i == plan.removals ? "-- " : "");
		policy_op_format(&plan.ops[i], &text);
		text_add(&text, "\n");
	}
	return buffer;
}

START_TEST(the_addresses_are_there_before_the_rule_and_after_it)
{
	struct addr locals[] = {local(1), local(2)};
	struct policy_rule rule = {0x4c420000, 0xffff0000};
	struct policy_set nothing = {0}, all = {&rule, 1, locals, 2};

	ck_assert_str_eq(plan_text(&all, &nothing, AF_INET),
			 "ip route add local 192.0.2.1 dev lo table 19522 protocol 76\n"
			 "ip route add local 192.0.2.2 dev lo table 19522 protocol 76\n"
			 "ip rule add pref 76 iif lo fwmark 0x4c420000/0xffff0000 lookup 19522 protocol 76\n");
	ck_assert_str_eq(plan_text(&nothing, &all, AF_INET),
			 "-- ip rule del pref 76 iif lo fwmark 0x4c420000/0xffff0000 lookup 19522 protocol 76\n"
			 "ip route del local 192.0.2.1 dev lo table 19522 protocol 76\n"
			 "ip route del local 192.0.2.2 dev lo table 19522 protocol 76\n");
	ck_assert_str_eq(plan_text(&all, &all, AF_INET), "");
}
END_TEST

START_TEST(another_mark_is_another_rule)
{
	struct policy_rule rules[] = {{0x10000, 0xff0000}, {0x20000, 0xff0000}};
	struct policy_set was = {&rules[0], 1, NULL, 0}, is = {&rules[1], 1, NULL, 0};

	ck_assert_str_eq(plan_text(&is, &was, AF_INET6),
			 "ip -6 rule add pref 76 iif lo fwmark 0x20000/0xff0000 lookup 19522 protocol 76\n"
			 "-- ip -6 rule del pref 76 iif lo fwmark 0x10000/0xff0000 lookup 19522 protocol 76\n");
}
END_TEST

/* ---- property ---- */

#define MOST 12

struct kernel {
	struct policy_rule rules[2 * MOST];
	struct addr locals[2 * MOST];
	struct policy_set set;
};

static void kernel_random(struct kernel *kernel)
{
	*kernel = (struct kernel){.set = {.rules = kernel->rules, .locals = kernel->locals}};
	for (unsigned i = 0; i < MOST; i++) {
		if (rand() % 2)
			kernel->locals[kernel->set.local_count++] = local((unsigned)rand() % MOST);
		if (i < 3 && rand() % 2)
			kernel->rules[kernel->set.rule_count++] = (struct policy_rule){i + 1, 0xff};
	}
	policy_sort(&kernel->set);
}

static void kernel_apply(struct kernel *kernel, const struct policy_op *op)
{
	struct policy_set *set = &kernel->set;
	size_t at = 0;

	switch (op->action) {
	case POLICY_ADD_LOCAL:
		set->locals[set->local_count++] = op->local;
		policy_sort(set);
		break;
	case POLICY_ADD_RULE:
		set->rules[set->rule_count++] = op->rule;
		break;
	case POLICY_REMOVE_RULE:
		while (at < set->rule_count && memcmp(&set->rules[at], &op->rule, sizeof(op->rule)))
			at++;
		ck_assert_uint_lt(at, set->rule_count);
		set->rules[at] = set->rules[--set->rule_count];
		break;
	case POLICY_REMOVE_LOCAL:
		while (at < set->local_count && addr_compare(&set->locals[at], &op->local))
			at++;
		ck_assert_uint_lt(at, set->local_count);
		set->locals[at] = set->locals[--set->local_count];
		policy_sort(set);
		break;
	}
}

START_TEST(apply_of_the_plan_gives_what_is_desired)
{
	const char *given = getenv("LBHA_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);

	printf("seed %u\n", seed);
	srand(seed);
	for (int round = 0; round < 5000; round++) {
		auto_arena *arena = arena_new(0);
		struct kernel desired, actual;
		struct policy_plan plan;

		kernel_random(&desired);
		kernel_random(&actual);
		ck_assert_int_eq(policy_plan_build(arena, AF_INET, &desired.set, &actual.set, &plan),
				 0);
		for (size_t i = 0; i < plan.count; i++)
			kernel_apply(&actual, &plan.ops[i]);
		ck_assert_str_eq(plan_text(&desired.set, &actual.set, AF_INET), "");
		ck_assert_uint_eq(desired.set.local_count, actual.set.local_count);
		ck_assert_uint_eq(desired.set.rule_count, actual.set.rule_count);
	}
}
END_TEST

int main(void)
{
	return SUITE_RUN("net/policy",
			 CASE("plan", the_addresses_are_there_before_the_rule_and_after_it,
			      another_mark_is_another_rule),
			 CASE("property", apply_of_the_plan_gives_what_is_desired), NULL);
}
