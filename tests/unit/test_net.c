/* net: sysctls, the owned file, links. */
#include <errno.h>
#include <linux/if_addr.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "net/link.h"
#include "net/macvlan.h"
#include "net/owned.h"
#include "net/sysctl.h"
#include "suite.h"

/* ---- link ---- */

START_TEST(link_names_are_those_the_kernel_takes)
{
	ck_assert(link_name_valid("eth0") && link_name_valid("br-1.100") &&
		  link_name_valid("abcdefghijklmno"));
	ck_assert(!link_name_valid("") && !link_name_valid("abcdefghijklmnop"));
	ck_assert(!link_name_valid(".") && !link_name_valid("..") && !link_name_valid("a/b"));
	ck_assert(!link_name_valid("a b") && !link_name_valid("eth0:1"));
}
END_TEST

START_TEST(the_name_of_a_virtual_routers_link_fits_and_tells_what_it_is_for)
{
	char name[LINK_NAME], again[LINK_NAME];

	macvlan_name("eth0", AF_INET, 51, name);
	ck_assert_str_eq(name, "eth0-v4-51");
	macvlan_name("eth0", AF_INET6, 51, name);
	ck_assert_str_eq(name, "eth0-v6-51");
	macvlan_name("12345678", AF_INET, 255, name);
	ck_assert_str_eq(name, "12345678-v4-255");
	macvlan_name("123456789", AF_INET, 255, name);
	ck_assert_int_eq(strncmp(name, "v4-255-", 7), 0);
	ck_assert_uint_eq(strlen(name), LINK_NAME - 1);
	ck_assert(link_name_valid(name));
	macvlan_name("123456780", AF_INET, 255, again);
	ck_assert_str_ne(name, again);
	macvlan_name("123456789", AF_INET, 255, again);
	ck_assert_str_eq(name, again);
}
END_TEST

START_TEST(a_virtual_mac_is_that_of_rfc_9568_section_7_3)
{
	static const uint8_t ipv4[] = {0, 0, 0x5e, 0, 1, 51}, ipv6[] = {0, 0, 0x5e, 0, 2, 255};
	uint8_t mac[LINK_MAC];

	macvlan_mac(AF_INET, 51, mac);
	ck_assert_mem_eq(mac, ipv4, LINK_MAC);
	macvlan_mac(AF_INET6, 255, mac);
	ck_assert_mem_eq(mac, ipv6, LINK_MAC);
}
END_TEST

START_TEST(a_link_is_the_wanted_one_by_name_mac_and_alias)
{
	struct macvlan wanted = {.name = "eth0-v4-51"};
	struct link there = {.index = 9, .name = "eth0-v4-51", .macvlan = true};

	macvlan_alias("public", wanted.alias);
	ck_assert_str_eq(wanted.alias, "lbha:public");
	macvlan_mac(AF_INET, 51, wanted.mac);
	memcpy(there.mac, wanted.mac, LINK_MAC);
	ck_assert(!macvlan_is(&there, &wanted, false));
	ck_assert(macvlan_is(&there, &wanted, true)); /* its maker died before it was marked */
	there.alias = link_alias_print("lbha:public");
	ck_assert(macvlan_is(&there, &wanted, false));
	there.alias = link_alias_print("lbha:inside");
	ck_assert(!macvlan_is(&there, &wanted, false));
	ck_assert(macvlan_is(&there, &wanted, true)); /* the instance has another name now */
	there.macvlan = false;
	ck_assert(!macvlan_is(&there, &wanted, true));
	there.macvlan = true;
	there.mac[5]++;
	ck_assert(!macvlan_is(&there, &wanted, true));
}
END_TEST

START_TEST(virtual_macs_are_told_from_others)
{
	ck_assert(macvlan_is_virtual((const uint8_t[]){0, 0, 0x5e, 0, 1, 51}));
	ck_assert(macvlan_is_virtual((const uint8_t[]){0, 0, 0x5e, 0, 2, 51}));
	ck_assert(!macvlan_is_virtual((const uint8_t[]){0, 0, 0x5e, 0, 3, 51}));
	ck_assert(!macvlan_is_virtual((const uint8_t[]){0, 0, 0x5e, 0x90, 1, 51}));
	ck_assert(!macvlan_is_virtual((const uint8_t[]){0, 0, 0, 0, 0, 0}));
}
END_TEST

