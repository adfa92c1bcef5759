/* The state machine under orders: version 2, preempt_delay, startup_delay, the operator's release
 * and claim, maintenance, and what is known of peers. */
#include "fsm_story.h"
#include "suite.h"
#include "vrrp/priority.h"

/* ---- version 2 ------------------------------------------------------------------------------- */

START_TEST(skew_of_version_2_is_a_part_of_a_second)
{
	ck_assert_int_eq(vrrp_skew(2, 100, 5 * NSTIME_S), 609375 * NSTIME_US);
	ck_assert_int_eq(vrrp_down_interval(2, 100, 5 * NSTIME_S),
			 15 * NSTIME_S + 609375 * NSTIME_US);
}
END_TEST

START_TEST(version_2_keeps_its_own_interval)
{
	begin();
	config.version = 2;
	config.advert_interval = 2 * NSTIME_S;
	start(0);
	hear_every("192.0.2.2", 200, 40 * NSTIME_S);
	ck_assert_int_eq(expire(), vrrp_down_interval(2, 100, 2 * NSTIME_S));
}
END_TEST

START_TEST(a_release_of_version_2_holds_for_a_second_whatever_the_interval)
{
	begin();
	config.version = 2;
	config.advert_interval = 10 * NSTIME_S;
	become_master();
	input(VRRP_INPUT_RELEASE);
	expire();
	expire();
	ck_assert_int_eq(expire(), NSTIME_S + VRRP_HOLD_MARGIN);
	did("send0");
	ck_assert_int_eq(expire(), NSTIME_S + VRRP_HOLD_MARGIN);
	did("remove MASTER>INIT released");
}
END_TEST

/* ---- preempt_delay --------------------------------------------------------------------------- */

START_TEST(a_lesser_master_is_left_alone_for_preempt_delay)
{
	begin();
	config.preempt_delay = 60 * NSTIME_S;
	start(0);
	for (int i = 0; i < 60; i++) {
		now += NSTIME_S;
		hear("192.0.2.2", 90);
		did("");
	}
	ck_assert_str_eq(why(),
			 "192.0.2.2 advertises 90 < 100, preempt_delay lasts for another 1s");
	for (int i = 0; i < 3; i++) {
		now += NSTIME_S;
		hear("192.0.2.2", 90);
		ck_assert_str_eq(why(), "192.0.2.2 advertises 90 < 100, about to preempt");
	}
	ck_assert_int_eq(expire(), vrrp_down_interval(3, 100, NSTIME_S) - 3 * NSTIME_S);
	did("BACKUP>MASTER add");
	ck_assert_str_eq(why(), "192.0.2.2 advertised 90 < 100");
}
END_TEST

START_TEST(an_equal_or_higher_advert_begins_preempt_delay_anew)
{
	begin();
	config.preempt_delay = 10 * NSTIME_S;
	start(0);
	hear("192.0.2.2", 90);
	now += 9 * NSTIME_S;
	hear("192.0.2.3", 100);
	now += NSTIME_S;
	hear("192.0.2.2", 90);
	ck_assert_str_eq(why(),
			 "192.0.2.2 advertises 90 < 100, preempt_delay lasts for another 10s");
}
END_TEST

START_TEST(preempt_delay_does_not_hold_a_claim_after_silence)
{
	begin();
	config.preempt_delay = 600 * NSTIME_S;
	start(0);
	now += NSTIME_S;
	hear("192.0.2.2", 90);
	ck_assert_int_eq(expire(), vrrp_down_interval(3, 100, NSTIME_S));
	did("BACKUP>MASTER add");
	ck_assert_str_eq(why(), "no advert from 192.0.2.2 for 3.6s");
}
END_TEST

/* ---- startup_delay --------------------------------------------------------------------------- */

START_TEST(nobody_claims_before_the_daemon_has_run_for_startup_delay)
{
	begin();
	config.startup_until = now + 30 * NSTIME_S;
	start(0);
	now += 10 * NSTIME_S;
	ck_assert_str_eq(why(), "listening for a master, no claim for another 20s");
	ck_assert_int_eq(expire(), 20 * NSTIME_S);
	did("BACKUP>MASTER add");
}
END_TEST

START_TEST(an_owner_waits_for_startup_delay_too)
{
	begin();
	config.priority = 255;
	config.startup_until = now + 30 * NSTIME_S;
	start(0);
	did("INIT>BACKUP");
	ck_assert_int_eq(expire(), 30 * NSTIME_S);
}
END_TEST

