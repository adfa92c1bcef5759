/* The sync group above its members' machines, rule by rule. Members are "outside" (0) and "inside"
 * (1); what they do is collected as words, "0:add 1:add", and after every input all must agree. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "suite.h"
#include "vrrp/group.h"
#include "vrrp/priority.h"

#define MS NSTIME_MS
#define MEMBERS 2
#define DOWN vrrp_down_interval(3, 100, NSTIME_S)

static struct vrrp_machine machines[MEMBERS];
static struct vrrp_config configs[MEMBERS];
static struct vrrp_member list[MEMBERS];
static const struct vrrp_members members = {.list = list, .count = MEMBERS};
static struct vrrp_group group;
static nstime now;
static uint32_t chance;
static char done[512];

static struct addr address(const char *text)
{
	struct addr out = {0};

	ck_assert_int_eq(addr_parse(text, &out), 0);
	return out;
}

static const char *word(const struct vrrp_action *action)
{
	static char state[32];

	switch (action->kind) {
	case VRRP_ACTION_SEND:
		return action->priority ? "send" : "goodbye";
	case VRRP_ACTION_ADD:
		return "add";
	case VRRP_ACTION_REMOVE:
		return "remove";
	case VRRP_ACTION_ANNOUNCE:
		return "announce";
	case VRRP_ACTION_STATE:
		snprintf(state, sizeof(state), "%s>", vrrp_state_name(action->from));
		return state;
	case VRRP_ACTION_RELEASED:
		return "released";
	case VRRP_ACTION_STEPPED_DOWN:
		return action->yes ? "stands" : "stays";
	}
	return "?";
}

static void step(size_t i, struct vrrp_input input)
{
	size_t length = strlen(done);
	struct text text = text_of(done + length, sizeof(done) - length);
	struct vrrp_actions out;

	vrrp_fsm_step(&machines[i], &configs[i], now, &input, &out);
	for (unsigned k = 0; k < out.count; k++)
		text_add(&text, "%s%zu:%s", done[0] ? " " : "", i, word(&out.list[k]));
	ck_assert(!text.cut);
}

/* What the worker does after each step. */
static void settle(void)
{
	struct vrrp_input input;
	size_t member;

	for (int i = 0; vrrp_group_next(&group, &members, now, chance, &member, &input); i++) {
		ck_assert_int_lt(i, 20);
		step(member, input);
	}
	for (size_t i = 1; i < MEMBERS; i++)
		ck_assert_int_eq(machines[i].state, machines[0].state);
	ck_assert_int_eq(group.state, machines[0].state);
}

static void give(size_t i, struct vrrp_input input)
{
	done[0] = '\0';
	step(i, input);
	settle();
}

#define did(text) ck_assert_str_eq(done, text)

static void order(enum vrrp_group_order what)
{
	done[0] = '\0';
	vrrp_group_order(&group, what);
	settle();
}

static void hear_from(size_t i, const char *source, uint8_t priority)
{
	give(i, (struct vrrp_input){.kind = VRRP_INPUT_ADVERT,
				    .source = address(source),
				    .priority = priority,
				    .interval = NSTIME_S});
}

static void written(void)
{
	for (size_t i = 0; i < MEMBERS; i++)
		give(i, (struct vrrp_input){.kind = VRRP_INPUT_WRITTEN, .yes = true});
}

static void fault(size_t i, uint64_t faults, const char *text)
{
	list[i].faults = faults;
	list[i].fault_text = text;
	done[0] = '\0';
	settle();
}

/* Lets time pass until `until`, timers firing as they are due. */
static void pass(nstime until)
{
	for (;;) {
		nstime due = vrrp_group_due(&group, &members, now);
		size_t first = MEMBERS;

		for (size_t i = 0; i < MEMBERS; i++) {
			if (vrrp_fsm_due(&machines[i]) >= due)
				continue;
			due = vrrp_fsm_due(&machines[i]);
			first = i;
		}
		if (due > until)
			break;
		now = nstime_max(now, due);
		done[0] = '\0';
		if (first < MEMBERS)
			step(first, (struct vrrp_input){.kind = VRRP_INPUT_TIMER});
		settle();
	}
	now = until;
}

