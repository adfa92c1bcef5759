/* net/nft: the table's text, its changes, and the real kernel's word that the text is right. */
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/text.h"
#include "net/nft.h"
#include "net/nft_io.h"
#include "world.h"

static struct endpoint at(const char *text)
{
	struct endpoint endpoint;

	ck_assert_int_eq(endpoint_parse(text, &endpoint), 0);
	return endpoint;
}

static struct nft_mark marks[] = {
	{.protocol = IPPROTO_TCP, .mark = 0x4c42beef},
	{.protocol = IPPROTO_UDP, .mark = 0x4c42beef},
	{.protocol = IPPROTO_TCP, .mark = 7},
};
static struct addr sources[3];
static struct nft_snat snats[6];

/* What a director with everything has. */
static struct nft_rules everything(void)
{
	struct nft_rules rules = {
		.marks = marks, .mark_count = 3, .snats = snats, .snat_count = COUNT_OF(snats)};

	marks[0].listen = at("192.168.8.200:80");
	marks[1].listen = at("192.168.8.200:53");
	marks[2].listen = at("[2001:db8::200]:80");
	sources[0] = at("10.0.0.100").address;
	sources[1] = at("10.0.0.101").address;
	sources[2] = at("2001:db8:1::100").address;
	snats[0] = (struct nft_snat){.protocol = IPPROTO_TCP,
				     .listen = at("192.168.8.200:8080"),
				     .server = at("10.0.0.7:80")};
	snats[1] = snats[0];
	snats[1].server = at("10.0.0.14:80");
	snats[2] = (struct nft_snat){.mark = 0x50, .listen.address.family = AF_INET,
				     .server = at("10.0.0.7"), .source = sources,
				     .source_count = 2};
	snats[3] = (struct nft_snat){.protocol = IPPROTO_UDP,
				     .listen = at("[2001:db8::200]:53"),
				     .server = at("[2001:db8:1::7]:53"), .source = &sources[2],
				     .source_count = 1};
	snats[4] = (struct nft_snat){.protocol = IPPROTO_SCTP, .listen = at("192.168.8.201"),
				     .server = at("10.0.0.7")};
	snats[5] = snats[4];
	snats[5].server = at("10.0.0.7:81");
	nft_rules_sort(&rules);
	return rules;
}

static const char *const everything_text =
	"table inet lbha {\n"
	"	map marks_ip {\n"
	"		type inet_proto . ipv4_addr . inet_service : mark\n"
	"		elements = {\n"
	"			tcp . 192.168.8.200 . 80 : 0x4c42beef,\n"
	"			udp . 192.168.8.200 . 53 : 0x4c42beef,\n"
	"		}\n"
	"	}\n"
	"	map marks_ip6 {\n"
	"		type inet_proto . ipv6_addr . inet_service : mark\n"
	"		elements = {\n"
	"			tcp . 2001:db8::200 . 80 : 0x00000007,\n"
	"		}\n"
	"	}\n"
	"	chain prerouting {\n"
	"		type filter hook prerouting priority -150; policy accept;\n"
	"		meta mark set meta l4proto . ip daddr . th dport map @marks_ip\n"
	"		meta mark set meta l4proto . ip6 daddr . th dport map @marks_ip6\n"
	"	}\n"
	"	chain output {\n"
	"		type filter hook output priority -150; policy accept;\n"
	"		meta mark set meta l4proto . ip daddr . th dport map @marks_ip\n"
	"		meta mark set meta l4proto . ip6 daddr . th dport map @marks_ip6\n"
	"	}\n"
	"	chain tcp_192.168.8.200_8080 {\n"
	"		ip daddr . th dport {\n"
	"			10.0.0.7 . 80,\n"
	"			10.0.0.14 . 80,\n"
	"		} masquerade\n"
	"	}\n"
	"	chain sctp_192.168.8.201_all {\n"
	"		ip daddr . th dport {\n"
	"			10.0.0.7 . 81,\n"
	"		} masquerade\n"
	"		ip daddr {\n"
	"			10.0.0.7,\n"
	"		} masquerade\n"
	"	}\n"
	"	chain udp_2001-db8--200_53 {\n"
	"		ip6 daddr . th dport {\n"
	"			2001:db8:1::7 . 53,\n"
	"		} snat ip6 to 2001:db8:1::100\n"
	"	}\n"
	"	chain mark_0x50_ipv4 {\n"
	"		ip daddr {\n"
	"			10.0.0.7,\n"
	"		} snat ip to jhash ip saddr . th sport mod 2 seed 0x4c42 map { 0 : 10.0.0.100, "
	"1 : 10.0.0.101 }\n"
	"	}\n"
	"	map services {\n"
	"		type nf_proto . mark : verdict\n"
	"		elements = {\n"
	"			ipv4 . 0x00000050 : jump mark_0x50_ipv4,\n"
	"		}\n"
	"	}\n"
	"	map tcp_ip {\n"
	"		type ipv4_addr . inet_service : verdict\n"
	"		elements = {\n"
	"			192.168.8.200 . 8080 : jump tcp_192.168.8.200_8080,\n"
	"		}\n"
	"	}\n"
	"	map udp_ip6 {\n"
	"		type ipv6_addr . inet_service : verdict\n"
	"		elements = {\n"
	"			2001:db8::200 . 53 : jump udp_2001-db8--200_53,\n"
	"		}\n"
	"	}\n"
	"	map sctp_ip_all {\n"
	"		type ipv4_addr : verdict\n"
	"		elements = {\n"
	"			192.168.8.201 : jump sctp_192.168.8.201_all,\n"
	"		}\n"
	"	}\n"
	"	chain postrouting {\n"
	"		type nat hook postrouting priority 100; policy accept;\n"
	"		meta nfproto . meta mark vmap @services\n"
	"		meta l4proto tcp ct original ip daddr . ct original proto-dst vmap @tcp_ip\n"
	"		meta l4proto udp ct original ip6 daddr . ct original proto-dst vmap @udp_ip6\n"
	"		meta l4proto sctp ct original ip daddr vmap @sctp_ip_all\n"
	"	}\n"
	"}\n";

