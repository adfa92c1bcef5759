/* net, the effects: questions to rtnetlink, sysctls, the owned file, the monitor; against the real
 * kernel, in network namespaces of this program's own. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "net/monitor_io.h"
#include "net/sysctl_io.h"
#include "world.h"

#define DEADLINE (20 * NSTIME_S)

/* ---- questions to rtnetlink ---- */

START_TEST(address_is_added_with_our_tag_and_removed)
{
	auto_arena *arena = arena_new(0);
	struct address vip = ours(lo, "192.0.2.80/32"), six = ours(lo, "2001:db8::80/128");
	struct address_list list;
	const struct address *found;

	ck_assert_int_eq(rtnl_address_add(rtnl, &vip), 0);
	ck_assert_int_eq(rtnl_address_add(rtnl, &vip), -EEXIST);
	ck_assert_int_eq(rtnl_address_add(rtnl, &six), 0);
	list = kernel_addresses(arena, lo);
	found = address_find(&list, &vip);
	ck_assert(found && found->protocol == ADDRESS_PROTOCOL_LBHA &&
		  found->valid == ADDRESS_FOREVER);
	found = address_find(&list, &six);
	ck_assert(found && !(found->flags & IFA_F_TENTATIVE));
	ck_assert_int_eq(rtnl_address_remove(rtnl, &vip), 0);
	ck_assert_int_eq(rtnl_address_remove(rtnl, &vip), -EADDRNOTAVAIL);
	list = kernel_addresses(arena, lo);
	ck_assert(!address_find(&list, &vip));
}
END_TEST

START_TEST(address_attributes_survive_a_round_trip)
{
	auto_arena *arena = arena_new(0);
	struct address given = ours(left, "192.0.2.10/24"), *found;
	struct address_list list;

	addr_parse("192.0.2.255", &given.broadcast);
	snprintf(given.label, sizeof(given.label), "left:x");
	given.scope = ADDRESS_SCOPE_LINK;
	given.flags = IFA_F_NOPREFIXROUTE;
	given.valid = 1000;
	given.preferred = 900;
	ck_assert_int_eq(rtnl_address_add(rtnl, &given), 0);
	list = kernel_addresses(arena, left);
	for (found = list.items; !address_same(found, &given); found++)
		;
	ck_assert_str_eq(found->label, "left:x");
	ck_assert(addr_equal(&found->broadcast, &given.broadcast) &&
		  found->scope == ADDRESS_SCOPE_LINK);
	ck_assert((found->flags & IFA_F_NOPREFIXROUTE) && found->valid > 990 &&
		  found->valid <= 1000);
}
END_TEST

static struct address as_it_is(struct arena *arena, const struct address *wanted)
{
	struct address_list list = kernel_addresses(arena, wanted->link);
	const struct address *found = address_find(&list, wanted);

	ck_assert(found != NULL);
	return *found;
}

/* address_difference says what the kernel changes in place, and it does; it does not change what
 * makes an address be put in anew. */
START_TEST(kernel_changes_in_place_what_the_model_says)
{
	static const char *const prefixes[] = {"192.0.2.10/24", "2001:db8::10/64"};
	auto_arena *arena = arena_new(0);

	for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
		struct address given = ours(left, prefixes[i]), there;

		snprintf(given.label, sizeof(given.label), i ? "" : "left");
		ck_assert_int_eq(rtnl_address_add(rtnl, &given), 0);
		there = as_it_is(arena, &given);
		ck_assert_int_eq(address_difference(&there, &given), ADDRESS_ALIKE);
		given.preferred = 0;
		given.flags |= i ? IFA_F_NOPREFIXROUTE : 0;
		ck_assert_int_eq(address_difference(&there, &given), ADDRESS_IN_PLACE);
		ck_assert_int_eq(rtnl_address_change(rtnl, &given), 0);
		there = as_it_is(arena, &given);
		ck_assert_int_eq(address_difference(&there, &given), ADDRESS_ALIKE);
		ck_assert_uint_eq(there.protocol, ADDRESS_PROTOCOL_LBHA);
		if (i)
			given.prefix.length = 128;
		else
			snprintf(given.label, sizeof(given.label), "left:x");
		ck_assert_int_eq(address_difference(&there, &given), ADDRESS_ANEW);
		ck_assert_int_eq(rtnl_address_add(rtnl, &given), -EEXIST);
		rtnl_address_change(rtnl, &given);
		there = as_it_is(arena, &given);
		ck_assert_int_eq(address_difference(&there, &given), ADDRESS_ANEW);
	}
}
END_TEST

