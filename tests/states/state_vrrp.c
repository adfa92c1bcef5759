/* Of the vrrp worker: a MASTER, and a BACKUP that the operator has released. */
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "states.h"
#include "tests/unit/suite.h"
#include "vrrp/heir.h"

#define AGO(seconds) (STATE_NOW - (seconds) * NSTIME_S)

static const char *const names[] = {"public", "inside"};

static struct vrrp_heirs heirs(void)
{
	static struct vrrp_heir list[] = {
		{.state = 2, .heard = true, .last_advert = AGO(1), .since = AGO(300), .transitions = 5, .sent = 1300,
		 .received = 14, .counter = 0x7f000001, .master = {.family = AF_INET, .bytes = {192, 168, 8, 10}}},
		{.state = 1, .standing = true, .heard = true, .last_advert = AGO(900), .since = AGO(898), .transitions = 2,
		 .sent = 20, .received = 4000, .master = {.family = AF_INET6, .bytes = {0xfe, 0x80, [15] = 7}}},
	};

	return (struct vrrp_heirs){.list = list, .count = 2, .deadline = STATE_NOW + 4 * NSTIME_S};
}

static void make(struct writer *out)
{
	const struct vrrp_heirs left = heirs();

	vrrp_heirs_put(out, &left, names);
}

static void expect(struct reader *in, UNUSED const char *release)
{
	const struct vrrp_heirs left = heirs();
	auto_arena *arena = arena_new(0);
	struct vrrp_heirs found;

	ck_assert_int_eq(vrrp_heirs_get(in, arena, &found), 0);
	ck_assert_int_eq(found.deadline, left.deadline);
	ck_assert_uint_eq(found.count, left.count);
	for (size_t i = 0; i < left.count; i++) {
		const struct vrrp_heir *heir = vrrp_heirs_find(&found, names[i]), *was = &left.list[i];

		ck_assert_ptr_nonnull(heir);
		ck_assert_int_eq(heir->state, was->state);
		ck_assert_int_eq(heir->releasing, was->releasing);
		ck_assert_int_eq(heir->standing, was->standing);
		ck_assert_int_eq(heir->heard, was->heard);
		ck_assert_int_eq(heir->last_advert, was->last_advert);
		ck_assert(addr_equal(&heir->master, &was->master));
		ck_assert_int_eq(heir->since, was->since);
		ck_assert_uint_eq(heir->transitions, was->transitions);
		ck_assert_uint_eq(heir->sent, was->sent);
		ck_assert_uint_eq(heir->received, was->received);
		ck_assert_uint_eq(heir->counter, was->counter);
	}
}

const struct state_role state_vrrp = {"vrrp", make, expect};