START_TEST(a_lesser_master_is_followed_during_startup_delay)
{
	begin();
	config.startup_until = now + 30 * NSTIME_S;
	start(0);
	for (int i = 0; i < 30; i++) {
		hear("192.0.2.2", 90);
		now += NSTIME_S;
	}
	ck_assert_str_eq(why(), "192.0.2.2 advertises 90 < 100, about to preempt");
	hear("192.0.2.2", 90);
	ck_assert_int_eq(expire(), vrrp_down_interval(3, 100, NSTIME_S) - NSTIME_S);
	did("BACKUP>MASTER add");
}
END_TEST

/* ---- the operator's release ------------------------------------------------------------------ */

/* A master that an operator has released; 192.0.2.2 with priority 90 has taken over. */
static void stand_down(void)
{
	begin();
	become_master();
	input(VRRP_INPUT_STEP_DOWN);
	did("send0");
	now += 5 * MS;
	hear("192.0.2.2", 90);
	did("");
	ck_assert_int_eq(expire(), VRRP_GRACE);
	did("remove MASTER>BACKUP stepped_down_yes");
}

START_TEST(a_released_master_follows_its_successor)
{
	stand_down();
	ck_assert_str_eq(why(), "released by the operator; 192.0.2.2 advertises 90");
	for (int i = 0; i < 20; i++) {
		now += NSTIME_S;
		hear("192.0.2.2", 90);
		did("");
	}
	ck_assert_str_eq(why(), "released by the operator; 192.0.2.2 advertises 90");
}
END_TEST

START_TEST(who_stands_down_claims_when_nobody_is_heard_and_no_longer_stands_down)
{
	stand_down();
	now += NSTIME_S;
	hear("192.0.2.2", 90);
	ck_assert_int_eq(expire(), vrrp_down_interval(3, 100, NSTIME_S));
	did("BACKUP>MASTER add");
	ck_assert(!machine.standing);
}
END_TEST

START_TEST(who_stands_down_lets_others_go_first_when_the_master_gives_up)
{
	stand_down();
	hear("192.0.2.2", 0);
	/* longer than any skew, shorter than the holds of the one that leaves */
	ck_assert_int_eq(expire(), 1250 * MS);
	did("BACKUP>MASTER add");
	ck_assert_str_eq(why(), "192.0.2.2 gave up");
}
END_TEST

START_TEST(a_release_by_the_operator_is_undone_without_a_successor)
{
	begin();
	become_master();
	input(VRRP_INPUT_STEP_DOWN);
	expire();
	expire();
	ck_assert_int_eq(expire(), NSTIME_S + VRRP_HOLD_MARGIN);
	did("send0");
	ck_assert_int_eq(expire(), NSTIME_S + VRRP_HOLD_MARGIN);
	did("send100 add stepped_down_no");
	ck_assert_int_eq(machine.state, VRRP_MASTER);
	written(false);
	did("announce");
	ck_assert_str_eq(why(), "no master heard for 3.6s");
}
END_TEST

START_TEST(a_backup_stands_down_at_once_and_spares_whom_it_was_about_to_preempt)
{
	begin();
	start(0);
	now += 3 * NSTIME_S;
	hear("192.0.2.2", 90);
	input(VRRP_INPUT_STEP_DOWN);
	did("stepped_down_yes");
	ck_assert_str_eq(why(), "released by the operator; 192.0.2.2 advertises 90");
	ck_assert_int_eq(vrrp_fsm_due(&machine) - now, vrrp_down_interval(3, 100, NSTIME_S));
}
END_TEST

START_TEST(of_several_successors_the_last_heard_is_followed)
{
	begin();
	become_master();
	input(VRRP_INPUT_STEP_DOWN);
	hear("192.0.2.2", 90);
	now += 10 * MS;
	hear("192.0.2.3", 95);
	expire();
	did("remove MASTER>BACKUP stepped_down_yes");
	ck_assert_str_eq(why(), "released by the operator; 192.0.2.3 advertises 95");
}
END_TEST

START_TEST(standing_down_outlives_a_fault)
{
	stand_down();
	faults(VRRP_FAULT_TRACKER);
	faults(0);
	did("FAULT>BACKUP");
	ck_assert_str_eq(why(), "released by the operator");
	hear("192.0.2.2", 90);
	ck_assert_str_eq(why(), "released by the operator; 192.0.2.2 advertises 90");
}
END_TEST

