/* Of the vrrp worker: a MASTER, and a BACKUP that the operator has released. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "states.h"
#include "tests/unit/suite.h"
#include "vrrp/heir.h"
#include "vrrp/track_carry.h"

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

/* public tracks a check, and inside an interface whose loss does not count yet. */
static struct track_set trackers(struct arena *arena)
{
	static struct tracker of_public = {.kind = TRACKER_CHECK, .name = "gateway", .weight = -30},
			      of_inside = {.kind = TRACKER_INTERFACE, .name = "eth1", .down_delay = 60 * NSTIME_S};
	static struct instance instances[] = {{.name = "public", .track = &of_public, .track_count = 1},
					      {.name = "inside", .track = &of_inside, .track_count = 1}};
	const struct model model = {.instances = instances, .instance_count = 2};
	struct track_set set;

	if (track_set_make(&set, &model, arena))
		abort();
	return set;
}

static void make(struct writer *out)
{
	const struct vrrp_heirs left = heirs();
	auto_arena *arena = arena_new(0);
	struct track_set set = trackers(arena);

	vrrp_heirs_put(out, &left, names);
	track_set_see(&set, 0, VERDICT_DOWN, "connect: refused", AGO(70));
	track_set_see(&set, 1, VERDICT_UP, "up", AGO(400));
	for (size_t t = 0; t < set.count; t++)
		track_look(&set.list[t], AGO(60));
	track_set_see(&set, 1, VERDICT_DOWN, "no carrier", AGO(20));
	track_look(&set.list[1], AGO(20));
	track_carry_put(out, &set, names);
}

static void expect_trackers(struct reader *in)
{
	auto_arena *arena = arena_new(0);
	struct track_set set = trackers(arena);

	ck_assert_int_eq(track_carry_get(in, &set, STATE_NOW, arena), 0);
	ck_assert(reader_done(in));
	ck_assert_int_eq(set.list[0].state, VERDICT_DOWN);
	ck_assert_int_eq(set.list[0].since, AGO(70));
	ck_assert_str_eq(set.sources[0].reason, "connect: refused");
	ck_assert_int_eq(set.list[1].state, VERDICT_UP);
	ck_assert_int_eq(set.list[1].due, AGO(20) + 60 * NSTIME_S);
	ck_assert_int_eq(set.sources[1].seen, VERDICT_DOWN);
	ck_assert_int_eq(set.sources[1].since, AGO(20));
}

static void expect(struct reader *in, UNUSED const char *release)
{
	const struct vrrp_heirs left = heirs();
	auto_arena *arena = arena_new(0);
	struct reader again = *in;
	struct vrrp_heirs found;

	expect_trackers(&again);
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
