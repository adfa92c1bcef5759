/* The state machine, rule by rule: what the RFCs say, takeover, announcing, faults, release. */
#include <string.h>

#include "base/text.h"
#include "fsm_story.h"
#include "suite.h"
#include "vrrp/priority.h"

/* ---- arithmetic ----------------------------------------------------------------------------- */

START_TEST(skew_and_down_interval_follow_rfc_9568_6_1)
{
	ck_assert_int_eq(vrrp_skew(3, 100, NSTIME_S), 609375 * NSTIME_US);
	ck_assert_int_eq(vrrp_skew(3, 254, NSTIME_S), 7812500);
	ck_assert_int_eq(vrrp_skew(3, 255, 256 * MS), MS);
	ck_assert_int_eq(vrrp_down_interval(3, 100, NSTIME_S), 3609375 * NSTIME_US);
	ck_assert_int_eq(vrrp_down_interval(3, 1, 10 * MS), 30 * MS + 10 * MS * 255 / 256);
}
END_TEST

START_TEST(a_higher_address_wins_between_equals)
{
	struct addr low = address("10.0.0.9"), high = address("200.0.0.1");

	ck_assert(vrrp_beats(101, &low, 100, &high));
	ck_assert(!vrrp_beats(99, &high, 100, &low));
	ck_assert(vrrp_beats(100, &high, 100, &low));
	ck_assert(!vrrp_beats(100, &low, 100, &high));
	ck_assert(!vrrp_beats(100, &low, 100, &low));
}
END_TEST

/* ---- start ---------------------------------------------------------------------------------- */

START_TEST(a_router_listens_for_the_down_interval_and_claims)
{
	begin();
	start(0);
	did("INIT>BACKUP");
	ck_assert_str_eq(why(), "listening for a master");
	ck_assert_int_eq(expire(), vrrp_down_interval(3, 100, NSTIME_S));
	did("BACKUP>MASTER add");
	ck_assert_str_eq(why(), "no master heard for 3.6s");
	ck_assert(addr_equal(&machine.master, &config.source));
}
END_TEST

START_TEST(carrier_settle_holds_a_claim_back)
{
	begin();
	config.advert_interval = 10 * MS;
	config.carrier_settle = 2 * NSTIME_S;
	start(0);
	ck_assert_int_eq(expire(), 2 * NSTIME_S);
	did("BACKUP>MASTER add");
}
END_TEST

START_TEST(a_master_heard_while_settling_is_followed)
{
	begin();
	config.carrier_settle = 2 * NSTIME_S;
	start(0);
	now += 1900 * MS;
	hear("192.0.2.2", 200);
	ck_assert_int_eq(vrrp_fsm_due(&machine) - now, vrrp_down_interval(3, 100, NSTIME_S));
}
END_TEST

START_TEST(an_owner_claims_at_once_without_settling_and_after_it_with)
{
	begin();
	config.priority = 255;
	start(0);
	did("INIT>MASTER add");
	ck_assert_str_eq(why(), "owner of the addresses (priority 255)");
	begin();
	config.priority = 255;
	config.carrier_settle = 2 * NSTIME_S;
	start(0);
	did("INIT>BACKUP");
	now += NSTIME_S;
	hear("192.0.2.2", 200);
	ck_assert_int_eq(expire(), NSTIME_S);
	did("BACKUP>MASTER add");
}
END_TEST

START_TEST(a_start_with_a_fault_waits_for_all_causes_to_go)
{
	begin();
	config.carrier_settle = 2 * NSTIME_S;
	config.advert_interval = 100 * MS;
	start(VRRP_FAULT_LINK | VRRP_FAULT_SOURCE);
	did("INIT>FAULT");
	ck_assert_int_eq(vrrp_fsm_due(&machine), NSTIME_NEVER);
	faults(VRRP_FAULT_SOURCE);
	did("");
	ck_assert_int_eq(machine.state, VRRP_FAULT);
	faults(0);
	did("FAULT>BACKUP");
	ck_assert_int_eq(expire(), 2 * NSTIME_S);
}
END_TEST