START_TEST(a_fault_ends_a_release_by_the_operator)
{
	begin();
	become_master();
	input(VRRP_INPUT_STEP_DOWN);
	faults(VRRP_FAULT_LINK);
	did("remove MASTER>FAULT stepped_down_yes");
	ck_assert(machine.standing);
}
END_TEST

START_TEST(a_stop_overtakes_a_release_by_the_operator)
{
	begin();
	become_master();
	input(VRRP_INPUT_STEP_DOWN);
	input(VRRP_INPUT_RELEASE);
	did("stepped_down_yes");
	hear("192.0.2.2", 90);
	expire();
	did("remove MASTER>INIT released");
}
END_TEST

/* ---- the operator's claim -------------------------------------------------------------------- */

START_TEST(a_claim_preempts_a_lesser_master_at_once)
{
	stand_down();
	config.preempt = false;
	config.preempt_delay = 60 * NSTIME_S;
	now += NSTIME_S;
	hear("192.0.2.2", 90);
	input(VRRP_INPUT_CLAIM);
	did("BACKUP>MASTER add");
	ck_assert_str_eq(why(), "claimed by the operator; 192.0.2.2 advertised 90");
}
END_TEST

START_TEST(a_claim_against_a_higher_master_only_ends_standing_down)
{
	begin();
	become_master();
	input(VRRP_INPUT_STEP_DOWN);
	hear("192.0.2.2", 150);
	expire();
	ck_assert_str_eq(why(), "released by the operator; 192.0.2.2 advertises 150");
	input(VRRP_INPUT_CLAIM);
	did("");
	ck_assert_str_eq(why(), "192.0.2.2 advertises 150 > 100");
}
END_TEST

START_TEST(a_claim_waits_for_startup_delay_and_table)
{
	begin();
	config.startup_until = now + 30 * NSTIME_S;
	start(0);
	hear("192.0.2.2", 90);
	input(VRRP_INPUT_CLAIM);
	did("");
	config.startup_until = 0;
	machine.ready = false;
	config.ready_until = now + 30 * NSTIME_S;
	hear("192.0.2.2", 90);
	input(VRRP_INPUT_CLAIM);
	did("");
	machine.ready = true;
	input(VRRP_INPUT_CLAIM);
	did("BACKUP>MASTER add");
}
END_TEST

/* A group acts on it a little later, when all sockets were read. */
START_TEST(a_fresh_claim_outlives_adverts_for_an_interval)
{
	begin();
	config.grouped = true;
	config.preempt = false;
	start(0);
	hear("192.0.2.2", 90);
	input(VRRP_INPUT_CLAIM);
	did("");
	hear("192.0.2.2", 90);
	ck_assert_int_le(machine.claim_at, now);
	ck_assert_str_eq(why(), "claimed by the operator; 192.0.2.2 advertises 90");
	now += NSTIME_S;
	hear("192.0.2.2", 90);
	ck_assert_int_gt(machine.claim_at, now);
	ck_assert_str_eq(why(), "192.0.2.2 advertises 90 < 100, preempt is off");
}
END_TEST

START_TEST(a_claim_takes_back_a_release_under_way)
{
	begin();
	become_master();
	input(VRRP_INPUT_STEP_DOWN);
	input(VRRP_INPUT_CLAIM);
	did("send100 add stepped_down_no");
	ck_assert(!vrrp_fsm_releasing(&machine));
}
END_TEST

START_TEST(a_claim_does_not_shorten_the_first_listening)
{
	begin();
	start(0);
	input(VRRP_INPUT_CLAIM);
	did("");
	ck_assert_int_eq(expire(), vrrp_down_interval(3, 100, NSTIME_S));
}
END_TEST

/* ---- maintenance ----------------------------------------------------------------------------- */

START_TEST(in_maintenance_nothing_makes_it_claim)
{
	begin();
	config.barred = true;
	start(0);
	ck_assert_str_eq(why(), "maintenance");
	ck_assert_int_eq(vrrp_fsm_due(&machine), NSTIME_NEVER);
	now += 60 * NSTIME_S;
	input(VRRP_INPUT_TIMER);
	did("");
	hear("192.0.2.2", 90);
	ck_assert_str_eq(why(), "maintenance; 192.0.2.2 advertises 90");
	hear("192.0.2.2", 0);
	input(VRRP_INPUT_CLAIM);
	ck_assert_int_eq(vrrp_fsm_due(&machine), NSTIME_NEVER);
}
END_TEST

