/* net, the effects: against the real kernel, in a network namespace of this program's own. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "core/loop.h"
#include "net/address_writer_io.h"
#include "net/announce_io.h"
#include "net/frame.h"
#include "net/monitor_io.h"
#include "net/owned_io.h"
#include "net/rtnl_io.h"
#include "net/sysctl_io.h"
#include "suite.h"

#define DEADLINE (20 * NSTIME_S)

/* ---- the world: a namespace with lo up and a pair left--right ---- */

static struct rtnl *rtnl;
static uint32_t lo, left, right;
static char folder[] = "/tmp/lbha-test-net-XXXXXX";
static int dir;

static void link_set_up(struct nl_sock *socket, const char *name)
{
	struct rtnl_link *link, *change = rtnl_link_alloc();

	ck_assert_int_eq(rtnl_link_get_kernel(socket, 0, name, &link), 0);
	rtnl_link_set_flags(change, rtnl_link_str2flags("up"));
	ck_assert_int_eq(rtnl_link_change(socket, link, change, 0), 0);
	rtnl_link_put(change);
	rtnl_link_put(link);
}

static uint32_t index_of(const char *name)
{
	struct link link;

	ck_assert_int_eq(rtnl_link_by_name(rtnl, name, &link), 0);
	ck_assert_str_eq(link.name, name);
	return link.index;
}

static void veth_make(const char *name, const char *peer)
{
	struct nl_sock *socket = nl_socket_alloc();

	ck_assert_int_eq(nl_connect(socket, NETLINK_ROUTE), 0);
	ck_assert_int_eq(rtnl_link_veth_add(socket, name, peer, getpid()), 0);
	link_set_up(socket, name);
	link_set_up(socket, peer);
	nl_socket_free(socket);
}

static void veth_delete(const char *name)
{
	struct nl_sock *socket = nl_socket_alloc();
	struct rtnl_link *link = rtnl_link_alloc();

	ck_assert_int_eq(nl_connect(socket, NETLINK_ROUTE), 0);
	rtnl_link_set_name(link, name);
	ck_assert_int_eq(rtnl_link_delete(socket, link), 0);
	rtnl_link_put(link);
	nl_socket_free(socket);
}

/* Every test runs in a process of its own (CK_FORK): each makes its own namespace. */
static void world_make(void)
{
	struct nl_sock *socket = nl_socket_alloc();

	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	ck_assert_int_eq(nl_connect(socket, NETLINK_ROUTE), 0);
	link_set_up(socket, "lo");
	nl_socket_free(socket);
	ck_assert_int_eq(rtnl_open(&rtnl), 0);
	veth_make("left", "right");
	lo = index_of("lo");
	left = index_of("left");
	right = index_of("right");
	ck_assert(mkdtemp(folder) != NULL);
	dir = open(folder, O_DIRECTORY | O_CLOEXEC);
}

static void world_end(void)
{
	unlinkat(dir, "owned", 0);
	unlinkat(dir, "link", 0);
	close(dir);
	rmdir(folder);
	rtnl_close(rtnl);
}

static struct address ours(uint32_t link, const char *text)
{
	struct prefix prefix;

	ck_assert_int_eq(prefix_parse(text, &prefix), 0);
	return address_ours(link, &prefix);
}

static struct address_list kernel_addresses(struct arena *arena, uint32_t link)
{
	struct address_list list;

	ck_assert_int_eq(rtnl_addresses(rtnl, arena, link, &list), 0);
	return list;
}

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

static struct owned_set owned_now(struct arena *arena, int fd)
{
	struct owned_set set;

	ck_assert_int_eq(owned_read(fd, arena, &set), 0);
	return set;
}

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