/* ---- backup --------------------------------------------------------------------------------- */

START_TEST(backup_adopts_the_masters_interval)
{
	begin();
	start(0);
	hear_every("192.0.2.2", 200, 3 * NSTIME_S);
	did("");
	ck_assert_str_eq(why(), "192.0.2.2 advertises 200 > 100");
	ck_assert_int_eq(expire(), vrrp_down_interval(3, 100, 3 * NSTIME_S));
	did("BACKUP>MASTER add");
	ck_assert_str_eq(why(), "no advert from 192.0.2.2 for 10.8s");
	ck_assert_int_eq(machine.master_interval, NSTIME_S);
}
END_TEST

START_TEST(each_accepted_advert_restarts_the_down_timer)
{
	begin();
	start(0);
	for (int i = 0; i < 10; i++) {
		now += 3 * NSTIME_S;
		hear("192.0.2.2", 101);
		did("");
	}
	ck_assert_int_eq(expire(), vrrp_down_interval(3, 100, NSTIME_S));
}
END_TEST

START_TEST(a_lower_master_is_preempted_when_the_down_timer_ends)
{
	begin();
	start(0);
	for (int i = 0; i < 3; i++) {
		now += NSTIME_S;
		hear("192.0.2.2", 90);
		did("");
	}
	ck_assert_str_eq(why(), "192.0.2.2 advertises 90 < 100, about to preempt");
	ck_assert_int_eq(expire(), vrrp_down_interval(3, 100, NSTIME_S) - 3 * NSTIME_S);
	ck_assert_str_eq(why(), "192.0.2.2 advertised 90 < 100");
}
END_TEST

START_TEST(without_preempt_a_lower_master_is_followed)
{
	begin();
	config.preempt = false;
	start(0);
	now += 3 * NSTIME_S;
	hear("192.0.2.2", 90);
	ck_assert_str_eq(why(), "192.0.2.2 advertises 90 < 100, preempt is off");
	ck_assert_int_eq(vrrp_fsm_due(&machine) - now, vrrp_down_interval(3, 100, NSTIME_S));
}
END_TEST

START_TEST(an_equal_master_is_left_in_peace_whatever_its_address)
{
	begin();
	config.source = address("192.0.2.9");
	start(0);
	now += NSTIME_S;
	hear("192.0.2.2", 100);
	ck_assert_str_eq(why(), "192.0.2.2 is master with the same priority 100");
	ck_assert_int_eq(vrrp_fsm_due(&machine) - now, vrrp_down_interval(3, 100, NSTIME_S));
}
END_TEST

START_TEST(a_living_lower_master_is_not_preempted_before_ready)
{
	begin();
	machine.ready = false;
	config.ready_until = now + 30 * NSTIME_S;
	start(0);
	for (int i = 0; i < 10; i++) {
		now += NSTIME_S;
		hear("192.0.2.2", 90);
	}
	ck_assert_str_eq(why(),
			 "192.0.2.2 advertises 90 < 100, not preempting before table and tracked "
			 "checks are ready");
	step((struct vrrp_input){.kind = VRRP_INPUT_READY, .yes = true});
	now += NSTIME_S;
	hear("192.0.2.2", 90);
	ck_assert_int_eq(expire(), vrrp_down_interval(3, 100, NSTIME_S) - NSTIME_S);
	did("BACKUP>MASTER add");
}
END_TEST

START_TEST(ready_timeout_ends_the_waiting)
{
	begin();
	machine.ready = false;
	config.ready_until = now + 5 * NSTIME_S;
	start(0);
	for (int i = 0; i < 7; i++) {
		now += NSTIME_S;
		hear("192.0.2.2", 90);
	}
	/* the fourth was the last one accepted */
	ck_assert_int_eq(expire(), vrrp_down_interval(3, 100, NSTIME_S) - 3 * NSTIME_S);
}
END_TEST