START_TEST(unknown_links_are_told)
{
	struct address nowhere = ours(99999, "192.0.2.80/32");
	struct link link = {.index = 77};

	ck_assert_int_eq(rtnl_link_by_name(rtnl, "nosuch", &link), -ENODEV);
	ck_assert_int_eq(rtnl_link_by_name(rtnl, "a/b", &link), -ENODEV);
	ck_assert_int_eq(rtnl_link_by_index(rtnl, 99999, &link), -ENODEV);
	ck_assert_uint_eq(link.index, 77);
	ck_assert_int_eq(rtnl_address_add(rtnl, &nowhere), -ENODEV);
	ck_assert_int_eq(rtnl_link_by_index(rtnl, lo, &link), 0);
	ck_assert(link.loopback && link.up && link.running && !link.arp);
	ck_assert_int_eq(rtnl_link_by_index(rtnl, left, &link), 0);
	ck_assert(!link.loopback && link.arp && link.mac[0] | link.mac[5]);
}
END_TEST

START_TEST(host_route_is_added_and_removed)
{
	struct rtnl_route route = {
		.link = left, .protocol = ADDRESS_PROTOCOL_LBHA, .scope = ADDRESS_SCOPE_LINK};

	prefix_parse("198.51.100.7/32", &route.destination);
	ck_assert_int_eq(rtnl_route_add(rtnl, &route), 0);
	ck_assert_int_eq(rtnl_route_add(rtnl, &route), -EEXIST);
	ck_assert_int_eq(rtnl_route_remove(rtnl, &route), 0);
	ck_assert_int_eq(rtnl_route_remove(rtnl, &route), -ESRCH);
}
END_TEST

/* The kernel must behave as net/address.c believes: order, secondaries, promotion. */
static void assert_like_the_kernel(const struct address_list *model)
{
	auto_arena *arena = arena_new(0);
	struct address_list real = kernel_addresses(arena, left), ipv4 = {.items = real.items};

	for (size_t i = 0; i < real.count; i++)
		if (real.items[i].prefix.address.family == AF_INET)
			ipv4.items[ipv4.count++] = real.items[i];
	ck_assert_uint_eq(ipv4.count, model->count);
	for (size_t i = 0; i < model->count; i++) {
		char a[ADDRESS_TEXT], b[ADDRESS_TEXT];

		ck_assert_str_eq(address_format(&ipv4.items[i], a),
				 address_format(&model->items[i], b));
		ck_assert_uint_eq(ipv4.items[i].flags & IFA_F_SECONDARY,
				  model->items[i].flags & IFA_F_SECONDARY);
	}
}

START_TEST(kernel_agrees_with_the_model)
{
	static const uint8_t lengths[] = {32, 24, 24, 16, 31};
	auto_arena *arena = arena_new(0);
	struct address_list model = {0};
	unsigned seed = (unsigned)time(NULL);
	int sysctls = sysctl_open();

	printf("kernel and model: seed %u\n", seed);
	fflush(stdout);
	srand(seed);
	for (int i = 0; i < 1500; i++) {
		struct prefix prefix = {
			.address = addr_from_ipv4(0x0a000000 | ((uint32_t)rand() % 2) << 8 |
						  (1 + (uint32_t)rand() % 5)),
			.length = lengths[(size_t)rand() % sizeof(lengths)],
		};
		struct address address = address_ours(left, &prefix);
		bool promotes = rand() % 2;

		address.scope = rand() % 4 ? ADDRESS_SCOPE_GLOBAL : ADDRESS_SCOPE_LINK;
		if (rand() % 5 < 3) {
			ck_assert_int_eq(rtnl_address_add(rtnl, &address),
					 address_list_add(arena, &model, &address));
		} else {
			ck_assert_int_eq(sysctl_write(sysctls,
						      "net/ipv4/conf/left/promote_secondaries",
						      promotes),
					 0);
			ck_assert_int_eq(rtnl_address_remove(rtnl, &address),
					 address_list_remove(&model, &address, promotes));
		}
		assert_like_the_kernel(&model);
	}
	close(sysctls);
}
END_TEST

