/* AH: captured integrity check values, what they cover, and which counters are taken. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "suite.h"
#include "vrrp/auth.h"
#include "vrrp/auth_io.h"
#include "vrrp_captured.h"

#define ROOM 256
#define SILENCE (3 * NSTIME_S)

static struct addr address(uint8_t last)
{
	return addr_from_ipv4(0x0a000000u + last);
}

/* ---- integrity check value ------------------------------------------------------------------ */

static void icv_of(const uint8_t *packet, size_t size, const char *key, bool unicast, uint8_t *icv)
{
	uint8_t covered[ROOM];

	vrrp_ah_cover(packet, size, packet + VRRP_AH_ICV_AT, unicast, covered);
	ck_assert_int_eq(ah_icv(key, covered, size, icv), 0);
}

static const struct {
	const char *hex, *key;
	bool unicast;
} captured[] = {{V2_AH, "secret", false}, {V2_AH_UNICAST, "longpass", true}};

START_TEST(the_icv_of_keepalived_is_ours)
{
	uint8_t packet[ROOM], icv[VRRP_ICV];
	char words[128] = "";

	ck_assert_msg(!ah_open(words, sizeof(words)), "%s", words);
	for (size_t i = 0; i < COUNT_OF(captured); i++) {
		size_t size = unhex(captured[i].hex, packet);

		icv_of(packet, size, captured[i].key, captured[i].unicast, icv);
		ck_assert(vrrp_icv_equal(icv, packet + VRRP_AH_ICV_AT));
		icv_of(packet, size, "another", captured[i].unicast, icv);
		ck_assert(!vrrp_icv_equal(icv, packet + VRRP_AH_ICV_AT));
	}
}
END_TEST

/* Bytes that routers and kernels on the way may change; the TTL of a multicast packet is none. */
static bool may_change(size_t at, bool unicast)
{
	return at == 1 || at == 6 || at == 7 || at == 10 || at == 11 || (unicast && at == 8) ||
	       (at >= VRRP_AH_ICV_AT && at < VRRP_AH_ICV_AT + VRRP_ICV);
}

START_TEST(the_icv_covers_every_byte_but_those_that_may_change)
{
	uint8_t packet[ROOM], right[VRRP_ICV], icv[VRRP_ICV];
	char words[128];

	ck_assert_int_eq(ah_open(words, sizeof(words)), 0);
	for (size_t i = 0; i < COUNT_OF(captured); i++) {
		size_t size = unhex(captured[i].hex, packet);

		icv_of(packet, size, "secret", captured[i].unicast, right);
		for (size_t at = 0; at < size; at++) {
			packet[at] ^= 0x40;
			icv_of(packet, size, "secret", captured[i].unicast, icv);
			ck_assert_msg(vrrp_icv_equal(icv, right) ==
					      may_change(at, captured[i].unicast),
				      "packet %zu, byte %zu", i, at);
			packet[at] ^= 0x40;
		}
	}
}
END_TEST

START_TEST(icvs_are_equal_only_in_all_their_bytes)
{
	uint8_t one[VRRP_ICV] = {0}, two[VRRP_ICV] = {0};

	ck_assert(vrrp_icv_equal(one, two));
	for (size_t i = 0; i < VRRP_ICV; i++) {
		two[i] = 0x80;
		ck_assert(!vrrp_icv_equal(one, two));
		two[i] = 0;
	}
}
END_TEST

/* ---- counters ------------------------------------------------------------------------------- */

static bool hear(struct vrrp_counters *counters, uint8_t peer, uint32_t counter, nstime now)
{
	struct addr source = address(peer);

	return vrrp_counter_accept(counters, &source, counter, now, SILENCE);
}

START_TEST(a_counter_must_rise)
{
	struct vrrp_counters counters = {0};

	ck_assert(hear(&counters, 1, 7, 0));
	ck_assert(!hear(&counters, 1, 7, 1));
	ck_assert(!hear(&counters, 1, 6, 2));
	ck_assert(hear(&counters, 1, 8, 3));
	ck_assert(hear(&counters, 1, UINT32_MAX, 4));
	ck_assert(!hear(&counters, 1, 9, 5));
}
END_TEST

START_TEST(every_peer_has_a_counter_of_its_own)
{
	struct vrrp_counters counters = {0};

	ck_assert(hear(&counters, 1, 1000, 0));
	ck_assert(hear(&counters, 2, 1, 0));
	ck_assert(!hear(&counters, 1, 2, 1));
	ck_assert(hear(&counters, 2, 2, 1));
}
END_TEST

START_TEST(a_restarted_counter_is_taken_when_nothing_was_for_a_down_timer)
{
	struct vrrp_counters counters = {0};

	ck_assert(hear(&counters, 1, 1000, 0));
	/* refused ones do not make it live longer */
	ck_assert(!hear(&counters, 1, 1, SILENCE / 2));
	ck_assert(!hear(&counters, 1, 2, SILENCE - 1));
	ck_assert(hear(&counters, 1, 3, SILENCE));
	ck_assert(!hear(&counters, 1, 2, SILENCE + 1));
	ck_assert(hear(&counters, 1, 4, SILENCE + 1));
}
END_TEST

START_TEST(more_peers_than_there_is_room_for_push_out_the_one_silent_longest)
{
	struct vrrp_counters counters = {0};

	for (uint8_t i = 0; i < VRRP_AH_PEERS; i++)
		ck_assert(hear(&counters, i, 100, i));
	ck_assert(hear(&counters, 0, 101, 50));
	ck_assert(hear(&counters, 200, 5, 51));
	ck_assert(!hear(&counters, 0, 101, 52));
	ck_assert(!hear(&counters, 200, 5, 52));
	ck_assert(!hear(&counters, 2, 100, 52));
	ck_assert_msg(hear(&counters, 1, 100, 52), "that one was forgotten");
}
END_TEST

START_TEST(our_counter_is_above_all_that_was_sent_or_taken)
{
	struct vrrp_counters counters = {0};

	ck_assert_uint_eq(vrrp_counter_next(&counters, 0), 1);
	ck_assert_uint_eq(vrrp_counter_next(&counters, 0), 2);
	ck_assert(hear(&counters, 1, 1000, 0));
	ck_assert(!hear(&counters, 1, 500, 0));
	ck_assert_uint_eq(vrrp_counter_next(&counters, 0), 1001);
}
END_TEST

START_TEST(a_restarted_director_is_above_what_it_sent_before)
{
	nstime now = INT64_C(1800000000) * NSTIME_S;
	struct vrrp_counters before = {0}, after = {0};
	uint32_t last = 0;

	/* adverts every second and some more, for a day */
	for (int i = 0; i < 86400 * 2; i++)
		last = vrrp_counter_next(&before, now + i * (NSTIME_S / 2));
	ck_assert_uint_gt(vrrp_counter_next(&after, now + 86400 * NSTIME_S + VRRP_AH_TICK), last);
}
END_TEST

int main(void)
{
	return SUITE_RUN("vrrp auth",
			 CASE("icv", the_icv_of_keepalived_is_ours,
			      the_icv_covers_every_byte_but_those_that_may_change,
			      icvs_are_equal_only_in_all_their_bytes),
			 CASE("counters", a_counter_must_rise, every_peer_has_a_counter_of_its_own,
			      a_restarted_counter_is_taken_when_nothing_was_for_a_down_timer,
			      more_peers_than_there_is_room_for_push_out_the_one_silent_longest,
			      our_counter_is_above_all_that_was_sent_or_taken,
			      a_restarted_director_is_above_what_it_sent_before));
}