START_TEST(a_lone_director_claims_though_it_is_not_ready)
{
	begin();
	machine.ready = false;
	config.ready_until = now + 30 * NSTIME_S;
	start(0);
	ck_assert_int_eq(expire(), vrrp_down_interval(3, 100, NSTIME_S));
	did("BACKUP>MASTER add");
}
END_TEST

START_TEST(an_owner_too_waits_for_the_table)
{
	begin();
	config.priority = 255;
	machine.ready = false;
	config.ready_until = now + 30 * NSTIME_S;
	start(0);
	did("INIT>BACKUP");
	now += 2 * NSTIME_S;
	hear("192.0.2.2", 90);
	ck_assert_int_eq(vrrp_fsm_due(&machine) - now, vrrp_down_interval(3, 255, NSTIME_S));
}
END_TEST

START_TEST(priority_0_leaves_the_skew_time)
{
	begin();
	start(0);
	hear("192.0.2.2", 200);
	now += 500 * MS;
	hear("192.0.2.2", 0);
	ck_assert_str_eq(why(), "192.0.2.2 gives up, about to take over");
	now += 10 * MS;
	hear("192.0.2.2", 0); /* said again, but not waited for again */
	ck_assert_int_eq(expire(), vrrp_skew(3, 100, NSTIME_S) - 10 * MS);
	did("BACKUP>MASTER add");
	ck_assert_str_eq(why(), "192.0.2.2 gave up");
}
END_TEST

START_TEST(priority_0_of_another_than_the_master_means_nothing)
{
	begin();
	start(0);
	hear("192.0.2.2", 200);
	hear("192.0.2.3", 0);
	ck_assert_int_eq(vrrp_fsm_due(&machine) - now, vrrp_down_interval(3, 100, NSTIME_S));
	ck_assert_str_eq(why(), "192.0.2.2 advertises 200 > 100");
}
END_TEST

START_TEST(a_new_priority_moves_the_down_timer_by_its_skew)
{
	begin();
	start(0);
	hear("192.0.2.2", 200);
	now += NSTIME_S;
	config.priority = 180;
	input(VRRP_INPUT_CONFIG);
	did("");
	ck_assert_int_eq(vrrp_fsm_due(&machine),
			 now - NSTIME_S + vrrp_down_interval(3, 180, NSTIME_S));
	ck_assert_str_eq(why(), "192.0.2.2 advertises 200 > 180");
}
END_TEST

/* ---- takeover ------------------------------------------------------------------------------- */

START_TEST(takeover_is_addresses_then_advert_then_announcement)
{
	begin();
	start(0);
	expire();
	did("BACKUP>MASTER add");
	now += 3 * MS;
	written(true);
	did("send100 announce");
	ck_assert_int_eq(machine.deadline - now, NSTIME_S);
}
END_TEST

START_TEST(the_advert_does_not_wait_long_for_the_addresses)
{
	begin();
	start(0);
	expire();
	ck_assert_int_eq(expire(), VRRP_PATIENCE);
	did("send100");
	now += 400 * MS;
	written(true);
	did("announce");
	ck_assert_int_eq(machine.deadline - now, 600 * MS);
}
END_TEST

START_TEST(a_lesser_master_is_left_alone_until_the_addresses_are_in)
{
	begin();
	start(0);
	now += 3 * NSTIME_S;
	hear("192.0.2.2", 90);
	expire();
	now += MS;
	hear("192.0.2.2", 90);
	did("");
	now += MS;
	written(true);
	did("send100 announce");
}
END_TEST

