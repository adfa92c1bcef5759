/* What a reload means for running routers, in rows and in words; and when a lost address is put
 * back. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/changes.h"
#include "suite.h"
#include "vrrp/reload.h"
#include "net/repair.h"

static struct vip vip(const char *text)
{
	struct vip out = {.advertise = true};

	ck_assert_int_eq(prefix_parse(text, &out.address), 0);
	return out;
}

/* Instances with one address and usual values; `vips` has room for them. */
static struct instance instance(const char *name, uint8_t virtual_router_id, struct vip *vips,
				size_t count)
{
	struct instance out = {
		.name = name,
		.interface = "eth0",
		.virtual_router_id = virtual_router_id,
		.version = 3,
		.priority = 100,
		.advert_interval = NSTIME_S,
		.virtual_addresses = vips,
		.virtual_address_count = count,
		.preempt = true,
		.track_own_interface = true,
		.announce = {.count = 5, .interval = 200 * NSTIME_MS},
	};

	ck_assert_int_eq(addr_parse("224.0.0.18", &out.multicast_group), 0);
	return out;
}

static char told[1024];

static void line(void *ctx, const char *text)
{
	strncat(told, text, sizeof(told) - strlen(told) - 1);
	strncat(told, "\n", sizeof(told) - strlen(told) - 1);
	(void)ctx;
}

/* The plan from one list to another, told; returns the changes as letters in the order of the rows.
 * */
static const char *reload(const struct instance *old, size_t old_count, const struct instance *new,
			  size_t new_count)
{
	static const char letters[] = {[VRRP_SAME] = 's',
				       [VRRP_CHANGED] = 'c',
				       [VRRP_REPLACED] = 'x',
				       [VRRP_ADDED] = '+',
				       [VRRP_REMOVED] = '-'};
	static char out[64];
	const struct instance *pointers[16];
	auto_arena *arena = arena_new(0);
	struct vrrp_reload plan;

	for (size_t i = 0; i < old_count; i++)
		pointers[i] = &old[i];
	ck_assert_int_eq(vrrp_reload_plan(arena, pointers, old_count, new, new_count, &plan), 0);
	told[0] = '\0';
	memset(out, 0, sizeof(out));
	for (size_t i = 0; i < plan.count; i++) {
		out[i] = letters[plan.rows[i].change];
		vrrp_reload_tell(&plan.rows[i], line, NULL);
	}
	return out;
}

