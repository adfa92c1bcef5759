/* Questions to rtnetlink, each sent and waited for. Every request asks for an acknowledgement, so
 * that a question ends with exactly one NLMSG_ERROR (0 or -errno) or, a dump, with NLMSG_DONE. A
 * dump during which the table changed (NLM_F_DUMP_INTR) is asked again. */
#include "net/rtnl_io.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "net/rtnl_message_io.h"

#define DUMP_TRIES 8

struct rtnl {
	struct nl_sock *socket;
};

/* One question: what to do with each message of the answer, and how it ended. */
struct question {
	int (*each)(struct nlmsghdr *message, void *ctx); /* 0 or -errno */
	void *ctx;
	bool ended;
	int error;
};

/* libnl keeps its own error numbers; errno tells the system's, if it was a system call
 * that failed. */
static int system_error(void)
{
	return errno ? -errno : -EIO;
}

int rtnl_open_protocol(int protocol, struct rtnl **out)
{
	struct rtnl *rtnl = calloc(1, sizeof(*rtnl));
	int err;

	if (!rtnl)
		return -ENOMEM;
	rtnl->socket = nl_socket_alloc();
	errno = rtnl->socket ? 0 : ENOMEM;
	if (!rtnl->socket || nl_connect(rtnl->socket, protocol)) {
		err = system_error();
		rtnl_close(rtnl);
		return err;
	}
	*out = rtnl;
	return 0;
}

int rtnl_open(struct rtnl **out)
{
	return rtnl_open_protocol(NETLINK_ROUTE, out);
}

void rtnl_close(struct rtnl *rtnl)
{
	if (!rtnl)
		return;
	nl_socket_free(rtnl->socket);
	free(rtnl);
}

static int on_message(struct nl_msg *message, void *arg)
{
	struct question *question = arg;
	int err = question->each ? question->each(nlmsg_hdr(message), question->ctx) : 0;

	if (err && !question->error)
		question->error = err;
	return NL_OK;
}

static int on_end(struct nl_msg *message, void *arg)
{
	struct question *question = arg;

	(void)message;
	question->ended = true;
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	struct question *question = arg;

	(void)from;
	question->ended = true;
	question->error = error->error;
	return NL_STOP;
}

static int receive_answer(struct rtnl *rtnl, struct question *question)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int err = 0;

	if (!cb)
		return -ENOMEM;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_message, question);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_end, question);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_end, question);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, question);
	while (!question->ended && !err) {
		errno = 0;
		err = nl_recvmsgs(rtnl->socket, cb);
	}
	nl_cb_put(cb);
	if (question->error)
		return question->error;
	if (err == -NLE_DUMP_INTR)
		return -EAGAIN;
	return question->ended ? 0 : system_error();
}

int rtnl_ask(struct rtnl *rtnl, struct nl_msg *message,
	     int (*each)(struct nlmsghdr *message, void *ctx), void *ctx)
{
	struct question question = {.each = each, .ctx = ctx};
	int sent;

	if (!message)
		return -ENOMEM;
	nlmsg_hdr(message)->nlmsg_flags |= NLM_F_ACK;
	errno = 0;
	sent = nl_send_auto(rtnl->socket, message);
	nlmsg_free(message);
	return sent < 0 ? system_error() : receive_answer(rtnl, &question);
}

