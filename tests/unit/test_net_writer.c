/* net, the effects: the rtnl writer and announcements; against the real kernel, in network
 * namespaces of this program's own. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/rtnl_writer_io.h"
#include "net/announce_io.h"
#include "net/frame.h"
#include "net/sysctl_io.h"
#include "world.h"

#define DEADLINE (20 * NSTIME_S)

/* ---- the writer ---- */

struct orders {
	struct loop *loop;
	struct rtnl_writer *writer;
	struct loop_timer deadline;
	uint64_t next; /* cookie expected next: order is kept */
	size_t wanted, failed;
	int last_error;
	struct rtnl_op last;
};

static void on_done(void *ctx, uint64_t cookie, const struct rtnl_op *op, int error)
{
	struct orders *orders = ctx;

	ck_assert_uint_eq(cookie, orders->next++);
	orders->last = *op;
	orders->failed += error != 0;
	orders->last_error = error;
	if (orders->next == orders->wanted)
		loop_stop(orders->loop);
}

static const struct rtnl_writer_ops writer_ops = {on_done};

static void orders_late(void *ctx)
{
	(void)ctx;
	ck_abort_msg("the writer did not answer in time");
}

static void orders_start(struct orders *orders, size_t capacity, int owned)
{
	orders->loop = loop_new();
	timer_init(orders->loop, &orders->deadline, LOOP_NORMAL, orders_late, orders);
	ck_assert_int_eq(rtnl_writer_new(orders->loop, capacity, owned, &writer_ops, orders,
					    &orders->writer),
			 0);
}

static void order(struct orders *orders, enum address_action action, const struct address *address)
{
	struct rtnl_op op = {.kind = RTNL_ADDRESS,
			     .address = {.action = action, .address = *address}};

	ck_assert_int_eq(rtnl_writer_put(orders->writer, &op, orders->wanted++), 0);
}

static void order_route(struct orders *orders, enum route_action action, const struct route *route)
{
	struct rtnl_op op = {.kind = RTNL_ROUTE, .route = {.action = action, .route = *route}};

	ck_assert_int_eq(rtnl_writer_put(orders->writer, &op, orders->wanted++), 0);
}

static void order_link(struct orders *orders, enum link_action action, uint32_t index,
		       const struct macvlan *link)
{
	struct rtnl_op op = {.kind = RTNL_LINK,
			     .link = {.action = action, .index = index, .link = *link}};

	ck_assert_int_eq(rtnl_writer_put(orders->writer, &op, orders->wanted++), 0);
}

static void order_sysctl(struct orders *orders, enum sysctl_action action, const char *path,
			 int64_t value, int64_t former)
{
	struct rtnl_op op = {
		.kind = RTNL_SYSCTL,
		.sysctl = {.action = action, .op = {.value = value, .former = former}},
	};

	snprintf(op.sysctl.op.path, sizeof(op.sysctl.op.path), "%s", path);
	ck_assert_int_eq(rtnl_writer_put(orders->writer, &op, orders->wanted++), 0);
}

static void orders_await(struct orders *orders)
{
	timer_at(&orders->deadline, nstime_after(clock_now(), DEADLINE));
	if (orders->next < orders->wanted)
		ck_assert_int_eq(loop_run(orders->loop), 0);
	timer_cancel(&orders->deadline);
	ck_assert_uint_eq(rtnl_writer_pending(orders->writer), 0);
}

