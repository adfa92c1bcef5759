/* lbha-rs --arp filter: the text of its table, and how a table that is there is known again. */
#include <linux/if_addr.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "rs-agent/arp_filter.h"
#include "rs-agent/plan.h"
#include "suite.h"

static const struct link links[] = {
	{.index = 1, .name = "lo", .loopback = true},
	{.index = 2, .name = "eth0", .arp = true},
	{.index = 3, .name = "eth1", .arp = true},
	{.index = 4, .name = "tun0"},
};

static struct addr addr_of(const char *text)
{
	struct addr address;

	ck_assert_int_eq(addr_parse(text, &address), 0);
	return address;
}

static struct address on(uint32_t link, const char *text)
{
	struct address address = {.link = link};

	ck_assert_int_eq(prefix_parse(text, &address.prefix), 0);
	return address;
}

static const char *text_for(struct arena *arena, const struct addr *vips, size_t vip_count,
			    struct address *addresses, size_t count)
{
	struct address_list list = {addresses, count};
	const char *text = arp_filter_text(arena, vips, vip_count, &list, links, COUNT_OF(links));

	ck_assert_ptr_nonnull(text);
	return text;
}

static bool has(const char *text, const char *line)
{
	return strstr(text, line);
}

START_TEST(a_vip_is_asked_for_in_vain_and_own_requests_name_the_way_outs_address)
{
	auto_arena *arena = arena_new(0);
	struct addr vips[] = {addr_of("192.168.8.200")};
	struct address own[] = {on(1, "127.0.0.1/8"), on(1, "192.168.8.200/32"),
				on(2, "192.168.8.20/24"), on(2, "fe80::1/64")};

	own[0].scope = own[1].scope = ADDRESS_SCOPE_HOST;
	ck_assert_str_eq(text_for(arena, vips, 1, own, COUNT_OF(own)),
			 "table arp lbha_rs {\n"
			 "\tset vips {\n"
			 "\t\ttype ipv4_addr\n"
			 "\t\telements = { 192.168.8.200 }\n"
			 "\t}\n"
			 "\tchain input {\n"
			 "\t\ttype filter hook input priority filter; policy accept;\n"
			 "\t\tarp operation request arp daddr ip @vips drop\n"
			 "\t}\n"
			 "\tchain own_sender {\n"
			 "\t\toifname \"eth0\" arp daddr ip 192.168.8.0/24 "
			 "arp saddr ip set 192.168.8.20 accept\n"
			 "\t\toifname \"eth0\" arp saddr ip set 192.168.8.20 accept\n"
			 "\t\tarp saddr ip set 192.168.8.20 accept\n"
			 "\t}\n"
			 "\tchain output {\n"
			 "\t\ttype filter hook output priority filter; policy accept;\n"
			 "\t\tarp operation reply arp saddr ip @vips drop\n"
			 "\t\tarp saddr ip @vips goto own_sender\n"
			 "\t}\n"
			 "}\n");
}
END_TEST

START_TEST(each_network_of_each_way_out_has_its_own_sender)
{
	auto_arena *arena = arena_new(0);
	struct addr vips[] = {addr_of("192.0.2.80")};
	struct address own[] = {on(2, "192.168.8.20/24"), on(2, "10.1.2.3/9"), on(3, "0.0.0.7/0"),
				on(4, "172.16.0.1/16")};
	const char *text = text_for(arena, vips, 1, own, COUNT_OF(own));

	ck_assert(has(text, "oifname \"eth0\" arp daddr ip 10.0.0.0/9 arp saddr ip set 10.1.2.3 "));
	ck_assert(has(text, "oifname \"eth0\" arp saddr ip set 192.168.8.20 accept"));
	ck_assert(has(text, "oifname \"eth1\" arp daddr ip 0.0.0.0/0 arp saddr ip set 0.0.0.7 "));
	ck_assert_msg(!has(text, "tun0"), "no ARP is spoken there");
}
END_TEST

START_TEST(no_vip_and_no_hidden_address_is_ever_named)
{
	auto_arena *arena = arena_new(0);
	struct addr vips[] = {addr_of("192.168.8.200"), addr_of("192.168.8.201")};
	struct address own[] = {on(2, "192.168.8.200/24"), on(2, "192.168.8.19/24"),
				on(2, "192.168.8.20/24"), on(2, "192.168.8.21/24")};
	const char *text;

	own[1].scope = ADDRESS_SCOPE_HOST;
	own[3].flags = IFA_F_SECONDARY;
	text = text_for(arena, vips, 2, own, COUNT_OF(own));
	ck_assert(has(text, "set 192.168.8.20 accept"));
	ck_assert(!has(text, "set 192.168.8.200") && !has(text, "set 192.168.8.19 ") &&
		  !has(text, "set 192.168.8.21 "));
	text = text_for(arena, vips, 2, own, 2);
	ck_assert_msg(has(text, "chain own_sender {\n\t\tdrop\n\t}"), "better silence than a VIP");
}
END_TEST

