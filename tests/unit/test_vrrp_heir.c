/* What a vrrp worker hands to its successor, of whatever release, and how long that one may take. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/carry.h"
#include "suite.h"
#include "vrrp/heir.h"
#include "vrrp/priority.h"

static const char *const names[] = {"public", "inside"};

static struct vrrp_heirs two(void)
{
	static struct vrrp_heir list[] = {
		{.state = 2, .heard = true, .last_advert = 77 * NSTIME_S, .since = 5 * NSTIME_S,
		 .master = {.family = AF_INET, .bytes = {192, 168, 8, 10}},
		 .transitions = 3, .sent = 1000, .received = 17, .counter = 0x80000001},
		{.state = 1, .releasing = true, .standing = true},
	};

	return (struct vrrp_heirs){.list = list, .count = 2, .deadline = 90 * NSTIME_S};
}

/* A record of a later release, and a value of it behind a known record. */
static size_t carry_of(uint8_t *bytes, size_t size)
{
	struct vrrp_heirs heirs = two();
	struct writer out = writer_of(bytes, size);
	uint8_t *record;

	carry_begin(&out);
	record = carry_record(&out, 4711);
	put_text(&out, "of a later release");
	carry_end(&out, record);
	vrrp_heirs_put(&out, &heirs, names);
	return out.failed ? 0 : writer_used(&out);
}

static int read_carry(const uint8_t *bytes, size_t size, struct arena *arena, struct vrrp_heirs *out)
{
	struct reader in = reader_of(bytes, size);

	return carry_start(&in) ? vrrp_heirs_get(&in, arena, out) : -EBADMSG;
}

START_TEST(what_was_put_is_found_by_its_name)
{
	auto_arena *arena = arena_new(0);
	struct vrrp_heirs heirs = {0}, put = two();
	const struct vrrp_heir *heir;
	uint8_t bytes[1024];
	size_t size = carry_of(bytes, sizeof(bytes));

	ck_assert_uint_gt(size, 0);
	ck_assert_uint_le(size, vrrp_heirs_size(2, 12) + 64);
	ck_assert_int_eq(read_carry(bytes, size, arena, &heirs), 0);
	ck_assert_uint_eq(heirs.count, 2);
	ck_assert_int_eq(heirs.deadline, put.deadline);
	for (size_t i = 0; i < 2; i++) {
		heir = vrrp_heirs_find(&heirs, names[i]);
		ck_assert_ptr_nonnull(heir);
		put.list[i].key = vrrp_heir_key(names[i]);
		ck_assert_int_eq(heir->state, put.list[i].state);
		ck_assert_int_eq(heir->releasing, put.list[i].releasing);
		ck_assert_int_eq(heir->standing, put.list[i].standing);
		ck_assert_int_eq(heir->heard, put.list[i].heard);
		ck_assert_int_eq(heir->last_advert, put.list[i].last_advert);
		ck_assert(addr_equal(&heir->master, &put.list[i].master));
		ck_assert_int_eq(heir->since, put.list[i].since);
		ck_assert_uint_eq(heir->transitions, put.list[i].transitions);
		ck_assert_uint_eq(heir->sent, put.list[i].sent);
		ck_assert_uint_eq(heir->received, put.list[i].received);
		ck_assert_uint_eq(heir->counter, put.list[i].counter);
	}
	ck_assert_ptr_null(vrrp_heirs_find(&heirs, "outside"));
	ck_assert_ptr_null(vrrp_heirs_find(&(struct vrrp_heirs){0}, "public"));
}
END_TEST

START_TEST(a_carry_that_is_cut_gives_nothing)
{
	uint8_t bytes[1024], cut[1024];
	size_t size = carry_of(bytes, sizeof(bytes));

	for (size_t length = 0; length < size; length++) {
		auto_arena *arena = arena_new(0);
		struct vrrp_heirs heirs = {0};
		int err = read_carry(memcpy(cut, bytes, length), length, arena, &heirs);

		ck_assert(err == -EBADMSG || heirs.count < 2);
	}
}
END_TEST

START_TEST(an_instance_in_no_known_state_is_left_out)
{
	auto_arena *arena = arena_new(0);
	struct vrrp_heirs heirs = two();
	struct writer out;
	uint8_t bytes[1024];

	heirs.list[0].state = 9;
	out = writer_of(bytes, sizeof(bytes));
	carry_begin(&out);
	vrrp_heirs_put(&out, &heirs, names);
	ck_assert_int_eq(read_carry(bytes, writer_used(&out), arena, &heirs), 0);
	ck_assert_uint_eq(heirs.count, 1);
	ck_assert_ptr_nonnull(vrrp_heirs_find(&heirs, "inside"));
}
END_TEST

START_TEST(who_goes_on_is_back_before_the_fastest_backup_claims)
{
	ck_assert_int_lt(vrrp_heir_grace(NSTIME_S, true), vrrp_down_interval(3, 254, NSTIME_S));
	ck_assert_int_ge(vrrp_heir_grace(NSTIME_S, true), 5 * NSTIME_S / 2);
	ck_assert_int_eq(vrrp_heir_grace(NSTIME_S, false), 2 * NSTIME_S);
}
END_TEST

START_TEST(addresses_stay_until_the_slowest_backup_has_claimed)
{
	ck_assert_int_ge(vrrp_lease(3, NSTIME_S), vrrp_down_interval(3, 1, NSTIME_S));
	ck_assert_int_ge(vrrp_lease(2, 10 * NSTIME_S), vrrp_down_interval(2, 1, 10 * NSTIME_S));
	ck_assert_int_eq(vrrp_lease(3, 100 * NSTIME_MS), VRRP_LEASE_MIN);
	ck_assert_uint_eq(vrrp_lease_seconds(3 * NSTIME_S), 3);
	ck_assert_uint_eq(vrrp_lease_seconds(3 * NSTIME_S + 1), 4);
	ck_assert_uint_eq(vrrp_lease_seconds(-NSTIME_S), 1);
}
END_TEST

int main(void)
{
	return SUITE_RUN("vrrp-heir",
			 CASE("the carry", what_was_put_is_found_by_its_name,
			      a_carry_that_is_cut_gives_nothing, an_instance_in_no_known_state_is_left_out),
			 CASE("time", who_goes_on_is_back_before_the_fastest_backup_claims,
			      addresses_stay_until_the_slowest_backup_has_claimed));
}