static const struct monitor_ops monitor_ops = {
	on_link, on_link_removed, on_address, on_address_removed, on_synced, on_failed,
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
			    mirror = monitor_addresses(watch->monitor);

	ck_assert_uint_eq(mirror.count, real.count);
	for (size_t i = 0; i < real.count; i++)
		ck_assert(!!address_find(&mirror, &real.items[i]));
}

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
	while (monitor_addresses(watch.monitor).count < 2 || !address_same(&watch.last, &first)) {
		watch.last.link = 0;
		watch_until(&watch, has_heard_tagged);
	}
	list = monitor_addresses(watch.monitor);
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
	mirror = monitor_addresses(watch.monitor);
	ck_assert_uint_gt(mirror.count, 900);
	assert_mirror_is_true(&watch);
	watch_end(&watch);
}
END_TEST

/* ---- the writer ---- */

struct orders {
	struct loop *loop;
	struct address_writer *writer;
	struct loop_timer deadline;
	uint64_t next; /* cookie expected next: order is kept */
	size_t wanted, failed;
	int last_error;
};

static void on_done(void *ctx, uint64_t cookie, enum address_action action,
		    const struct address *address, int error)
{
	struct orders *orders = ctx;

	(void)action;
	ck_assert_uint_eq(cookie, orders->next++);
	ck_assert_uint_ne(address->link, 0);
	orders->failed += error != 0;
	orders->last_error = error;
	if (orders->next == orders->wanted)
		loop_stop(orders->loop);
}

static const struct address_writer_ops writer_ops = {on_done};

static void orders_late(void *ctx)
{
	(void)ctx;
	ck_abort_msg("the writer did not answer in time");
}

static void orders_start(struct orders *orders, size_t capacity, int owned)
{
	orders->loop = loop_new();
	timer_init(orders->loop, &orders->deadline, LOOP_NORMAL, orders_late, orders);
	ck_assert_int_eq(address_writer_new(orders->loop, capacity, owned, &writer_ops, orders,
					    &orders->writer),
			 0);
}

static void order(struct orders *orders, enum address_action action, const struct address *address)
{
	struct address_op op = {.action = action, .address = *address};

	ck_assert_int_eq(address_writer_put(orders->writer, &op, orders->wanted++), 0);
}

static void orders_await(struct orders *orders)
{
	timer_at(&orders->deadline, nstime_after(clock_now(), DEADLINE));
	if (orders->next < orders->wanted)
		ck_assert_int_eq(loop_run(orders->loop), 0);
	timer_cancel(&orders->deadline);
	ck_assert_uint_eq(address_writer_pending(orders->writer), 0);
}

static void orders_end(struct orders *orders)
{
	address_writer_free(orders->writer, NSTIME_S);
	timer_fini(&orders->deadline);
	loop_free(orders->loop);
}

START_TEST(writer_carries_thousands_in_order_and_keeps_the_owned_file)
{
	enum { VIPS = 2000 };
	auto_arena *arena = arena_new(0);
	struct orders orders = {0};
	int owned = owned_open(dir, "owned");
	struct address vip;

	orders_start(&orders, VIPS, owned);
	for (uint32_t i = 0; i < VIPS; i++) {
		struct prefix prefix = {.address = addr_from_ipv4(0x0a000000 + i), .length = 32};

		vip = address_ours(left, &prefix);
		order(&orders, ADDRESS_ADD, &vip);
	}
	ck_assert_uint_eq(address_writer_room(orders.writer), 0);
	ck_assert_int_eq(address_writer_put(orders.writer, &(struct address_op){.address = vip}, 0),
			 -ENOBUFS);
	orders_await(&orders);
	ck_assert_uint_eq(orders.failed, 0);
	ck_assert_uint_eq(kernel_addresses(arena, left).count,
			  VIPS + 1); /* and the link-local one */
	ck_assert_uint_eq(owned_now(arena, owned).count, VIPS);
	for (uint32_t i = 0; i < VIPS; i++) {
		struct prefix prefix = {.address = addr_from_ipv4(0x0a000000 + i), .length = 32};

		vip = address_ours(left, &prefix);
		order(&orders, ADDRESS_REMOVE, &vip);
	}
	orders_await(&orders);
	ck_assert_uint_eq(orders.failed, 0);
	ck_assert_uint_eq(kernel_addresses(arena, left).count, 1);
	ck_assert_uint_eq(owned_now(arena, owned).count, 0);
	orders_end(&orders);
	close(owned);
}
END_TEST