START_TEST(vips_are_sorted_and_told_once_and_ipv6_ones_need_no_table)
{
	auto_arena *arena = arena_new(0);
	struct addr vips[] = {addr_of("192.0.2.9"), addr_of("2001:db8::80"), addr_of("192.0.2.8"),
			      addr_of("192.0.2.9")};

	ck_assert(has(text_for(arena, vips, 4, NULL, 0), "{ 192.0.2.8, 192.0.2.9 }"));
	ck_assert_str_eq(text_for(arena, vips + 1, 1, NULL, 0), "");
	ck_assert_str_eq(text_for(arena, vips, 0, NULL, 0), "");
}
END_TEST

START_TEST(a_link_with_an_odd_name_is_told_by_its_number)
{
	auto_arena *arena = arena_new(0);
	static const struct link odd[] = {{.index = 7, .name = "a\"b", .arp = true},
					  {.index = 8, .name = "eth*", .arp = true}};
	struct addr vip = addr_of("192.0.2.9");
	struct address own[] = {on(7, "10.0.0.1/8"), on(8, "10.0.0.2/8")};
	const char *text = arp_filter_text(arena, &vip, 1, &(struct address_list){own, 2}, odd, 2);

	ck_assert(has(text, "\toif 7 arp daddr ip 10.0.0.0/8") && has(text, "\toif 8 arp saddr"));
}
END_TEST

START_TEST(many_vips_and_links_fit)
{
	auto_arena *arena = arena_new(0);
	struct addr vips[2000];
	struct address own[300];
	const char *text;

	for (size_t i = 0; i < COUNT_OF(vips); i++)
		vips[i] = addr_from_ipv4(0xc0a8f000u + (uint32_t)i);
	for (size_t i = 0; i < COUNT_OF(own); i++)
		own[i] = on(2 + (i & 1), "255.255.255.254/32");
	text = text_for(arena, vips, COUNT_OF(vips), own, COUNT_OF(own));
	ck_assert_str_eq(text + strlen(text) - 5, "\t}\n}\n");
}
END_TEST

START_TEST(our_table_is_found_among_others)
{
	auto_arena *arena = arena_new(0);
	static const char ours[] = "table arp lbha_rs {\n\tchain a {\n\t}\n}\n";
	char all[512];

	ck_assert_str_eq(arp_filter_listed(arena, ""), "");
	ck_assert_str_eq(arp_filter_listed(arena, ours), ours);
	snprintf(all, sizeof(all),
		 "table arp lbha_rs2 {\n}\n%stable arp z {\n\tcomment \"table arp lbha_rs {\"\n}\n",
		 ours);
	ck_assert_str_eq(arp_filter_listed(arena, all), ours);
	ck_assert_str_eq(arp_filter_listed(arena, all + strlen("table arp lbha_rs2 {\n}\n") +
							  strlen(ours)),
			 "");
	ck_assert_str_eq(arp_filter_listed(arena, "table arp lbha_rs {\n\tchain a"), "");
}
END_TEST

START_TEST(a_digest_tells_what_was_wanted_from_what_was_listed)
{
	uint64_t digest = arp_filter_digest("wanted", "listed");

	ck_assert(digest && arp_filter_digest("", ""));
	ck_assert(arp_filter_was_wanted(digest, "wanted"));
	ck_assert(!arp_filter_was_wanted(digest, "listed"));
	ck_assert(arp_filter_was_listed(digest, "listed"));
	ck_assert(!arp_filter_was_listed(digest, "listed\n"));
	ck_assert(!arp_filter_was_listed(0, "listed") && !arp_filter_was_wanted(0, "wanted"));
}
END_TEST

/* ---- the plan ---- */

/* A host that has been set up for what `vips` says, by a table as nft lists it; the journal knows. */
struct place {
	struct arena *arena;
	struct rs_actual actual;
	struct owned records[4];
	struct owned_set journal;
};

static struct rs_desired desired_for(struct place *place, bool filter, const char *vip)
{
	struct rs_wish wish = {.forwarding = FORWARDING_DR};
	struct rs_wishes wishes = {&wish, vip ? 1 : 0, filter};
	struct rs_desired desired;

	if (vip)
		wish.vip = addr_of(vip);
	ck_assert_int_eq(rs_desired_build(place->arena, &wishes, &place->actual, &desired), 0);
	desired.wishes.count = 0; /* notes in the journal are another matter */
	return desired;
}

/* After `lbha-rs setup --arp filter --vip 192.0.2.1`. */
static void place_init(struct place *place, struct arena *arena)
{
	static struct address there[2];
	struct rs_desired desired;

	*place = (struct place){.arena = arena};
	there[0] = on(2, "192.0.2.9/24");
	place->actual = (struct rs_actual){.lo = 1, .addresses = {there, 1}, .links = links,
					   .link_count = COUNT_OF(links), .arp_table = "listed"};
	desired = desired_for(place, true, "192.0.2.1");
	there[1] = desired.vips[0].address;
	place->actual.addresses.count = 2;
	place->records[0] = owned_of_arp_table(false, ARP_FILTER_TABLE,
					       arp_filter_digest(desired.arp_table, "listed"));
	place->records[1] = owned_of_address(false, &there[1], "lo");
	place->journal = (struct owned_set){place->records, 2};
}