static struct nl_msg *message_with(int type, int flags, const void *head, size_t size)
{
	struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (message && nlmsg_append(message, (void *)(uintptr_t)head, size, NLMSG_ALIGNTO)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

/* ---- links ---- */

static int keep_link(struct nlmsghdr *message, void *ctx)
{
	return message->nlmsg_type == RTM_NEWLINK ? rtnl_link_read(message, ctx) : 0;
}

int rtnl_link_by_name(struct rtnl *rtnl, const char *name, struct link *out)
{
	struct ifinfomsg head = {.ifi_family = AF_UNSPEC};
	struct nl_msg *message;
	struct link link;
	int err;

	if (!link_name_valid(name))
		return -ENODEV;
	message = message_with(RTM_GETLINK, 0, &head, sizeof(head));
	if (message && nla_put_string(message, IFLA_IFNAME, name)) {
		nlmsg_free(message);
		return -ENOMEM;
	}
	err = rtnl_ask(rtnl, message, keep_link, &link);
	if (!err)
		*out = link;
	return err;
}

int rtnl_link_by_index(struct rtnl *rtnl, uint32_t index, struct link *out)
{
	struct ifinfomsg head = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
	struct link link;
	int err = index ? rtnl_ask(rtnl, message_with(RTM_GETLINK, 0, &head, sizeof(head)), keep_link,
			      &link)
			: -ENODEV;

	if (!err)
		*out = link;
	return err;
}

struct links_wanted {
	struct arena *arena;
	struct link *items;
	size_t count;
};

static int collect_link(struct nlmsghdr *message, void *ctx)
{
	struct links_wanted *wanted = ctx;
	struct link link, *room;
	int err = rtnl_link_read(message, &link);

	if (err)
		return err == -ENOMSG ? 0 : err;
	room = arena_push(wanted->arena, &wanted->items, &wanted->count, sizeof(link));
	if (!room)
		return -ENOMEM;
	*room = link;
	return 0;
}

int rtnl_links(struct rtnl *rtnl, struct arena *arena, struct link **out, size_t *count)
{
	struct ifinfomsg head = {.ifi_family = AF_UNSPEC};
	struct links_wanted wanted = {0};
	int err = -EAGAIN;

	for (int i = 0; i < DUMP_TRIES && err == -EAGAIN; i++) {
		wanted = (struct links_wanted){.arena = arena};
		err = rtnl_ask(rtnl, message_with(RTM_GETLINK, NLM_F_DUMP, &head, sizeof(head)),
			  collect_link, &wanted);
	}
	if (err)
		return err;
	*out = wanted.items;
	*count = wanted.count;
	return 0;
}

/* ---- addresses ---- */

struct addresses_wanted {
	struct arena *arena;
	uint32_t link;
	struct address_list list;
};

static int collect_address(struct nlmsghdr *message, void *ctx)
{
	struct addresses_wanted *wanted = ctx;
	struct address address, *room;
	int err = rtnl_address_read(message, &address);

	if (err)
		return err == -ENOMSG ? 0 : err;
	if (wanted->link && address.link != wanted->link)
		return 0;
	room = arena_push(wanted->arena, &wanted->list.items, &wanted->list.count, sizeof(address));
	if (!room)
		return -ENOMEM;
	*room = address;
	return 0;
}

int rtnl_addresses(struct rtnl *rtnl, struct arena *arena, uint32_t link, struct address_list *out)
{
	struct ifaddrmsg head = {.ifa_family = AF_UNSPEC};
	struct addresses_wanted wanted = {0};
	int err = -EAGAIN;

	for (int i = 0; i < DUMP_TRIES && err == -EAGAIN; i++) {
		wanted = (struct addresses_wanted){.arena = arena, .link = link};
		err = rtnl_ask(rtnl, message_with(RTM_GETADDR, NLM_F_DUMP, &head, sizeof(head)),
			  collect_address, &wanted);
	}
	if (!err)
		*out = wanted.list;
	return err;
}

int rtnl_address_add(struct rtnl *rtnl, const struct address *address)
{
	return rtnl_ask(rtnl, rtnl_address_message(RTM_NEWADDR, NLM_F_EXCL, address), NULL, NULL);
}

int rtnl_address_change(struct rtnl *rtnl, const struct address *address)
{
	return rtnl_ask(rtnl, rtnl_address_message(RTM_NEWADDR, NLM_F_REPLACE, address), NULL, NULL);
}

int rtnl_address_remove(struct rtnl *rtnl, const struct address *address)
{
	return rtnl_ask(rtnl, rtnl_address_message(RTM_DELADDR, 0, address), NULL, NULL);
}

/* ---- routes ---- */

struct routes_wanted {
	struct arena *arena;
	bool (*keep)(const struct route *route);
	struct route_list list;
};

static int collect_route(struct nlmsghdr *message, void *ctx)
{
	struct routes_wanted *wanted = ctx;
	struct route route, *room;
	int err = rtnl_route_read(message, &route);

	if (err)
		return err == -ENOMSG ? 0 : err;
	if (!wanted->keep(&route))
		return 0;
	room = arena_push(wanted->arena, &wanted->list.items, &wanted->list.count, sizeof(route));
	if (!room)
		return -ENOMEM;
	*room = route;
	return 0;
}

int rtnl_routes(struct rtnl *rtnl, struct arena *arena, bool (*keep)(const struct route *route),
		struct route_list *out)
{
	struct rtmsg head = {.rtm_family = AF_UNSPEC};
	struct routes_wanted wanted = {0};
	int err = -EAGAIN;

	for (int i = 0; i < DUMP_TRIES && err == -EAGAIN; i++) {
		wanted = (struct routes_wanted){.arena = arena, .keep = keep};
		err = rtnl_ask(rtnl, message_with(RTM_GETROUTE, NLM_F_DUMP, &head, sizeof(head)),
			       collect_route, &wanted);
	}
	if (!err)
		*out = wanted.list;
	return err;
}

static struct nl_msg *route_message(int type, int flags, const struct rtnl_route *route)
{
	const struct addr *destination = &route->destination.address;
	struct rtmsg head = {
		.rtm_family = destination->family,
		.rtm_dst_len = route->destination.length,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = route->protocol,
		.rtm_scope = route->scope,
		.rtm_type = RTN_UNICAST,
	};
	struct nl_msg *message = message_with(type, flags, &head, sizeof(head));
	int size = (int)addr_size(destination->family);

	if (!message)
		return NULL;
	if (nla_put(message, RTA_DST, size, destination->bytes) ||
	    nla_put_u32(message, RTA_OIF, route->link) ||
	    (route->source.family && nla_put(message, RTA_PREFSRC, size, route->source.bytes))) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

int rtnl_route_add(struct rtnl *rtnl, const struct rtnl_route *route)
{
	return rtnl_ask(rtnl, route_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route), NULL, NULL);
}

int rtnl_route_remove(struct rtnl *rtnl, const struct rtnl_route *route)
{
	return rtnl_ask(rtnl, route_message(RTM_DELROUTE, 0, route), NULL, NULL);
}