/* Two members with priority 100 in BACKUP, listening; the clock shows 100 s. */
static void begin(void)
{
	static const char *const names[] = {"outside", "inside"};

	now = 100 * NSTIME_S;
	chance = 0;
	vrrp_group_init(&group, now);
	for (size_t i = 0; i < MEMBERS; i++) {
		configs[i] = (struct vrrp_config){.version = 3,
						  .priority = 100,
						  .preempt = true,
						  .grouped = true,
						  .advert_interval = NSTIME_S,
						  .source = address(i ? "10.0.0.1" : "192.0.2.1")};
		vrrp_fsm_init(&machines[i], now);
		machines[i].ready = true;
		list[i] = (struct vrrp_member){.name = names[i],
					       .machine = &machines[i],
					       .config = &configs[i],
					       .fault_text = ""};
	}
	done[0] = '\0';
	for (size_t i = 0; i < MEMBERS; i++)
		step(i, (struct vrrp_input){.kind = VRRP_INPUT_START});
	settle();
	did("0:INIT> 1:INIT>");
}

static void become_master(void)
{
	begin();
	pass(now + DOWN - 1);
	ck_assert_int_eq(group.state, VRRP_BACKUP);
	pass(now + 1);
	did("0:BACKUP> 0:add 1:BACKUP> 1:add");
	written();
}

static const char *why(size_t i)
{
	static char text[256];

	return vrrp_group_explain_member(&group, &members, i, now, text, sizeof(text));
}

static const char *why_group(void)
{
	static char text[256];

	return vrrp_group_explain(&group, &members, now, text, sizeof(text));
}

/* ---- claims --------------------------------------------------------------------------------- */

START_TEST(a_group_claims_in_one_turn_when_every_member_would)
{
	become_master();
	ck_assert_str_eq(why(1), "no master heard for 3.6s");
	ck_assert_str_eq(why_group(), "outside: no master heard for 3.6s");
}
END_TEST

START_TEST(a_member_that_hears_a_better_master_holds_the_others_back)
{
	begin();
	for (int i = 0; i < 10; i++) {
		hear_from(1, "10.0.0.2", 150);
		did("");
		pass(now + NSTIME_S);
	}
	ck_assert_int_eq(group.state, VRRP_BACKUP);
	ck_assert_str_eq(why(0), "waiting for inside: 10.0.0.2 advertises 150 > 100");
	ck_assert_str_eq(why(1), "10.0.0.2 advertises 150 > 100");
	ck_assert_str_eq(why_group(), "inside: 10.0.0.2 advertises 150 > 100");
	pass(now + DOWN - NSTIME_S);
	did("0:BACKUP> 0:add 1:BACKUP> 1:add");
	ck_assert_str_eq(why_group(), "inside: no advert from 10.0.0.2 for 3.6s");
}
END_TEST

START_TEST(an_owners_group_waits_for_every_member_to_settle)
{
	begin();
	for (size_t i = 0; i < MEMBERS; i++) {
		configs[i].priority = 255;
		vrrp_fsm_init(&machines[i], now);
		machines[i].ready = true;
	}
	configs[1].carrier_settle = NSTIME_S;
	for (size_t i = 0; i < MEMBERS; i++)
		step(i, (struct vrrp_input){.kind = VRRP_INPUT_START});
	settle();
	ck_assert_int_eq(group.state, VRRP_BACKUP);
	pass(now + NSTIME_S);
	ck_assert_int_eq(group.state, VRRP_MASTER);
}
END_TEST

START_TEST(a_group_in_maintenance_never_claims)
{
	begin();
	for (size_t i = 0; i < MEMBERS; i++) {
		configs[i].barred = true;
		give(i, (struct vrrp_input){.kind = VRRP_INPUT_CONFIG});
	}
	ck_assert_int_eq(vrrp_group_due(&group, &members, now), NSTIME_NEVER);
	pass(now + 60 * NSTIME_S);
	ck_assert_int_eq(group.state, VRRP_BACKUP);
	ck_assert_str_eq(why_group(), "outside: maintenance");
}
END_TEST

START_TEST(a_group_advertises_when_all_its_members_have_their_addresses)
{
	begin();
	pass(now + DOWN);
	give(0, (struct vrrp_input){.kind = VRRP_INPUT_WRITTEN, .yes = true});
	did("");
	give(1, (struct vrrp_input){.kind = VRRP_INPUT_WRITTEN, .yes = true});
	did("1:send 0:send");
}
END_TEST

START_TEST(a_group_does_not_wait_long_for_the_addresses_of_one_member)
{
	nstime claimed;

	begin();
	pass(now + DOWN);
	claimed = now;
	give(0, (struct vrrp_input){.kind = VRRP_INPUT_WRITTEN, .yes = true});
	pass(claimed + VRRP_PATIENCE);
	ck_assert(machines[0].advertised && machines[1].advertised);
	ck_assert_int_eq(machines[0].phase, VRRP_PHASE_HOLDING);
}
END_TEST