START_TEST(link_is_usable_when_up_with_carrier)
{
	struct link link = {.index = 2, .up = true};

	ck_assert(!link_usable(&link));
	link.running = true;
	ck_assert(link_usable(&link));
	link.up = false;
	ck_assert(!link_usable(&link));
}
END_TEST

/* ---- sysctl ---- */

START_TEST(sysctl_is_raised_and_never_lowered)
{
	static const struct sysctl_want wants[] = {
		{"net/ipv4/conf/all/arp_ignore", SYSCTL_AT_LEAST, 1},
		{"net/ipv4/conf/all/arp_announce", SYSCTL_AT_LEAST, 2},
		{"net/ipv4/conf/lo/arp_ignore", SYSCTL_AT_LEAST, 1},
		{"net/ipv4/ip_forward", SYSCTL_EXACTLY, 0},
	};
	static const struct sysctl_value actual[] = {
		{"net/ipv4/ip_forward", 1},
		{"net/ipv4/conf/all/arp_ignore", 0},
		{"net/ipv4/conf/lo/arp_ignore", 8},
		{"net/ipv4/conf/all/arp_announce", 2},
	};
	auto_arena *arena = arena_new(0);
	struct sysctl_plan plan;

	ck_assert_int_eq(sysctl_plan_build(arena, wants, 4, actual, 4, &plan), 0);
	ck_assert_uint_eq(plan.count, 2);
	ck_assert_str_eq(plan.ops[0].path, "net/ipv4/conf/all/arp_ignore");
	ck_assert(plan.ops[0].former == 0 && plan.ops[0].value == 1);
	ck_assert_str_eq(plan.ops[1].path, "net/ipv4/ip_forward");
	ck_assert(plan.ops[1].former == 1 && plan.ops[1].value == 0);
}
END_TEST

START_TEST(sysctl_that_is_missing_is_an_error)
{
	static const struct sysctl_want want = {"net/ipv4/vs/conntrack", SYSCTL_EXACTLY, 1};
	auto_arena *arena = arena_new(0);
	struct sysctl_plan plan = {.count = 77};

	ck_assert_int_eq(sysctl_plan_build(arena, &want, 1, NULL, 0, &plan), -ENOENT);
	ck_assert_uint_eq(plan.count, 77);
}
END_TEST

START_TEST(sysctl_changed_by_others_is_not_put_back)
{
	ck_assert_int_eq(sysctl_undo(0, 2, 2), SYSCTL_UNDO_WRITE);
	ck_assert_int_eq(sysctl_undo(0, 2, 0), SYSCTL_UNDO_DONE);
	ck_assert_int_eq(sysctl_undo(0, 2, 1), SYSCTL_UNDO_CHANGED);
}
END_TEST

START_TEST(sysctl_paths_take_any_link_name)
{
	char path[SYSCTL_PATH], key[SYSCTL_PATH];

	ck_assert_int_eq(sysctl_conf_path(path, "ipv4", "br0.100", "arp_ignore"), 0);
	ck_assert_str_eq(path, "net/ipv4/conf/br0.100/arp_ignore");
	ck_assert_str_eq(sysctl_key(path, key), "net.ipv4.conf.br0/100.arp_ignore");
	ck_assert_int_eq(sysctl_conf_path(path, "ipv4", "../x", "arp_ignore"), -EINVAL);
}
END_TEST

/* ---- owned ---- */

static void assert_same_record(const struct owned *a, const struct owned *b)
{
	char line_a[OWNED_LINE], line_b[OWNED_LINE];

	owned_format(a, line_a);
	owned_format(b, line_b);
	ck_assert_str_eq(line_a, line_b);
}