START_TEST(adverts_keep_their_rhythm_though_a_timer_is_late)
{
	nstime first;

	begin();
	become_master();
	first = machine.deadline;
	now = first + 7 * MS;
	input(VRRP_INPUT_TIMER);
	ck_assert_int_eq(machine.deadline, first + NSTIME_S);
	now = first + 10 * NSTIME_S; /* the machine slept */
	input(VRRP_INPUT_TIMER);
	ck_assert_int_eq(machine.deadline, now + NSTIME_S);
}
END_TEST

/* Announcements until `until`, as seconds since `from` in tenths. */
static void rounds_until(nstime from, nstime until, struct text *text)
{
	while (vrrp_fsm_due(&machine) <= until) {
		now = vrrp_fsm_due(&machine);
		input(VRRP_INPUT_TIMER);
		if (strstr(actions, "announce"))
			text_add(text, "%lld ", (long long)((now - from) / (100 * MS)));
	}
}

START_TEST(announcements_come_in_two_bursts_and_a_jittered_refresh)
{
	char seen[256];
	struct text text = text_of(seen, sizeof(seen));
	nstime from;

	begin();
	config.announce.refresh = 60 * NSTIME_S;
	become_master();
	from = now;
	rounds_until(from, from + 20 * NSTIME_S, &text);
	ck_assert_str_eq(seen, "2 4 6 8 50 52 54 56 58 ");
	ck_assert_int_ge(machine.refresh_at, from + 58 * NSTIME_S / 10 + 60 * NSTIME_S * 7 / 8);
	now = machine.refresh_at;
	step((struct vrrp_input){.kind = VRRP_INPUT_TIMER, .random = 1023});
	ck_assert_ptr_nonnull(strstr(actions, "announce"));
	ck_assert_int_le(machine.refresh_at, now + 60 * NSTIME_S * 9 / 8);
	ck_assert_int_gt(machine.refresh_at, now + 60 * NSTIME_S);
	ck_assert_int_eq(machine.round_at, NSTIME_NEVER);
}
END_TEST

START_TEST(leaving_master_ends_all_announcing)
{
	begin();
	config.announce.refresh = 60 * NSTIME_S;
	become_master();
	hear("192.0.2.2", 200);
	did("remove send100 MASTER>BACKUP");
	ck_assert_int_eq(vrrp_fsm_due(&machine) - now, vrrp_down_interval(3, 100, NSTIME_S));
	now += 30 * NSTIME_S;
	hear("192.0.2.2", 200);
	did("");
	for (int i = 0; i < 4; i++) { /* and it does not pile up over failovers */
		expire();
		written(true);
		hear("192.0.2.2", 200);
	}
	expire();
	written(true);
	did("send100 announce");
	ck_assert_int_eq(machine.rounds, 4);
}
END_TEST

START_TEST(addresses_put_back_are_announced)
{
	begin();
	become_master();
	now += 30 * NSTIME_S;
	input(VRRP_INPUT_TIMER);
	written(false);
	did("");
	now += 30 * NSTIME_S;
	input(VRRP_INPUT_TIMER);
	machine.rounds = 0;
	machine.round_at = NSTIME_NEVER;
	now += 100 * MS;
	written(true);
	ck_assert_int_gt(machine.rounds, 0);
}
END_TEST

/* ---- master --------------------------------------------------------------------------------- */

START_TEST(a_master_advertises_each_interval)
{
	begin();
	config.announce = (struct announce){0};
	start(0);
	expire();
	written(true);
	did("send100");
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(expire(), NSTIME_S);
		did("send100");
	}
}
END_TEST

START_TEST(a_higher_master_deposes)
{
	begin();
	become_master();
	hear_every("192.0.2.2", 101, 2 * NSTIME_S);
	did("remove send100 MASTER>BACKUP");
	ck_assert_str_eq(why(), "192.0.2.2 advertises 101 > 100");
	ck_assert_int_eq(vrrp_fsm_due(&machine) - now, vrrp_down_interval(3, 100, 2 * NSTIME_S));
}
END_TEST

