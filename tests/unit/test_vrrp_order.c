/* What an operator is told of a release or claim, from the machine's states. */
#include <string.h>

#include "fsm_story.h"
#include "suite.h"
#include "vrrp/order.h"
#include "vrrp/priority.h"

static char told[256];

static enum vrrp_order_verdict claim_now(bool late)
{
	return vrrp_order_claim(&machine, &config, late, why(), told, sizeof(told));
}

static enum vrrp_order_verdict release_now(bool was_master)
{
	bool yes = strstr(actions, "stepped_down_yes") != NULL;

	ck_assert(yes || strstr(actions, "stepped_down_no"));
	return vrrp_order_release(&machine, was_master, yes, why(), told, sizeof(told));
}

/* ---- claim ----------------------------------------------------------------------------------- */

START_TEST(a_claim_is_done_when_the_router_is_master)
{
	begin();
	config.preempt = false;
	start(0);
	hear("192.0.2.2", 90);
	input(VRRP_INPUT_CLAIM);
	ck_assert_int_eq(claim_now(false), VRRP_ORDER_DONE);
	ck_assert_str_eq(told, "MASTER, claimed by the operator; 192.0.2.2 advertised 90");
	input(VRRP_INPUT_CLAIM);
	ck_assert_int_eq(claim_now(false), VRRP_ORDER_DONE);
}
END_TEST

START_TEST(a_better_master_is_an_answer_at_once)
{
	begin();
	start(0);
	hear("192.0.2.2", 150);
	input(VRRP_INPUT_CLAIM);
	ck_assert_int_eq(claim_now(false), VRRP_ORDER_FAILED);
	ck_assert_str_eq(told, "stays BACKUP, 192.0.2.2 advertises 150 > 100");
	hear("192.0.2.2", 100);
	input(VRRP_INPUT_CLAIM);
	ck_assert_int_eq(claim_now(false), VRRP_ORDER_FAILED);
	ck_assert_str_eq(told, "stays BACKUP, 192.0.2.2 is master with the same priority 100");
}
END_TEST

START_TEST(a_table_that_is_not_ready_is_the_answer_at_once_whatever_else_would_hold_back)
{
	begin();
	machine.ready = false;
	config.ready_until = now + 30 * NSTIME_S;
	config.preempt_delay = 60 * NSTIME_S;
	config.preempt = false;
	start(0);
	hear("192.0.2.2", 90);
	input(VRRP_INPUT_CLAIM);
	ck_assert_int_eq(claim_now(false), VRRP_ORDER_FAILED);
	ck_assert_str_eq(told, "stays BACKUP, 192.0.2.2 advertises 90 < 100, not preempting before "
			       "table and tracked checks are ready");
	step((struct vrrp_input){.kind = VRRP_INPUT_READY, .yes = true});
	input(VRRP_INPUT_CLAIM);
	ck_assert_int_eq(claim_now(false), VRRP_ORDER_DONE);
}
END_TEST

START_TEST(an_equal_master_that_the_address_would_beat_is_called_equal_while_the_table_is_not_ready)
{
	begin();
	machine.ready = false;
	config.ready_until = now + 30 * NSTIME_S;
	start(0);
	hear("192.0.2.0", 100);
	input(VRRP_INPUT_CLAIM);
	ck_assert_int_eq(claim_now(false), VRRP_ORDER_FAILED);
	ck_assert_str_eq(told, "stays BACKUP, 192.0.2.0 advertises 100 = 100, not preempting before "
			       "table and tracked checks are ready");
}
END_TEST

START_TEST(silence_is_waited_for_until_it_is_late)
{
	begin();
	start(0);
	input(VRRP_INPUT_CLAIM);
	ck_assert_int_eq(claim_now(false), VRRP_ORDER_WAIT);
	ck_assert_int_eq(claim_now(true), VRRP_ORDER_FAILED);
	ck_assert_str_eq(told, "stays BACKUP, listening for a master");
	expire();
	ck_assert_int_eq(claim_now(false), VRRP_ORDER_DONE);
	ck_assert_str_eq(told, "MASTER, no master heard for 3.6s");
}
END_TEST

START_TEST(a_fault_and_maintenance_are_answers_at_once)
{
	begin();
	start(0);
	faults(VRRP_FAULT_LINK);
	input(VRRP_INPUT_CLAIM);
	ck_assert_int_eq(claim_now(false), VRRP_ORDER_FAILED);
	ck_assert_str_eq(told, "stays FAULT, eth0 has no carrier");
	begin();
	config.barred = true;
	start(0);
	input(VRRP_INPUT_CLAIM);
	ck_assert_int_eq(claim_now(false), VRRP_ORDER_FAILED);
	ck_assert_str_eq(told, "this director is in maintenance: nothing is claimed");
}
END_TEST

START_TEST(a_claim_of_what_is_being_released_for_good_fails)
{
	begin();
	become_master();
	input(VRRP_INPUT_RELEASE);
	input(VRRP_INPUT_CLAIM);
	ck_assert_int_eq(claim_now(false), VRRP_ORDER_FAILED);
	ck_assert_str_eq(told, "it is being released");
}
END_TEST