/* ---- deposed -------------------------------------------------------------------------------- */

START_TEST(a_deposed_member_takes_all_to_backup_at_once)
{
	become_master();
	hear_from(1, "10.0.0.2", 150);
	did("1:remove 1:send 1:MASTER> 0:remove 0:goodbye 0:MASTER>");
	ck_assert_str_eq(why(0), "with inside: 10.0.0.2 advertises 150 > 100");
	ck_assert_str_eq(why_group(), "inside: 10.0.0.2 advertises 150 > 100");
}
END_TEST

START_TEST(a_deposed_group_adds_a_random_part_of_an_interval_to_its_next_claim)
{
	nstime deposed;

	become_master();
	chance = 512;
	hear_from(1, "10.0.0.2", 100);
	ck_assert_str_eq(why_group(),
			 "inside: 10.0.0.2 advertises 100 too and has the higher address");
	deposed = now;
	pass(deposed + DOWN + NSTIME_S / 2 - 1);
	ck_assert_int_eq(group.state, VRRP_BACKUP);
	pass(now + 1);
	ck_assert_int_eq(group.state, VRRP_MASTER);
}
END_TEST

START_TEST(the_extra_wait_ends_after_two_down_intervals)
{
	become_master();
	chance = 512;
	hear_from(1, "10.0.0.2", 150);
	for (int i = 0; i < 5; i++) {
		pass(now + NSTIME_S);
		hear_from(0, "192.0.2.2", 150);
		hear_from(1, "10.0.0.2", 150);
	}
	pass(now + DOWN);
	ck_assert_int_eq(group.state, VRRP_MASTER);
}
END_TEST

/* Two groups with equal priorities and crossed addresses, both MASTER, hear each other. */
START_TEST(crossed_addresses_depose_both_and_whoever_claims_first_stays)
{
	become_master();
	chance = 700;
	hear_from(0, "192.0.2.0", 100); /* ours is higher here */
	hear_from(1, "10.0.0.2", 100);	/* and lower here */
	ck_assert_int_eq(group.state, VRRP_BACKUP);
	pass(now + NSTIME_S);
	for (int i = 0; i < 20; i++) { /* the other was luckier */
		hear_from(0, "192.0.2.0", 100);
		hear_from(1, "10.0.0.2", 100);
		pass(now + NSTIME_S);
	}
	ck_assert_int_eq(group.state, VRRP_BACKUP);
	ck_assert_str_eq(why(0), "192.0.2.0 is master with the same priority 100");
}
END_TEST

START_TEST(an_ungrouped_peer_that_is_better_on_one_wire_moves_a_group_once)
{
	uint64_t transitions;

	become_master();
	hear_from(1, "10.0.0.2", 150);
	transitions = machines[0].transitions + machines[1].transitions;
	for (int i = 0; i < 100; i++) { /* and lesser on the other */
		pass(now + NSTIME_S);
		hear_from(0, "192.0.2.2", 50);
		hear_from(1, "10.0.0.2", 150);
	}
	ck_assert_uint_eq(machines[0].transitions + machines[1].transitions, transitions);
	ck_assert_str_eq(why(0), "waiting for inside: 10.0.0.2 advertises 150 > 100");
}
END_TEST

/* ---- faults --------------------------------------------------------------------------------- */

START_TEST(a_fault_of_one_is_a_fault_of_all_and_goes_with_its_cause)
{
	become_master();
	fault(0, VRRP_FAULT_LINK, "eth0 has no carrier");
	did("0:remove 0:MASTER> 1:remove 1:goodbye 1:MASTER>");
	ck_assert_str_eq(why(0), "eth0 has no carrier");
	ck_assert_str_eq(why(1), "with outside: eth0 has no carrier");
	ck_assert_str_eq(why_group(), "outside: eth0 has no carrier");
	fault(1, VRRP_FAULT_TRACKER, "gateway down");
	fault(0, 0, "");
	ck_assert_int_eq(group.state, VRRP_FAULT);
	ck_assert_str_eq(why(0), "with inside: gateway down");
	fault(1, 0, "");
	did("0:FAULT> 1:FAULT>");
	ck_assert_int_eq(group.state, VRRP_BACKUP);
}
END_TEST

START_TEST(a_member_starts_with_the_faults_of_the_others)
{
	begin();
	list[1].faults = VRRP_FAULT_SOURCE;
	ck_assert_uint_eq(vrrp_group_faults(&group, &members, 0), VRRP_FAULT_GROUP);
	ck_assert_uint_eq(vrrp_group_faults(&group, &members, 1), VRRP_FAULT_SOURCE);
}
END_TEST