START_TEST(the_last_word_of_a_preempted_master_is_no_competition)
{
	begin();
	start(0);
	now += 3 * NSTIME_S;
	hear("192.0.2.2", 90);
	expire();
	written(true);
	now += MS;
	hear("192.0.2.2", 90);
	ck_assert(!machine.competing);
	now += 3 * NSTIME_S;
	hear("192.0.2.2", 90);
	ck_assert(machine.competing);
}
END_TEST

START_TEST(between_equal_masters_the_higher_address_stays)
{
	begin();
	become_master();
	now += 20 * NSTIME_S;
	input(VRRP_INPUT_TIMER);
	now += 500 * MS;
	hear("192.0.2.0", 100);
	ck_assert_int_eq(machine.state, VRRP_MASTER);
	hear("192.0.2.2", 100);
	did("remove send100 MASTER>BACKUP");
	ck_assert_str_eq(why(), "192.0.2.2 advertises 100 too and has the higher address");
	hear("192.0.2.2", 100);
	ck_assert_str_eq(why(), "192.0.2.2 advertises 100 too and has the higher address");
}
END_TEST

START_TEST(of_two_owners_one_remains)
{
	begin();
	config.priority = 255;
	start(0);
	written(true);
	hear("192.0.2.0", 255);
	ck_assert_int_eq(machine.state, VRRP_MASTER);
	hear("192.0.2.2", 255);
	ck_assert_int_eq(machine.state, VRRP_BACKUP);
}
END_TEST

START_TEST(a_lesser_master_is_told_at_once_and_clients_again_when_it_has_gone)
{
	begin();
	become_master();
	now += 20 * NSTIME_S;
	input(VRRP_INPUT_TIMER);
	now += 900 * MS;
	hear("192.0.2.2", 90);
	did("send100 announce");
	ck_assert(machine.competing);
	ck_assert_int_eq(machine.deadline - now, NSTIME_S);
	now += 1500 * MS - 1;
	input(VRRP_INPUT_TIMER);
	ck_assert(machine.competing);
	machine.round_at = NSTIME_NEVER;
	now += 1;
	input(VRRP_INPUT_TIMER);
	ck_assert(!machine.competing);
	ck_assert_int_ge(machine.rounds, 4);
}
END_TEST

START_TEST(a_flood_of_lesser_adverts_neither_silences_nor_multiplies_ours)
{
	unsigned sent = 0, announced = 0;
	nstime last, longest = 0, end;

	begin();
	become_master();
	last = now;
	end = now + 10 * NSTIME_S;
	for (; now < end; now += 100 * NSTIME_US) {
		input(VRRP_INPUT_TIMER);
		sent += strstr(actions, "send") != NULL;
		announced += strstr(actions, "announce") != NULL;
		if (now % MS == 0)
			hear("192.0.2.2", now % (2 * MS) ? 90 : 0);
		if (strstr(actions, "send")) {
			sent++;
			longest = nstime_max(longest, now - last);
			last = now;
		}
		announced += strstr(actions, "announce") != NULL;
	}
	ck_assert_int_le(longest, NSTIME_S);
	ck_assert_uint_le(sent, 101);
	ck_assert_uint_le(announced, 51);
}
END_TEST

START_TEST(priority_0_is_answered_with_an_advert)
{
	begin();
	become_master();
	now += 500 * MS;
	hear("192.0.2.2", 0);
	ck_assert_ptr_nonnull(strstr(actions, "send100"));
	ck_assert_int_eq(machine.state, VRRP_MASTER);
}
END_TEST

START_TEST(a_changed_interval_or_priority_is_advertised_at_once)
{
	begin();
	become_master();
	now += 500 * MS;
	input(VRRP_INPUT_TIMER);
	config.advert_interval = 10 * NSTIME_S;
	config.priority = 120;
	input(VRRP_INPUT_CONFIG);
	did("add send120");
	ck_assert_int_eq(machine.deadline - now, 10 * NSTIME_S);
}
END_TEST