/* ---- sysctls ---- */

START_TEST(sysctl_is_read_and_written)
{
	int sysctls = sysctl_open();
	int64_t value = 77;

	ck_assert_int_eq(sysctl_write(sysctls, "net/ipv4/conf/left/arp_ignore", 1), 0);
	ck_assert_int_eq(sysctl_read(sysctls, "net/ipv4/conf/left/arp_ignore", &value), 0);
	ck_assert_int_eq(value, 1);
	ck_assert_int_eq(sysctl_read(sysctls, "net/ipv4/conf/nosuch/arp_ignore", &value), -ENOENT);
	ck_assert_int_eq(sysctl_read(sysctls, "../sys/net/ipv4/ip_forward", &value), -EINVAL);
	ck_assert_int_eq(sysctl_read(sysctls, "net/..", &value), -EINVAL);
	ck_assert_int_eq(sysctl_read(sysctls, "/proc/sys/net/ipv4/ip_forward", &value), -EINVAL);
	ck_assert_int_eq(sysctl_read(sysctls, "net/ipv4/tcp_congestion_control", &value), -EINVAL);
	ck_assert_int_eq(value, 1);
	close(sysctls);
}
END_TEST

/* ---- the owned file ---- */

START_TEST(owned_file_keeps_what_two_writers_append)
{
	auto_arena *arena = arena_new(0);
	int one = owned_open(dir, "owned"), two = owned_open(dir, "owned");
	struct owned records[300];

	for (uint32_t i = 0; i < 300; i++) {
		struct prefix vip = {.address = addr_from_ipv4(0x0a000000 + i), .length = 32};
		struct address address = address_ours(left, &vip);

		records[i] = owned_of_address(false, &address, "left");
	}
	ck_assert_int_eq(owned_append(one, records, 200), 0);
	ck_assert_int_eq(owned_append(two, records + 200, 100), 0);
	records[7].gone = true;
	ck_assert_int_eq(owned_append(one, &records[7], 1), 0);
	ck_assert_uint_eq(owned_now(arena, two).count, 299);
	close(one);
	close(two);
}
END_TEST

START_TEST(owned_file_survives_a_torn_line)
{
	auto_arena *arena = arena_new(0);
	struct address vip = ours(left, "192.0.2.80/32");
	struct owned record = owned_of_address(false, &vip, "left");
	int fd = owned_open(dir, "owned");
	struct owned_set set;

	/* what is left reads like a whole line about another address */
	ck_assert_int_eq(write(fd, "+ address 3 left 192.0.2.8", 26), 26);
	ck_assert_int_eq(owned_append(fd, &record, 1), 0);
	set = owned_now(arena, fd);
	ck_assert_uint_eq(set.count, 2);
	ck_assert_int_eq(set.items[0].kind, OWNED_OTHER);
	ck_assert(owned_same(&set.items[1], &record));
	close(fd);
}
END_TEST

START_TEST(owned_file_is_rewritten_whole)
{
	auto_arena *arena = arena_new(0);
	struct address vip = ours(left, "192.0.2.80/32");
	struct owned records[] = {owned_of_address(false, &vip, "left"),
				  {.kind = OWNED_OTHER, .line = "+ nftables lbha"}};
	struct owned_set set = {.items = records, .count = 2}, again;
	int fd;

	ck_assert_int_eq(owned_rewrite(dir, "owned", &set), 0);
	ck_assert_int_eq(owned_rewrite(dir, "owned", &set), 0);
	fd = owned_open(dir, "owned");
	again = owned_now(arena, fd);
	ck_assert_uint_eq(again.count, 2);
	ck_assert_str_eq(again.items[1].line, "+ nftables lbha");
	ck_assert_int_eq(faccessat(dir, "owned.new", F_OK, 0), -1);
	close(fd);
}
END_TEST

START_TEST(owned_file_is_no_symbolic_link)
{
	ck_assert_int_eq(symlinkat("elsewhere", dir, "link"), 0);
	ck_assert_int_eq(owned_open(dir, "link"), -ELOOP);
}
END_TEST

/* ---- the monitor ---- */