START_TEST(a_master_in_maintenance_gives_way_to_any_advert)
{
	begin();
	become_master();
	config.barred = true;
	input(VRRP_INPUT_CONFIG);
	did("add send1"); /* others preempt it */
	hear("192.0.2.0", 2);
	did("remove send1 MASTER>BACKUP");
	ck_assert_str_eq(why(), "maintenance; 192.0.2.0 advertises 2");
}
END_TEST

START_TEST(of_two_masters_in_maintenance_one_remains)
{
	begin();
	become_master();
	config.barred = true;
	now += NSTIME_S;
	input(VRRP_INPUT_CONFIG);
	hear("192.0.2.0", 1);
	ck_assert_int_eq(machine.state, VRRP_MASTER);
	hear("192.0.2.2", 1);
	ck_assert_int_eq(machine.state, VRRP_BACKUP);
}
END_TEST

START_TEST(after_maintenance_it_takes_part_again)
{
	begin();
	config.barred = true;
	start(0);
	hear("192.0.2.2", 90);
	config.barred = false;
	input(VRRP_INPUT_CONFIG);
	did("");
	ck_assert_str_eq(why(), "192.0.2.2 advertises 90 < 100, about to preempt");
	ck_assert_int_eq(expire(), vrrp_down_interval(3, 100, NSTIME_S));
}
END_TEST

/* ---- peers ----------------------------------------------------------------------------------- */

START_TEST(a_claim_without_ever_having_heard_a_peer_is_marked_until_one_is_heard)
{
	begin();
	become_master();
	ck_assert(machine.no_peer_heard);
	hear("192.0.2.2", 0);
	ck_assert(!machine.no_peer_heard);
	begin();
	start(0);
	hear("192.0.2.2", 200);
	expire();
	ck_assert_int_eq(machine.state, VRRP_MASTER);
	ck_assert(!machine.no_peer_heard);
}
END_TEST

START_TEST(an_unknown_master_that_says_goodbye_is_drowned_out)
{
	begin();
	become_master();
	now += 20 * NSTIME_S;
	input(VRRP_INPUT_TIMER);
	now += 500 * MS;
	hear("192.0.2.2", 0);
	did("send100 announce");
}
END_TEST

int main(void)
{
	return SUITE_RUN(
		"vrrp orders",
		CASE("version 2", skew_of_version_2_is_a_part_of_a_second,
		     version_2_keeps_its_own_interval,
		     a_release_of_version_2_holds_for_a_second_whatever_the_interval),
		CASE("delays", a_lesser_master_is_left_alone_for_preempt_delay,
		     an_equal_or_higher_advert_begins_preempt_delay_anew,
		     preempt_delay_does_not_hold_a_claim_after_silence,
		     nobody_claims_before_the_daemon_has_run_for_startup_delay,
		     an_owner_waits_for_startup_delay_too,
		     a_lesser_master_is_followed_during_startup_delay),
		CASE("release", a_released_master_follows_its_successor,
		     who_stands_down_claims_when_nobody_is_heard_and_no_longer_stands_down,
		     who_stands_down_lets_others_go_first_when_the_master_gives_up,
		     a_release_by_the_operator_is_undone_without_a_successor,
		     a_backup_stands_down_at_once_and_spares_whom_it_was_about_to_preempt,
		     of_several_successors_the_last_heard_is_followed,
		     standing_down_outlives_a_fault, a_fault_ends_a_release_by_the_operator,
		     a_stop_overtakes_a_release_by_the_operator),
		CASE("claim", a_claim_preempts_a_lesser_master_at_once,
		     a_claim_against_a_higher_master_only_ends_standing_down,
		     a_claim_waits_for_startup_delay_and_table,
		     a_fresh_claim_outlives_adverts_for_an_interval,
		     a_claim_takes_back_a_release_under_way,
		     a_claim_does_not_shorten_the_first_listening),
		CASE("maintenance", in_maintenance_nothing_makes_it_claim,
		     a_master_in_maintenance_gives_way_to_any_advert,
		     of_two_masters_in_maintenance_one_remains,
		     after_maintenance_it_takes_part_again),
		CASE("peers", a_claim_without_ever_having_heard_a_peer_is_marked_until_one_is_heard,
		     an_unknown_master_that_says_goodbye_is_drowned_out));
}
