/* net/guard against the real kernel: what it drops, what it lets through, whose it is. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/guard.h"
#include "net/guard_io.h"
#include "world.h"

#define DEADLINE (20 * NSTIME_S)

struct change {
	struct loop *loop;
	struct loop_timer deadline;
	struct guard *guard;
	unsigned done;
	int error;
};

static void on_done(void *ctx, int error)
{
	struct change *change = ctx;

	change->done++;
	change->error = error;
	loop_stop(change->loop);
}

static void late(void *ctx)
{
	(void)ctx;
	ck_abort_msg("the guard did not answer in time");
}

static void change_start(struct change *change)
{
	change->loop = loop_new();
	timer_init(change->loop, &change->deadline, LOOP_NORMAL, late, change);
	ck_assert_int_eq(guard_new(change->loop, on_done, change, &change->guard), 0);
}

static void change_await(struct change *change, unsigned done)
{
	timer_at(&change->deadline, nstime_after(clock_now(), DEADLINE));
	while (change->done < done)
		ck_assert_int_eq(loop_run(change->loop), 0);
	timer_cancel(&change->deadline);
}

static void change_to(struct change *change, const struct addr *addresses, size_t count)
{
	unsigned done = change->done;

	ck_assert_int_eq(guard_set(change->guard, addresses, count), 0);
	change_await(change, done + 1);
	ck_assert_int_eq(change->error, 0);
}

static void change_end(struct change *change)
{
	guard_free(change->guard);
	timer_fini(&change->deadline);
	loop_free(change->loop);
}

static struct addr address_of(const char *text)
{
	struct addr address;

	ck_assert_int_eq(addr_parse(text, &address), 0);
	return address;
}

static unsigned lines_of(const char *command)
{
	char line[1024];
	unsigned lines = 0;
	FILE *shown = popen(command, "r");

	while (fgets(line, sizeof(line), shown))
		lines++;
	pclose(shown);
	return lines;
}

/* Fills in where a datagram to an address goes. */
static socklen_t place_of(struct sockaddr_storage *out, const struct addr *address, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	bool six = address->family == AF_INET6;

	memcpy(&in.sin_addr, address->bytes, 4);
	memcpy(&in6.sin6_addr, address->bytes, 16);
	memcpy(out, six ? (void *)&in6 : (void *)&in, six ? sizeof(in6) : sizeof(in));
	return six ? sizeof(in6) : sizeof(in);
}

/* Whether a datagram to an address of ours comes in: before one that is sent after it to where
 * nothing is guarded. */