struct watch {
	struct loop *loop;
	struct monitor *monitor;
	struct loop_timer deadline;
	bool (*enough)(const struct watch *watch);
	bool late;
	unsigned synced, links, links_removed, addresses, removed;
	struct link last_link, gone_link;
	struct address last, gone;
	unsigned routes, routes_removed, routes_read;
	unsigned routes_seen; /* told during the last dump */
	struct route last_route;
	unsigned gone_before_link; /* addresses removed when the link's removal was told */
};

static void watch_look(struct watch *watch)
{
	if (watch->enough && watch->enough(watch))
		loop_stop(watch->loop);
}

static void on_link(void *ctx, const struct link *link)
{
	struct watch *watch = ctx;

	watch->links++;
	watch->last_link = *link;
	watch_look(watch);
}

static void on_link_removed(void *ctx, const struct link *link)
{
	struct watch *watch = ctx;

	watch->links_removed++;
	watch->gone_link = *link;
	watch->gone_before_link = watch->removed;
	watch_look(watch);
}

static void on_address(void *ctx, const struct address *address)
{
	struct watch *watch = ctx;

	watch->addresses++;
	watch->last = *address;
	watch_look(watch);
}

static void on_address_removed(void *ctx, const struct address *address)
{
	struct watch *watch = ctx;

	watch->removed++;
	watch->gone = *address;
	watch_look(watch);
}

static void on_synced(void *ctx)
{
	struct watch *watch = ctx;

	watch->synced++;
	watch_look(watch);
}

static void on_failed(void *ctx, int error)
{
	(void)ctx;
	ck_abort_msg("monitor failed: %s", strerror(-error));
}

static void on_route(void *ctx, const struct route *route, bool removed)
{
	struct watch *watch = ctx;

	watch->routes++;
	watch->routes_removed += removed;
	watch->last_route = *route;
	watch_look(watch);
}

static void on_routes_begin(void *ctx)
{
	((struct watch *)ctx)->routes_seen = ((struct watch *)ctx)->routes;
}

static void on_routes_end(void *ctx)
{
	struct watch *watch = ctx;

	watch->routes_read++;
	watch->routes_seen = watch->routes - watch->routes_seen;
	watch_look(watch);
}

static const struct monitor_ops monitor_ops = {
	.link = on_link,
	.link_removed = on_link_removed,
	.address = on_address,
	.address_removed = on_address_removed,
	.route = on_route,
	.routes_begin = on_routes_begin,
	.routes_end = on_routes_end,
	.synced = on_synced,
	.failed = on_failed,
};

static void watch_late(void *ctx)
{
	struct watch *watch = ctx;

	watch->late = true;
	loop_stop(watch->loop);
}

/* Turns the loop until the condition holds; fails after the deadline. */
static void watch_until(struct watch *watch, bool (*enough)(const struct watch *watch))
{
	if (enough(watch))
		return;
	watch->enough = enough;
	timer_at(&watch->deadline, nstime_after(clock_now(), DEADLINE));
	ck_assert_int_eq(loop_run(watch->loop), 0);
	ck_assert(!watch->late);
	timer_cancel(&watch->deadline);
}

static bool is_synced(const struct watch *watch)
{
	return watch->synced > 0;
}

static void watch_start(struct watch *watch)
{
	watch->loop = loop_new();
	ck_assert_int_eq(timer_init(watch->loop, &watch->deadline, LOOP_NORMAL, watch_late, watch),
			 0);
	ck_assert_int_eq(monitor_new(watch->loop, &monitor_ops, watch, &watch->monitor), 0);
	watch_until(watch, is_synced);
}

static void watch_end(struct watch *watch)
{
	monitor_free(watch->monitor);
	timer_fini(&watch->deadline);
	loop_free(watch->loop);
}

static void assert_mirror_is_true(struct watch *watch)
{
	auto_arena *arena = arena_new(0);
	struct address_list real = kernel_addresses(arena, 0),
			    mirror = monitor_addresses(watch->monitor, 0);

	ck_assert_uint_eq(mirror.count, real.count);
	for (size_t i = 0; i < real.count; i++)
		ck_assert(!!address_find(&mirror, &real.items[i]));
}

static bool has_heard_a_route(const struct watch *watch)
{
	return watch->routes > 0;
}

static bool has_lost_a_route(const struct watch *watch)
{
	return watch->routes_removed > 0;
}