START_TEST(owned_lines_read_back_as_written)
{
	static const char *const lines[] = {
		"+ address 3 eth0 192.168.8.200/24",
		"- address 3 eth0 192.168.8.200/24",
		"+ address 2147483647 abcdefghijklmno 2001:db8::1/128",
		"+ sysctl net/ipv4/conf/eth0/arp_ignore 0 1",
		"+ sysctl net/ipv4/conf/eth0/rp_filter -1 9223372036854775807",
		"+ service tcp 192.168.8.200:80",
		"- service udp [2001:db8::1]:53",
		"- service sctp 192.168.8.200:80",
		"+ service tcp 192.168.8.200",
		"+ service mark 80 ipv4",
		"- service mark 4294967295 ipv6",
		"+ table inet lbha",
		"+ table inet lbha 00000000000000ff",
		"- table inet lbha",
		"+ table arp lbha_rs 00000000000000ff",
		"+ routing ipv4 19522",
		"- routing ipv6 19522",
		"+ wish web dr 192.168.8.200",
		"+ link lbha-ipip ipip 0123456789abcdef",
		"+ port ipv4 6080",
		"- port ipv6 65535",
		"- wish - anything goes",
		"+ timeout tcp_fin 120 4294967295",
		"+ foreign 1 lo 192.168.8.200/32",
		"+ route 3 eth0 203.0.113.0/24 192.168.8.1 0 254",
		"+ sync master 3 eth0 51",
		"- sync backup 4294967295 abcdefghijklmno 255",
		"+ link eth0-v4-51 eth0",
		"- link v6-255-89abcdef abcdefghijklmno",
		"- route 3 abcdefghijklmno 2001:db8::/32 - 1024 4294967295",
	};

	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		struct owned record = owned_parse_line(lines[i]), again;
		char out[OWNED_LINE];
		size_t length = owned_format(&record, out);

		ck_assert_int_ne(record.kind, OWNED_OTHER);
		ck_assert_uint_eq(length, strlen(lines[i]) + 1);
		ck_assert_int_eq(out[length - 1], '\n');
		out[length - 1] = '\0';
		ck_assert_str_eq(out, lines[i]);
		again = owned_parse_line(out);
		assert_same_record(&record, &again);
		ck_assert(owned_same(&record, &again));
	}
}
END_TEST

START_TEST(owned_line_not_understood_is_kept)
{
	static const char *const lines[] = {
		"+ nftables lbha",
		"+ routing ipv5 19522",
		"+ wish web dr 192.168.8.2 torn",
		"+ link eth0-v4-51 torn",
		"+ port ipv4 65536",
		"+ port ipv5 6080",
		"+ link lbha-ipip ipip 0123",
		"+ routing ipv4 main",
		"+ table inet lbha ff",
		"+ table ip lbha",
		"+ table inet lbha 0000000000000000",
		"+ table inet lbha 00000000000000ff 1",
		"+ address x eth0 192.0.2.1/32",
		"+ address 0 eth0 192.0.2.1/32",
		"+ address 1 lo 192.0.2.1/33",
		"* address 1 lo 192.0.2.1/32",
		"+ service dccp 192.0.2.1:80",
		"+ timeout tcp_fin 120",
		"+ timeout finished 120 60",
		"+ sync masterly 3 eth0 51",
		"+ sync master 3 eth0",
		"+ sysctl a b",
		"nonsense",
		"+  address 1 lo 192.0.2.1/32",
		"+ sysctl net/x 1 2 3 4 5 6 7",
		"+ link eth0-v4-51",
		"+ link eth0-v4-51 eth0 3",
		"+ link eth0:1 eth0",
		"+ link abcdefghijklmnop eth0",
		"+ route 3 eth0 203.0.113.0/24 192.168.8.1 0",
		"+ route 3 eth0 203.0.113.0/24 eth1 0 254",
		"+ route 3 eth0 203.0.113.0/24 - -1 254",
		"+ route 0 eth0 203.0.113.0/24 - 0 254",
	};
	auto_arena *arena = arena_new(0);
	char text[2048];
	size_t length = 0;
	struct owned_set set;

	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		ck_assert_msg(owned_parse_line(lines[i]).kind == OWNED_OTHER, "%s", lines[i]);
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s\n", lines[i]);
	}
	ck_assert_int_eq(owned_parse(arena, text, length, &set), 0);
	ck_assert_uint_eq(set.count, COUNT_OF(lines));
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		ck_assert_str_eq(set.items[i].line, lines[i]);
}
END_TEST