START_TEST(the_same_file_changes_nothing)
{
	struct vip vips[] = {vip("10.0.0.1/24")};
	struct instance old[] = {instance("a", 1, vips, 1), instance("b", 2, vips, 1)};
	struct instance new[] = {instance("b", 2, vips, 1), instance("a", 1, vips, 1)};

	new[0].description = "told to people only";
	ck_assert_str_eq(reload(old, 2, new, 2), "ss");
	ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(values_change_in_place_and_are_told)
{
	struct vip before[] = {vip("10.0.0.1/24"), vip("10.0.0.2/32")};
	struct vip after[] = {vip("10.0.0.1/24"), vip("10.0.0.3/32")};
	struct instance old = instance("public", 51, before, 2),
			new = instance("public", 51, after, 2);

	new.priority = 150;
	new.advert_interval = 100 * NSTIME_MS;
	new.preempt = false;
	new.announce.refresh = 60 * NSTIME_S;
	ck_assert_str_eq(reload(&old, 1, &new, 1), "c");
	ck_assert_str_eq(told, "public: priority 100 → 150\n"
			       "public: advert_interval 1s → 100ms\n"
			       "public: preempt true → false\n"
			       "public: announce.refresh 0s → 1m\n"
			       "public: add virtual address 10.0.0.3/32\n"
			       "public: remove virtual address 10.0.0.2/32\n");
}
END_TEST

START_TEST(another_virtual_router_under_the_old_name_begins_anew)
{
	struct vip vips[] = {vip("10.0.0.1/24")};
	struct instance old = instance("public", 51, vips, 1), new = old;

	new.virtual_router_id = 52;
	ck_assert_str_eq(reload(&old, 1, &new, 1), "x");
	ck_assert_str_eq(told,
			 "public: virtual_router_id 51 → 52\n"
			 "public: release virtual router 51 on eth0\n"
			 "public: start virtual router 52 on eth0, priority 100, 1 address\n");
	new = old;
	new.interface = "eth1";
	ck_assert_str_eq(reload(&old, 1, &new, 1), "x");
	new = old;
	ck_assert_int_eq(addr_parse("224.0.0.99", &new.multicast_group), 0);
	ck_assert_str_eq(reload(&old, 1, &new, 1), "x");
	new = old;
	new.version = 2;
	ck_assert_str_eq(reload(&old, 1, &new, 1), "x");
	new = old;
	new.virtual_mac = true;
	ck_assert_str_eq(reload(&old, 1, &new, 1), "x");
	new = old;
	new.virtual_addresses = (struct vip[]){vip("2001:db8::1/64")};
	ck_assert_str_eq(reload(&old, 1, &new, 1), "x");
}
END_TEST

START_TEST(a_router_that_gets_another_name_goes_on)
{
	struct vip vips[] = {vip("10.0.0.1/24"), vip("10.0.0.2/24")};
	struct instance old[] = {instance("a", 1, vips, 1), instance("b", 2, vips, 1)};
	struct instance new[] = {instance("c", 1, vips, 2), instance("b", 2, vips, 1)};

	ck_assert_str_eq(reload(old, 2, new, 2), "cs");
	ck_assert_str_eq(told, "c: goes on with virtual router 1 on eth0, which was a\n"
			       "c: add virtual address 10.0.0.2/24\n");
}
END_TEST

START_TEST(instances_that_swap_their_numbers_swap_routers)
{
	struct vip one[] = {vip("10.0.0.1/24")}, two[] = {vip("10.0.0.2/24")};
	struct instance old[] = {instance("a", 1, one, 1), instance("b", 2, two, 1)};
	struct instance new[] = {instance("a", 2, one, 1), instance("b", 1, two, 1)};

	ck_assert_str_eq(reload(old, 2, new, 2), "cc");
	ck_assert_str_eq(told, "a: goes on with virtual router 2 on eth0, which was b\n"
			       "a: add virtual address 10.0.0.1/24\n"
			       "a: remove virtual address 10.0.0.2/24\n"
			       "b: goes on with virtual router 1 on eth0, which was a\n"
			       "b: add virtual address 10.0.0.2/24\n"
			       "b: remove virtual address 10.0.0.1/24\n");
}
END_TEST

START_TEST(a_number_that_moves_on_goes_before_a_name_that_stays)
{
	struct vip one[] = {vip("10.0.0.1/24")}, two[] = {vip("10.0.0.2/24")};
	struct instance old[] = {instance("a", 1, one, 1), instance("b", 2, two, 1)};
	struct instance new[] = {instance("a", 2, one, 1), instance("b", 3, two, 1)};

	/* 2 goes on as a; 3 is new under an old name, and 1 has gone */
	ck_assert_str_eq(reload(old, 2, new, 2), "c+-");
}
END_TEST

START_TEST(changes_inside_lists_and_records_are_told)
{
	struct vip before[] = {vip("10.0.0.1/24"), vip("10.0.0.2/32"), vip("10.0.0.3/32")};
	struct vip after[] = {vip("10.0.0.3/32"), vip("10.0.0.1/24"), vip("10.0.0.4/32")};
	struct vrrp_route kept = {.table = 254}, gone = {.table = 254}, added = {.table = 7};
	struct addr peers[2];
	struct instance old = instance("public", 51, before, 3),
			new = instance("public", 51, after, 3);

	ck_assert_int_eq(prefix_parse("203.0.113.0/24", &kept.to), 0);
	ck_assert_int_eq(prefix_parse("198.51.100.0/24", &gone.to), 0);
	ck_assert_int_eq(prefix_parse("198.51.100.0/24", &added.to), 0);
	ck_assert_int_eq(addr_parse("10.0.0.254", &added.via), 0);
	ck_assert_int_eq(addr_parse("10.0.0.11", &peers[0]), 0);
	ck_assert_int_eq(addr_parse("10.0.0.12", &peers[1]), 0);
	after[1].label = "eth0:1";
	after[2].advertise = false;
	old.transport = VRRP_TRANSPORT_MULTICAST;
	new.transport = VRRP_TRANSPORT_BOTH;
	old.unicast = (struct unicast){.peers = &peers[0], .peer_count = 1, .ttl = 255};
	new.unicast = (struct unicast){.peers = &peers[1], .peer_count = 1, .ttl = 64};
	old.routes = (struct vrrp_route[]){kept, gone};
	new.routes = (struct vrrp_route[]){kept, added};
	old.route_count = new.route_count = 2;
	old.track = (struct tracker[]){{.name = "eth1", .weight = -20},
				       {.kind = TRACKER_CHECK, .name = "gateway", .probe = 4}};
	new.track = (struct tracker[]){{.kind = TRACKER_CHECK, .name = "gateway", .probe = 9},
				       {.name = "eth1", .weight = -30},
				       {.kind = TRACKER_CHECK, .name = "eth1", .weight = 5}};
	old.track_count = 2;
	new.track_count = 3;
	ck_assert_str_eq(reload(&old, 1, &new, 1), "c");
	ck_assert_str_eq(told, "public: transport multicast → both\n"
			       "public: unicast.ttl 255 → 64\n"
			       "public: unicast.peers add 10.0.0.12\n"
			       "public: unicast.peers remove 10.0.0.11\n"
			       "public: virtual address 10.0.0.1/24 label none → eth0:1\n"
			       "public: add virtual address 10.0.0.4/32 advertise false\n"
			       "public: remove virtual address 10.0.0.2/32\n"
			       "public: tracker eth1 weight -20 → -30\n"
			       "public: add tracker eth1 weight 5\n"
			       "public: route 198.51.100.0/24 via none → 10.0.0.254\n"
			       "public: route 198.51.100.0/24 table 254 → 7\n");
}
END_TEST

START_TEST(a_secret_that_changes_is_told_without_it)
{
	struct vip vips[] = {vip("10.0.0.1/24")};
	struct instance old = instance("a", 1, vips, 1), new = old;

	old.version = new.version = 2;
	old.authentication = (struct authentication){VRRP_AUTH_PASS, "before"};
	new.authentication = (struct authentication){VRRP_AUTH_PASS, "after"};
	ck_assert_str_eq(reload(&old, 1, &new, 1), "c");
	ck_assert_str_eq(told, "a: authentication.key changes\n");
	new.authentication.type = VRRP_AUTH_AH; /* another protocol of IP */
	ck_assert_str_eq(reload(&old, 1, &new, 1), "x");
}
END_TEST

/* An equal pair that differs in one row must be told, whichever row it is. */
START_TEST(every_key_that_can_change_is_told)
{
	struct vip vips[] = {vip("10.0.0.1/24")};
	struct instance old = instance("a", 1, vips, 1);

	for (size_t i = 0; i < schema_instance.count; i++) {
		const struct schema_field *field = &schema_instance.fields[i];
		struct instance new = old;
		unsigned char *byte = schema_member(field, &new);

		if (!field->key || !schema_is_stored(field) || field->type == TYPE_RECORD ||
		    field->type == TYPE_TEXT || field->type == TYPE_ADDRESS)
			continue;
		*byte ^= 1;
		told[0] = '\0';
		schema_changes(&schema_instance, &old, &new, line, NULL);
		ck_assert_msg(!strncmp(told, field->key, strlen(field->key)), "%s", field->key);
	}
}
END_TEST

START_TEST(what_comes_and_goes_is_told)
{
	struct vip vips[] = {vip("10.0.0.1/24"), vip("10.0.0.2/24")};
	struct instance old[] = {instance("a", 1, vips, 1), instance("b", 2, vips, 1)};
	struct instance new[] = {instance("c", 3, vips, 2), instance("b", 2, vips, 1)};

	ck_assert_str_eq(reload(old, 2, new, 2), "+s-");
	ck_assert_str_eq(told, "c: start virtual router 3 on eth0, priority 100, 2 addresses\n"
			       "c: add virtual address 10.0.0.1/24\n"
			       "c: add virtual address 10.0.0.2/24\n"
			       "a: release virtual router 1 on eth0\n"
			       "a: remove virtual address 10.0.0.1/24\n");
	ck_assert_str_eq(reload(old, 2, NULL, 0), "--");
	ck_assert_str_eq(reload(NULL, 0, new, 2), "++");
}
END_TEST

START_TEST(a_lost_address_is_put_back_at_once_and_then_ever_more_slowly)
{
	static const nstime pauses[] = {10, 20, 40, 80, 160, 300, 300};
	struct repair repair = {0};
	nstime now = 1000 * NSTIME_S;

	ck_assert_int_eq(repair_due(&repair, now), now);
	repair_done(&repair, now);
	ck_assert(!repair_contested(&repair, now));
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		ck_assert_int_eq(repair_due(&repair, now + 1), now + pauses[i] * NSTIME_S);
		now = repair_due(&repair, now + 1);
		repair_done(&repair, now);
		ck_assert(repair_contested(&repair, now));
		ck_assert(!repair_contested(&repair, repair_forgotten(&repair)));
	}
}
END_TEST