START_TEST(writer_tells_each_refusal_and_does_the_rest)
{
	auto_arena *arena = arena_new(0);
	struct orders orders = {0};
	struct address here = ours(left, "192.0.2.80/32"), nowhere = ours(99999, "192.0.2.81/32");
	struct address other = ours(left, "192.0.2.82/32");
	int owned = owned_open(dir, "owned");
	struct address_list list;

	orders_start(&orders, 4, owned);
	rtnl_address_add(rtnl, &here);
	order(&orders, ADDRESS_ADD, &here);    /* -EEXIST: adopted */
	order(&orders, ADDRESS_ADD, &nowhere); /* -ENODEV: struck out again */
	order(&orders, ADDRESS_ADD, &other);
	orders_await(&orders);
	ck_assert_uint_eq(orders.failed, 2);
	ck_assert_int_eq(orders.last_error, 0);
	list = kernel_addresses(arena, left);
	ck_assert(!!address_find(&list, &other));
	ck_assert_uint_eq(owned_now(arena, owned).count, 2);
	order(&orders, ADDRESS_REMOVE, &nowhere);
	orders_await(&orders);
	ck_assert_int_eq(orders.last_error, -ENODEV);
	orders_end(&orders);
	close(owned);
}
END_TEST

START_TEST(writer_adopts_and_forgets_on_paper_only)
{
	auto_arena *arena = arena_new(0);
	struct orders orders = {0};
	struct address here = ours(left, "192.0.2.80/32"), back = ours(left, "192.0.2.81/32");
	int owned = owned_open(dir, "owned");
	struct address_list list;

	orders_start(&orders, 8, owned);
	order(&orders, ADDRESS_ADOPT, &here);
	order(&orders, ADDRESS_RESTORE, &back);
	orders_await(&orders);
	list = kernel_addresses(arena, left);
	ck_assert(!address_find(&list, &here) && address_find(&list, &back));
	ck_assert_uint_eq(owned_now(arena, owned).count, 1);
	order(&orders, ADDRESS_FORGET, &here);
	orders_await(&orders);
	ck_assert_uint_eq(owned_now(arena, owned).count, 0);
	orders_end(&orders);
	close(owned);
}
END_TEST

START_TEST(writer_adds_nothing_that_it_cannot_write_down)
{
	auto_arena *arena = arena_new(0);
	struct orders orders = {0};
	struct address vip = ours(left, "192.0.2.80/32"), there = ours(left, "192.0.2.81/32");
	int full = open("/dev/full", O_RDWR | O_CLOEXEC);
	struct address_list list;

	orders_start(&orders, 8, full);
	rtnl_address_add(rtnl, &there);
	order(&orders, ADDRESS_ADD, &vip);
	order(&orders, ADDRESS_REMOVE, &there); /* letting go must always be possible */
	orders_await(&orders);
	ck_assert_uint_eq(orders.failed, 1);
	list = kernel_addresses(arena, left);
	ck_assert(!address_find(&list, &vip) && !address_find(&list, &there));
	orders_end(&orders);
	close(full);
}
END_TEST

START_TEST(writer_ends_only_after_what_was_put)
{
	auto_arena *arena = arena_new(0);
	struct orders orders = {0};
	struct address vip = ours(left, "192.0.2.80/32");

	orders_start(&orders, 8, -1);
	order(&orders, ADDRESS_ADD, &vip);
	address_writer_free(orders.writer, 10 * NSTIME_S);
	orders.writer = NULL;
	ck_assert_uint_eq(kernel_addresses(arena, left).count, 2);
	orders_end(&orders);
}
END_TEST

/* ---- announcements ---- */