/* ---- faults --------------------------------------------------------------------------------- */

START_TEST(a_dead_link_ends_mastership_without_a_word)
{
	begin();
	become_master();
	faults(VRRP_FAULT_LINK);
	did("remove MASTER>FAULT");
	ck_assert_str_eq(why(), "eth0 has no carrier");
	ck_assert_int_eq(vrrp_fsm_due(&machine), NSTIME_NEVER);
	hear("192.0.2.2", 90);
	did("");
	faults(0);
	did("FAULT>BACKUP");
}
END_TEST

START_TEST(a_fault_that_lets_us_speak_says_priority_0_after_the_removal)
{
	begin();
	become_master();
	faults(VRRP_FAULT_ADDRESS);
	did("remove send0 MASTER>FAULT");
}
END_TEST

START_TEST(carrier_settle_applies_when_the_carrier_returns_and_only_then)
{
	begin();
	config.carrier_settle = 20 * NSTIME_S;
	machine.carrier_lost = false;
	start(0);
	now = vrrp_fsm_due(&machine);
	input(VRRP_INPUT_TIMER);
	faults(VRRP_FAULT_ADDRESS);
	faults(0);
	ck_assert_int_eq(vrrp_fsm_due(&machine) - now, vrrp_down_interval(3, 100, NSTIME_S));
	faults(VRRP_FAULT_LINK | VRRP_FAULT_ADDRESS);
	faults(VRRP_FAULT_ADDRESS);
	faults(0);
	ck_assert_int_eq(vrrp_fsm_due(&machine) - now, 20 * NSTIME_S);
}
END_TEST

/* ---- release, withdraw, resume -------------------------------------------------------------- */

START_TEST(a_release_holds_the_addresses_until_a_successor_is_heard)
{
	begin();
	become_master();
	now += 500 * MS;
	input(VRRP_INPUT_TIMER);
	input(VRRP_INPUT_RELEASE);
	did("send0");
	ck_assert(vrrp_fsm_releasing(&machine));
	ck_assert_int_eq(expire(), 10 * MS);
	did("send0");
	ck_assert_int_eq(expire(), 10 * MS);
	did("send0");
	now += 600 * MS;
	hear("192.0.2.2", 90);
	did("");
	ck_assert_int_eq(expire(), VRRP_GRACE);
	did("remove MASTER>INIT released");
	ck_assert_str_eq(why(), "released, 192.0.2.2 has taken over with 90");
	ck_assert_int_eq(vrrp_fsm_due(&machine), NSTIME_NEVER);
}
END_TEST

START_TEST(a_release_without_successor_says_it_once_more_and_ends)
{
	begin();
	become_master();
	input(VRRP_INPUT_RELEASE);
	expire();
	expire();
	ck_assert_int_eq(expire(), NSTIME_S + 50 * MS);
	did("send0");
	ck_assert_int_eq(expire(), NSTIME_S + 50 * MS);
	did("remove MASTER>INIT released");
	ck_assert_str_eq(why(), "released, nobody took over");
}
END_TEST

START_TEST(a_release_is_not_disturbed)
{
	begin();
	become_master();
	input(VRRP_INPUT_RELEASE);
	hear("192.0.2.2", 0);
	did("");
	input(VRRP_INPUT_CONFIG);
	did("");
	input(VRRP_INPUT_RELEASE);
	did("");
	written(true);
	did("");
	faults(VRRP_FAULT_LINK);
	did("remove MASTER>INIT released");
}
END_TEST

START_TEST(who_is_not_master_has_nothing_to_release)
{
	begin();
	start(0);
	input(VRRP_INPUT_RELEASE);
	did("BACKUP>INIT released");
	ck_assert_str_eq(why(), "stopped");
	input(VRRP_INPUT_RELEASE);
	did("released");
}
END_TEST