/* ---- pure ------------------------------------------------------------------------------------ */

START_TEST(the_table_says_what_is_marked_and_whose_address_is_replaced)
{
	auto_arena *arena = arena_new(0);
	struct nft_rules rules = everything();

	ck_assert_str_eq(nft_text(arena, &rules), everything_text);
}
END_TEST

START_TEST(no_rules_are_no_table)
{
	auto_arena *arena = arena_new(0);
	struct nft_rules none = {0}, rules = everything();

	ck_assert_str_eq(nft_text(arena, &none), "");
	ck_assert_str_eq(nft_transaction(arena, ""), "add table inet lbha\ndelete table inet lbha\n");
	rules.snat_count = 0;
	ck_assert_ptr_null(strstr(nft_text(arena, &rules), "postrouting"));
	rules = everything();
	rules.mark_count = 0;
	ck_assert_ptr_null(strstr(nft_text(arena, &rules), "prerouting"));
}
END_TEST

static const char *const ways_text =
	"table inet lbha {\n"
	"	set probes_ip {\n"
	"		type mark . ipv4_addr\n"
	"		elements = {\n"
	"			0x4c420003 . 192.168.8.20,\n"
	"			0x4c420009 . 192.168.8.30,\n"
	"		}\n"
	"	}\n"
	"	set probes_in_ip6 {\n"
	"		type mark . ipv6_addr\n"
	"		elements = {\n"
	"			0x4c420005 . 2001:db8::20,\n"
	"		}\n"
	"	}\n"
	"	set probes {\n"
	"		type mark\n"
	"		elements = {\n"
	"			0x4c420003,\n"
	"			0x4c420005,\n"
	"			0x4c420009,\n"
	"		}\n"
	"	}\n"
	"	chain marked {\n"
	"		meta mark . rt ip nexthop @probes_ip accept\n"
	"		meta mark . ip6 daddr @probes_in_ip6 accept\n"
	"		meta mark @probes drop\n"
	"	}\n"
	"	chain leaving {\n"
	"		type filter hook postrouting priority 0; policy accept;\n"
	"		meta mark & 0xffff0000 == 0x4c420000 goto marked\n"
	"	}\n"
	"}\n";

/* The next router shows the server, or what a wrapped packet is for; all else with such a mark is lost. */
START_TEST(probes_leave_for_their_server_or_not_at_all)
{
	auto_arena *arena = arena_new(0);
	struct nft_way ways[] = {
		{.mark = 0x4c420009, .server = at("192.168.8.30").address},
		{.mark = 0x4c420003, .server = at("192.168.8.20").address},
		{.mark = 0x4c420005, .server = at("2001:db8::20").address, .wrapped = true},
	};
	struct nft_rules rules = {.ways = ways,
				  .way_count = COUNT_OF(ways),
				  .way_base = 0x4c420000,
				  .way_mask = 0xffff0000};

	nft_rules_sort(&rules);
	ck_assert_str_eq(nft_text(arena, &rules), ways_text);
}
END_TEST

static void add_line(void *ctx, const char *text)
{
	text_add(ctx, "%s\n", text);
}