START_TEST(owned_file_counts_the_last_line_of_each_thing)
{
	static const char text[] = "+ address 3 eth0 192.168.8.200/24\n"
				   "+ address 3 eth0 192.168.8.201/24\n"
				   "+ service tcp 192.168.8.200:80\n"
				   "- address 3 eth0 192.168.8.200/24\n"
				   "+ address 4 eth1 192.168.8.201/24\n"
				   "+ address 3 eth0 192.168.8.201/24\n"
				   "- service udp 192.168.8.200:80\n"
				   "- address 3 eth0 192.168.8.2"; /* cut short by a crash */
	auto_arena *arena = arena_new(0);
	struct owned_set set;
	struct address_list list;
	struct prefix vip;

	ck_assert_int_eq(owned_parse(arena, text, strlen(text), &set), 0);
	ck_assert_uint_eq(set.count, 3);
	ck_assert_int_eq(set.items[1].kind, OWNED_SERVICE);
	ck_assert_int_eq(owned_addresses(arena, &set, &list), 0);
	ck_assert_uint_eq(list.count, 2);
	prefix_parse("192.168.8.201/24", &vip);
	ck_assert(!prefix_compare(&list.items[0].prefix, &vip) && list.items[0].link == 3);
	ck_assert(!prefix_compare(&list.items[1].prefix, &vip) && list.items[1].link == 4);
}
END_TEST

START_TEST(owned_route_is_what_its_last_line_says)
{
	static const char text[] = "+ route 3 eth0 203.0.113.0/24 192.168.8.1 0 254\n"
				   "+ route 3 eth0 203.0.113.0/24 192.168.8.1 10 254\n"
				   "+ route 4 eth1 203.0.113.0/24 192.168.9.1 0 254\n"
				   "- route 3 eth0 203.0.113.0/24 - 10 254\n";
	auto_arena *arena = arena_new(0);
	struct owned_set set;
	struct route_list list;

	ck_assert_int_eq(owned_parse(arena, text, strlen(text), &set), 0);
	ck_assert_int_eq(owned_routes(arena, &set, &list), 0);
	ck_assert_uint_eq(list.count, 1);
	ck_assert(list.items[0].link == 4 && list.items[0].protocol == ROUTE_PROTOCOL_LBHA);
}
END_TEST

START_TEST(owned_sysctl_set_twice_remembers_the_value_before_the_first)
{
	static const char text[] = "+ sysctl net/x 5 6\n- sysctl net/x 5 6\n"
				   "+ sysctl net/x 0 1\n+ sysctl net/x 1 2\n";
	auto_arena *arena = arena_new(0);
	struct owned_set set;

	ck_assert_int_eq(owned_parse(arena, text, strlen(text), &set), 0);
	ck_assert_uint_eq(set.count, 1);
	ck_assert_int_eq(set.items[0].sysctl.former, 0);
	ck_assert_int_eq(set.items[0].sysctl.set, 2);
}
END_TEST

START_TEST(owned_parse_tells_when_memory_is_out)
{
	static const char text[] =
		"+ address 3 eth0 192.168.8.200/24\n+ address 3 eth0 192.168.8.201/24\n";
	auto_arena *arena = arena_new(64);
	struct owned_set set = {.count = 77};

	ck_assert_int_eq(owned_parse(arena, text, strlen(text), &set), -ENOMEM);
	ck_assert_uint_eq(set.count, 77);
}
END_TEST

int main(void)
{
	return SUITE_RUN(
		"net",
		CASE("macvlan", the_name_of_a_virtual_routers_link_fits_and_tells_what_it_is_for,
		     a_virtual_mac_is_that_of_rfc_9568_section_7_3,
		     a_link_is_the_wanted_one_by_name_mac_and_alias, virtual_macs_are_told_from_others),
		CASE("link", link_names_are_those_the_kernel_takes,
		     link_is_usable_when_up_with_carrier),
		CASE("sysctl", sysctl_is_raised_and_never_lowered,
		     sysctl_that_is_missing_is_an_error, sysctl_changed_by_others_is_not_put_back,
		     sysctl_paths_take_any_link_name),
		CASE("owned", owned_lines_read_back_as_written, owned_line_not_understood_is_kept,
		     owned_file_counts_the_last_line_of_each_thing,
		     owned_route_is_what_its_last_line_says,
		     owned_sysctl_set_twice_remembers_the_value_before_the_first,
		     owned_parse_tells_when_memory_is_out),
		NULL);
}