START_TEST(withdrawing_removes_without_a_word)
{
	begin();
	become_master();
	input(VRRP_INPUT_WITHDRAW);
	did("remove MASTER>INIT");
	ck_assert_str_eq(why(), "withdrawn");
}
END_TEST

START_TEST(a_restarted_worker_goes_on_as_master)
{
	begin();
	step((struct vrrp_input){.kind = VRRP_INPUT_RESUME, .point = now - 700 * MS});
	did("INIT>MASTER send100 add");
	ck_assert_str_eq(why(), "going on after a restart of the worker, last advert 700ms ago");
	written(false);
	did(""); /* nobody has noticed: nothing to announce */
	ck_assert_int_eq(expire(), NSTIME_S);
	did("send100");
}
END_TEST

START_TEST(a_restarted_worker_with_a_fault_does_not_go_on)
{
	begin();
	step((struct vrrp_input){
		.kind = VRRP_INPUT_RESUME, .point = now - 700 * MS, .faults = VRRP_FAULT_LINK});
	did("INIT>FAULT");
}
END_TEST

int main(void)
{
	return SUITE_RUN(
		"vrrp fsm",
		CASE("arithmetic", skew_and_down_interval_follow_rfc_9568_6_1,
		     a_higher_address_wins_between_equals),
		CASE("start", a_router_listens_for_the_down_interval_and_claims,
		     carrier_settle_holds_a_claim_back, a_master_heard_while_settling_is_followed,
		     an_owner_claims_at_once_without_settling_and_after_it_with,
		     a_start_with_a_fault_waits_for_all_causes_to_go),
		CASE("backup", backup_adopts_the_masters_interval,
		     each_accepted_advert_restarts_the_down_timer,
		     a_lower_master_is_preempted_when_the_down_timer_ends,
		     without_preempt_a_lower_master_is_followed,
		     an_equal_master_is_left_in_peace_whatever_its_address,
		     a_living_lower_master_is_not_preempted_before_ready,
		     ready_timeout_ends_the_waiting, a_lone_director_claims_though_it_is_not_ready,
		     an_owner_too_waits_for_the_table, priority_0_leaves_the_skew_time,
		     priority_0_of_another_than_the_master_means_nothing,
		     a_new_priority_moves_the_down_timer_by_its_skew),
		CASE("takeover", takeover_is_addresses_then_advert_then_announcement,
		     the_advert_does_not_wait_long_for_the_addresses,
		     a_lesser_master_is_left_alone_until_the_addresses_are_in,
		     adverts_keep_their_rhythm_though_a_timer_is_late,
		     announcements_come_in_two_bursts_and_a_jittered_refresh,
		     leaving_master_ends_all_announcing, addresses_put_back_are_announced),
		CASE("master", a_master_advertises_each_interval, a_higher_master_deposes,
		     the_last_word_of_a_preempted_master_is_no_competition,
		     between_equal_masters_the_higher_address_stays, of_two_owners_one_remains,
		     a_lesser_master_is_told_at_once_and_clients_again_when_it_has_gone,
		     a_flood_of_lesser_adverts_neither_silences_nor_multiplies_ours,
		     priority_0_is_answered_with_an_advert,
		     a_changed_interval_or_priority_is_advertised_at_once),
		CASE("faults", a_dead_link_ends_mastership_without_a_word,
		     a_fault_that_lets_us_speak_says_priority_0_after_the_removal,
		     carrier_settle_applies_when_the_carrier_returns_and_only_then),
		CASE("release", a_release_holds_the_addresses_until_a_successor_is_heard,
		     a_release_without_successor_says_it_once_more_and_ends,
		     a_release_is_not_disturbed, who_is_not_master_has_nothing_to_release,
		     withdrawing_removes_without_a_word, a_restarted_worker_goes_on_as_master,
		     a_restarted_worker_with_a_fault_does_not_go_on));
}