static void orders_end(struct orders *orders)
{
	rtnl_writer_free(orders->writer, NSTIME_S);
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
	ck_assert_uint_eq(rtnl_writer_room(orders.writer), 0);
	ck_assert_int_eq(rtnl_writer_put(orders.writer, &(struct rtnl_op){0}, 0),
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

/* Of everything the kernel has for a destination; the tool says more than a dump that we read
 * ourselves. */
static void assert_route(const char *to, const char *wanted)
{
	char command[128], line[256] = "";
	FILE *shown;

	snprintf(command, sizeof(command), "ip route show %s", to);
	shown = popen(command, "r");
	ck_assert(shown != NULL);
	if (!fgets(line, sizeof(line), shown))
		line[0] = '\0';
	pclose(shown);
	ck_assert_str_eq(line, wanted);
}

static struct route route_of(uint32_t link, const char *to, const char *via)
{
	struct addr next_hop = {0};
	struct prefix prefix;

	prefix_parse(to, &prefix);
	if (via)
		addr_parse(via, &next_hop);
	return route_ours(link, &prefix, &next_hop, 0, ROUTE_TABLE_MAIN);
}

START_TEST(writer_carries_routes_between_addresses_in_order)
{
	auto_arena *arena = arena_new(0);
	struct orders orders = {0};
	struct address base = ours(left, "192.0.2.1/24");
	struct route route = route_of(left, "203.0.113.0/24", "192.0.2.9");
	int owned = owned_open(dir, "owned");

	orders_start(&orders, 8, owned);
	order(&orders, ADDRESS_ADD, &base); /* makes the gateway reachable */
	order_route(&orders, ROUTE_ADD, &route);
	orders_await(&orders);
	ck_assert_uint_eq(orders.failed, 0);
	assert_route("203.0.113.0/24", "203.0.113.0/24 via 192.0.2.9 dev left proto 76 \n");
	route = route_of(left, "203.0.113.0/24", "192.0.2.10");
	order_route(&orders, ROUTE_CHANGE, &route);
	orders_await(&orders);
	assert_route("203.0.113.0/24", "203.0.113.0/24 via 192.0.2.10 dev left proto 76 \n");
	ck_assert_uint_eq(owned_now(arena, owned).count, 2);
	order_route(&orders, ROUTE_REMOVE, &route);
	order(&orders, ADDRESS_REMOVE, &base);
	orders_await(&orders);
	ck_assert_uint_eq(orders.failed, 0);
	assert_route("203.0.113.0/24", "");
	ck_assert_uint_eq(owned_now(arena, owned).count, 0);
	orders_end(&orders);
	close(owned);
}
END_TEST

START_TEST(writer_does_not_touch_the_route_of_another)
{
	auto_arena *arena = arena_new(0);
	struct orders orders = {0};
	struct route route = route_of(left, "203.0.113.0/24", NULL);
	int owned = owned_open(dir, "owned");

	ck_assert_int_eq(system("ip route add 203.0.113.0/24 dev left proto static scope link"), 0);
	orders_start(&orders, 8, owned);
	order_route(&orders, ROUTE_ADD, &route);
	orders_await(&orders);
	ck_assert_int_eq(orders.last_error, -EEXIST);
	ck_assert_uint_eq(owned_now(arena, owned).count, 0);
	order_route(&orders, ROUTE_REMOVE, &route);
	orders_await(&orders);
	ck_assert_int_eq(orders.last_error, -ESRCH);
	assert_route("203.0.113.0/24", "203.0.113.0/24 dev left proto static scope link \n");
	orders_end(&orders);
	close(owned);
}
END_TEST

START_TEST(writer_makes_marks_raises_and_removes_a_macvlan)
{
	auto_arena *arena = arena_new(0);
	struct orders orders = {0};
	int owned = owned_open(dir, "owned");
	struct macvlan wanted = {.name = "left-v4-51", .parent = left};
	struct owned_set set;
	struct link there;

	macvlan_mac(AF_INET, 51, wanted.mac);
	macvlan_alias("public", wanted.alias);
	orders_start(&orders, 8, owned);
	order_link(&orders, LINK_ADD, 0, &wanted);
	orders_await(&orders);
	ck_assert_int_eq(rtnl_link_by_name(rtnl, wanted.name, &there), 0);
	ck_assert(macvlan_is(&there, &wanted, true) && !there.alias && there.parent == left && !there.up);
	order_link(&orders, LINK_MARK, 0, &wanted);
	order_link(&orders, LINK_UP, there.index, &wanted);
	order_link(&orders, LINK_ADD, 0, &wanted); /* refused: nobody knows yet whose it is */
	orders_await(&orders);
	ck_assert_uint_eq(orders.failed, 1);
	ck_assert_int_eq(rtnl_link_by_name(rtnl, wanted.name, &there), 0);
	ck_assert(there.alias == link_alias_print("lbha:public") && there.up);
	order_link(&orders, LINK_DOWN, there.index, &wanted);
	orders_await(&orders);
	ck_assert_int_eq(rtnl_link_by_name(rtnl, wanted.name, &there), 0);
	ck_assert(!there.up);
	order_link(&orders, LINK_ADOPT, 0, &wanted);
	orders_await(&orders);
	set = owned_now(arena, owned);
	ck_assert_uint_eq(set.count, 1);
	ck_assert_int_eq(set.items[0].kind, OWNED_LINK);
	ck_assert_str_eq(set.items[0].link.name, "left-v4-51");
	ck_assert_str_eq(set.items[0].link.parent, "left");
	order_link(&orders, LINK_REMOVE, there.index, &wanted);
	orders_await(&orders);
	ck_assert_int_eq(rtnl_link_by_name(rtnl, wanted.name, &there), -ENODEV);
	ck_assert_uint_eq(owned_now(arena, owned).count, 0);
	orders_end(&orders);
	close(owned);
}
END_TEST

static int64_t sysctl_now(const char *path)
{
	int64_t value = -1;
	int proc = sysctl_open();

	ck_assert_int_eq(sysctl_read(proc, path, &value), 0);
	close(proc);
	return value;
}

START_TEST(writer_takes_a_sysctl_writes_down_what_was_there_and_gives_it_back)
{
	static const char ignore[] = "net/ipv4/conf/left/arp_ignore";
	auto_arena *arena = arena_new(0);
	struct orders orders = {0};
	int owned = owned_open(dir, "owned");
	struct owned_set set;

	orders_start(&orders, 8, owned);
	order_sysctl(&orders, SYSCTL_TAKE, ignore, 1, 0);
	orders_await(&orders);
	ck_assert(orders.last.sysctl.changed && orders.last.sysctl.op.former == 0);
	ck_assert_int_eq(sysctl_now(ignore), 1);
	set = owned_now(arena, owned);
	ck_assert_uint_eq(set.count, 1);
	ck_assert(set.items[0].sysctl.former == 0 && set.items[0].sysctl.set == 1);
	order_sysctl(&orders, SYSCTL_TAKE, ignore, 1, 0); /* at least 1: nothing to do */
	orders_await(&orders);
	ck_assert(!orders.last.sysctl.changed);
	order_sysctl(&orders, SYSCTL_GIVE, ignore, 1, 0);
	order_sysctl(&orders, SYSCTL_WRITE, "net/ipv4/conf/left/rp_filter", 2, 0);
	order_sysctl(&orders, SYSCTL_WRITE, "net/ipv4/conf/nobody/rp_filter", 2, 0);
	orders_await(&orders);
	ck_assert_int_eq(orders.last_error, -ENOENT);
	ck_assert_int_eq(sysctl_now(ignore), 0);
	ck_assert_int_eq(sysctl_now("net/ipv4/conf/left/rp_filter"), 2);
	ck_assert_uint_eq(owned_now(arena, owned).count, 0);
	orders_end(&orders);
	close(owned);
}
END_TEST

START_TEST(writer_leaves_a_sysctl_that_somebody_else_has_changed_since)
{
	static const char ignore[] = "net/ipv4/conf/left/arp_ignore";
	auto_arena *arena = arena_new(0);
	struct orders orders = {0};
	int owned = owned_open(dir, "owned");

	orders_start(&orders, 8, owned);
	order_sysctl(&orders, SYSCTL_TAKE, ignore, 1, 0);
	order_sysctl(&orders, SYSCTL_WRITE, ignore, 2, 0);
	order_sysctl(&orders, SYSCTL_GIVE, ignore, 1, 0);
	orders_await(&orders);
	ck_assert_int_eq(sysctl_now(ignore), 2);
	ck_assert_uint_eq(owned_now(arena, owned).count, 0);
	orders_end(&orders);
	close(owned);
}
END_TEST

START_TEST(writer_goes_on_where_nothing_can_be_written_down)
{
	auto_arena *arena = arena_new(0);
	struct orders orders = {0};
	struct address vip = ours(left, "192.0.2.80/32"), there = ours(left, "192.0.2.81/32");
	int full = open("/dev/full", O_RDWR | O_CLOEXEC);
	struct address_list list;

	orders_start(&orders, 8, full);
	rtnl_address_add(rtnl, &there);
	order(&orders, ADDRESS_ADD, &vip);
	order(&orders, ADDRESS_REMOVE, &there);
	orders_await(&orders);
	ck_assert_uint_eq(orders.failed, 0);
	list = kernel_addresses(arena, left);
	ck_assert(address_find(&list, &vip) && !address_find(&list, &there));
	orders_end(&orders);
	close(full);
}
END_TEST

START_TEST(writer_writes_down_later_what_found_no_room)
{
	auto_arena *arena = arena_new(0);
	struct orders orders = {0};
	struct address first = ours(left, "192.0.2.80/32"), gone = ours(left, "192.0.2.81/32"),
		       second = ours(left, "192.0.2.82/32");
	int owned = open("/dev/full", O_RDWR | O_CLOEXEC), file = owned_open(dir, "owned");
	struct owned_set set;

	orders_start(&orders, 8, owned);
	order(&orders, ADDRESS_ADD, &first);
	order(&orders, ADDRESS_ADD, &gone);
	order(&orders, ADDRESS_REMOVE, &gone);
	orders_await(&orders);
	ck_assert_int_eq(dup3(file, owned, O_CLOEXEC), owned); /* there is room */
	order(&orders, ADDRESS_ADD, &second);
	orders_await(&orders);
	set = owned_now(arena, file);
	ck_assert_uint_eq(set.count, 2);
	ck_assert(addr_equal(&set.items[0].address.prefix.address, &first.prefix.address));
	ck_assert(addr_equal(&set.items[1].address.prefix.address, &second.prefix.address));
	orders_end(&orders);
	close(owned);
	close(file);
}
END_TEST

START_TEST(writer_ends_only_after_what_was_put)
{
	auto_arena *arena = arena_new(0);
	struct orders orders = {0};
	struct address vip = ours(left, "192.0.2.80/32");

	orders_start(&orders, 8, -1);
	order(&orders, ADDRESS_ADD, &vip);
	rtnl_writer_free(orders.writer, 10 * NSTIME_S);
	orders.writer = NULL;
	ck_assert_uint_eq(kernel_addresses(arena, left).count, 2);
	orders_end(&orders);
}
END_TEST

/* ---- announcements ---- */

static int capture_open(uint32_t link, uint16_t protocol)
{
	struct sockaddr_ll here = {.sll_family = AF_PACKET,
				   .sll_protocol = htons(protocol),
				   .sll_ifindex = (int)link};
	struct timeval patience = {.tv_sec = 10};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(protocol));

	ck_assert_int_eq(bind(fd, (void *)&here, sizeof(here)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* The kernel's own IPv6 packets (MLD, router solicitations) come between. */
static void assert_received(int capture, const uint8_t *wanted, size_t size)
{
	uint8_t frame[2048];

	do
		ck_assert_int_ge(recv(capture, frame, sizeof(frame), 0), 0);
	while (memcmp(frame, wanted, size) != 0);
}

START_TEST(announcements_of_both_kinds_reach_the_other_end)
{
	enum { VIPS = 150 };
	int arp = capture_open(right, ETHERTYPE_ARP), ipv6 = capture_open(right, ETHERTYPE_IPV6);
	uint8_t wanted[FRAME_MAX];
	struct announcer *announcer;
	struct addr vips[VIPS];
	struct link link;
	int sent;

	rtnl_link_by_index(rtnl, left, &link);
	for (uint32_t i = 0; i < VIPS; i++)
		vips[i] = addr_from_ipv4(0xc0000200 + i);
	addr_parse("2001:db8::1", &vips[70]);
	addr_parse("2001:db8::2", &vips[149]);
	ck_assert_int_eq(announcer_new(&announcer), 0);
	for (size_t done = 0; done < VIPS; done += (size_t)sent) {
		sent = announce_send(announcer, left, link.mac, true, vips + done, VIPS - done);
		ck_assert(sent > 0 && sent <= ANNOUNCE_BATCH);
	}
	for (uint32_t i = 0; i < VIPS; i++) {
		size_t size = frame_announce(wanted, link.mac, &vips[i], true);

		assert_received(size == FRAME_ARP_SIZE ? arp : ipv6, wanted, size);
	}
	announcer_free(announcer);
	close(arp);
	close(ipv6);
}
END_TEST

START_TEST(router_flag_is_the_forwarding_of_the_link)
{
	ck_assert(!announce_as_router("left"));
	write_file("/proc/sys/net/ipv6/conf/left/forwarding", "1");
	ck_assert(announce_as_router("left") && !announce_as_router("right"));
	ck_assert(!announce_as_router("nosuch"));
}
END_TEST

START_TEST(announcing_on_a_link_that_is_gone_is_an_error)
{
	static const uint8_t mac[LINK_MAC] = {2};
	struct addr vip = addr_from_ipv4(0xc0000250);
	struct announcer *announcer;

	ck_assert_int_eq(announcer_new(&announcer), 0);
	ck_assert_int_eq(announce_send(announcer, 99999, mac, false, &vip, 1), -ENXIO);
	announcer_free(announcer);
}
END_TEST

int main(void)
{
	if (!may_make_namespaces()) {
		printf("skipped: neither root nor allowed to make a user namespace\n");
		return 77;
	}
	return SUITE_RUN(
		"net/writer",
		world_case(CASE("writer",
				writer_carries_thousands_in_order_and_keeps_the_owned_file,
				writer_tells_each_refusal_and_does_the_rest,
				writer_adopts_and_forgets_on_paper_only,
				writer_carries_routes_between_addresses_in_order,
				writer_does_not_touch_the_route_of_another,
				writer_goes_on_where_nothing_can_be_written_down,
				writer_writes_down_later_what_found_no_room,
				writer_ends_only_after_what_was_put)),
		world_case(CASE("links", writer_makes_marks_raises_and_removes_a_macvlan,
				writer_takes_a_sysctl_writes_down_what_was_there_and_gives_it_back,
				writer_leaves_a_sysctl_that_somebody_else_has_changed_since)),
		world_case(CASE("announce", announcements_of_both_kinds_reach_the_other_end,
				router_flag_is_the_forwarding_of_the_link,
				announcing_on_a_link_that_is_gone_is_an_error)),
		NULL);
}