/* ---- release -------------------------------------------------------------------------------- */

START_TEST(a_release_holds_all_addresses_until_every_member_has_a_successor)
{
	become_master();
	order(VRRP_GROUP_RELEASE);
	did("0:goodbye 1:goodbye");
	pass(now + 100 * MS);
	hear_from(0, "192.0.2.2", 90);
	pass(now + 500 * MS);
	ck_assert(vrrp_fsm_releasing(&machines[0])); /* waits for the other */
	hear_from(1, "10.0.0.2", 90);
	pass(now + VRRP_GRACE);
	did("0:remove 0:MASTER> 0:released 1:remove 1:MASTER> 1:released");
}
END_TEST

START_TEST(a_release_ends_for_all_when_the_holds_have_passed)
{
	become_master();
	order(VRRP_GROUP_RELEASE);
	hear_from(0, "192.0.2.2", 90);
	pass(now + 2 * NSTIME_S);
	ck_assert(vrrp_fsm_releasing(&machines[0]));
	pass(now + 200 * MS);
	ck_assert_int_eq(group.state, VRRP_INIT);
}
END_TEST

START_TEST(a_fault_during_a_release_ends_it_for_that_member_alone)
{
	become_master();
	order(VRRP_GROUP_RELEASE);
	list[0].faults = VRRP_FAULT_LINK;
	done[0] = '\0';
	for (int i = 0; i < 2; i++) {
		struct vrrp_input input;
		size_t member;

		while (vrrp_group_next(&group, &members, now, 0, &member, &input))
			step(member, input);
	}
	did("0:remove 0:MASTER> 0:released");
	ck_assert(vrrp_fsm_releasing(&machines[1]));
}
END_TEST

START_TEST(the_operators_release_takes_the_group_to_backup_standing_down)
{
	become_master();
	order(VRRP_GROUP_STEP_DOWN);
	did("0:goodbye 1:goodbye");
	hear_from(0, "192.0.2.2", 90);
	pass(now + VRRP_GRACE);
	hear_from(1, "10.0.0.2", 90);
	pass(now + VRRP_GRACE);
	did("0:remove 0:MASTER> 0:stands 1:remove 1:MASTER> 1:stands");
	ck_assert_str_eq(why(1), "released by the operator; 10.0.0.2 advertises 90");
	for (int i = 0; i < 10; i++) {
		pass(now + NSTIME_S);
		hear_from(0, "192.0.2.2", 90);
		hear_from(1, "10.0.0.2", 90);
	}
	ck_assert_int_eq(group.state, VRRP_BACKUP);
	order(VRRP_GROUP_STEP_DOWN);
	did("0:stands 1:stands"); /* whoever orders it again gets an answer too */
}
END_TEST

START_TEST(without_a_successor_for_every_member_the_operators_release_is_undone_for_all)
{
	become_master();
	order(VRRP_GROUP_STEP_DOWN);
	hear_from(0, "192.0.2.2", 90);
	pass(now + 2200 * MS);
	did("0:send 0:add 0:stays 1:send 1:add 1:stays");
	ck_assert_int_eq(group.state, VRRP_MASTER);
	ck_assert(!machines[0].standing && !machines[1].standing);
}
END_TEST

START_TEST(a_fault_ends_the_operators_release_for_all)
{
	become_master();
	order(VRRP_GROUP_STEP_DOWN);
	fault(1, VRRP_FAULT_LINK, "eth1 has no carrier");
	ck_assert_int_eq(group.state, VRRP_FAULT);
	ck_assert(machines[0].standing && machines[1].standing);
	fault(1, 0, "");
	ck_assert_int_eq(group.order, VRRP_GROUP_NONE);
}
END_TEST

START_TEST(a_claim_preempts_on_all_wires_at_once)
{
	begin();
	for (size_t i = 0; i < MEMBERS; i++)
		configs[i].preempt = false;
	pass(now + NSTIME_S);
	hear_from(0, "192.0.2.2", 90);
	hear_from(1, "10.0.0.2", 90);
	order(VRRP_GROUP_CLAIM);
	did("0:BACKUP> 0:add 1:BACKUP> 1:add");
	ck_assert_str_eq(why(1), "claimed by the operator; 10.0.0.2 advertised 90");
}
END_TEST

START_TEST(a_claim_against_a_better_master_on_one_wire_does_nothing)
{
	begin();
	hear_from(0, "192.0.2.2", 90);
	hear_from(1, "10.0.0.2", 150);
	order(VRRP_GROUP_CLAIM);
	did("");
	ck_assert_str_eq(why_group(), "inside: 10.0.0.2 advertises 150 > 100");
}
END_TEST