static bool comes_in(const char *text)
{
	struct addr address = address_of(text), any = {.family = address.family};
	struct addr open = address_of(address.family == AF_INET ? "127.0.0.1" : "::1");
	int receiver = socket(address.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int sender = socket(address.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct timeval patience = {.tv_sec = 20};
	struct sockaddr_storage to;
	socklen_t size = place_of(&to, &any, 7007);
	char first = 0;

	setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ck_assert_int_eq(bind(receiver, (void *)&to, size), 0);
	place_of(&to, &address, 7007);
	ck_assert_int_eq(sendto(sender, "g", 1, 0, (void *)&to, size), 1);
	place_of(&to, &open, 7007);
	ck_assert_int_eq(sendto(sender, "o", 1, 0, (void *)&to, size), 1);
	ck_assert_int_eq(recv(receiver, &first, 1, 0), 1);
	close(receiver);
	close(sender);
	return first == 'g';
}

static void world_addresses(void)
{
	struct address list[] = {ours(lo, "192.0.2.1/32"), ours(lo, "192.0.2.2/32"),
				 ours(lo, "2001:db8::1/128"), ours(lo, "2001:db8::2/128")};

	for (size_t i = 0; i < COUNT_OF(list); i++)
		ck_assert_int_eq(rtnl_address_add(rtnl, &list[i]), 0);
	/* the kernel gives IPv6 addresses their routes in a work item of its own */
	while (!comes_in("2001:db8::1") || !comes_in("2001:db8::2"))
		usleep(1000);
}

START_TEST(what_is_sent_to_guarded_addresses_is_dropped)
{
	struct addr guarded[] = {address_of("192.0.2.1"), address_of("2001:db8::1")};
	struct change change = {0};

	world_addresses();
	change_start(&change);
	ck_assert(comes_in("192.0.2.1"));
	change_to(&change, guarded, 2);
	ck_assert(!comes_in("192.0.2.1") && !comes_in("2001:db8::1"));
	ck_assert(comes_in("192.0.2.2") && comes_in("2001:db8::2"));
	change_to(&change, guarded, 1);
	ck_assert(!comes_in("192.0.2.1") && comes_in("2001:db8::1"));
	change_to(&change, NULL, 0);
	ck_assert(comes_in("192.0.2.1"));
	ck_assert_uint_eq(lines_of("nft list tables"), 0);
	change_to(&change, guarded, 2);
	ck_assert(!comes_in("192.0.2.1"));
	change_end(&change);
	ck_assert(comes_in("192.0.2.1"));
}
END_TEST

START_TEST(nobody_else_flushes_it)
{
	struct addr guarded = address_of("192.0.2.1");
	struct change change = {0};

	world_addresses();
	change_start(&change);
	change_to(&change, &guarded, 1);
	ck_assert_int_eq(system("nft add table inet other && nft flush ruleset"), 0);
	ck_assert_uint_eq(lines_of("nft list tables"), 1);
	ck_assert(!comes_in("192.0.2.1"));
	change_end(&change);
	ck_assert_uint_eq(lines_of("nft list tables"), 0);
}
END_TEST

START_TEST(two_guards_stand_side_by_side)
{
	struct addr one = address_of("192.0.2.1"), other = address_of("192.0.2.2");
	struct change first = {0}, second = {0};

	world_addresses();
	change_start(&first);
	change_start(&second);
	change_to(&first, &one, 1);
	change_to(&second, &other, 1);
	ck_assert(!comes_in("192.0.2.1") && !comes_in("192.0.2.2"));
	change_end(&first);
	ck_assert(comes_in("192.0.2.1") && !comes_in("192.0.2.2"));
	change_end(&second);
}
END_TEST

START_TEST(thousands_of_addresses_fit_into_one_transaction)
{
	enum { ADDRESSES = 5000 };
	auto_arena *arena = arena_new(0);
	struct addr *guarded = arena_array(arena, ADDRESSES, sizeof(*guarded));
	struct change change = {0};

	world_addresses();
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		if (i % 2)
			guarded[i] = addr_from_ipv4(0x0a000000 + i);
		else
			guarded[i] = address_of("2001:db8:1::");
		guarded[i].bytes[14] ^= i % 2 ? 0 : (uint8_t)(i >> 8);
		guarded[i].bytes[15] ^= i % 2 ? 0 : (uint8_t)i;
	}
	guarded[ADDRESSES - 1] = address_of("192.0.2.1");
	change_start(&change);
	change_to(&change, guarded, ADDRESSES);
	ck_assert(!comes_in("192.0.2.1") && comes_in("192.0.2.2"));
	change_end(&change);
}
END_TEST

START_TEST(the_newest_of_many_changes_counts)
{
	struct addr one = address_of("192.0.2.1"), other = address_of("192.0.2.2");
	struct change change = {0};

	world_addresses();
	change_start(&change);
	for (int i = 0; i < 20; i++) {
		guard_set(change.guard, &one, 1);
		guard_set(change.guard, &other, 1);
	}
	change_await(&change, 1);
	ck_assert_int_eq(change.error, 0);
	ck_assert(comes_in("192.0.2.1") && !comes_in("192.0.2.2"));
	change_end(&change);
}
END_TEST

int main(void)
{
	if (!may_make_namespaces()) {
		printf("skipped: neither root nor allowed to make a user namespace\n");
		return 77;
	}
	return SUITE_RUN("net/guard",
			 world_case(CASE("guard", what_is_sent_to_guarded_addresses_is_dropped,
					 nobody_else_flushes_it, two_guards_stand_side_by_side,
					 thousands_of_addresses_fit_into_one_transaction,
					 the_newest_of_many_changes_counts)),
			 NULL);
}