START_TEST(what_has_held_for_long_is_put_back_at_once_again)
{
	struct repair repair = {0};
	nstime now = 1000 * NSTIME_S;

	repair_done(&repair, now);
	repair_done(&repair, now + 10 * NSTIME_S);
	now += 60 * NSTIME_S;
	ck_assert_int_eq(repair_due(&repair, now), now);
	repair_done(&repair, now);
	ck_assert(!repair_contested(&repair, now));
	ck_assert_int_eq(repair_due(&repair, now), now + 10 * NSTIME_S);
}
END_TEST

int main(void)
{
	return SUITE_RUN(
		"vrrp reload",
		CASE("reload", the_same_file_changes_nothing, values_change_in_place_and_are_told,
		     changes_inside_lists_and_records_are_told,
		     a_secret_that_changes_is_told_without_it, every_key_that_can_change_is_told,
		     another_virtual_router_under_the_old_name_begins_anew,
		     a_router_that_gets_another_name_goes_on,
		     instances_that_swap_their_numbers_swap_routers,
		     a_number_that_moves_on_goes_before_a_name_that_stays,
		     what_comes_and_goes_is_told),
		CASE("repair", a_lost_address_is_put_back_at_once_and_then_ever_more_slowly,
		     what_has_held_for_long_is_put_back_at_once_again));
}
