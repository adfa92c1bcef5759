/* vrrp: what is next about the link of a virtual MAC address; also that it always comes to an end. */
#include <string.h>
#include <sys/socket.h>

#include "suite.h"
#include "vrrp/vlink.h"

static struct macvlan wanted;
static struct link nothing, there;

/* A BACKUP's link in its place. */
static struct vlink_view settled(void)
{
	wanted = (struct macvlan){.name = "eth0-v4-51", .alias = "lbha:public"};
	macvlan_mac(AF_INET, 51, wanted.mac);
	there = (struct link){.index = 9, .parent = 2, .macvlan = true};
	memcpy(there.name, wanted.name, sizeof(there.name));
	memcpy(there.mac, wanted.mac, sizeof(there.mac));
	there.alias = link_alias_print(wanted.alias);
	return (struct vlink_view){.needed = true,
				   .owned = true,
				   .marked = true,
				   .tuned = true,
				   .parent = 2,
				   .there = &there};
}

static enum vlink_step step_of(const struct vlink_view *view)
{
	return vlink_next(view, &wanted);
}

START_TEST(it_is_made_when_its_interface_is_there)
{
	struct vlink_view view = settled();

	view.there = &nothing;
	view.owned = false;
	ck_assert_int_eq(step_of(&view), VLINK_ADD);
	view.parent = 0;
	ck_assert_int_eq(step_of(&view), VLINK_IDLE);
}
END_TEST

START_TEST(it_is_marked_and_tuned_before_it_is_raised)
{
	struct vlink_view view = settled();

	view.raised = true;
	view.owned = view.marked = view.tuned = false;
	ck_assert_int_eq(step_of(&view), VLINK_ADOPT);
	view.owned = true;
	ck_assert_int_eq(step_of(&view), VLINK_MARK);
	view.marked = true;
	ck_assert_int_eq(step_of(&view), VLINK_TUNE);
	view.tuned = true;
	ck_assert_int_eq(step_of(&view), VLINK_UP);
	view.up = true;
	ck_assert_int_eq(step_of(&view), VLINK_IDLE);
	view.raised = false;
	ck_assert_int_eq(step_of(&view), VLINK_DOWN);
}
END_TEST

START_TEST(what_nobody_needs_is_lowered_emptied_and_removed)
{
	struct vlink_view view = settled();

	view.needed = false;
	view.up = view.occupied = true;
	ck_assert_int_eq(step_of(&view), VLINK_DOWN);
	view.up = false;
	ck_assert_int_eq(step_of(&view), VLINK_IDLE);
	view.occupied = false;
	ck_assert_int_eq(step_of(&view), VLINK_REMOVE);
	view.there = &nothing;
	ck_assert_int_eq(step_of(&view), VLINK_FORGET);
	view.owned = false;
	ck_assert_int_eq(step_of(&view), VLINK_IDLE);
}
END_TEST

START_TEST(a_link_of_somebody_else_is_never_touched)
{
	struct vlink_view view = settled();

	there.macvlan = false;
	view.raised = view.up = true;
	ck_assert_int_eq(step_of(&view), VLINK_FORGET);
	view.owned = false;
	for (unsigned i = 0; i < 16; i++) {
		view.needed = i & 1;
		view.raised = i & 2;
		view.up = i & 4;
		view.parent = i & 8 ? 2 : 3;
		ck_assert_int_eq(step_of(&view), VLINK_IDLE);
	}
}
END_TEST

START_TEST(a_link_that_is_needed_no_more_and_not_written_down_stays)
{
	struct vlink_view view = settled();

	view.needed = view.owned = false;
	ck_assert_int_eq(step_of(&view), VLINK_IDLE);
}
END_TEST

START_TEST(on_an_interface_that_was_made_anew_it_is_made_anew)
{
	struct vlink_view view = settled();

	view.parent = 7;
	view.occupied = true; /* by addresses that are wanted and go along */
	ck_assert_int_eq(step_of(&view), VLINK_REMOVE);
	view.parent = 0; /* nobody knows yet */
	ck_assert_int_eq(step_of(&view), VLINK_IDLE);
}
END_TEST

/* A kernel that does what it is told, from every state it can be in. */
static void obey(struct vlink_view *view, struct link *link, enum vlink_step step)
{
	switch (step) {
	case VLINK_IDLE:
		break;
	case VLINK_ADD:
		*link = there;
		link->parent = view->parent;
		link->alias = 0;
		view->owned = true;
		view->up = view->marked = view->tuned = false;
		break;
	case VLINK_ADOPT:
		view->owned = true;
		break;
	case VLINK_MARK:
		view->marked = true;
		break;
	case VLINK_TUNE:
		view->tuned = true;
		break;
	case VLINK_UP:
	case VLINK_DOWN:
		view->up = step == VLINK_UP;
		break;
	case VLINK_REMOVE:
		*link = nothing;
		view->owned = view->up = view->occupied = false;
		break;
	case VLINK_FORGET:
		view->owned = false;
		break;
	}
}

START_TEST(from_every_state_it_comes_to_rest_in_the_wanted_one)
{
	for (unsigned state = 0; state < 1u << 10; state++) {
		struct vlink_view view = settled();
		struct link link = there;
		unsigned steps = 0;
		enum vlink_step step;

		view.there = &link;
		view.needed = state & 1;
		view.raised = view.needed && (state & 2);
		view.owned = state & 4;
		view.marked = state & 8;
		view.tuned = state & 16;
		view.up = state & 32;
		view.parent = state & 64 ? 2 : 7;
		if (state & 128)
			link = nothing;
		if (state & 256)
			link.alias = 0;
		view.up &= link.index != 0;
		while ((step = step_of(&view)) != VLINK_IDLE) {
			obey(&view, &link, step);
			ck_assert_uint_lt(++steps, 10);
		}
		if (view.needed && (link.alias || view.owned)) {
			ck_assert(link.index && view.owned && link.parent == view.parent);
			ck_assert(view.marked && view.tuned && view.up == view.raised);
		}
		if (!view.needed)
			ck_assert(!view.owned);
	}
}
END_TEST

int main(void)
{
	return SUITE_RUN("vrrp/vlink",
			 CASE("vlink", it_is_made_when_its_interface_is_there,
			      it_is_marked_and_tuned_before_it_is_raised,
			      what_nobody_needs_is_lowered_emptied_and_removed,
			      a_link_of_somebody_else_is_never_touched,
			      a_link_that_is_needed_no_more_and_not_written_down_stays,
			      on_an_interface_that_was_made_anew_it_is_made_anew,
			      from_every_state_it_comes_to_rest_in_the_wanted_one));
}