static bool has_read_routes(const struct watch *watch)
{
	return watch->routes_read > 0;
}

START_TEST(monitor_tells_of_our_routes_alone)
{
	struct watch watch = {0};
	struct addr via;
	char text[ROUTE_TEXT];

	ck_assert_int_eq(system("ip addr add 192.0.2.1/24 dev left; "
				"ip route add 198.51.100.0/24 dev left proto static"),
			 0);
	watch_start(&watch);
	ck_assert_int_eq(system("ip route add 203.0.113.0/24 dev left proto bird; "
				"ip route add 10.0.0.0/8 via 192.0.2.9 metric 7 table 99 proto 76; "
				"ip route del 203.0.113.0/24 proto bird"),
			 0);
	watch_until(&watch, has_heard_a_route);
	addr_parse("192.0.2.9", &via);
	ck_assert_str_eq(route_format(&watch.last_route, text),
			 "10.0.0.0/8 via 192.0.2.9 metric 7 table 99");
	ck_assert(watch.last_route.link == left && watch.last_route.protocol == 76);
	ck_assert_int_eq(system("ip -6 route add default dev left proto 76"), 0);
	monitor_read_routes(watch.monitor);
	watch_until(&watch, has_read_routes);
	ck_assert_uint_eq(watch.routes_seen, 2);
	ck_assert_int_eq(system("ip route del 10.0.0.0/8 table 99"), 0);
	watch_until(&watch, has_lost_a_route);
	ck_assert_uint_eq(watch.routes, 5); /* added twice, read twice, removed once */
	watch_end(&watch);
}
END_TEST

START_TEST(routes_of_others_wake_nobody)
{
	struct watch watch = {0};

	watch_start(&watch);
	/* far more than the queue would hold if anybody put them there */
	ck_assert_int_eq(system("for i in $(seq 0 99); do for j in $(seq 0 99); do "
				"echo route add 10.$i.$j.0/24 dev left proto bird; done; done"
				" | ip -batch -"),
			 0);
	monitor_read_routes(watch.monitor);
	watch_until(&watch, has_read_routes);
	ck_assert_uint_eq(watch.routes, 0);
	ck_assert_uint_eq(monitor_resyncs(watch.monitor), 0);
	watch_end(&watch);
}
END_TEST

START_TEST(monitor_starts_with_what_is_there)
{
	struct watch watch = {0};

	watch_start(&watch);
	ck_assert_uint_eq(watch.links, 3);
	ck_assert(monitor_link_by_index(watch.monitor, left) ==
		  monitor_link_by_name(watch.monitor, "left"));
	ck_assert(link_usable(monitor_link_by_name(watch.monitor, "right")));
	ck_assert(!monitor_link_by_name(watch.monitor, "nosuch"));
	assert_mirror_is_true(&watch);
	watch_end(&watch);
}
END_TEST

static bool has_heard_tagged(const struct watch *watch)
{
	return watch->last.link == left && watch->last.protocol == ADDRESS_PROTOCOL_LBHA;
}

static bool has_lost_one(const struct watch *watch)
{
	return watch->gone.link == left && watch->gone.prefix.address.family == AF_INET;
}

START_TEST(monitor_tells_of_addresses_as_they_come_and_go)
{
	struct watch watch = {0};
	struct address vip = ours(left, "192.0.2.80/24");

	watch_start(&watch);
	rtnl_address_add(rtnl, &vip);
	watch_until(&watch, has_heard_tagged);
	ck_assert(address_same(&watch.last, &vip));
	rtnl_address_remove(rtnl, &vip);
	watch_until(&watch, has_lost_one);
	ck_assert(address_same(&watch.gone, &vip));
	watch_end(&watch);
}
END_TEST

static bool has_lost_link(const struct watch *watch)
{
	return watch->links_removed == 2;
}

static bool has_lost_carrier(const struct watch *watch)
{
	return watch->last_link.index == left && watch->last_link.up && !watch->last_link.running;
}