START_TEST(changes_are_told_with_the_place_they_are_in)
{
	auto_arena *arena = arena_new(0);
	struct nft_rules rules = everything();
	const char *before = nft_text(arena, &rules), *after;
	char buffer[2048];
	struct text said = text_of(buffer, sizeof(buffer));

	ck_assert_int_eq(nft_text_changes(arena, before, before, add_line, &said), 0);
	ck_assert_str_eq(buffer, "");
	marks[0].mark = 0x4c420001;
	rules.snats[0].server = at("10.0.0.9:80");
	nft_rules_sort(&rules);
	after = nft_text(arena, &rules);
	ck_assert_int_eq(nft_text_changes(arena, before, after, add_line, &said), 0);
	ck_assert_str_eq(buffer, "- map marks_ip: tcp . 192.168.8.200 . 80 : 0x4c42beef,\n"
				 "- chain tcp_192.168.8.200_8080: 10.0.0.7 . 80,\n"
				 "+ map marks_ip: tcp . 192.168.8.200 . 80 : 0x4c420001,\n"
				 "+ chain tcp_192.168.8.200_8080: 10.0.0.9 . 80,\n");
	marks[0].mark = 0x4c42beef;
}
END_TEST

START_TEST(a_merge_has_what_either_has_and_the_first_ones_sources)
{
	auto_arena *arena = arena_new(0);
	struct nft_snat old_snats[2], new_snats[2];
	struct nft_rules old_rules = {.snats = old_snats, .snat_count = 2},
			 new_rules = {.snats = new_snats, .snat_count = 2}, both = {0};

	everything();
	old_snats[0] = new_snats[0] = snats[0];
	old_snats[1] = new_snats[1] = snats[0];
	old_snats[1].server = at("10.0.0.1:80");
	new_snats[0].source = sources;
	new_snats[0].source_count = 1;
	new_snats[1].server = at("10.0.0.99:80");
	nft_rules_sort(&old_rules);
	nft_rules_sort(&new_rules);
	ck_assert_int_eq(nft_snats_merge(arena, &new_rules, &old_rules, &both), 0);
	ck_assert_uint_eq(both.snat_count, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(both.snats[i].source_count,
				  !endpoint_compare(&both.snats[i].server, &snats[0].server));
}
END_TEST

/* ---- the kernel ------------------------------------------------------------------------------ */

static char why[256];

static void put_table(struct arena *arena, const char *table)
{
	ck_assert_msg(!nft_run(nft_transaction(arena, table), why, sizeof(why)), "%s", why);
}

/* Listed twice, to prove that an unchanged table is listed alike. */
static char *listed(void)
{
	char *text, *again;

	ck_assert_msg(!nft_list(&text, why, sizeof(why)), "%s", why);
	ck_assert_int_eq(nft_list(&again, why, sizeof(why)), 0);
	ck_assert_str_eq(text, again);
	free(again);
	return text;
}

START_TEST(the_kernel_takes_the_table_again_and_again_and_lets_it_go)
{
	auto_arena *arena = arena_new(0);
	char *first, *second;

	put_table(arena, "");
	second = listed();
	ck_assert_str_eq(second, "");
	free(second);
	put_table(arena, everything_text);
	first = listed();
	ck_assert_ptr_nonnull(strstr(first, "0x4c42beef"));
	put_table(arena, everything_text);
	second = listed();
	ck_assert_str_eq(first, second);
	free(second);
	put_table(arena, "");
	second = listed();
	ck_assert_str_eq(second, "");
	free(first);
	free(second);
}
END_TEST

START_TEST(what_the_kernel_refuses_is_said_and_leaves_the_table_as_it_was)
{
	auto_arena *arena = arena_new(0);
	char *text;

	put_table(arena, "table inet lbha {\nchain mine {\n}\n}\n");
	ck_assert_int_eq(nft_run(nft_transaction(arena, "table inet lbha {\nchain x {\njump y\n}\n}\n"),
				 why, sizeof(why)),
			 -EIO);
	ck_assert_msg(!strncmp(why, "nftables: ", 10) && !strchr(why, '\n'), "%s", why);
	text = listed();
	ck_assert_ptr_nonnull(strstr(text, "chain mine"));
	free(text);
}
END_TEST

static void on_touch(void *ctx)
{
	(void)ctx;
}

START_TEST(a_watch_counts_transactions_that_touch_the_table_and_no_others)
{
	auto_arena *arena = arena_new(0);
	struct loop *loop = loop_new();
	struct nft_watch watch;

	ck_assert_int_eq(nft_watch_open(&watch, loop, on_touch, NULL), 0);
	ck_assert_uint_eq(nft_watch_drain(&watch), 0);
	put_table(arena, everything_text);
	ck_assert_uint_eq(nft_watch_drain(&watch), 1);
	ck_assert_int_eq(nft_run("add table inet other; add table ip lbha", why, sizeof(why)), 0);
	ck_assert_uint_eq(nft_watch_drain(&watch), 0);
	ck_assert_int_eq(nft_run("flush ruleset", why, sizeof(why)), 0);
	ck_assert_uint_eq(nft_watch_drain(&watch), 1);
	nft_watch_close(&watch);
	ck_assert_uint_ne(nft_watch_drain(&watch), 0);
	loop_free(loop);
}
END_TEST

static uint32_t random_number(uint32_t *state, uint32_t limit)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 8) % limit;
}

