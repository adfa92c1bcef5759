/* A network namespace for each test: lo up and a pair left--right, real kernel. */
#ifndef LBHA_TESTS_WORLD_H
#define LBHA_TESTS_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "core/loop.h"
#include "net/owned_io.h"
#include "net/rtnl_io.h"
#include "suite.h"

static struct rtnl *rtnl;
static uint32_t lo, left, right;
static char folder[] = "/tmp/lbha-test-net-XXXXXX";
static int dir;

static inline void link_set_up(struct nl_sock *socket, const char *name)
{
	struct rtnl_link *link, *change = rtnl_link_alloc();

	ck_assert_int_eq(rtnl_link_get_kernel(socket, 0, name, &link), 0);
	rtnl_link_set_flags(change, rtnl_link_str2flags("up"));
	ck_assert_int_eq(rtnl_link_change(socket, link, change, 0), 0);
	rtnl_link_put(change);
	rtnl_link_put(link);
}

static inline uint32_t index_of(const char *name)
{
	struct link link;

	ck_assert_int_eq(rtnl_link_by_name(rtnl, name, &link), 0);
	ck_assert_str_eq(link.name, name);
	return link.index;
}

static inline void veth_make(const char *name, const char *peer)
{
	struct nl_sock *socket = nl_socket_alloc();

	ck_assert_int_eq(nl_connect(socket, NETLINK_ROUTE), 0);
	ck_assert_int_eq(rtnl_link_veth_add(socket, name, peer, getpid()), 0);
	link_set_up(socket, name);
	link_set_up(socket, peer);
	nl_socket_free(socket);
}

static inline void veth_delete(const char *name)
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
static inline void world_make(void)
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

static inline void world_end(void)
{
	unlinkat(dir, "owned", 0);
	unlinkat(dir, "link", 0);
	close(dir);
	rmdir(folder);
	rtnl_close(rtnl);
}

static inline struct address ours(uint32_t link, const char *text)
{
	struct prefix prefix;

	ck_assert_int_eq(prefix_parse(text, &prefix), 0);
	return address_ours(link, &prefix);
}

static inline struct address_list kernel_addresses(struct arena *arena, uint32_t link)
{
	struct address_list list;

	ck_assert_int_eq(rtnl_addresses(rtnl, arena, link, &list), 0);
	return list;
}

static inline struct owned_set owned_now(struct arena *arena, int fd)
{
	struct owned_set set;

	ck_assert_int_eq(owned_read(fd, arena, &set), 0);
	return set;
}

static inline TCase *world_case(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, world_make, world_end);
	return tcase;
}

static inline void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}

/* Root, or else root of a user namespace. */
static inline bool may_make_namespaces(void)
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

#endif