START_TEST(a_claim_undoes_the_operators_release)
{
	begin();
	become_master();
	input(VRRP_INPUT_STEP_DOWN);
	ck_assert_int_eq(claim_now(false), VRRP_ORDER_FAILED);
	input(VRRP_INPUT_CLAIM);
	ck_assert_int_eq(claim_now(false), VRRP_ORDER_DONE);
}
END_TEST

/* ---- release --------------------------------------------------------------------------------- */

START_TEST(a_release_names_the_successor)
{
	begin();
	become_master();
	input(VRRP_INPUT_STEP_DOWN);
	hear("192.0.2.2", 90);
	expire();
	ck_assert_int_eq(release_now(true), VRRP_ORDER_DONE);
	ck_assert_str_eq(told, "released, 192.0.2.2 has taken over with 90");
}
END_TEST

START_TEST(a_release_without_a_successor_has_failed)
{
	begin();
	become_master();
	input(VRRP_INPUT_STEP_DOWN);
	while (vrrp_fsm_releasing(&machine))
		expire();
	ck_assert_int_eq(release_now(true), VRRP_ORDER_FAILED);
	ck_assert_str_eq(told, "nobody took over, still MASTER");
}
END_TEST

START_TEST(a_backup_stands_down_at_once)
{
	begin();
	start(0);
	input(VRRP_INPUT_STEP_DOWN);
	ck_assert_int_eq(release_now(false), VRRP_ORDER_DONE);
	ck_assert_str_eq(told, "stands down; no master is heard, without one it claims again");
	hear("192.0.2.2", 90);
	input(VRRP_INPUT_STEP_DOWN);
	ck_assert_int_eq(release_now(false), VRRP_ORDER_DONE);
	ck_assert_str_eq(told, "stands down; 192.0.2.2 is MASTER with 90");
	faults(VRRP_FAULT_LINK);
	input(VRRP_INPUT_STEP_DOWN);
	ck_assert_int_eq(release_now(false), VRRP_ORDER_DONE);
	ck_assert_str_eq(told, "stands down; FAULT, eth0 has no carrier");
}
END_TEST

START_TEST(a_link_that_goes_ends_a_release)
{
	begin();
	become_master();
	input(VRRP_INPUT_STEP_DOWN);
	faults(VRRP_FAULT_LINK);
	ck_assert_int_eq(release_now(true), VRRP_ORDER_DONE);
	ck_assert_str_eq(told, "stands down; FAULT, eth0 has no carrier");
}
END_TEST

/* ---- maintenance ----------------------------------------------------------------------------- */

START_TEST(a_release_in_maintenance_ends_with_it)
{
	begin();
	become_master();
	config.barred = true;
	input(VRRP_INPUT_CONFIG);
	input(VRRP_INPUT_STEP_DOWN);
	hear("192.0.2.2", 90);
	expire();
	ck_assert_int_eq(release_now(true), VRRP_ORDER_DONE);
	ck_assert_str_eq(why(), "maintenance; 192.0.2.2 advertises 90");
	now += NSTIME_S;
	hear("192.0.2.2", 90);
	config.barred = false;
	input(VRRP_INPUT_CONFIG);
	for (int i = 0; i < 3; i++) {
		now += NSTIME_S;
		hear("192.0.2.2", 90);
	}
	expire();
	did("BACKUP>MASTER add");
}
END_TEST

/* ---- time -------------------------------------------------------------------------------------
 */

START_TEST(patience_is_some_down_intervals_and_a_delay_within_reason)
{
	nstime down = vrrp_down_interval(3, 100, NSTIME_S);

	begin();
	start(0);
	ck_assert_int_eq(vrrp_order_patience(&machine, &config, now), 4 * down + NSTIME_S);
	become_master();
	ck_assert_int_eq(vrrp_order_patience(&machine, &config, now), 3 * down + NSTIME_S);
	begin();
	config.startup_until = now + 600 * NSTIME_S;
	start(0);
	ck_assert_int_eq(vrrp_order_patience(&machine, &config, now), 3 * down + 11 * NSTIME_S);
}
END_TEST

int main(void)
{
	return SUITE_RUN("vrrp order",
			 CASE("claim", a_claim_is_done_when_the_router_is_master,
			      a_better_master_is_an_answer_at_once,
		     a_table_that_is_not_ready_is_the_answer_at_once_whatever_else_would_hold_back,
		     an_equal_master_that_the_address_would_beat_is_called_equal_while_the_table_is_not_ready,
			      silence_is_waited_for_until_it_is_late,
			      a_fault_and_maintenance_are_answers_at_once,
			      a_claim_of_what_is_being_released_for_good_fails,
			      a_claim_undoes_the_operators_release),
			 CASE("release", a_release_names_the_successor,
			      a_release_without_a_successor_has_failed,
			      a_backup_stands_down_at_once, a_link_that_goes_ends_a_release),
			 CASE("maintenance", a_release_in_maintenance_ends_with_it),
			 CASE("time", patience_is_some_down_intervals_and_a_delay_within_reason));
}