static int capture_open(uint32_t link)
{
	struct sockaddr_ll here = {.sll_family = AF_PACKET,
				   .sll_protocol = htons(ETHERTYPE_ARP),
				   .sll_ifindex = (int)link};
	struct timeval patience = {.tv_sec = 10};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETHERTYPE_ARP));

	ck_assert_int_eq(bind(fd, (void *)&here, sizeof(here)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

START_TEST(announcements_reach_the_other_end)
{
	enum { VIPS = 150 };
	struct announcer *announcer;
	struct addr vips[VIPS];
	uint8_t frame[128], wanted[FRAME_ARP_SIZE];
	int capture = capture_open(right);
	struct link link;

	rtnl_link_by_index(rtnl, left, &link);
	for (uint32_t i = 0; i < VIPS; i++)
		vips[i] = addr_from_ipv4(0xc0000200 + i);
	addr_parse("2001:db8::1", &vips[70]);
	ck_assert_int_eq(announcer_new(&announcer), 0);
	ck_assert_int_eq(announce_send(announcer, left, link.mac, vips, VIPS), VIPS);
	for (uint32_t i = 0; i < VIPS; i++) {
		if (i == 70)
			continue;
		frame_arp_announce(wanted, link.mac, &vips[i]);
		ck_assert_int_ge(recv(capture, frame, sizeof(frame), 0), FRAME_ARP_SIZE);
		ck_assert_mem_eq(frame, wanted, FRAME_ARP_SIZE);
	}
	announcer_free(announcer);
	close(capture);
}
END_TEST

START_TEST(announcing_on_a_link_that_is_gone_is_an_error)
{
	static const uint8_t mac[LINK_MAC] = {2};
	struct addr vip = addr_from_ipv4(0xc0000250);
	struct announcer *announcer;

	ck_assert_int_eq(announcer_new(&announcer), 0);
	ck_assert_int_eq(announce_send(announcer, 99999, mac, &vip, 1), -ENXIO);
	announcer_free(announcer);
}
END_TEST

/* ---- */

static TCase *world_case(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, world_make, world_end);
	return tcase;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}

/* Root, or else root of a user namespace. */
static bool may_make_namespaces(void)
{
	unsigned uid = getuid(), gid = getgid();
	char map[64];

	if (!uid)
		return true;
	if (unshare(CLONE_NEWUSER))
		return false;
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	write_file("/proc/self/gid_map", map);
	return true;
}

int main(void)
{
	if (!may_make_namespaces()) {
		printf("skipped: neither root nor allowed to make a user namespace\n");
		return 77;
	}
	return SUITE_RUN(
		"net/io",
		world_case(CASE("rtnl", address_is_added_with_our_tag_and_removed,
				address_attributes_survive_a_round_trip, unknown_links_are_told,
				host_route_is_added_and_removed, kernel_agrees_with_the_model)),
		world_case(CASE("sysctl", sysctl_is_read_and_written)),
		world_case(CASE("owned", owned_file_keeps_what_two_writers_append,
				owned_file_survives_a_torn_line, owned_file_is_rewritten_whole,
				owned_file_is_no_symbolic_link)),
		world_case(CASE("monitor", monitor_starts_with_what_is_there,
				monitor_tells_of_addresses_as_they_come_and_go,
				monitor_tells_of_carrier_and_of_links_removed_after_their_addresses,
				monitor_keeps_the_order_of_the_kernel,
				monitor_recovers_from_an_overrun)),
		world_case(CASE("writer",
				writer_carries_thousands_in_order_and_keeps_the_owned_file,
				writer_tells_each_refusal_and_does_the_rest,
				writer_adopts_and_forgets_on_paper_only,
				writer_adds_nothing_that_it_cannot_write_down,
				writer_ends_only_after_what_was_put)),
		world_case(CASE("announce", announcements_reach_the_other_end,
				announcing_on_a_link_that_is_gone_is_an_error)),
		NULL);
}