static struct endpoint random_endpoint(uint32_t *state, uint8_t family, bool with_port)
{
	struct endpoint endpoint = {.address.family = family};

	endpoint.address.bytes[0] = family == AF_INET ? 10 : 0xfd;
	endpoint.address.bytes[addr_size(family) - 1] = (uint8_t)random_number(state, 4);
	endpoint.port = with_port ? (uint16_t)(1 + random_number(state, 3)) : 0;
	return endpoint;
}

START_TEST(the_kernel_takes_whatever_rules_there_can_be)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
	static const uint8_t families[] = {AF_INET, AF_INET6};
	const char *seed = getenv("LBHA_SEED");
	uint32_t state = seed ? (uint32_t)strtoul(seed, NULL, 0) : 7;

	printf("LBHA_SEED=%u\n", state);
	for (int round = 0; round < 40; round++) {
		auto_arena *arena = arena_new(0);
		struct nft_mark some_marks[8];
		struct nft_snat some_snats[12];
		struct nft_way some_ways[6];
		struct addr pool[2][3];
		struct nft_rules rules = {.marks = some_marks,
					  .snats = some_snats,
					  .ways = some_ways,
					  .way_base = 0x4c420000,
					  .way_mask = 0xffff0000};

		for (int f = 0; f < 2; f++)
			for (int i = 0; i < 3; i++)
				pool[f][i] = random_endpoint(&state, families[f], false).address;
		rules.mark_count = random_number(&state, COUNT_OF(some_marks));
		rules.snat_count = random_number(&state, COUNT_OF(some_snats));
		rules.way_count = random_number(&state, COUNT_OF(some_ways));
		for (size_t i = 0; i < rules.way_count; i++)
			some_ways[i] = (struct nft_way){
				.mark = 0x4c420001 + (uint32_t)i,
				.server = random_endpoint(
					&state, families[random_number(&state, 2)], false).address,
				.wrapped = random_number(&state, 2)};
		for (size_t i = 0; i < rules.mark_count; i++)
			some_marks[i] = (struct nft_mark){
				.protocol = protocols[random_number(&state, 3)],
				.listen = random_endpoint(
					&state, families[random_number(&state, 2)], true),
				.mark = 1 + random_number(&state, 1000)};
		for (size_t i = 0; i < rules.snat_count; i++) {
			uint32_t f = random_number(&state, 2);

			some_snats[i] = (struct nft_snat){
				.protocol = protocols[random_number(&state, 3)],
				.listen = random_endpoint(&state, families[f],
							  random_number(&state, 4)),
				.server = random_endpoint(&state, families[f],
							  random_number(&state, 3)),
				.source = pool[f],
				.source_count = random_number(&state, 4)};
			if (random_number(&state, 3))
				continue;
			some_snats[i].listen = (struct endpoint){.address.family = families[f]};
			some_snats[i].protocol = 0;
			some_snats[i].mark = 1 + random_number(&state, 2);
		}
		nft_rules_sort(&rules);
		put_table(arena, nft_text(arena, &rules));
		free(listed());
	}
}
END_TEST

int main(void)
{
	if (!may_make_namespaces()) {
		printf("skipped: neither root nor allowed to make a user namespace\n");
		return 77;
	}
	return SUITE_RUN("net/nft",
			 CASE("text", the_table_says_what_is_marked_and_whose_address_is_replaced,
			      no_rules_are_no_table, changes_are_told_with_the_place_they_are_in,
			      probes_leave_for_their_server_or_not_at_all,
			      a_merge_has_what_either_has_and_the_first_ones_sources),
			 world_case(CASE("kernel",
					 the_kernel_takes_the_table_again_and_again_and_lets_it_go,
					 what_the_kernel_refuses_is_said_and_leaves_the_table_as_it_was,
					 a_watch_counts_transactions_that_touch_the_table_and_no_others,
					 the_kernel_takes_whatever_rules_there_can_be)),
			 NULL);
}