START_TEST(a_claim_takes_back_the_release_of_all)
{
	become_master();
	order(VRRP_GROUP_STEP_DOWN);
	hear_from(0, "192.0.2.2", 90);
	order(VRRP_GROUP_CLAIM);
	did("0:send 0:add 0:stays 1:send 1:add 1:stays");
}
END_TEST

START_TEST(a_stop_overtakes_the_operators_release)
{
	become_master();
	order(VRRP_GROUP_STEP_DOWN);
	order(VRRP_GROUP_RELEASE);
	did("0:stands 1:stands");
	pass(now + 3 * NSTIME_S);
	ck_assert_int_eq(group.state, VRRP_INIT);
}
END_TEST

/* ---- members that come ---------------------------------------------------------------------- */

START_TEST(a_new_member_without_a_master_joins_its_masters)
{
	become_master();
	vrrp_fsm_init(&machines[1], now);
	give(1, (struct vrrp_input){.kind = VRRP_INPUT_START});
	did("1:INIT> 1:BACKUP> 1:add");
	ck_assert_str_eq(why(1), "with outside: no master heard for 3.6s");
}
END_TEST

START_TEST(a_new_member_that_follows_a_better_master_takes_the_group_along)
{
	become_master();
	vrrp_fsm_init(&machines[1], now);
	configs[1].grouped = false; /* it was a router of its own */
	step(1, (struct vrrp_input){.kind = VRRP_INPUT_START});
	step(1, (struct vrrp_input){.kind = VRRP_INPUT_ADVERT,
				    .source = address("10.0.0.2"),
				    .priority = 150,
				    .interval = NSTIME_S});
	configs[1].grouped = true;
	give(1, (struct vrrp_input){.kind = VRRP_INPUT_CONFIG});
	did("0:remove 0:goodbye 0:MASTER>");
}
END_TEST

START_TEST(a_master_that_joins_a_waiting_group_gives_up)
{
	begin();
	hear_from(0, "192.0.2.2", 150);
	vrrp_fsm_init(&machines[1], now);
	configs[1].grouped = false;
	step(1, (struct vrrp_input){.kind = VRRP_INPUT_RESUME, .point = now});
	configs[1].grouped = true;
	give(1, (struct vrrp_input){.kind = VRRP_INPUT_CONFIG});
	did("1:add 1:send 1:remove 1:goodbye 1:MASTER>");
	ck_assert_str_eq(why(1), "with outside: 192.0.2.2 advertises 150 > 100");
}
END_TEST

int main(void)
{
	return SUITE_RUN(
		"vrrp group",
		CASE("claims", a_group_claims_in_one_turn_when_every_member_would,
		     a_member_that_hears_a_better_master_holds_the_others_back,
		     an_owners_group_waits_for_every_member_to_settle,
		     a_group_advertises_when_all_its_members_have_their_addresses,
		     a_group_does_not_wait_long_for_the_addresses_of_one_member,
		     a_group_in_maintenance_never_claims),
		CASE("deposed", a_deposed_member_takes_all_to_backup_at_once,
		     a_deposed_group_adds_a_random_part_of_an_interval_to_its_next_claim,
		     the_extra_wait_ends_after_two_down_intervals,
		     crossed_addresses_depose_both_and_whoever_claims_first_stays,
		     an_ungrouped_peer_that_is_better_on_one_wire_moves_a_group_once),
		CASE("faults", a_fault_of_one_is_a_fault_of_all_and_goes_with_its_cause,
		     a_member_starts_with_the_faults_of_the_others),
		CASE("release", a_release_holds_all_addresses_until_every_member_has_a_successor,
		     a_release_ends_for_all_when_the_holds_have_passed,
		     a_fault_during_a_release_ends_it_for_that_member_alone,
		     the_operators_release_takes_the_group_to_backup_standing_down,
		     without_a_successor_for_every_member_the_operators_release_is_undone_for_all,
		     a_fault_ends_the_operators_release_for_all,
		     a_claim_preempts_on_all_wires_at_once,
		     a_claim_against_a_better_master_on_one_wire_does_nothing,
		     a_claim_takes_back_the_release_of_all, a_stop_overtakes_the_operators_release),
		CASE("members", a_new_member_without_a_master_joins_its_masters,
		     a_new_member_that_follows_a_better_master_takes_the_group_along,
		     a_master_that_joins_a_waiting_group_gives_up));
}