START_TEST(monitor_tells_of_carrier_and_of_links_removed_after_their_addresses)
{
	struct watch watch = {0};
	struct address vip = ours(left, "192.0.2.80/24");
	struct nl_sock *socket = nl_socket_alloc();
	struct rtnl_link *link, *change = rtnl_link_alloc();

	rtnl_address_add(rtnl, &vip);
	watch_start(&watch);
	ck_assert_int_eq(nl_connect(socket, NETLINK_ROUTE), 0);
	ck_assert_int_eq(rtnl_link_get_kernel(socket, 0, "right", &link), 0);
	rtnl_link_unset_flags(change, rtnl_link_str2flags("up"));
	ck_assert_int_eq(rtnl_link_change(socket, link, change, 0), 0);
	watch_until(&watch, has_lost_carrier);
	veth_delete("left");
	watch_until(&watch, has_lost_link);
	ck_assert_uint_gt(watch.gone_before_link, 0);
	ck_assert(!monitor_link_by_index(watch.monitor, left));
	assert_mirror_is_true(&watch);
	rtnl_link_put(change);
	rtnl_link_put(link);
	nl_socket_free(socket);
	watch_end(&watch);
}
END_TEST

START_TEST(monitor_keeps_the_order_of_the_kernel)
{
	struct watch watch = {0};
	struct address first = ours(left, "192.0.2.10/24"), vip = ours(left, "192.0.2.80/24");
	struct address other = ours(left, "198.51.100.1/24");
	struct address_list list;

	rtnl_address_add(rtnl, &first);
	watch_start(&watch);
	rtnl_address_add(rtnl, &vip);
	rtnl_address_add(rtnl, &other);
	rtnl_address_remove(rtnl, &first);
	watch_until(&watch, has_lost_one);
	rtnl_address_add(rtnl, &vip);
	rtnl_address_add(rtnl, &first);
	while (monitor_addresses(watch.monitor, 0).count < 2 || !address_same(&watch.last, &first)) {
		watch.last.link = 0;
		watch_until(&watch, has_heard_tagged);
	}
	list = monitor_addresses(watch.monitor, 0);
	while (list.items->link != left)
		list.items++;
	ck_assert(address_same(&list.items[0], &other));
	ck_assert(address_same(&list.items[1], &vip));
	ck_assert(address_same(&list.items[2], &first) && (list.items[2].flags & IFA_F_SECONDARY));
	watch_end(&watch);
}
END_TEST

static bool is_resynced(const struct watch *watch)
{
	return watch->synced > 1;
}

START_TEST(monitor_recovers_from_an_overrun)
{
	struct watch watch = {0};
	struct address_list mirror;

	watch_start(&watch);
	/* the loop stands still while far more happens than any buffer holds */
	for (uint32_t i = 0; i < 16000; i++) {
		struct prefix prefix = {.address = addr_from_ipv4(0x0a000000 + i / 4),
					.length = 32};
		struct address address = address_ours(left, &prefix);

		if (i % 2 && i % 16 != 15)
			rtnl_address_remove(rtnl, &address);
		else if (i % 2 == 0)
			rtnl_address_add(rtnl, &address);
	}
	watch_until(&watch, is_resynced);
	ck_assert_uint_gt(monitor_resyncs(watch.monitor), 0);
	mirror = monitor_addresses(watch.monitor, 0);
	ck_assert_uint_gt(mirror.count, 900);
	assert_mirror_is_true(&watch);
	watch_end(&watch);
}
END_TEST

int main(void)
{
	if (!may_make_namespaces()) {
		printf("skipped: neither root nor allowed to make a user namespace\n");
		return 77;
	}
	return SUITE_RUN(
		"net/io",
		world_case(CASE("rtnl", address_is_added_with_our_tag_and_removed,
				address_attributes_survive_a_round_trip,
				kernel_changes_in_place_what_the_model_says, unknown_links_are_told,
				host_route_is_added_and_removed, kernel_agrees_with_the_model)),
		world_case(CASE("sysctl", sysctl_is_read_and_written)),
		world_case(CASE("owned", owned_file_keeps_what_two_writers_append,
				owned_file_survives_a_torn_line, owned_file_is_rewritten_whole,
				owned_file_is_no_symbolic_link)),
		world_case(CASE("monitor", monitor_starts_with_what_is_there,
				monitor_tells_of_our_routes_alone,
				routes_of_others_wake_nobody,
				monitor_tells_of_addresses_as_they_come_and_go,
				monitor_tells_of_carrier_and_of_links_removed_after_their_addresses,
				monitor_keeps_the_order_of_the_kernel,
				monitor_recovers_from_an_overrun)),
		NULL);
}