/* The steps of a plan in short: "table+ address- …"; "*" is a step to leave a thing alone. */
static const char *steps(struct place *place, const struct rs_desired *desired)
{
	static const char signs[] = {[RS_MAKE] = '+', [RS_NOTE] = '!', [RS_UNDO] = '-',
				     [RS_FORGET] = '?', [RS_LEAVE] = '*'};
	const char *text = "";
	struct rs_plan plan;

	ck_assert_int_eq(rs_plan_build(place->arena, desired, &place->actual, &place->journal,
				       &plan), 0);
	for (size_t i = 0; i < plan.count; i++)
		text = arena_printf(place->arena, "%s%s%c ", text,
				    plan.steps[i].record.kind == OWNED_TABLE ? "table" : "address",
				    signs[plan.steps[i].action]);
	return text;
}

START_TEST(table_comes_before_vips_and_names_those_that_go_until_they_are_gone)
{
	auto_arena *arena = arena_new(0);
	struct place place;
	struct rs_desired desired;
	struct rs_plan plan;

	place_init(&place, arena);
	desired = desired_for(&place, true, "192.0.2.1");
	ck_assert_str_eq(steps(&place, &desired), "");
	desired = desired_for(&place, true, "192.0.2.2");
	ck_assert_str_eq(steps(&place, &desired), "table+ address+ address- table+ ");
	ck_assert_int_eq(rs_plan_build(arena, &desired, &place.actual, &place.journal, &plan), 0);
	ck_assert(has(plan.steps[0].table, "{ 192.0.2.1, 192.0.2.2 }"));
	ck_assert(has(plan.steps[3].table, "{ 192.0.2.2 }"));
	desired = desired_for(&place, true, NULL);
	ck_assert_str_eq(steps(&place, &desired), "address- table- ");
}
END_TEST

START_TEST(table_is_made_again_when_it_or_the_wish_is_another)
{
	auto_arena *arena = arena_new(0);
	struct place place;
	struct rs_desired desired;

	place_init(&place, arena);
	desired = desired_for(&place, true, "192.0.2.1");
	place.actual.arp_table = "";
	ck_assert_str_eq(steps(&place, &desired), "table+ ");
	place.actual.arp_table = "listed, but otherwise";
	ck_assert_str_eq(steps(&place, &desired), "table+ ");
	place.actual.arp_table = "listed";
	place.records[0].table.digest = 0; /* killed before it was known */
	ck_assert_str_eq(steps(&place, &desired), "table+ ");
	place.records[0].table.digest = arp_filter_digest("other", "listed");
	ck_assert_str_eq(steps(&place, &desired), "table+ ");
}
END_TEST

START_TEST(table_that_is_not_wanted_goes_unless_somebody_changed_it)
{
	auto_arena *arena = arena_new(0);
	struct place place;
	struct rs_desired desired;

	place_init(&place, arena);
	desired = desired_for(&place, false, NULL);
	ck_assert_str_eq(steps(&place, &desired), "address- table- ");
	place.actual.arp_table = "";
	ck_assert_str_eq(steps(&place, &desired), "address- table? ");
	place.actual.arp_table = NULL; /* there is no nft to ask */
	ck_assert_str_eq(steps(&place, &desired), "address- table- ");
	place.actual.arp_table = "listed, but otherwise";
	ck_assert_str_eq(steps(&place, &desired), "address- table* ");
	place.records[0].table.digest = 0;
	ck_assert_str_eq(steps(&place, &desired), "address- table- ");
}
END_TEST

START_TEST(filter_wants_no_sysctl_and_sysctls_no_filter)
{
	auto_arena *arena = arena_new(0);
	struct place place;
	struct rs_desired desired;

	place_init(&place, arena);
	desired = desired_for(&place, true, "192.0.2.1");
	ck_assert(!desired.sysctl_count && *desired.arp_table);
	desired = desired_for(&place, false, "192.0.2.1");
	ck_assert(desired.sysctl_count && !*desired.arp_table);
	desired = desired_for(&place, true, "2001:db8::80");
	ck_assert(!desired.sysctl_count && !*desired.arp_table);
}
END_TEST

int main(void)
{
	return SUITE_RUN("lbha-rs --arp filter",
			 CASE("text", a_vip_is_asked_for_in_vain_and_own_requests_name_the_way_outs_address,
			      each_network_of_each_way_out_has_its_own_sender,
			      no_vip_and_no_hidden_address_is_ever_named,
			      vips_are_sorted_and_told_once_and_ipv6_ones_need_no_table,
			      a_link_with_an_odd_name_is_told_by_its_number,
			      many_vips_and_links_fit),
			 CASE("list", our_table_is_found_among_others,
			      a_digest_tells_what_was_wanted_from_what_was_listed),
			 CASE("plan",
			      table_comes_before_vips_and_names_those_that_go_until_they_are_gone,
			      table_is_made_again_when_it_or_the_wish_is_another,
			      table_that_is_not_wanted_goes_unless_somebody_changed_it,
			      filter_wants_no_sysctl_and_sysctls_no_filter),
			 NULL);
}
